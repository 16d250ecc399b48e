"""CMAP scans with a known number of units; nothing here uses the measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """threshold_ma, amplitude_uv, spread (SD / threshold): shape (n_units,)."""

    threshold_ma: np.ndarray
    amplitude_uv: np.ndarray
    spread: np.ndarray


def units(
    rng: np.random.Generator, count: int, *, maximum_uv: float = 8000.0, size_cv: float = 0.76
) -> Units:
    """Gamma amplitudes that add up to the maximum, log-normal thresholds, spreads near 1.3 %."""
    shape = 1 / size_cv**2
    amplitude = rng.gamma(shape, 1 / shape, count)
    spread = np.exp(rng.normal(np.log(0.013), 0.2, count))
    return Units(
        threshold_ma=10.0 * np.exp(rng.normal(0.0, 0.16, count)),
        amplitude_uv=maximum_uv * amplitude / amplitude.sum(),
        spread=spread,
    )


def scan(
    rng: np.random.Generator,
    pool: Units,
    *,
    step: float = 0.002,
    noise_uv: float = 15.0,
    muscle_sd: float = 0.003,
    span: float = 0.6,
) -> tuple[np.ndarray, np.ndarray]:
    """20 stimuli at the top, then down in steps: currents (mA) and responses (µV).

    muscle_sd: relative SD by which the whole response varies from stimulus to stimulus.
    """
    log_current = np.append(np.full(20, span), np.arange(span, -span, -step))
    current = 10.0 * np.exp(log_current)
    jitter = pool.spread * rng.standard_normal((current.size, pool.spread.size))
    fires = current[:, None] > pool.threshold_ma * (1 + jitter)
    response = fires @ pool.amplitude_uv
    response = response * (1 + muscle_sd * rng.standard_normal(current.size))
    return current, response + noise_uv * rng.standard_normal(current.size)
