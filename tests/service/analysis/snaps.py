"""Sensory nerve action potentials with known truth; nothing here uses the measures.

Each fibre passes the electrodes at its own velocity: the volume-conducted potential of a travelling
tripole is seen by E1 and, further along the nerve, by E2. Bar electrodes on a finger see the
action potential arrive under E1 from nowhere (antidromic: no positive phase before it).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

FINE_HZ = 160_000.0
PRE_MS = 20.0


@dataclass(frozen=True, slots=True)
class Snap:
    """Noise-free, negative below zero, its negative peak 1 µV high; FINE_HZ, from the stimulus."""

    waveform_uv: np.ndarray
    onset_ms: float
    peak_ms: float
    peak_to_peak: float
    triphasic: bool


@cache
def snap(
    *, distance_mm: float = 140.0, velocity_m_s: float = 55.0, spread: float = 0.06,
    triphasic: bool = False, seed: int = 1,
) -> Snap:  # fmt: skip
    """The sum of 200 fibres."""
    rng = np.random.default_rng(seed)
    time_ms = np.arange(round(0.02 * FINE_HZ)) / FINE_HZ * 1e3
    wave = np.zeros_like(time_ms)
    for speed in velocity_m_s * np.exp(spread * rng.standard_normal(200)):
        for place_mm, sign in ((distance_mm, 1.0), (distance_mm + 35.0, -0.6)):
            at = (time_ms - place_mm / speed - 0.35) / 0.16
            lobe = np.exp(-0.5 * at**2)
            # a passing tripole is positive, negative, positive; one that arrives starts negative
            wave += sign * (lobe * (1 - 0.6 * at**2) if triphasic else lobe)
    up = wave / wave.max()
    peak = int(up.argmax())
    if triphasic:
        onset = int(up[:peak].argmin())
        lowest = min(up[:peak].min(), up[peak:].min())
    else:
        onset = int(np.flatnonzero(up[:peak] <= 0.02)[-1])
        lowest = up[peak:].min()
    return Snap(-up, time_ms[onset], time_ms[peak], 1.0 - lowest, triphasic)


def sensory_sweeps(
    rng: np.random.Generator,
    shape: Snap | None,
    *,
    rate_hz: float,
    count: int = 16,
    amplitude_uv: float = 20.0,
    noise_uv: float = 3.0,
    mains_uv: float = 3.0,
    tail_uv: float | None = None,
    tail_ms: float | None = None,
) -> tuple[np.ndarray, float]:
    """(count, n_samples) µV and the zero index; noise and phase of the mains differ by sweep."""
    time_ms = np.arange(round(0.06 * FINE_HZ)) / FINE_HZ * 1e3
    wave = np.zeros_like(time_ms)
    if shape is not None:
        wave[: shape.waveform_uv.size] = amplitude_uv * shape.waveform_uv
    tail = rng.uniform(-60.0, 60.0) if tail_uv is None else tail_uv
    tau_ms = rng.uniform(0.3, 1.5) if tail_ms is None else tail_ms
    wave += np.where(time_ms < 0.15, 40 * tail, tail * np.exp(-(time_ms - 0.15) / tau_ms))
    whole = np.concatenate([np.zeros(round(PRE_MS * 1e-3 * FINE_HZ)), wave])
    box = np.ones(round(FINE_HZ / rate_hz)) / round(FINE_HZ / rate_hz)
    whole = np.convolve(whole, box, mode="same")
    shift_s = rng.uniform(0, 1) / rate_hz
    at_s = shift_s + np.arange(round((whole.size / FINE_HZ - 0.002) * rate_hz)) / rate_hz
    clean = np.interp(at_s, np.arange(whole.size) / FINE_HZ, whole)
    phases = rng.uniform(0, 2 * np.pi, (count, 1))
    mains = mains_uv * np.sin(2 * np.pi * 50.0 * at_s[None, :] + phases)
    noise = noise_uv * rng.standard_normal((count, at_s.size))
    return clean[None, :] + mains + noise, (PRE_MS * 1e-3 - shift_s) * rate_hz


def family() -> list[Snap]:
    """Arm and leg, fast and slow, arriving and passing."""
    return [
        snap(distance_mm=mm, velocity_m_s=speed, spread=spread, triphasic=three)
        for mm, speed, spread in (
            (140.0, 58.0, 0.05), (140.0, 45.0, 0.08), (100.0, 60.0, 0.05), (140.0, 30.0, 0.08),
            (80.0, 52.0, 0.06),
        )
        for three in (False, True)
    ]  # fmt: skip
