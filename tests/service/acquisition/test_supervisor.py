"""The supervisor with a scripted child and a clock of its own: states, deaths, epochs, counts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from drivers.errors import DeviceLost
from drivers.types import Epoch, LinkState, SampleBlock, WorkerReport
from service.acquisition.pipeline import Pipeline
from service.acquisition.supervisor import Supervisor

from .synthetic import Told, block, epoch

Message = Epoch | SampleBlock | WorkerReport | Exception


@dataclass
class Clock:
    """Time that passes only when someone waits."""

    now_s: float = 100.0

    def __call__(self) -> float:
        """Monotonic seconds."""
        return self.now_s

    def wait(self, seconds: float) -> None:
        """Let it pass."""
        self.now_s += seconds


@dataclass
class Child:
    """A worker that says what it is given, and otherwise lets the time-out pass."""

    clock: Clock
    first_epoch: int
    script: deque[Message] = field(default_factory=deque)
    ended: str = ""

    def poll(self, timeout_s: float) -> Epoch | SampleBlock | WorkerReport | None:
        """The next line of the script."""
        if not self.script:
            self.clock.wait(timeout_s)
            return None
        message = self.script.popleft()
        if isinstance(message, Exception):
            raise message
        return message

    def stop(self) -> None:
        """Ended politely."""
        self.ended = "stopped"

    def close(self) -> None:
        """Ended, if it was not already."""
        self.ended = self.ended or "killed"


@dataclass
class Bench:
    """A supervisor with everything around it made up."""

    clock: Clock = field(default_factory=Clock)
    told: Told = field(default_factory=Told)
    children: list[Child] = field(default_factory=list)
    start_fails: list[OSError] = field(default_factory=list)

    def __post_init__(self) -> None:
        pipeline = Pipeline("d", outlets=self.told)
        self.supervisor = Supervisor(
            "d", "test:", pipeline, self.clock, spawn=self._spawn, pause=self.clock.wait
        )

    def _spawn(self, url: str, first_epoch: int) -> Child:
        if self.start_fails:
            raise self.start_fails.pop()
        self.children.append(Child(self.clock, first_epoch))
        return self.children[-1]

    @property
    def child(self) -> Child:
        """The newest child."""
        return self.children[-1]

    def step_until(self, done: Callable[[], bool]) -> None:
        """Step, but not for ever."""
        for _ in range(1000):
            if done():
                return
            self.supervisor.step()
        pytest.fail("it never came to that")

    def pass_s(self, seconds: float) -> None:
        """Step until that much time has passed."""
        end = self.clock.now_s + seconds
        self.step_until(lambda: self.clock.now_s >= end - 1e-9)

    def say(self, *messages: Message) -> None:
        """The child says these now."""
        self.child.script.extend(messages)
        self.step_until(lambda: not self.child.script)

    def stream_s(self, seconds: float, *, start: int = 0, rate_hz: float = 1000.0) -> int:
        """50 ms blocks in step with the clock; the index after them. With a heartbeat."""
        for _ in range(round(seconds / 0.05)):
            n = round(0.05 * rate_hz)
            self.clock.wait(0.05)
            data = np.zeros((3, n), np.int32)
            number = self.told.epochs[-1].number
            self.say(block(data, start, number=number, received_s=self.clock.now_s))
            start += n
        return start

    def live(self) -> None:
        """Open the first epoch and stream for a moment."""
        self.step_until(lambda: bool(self.children))
        self.say(epoch(1))
        self.stream_s(0.2)

    @property
    def state(self) -> LinkState:
        """As last told."""
        return self.told.states[-1].state if self.told.states else LinkState.CONNECTING


def test_live_stalled_lost_by_the_age_of_the_data_alone() -> None:
    """A child that swears it is live does not make it so."""
    bench = Bench()
    bench.live()
    assert bench.state is LinkState.LIVE
    began_s = bench.clock.now_s
    seen = {}
    for _ in range(30):
        bench.say(WorkerReport(LinkState.LIVE))
        bench.pass_s(0.1)
        seen.setdefault(bench.state, bench.clock.now_s - began_s)
    assert list(seen) == [LinkState.LIVE, LinkState.STALLED, LinkState.LOST]
    assert 0.5 < seen[LinkState.STALLED] < 0.71
    assert 2.0 < seen[LinkState.LOST] < 2.21
    assert not bench.child.ended
    newest = bench.told.states[-1]
    assert newest.age_s == pytest.approx(bench.clock.now_s - began_s, abs=1.1)
    assert newest.since_s == pytest.approx(began_s + seen[LinkState.LOST])
    bench.stream_s(0.1, start=200)
    assert bench.state is LinkState.LIVE


def test_an_unplug_the_driver_reports_is_told_at_once() -> None:
    """Without waiting for the data to grow old; then the new epoch is live again."""
    bench = Bench()
    bench.live()
    at_s = bench.clock.now_s
    bench.say(WorkerReport(LinkState.LOST, "the port /dev/x is gone; plug it in again"))
    assert (bench.state, bench.clock.now_s) == (LinkState.LOST, at_s)
    assert bench.told.states[-1].sentence == "the port /dev/x is gone; plug it in again"
    bench.say(WorkerReport(LinkState.CONNECTING, "waiting for /dev/x"))
    assert (bench.state, bench.told.states[-1].sentence) == (LinkState.LOST, "waiting for /dev/x")
    bench.say(epoch(2, cause="replugged"))
    assert bench.state is LinkState.LOST
    bench.stream_s(0.05)
    assert (bench.state, bench.told.states[-1].epoch) == (LinkState.LIVE, 2)


def test_connecting_says_what_it_waits_for() -> None:
    """Before the first sample there is no age, no epoch and no rate."""
    bench = Bench()
    bench.step_until(lambda: bool(bench.children))
    bench.say(WorkerReport(LinkState.CONNECTING, "reading back the registers"))
    newest = bench.told.states[-1]
    assert (newest.state, newest.sentence) == (LinkState.CONNECTING, "reading back the registers")
    assert (newest.age_s, newest.epoch, newest.rate_hz) == (None, None, None)


def test_the_state_is_told_once_a_second() -> None:
    """Also when nothing changes."""
    bench = Bench()
    bench.live()
    told = len(bench.told.states)
    bench.stream_s(5.0, start=200)
    assert len(bench.told.states) - told == 5


def test_a_silent_child_is_killed_and_another_goes_on_with_the_next_epoch() -> None:
    """No word for 2 s: SIGKILL, a pause, and epochs that only rise."""
    bench = Bench()
    bench.live()
    first = bench.child
    bench.pass_s(2.3)
    assert first.ended == "killed"
    assert bench.state is LinkState.LOST
    assert "fell silent" in bench.told.states[-1].sentence
    bench.step_until(lambda: len(bench.children) == 2)
    assert bench.child.first_epoch == 2
    bench.say(epoch(2, cause="process restarted"))
    bench.stream_s(0.1)
    assert bench.state is LinkState.LIVE
    assert [e.number for e in bench.told.epochs] == [1, 2]


def test_a_child_may_take_its_time_to_start_but_not_for_ever() -> None:
    """Importing its libraries on a busy machine is not silence."""
    bench = Bench()
    bench.step_until(lambda: bool(bench.children))
    bench.pass_s(14.0)
    assert not bench.child.ended
    bench.pass_s(1.5)
    assert bench.children[0].ended == "killed"


def test_a_child_that_keeps_dying_is_started_with_growing_pauses() -> None:
    """0.5, 1, 2, 5, 5 s; data make the pauses short again."""
    bench = Bench()
    starts = []
    for n in range(1, 7):
        bench.step_until(lambda n=n: len(bench.children) == n)
        starts.append(bench.clock.now_s)
        bench.say(DeviceLost("the process of the device has ended"))
        assert bench.state is LinkState.LOST
    assert np.diff(starts) == pytest.approx([0.5, 1.0, 2.0, 5.0, 5.0], abs=0.15)
    bench.step_until(lambda: len(bench.children) == 7)
    bench.say(epoch(1))
    bench.stream_s(0.1)
    at_s = bench.clock.now_s
    bench.say(DeviceLost("ended"))
    bench.step_until(lambda: len(bench.children) == 8)
    assert bench.clock.now_s - at_s == pytest.approx(0.5, abs=0.15)


def test_a_process_that_cannot_be_started_is_said_and_tried_again() -> None:
    """Out of memory or processes: no dead thread."""
    bench = Bench(start_fails=[OSError(12, "Cannot allocate memory")])
    bench.step_until(lambda: bench.state is LinkState.LOST)
    assert "Cannot allocate memory" in bench.told.states[-1].sentence
    bench.step_until(lambda: bool(bench.children))


def test_a_block_that_fits_nowhere_costs_the_child_not_the_thread() -> None:
    """A broken promise of the driver is seen, and the device comes back."""
    bench = Bench()
    bench.live()
    bench.say(block(np.zeros((3, 5), np.int32), 0, received_s=bench.clock.now_s))
    assert bench.children[0].ended == "killed"
    assert "samples come once and in order" in bench.told.states[-1].sentence
    bench.step_until(lambda: len(bench.children) == 2)


def test_received_lost_and_rejected_add_up_over_epochs() -> None:
    """A rejected frame is not counted as lost as well."""
    bench = Bench()
    bench.step_until(lambda: bool(bench.children))
    data = np.zeros((3, 100), np.int32)
    at_s = bench.clock.now_s
    bench.say(
        epoch(1),
        block(data, 0, received_s=at_s),
        block(data, 110, received_s=at_s, rejected=3),
        epoch(2),
        block(data, 5, number=2, received_s=at_s),
    )
    bench.pass_s(1.1)
    newest = bench.told.states[-1]
    assert (newest.received, newest.lost, newest.rejected) == (300, 7 + 5, 3)


@pytest.mark.parametrize(("true_hz", "said"), [(1000.0, False), (1004.0, False), (992.0, True)])
def test_a_rate_that_is_off_is_said(true_hz: float, said: bool) -> None:
    """More than 0.5 % from the declared 1000 Hz, after 10 s, told while live."""
    bench = Bench()
    bench.step_until(lambda: bool(bench.children))
    bench.say(epoch(1))
    step_s, start = 50 / true_hz, 0
    for k in range(round(15.0 / step_s)):
        bench.clock.wait(step_s)
        data = np.zeros((3, 50), np.int32)
        bench.say(block(data, start, received_s=bench.clock.now_s))
        start += 50
        if k == 60:
            assert bench.told.states[-1].rate_hz is None
    newest = bench.told.states[-1]
    assert newest.state is LinkState.LIVE
    assert newest.rate_hz == pytest.approx(true_hz, rel=1e-3)
    assert ("instead of 1000" in newest.sentence) is said


def test_no_thread_and_no_child_is_left_behind() -> None:
    """Started and stopped for real, with real time."""
    told = Told()
    children: list[Child] = []

    class RealClock(Clock):
        def wait(self, seconds: float) -> None:
            time.sleep(seconds)

    def spawn(url: str, first_epoch: int) -> Child:
        child = Child(RealClock(), first_epoch, deque([epoch(first_epoch)]))
        children.append(child)
        return child

    before = threading.active_count()
    supervisor = Supervisor("d", "test:", Pipeline("d", outlets=told), spawn=spawn)
    supervisor.start()
    deadline = time.monotonic() + 10.0
    while not told.epochs and time.monotonic() < deadline:
        time.sleep(0.01)
    supervisor.stop()
    supervisor.stop()
    assert told.epochs
    assert threading.active_count() == before
    assert [child.ended for child in children] == ["stopped"]
    assert told.states[-1].state is LinkState.STOPPED
