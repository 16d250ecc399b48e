"""Stimulating to find the place: what a sweep says that is shown and kept in no row."""

from __future__ import annotations

from service.model import Sweep

from .measuring import alone, not_assessable
from .row_key import Taken, targets
from .rows import SweepResult


def is_hunting(sweep: Sweep) -> bool:
    """Whether its pulse was given to find the place."""
    return sweep.stimulus is not None and sweep.stimulus.hunting


def look(sweep: Sweep, taken: Taken) -> SweepResult:
    """On the muscle asked for, else on the first of its nerve; what cannot be measured says why."""
    found = targets(taken, sweep.channels)
    if not found or taken.refusal:
        why = taken.refusal or f"{taken.muscle or 'the muscle of this sweep'} is not recorded"
        told = not_assessable(taken.measure, [sweep.id], why, taken.muscle)
        return SweepResult(told, told, None, None, 0, taken)
    muscle, column = found[0]
    told = alone(taken.measure, sweep, column, site=taken.site, target=muscle)
    return SweepResult(told, told, muscle, sweep.channels[column], 0, taken)
