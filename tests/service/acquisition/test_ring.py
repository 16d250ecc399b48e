"""The ring against a simple model, and against a writer that does not wait."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from service.acquisition import ring as ring_module
from service.acquisition.ring import GapInside, NotYet, Overrun, Ring, RingError

CHANNELS = 3


def numbered(first: int, count: int) -> np.ndarray:
    """Samples that carry their own position, different on each channel."""
    return (np.arange(first, first + count) * CHANNELS + np.arange(CHANNELS)[:, None]).astype(
        np.int32
    )


class RingAgainstModel(RuleBasedStateMachine):
    """A ring must answer as a list of (epoch, index) of every sample ever written would."""

    @initialize(double_map=st.booleans())
    def make(self, double_map: bool) -> None:
        """A small ring, either kind."""
        self.ring = Ring(CHANNELS, 1000.0, 0.5, np.int32, double_map=double_map)
        self.log: list[tuple[int, int]] = []
        self.epoch, self.next_index, self.position = 1, 0, 0

    @rule(count=st.integers(0, 2500), gap=st.integers(0, 30), skip=st.booleans())
    def append(self, count: int, gap: int, skip: bool) -> None:
        """Write, perhaps after a gap, perhaps more than fits."""
        start = self.next_index + (gap if skip else 0)
        self.ring.append(self.epoch, start, numbered(len(self.log), count))
        self.log += [(self.epoch, i) for i in range(start, start + count)]
        self.next_index = start + count

    @rule()
    def new_epoch(self) -> None:
        """Indices start again."""
        self.epoch, self.next_index = self.epoch + 1, 0

    @precondition(lambda self: self.log)
    @rule(back=st.integers(0, 3000), count=st.integers(1, 1100), older=st.integers(-1, 1))
    def read(self, back: int, count: int, older: int) -> None:
        """Any range: the samples, or the right reason."""
        epoch, newest = self.log[-1][0] - older, self.log[-1][1]
        first = max(0, newest - back)
        held = self.log[-self.ring.capacity :]
        asked = [(epoch, i) for i in range(first, first + count)]
        expected = self._expected(epoch, first, asked, set(held))
        if expected is not None:
            with pytest.raises(expected):
                self.ring.window(epoch, first, count)
            return
        window = self.ring.window(epoch, first, count)
        position = len(self.log) - len(held) + held.index(asked[0])
        np.testing.assert_array_equal(window.data, numbered(position, count))
        window.check()

    def _expected(
        self, epoch: int, first: int, asked: list[tuple[int, int]], held: set[tuple[int, int]]
    ) -> type[RingError] | None:
        newest = self.log[-1]
        overwritten = self.log[: -self.ring.capacity]
        if epoch > newest[0]:
            return NotYet
        if all(sample in held for sample in asked):
            return None
        if overwritten and (epoch, first) <= overwritten[-1]:
            return Overrun
        missing = [sample for sample in asked if sample <= newest and sample not in held]
        return GapInside if missing or epoch < newest[0] else NotYet

    @rule()
    def follow(self) -> None:
        """A follower gets all that is held, and is told the rest."""
        windows, position, overrun = self.ring.segments_since(self.position)
        assert overrun == max(0, len(self.log) - self.ring.capacity - self.position)
        at = self.position + overrun
        for window in windows:
            n = window.data.shape[-1]
            assert [(window.epoch, window.first_index + i) for i in range(n)] == self.log[
                at : at + n
            ]
            np.testing.assert_array_equal(window.data, numbered(at, n))
            at += n
        assert at == position == len(self.log)
        self.position = position


RingAgainstModel.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
TestRingAgainstModel = RingAgainstModel.TestCase


def test_a_window_costs_no_copy_and_cannot_be_written_to() -> None:
    """Across the seam of the ring too, a window is the ring's own memory."""
    ring = Ring(CHANNELS, 1000.0, 0.5)
    ring.append(1, 0, numbered(0, ring.capacity - 10))
    ring.append(1, ring.capacity - 10, numbered(ring.capacity - 10, 50))
    window = ring.window(1, ring.capacity - 100, 120)
    assert np.shares_memory(window.data, ring._slots)
    with pytest.raises(ValueError, match="read-only"):
        window.data[0, 0] = 1


@pytest.mark.parametrize("double_map", [True, False])
def test_a_reader_is_told_when_it_was_overrun_while_reading(double_map: bool) -> None:
    """A window that was good when taken says so when the writer has come round to it."""
    ring = Ring(CHANNELS, 1000.0, 0.5, double_map=double_map)
    ring.append(1, 0, numbered(0, ring.capacity))
    window = ring.window(1, 0, 100)
    kept = ring.window(1, 0, 100, copy=True)
    window.check()
    ring.append(1, ring.capacity, numbered(ring.capacity, 1))
    with pytest.raises(Overrun, match="overwritten while they were read"):
        window.check()
    kept.check()
    np.testing.assert_array_equal(kept.data, numbered(0, 100))


@pytest.mark.parametrize("double_map", [True, False])
def test_a_reader_racing_the_writer_never_takes_torn_samples_for_good(double_map: bool) -> None:
    """What passes the check is what was written, with a writer that never waits."""
    ring = Ring(CHANNELS, 1000.0, 0.5, double_map=double_map)
    halt = threading.Event()

    def write() -> None:
        position = 0
        while not halt.is_set():
            ring.append(1, position, numbered(position, 300))
            position += 300

    writer = threading.Thread(target=write)
    writer.start()
    good = overrun = 0
    deadline = time.monotonic() + 20.0
    try:
        while (good < 200 or overrun < 5) and time.monotonic() < deadline:
            newest = ring.newest()
            if newest is None or newest[1] < 900:
                continue
            first = newest[1] - 900
            try:
                window = ring.window(1, first, 900)
                taken = window.data.copy()
                window.check()
            except Overrun:
                overrun += 1
                continue
            np.testing.assert_array_equal(taken, numbered(first, 900))
            good += 1
    finally:
        halt.set()
        writer.join()
    assert good >= 200
    assert overrun >= 5


def test_samples_must_come_in_order() -> None:
    """The ring refuses samples that lie before its newest, in one sentence."""
    ring = Ring(CHANNELS, 1000.0, 0.5)
    ring.append(2, 10, numbered(0, 5))
    with pytest.raises(ValueError, match="expected samples from index 15 of epoch 2"):
        ring.append(2, 14, numbered(0, 1))
    with pytest.raises(ValueError, match="samples come in order"):
        ring.append(1, 100, numbered(0, 1))


def test_the_table_of_segments_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap after every sample costs the oldest samples, not memory without end."""
    monkeypatch.setattr(ring_module, "MAX_SEGMENTS", 16)
    ring = Ring(CHANNELS, 1000.0, 0.5)
    for i in range(100):
        ring.append(1, 2 * i, numbered(i, 1))
    assert len(ring._segments) == 16
    assert ring.extent(1) == (2 * 84, 199)
    np.testing.assert_array_equal(ring.window(1, 2 * 84, 1).data, numbered(84, 1))
    with pytest.raises(Overrun):
        ring.window(1, 2 * 83, 1)


def test_the_memory_goes_with_the_last_window() -> None:
    """A window keeps the mapping alive; without one it is unmapped."""

    def mapped() -> int:
        return Path("/proc/self/maps").read_text().count("myotome-ring")

    gc.collect()
    before = mapped()
    ring = Ring(CHANNELS, 1000.0, 0.5, double_map=True)
    ring.append(1, 0, numbered(0, 10))
    data = ring.window(1, 0, 10).data
    del ring
    gc.collect()
    np.testing.assert_array_equal(data, numbered(0, 10))
    assert mapped() > before
    del data
    gc.collect()
    assert mapped() == before


def test_appending_64_channels_at_20_khz_is_far_from_the_limit() -> None:
    """A second of signal is written in a small part of a second (the ratio is benchmarked)."""
    ring = Ring(64, 20_000.0, 2.0)
    data = np.ones((64, 200), np.int32)
    for i in range(200):
        ring.append(1, 200 * i, data)
    begun = time.process_time()
    for i in range(200, 300):
        ring.append(1, 200 * i, data)
    assert time.process_time() - begun < 0.25
