"""A study with sweeps, as a bedside would keep it."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from drivers.types import Pulse, Stimulus, Trigger
from service.model import Sweep
from service.store.types import KeptStep, KeptStudy, KeptSweep

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_study(study_id: str = "s1", **changes) -> KeptStudy:
    """Open, of patient P-1."""
    told = {
        "id": study_id, "patient": "P-1", "visit": "first", "operator": "KS",
        "protocol": "upper_limb", "sides": ("left",), "state": "open", "opened_utc": NOON,
    }  # fmt: skip
    return KeptStudy(**(told | changes))


def a_step(step_id: str = "one", **changes) -> KeptStep:
    """Open."""
    return KeptStep(**({"id": step_id, "position": 1.0, "plan": {"nerve": "median"}} | changes))


def a_sweep(number: int = 1, *, missing: bool = False) -> KeptSweep:
    """Two channels of noise by its number, 16 kHz, with its stimulus."""
    samples = np.random.default_rng(number).normal(0, 10, (2, 320))
    if missing:
        samples[:, 100:110] = np.nan
    edge = Trigger("emg", 1, 1600.5 + number, "stimulator", "rise", 3e-5)
    stimulus = Stimulus(f"p{number}", Pulse(20.0, 200.0), "median", "wrist", "left", 1.0, 1.1, edge)
    sweep = Sweep(
        id=f"s1:emg:1:{number}", recording="s1", device="hackeeg", stream="emg", epoch=1,
        trigger=edge, stimulus=stimulus, channels=("left APB", "left FDI"), start_index=1500,
        rate_hz=16_000.0, zero_index=102.004, samples_uv=samples, gap=missing,
        time_zero_known=True, received_s=3.25,
    )  # fmt: skip
    return KeptSweep(
        number, sweep, "motor_response", "median", "wrist", "left", "left APB", "left APB", 1, NOON
    )
