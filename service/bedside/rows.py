"""The table of a study: sweeps in rows, each row's average or series, its plateau, and what was
changed by hand. Pure but for its own memory: the same sweeps and edits give the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from service.analysis.placed import called_absent, with_markers
from service.evidence.anatomy import anatomy
from service.evidence.findings import Supramaximal
from service.model import Measurement, Muscle, Sweep

from . import efforts
from .f_velocity import rests_on, velocity_above
from .measuring import SERIES, measure, not_assessable
from .plateau import proof, repeats, standing
from .rejection import AVERAGED, rejected
from .row_entries import ByHand, Entry
from .row_key import MOTOR, RowKey, Taken, targets
from .sites import place_of

KEPT_SWEEPS = 1000


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What one sweep gave: its own measurement, and that of its row.

    muscle: key of what was measured, channel: its label; None if nothing could be. average: of the
    row; average_sweeps: how many sweeps are in it. others: further muscles of the stimulated nerve.
    """

    measurement: Measurement
    average: Measurement
    muscle: str | None
    channel: str | None
    average_sweeps: int
    taken: Taken = field(default_factory=Taken)
    row: str = ""
    others: tuple[SweepResult, ...] = ()


class Rows:
    """All sweeps of one study, by row. A sweep whose device may not do its study is refused.

    changes: rises whenever a row may say something else.
    """

    def __init__(self) -> None:
        self._rows: dict[RowKey, list[Entry]] = {}
        self._automatic: dict[RowKey, Measurement] = {}
        self._hand: dict[RowKey, ByHand] = {}
        self._taken: dict[str, tuple[Sweep, Taken, bool]] = {}
        self._numbers: dict[str, int] = {}
        self._changed: dict[RowKey, None] = {}
        self._skin_c: dict[str, float] = {}
        self._kept: set[str] = set()
        self.changes = 0

    # ── sweeps ───────────────────────────────────────────────────────────────────────────────────

    def add(self, sweep: Sweep, taken: Taken) -> SweepResult:
        """Measure a sweep on the muscle asked for, and on others of the stimulated nerve."""
        self._taken[sweep.id] = (sweep, taken, True)
        self._numbers.setdefault(sweep.id, len(self._numbers))
        return self._sort_in(sweep, taken, included=True)

    def include(self, sweep_id: str, included: bool) -> None:
        """Take a sweep out of its averages, or back in. Unknown ones are passed over."""
        if sweep_id not in self._taken:
            return
        sweep, taken, _ = self._taken[sweep_id]
        self._taken[sweep_id] = (sweep, taken, included)
        for key, entries in self._rows.items():
            for entry in entries:
                if entry.sweep.id == sweep_id:
                    entry.included = included
                    self._touch(key)

    def correct(self, sweep_id: str, taken: Taken) -> SweepResult | None:
        """A sweep was taken elsewhere than was thought: into the row it belongs to."""
        if sweep_id not in self._taken:
            return None
        sweep, _, included = self._taken[sweep_id]
        self._taken[sweep_id] = (sweep, taken, included)
        for key, entries in self._rows.items():
            kept = [entry for entry in entries if entry.sweep.id != sweep_id]
            if len(kept) < len(entries):
                entries[:] = kept
                self._touch(key)
        return self._sort_in(sweep, taken, included=included)

    def taken(self, sweep_id: str) -> Taken | None:
        """Where a sweep was taken, as far as is known now; None for an unknown one."""
        found = self._taken.get(sweep_id)
        return None if found is None else found[1]

    def result(self, sweep_id: str) -> SweepResult | None:
        """A sweep as it now stands in its first row; None if it was never measured."""
        for key, entries in self._rows.items():
            for entry in entries:
                if entry.sweep.id == sweep_id:
                    return self._result(key, entry, self._taken[sweep_id][1])
        return None

    # ── what a person says of a row ──────────────────────────────────────────────────────────────

    def place(
        self, key: RowKey, name: str, latency_ms: float, *, by: str, at_utc: datetime
    ) -> None:
        """Put a marker, in ms after the stimulus. ValueError if it cannot stand there."""
        placed = self.check_place(key, name, latency_ms, by=by, at_utc=at_utc)
        before = self.measurement(key)
        hand = self._hand.setdefault(key, ByHand())
        hand.placed, hand.absent = placed, None
        hand.placed_on, hand.superseded = self.used(key), before.id
        self._touch(key)

    def check_place(
        self, key: RowKey, name: str, latency_ms: float, *, by: str, at_utc: datetime
    ) -> dict[str, tuple[float, str, datetime]]:
        """The markers by hand as they would be. ValueError if this one cannot stand there."""
        automatic = self._automatic_of(key)
        if automatic.state == "not_assessable":
            raise ValueError(f"not assessable: {'; '.join(automatic.reasons)}")
        placed = {**self.hand(key).placed, name: (latency_ms, by, at_utc)}
        self._with_placed(key, placed)
        return placed

    def reset(self, key: RowKey, name: str | None) -> None:
        """Back to automatic: one marker, or None: all, and "no response" with them."""
        hand = self._hand.setdefault(key, ByHand())
        before = self.measurement(key)
        if name is None:
            hand.placed, hand.absent = {}, None
        else:
            hand.placed.pop(name, None)
        hand.superseded = before.id
        self._touch(key)

    def call_absent(self, key: RowKey, by: str, *, electrode_checked: bool) -> None:
        """ "No response", by a person."""
        before = self.measurement(key)
        hand = self._hand.setdefault(key, ByHand())
        hand.placed, hand.absent = {}, (by, electrode_checked)
        hand.superseded = before.id
        self._touch(key)

    def set_distance(self, key: RowKey, mm: float | None) -> None:
        """As measured on the skin; None: not."""
        self.say(key, distance_mm=mm)

    def set_condition(
        self, key: RowKey, *, flexion_deg: float | None, after_exercise_s: float | None
    ) -> None:
        """How the elbow lay, and whether the run was taken directly after exercise; None: not
        recorded, and at rest."""
        self.say(key, flexion_deg=flexion_deg, after_exercise_s=after_exercise_s)

    def say(self, key: RowKey, **words: Any) -> None:
        """What a person says of a row, by the names of `ByHand`."""
        self._hand[key] = replace(self.hand(key), **words)
        self._touch(key)

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────

    def all_keys(self) -> tuple[RowKey, ...]:
        """Rows that have sweeps, in the order of their first."""
        return tuple(key for key, entries in self._rows.items() if entries)

    def entries(self, key: RowKey) -> tuple[Entry, ...]:
        """All sweeps of a row, also those left out."""
        return tuple(self._rows.get(key, ()))

    def hand(self, key: RowKey) -> ByHand:
        """What was done to a row by hand."""
        return self._hand.get(key, ByHand())

    def measurement(self, key: RowKey) -> Measurement:
        """What the row says now: the detector's, or with the markers that a person placed.

        Markers by hand stay where they were put, in ms after the stimulus, when sweeps come or go.
        """
        automatic = self._automatic_of(key)
        hand = self.hand(key)
        if hand.absent is not None:
            by, checked = hand.absent
            told = called_absent(automatic, by=by, electrode_checked=checked)
        elif hand.placed and automatic.state != "not_assessable":
            try:
                told = self._with_placed(key, hand.placed)
            except ValueError as error:
                why = f"the markers placed by hand no longer fit these sweeps: {error}"
                told = replace(automatic, reasons=(*automatic.reasons, why))
        else:
            told = automatic
        before = hand.superseded
        return told if before in (None, told.id) else replace(told, supersedes=before)

    def trace(self, key: RowKey) -> tuple[npt.NDArray[np.float64], float, float]:
        """(n_samples,) µV: the mean of the sweeps used; their rate; and the column of time zero."""
        chosen = efforts.drawn(self, key) if key.measure == efforts.EFFORT else self._averaged(key)
        mean = np.mean([entry.sweep.samples_uv[entry.column] for entry in chosen], axis=0)
        zero = float(np.mean([entry.sweep.zero_index for entry in chosen]))
        return mean, chosen[0].sweep.rate_hz, zero

    def used(self, key: RowKey) -> tuple[str, ...]:
        """Ids of the sweeps in the average or series."""
        return tuple(entry.sweep.id for entry in self._averaged(key))

    def rejected(self, key: RowKey) -> dict[str, str]:
        """Sweeps that the measure itself left out of the average, and why."""
        return rejected(self._automatic_of(key), self._used(key)) if key.measure == AVERAGED else {}

    def keep(self, sweep_id: str, kept: bool) -> None:
        """In the average whatever artefact rejection says; False: as that says."""
        (self._kept.add if kept else self._kept.discard)(sweep_id)
        for key, entries in self._rows.items():
            if any(entry.sweep.id == sweep_id for entry in entries):
                self._touch(key)

    def pairs(self, key: RowKey) -> list[tuple[Sweep, int]]:
        """Sweeps to be measured, with the row of their channel."""
        return [(entry.sweep, entry.column) for entry in self._used(key)]

    def proof(self, key: RowKey) -> Supramaximal | None:
        """Whether a motor row, or the CMAP of efforts, was shown to be supramaximal; else None."""
        if key.measure == efforts.EFFORT:
            return efforts.cmap_proof(self, key)
        return proof(standing(self.included(key))) if key.measure == MOTOR else None

    def changed(self) -> tuple[RowKey, ...]:
        """Rows that have changed since this was last asked, those gone empty among them."""
        told, self._changed = tuple(self._changed), {}
        return told

    def set_skin(self, celsius: Mapping[str, float]) -> None:
        """Skin temperatures by place (empty: everywhere); a train's sentences depend on them."""
        self._skin_c = dict(celsius)
        for key in [one for one in self._automatic if one.measure == "rns"]:
            del self._automatic[key]
        self.touch_all()

    def counts(self, key: RowKey) -> bool:
        """Whether a row has a sweep that is neither left out nor has a gap."""
        return bool(self.included(key))

    def touch_all(self) -> None:
        """What all rows are held against has changed."""
        self.changes += 1
        self._changed.update(dict.fromkeys(self.all_keys()))

    def distal(self, muscle: Muscle) -> tuple[Measurement, Supramaximal] | None:
        """The newest run at the muscle's distal site and whether it is supramaximal; None without
        any included sweep."""
        row = anatomy(muscle.name)
        key = RowKey(MOTOR, row.nerve, row.distal_site, muscle.side, muscle.key)
        newest = self.newest_run(key)
        if newest is None or not any(entry.included for entry in self._rows[newest]):
            return None
        return self.measurement(newest), proof(standing(self.included(newest)))

    def newest_run(self, key: RowKey) -> RowKey | None:
        """The last run at rest of a row that has sweeps, None if no run has: one after exercise
        does not stand for the muscle."""
        runs = [
            one
            for one in self.all_keys()
            if one.same_study(key) and self.hand(one).after_exercise_s is None
        ]
        return max(runs, key=lambda one: one.run, default=None)

    def sites(self, muscle: Muscle) -> tuple[str, ...]:
        """The stimulation sites that have motor sweeps for a muscle."""
        found = [k.site for k in self.all_keys() if k.muscle == muscle.key and k.measure == MOTOR]
        return tuple(dict.fromkeys(found))

    def measurements(self) -> list[Measurement]:
        """Every sweep's own measurement, then every row's."""
        own = [entry.measurement for entries in self._rows.values() for entry in entries]
        return own + [self.measurement(key) for key in self.all_keys() if self.included(key)]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _sort_in(self, sweep: Sweep, taken: Taken, *, included: bool) -> SweepResult:
        found = targets(taken, sweep.channels)
        if not found:
            who = taken.muscle or "the muscle of this sweep"
            why = f"{who} is not recorded: no channel is named so"
            unknown = not_assessable(taken.measure, [sweep.id], why, taken.muscle)
            return SweepResult(unknown, unknown, None, None, 0, taken)
        results = [self._measure(sweep, taken, *one, included=included) for one in found]
        return replace(results[0], others=tuple(results[1:]))

    def _measure(
        self, sweep: Sweep, taken: Taken, muscle: str, column: int, *, included: bool
    ) -> SweepResult:
        key = taken.key(muscle)
        if taken.refusal:
            refused = not_assessable(taken.measure, [sweep.id], taken.refusal, muscle)
            return SweepResult(refused, refused, muscle, sweep.channels[column], 0, taken)
        result = efforts.alone(key, sweep, column)
        entry = Entry(sweep, column, result, self._numbers[sweep.id], included)
        entries = self._rows.setdefault(key, [])
        entries.append(entry)
        # a sweep that came back into its row stands where it was taken
        entries.sort(key=lambda one: one.number)
        for gone in entries[:-KEPT_SWEEPS]:
            self._taken.pop(gone.sweep.id, None)
        del entries[:-KEPT_SWEEPS]
        self._touch(key)
        return self._result(key, entry, taken)

    def _result(self, key: RowKey, entry: Entry, taken: Taken) -> SweepResult:
        return SweepResult(
            entry.measurement,
            self.measurement(key) if key.measure not in SERIES else entry.measurement,
            key.muscle,
            entry.sweep.channels[entry.column],
            len(self._averaged(key)) if self.included(key) else 0,
            taken,
            key.id,
        )

    def _touch(self, key: RowKey) -> None:
        self.changes += 1
        self._automatic.pop(key, None)
        if key.measure == MOTOR:
            for one in self._resting_on(key):
                self._automatic.pop(one, None)
                self._changed[one] = None
        # what is measured against another row changes with it
        self._changed.update(dict.fromkeys([key, *self._related(key)]))

    def _resting_on(self, key: RowKey) -> list[RowKey]:
        return [one for one in self._rows if self._rows[one] and rests_on(one, key)]

    def _related(self, key: RowKey) -> Iterable[RowKey]:
        for one in self._rows:
            if one != key and one.measure == key.measure and one.nerve == key.nerve:
                other = one.on_other_side()
                if key.muscle in (one.muscle, other.muscle):
                    yield one

    def included(self, key: RowKey) -> list[Entry]:
        """The sweeps of a row that are neither left out nor have a gap."""
        return [e for e in self._rows.get(key, ()) if e.included and not e.sweep.gap]

    def _used(self, key: RowKey) -> list[Entry]:
        included = self.included(key)
        if not included:
            return self._rows[key][-1:]
        return efforts.chosen(key.measure, included)

    def _averaged(self, key: RowKey) -> list[Entry]:
        out, chosen = self.rejected(key), self._used(key)
        return [entry for entry in chosen if entry.sweep.id not in out] or chosen

    def _with_placed(
        self, key: RowKey, placed: Mapping[str, tuple[float, str, datetime]]
    ) -> Measurement:
        trace, rate_hz, zero = self.trace(key)
        at = {
            name: (zero + ms * rate_hz / 1000.0, by, when)
            for name, (ms, by, when) in placed.items()
        }
        return with_markers(self._automatic_of(key), trace, rate_hz, zero, placed=at)

    def _repeats_plateau(self, key: RowKey) -> bool | None:
        """Whether every stimulus of a train lay on the plateau of the response that it repeats;
        None without a motor row at the same place."""
        single = self.newest_run(replace(key, measure=MOTOR))
        return None if single is None else repeats(self.proof(single), self._used(key))

    def _automatic_of(self, key: RowKey) -> Measurement:
        if key not in self._automatic and key.measure == efforts.EFFORT:
            self._automatic[key] = efforts.measured(self, key)
        elif key not in self._automatic:
            self._automatic[key] = measure(
                key.measure,
                self.pairs(key),
                site=key.site,
                target=key.muscle,
                distance_mm=self.hand(key).distance_mm,
                nerve=key.nerve,
                always=[i for i, e in enumerate(self._used(key)) if e.sweep.id in self._kept],
                exercise_end_s=self.hand(key).exercise_end_s(self._taken),
                supramaximal=self._repeats_plateau(key) if key.measure == "rns" else None,
                velocity_m_s=velocity_above(self, key) if key.measure == "f_wave" else None,
                skin_c=self._skin_c.get(place_of(key.nerve, key.side), self._skin_c.get("")),
            )
        return self._automatic[key]
