"""Epochs, blocks and small recordings for the tests of the record."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from drivers.types import (
    Capability,
    Channel,
    DeviceInfo,
    Epoch,
    SampleBlock,
    StreamInfo,
    Trigger,
)
from service.recording.reader import BlockReceived, read_recording
from service.recording.recorder import Recorder

UTC0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def stream_info(name="emg", rate_hz=16000.0, channels=2, dtype="int32") -> StreamInfo:
    """A stream of emg channels."""
    made = tuple(Channel(f"left M{i}", "emg", "uV", 0.067 * (i + 1)) for i in range(channels))
    return StreamInfo(name, rate_hz, dtype, made, 94e-6)


def device_info(*streams: StreamInfo) -> DeviceInfo:
    """A HackEEG with the given streams (one of 2 x 16 kHz if none is given)."""
    capability = Capability(16000.0, 4193.0, 0.067, "micros", "sample", False, "battery only")
    return DeviceInfo("hackeeg", "HackEEG", "µ-1", "0.3.0", streams or (stream_info(),), capability)


def epoch(number=1, info=None, counter=17) -> Epoch:
    """An epoch with everything set."""
    return Epoch(number, info or device_info(), {"CONFIG1": "0x90"}, UTC0, 1000.5, counter, "start")


def block(start, n=160, *, epoch=1, stream="emg", channels=2, seed=0, at_s=None, triggers=()):
    """A block of random counts over the whole 32-bit range."""
    rng = np.random.default_rng([seed, start])
    data = rng.integers(-(2**31), 2**31, (channels, n), dtype=np.int32)
    received_s = 1000.5 + (start + n) / 16000 if at_s is None else at_s
    return SampleBlock(stream, epoch, start, data, received_s, triggers)


def trigger(index, epoch=1) -> Trigger:
    """A rising edge of the stimulator line."""
    return Trigger("emg", epoch, index, "stimulator", "rise", 0.5 / 16000)


def write(path: Path, blocks, *, epochs=None, header=None) -> None:
    """A closed recording of one device: each epoch before its first block."""
    known = {e.number: e for e in (epochs or [epoch()])}
    recorder = Recorder(path, header=header or {"patient": "P1"}, utc_now=lambda: UTC0)
    for item in blocks:
        if item.epoch in known:
            recorder.epoch("dev", known.pop(item.epoch))
        recorder.block("dev", item)
        if recorder.behind_s > 20:
            assert recorder.flush()
    assert recorder.close().state == "off"


def write_in_chunks(path: Path, blocks) -> None:
    """As `write`, but with a chunk boundary after every block."""
    recorder = Recorder(path, header={"patient": "P1"}, utc_now=lambda: UTC0)
    recorder.epoch("dev", epoch())
    for item in blocks:
        recorder.block("dev", item)
        assert recorder.flush()
    assert recorder.close().state == "off"


def read_blocks(path: Path) -> list[SampleBlock]:
    """All blocks of a recording that can be read."""
    with read_recording(path) as recording:
        return [e.block for e in recording.events() if isinstance(e, BlockReceived)]


def same(a: SampleBlock, b: SampleBlock) -> bool:
    """Whether two blocks are equal in every field, to the last bit."""
    plain = ("stream", "epoch", "start_index", "received_s", "triggers", "rejected", "suspect")
    return (
        all(getattr(a, name) == getattr(b, name) for name in plain)
        and a.data.dtype == b.data.dtype
        and a.data.shape == b.data.shape
        and a.data.tobytes() == b.data.tobytes()
    )
