"""The way of the data, from a device's blocks to everything that is made of them, read downwards.

    block ─▶ record ─▶ gap? ─▶ ring ─▶ µV ─┬▶ signal    the assessment, unfiltered
                                           ├▶ views     filter ▶ min/max ▶ frames
                                           └▶ triggers  edge + stimulus ▶ sweep

One pipeline per device. `open`, `accept` and `state` come from the device's thread, in stream
order; the rest may come from any. It reads no clock: the same blocks give the same results live, in
replay and in virtual time, however they were cut.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from drivers.types import Epoch, LinkState, SampleBlock, Stimulus
from service.model import Sweep

from .scale import Scale
from .streams import BlockRefused, Stream, fitting, open_stream, settled_samples, view_history
from .sweeps import LEAST_SWEEP_S
from .types import DeviceState, GapNotice, LiveFrame, Outlets, Signal, View
from .viewing import ViewTable


class Pipeline:
    """What is done with the blocks of one device. recording: the name its sweeps carry."""

    def __init__(self, device: str, *, outlets: Outlets, recording: str = "") -> None:
        self.device = device
        self.recording = recording
        self._outlets = outlets
        self._epoch: Epoch | None = None
        self._streams: dict[str, Stream] = {}
        self._views = ViewTable(device)
        self._heard_s = 0.0
        self._said: Stimulus | None = None
        self._sweep_s = LEAST_SWEEP_S
        self._lock = threading.RLock()

    # ── the device's thread ──────────────────────────────────────────────────────────────────────

    def open(self, epoch: Epoch) -> None:
        """Begin an epoch: what was under way ends, rings go on, filters start anew."""
        with self._lock:
            if self._epoch is not None and epoch.number <= self._epoch.number:
                raise BlockRefused(
                    f"expected an epoch after {self._epoch.number} from {self.device}, "
                    f"got {epoch.number}; epochs only rise"
                )
            self.end()
            self._outlets.epoch(self.device, epoch)
            self._epoch = epoch
            self._streams = {
                info.name: open_stream(
                    info,
                    epoch.number,
                    self._streams.get(info.name),
                    device=self.device,
                    recording=self.recording,
                    sweep_s=self._sweep_s,
                )
                for info in epoch.info.streams
            }
            self._views.reconnect(self._streams)

    def end(self) -> None:
        """No more samples of this epoch: what was under way is told, as far as it came."""
        with self._lock:
            for stream in self._streams.values():
                self._flush(stream)
                self._tell_cut(stream, stream.cutter.close(self._heard_s), math.inf)

    def accept(self, block: SampleBlock) -> None:
        """Take one block all the way. Raises BlockRefused, nothing done, if it fits nowhere."""
        with self._lock:
            stream = fitting(self._streams, self._epoch, block)
            self._outlets.block(self.device, block)
            self._heard_s = block.received_s
            stream.chapter.clock.observe(block.end_index, block.received_s)
            self._tell_gap(stream, block)
            stream.ring.append(block.epoch, block.start_index, block.data)
            stream.next_index = block.end_index
            data_uv = self._tell_signal(stream, block)
            self._tell_views(stream, block, data_uv)
            self._tell_sweeps(stream, block)

    def _tell_gap(self, stream: Stream, block: SampleBlock) -> None:
        missing = block.start_index - stream.next_index
        if missing:
            self._outlets.gap(
                self.device,
                block.stream,
                epoch=block.epoch,
                first_missing=stream.next_index,
                count=missing,
                at_s=stream.chapter.clock.host_s(stream.next_index),
            )

    def _tell_signal(self, stream: Stream, block: SampleBlock) -> npt.NDArray[np.float64]:
        emg = stream.chapter.emg
        data_uv = emg.physical(block.data)
        data_uv.flags.writeable = False
        if emg.labels:
            signal = Signal(
                stream=block.stream,
                epoch=block.epoch,
                start_index=block.start_index,
                rate_hz=stream.chapter.info.rate_hz,
                channels=emg.labels,
                data_uv=data_uv,
                received_s=block.received_s,
            )
            self._outlets.signal(self.device, signal)
        return data_uv

    def _tell_views(
        self, stream: Stream, block: SampleBlock, data_uv: npt.NDArray[np.float64]
    ) -> None:
        for feed in stream.feeds.values():
            same = feed.view.channels == stream.chapter.emg.labels
            data = data_uv if same else feed.scale.physical(block.data)
            for frame in feed.push(block.start_index, data, block.received_s):
                self._outlets.frame(frame)

    def _tell_sweeps(self, stream: Stream, block: SampleBlock) -> None:
        for trigger in block.triggers:
            self._outlets.trigger(self.device, trigger)
            at_s = stream.chapter.clock.host_s(trigger.sample_index)
            stream.cutter.trigger(trigger, at_s, self._said)
        self._tell_cut(stream, stream.cutter.ready(block.received_s), block.received_s)

    def _tell_cut(self, stream: Stream, sweeps: list[Sweep], now_s: float) -> None:
        for sweep in sweeps:
            self._outlets.sweep(sweep)
        for stimulus in stream.cutter.unseen(now_s):
            self._outlets.unseen(self.device, stimulus)

    def state(self, state: DeviceState) -> None:
        """Pass on how the device is doing; when its data stop, show what was under way."""
        with self._lock:
            if state.state is not LinkState.LIVE:
                for stream in self._streams.values():
                    self._flush(stream)
            self._outlets.state(self.device, state)

    def _flush(self, stream: Stream) -> None:
        for feed in stream.feeds.values():
            for frame in feed.flush(self._heard_s):
                self._outlets.frame(frame)

    # ── any thread ───────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def still(self) -> Iterator[None]:
        """No block comes in meanwhile. Do little: the device's thread waits."""
        with self._lock:
            yield

    def expect(self, stimulus: Stimulus) -> None:
        """A stimulus was sent (`sent_s`): the sweep of its edge will carry it. Before or up to
        0.25 s after the pulse; again with the same id corrects it, or withdraws it (None). One
        whose edge is known (`seen`, in a replay) is joined to that edge, whatever the time."""
        with self._lock:
            emg = [stream for stream in self._streams.values() if stream.chapter.emg.labels]
            for stream in sorted(emg, key=lambda s: -s.chapter.info.rate_hz)[:1]:
                stream.cutter.expect(stimulus)

    def say(self, stimulus: Stimulus | None) -> None:
        """What the operator of a stimulator fired at its own front panel states from now on: it is
        the stimulus of every edge that follows. None: nothing is stated."""
        with self._lock:
            self._said = stimulus

    def sweep_for(self, sweep_s: float) -> None:
        """Sweeps of the edges to come, in any epoch, end so long after their stimulus: at least
        LEAST_SWEEP_S, at most MOST_SWEEP_S, and before the next stimulus."""
        with self._lock:
            self._sweep_s = sweep_s
            for stream in self._streams.values():
                stream.cutter.reach(sweep_s)

    def effort(
        self, stream: str, channel: str, count: int, *,
        start_index: int | None = None, free_from: tuple[int, int] = (0, 0),
    ) -> Sweep:  # fmt: skip
        """The last `count` samples of a channel, as a sweep of voluntary effort that is told like
        any other. start_index: in a replay, where it began then. free_from: (epoch, index) before
        which samples are used already.

        Raises ValueError (unknown names, a stimulus inside, samples used already) or RingError.
        """
        with self._lock:
            found = self._find(stream)
            start = found.next_index - count if start_index is None else start_index
            epoch, first = free_from
            if epoch == found.epoch and start < first:
                wait_s = (first - start) / found.chapter.info.rate_hz
                raise ValueError(f"these samples are in the epoch before: wait {wait_s:.1f} s more")
            sweep = found.cutter.effort(channel, found.epoch, start, count)
            sweep = replace(sweep, received_s=self._heard_s)
            self._outlets.sweep(sweep)
            return sweep

    def newest(
        self, stream: str, channel: str, count: int
    ) -> tuple[npt.NDArray[np.float64], float]:
        """(count,) µV of a channel up to now, unfiltered, and its rate. Raises ValueError for
        unknown names, RingError where a sample is missing."""
        with self._lock:
            found = self._find(stream)
            # no copy: the writer waits for the lock, and scaling makes a new array
            window = found.ring.window(found.epoch, found.next_index - count, count)
            row = Scale.of(found.chapter.info, [channel]).physical(window.data)
            return row.reshape(count), found.chapter.info.rate_hz

    def subscribe(
        self, stream: str, channels: tuple[str, ...], preset: str, columns_per_s: float
    ) -> View:
        """The view of that description, one for all who ask. Raises ValueError (one sentence) for
        an unknown stream, channel or preset, or a preset without a band at the stream's rate."""
        with self._lock:
            return self._views.subscribe(self._find(stream), channels, preset, columns_per_s)

    def unsubscribe(self, view_number: int) -> None:
        """One subscriber less; the view ends with its last."""
        with self._lock:
            self._views.unsubscribe(view_number, self._streams)

    def sent(self, view_number: int) -> tuple[int, int]:
        """(epoch, index) at or after which the view's next frame begins. Raises ValueError for a
        view that has ended."""
        with self._lock:
            view = self._views.find(view_number)
            stream = self._find(view.stream)
            feed = stream.feeds.get(view_number)
            return stream.epoch, stream.next_index if feed is None else feed.sent_index

    def history(self, view_number: int, epoch: int, next_index: int) -> list[LiveFrame | GapNotice]:
        """A view from (epoch, next_index) up to the newest frame it sent, out of the ring; the
        frame sent next goes on where this ends. Raises ValueError for a view that has ended."""
        with self._lock:
            view = self._views.find(view_number)
            stream = self._find(view.stream)
            feed = stream.feeds.get(view_number)
            until = (stream.epoch, feed.sent_index if feed is not None else 0)
        return list(view_history(stream, view, since=(epoch, next_index), until=until))

    def samples(
        self, stream: str, channel: str, preset: str, *, epoch: int, first: int, count: int
    ) -> npt.NDArray[np.float64]:
        """Samples [first, first + count) of one channel through a preset: (count,) float64 µV.
        Raises Overrun, GapInside or NotYet (`ring.RingError`); ValueError for unknown names."""
        with self._lock:
            found = self._find(stream)
        return settled_samples(found, channel, preset, epoch=epoch, first=first, count=count)

    def _find(self, name: str) -> Stream:
        if name not in self._streams:
            known = ", ".join(self._streams) or "none yet"
            raise ValueError(f"{self.device} has no stream {name}; it has {known}")
        return self._streams[name]
