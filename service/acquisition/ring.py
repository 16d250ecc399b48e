"""A ring of samples: one writer, many readers, the sample index as the clock.

Channel-major. On Linux each channel's memory is mapped twice in a row, so every window is one
contiguous slice and costs no copy; elsewhere a plain array with the same API copies where it wraps.
A gap is not stored: a bounded table of segments maps (epoch, sample index) to the position written.

A window without copy may be overwritten while it is read. `Window.check()` after use tells.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_SEGMENTS = 4096


class RingError(Exception):
    """Samples that cannot be had; one of the three below."""


class Overrun(RingError):
    """The samples asked for are older than what the ring still holds."""


class GapInside(RingError):
    """Some of the samples asked for were never received."""


class NotYet(RingError):
    """Some of the samples asked for have not come yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Consecutive samples of one epoch. data: (n_channels, count), read-only, the ring's dtype.

    A view into the ring unless it was copied: call `check` after the last use.
    """

    epoch: int
    first_index: int
    data: npt.NDArray[Any]
    intact: Callable[[], bool]

    def check(self) -> None:
        """Raises Overrun if the writer has since come round to these samples."""
        if not self.intact():
            raise Overrun(
                f"samples {self.first_index} to {self.first_index + self.data.shape[-1]} of epoch "
                f"{self.epoch} were overwritten while they were read; ask again, sooner or for less"
            )


@dataclass(frozen=True, slots=True)
class _Segment:
    """A run without a gap: `first_index` of `epoch` was written at `position`."""

    epoch: int
    first_index: int
    position: int


class Ring:
    """The last `seconds` of one stream (rounded up to whole memory pages).

    `position` counts every sample ever written; slot = position % capacity. `append` is for one
    thread; everything else is for any. Readers take no lock: the writer announces what it is about
    to overwrite (`_claimed`), writes, then publishes (`_written`).
    """

    def __init__(
        self,
        channels: int,
        rate_hz: float,
        seconds: float,
        dtype: npt.DTypeLike = np.int32,
        *,
        double_map: bool = sys.platform == "linux",
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.channels = channels
        page = mmap.PAGESIZE // self.dtype.itemsize
        self.capacity = max(1, -(-int(np.ceil(rate_hz * seconds)) // page)) * page
        self.double_mapped = double_map
        if double_map:
            self._slots = _map_twice(channels, self.capacity, self.dtype)
        else:
            self._slots = np.zeros((channels, self.capacity), self.dtype)
        self._segments: tuple[_Segment, ...] = ()
        self._claimed = 0
        self._written = 0
        self._forgotten = (-1, 0)  # (epoch, end index) of the newest segment no longer in the table

    def append(self, epoch: int, start_index: int, data: npt.NDArray[Any]) -> None:
        """Write (n_channels, n) samples. Raises ValueError if they do not lie after the newest."""
        newest = self.newest()
        if newest is not None and (epoch, start_index) < newest:
            raise ValueError(
                f"expected samples from index {newest[1]} of epoch {newest[0]} on, got "
                f"{start_index} of epoch {epoch}; samples come in order"
            )
        if not data.shape[-1]:
            return
        if newest != (epoch, start_index):
            self._begin_segment(epoch, start_index)
        for first in range(0, data.shape[-1], self.capacity):
            self._write(data[:, first : first + self.capacity])

    def _begin_segment(self, epoch: int, start_index: int) -> None:
        fresh = _Segment(epoch, start_index, self._written)
        kept = (*self._segments, fresh)
        oldest = self._written - self.capacity
        keep_from = max(0, len(kept) - MAX_SEGMENTS)
        while keep_from + 1 < len(kept) and kept[keep_from + 1].position <= oldest:
            keep_from += 1
        if keep_from:
            last, after = kept[keep_from - 1], kept[keep_from]
            self._forgotten = (last.epoch, last.first_index + after.position - last.position)
        self._segments = kept[keep_from:]

    def _write(self, data: npt.NDArray[Any]) -> None:
        count = data.shape[-1]
        slot = self._written % self.capacity
        self._claimed = self._written + count
        if self.double_mapped:
            self._slots[:, slot : slot + count] = data
        else:
            head = min(count, self.capacity - slot)
            self._slots[:, slot : slot + head] = data[:, :head]
            self._slots[:, : count - head] = data[:, head:]
        self._written = self._claimed

    def newest(self) -> tuple[int, int] | None:
        """(epoch, index just past the newest sample); None while the ring is empty."""
        written, segments = self._written, self._segments
        if not segments:
            return None
        last = segments[-1]
        return last.epoch, last.first_index + max(0, written - last.position)

    def window(self, epoch: int, first: int, count: int, *, copy: bool = False) -> Window:
        """Samples [first, first + count) of `epoch`. Raises Overrun, GapInside or NotYet."""
        written, segments = self._written, self._segments
        if segments and segments[-1].epoch == epoch:  # nearly always: a stretch of the newest run
            position = segments[-1].position + first - segments[-1].first_index
            oldest = max(segments[-1].position, self._claimed - self.capacity)
            if oldest <= position <= position + count <= written:
                return self._view(epoch, first, position, count, copy=copy)
        runs = list(self._runs(epoch, first, count))
        if len(runs) == 1 and runs[0][1:] == (first, count):
            return self._view(epoch, first, runs[0][0], count, copy=copy)
        asked = f"samples {first} to {first + count} of epoch {epoch}"
        newest = self.newest()
        if newest is None or epoch > newest[0]:
            raise NotYet(f"{asked} have not come yet; wait for them")
        if self.overran(epoch, first):
            raise Overrun(f"{asked} are no longer in the ring; it starts at {self._floor()[1]}")
        seen = sum(run[2] for run in runs)
        if epoch == newest[0] and first + seen >= newest[1]:
            raise NotYet(f"{asked} have not all come yet; the newest is {newest[1] - 1}")
        raise GapInside(f"{asked} have a gap inside; take the stretches before and after it")

    def pieces(self, epoch: int, first: int, count: int, *, copy: bool = True) -> list[Window]:
        """What the ring holds of [first, first + count) of `epoch`, in order, gaps left out."""
        held = []
        for position, index, n in self._runs(epoch, first, count):
            with contextlib.suppress(Overrun):  # overwritten while copied: no longer held
                held.append(self._view(epoch, index, position, n, copy=copy))
        return held

    def overran(self, epoch: int, index: int) -> bool:
        """True if that sample, had it come, would have been overwritten by now."""
        return (epoch, index) < self._floor()

    def extent(self, epoch: int) -> tuple[int, int] | None:
        """(oldest index held, index just past the newest) of `epoch`; None if none is held."""
        runs = list(self._runs(epoch, 0, sys.maxsize))
        return (runs[0][1], runs[-1][1] + runs[-1][2]) if runs else None

    def segments_since(self, position: int) -> tuple[list[Window], int, int]:
        """(windows written since `position`, the position to ask from next, samples overrun).

        Start with position 0. Overrun: samples written since, but no longer held.
        """
        written, segments = self._written, self._segments
        oldest = max(0, self._claimed - self.capacity, segments[0].position if segments else 0)
        overrun = max(0, min(oldest, written) - position)
        start = position + overrun
        windows = []
        for i, segment in enumerate(segments):
            end = segments[i + 1].position if i + 1 < len(segments) else written
            begin, end = max(start, segment.position), min(end, written)
            if begin < end:
                index = segment.first_index + begin - segment.position
                windows.append(self._view(segment.epoch, index, begin, end - begin, copy=False))
        return windows, max(position, written), overrun

    def _runs(self, epoch: int, first: int, count: int) -> Iterator[tuple[int, int, int]]:
        """(position, index, count) of each run without a gap inside [first, first + count)."""
        written, segments = self._written, self._segments
        oldest = self._claimed - self.capacity
        for i, segment in enumerate(segments):
            if segment.epoch != epoch:
                continue
            end = min(segments[i + 1].position if i + 1 < len(segments) else written, written)
            offset = segment.first_index - segment.position
            begin = max(segment.position, oldest, first - offset)
            end = min(end, first + count - offset)
            if begin < end:
                yield begin, begin + offset, end - begin

    def _floor(self) -> tuple[int, int]:
        """(epoch, index): what lies before was overwritten, or its segment was forgotten."""
        oldest, floor = self._claimed - self.capacity, self._forgotten
        for segment in self._segments:
            if segment.position < oldest:
                floor = segment.epoch, segment.first_index + oldest - segment.position
        return floor

    def _view(self, epoch: int, first: int, position: int, count: int, *, copy: bool) -> Window:
        slot = position % self.capacity
        data = self._slots[:, slot : slot + count]
        if not self.double_mapped and slot + count > self.capacity:
            data = np.concatenate((data, self._slots[:, : slot + count - self.capacity]), axis=1)
            copy = True
        elif copy:
            data = data.copy()
        data.flags.writeable = False
        window = Window(epoch, first, data, lambda: self._claimed - self.capacity <= position)
        if copy:
            window.check()
            return Window(epoch, first, data, _always)
        return window


def _always() -> bool:
    return True


class _Mapping:
    """The memory of `_map_twice`, unmapped when no array refers to it any more."""

    def __init__(self, address: int, size: int, shape: tuple[int, int], dtype: str) -> None:
        self.__array_interface__ = {
            "shape": shape,
            "typestr": dtype,
            "data": (address, False),
            "version": 3,
        }
        unmap = weakref.finalize(self, _libc().munmap, address, size)
        unmap.atexit = False  # threads may still read while the process ends


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return libc


def _map_twice(channels: int, capacity: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """(channels, 2 * capacity) array in which columns i and i + capacity are the same memory.

    Raises OSError where the system refuses (no memfd, address space or memory limit).
    """
    libc, once = _libc(), capacity * dtype.itemsize
    total = 2 * channels * once
    fixed = 0x10  # MAP_FIXED, the same on every Linux; Python's mmap does not name it
    reserve = libc.mmap(None, total, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if reserve in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), f"cannot reserve {total} bytes of addresses for a ring")
    owner = _Mapping(reserve, total, (channels, 2 * capacity), dtype.str)
    memory = os.memfd_create("myotome-ring")
    try:
        os.ftruncate(memory, channels * once)
        for half in range(2 * channels):
            address = reserve + half * once
            protection = mmap.PROT_READ | mmap.PROT_WRITE
            flags = mmap.MAP_SHARED | fixed
            if libc.mmap(address, once, protection, flags, memory, half // 2 * once) != address:
                raise OSError(ctypes.get_errno(), f"cannot map {once} bytes of a ring twice")
    finally:
        os.close(memory)
    return np.asarray(owner)
