"""What a row of the table holds: its sweeps, and what a person has said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from service.model import Measurement, Sweep

from .measuring import SERIES
from .plateau import on_plateau, strongest
from .row_key import MOTOR, Taken


@dataclass(slots=True)
class Entry:
    """A sweep in a row; column: of its channel."""

    sweep: Sweep
    column: int
    measurement: Measurement
    number: int
    included: bool = True


@dataclass(slots=True)
class ByHand:
    """What a person has said of a row. placed: marker -> (ms after the stimulus, initials, when).
    placed_on: the sweeps of the row when its markers were placed. absent: initials and whether the
    electrodes were checked. flexion_deg: of the elbow, 0 is straight. after_exercise_s: the run was
    taken directly after so many seconds of maximal exercise; None: at rest. exercise_ended: between
    two trains of the row, so many seconds after the stimulus of a sweep (id); None: all at rest.
    maximal_effort: whether the examiner saw that maximal effort was reached; None: nobody said.
    superseded: the measurement that the newest edit replaced."""

    placed: dict[str, tuple[float, str, datetime]] = field(default_factory=dict)
    placed_on: tuple[str, ...] = ()
    absent: tuple[str, bool] | None = None
    distance_mm: float | None = None
    flexion_deg: float | None = None
    after_exercise_s: float | None = None
    maximal_effort: bool | None = None
    exercise_ended: tuple[str, float] | None = None
    superseded: str | None = None

    def exercise_end_s(self, sweeps: Mapping[str, tuple[Sweep, Taken, bool]]) -> float | None:
        """When the exercise ended, on the clock of its epoch's stimuli; None: none was told."""
        if self.exercise_ended is None or self.exercise_ended[0] not in sweeps:
            return None
        sweep, since_s = sweeps[self.exercise_ended[0]][0], self.exercise_ended[1]
        return (sweep.start_index + sweep.zero_index) / sweep.rate_hz + since_s


def standing_for(measure: str, included: list[Entry]) -> list[Entry]:
    """Of the included sweeps of a row: all of a series; of a motor row its plateau, of others the
    highest current."""
    if measure in SERIES:
        return alike(included)
    return alike(list(on_plateau(included) if measure == MOTOR else strongest(included)))


def alike(entries: list[Entry]) -> list[Entry]:
    """Those that can be averaged with the newest: same rate, length and time zero within a sample.

    Time zero differs by less than a sample from sweep to sweep; the average uses their mean.
    """
    newest = entries[-1].sweep
    return [
        entry
        for entry in entries
        if entry.sweep.rate_hz == newest.rate_hz
        and entry.sweep.samples_uv.shape[1] == newest.samples_uv.shape[1]
        and abs(entry.sweep.zero_index - newest.zero_index) < 1.0
    ]
