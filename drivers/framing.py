"""Fixed-size frames behind a fixed header: the byte cursor, and the account of what was skipped.

Pure bytes: what makes a frame plausible is the protocol's business (drivers/<device>/protocol.py).
The rule on a hard line: as long as frames follow at the stride, take them in one piece; when one
does not, go on byte by byte to the next header, and never throw away more than was refused.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class FramingCounts:
    """Since the start: bytes that belong to no accepted frame; how often the stride was lost."""

    discarded_bytes: int = 0
    resyncs: int = 0


class FrameBuffer:
    """Bytes not yet consumed, and a cursor at the place where the next frame should begin."""

    def __init__(self, header: bytes, size: int) -> None:
        self.counts = FramingCounts()
        self.skipped = 0  # bytes discarded since the last frame that was taken
        self._header = header
        self._size = size
        self._bytes = b""

    def append(self, data: bytes) -> None:
        """More bytes from the wire. Any split of a stream into appends gives the same frames."""
        self._bytes = self._bytes + data if self._bytes else bytes(data)

    @property
    def bytes(self) -> bytes:
        """Everything from the cursor on."""
        return self._bytes

    @property
    def whole(self) -> int:
        """Slots from the cursor on that are complete, the place of the header after them too."""
        return max(0, len(self._bytes) - len(self._header)) // self._size

    def followed(self, most: int) -> bool | None:
        """Does the next header lie a whole number of frames on, `most` at the farthest?

        A frame that lost a byte on the wire takes one from the next frame instead, and its header
        says nothing about that: only where the next header stands does. None: it has not come yet.
        """
        end = most * self._size + len(self._header)
        found = self._bytes.find(self._header, len(self._header), end)
        if found < 0:
            return None if len(self._bytes) < end else False
        return found % self._size == 0

    def take(self, frames: int) -> None:
        """Consume accepted frames at the cursor."""
        if frames:
            self._bytes = self._bytes[frames * self._size :]
            self.skipped = 0

    def seek(self) -> bool:
        """Move the cursor to the next header; false if there is none yet. What may be the
        beginning of one at the very end is kept."""
        found = self._bytes.find(self._header)
        if found < 0:
            found = max(0, len(self._bytes) - len(self._header) + 1)
            self._discard(found)
            return False
        self._discard(found)
        return True

    def refuse(self) -> None:
        """The frame at the cursor is none: step over one byte, so that the next seek moves on."""
        self._discard(1)

    def _discard(self, count: int) -> None:
        if count:
            if not self.skipped:
                self.counts.resyncs += 1
            self.counts.discarded_bytes += count
            self.skipped += count
            self._bytes = self._bytes[count:]
