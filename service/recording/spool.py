"""What the recorder was told and has not yet written: bounded, never blocking, loss counted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from drivers.types import SampleBlock, StreamInfo
from service.model import Json

from .layout import Topic
from .messages import Gap, gap_to_json

_MOST_EVENTS = 100_000
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One JSON message to be written."""

    topic: Topic
    at_s: float
    value: dict[str, Json]


@dataclass(frozen=True, slots=True, eq=False)
class BlockEntry:
    """One block to be written."""

    device: str
    info: StreamInfo
    block: SampleBlock


Entry = EventEntry | BlockEntry


class Spool:
    """A queue of at most `seconds` of samples per device stream; the caller holds the lock.

    When it is full the newest block is dropped and counted, and a gap with cause `recorder` is
    queued before the next block of that stream that fits: order is data.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._entries: deque[Entry] = deque()
        self._queued_s: dict[tuple[str, str], float] = {}
        self._dropping: dict[tuple[str, str], list[Gap]] = {}
        self.lost_samples = 0
        self.lost_events = 0

    @property
    def longest_s(self) -> float:
        """Seconds queued of the fullest stream."""
        return max(self._queued_s.values(), default=0.0)

    @property
    def dropping(self) -> bool:
        """Whether the newest samples of some stream are being lost now."""
        return bool(self._dropping)

    def __len__(self) -> int:
        return len(self._entries)

    def event(self, entry: EventEntry) -> None:
        """Queue one JSON message; counted as lost above 100,000 of them."""
        if len(self._entries) >= _MOST_EVENTS:
            self.lost_events += 1
        else:
            self._entries.append(entry)

    def block(self, entry: BlockEntry) -> None:
        """Queue one block, or drop it and remember the gap."""
        key = (entry.device, entry.block.stream)
        seconds = self._queued_s.get(key, 0.0) + entry.block.data.shape[-1] / entry.info.rate_hz
        if seconds > self._seconds + _ROUNDING_S or len(self._entries) >= _MOST_EVENTS:
            self._drop(key, entry.block)
            return
        for gap in self._dropping.pop(key, ()):
            self._entries.append(EventEntry("gap", gap.at_s, gap_to_json(gap)))
        self._queued_s[key] = seconds
        self._entries.append(entry)

    def _drop(self, key: tuple[str, str], block: SampleBlock) -> None:
        gaps = self._dropping.setdefault(key, [])
        first, at_s = block.start_index, block.received_s
        if gaps and gaps[-1].epoch == block.epoch:
            first, at_s = gaps[-1].first_missing, gaps[-1].at_s
            gaps.pop()
        count = block.end_index - first
        gaps.append(Gap(*key, block.epoch, first, count, "recorder", at_s))
        self.lost_samples += block.data.shape[-1]

    def take(self, most: int) -> list[Entry]:
        """Remove and return the oldest entries, at most `most`."""
        taken = [self._entries.popleft() for _ in range(min(most, len(self._entries)))]
        for entry in taken:
            if isinstance(entry, BlockEntry):
                key = (entry.device, entry.block.stream)
                seconds = entry.block.data.shape[-1] / entry.info.rate_hz
                self._queued_s[key] = max(0.0, self._queued_s[key] - seconds)
        if not self._entries:
            self._queued_s.clear()  # float residue of adding and subtracting ends here
        return taken

    def settle(self) -> None:
        """At the end: queue the gaps that no later block announced."""
        for gaps in self._dropping.values():
            self._entries.extend(EventEntry("gap", g.at_s, gap_to_json(g)) for g in gaps)
        self._dropping.clear()
