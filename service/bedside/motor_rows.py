"""The motor study of each muscle: sweeps in rows, each row's average, and the proof of plateau."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from service.analysis.motor import MEASURE, VERSION, MotorSettings, motor_response
from service.analysis.result import build
from service.evidence.anatomy import anatomy
from service.evidence.findings import Step, Supramaximal, supramaximal
from service.model import Measurement, Muscle, Sweep

from .montage import Montage

# Where the negative peak may lie, by stimulation site: far enough for a slow nerve, before F waves.
_SEARCH_TO_MS = {"wrist": 18.0, "elbow": 22.0, "below_elbow": 22.0, "axilla": 26.0, "erb": 30.0}
_SEARCH_TO_ELSEWHERE_MS = 40.0
KEPT_SWEEPS = 200


@dataclass(frozen=True, slots=True)
class RowKey:
    """Sweeps that may be averaged: the same nerve, site, side and muscle."""

    nerve: str
    site: str
    side: str
    muscle: str


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What one sweep gave: its own measurement, and that of its row's average.

    muscle, channel: what was measured, None if the stimulus is unknown. average_sweeps: how many
    sweeps are in the average: the included ones on the plateau, else at the highest current.
    others: the same for further muscles of the stimulated nerve.
    """

    measurement: Measurement
    average: Measurement
    muscle: Muscle | None
    channel: str | None
    average_sweeps: int
    others: tuple[SweepResult, ...] = ()


@dataclass(slots=True)
class _Entry:
    sweep: Sweep
    column: int
    measurement: Measurement
    included: bool = True


class MotorRows:
    """All sweeps of one study, by row. A sweep whose device may not do this study is refused."""

    def __init__(self, montage: Montage) -> None:
        self._montage = montage
        self._rows: dict[RowKey, list[_Entry]] = {}
        self._averages: dict[RowKey, Measurement] = {}

    def add(self, sweep: Sweep, *, muscle: str | None, refusal: str) -> SweepResult:
        """Measure a sweep on the muscle asked for, and on others of the stimulated nerve."""
        leads = self._targets(sweep, muscle)
        results = [self._measure(sweep, lead, refusal) for lead in leads]
        if not results:
            unknown = _not_assessable(sweep, "the muscle of this sweep is not recorded")
            return SweepResult(unknown, unknown, None, None, 0)
        return replace(results[0], others=tuple(results[1:]))

    def include(self, sweep_id: str, included: bool) -> None:
        """Take a sweep out of its averages, or back in."""
        for key, entries in self._rows.items():
            for entry in entries:
                if entry.sweep.id == sweep_id:
                    entry.included = included
                    self._averages.pop(key, None)

    def result(self, sweep_id: str) -> SweepResult | None:
        """A sweep as it now stands in its first row; None if it was never measured."""
        for key, entries in self._rows.items():
            for entry in entries:
                if entry.sweep.id == sweep_id:
                    channel = entry.sweep.channels[entry.column]
                    count = len(self._chosen(key))
                    muscle = self._montage.muscle_of(channel)
                    average = self._average(key)
                    return SweepResult(entry.measurement, average, muscle, channel, count)
        return None

    def distal(self, muscle: Muscle) -> tuple[Measurement, Supramaximal] | None:
        """The average at the muscle's distal site and whether it is supramaximal; None without
        any included sweep."""
        row = anatomy(muscle.name)
        key = RowKey(row.nerve, row.distal_site, muscle.side, muscle.key)
        if not any(entry.included for entry in self._rows.get(key, ())):
            return None
        return self._average(key), self._proof(key)

    def sites(self, muscle: Muscle) -> tuple[str, ...]:
        """The stimulation sites that have sweeps for a muscle."""
        return tuple(key.site for key in self._rows if key.muscle == muscle.key)

    def measurements(self) -> list[Measurement]:
        """Every sweep's own measurement, then every row's average."""
        own = [entry.measurement for entries in self._rows.values() for entry in entries]
        return own + [self._average(key) for key in self._rows if self._included(key)]

    def _targets(self, sweep: Sweep, asked: str | None) -> list[Muscle]:
        """The muscle asked for first, then those of the nerve, the site's own before others."""
        recorded = [
            m for m in self._montage.muscles if self._montage.channel_of(m) in sweep.channels
        ]
        first = [muscle for muscle in recorded if muscle.key == asked]
        if sweep.stimulus is None:
            return first
        nerve, side, site = sweep.stimulus.nerve, sweep.stimulus.side, sweep.stimulus.site
        same = [m for m in recorded if anatomy(m.name).nerve == nerve and m.side == side]
        same.sort(key=lambda m: anatomy(m.name).distal_site != site)
        return list(dict.fromkeys([*first, *same]))

    def _measure(self, sweep: Sweep, muscle: Muscle, refusal: str) -> SweepResult:
        channel = self._montage.channel_of(muscle) or ""
        column = sweep.channels.index(channel)
        if refusal:
            refused = _not_assessable(sweep, refusal, target=muscle.key)
            return SweepResult(refused, refused, muscle, channel, 0)
        key = _key(sweep, muscle)
        result = _respond([(sweep, column)], key)
        entries = self._rows.setdefault(key, [])
        entries.append(_Entry(sweep, column, result))
        del entries[:-KEPT_SWEEPS]
        self._averages.pop(key, None)
        return SweepResult(result, self._average(key), muscle, channel, len(self._chosen(key)))

    def _included(self, key: RowKey) -> list[_Entry]:
        return [entry for entry in self._rows[key] if entry.included and not entry.sweep.gap]

    def _standing(self, key: RowKey) -> list[_Entry]:
        """The newest ramp of rising currents that proves a plateau, else every included sweep.

        Who lowers the current and ramps up again measures anew: a later plateau replaces an
        earlier one (a moved electrode, a muscle that changed), and the two are never averaged.
        """
        entries = self._included(key)
        proven = (r for r in reversed(_ramps(entries)) if supramaximal(list(_steps(r))).proven)
        return next(proven, entries)

    def _proof(self, key: RowKey) -> Supramaximal:
        return supramaximal(list(_steps(self._standing(key))))

    def _chosen(self, key: RowKey) -> list[_Entry]:
        """Sweeps of the average: the plateau if there is one, else the highest current alone."""
        entries = self._standing(key)
        currents = [_current(entry) for entry in entries]
        if not currents or None in currents:
            return entries
        known = [current for current in currents if current is not None]
        proof = self._proof(key)
        least = max(known) * 0.98 if proof.from_ma is None else proof.from_ma * 0.98
        return [entry for entry, ma in zip(entries, known, strict=True) if ma >= least]

    def _average(self, key: RowKey) -> Measurement:
        if key not in self._averages:
            chosen = self._chosen(key) or self._rows[key][-1:]
            pairs = [(entry.sweep, entry.column) for entry in _alike(chosen)]
            self._averages[key] = _respond(pairs, key)
        return self._averages[key]


def _key(sweep: Sweep, muscle: Muscle) -> RowKey:
    stimulus = sweep.stimulus
    if stimulus is None:
        return RowKey("", "", muscle.side, muscle.key)
    return RowKey(stimulus.nerve, stimulus.site, stimulus.side, muscle.key)


def _alike(entries: list[_Entry]) -> list[_Entry]:
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


def _respond(pairs: list[tuple[Sweep, int]], key: RowKey) -> Measurement:
    """The one detector, on one sweep or on the average of several; `int` is the channel's row."""
    sweeps = [sweep for sweep, _ in pairs]
    settings = MotorSettings(search_to_ms=_SEARCH_TO_MS.get(key.site, _SEARCH_TO_ELSEWHERE_MS))
    return motor_response(
        np.stack([sweep.samples_uv[column] for sweep, column in pairs]),
        sweeps[0].rate_hz,
        float(np.mean([sweep.zero_index for sweep in sweeps])),
        settings=settings,
        target=key.muscle,
        inputs=[sweep.id for sweep in sweeps],
        gap=any(sweep.gap for sweep in sweeps),
        time_zero_known=all(sweep.time_zero_known for sweep in sweeps),
    )


def _ramps(entries: list[_Entry]) -> list[list[_Entry]]:
    """Sweeps in order, cut where the current falls by more than 2 %."""
    ramps: list[list[_Entry]] = []
    before = None
    for entry in entries:
        current = _current(entry)
        falls = None not in (before, current) and (current or 0.0) < 0.98 * (before or 0.0)
        if falls or not ramps:
            ramps.append([])
        ramps[-1].append(entry)
        before = current
    return ramps


def _steps(entries: Iterable[_Entry]) -> Iterable[Step]:
    """Stimulus intensities with the amplitude each gave; an absent response is 0."""
    for entry in entries:
        current = _current(entry)
        if current is None or entry.measurement.state == "not_assessable":
            continue
        values = entry.measurement.values
        yield Step(current, values.get("amplitude_mv", 0.0), values.get("noise_uv", 0.0) / 1000.0)


def _current(entry: _Entry) -> float | None:
    return None if entry.sweep.stimulus is None else entry.sweep.stimulus.pulse.current_ma


def _not_assessable(sweep: Sweep, reason: str, target: str = "") -> Measurement:
    return build(
        MEASURE,
        VERSION,
        target=target,
        inputs=[sweep.id],
        settings=MotorSettings(),
        state="not_assessable",
        reasons=[reason],
    )
