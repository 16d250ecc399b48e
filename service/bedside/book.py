"""The sweeps of a study as they are told. On the event loop; no thread."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime

from service.model import Json, Measurement, Sweep
from service.store.types import KeptEdit, KeptSweep

from .corrections import moved_sweeps
from .efforts import is_effort
from .hunting import is_hunting
from .messages import measurement_json
from .row_key import Taken
from .rows import SweepResult

KEPT_SWEEPS = 1000  # of 8 channels at 16 kHz: 120 kB each


@dataclass(frozen=True, slots=True)
class Entry:
    """One sweep, where it was taken, and what was made of it. `number` rises by one. row: id, empty
    if nothing was measured. correction: what it was thought to be before, by whom, when."""

    number: int
    sweep: Sweep
    taken: Taken
    muscle: str
    channel: str
    row: str
    at_utc: datetime
    measurement: Measurement
    average: Measurement
    average_sweeps: int
    included: bool = True
    correction: dict[str, Json] | None = None


class SweepBook:
    """The newest 1000 sweeps by id."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._count = 0

    def add(
        self, sweep: Sweep, result: SweepResult, *, at_utc: datetime, number: int | None = None
    ) -> Entry:
        """A new sweep and what it gave. number: what it had before, if the study goes on."""
        self._count = self._count + 1 if number is None else max(number, self._count)
        entry = _entry(self._count, sweep, result, at_utc)
        self._entries[sweep.id] = entry
        while len(self._entries) > KEPT_SWEEPS:
            self._entries.popitem(last=False)
        return entry

    def passing(self, sweep: Sweep, result: SweepResult, *, at_utc: datetime) -> Entry:
        """A sweep that is told and not kept; it uses up a number."""
        self._count += 1
        return _entry(self._count, sweep, result, at_utc)

    def get(self, sweep_id: str) -> Entry | None:
        """A sweep, None if it is not (or no longer) in the book."""
        return self._entries.get(sweep_id)

    def include(self, sweep_id: str, included: bool) -> None:
        """Whether a sweep counts in its row; an unknown one is passed over."""
        entry = self._entries.get(sweep_id)
        if entry is not None:
            self._entries[sweep_id] = replace(entry, included=included)

    def corrected(self, sweep_id: str, correction: dict[str, Json]) -> None:
        """A sweep was moved; what it was at first stays with it."""
        entry = self._entries.get(sweep_id)
        if entry is not None:
            first = entry.correction["from"] if entry.correction else correction["from"]
            self._entries[sweep_id] = replace(entry, correction={**correction, "from": first})

    def recall(self, edit: KeptEdit) -> None:
        """What an edit of the past said of a sweep."""
        told = edit.to if isinstance(edit.to, dict) else {}
        if edit.what == "included":
            self.include(edit.target, bool(told.get("included")))
        elif edit.what == "correction":
            at_utc = edit.at_utc.isoformat()
            for sweep, was in moved_sweeps(edit):
                self.corrected(sweep, {"from": was, "by": edit.by, "at_utc": at_utc})

    def update(self, sweep_id: str, result: SweepResult) -> list[Entry]:
        """A sweep as it now stands; it and every other sweep of its row have the row's average."""
        self._entries[sweep_id] = _with_result(self._entries[sweep_id], result)
        changed = [
            replace(one, average=result.average, average_sweeps=result.average_sweeps)
            for one in self._entries.values()
            if one.sweep.id == sweep_id or (one.row == result.row and result.row)
        ]
        self._entries.update((entry.sweep.id, entry) for entry in changed)
        return changed

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All, newest last."""
        return tuple(self._entries.values())

    def message(self, entry: Entry) -> dict[str, Json]:
        """`sweep`."""
        sweep, taken = entry.sweep, entry.taken
        stimulus = sweep.stimulus
        return {
            "type": "sweep",
            "id": sweep.id,
            "number": entry.number,
            "device": sweep.device,
            "stream": sweep.stream,
            "epoch": sweep.epoch,
            "measure": taken.measure,
            "nerve": taken.nerve,
            "site": taken.site,
            "side": taken.side,
            "muscle": entry.muscle,
            "run": taken.run,
            "row": entry.row or None,
            "step": entry.row.rpartition(".")[0] or None,
            "corrected": entry.correction,
            "channel": entry.channel,
            "channels": list(sweep.channels),
            "rate_hz": sweep.rate_hz,
            "zero_index": sweep.zero_index,
            "start_index": sweep.start_index,
            "count": int(sweep.samples_uv.shape[-1]),
            "gap": sweep.gap,
            "included": entry.included,
            "at_utc": entry.at_utc.isoformat(),
            "current_ma": None if stimulus is None else stimulus.pulse.current_ma,
            "width_us": None if stimulus is None else stimulus.pulse.width_us,
            "current_stated": stimulus is not None and stimulus.stated,
            "hunting": is_hunting(sweep),
            "voluntary": is_effort(sweep),
            "measurement": measurement_json(entry.measurement),
            "average": {
                "sweeps": entry.average_sweeps,
                "measurement": measurement_json(entry.average),
            },
        }


def kept_sweep(entry: Entry) -> KeptSweep:
    """As the store keeps it."""
    taken = entry.taken
    return KeptSweep(
        entry.number, entry.sweep, taken.measure, taken.nerve, taken.site, taken.side,
        taken.muscle, taken.channel, taken.run, entry.at_utc, taken.refusal,
    )  # fmt: skip


def _entry(number: int, sweep: Sweep, result: SweepResult, at_utc: datetime) -> Entry:
    entry = Entry(
        number, sweep, result.taken, result.taken.muscle, sweep.channels[0], "",
        at_utc, result.measurement, result.average, result.average_sweeps,
    )  # fmt: skip
    return _with_result(entry, result)


def _with_result(entry: Entry, result: SweepResult) -> Entry:
    return replace(
        entry,
        taken=result.taken,
        muscle=result.muscle or result.taken.muscle,
        channel=result.channel or entry.channel,
        row=result.row,
        measurement=result.measurement,
        average=result.average,
        average_sweeps=result.average_sweeps,
    )
