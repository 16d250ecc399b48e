"""The stimulator's thread: STOP before everything, heartbeats only while all is well."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import Future, wait

import pytest

from drivers.config import load_stimulator_limits
from drivers.errors import DeviceLost, StimulatorRefused
from drivers.types import Pulse, StimulatorState, Stimulus
from service.bedside.interlock import Phase, RefusedError
from service.bedside.placement import Placement
from service.bedside.stimulation import Stimulation
from service.bedside.stimulator_status import Record, StimulationPorts, StimulatorStatus
from service.bedside.train import Declared

STEP = Placement("ulnar", "wrist", "left", "left FDI")


class FakeStimulator:
    """Keeps every call with its time; `hold` makes configure wait, as a slow link would."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []
        self.armed = False
        self.pulses = 0
        self.hold = threading.Event()
        self.hold.set()
        self.fail: Exception | None = None

    def _note(self, name: str) -> StimulatorState:
        self.calls.append((name, time.monotonic()))
        return StimulatorState(self.armed, 0.0, 0.0, self.pulses)

    def configure(self, pulse: Pulse) -> StimulatorState:
        """Wait if held."""
        self.hold.wait(5)
        self.armed = False
        return self._note("configure")

    def arm(self) -> StimulatorState:
        """Arm."""
        self.armed = True
        return self._note("arm")

    def fire(self, nonce: str) -> StimulatorState:
        """Count, or fail as told."""
        if self.fail is not None:
            raise self.fail
        assert self.armed
        self.pulses += 1
        return self._note("fire")

    def heartbeat(self) -> StimulatorState:
        """Note."""
        return self._note("heartbeat")

    def disarm(self) -> None:
        """Off."""
        self.armed = False
        self._note("disarm")

    def close(self) -> None:
        """Note."""
        self._note("close")

    def times(self, name: str) -> list[float]:
        """When a call came."""
        return [at for what, at in self.calls if what == name]


class Bench:
    """A stimulation with a fake stimulator and everything it tells."""

    def __init__(self) -> None:
        self.fake = FakeStimulator()
        self.expected: list[Stimulus] = []
        self.records: list[Record] = []
        self.statuses: list[StimulatorStatus] = []
        self.beat = None
        self.unit = Stimulation(
            lambda: self.fake,
            load_stimulator_limits(),
            StimulationPorts(
                self.expected.append,
                self.statuses.append,
                self.records.append,
                lambda: time.monotonic() if self.beat is None else self.beat,
            ),
            time.monotonic,
        )
        self.unit.start()

    def until(self, condition, deadline_s: float = 3.0) -> None:
        """Wait for something with a deadline."""
        end = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.002)

    def arm(self, declared: Declared | None = None) -> None:
        """All that arming needs, in order."""
        self.until(lambda: self.unit.status.state is not Phase.UNKNOWN)
        self.unit.amplifier(True, 1)
        self.unit.place(STEP).result(2)
        self.unit.configure(Pulse(5.0, 200.0)).result(2)
        self.unit.heard("a")
        self.unit.ask("none", "AB").result(2)
        self.unit.arm("a", "AB", declared).result(2)


@pytest.fixture
def bench():
    """A running stimulation, closed after the test."""
    made = Bench()
    yield made
    made.fake.hold.set()
    made.unit.close()


def refused(answer: Future) -> str:
    """The cause of a refusal that must come."""
    with pytest.raises(RefusedError) as error:
        answer.result(2)
    return error.value.cause


def test_a_pulse_is_expected_before_it_is_sent_and_recorded_after(bench: Bench) -> None:
    """Its edge must find the stimulus waiting; the record has who, what and when."""
    bench.arm()
    bench.unit.heard("a")
    assert bench.unit.fire("a", "n1").result(2).delivered_count == 1
    (stimulus,) = bench.expected
    assert stimulus.sent_s is not None
    assert stimulus.sent_s <= bench.fake.times("fire")[0]
    assert (stimulus.nerve, stimulus.site, stimulus.side) == ("ulnar", "wrist", "left")
    assert [r.client for r in bench.records if r.what == "pulse"] == ["a"]


def test_a_declared_train_sends_its_pulses_and_disarms(bench: Bench) -> None:
    """Three pulses from 5 to 1 mA at 5 Hz after one press, each expected and recorded."""
    bench.arm(Declared("rns", 3, 5.0, to_ma=1.0))
    bench.unit.heard("a")
    bench.unit.fire("a", "n1").result(2)
    bench.until(lambda: bench.unit.status.state is Phase.SAFE)
    assert [s.pulse.current_ma for s in bench.expected] == [5.0, 3.0, 1.0]
    assert [r.sentence for r in bench.records if r.what == "pulse"] == [
        "5 mA 200 µs", "3 mA 200 µs", "1 mA 200 µs"
    ]  # fmt: skip
    first, second, third = bench.fake.times("fire")
    assert second - first >= 0.2
    assert third - second >= 0.2
    assert not bench.fake.armed


def test_a_press_ends_a_train(bench: Bench) -> None:
    """No pulse after it, whatever was declared."""
    bench.arm(Declared("f", 100, 1.0))
    bench.unit.heard("a")
    bench.unit.fire("a", "n1").result(2)
    assert refused(bench.unit.fire("a", "n2")) == "train_ended"
    bench.until(lambda: not bench.fake.armed)
    assert bench.fake.pulses == 1


def test_refused_by_the_stimulator_withdraws_the_expectation(bench: Bench) -> None:
    """A pulse that never left must not claim the next edge."""
    bench.arm()
    bench.fake.fail = StimulatorRefused("too_soon", "too soon")
    bench.unit.heard("a")
    assert refused(bench.unit.fire("a", "n")) == "too_soon"
    assert [s.sent_s is None for s in bench.expected] == [False, True]
    assert bench.unit.status.state is Phase.SAFE


def test_heartbeats_are_at_most_100_ms_apart_while_armed_and_none_otherwise(bench: Bench) -> None:
    """The dead-man is fed in time, and only then."""
    bench.until(lambda: bench.unit.status.state is Phase.SAFE)
    assert bench.fake.times("heartbeat") == []
    bench.arm()
    start = time.monotonic()
    while time.monotonic() < start + 0.6:
        bench.unit.heard("a")
        time.sleep(0.05)
    beats = bench.fake.times("heartbeat")
    assert len(beats) >= 5
    gaps = sorted(b - a for a, b in itertools.pairwise(beats))
    assert gaps[len(gaps) // 2] <= 0.1


def test_a_slow_event_loop_stops_heartbeats_and_disarms(bench: Bench) -> None:
    """Lag above 250 ms: the service does not trust itself."""
    bench.arm()
    bench.beat = time.monotonic() - 0.3
    bench.unit.heard("a")
    bench.until(lambda: not bench.fake.armed)
    count = len(bench.fake.times("heartbeat"))
    assert refused(bench.unit.fire("a", "n")) == "not_armed"
    assert len(bench.fake.times("heartbeat")) == count


def test_silent_page_is_disarmed_within_its_second(bench: Bench) -> None:
    """The page that armed has hung: nobody holds the button."""
    bench.arm()
    started = time.monotonic()
    bench.until(lambda: not bench.fake.armed)
    assert time.monotonic() - started < 1.5


def stopped_while_stuck(bench: Bench) -> tuple[float, float]:
    """STOP with 500 queued requests and a stuck link: seconds to its return and to the disarm."""
    bench.arm()
    bench.unit.heard("a")
    bench.fake.hold.clear()
    stuck = bench.unit.configure(Pulse(6.0, 200.0))
    queued = [bench.unit.fire("a", f"n{i}") for i in range(250)]
    queued += [bench.unit.arm("a", "AB") for _ in range(250)]
    disarms = len(bench.fake.times("disarm"))
    before = time.monotonic()
    bench.unit.stop()
    returned = time.monotonic()
    bench.until(lambda: len(bench.fake.times("disarm")) > disarms)
    disarmed = bench.fake.times("disarm")[disarms]
    bench.fake.hold.set()
    assert {refused(answer) for answer in queued} <= {"stopped", "not_armed"}
    stuck.exception(2)
    assert bench.fake.pulses == 0
    bench.until(lambda: bench.unit.status.state is Phase.STOPPED)
    assert not bench.fake.armed
    return returned - before, disarmed - before


def test_stop_disarms_while_the_thread_is_inside_a_command_and_the_queue_is_full(
    bench: Bench,
) -> None:
    """A stuck link and a full queue keep STOP from nothing."""
    stopped_while_stuck(bench)


@pytest.mark.timed
def test_stop_waits_for_nothing() -> None:
    """STOP returns within 20 ms and disarms within 100 ms, median of three."""
    took = []
    for _ in range(3):
        bench = Bench()
        took.append(stopped_while_stuck(bench))
        bench.unit.close()
    returned_s, disarmed_s = (sorted(times)[1] for times in zip(*took, strict=True))
    assert returned_s < 0.02
    assert disarmed_s < 0.1


def test_stop_is_latched_until_armed_again(bench: Bench) -> None:
    """Arming releases it, nothing else does."""
    bench.arm()
    bench.unit.stop()
    bench.until(lambda: bench.unit.status.state is Phase.STOPPED)
    bench.unit.configure(Pulse(6.0, 200.0)).result(2)
    assert bench.unit.status.state is Phase.STOPPED
    bench.unit.heard("a")
    assert bench.unit.arm("a", "AB").result(2).state is Phase.ARMED


def test_a_pulse_that_stop_overtook_cannot_be_sent_later(bench: Bench) -> None:
    """STOP refuses what was queued, and its nonce is used up for ever."""
    bench.arm()
    bench.fake.hold.clear()
    stuck = bench.unit.configure(Pulse(5.0, 200.0))
    queued = bench.unit.fire("a", "n")
    bench.unit.stop()
    bench.fake.hold.set()
    assert refused(queued) == "stopped"
    wait([stuck], 2)
    bench.arm()
    bench.unit.heard("a")
    assert refused(bench.unit.fire("a", "n")) == "replayed"
    assert bench.fake.pulses == 0


def test_lost_link_is_unknown_and_comes_back_disarmed(bench: Bench) -> None:
    """What does not answer is treated as armed on the page, and never fired."""
    bench.arm()
    bench.fake.fail = DeviceLost("the port is gone")
    bench.unit.heard("a")
    assert refused(bench.unit.fire("a", "n")) == "link_lost"
    assert bench.unit.status.state is Phase.UNKNOWN
    bench.until(lambda: bench.unit.status.state is Phase.SAFE)
    assert refused(bench.unit.fire("a", "n2")) == "not_armed"


def test_close_disarms_and_releases(bench: Bench) -> None:
    """The end of the service is the end of arming."""
    bench.arm()
    bench.unit.close()
    assert not bench.fake.armed
    assert [name for name, _ in bench.fake.calls][-1] == "close"


def test_without_a_stimulator_every_request_says_so() -> None:
    """No hardware, no state but `none`."""
    unit = Stimulation(
        None,
        load_stimulator_limits(),
        StimulationPorts(lambda _: None, lambda _: None, lambda _: None, time.monotonic),
        time.monotonic,
    )
    unit.start()
    try:
        assert unit.status.state is Phase.NONE
        assert refused(unit.arm("a", "AB")) == "no_stimulator"
        assert refused(unit.configure(Pulse(1.0, 100.0))) == "no_stimulator"
        unit.stop()
        assert unit.status.state is Phase.NONE
    finally:
        unit.close()
