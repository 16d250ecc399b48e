"""The sweeps of a study, in rows: the same nerve, site, side and muscle. Loop side; no thread."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime

from service.model import Json, Measurement, Sweep

from .interlock import Placement
from .messages import measurement_json
from .rows import SweepResult

KEPT_SWEEPS = 1000  # of 8 channels at 16 kHz: 120 kB each


@dataclass(frozen=True, slots=True)
class Entry:
    """One sweep, where it was taken, and what was made of it. `number` rises by one."""

    number: int
    sweep: Sweep
    placement: Placement
    channel: str
    at_utc: datetime
    measurement: Measurement
    average: Measurement
    average_sweeps: int
    included: bool = True


class SweepBook:
    """The newest 1000 sweeps by id."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._count = 0

    def add(
        self,
        sweep: Sweep,
        placement: Placement,
        *,
        at_utc: datetime,
        result: SweepResult,
    ) -> Entry:
        """A new sweep and what it gave; its row is that of the muscle measured."""
        self._count += 1
        if result.muscle is not None:
            placement = replace(placement, muscle=result.muscle)
        entry = Entry(
            self._count,
            sweep,
            placement,
            result.channel or sweep.channels[0],
            at_utc,
            result.measurement,
            result.average,
            result.average_sweeps,
        )
        self._entries[sweep.id] = entry
        while len(self._entries) > KEPT_SWEEPS:
            self._entries.popitem(last=False)
        return entry

    def get(self, sweep_id: str) -> Entry | None:
        """A sweep, None if it is not (or no longer) in the book."""
        return self._entries.get(sweep_id)

    def include(self, sweep_id: str, included: bool, result: SweepResult | None) -> list[Entry]:
        """Take a sweep into or out of its row; every entry of the row, with the new average."""
        chosen = self._entries[sweep_id]
        changed = []
        for entry in self.entries:
            if entry.placement != chosen.placement:
                continue
            own = included if entry.sweep.id == sweep_id else entry.included
            entry_now = replace(entry, included=own)
            if result is not None:
                entry_now = replace(
                    entry_now, average=result.average, average_sweeps=result.average_sweeps
                )
            changed.append(entry_now)
        self._entries.update((entry.sweep.id, entry) for entry in changed)
        return changed

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All, newest last."""
        return tuple(self._entries.values())

    def message(self, entry: Entry) -> dict[str, Json]:
        """`sweep`."""
        sweep, placement = entry.sweep, entry.placement
        stimulus = sweep.stimulus
        return {
            "type": "sweep",
            "id": sweep.id,
            "number": entry.number,
            "device": sweep.device,
            "stream": sweep.stream,
            "epoch": sweep.epoch,
            "nerve": placement.nerve,
            "site": placement.site,
            "side": placement.side,
            "muscle": placement.muscle,
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
            "measurement": measurement_json(entry.measurement),
            "average": {
                "sweeps": entry.average_sweeps,
                "measurement": measurement_json(entry.average),
            },
        }
