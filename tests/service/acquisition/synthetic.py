"""A made-up device for pipeline tests: streams, epochs, blocks, and an outlet that remembers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from drivers.types import (
    Capability,
    Channel,
    DeviceInfo,
    Epoch,
    Pulse,
    SampleBlock,
    Stimulus,
    StreamInfo,
    Trigger,
)
from service.acquisition.types import DeviceState, LiveFrame, Signal
from service.model import Sweep

GAIN = 0.25
OFFSET = 7.0


def stream(rate_hz: float = 1000.0, *, emg: int = 2, delay_s: float = 0.0015) -> StreamInfo:
    """A stream of `emg` channels in µV and one digital line."""
    channels = [Channel(f"emg {i}", "emg", "uV", GAIN, OFFSET) for i in range(emg)]
    digital = Channel("line", "digital", "", 1.0)
    return StreamInfo("main", rate_hz, "int32", (*channels, digital), delay_s)


def epoch(number: int = 1, *, info: StreamInfo | None = None, cause: str = "start") -> Epoch:
    """An epoch of a device with that one stream."""
    capability = Capability(1000.0, 262.0, GAIN, "counter", "sample", False, "battery")
    device = DeviceInfo("test", "made up", "", "1", (info or stream(),), capability)
    return Epoch(number, device, {}, datetime(2026, 1, 1, tzinfo=UTC), 0.0, 0, cause)


def block(
    data: np.ndarray, start: int, *, number: int = 1, rate_hz: float = 1000.0, **more: Any
) -> SampleBlock:
    """A block that arrives the moment its last sample was taken."""
    end = start + data.shape[-1]
    return SampleBlock("main", number, start, data, more.pop("received_s", end / rate_hz), **more)


def edge(index: float, *, number: int = 1, line: str = "stimulator") -> Trigger:
    """A rising edge of the stimulator's line."""
    return Trigger("main", number, index, line, "rise", 0.0005)


def stimulus(name: str, sent_s: float | None) -> Stimulus:
    """A pulse to the left median nerve at the wrist."""
    pulse = Pulse(20.0, 200.0)
    return Stimulus(name, pulse, "median", "wrist", "left", sent_s or 0.0, sent_s, None)


@dataclass
class Told:
    """Outlets that remember what they were told, in order."""

    order: list[str] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    blocks: list[SampleBlock] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    frames: list[LiveFrame] = field(default_factory=list)
    sweeps: list[Sweep] = field(default_factory=list)
    missed: list[Stimulus] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    states: list[DeviceState] = field(default_factory=list)

    def epoch(self, device: str, epoch: Epoch) -> None:
        """Remember the epoch."""
        self.order.append("epoch")
        self.epochs.append(epoch)

    def block(self, device: str, block: SampleBlock) -> None:
        """Remember the block."""
        self.order.append("block")
        self.blocks.append(block)

    def gap(
        self, device: str, stream: str, *, epoch: int, first_missing: int, count: int, at_s: float
    ) -> None:
        """Remember where and how much."""
        self.order.append("gap")
        self.gaps.append((epoch, first_missing, count))

    def trigger(self, device: str, trigger: Trigger) -> None:
        """Remember the edge."""
        self.order.append("trigger")
        self.triggers.append(trigger)

    def frame(self, frame: LiveFrame) -> None:
        """Remember the frame."""
        self.order.append("frame")
        self.frames.append(frame)

    def sweep(self, sweep: Sweep) -> None:
        """Remember the sweep."""
        self.order.append("sweep")
        self.sweeps.append(sweep)

    def unseen(self, device: str, stimulus: Stimulus) -> None:
        """Remember the stimulus."""
        self.missed.append(stimulus)

    def signal(self, device: str, signal: Signal) -> None:
        """Remember the signal."""
        self.order.append("signal")
        self.signals.append(signal)

    def state(self, device: str, state: DeviceState) -> None:
        """Remember the state."""
        self.states.append(state)


def split(
    whole: SampleBlock, sizes: Sequence[int], *, rate_hz: float = 1000.0
) -> list[SampleBlock]:
    """The same samples and edges in blocks of `sizes` in turn, the rest in one."""
    parts, at = [], 0
    total = whole.data.shape[-1]
    for size in (*sizes, total):
        n = min(size, total - at)
        if n <= 0:
            break
        start = whole.start_index + at
        seen = tuple(t for t in whole.triggers if start <= t.sample_index + 0.5 < start + n)
        part = block(whole.data[:, at : at + n], start, number=whole.epoch, rate_hz=rate_hz)
        shift = whole.received_s - whole.end_index / rate_hz
        parts.append(replace(part, received_s=part.received_s + shift, triggers=seen))
        at += n
    return parts
