"""Follows the sample index of every stream: a jump is a gap, and nothing else is."""

from __future__ import annotations

from drivers.types import SampleBlock

from .messages import Gap


class Continuity:
    """Keeps the next expected index per device stream. A stream starts where its first block does:
    a recording begun in the middle of an epoch has lost nothing before it."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, str], tuple[int, int]] = {}

    def follow(self, device: str, block: SampleBlock) -> Gap | None:
        """The gap before `block`, or None. A new epoch starts afresh."""
        key = (device, block.stream)
        epoch, expected = self._next.get(key, (block.epoch, block.start_index))
        self._next[key] = (block.epoch, block.end_index)
        if epoch != block.epoch or block.start_index == expected:
            return None
        missing = block.start_index - expected
        return Gap(*key, block.epoch, expected, missing, "device", block.received_s)
