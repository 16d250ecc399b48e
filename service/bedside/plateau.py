"""Which sweeps of a row stand for it: those on the plateau of the newest ramp of currents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from service.evidence.findings import Step, Supramaximal, supramaximal
from service.model import Measurement, Sweep

LEVEL = 0.98  # currents within 2 % are the same


class Stimulated(Protocol):
    """A sweep and what was measured on it alone."""

    @property
    def sweep(self) -> Sweep:
        """With its stimulus."""
        ...

    @property
    def measurement(self) -> Measurement:
        """Of this sweep."""
        ...


One = TypeVar("One", bound=Stimulated)


def standing(entries: Sequence[One]) -> Sequence[One]:
    """The newest ramp of rising currents that proves a plateau, else every sweep.

    Who lowers the current and ramps up again measures anew: a later plateau replaces an
    earlier one (a moved electrode, a muscle that changed), and the two are never averaged.
    """
    proven = (ramp for ramp in reversed(_ramps(entries)) if proof(ramp).proven)
    return next(proven, entries)


def proof(entries: Sequence[One]) -> Supramaximal:
    """Whether the highest current was shown to excite every fibre. An absent response counts 0."""
    steps = []
    for entry in entries:
        ma = current_ma(entry.sweep)
        if ma is None or entry.measurement.state == "not_assessable":
            continue
        values = entry.measurement.values
        noise_mv = values.get("noise_uv", 0.0) / 1000.0
        steps.append(Step(ma, values.get("amplitude_mv", 0.0), noise_mv))
    return supramaximal(steps)


def on_plateau(entries: Sequence[One]) -> Sequence[One]:
    """The plateau if there is one, else the highest current alone."""
    chosen = standing(entries)
    return strongest(chosen, proof(chosen).from_ma)


def strongest(entries: Sequence[One], from_ma: float | None = None) -> Sequence[One]:
    """Those from `from_ma` on, None: of the highest current; all where a current is not known."""
    known = [ma for entry in entries if (ma := current_ma(entry.sweep)) is not None]
    if not known or len(known) < len(entries):
        return entries
    least = LEVEL * (max(known) if from_ma is None else from_ma)
    return [entry for entry, ma in zip(entries, known, strict=True) if ma >= least]


def repeats(proven: Supramaximal | None, entries: Sequence[One]) -> bool | None:
    """Whether every stimulus lay on a plateau that was proven; None: nothing was tried."""
    if proven is None:
        return None
    currents = [current_ma(entry.sweep) for entry in entries]
    if not proven.proven or proven.from_ma is None or None in currents:
        return False
    return all((ma or 0.0) >= LEVEL * proven.from_ma for ma in currents)


def current_ma(sweep: Sweep) -> float | None:
    """What was asked for, None if it is not known which pulse it was."""
    return None if sweep.stimulus is None else sweep.stimulus.pulse.current_ma


def _ramps(entries: Sequence[One]) -> list[list[One]]:
    """Sweeps in order, cut where the current falls by more than 2 %."""
    ramps: list[list[One]] = []
    before = None
    for entry in entries:
        current = current_ma(entry.sweep)
        falls = None not in (before, current) and (current or 0.0) < LEVEL * (before or 0.0)
        if falls or not ramps:
            ramps.append([])
        ramps[-1].append(entry)
        before = current
    return ramps
