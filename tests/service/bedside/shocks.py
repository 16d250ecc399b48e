"""Sweeps whose responses are known: a smooth negative wave on one channel, noise on the others."""

from __future__ import annotations

import numpy as np

from drivers.types import Pulse, Stimulus, Trigger
from service.bedside.row_key import MOTOR, Taken
from service.model import Sweep

LABELS = ("left APB", "left FDI", "right APB", "left median D2")
RATE_HZ = 16_000.0
ZERO = 320.25
COUNT = 1920


def shock(
    number: int,
    *,
    nerve: str = "median",
    site: str = "wrist",
    side: str = "left",
    record: str = "APB",
    latency_ms: float = 3.5,
    size_uv: float = 8000.0,
    width_ms: float = 6.0,
    current_ma: float = 30.0,
) -> Sweep:
    """`size_uv` 0: no response. latency_ms: where the wave leaves the baseline."""
    rng = np.random.default_rng(number)
    samples = rng.normal(0.0, 1.0, (len(LABELS), COUNT))
    since_ms = (np.arange(COUNT) - ZERO) / RATE_HZ * 1000.0 - latency_ms
    phase = np.clip(since_ms / width_ms, 0.0, 2.0)
    wave = np.where(phase < 1, np.sin(np.pi * phase), 0.4 * np.sin(np.pi * phase))
    samples[LABELS.index(f"{side} {record}")] -= size_uv * wave
    edge = Trigger("emg", 1, 1000.0 * number + 0.5, "stimulator", "rise", 3e-5)
    pulse = Pulse(current_ma, 200.0)
    told = Stimulus(f"p{number}", pulse, nerve, site, side, float(number), float(number), edge)
    return Sweep(
        f"r:emg:1:{number}", "r", "d", "emg", 1, edge, told, LABELS, 1000 * number - 320, RATE_HZ,
        ZERO, samples, False, True, float(number),
    )  # fmt: skip


def taken(sweep: Sweep, record: str = "APB", *, measure: str = MOTOR, run: int = 1) -> Taken:
    """As the step says that the sweep was for."""
    told = sweep.stimulus
    return Taken(measure, told.nerve, told.site, told.side, f"{told.side} {record}", "", run)
