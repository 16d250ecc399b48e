"""The noise-free F-waves of a simulated patient: what each stimulus brought back, and when.

A response counts from 20 µV peak to peak and begins where it reaches 2 % of its largest deflection,
as the measured one does: later than its end-plates fire, by what the potential takes to rise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.patient import Patient
from simulators.patient.drawing import drawn_potentials

LEAST_UV = 20.0
BEGINS = 0.02
DELAY_SAMPLES = 1.5  # of the sinc3 front end, which the service takes off too


@dataclass(frozen=True, slots=True)
class NoiseFree:
    """One per stimulus: peak to peak (µV), onset after it (ms; absent: nothing came back)."""

    sizes_uv: tuple[float, ...]
    onsets_ms: tuple[float | None, ...]

    def earliest_ms(self, kept: Sequence[bool]) -> float | None:
        """Of the stimuli that were kept; None without any that counts."""
        told = [at for at, size, own in zip(self.onsets_ms, self.sizes_uv, kept, strict=True)
                if own and at is not None and size >= LEAST_UV]  # fmt: skip
        return min(told, default=None)


def noise_free(patient: Patient, lead: str, first: int, last: int) -> NoiseFree:
    """Of all stimuli in samples [first, last), each with what it brought until the next one."""
    told: Any = patient.truth(first, last)
    shots = [row["sample"] for row in told["stimuli"]]
    mine = [row for row in told["f_waves"] if row["muscle"] == lead]
    pairs = zip(shots, [*shots[1:], float(last)], strict=True)
    read = [_one(patient, lead, at, [row for row in mine if at < row["sample"] < end])
            for at, end in pairs]  # fmt: skip
    return NoiseFree(tuple(size for size, _ in read), tuple(at for _, at in read))


def earliest_firing_ms(told: Any, lead: str, rate_hz: float) -> float | None:
    """When the end-plates of the earliest F-wave fire after its stimulus, of any size; for a
    patient in another process, of whom only the truth is known. None without any."""
    shots = np.array([row["sample"] for row in told["stimuli"]])
    back = np.array([row["sample"] for row in told["f_waves"] if row["muscle"] == lead])
    if not back.size:
        return None
    return float(1e3 * (back - shots[np.searchsorted(shots, back) - 1]).min() / rate_hz)


def _one(
    patient: Patient, lead: str, at: float, events: Sequence[Any]
) -> tuple[float, float | None]:
    """Size and onset of one response."""
    if not events:
        return 0.0, None
    units = np.array([row["unit"] for row in events])
    samples = np.array([row["sample"] for row in events]) - at
    muscle, grid = patient._muscles[lead], patient._grid
    wave, begin = drawn_potentials(muscle.templates, grid, units, samples)
    height = np.abs(wave)
    place = begin + int(np.flatnonzero(height >= BEGINS * height.max())[0]) - DELAY_SAMPLES
    return float(np.ptp(wave)), 1e3 * place / grid.front_end.rate_hz
