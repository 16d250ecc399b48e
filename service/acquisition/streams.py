"""One stream of a device: its ring, its scale, its sweeps and the feeds of its views; and the way
back from the ring: settled samples, and the history of a view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from drivers.clock import HostClock
from drivers.types import Epoch, SampleBlock, StreamInfo

from .filters import StreamFilter, design
from .ring import Ring, Window
from .scale import Scale
from .sweeps import LEAST_SWEEP_S, SweepCutter
from .types import GapNotice, LiveFrame, View
from .views import HISTORY_FRAME_S, ViewFeed, follow

RING_S = 60.0
SWEEP_PRE_S = 0.02  # a baseline of one mains period
PREROLL = 3  # settling times before the first sample asked for: what is left of the start is 1e-6


class BlockRefused(ValueError):
    """A block or epoch that does not go on where the stream is; nothing was done with it."""


@dataclass(slots=True, eq=False)
class Chapter:
    """What one epoch says about a stream. clock: sample index to host time, for events only."""

    info: StreamInfo
    emg: Scale
    clock: HostClock


@dataclass(slots=True, eq=False)
class Stream:
    """State of one stream; chapters of the epochs that the ring may still hold."""

    device: str
    ring: Ring
    cutter: SweepCutter
    epoch: int
    chapters: dict[int, Chapter]
    next_index: int = 0
    feeds: dict[int, ViewFeed] = field(default_factory=dict)

    @property
    def chapter(self) -> Chapter:
        """The current epoch's."""
        return self.chapters[self.epoch]


def open_stream(
    info: StreamInfo,
    epoch: int,
    before: Stream | None,
    *,
    device: str,
    recording: str,
    sweep_s: float = LEAST_SWEEP_S,
) -> Stream:
    """A stream at the start of an epoch; it goes on in the ring of `before` if that fits. sweep_s:
    how long after its stimulus a sweep ends."""
    dtype = np.dtype(info.dtype)
    chapters = {epoch: Chapter(info, Scale.of_emg(info), HostClock(info.rate_hz))}
    ring = before.ring if before is not None else None
    if before is not None and _same_shape(before.chapter.info, info):
        held = {n: c for n, c in before.chapters.items() if before.ring.extent(n) is not None}
        chapters = {**held, **chapters}
    else:
        ring = None
    if ring is None:
        ring = Ring(len(info.channels), info.rate_hz, RING_S, dtype)
    cutter = SweepCutter(
        info, ring, pre_s=SWEEP_PRE_S, post_s=sweep_s, device=device, recording=recording
    )
    return Stream(device, ring, cutter, epoch, chapters)


def _same_shape(a: StreamInfo, b: StreamInfo) -> bool:
    labels = [c.label for c in a.channels] == [c.label for c in b.channels]
    return labels and a.rate_hz == b.rate_hz and a.dtype == b.dtype


def fitting(streams: Mapping[str, Stream], epoch: Epoch | None, block: SampleBlock) -> Stream:
    """The stream that `block` goes on. Raises BlockRefused."""
    number = epoch.number if epoch is not None else None
    stream = streams.get(block.stream)
    if block.epoch != number or stream is None:
        raise BlockRefused(
            f"got a block of stream {block.stream}, epoch {block.epoch}, but the open epoch is "
            f"{number} with {', '.join(streams) or 'no stream'}; it was dropped"
        )
    if block.start_index < stream.next_index:
        raise BlockRefused(
            f"got sample {block.start_index} of stream {block.stream}, but {stream.next_index} or "
            "a later one was due; samples come once and in order; it was dropped"
        )
    if block.data.ndim != 2 or block.data.shape[0] != stream.ring.channels:
        raise BlockRefused(
            f"got a block of shape {block.data.shape} in stream {block.stream}, which has "
            f"{stream.ring.channels} channels; it was dropped"
        )
    return stream


def connect(stream: Stream, view: View) -> None:
    """Feed a view from the stream's current epoch, settled on what the ring holds of it.

    Raises ValueError if the stream lacks a channel of the view, or the preset cannot be had at its
    rate; the view then stays silent.
    """
    scale = Scale.of(stream.chapter.info, view.channels)
    follow(view, stream.chapter.info.rate_hz)
    feed = ViewFeed(view, scale, stream.epoch)
    preroll = PREROLL * view.settling_samples
    for window in stream.ring.pieces(stream.epoch, stream.next_index - preroll, preroll):
        feed.prime(window.first_index, scale.physical(window.data))
    feed.sent_index = stream.next_index
    stream.feeds[view.number] = feed


def settled_samples(
    stream: Stream, channel: str, preset: str, *, epoch: int, first: int, count: int
) -> npt.NDArray[np.float64]:
    """Samples [first, first + count) of one channel through a preset, (count,) float64 µV.

    The filter starts up to three settling times earlier, as far as there is signal without a gap.
    Raises Overrun, GapInside or NotYet for the samples themselves, PresetUnusable for the preset.
    """
    wanted = stream.ring.window(epoch, first, count, copy=True)
    info = stream.chapters[epoch].info
    scale, sos = Scale.of(info, (channel,)), design(preset, info.rate_hz)
    through = StreamFilter(sos, 1)
    preroll = PREROLL * through.settling_samples
    for window in stream.ring.pieces(epoch, first - preroll, preroll):
        if window.first_index + window.data.shape[-1] == first:
            through.push(scale.physical(window.data))
    row: npt.NDArray[np.float64] = through.push(scale.physical(wanted.data))[0]
    return row


def view_history(
    stream: Stream, view: View, *, since: tuple[int, int], until: tuple[int, int]
) -> Iterator[LiveFrame | GapNotice]:
    """What the ring still holds of a view from `since` up to `until`, both (epoch, index).

    Frames of up to 1 s, with the holes between them told; values equal the live ones to 1e-6.
    """
    if stream.ring.extent(since[0]) is None:
        yield GapNotice(stream.device, view.stream, *since, 0, 0.0, "too_old")
    for epoch in sorted(n for n in stream.chapters if since[0] <= n <= until[0]):
        extent = stream.ring.extent(epoch)
        first = since[1] if epoch == since[0] else 0
        end = until[1] if epoch == until[0] else (extent[1] if extent else first)
        if first < end:
            yield from _epoch_history(stream, view, epoch, first, end)


def _epoch_history(
    stream: Stream, view: View, epoch: int, first: int, end: int
) -> Iterator[LiveFrame | GapNotice]:
    chapter = stream.chapters[epoch]
    scale = Scale.of(chapter.info, view.channels)
    feed = ViewFeed(view, scale, epoch, frame_s=HISTORY_FRAME_S)
    expected = first
    for window in _chunks(stream, epoch, first - PREROLL * view.settling_samples, end):
        data, at = scale.physical(window.data), window.first_index
        before = min(max(0, first - at), data.shape[-1])
        if before:
            feed.prime(at, data[:, :before])
        if before < data.shape[-1]:
            if at + before > expected:
                yield from feed.flush(chapter.clock.host_s(expected))
                yield _hole(stream, epoch, expected, at + before)
            expected = at + data.shape[-1]
            yield from feed.push(at + before, data[:, before:], chapter.clock.host_s(expected))
    yield from feed.flush(chapter.clock.host_s(expected))
    if expected < end:
        yield _hole(stream, epoch, expected, end)


def _chunks(stream: Stream, epoch: int, first: int, end: int) -> Iterator[Window]:
    """What the ring holds of [first, end), a second at a time."""
    chunk = int(stream.chapters[epoch].info.rate_hz) + 1
    for start in range(first, end, chunk):
        yield from stream.ring.pieces(epoch, start, min(chunk, end - start))


def _hole(stream: Stream, epoch: int, first: int, end: int) -> GapNotice:
    chapter = stream.chapters[epoch]
    return GapNotice(
        device=stream.device,
        stream=chapter.info.name,
        epoch=epoch,
        first_missing=first,
        count=end - first,
        at_s=chapter.clock.host_s(first),
        cause="too_old" if stream.ring.overran(epoch, first) else "gap",
    )
