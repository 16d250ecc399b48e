"""When a stimulator may fire: the rules one by one, then all of them against random sequences."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.config import load_stimulator_limits
from drivers.types import Pulse
from service.bedside.interlock import SILENT_S, Interlock, Phase, Placement, RefusedError
from service.bedside.train import Declared

LIMITS = load_stimulator_limits()
STEP = Placement("ulnar", "wrist", "left", "left FDI")


def armed(now_s: float = 0.0, current_ma: float = 5.0) -> Interlock:
    """An interlock armed by page `a`, after everything it asks for."""
    lock = Interlock(LIMITS, present=True)
    lock.ready()
    lock.amplifier(True, 1)
    lock.place(STEP)
    lock.configured(Pulse(current_ma, 200.0))
    lock.heard("a", now_s)
    lock.asked("none")
    lock.check_arm("a", "AB", now_s)
    lock.armed_by("a", "AB", now_s)
    return lock


def refusal(call, *arguments) -> str:
    """The cause of a refusal that must come."""
    with pytest.raises(RefusedError) as refused:
        call(*arguments)
    assert str(refused.value)
    return refused.value.cause


def test_it_starts_disarmed_and_unknown() -> None:
    """Nothing is believed of a stimulator that has not answered."""
    lock = Interlock(LIMITS, present=True)
    assert lock.phase is Phase.UNKNOWN
    assert not lock.armed
    assert refusal(lock.check_arm, "a", "AB", 0.0) == "unknown_state"


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda lock: lock.place(Placement()), "no_step"),
        (lambda lock: lock.configured(Pulse(0.0, 200.0)), "no_current"),
        (lambda lock: lock.amplifier(False, 1), "no_signal"),
        (lambda lock: lock.gone("a"), "silent_client"),
        (lambda lock: lock.link_lost("cable"), "unknown_state"),
    ],
)
def test_each_condition_of_arming_is_needed(spoil, cause: str) -> None:
    """Without any one of them there is no arming."""
    lock = armed()
    lock.disarm()
    spoil(lock)
    assert refusal(lock.check_arm, "a", "AB", 0.5) == cause


def test_arming_needs_initials() -> None:
    """A pulse has a name to it."""
    lock = armed()
    lock.disarm()
    assert refusal(lock.check_arm, "a", "  ", 0.5) == "no_operator"


@pytest.mark.parametrize(
    "event",
    [
        lambda lock: lock.amplifier(False, 1),
        lambda lock: lock.amplifier(True, 2),
        lambda lock: lock.place(Placement("ulnar", "below_elbow", "left", "left FDI")),
        lambda lock: lock.configured(Pulse(6.0, 200.0)),
        lambda lock: lock.gone("a"),
        lambda lock: lock.stop(),
        lambda lock: lock.disarm(),
        lambda lock: lock.link_lost("cable"),
        lambda lock: lock.refused("said no"),
        lambda lock: lock.tick(SILENT_S + 0.01),
    ],
)
def test_everything_unexpected_disarms(event) -> None:
    """After it no pulse goes out."""
    lock = armed()
    event(lock)
    assert not lock.armed
    assert refusal(lock.fire, "a", "n", 0.1) == "not_armed"


def test_new_side_or_nerve_starts_from_zero_but_another_site_keeps_the_current() -> None:
    """The first pulse at a new nerve is never at the old intensity."""
    lock = armed(current_ma=5.0)
    lock.place(Placement("ulnar", "below_elbow", "left", "left FDI"))
    assert lock.pulse.current_ma == 5.0
    lock.place(Placement("ulnar", "wrist", "right", "right FDI"))
    assert lock.pulse.current_ma == 0.0


def test_idle_for_a_minute_disarms_and_a_pulse_starts_it_again() -> None:
    """60 s after the last pulse, not after arming."""
    lock = armed()
    lock.heard("a", 50.0)
    lock.fire("a", "n", 50.0)
    lock.delivered("s", 50.0)
    lock.seen("s")
    lock.heard("a", 109.0)
    lock.tick(109.0)
    assert lock.armed
    lock.heard("a", 110.0)
    lock.tick(110.0)
    assert not lock.armed


def test_two_pulses_without_an_edge_disarm_and_one_seen_forgives_one() -> None:
    """Sent but not seen, twice in a row."""
    lock = armed()
    for at_s, seen in ((1.0, False), (2.0, True), (3.0, False), (4.0, False)):
        lock.heard("a", at_s)
        lock.fire("a", f"n{at_s}", at_s)
        lock.delivered(f"s{at_s}", at_s)
        (lock.seen if seen else lock.unseen)(f"s{at_s}")
        lock.tick(at_s)
        assert lock.armed == (at_s < 4.0)


def test_stop_stays_until_armed_again() -> None:
    """Neither time, nor a reconnect, nor a new current ends STOP."""
    lock = armed()
    lock.stop()
    lock.tick(5.0)
    lock.ready()
    lock.configured(Pulse(6.0, 200.0))
    lock.place(Placement("median", "wrist", "left", "left APB"))
    assert lock.phase is Phase.STOPPED


def test_only_one_page_controls() -> None:
    """A second page can neither arm nor fire."""
    lock = armed()
    lock.heard("b", 0.0)
    assert refusal(lock.check_arm, "b", "CD", 0.1) == "other_controller"
    assert refusal(lock.fire, "b", "n", 0.1) == "other_controller"


def test_a_nonce_fires_once_even_after_a_refusal() -> None:
    """A repeated request never becomes a second shock."""
    lock = armed()
    lock.fire("a", "n", 0.1)
    lock.delivered("s", 0.1)
    assert refusal(lock.fire, "a", "n", 0.5) == "replayed"


@pytest.mark.parametrize(
    ("pulse", "cause"),
    [
        (Pulse(LIMITS.max_ma + 0.1, 100.0), "above_limit"),
        (Pulse(5.0, LIMITS.max_us + 1), "above_limit"),
        (Pulse(5.0, 0.0), "above_limit"),
        (Pulse(-1.0, 100.0), "above_limit"),
        (Pulse(10.1, 200.0), "step_too_large"),
        (Pulse(float("nan"), 200.0), "above_limit"),
    ],
)
def test_limits_and_steps_are_kept(pulse: Pulse, cause: str) -> None:
    """From 5 mA: nothing above a limit, and at most 5 mA more."""
    assert refusal(armed().check_configure, pulse) == cause


def test_charge_and_energy_are_limited_where_current_and_width_are_not() -> None:
    """Large and long together is too much."""
    lock = armed(current_ma=95.0)
    assert refusal(lock.check_configure, Pulse(95.0, 900.0)) == "above_limit"
    lock = armed(current_ma=95.0)
    energy_mj = 100.0**2 * LIMITS.load_ohm * 499.0 * 1e-9
    assert energy_mj < LIMITS.max_energy_mj
    lock.check_configure(Pulse(100.0, 499.0))


def test_arming_waits_for_the_answer_about_implanted_devices() -> None:
    """Asked once per study, in one of three words; another answer disarms."""
    lock = armed()
    lock.asked("present")
    assert not lock.armed
    lock.implant = ""
    assert refusal(lock.check_arm, "a", "AB", 0.1) == "not_asked"
    assert refusal(lock.asked, "perhaps") == "no_answer"


def test_the_ceiling_can_be_lowered_and_never_raised() -> None:
    """Lowering disarms, and a current above it goes back to the start."""
    lock = armed(current_ma=40.0)
    lock.lower_ceiling(30.0)
    assert not lock.armed
    assert lock.pulse.current_ma == 0.0
    assert refusal(lock.lower_ceiling, 31.0) == "above_limit"
    assert refusal(lock.check_configure, Pulse(30.5, 200.0)) == "above_limit"


def test_a_bouncing_pedal_is_one_pulse() -> None:
    """A second press within 150 ms is refused, whatever its nonce."""
    lock = armed()
    lock.fire("a", "n1", 0.1)
    lock.delivered("s1", 0.1)
    lock.seen("s1")
    assert refusal(lock.fire, "a", "n2", 0.249) == "too_soon"


def train(declared: Declared, current_ma: float = 20.0) -> Interlock:
    """An interlock armed for a declared train."""
    lock = armed(current_ma=current_ma)
    lock.check_arm("a", "AB", 0.0, declared)
    lock.armed_by("a", "AB", 0.0, declared)
    return lock


def run(lock: Interlock, until_s: float, tick_s: float = 0.02) -> list[tuple[float, float]]:
    """(time, current) of the pulses of a train while the page is there, each of them seen."""
    sent, steps = [], round(until_s / tick_s)
    for step in range(1, steps):
        now = step * tick_s
        lock.heard("a", now)
        pulse = lock.train_pulse(now)
        if pulse is not None:
            sent.append((now, pulse.current_ma))
            lock.delivered(str(step), now)
            lock.seen(str(step))
    return sent


def test_a_declared_train_is_armed_once_and_ends_at_its_count() -> None:
    """Nothing before the press; ten pulses at 3 Hz; then disarmed."""
    lock = train(Declared("rns", 10, 3.0))
    assert run(lock, 0.5) == []
    lock.heard("a", 0.5)
    lock.fire("a", "n", 0.5)
    lock.delivered("first", 0.5)
    lock.seen("first")
    times = [0.5] + [at for at, _ in run(lock, 6.0) if at > 0.5]
    assert len(times) == 10
    assert all(1 / 3 <= b - a <= 1 / 3 + 0.021 for a, b in itertools.pairwise(times))
    assert not lock.armed
    assert "complete" in lock.sentence


def test_a_scan_goes_down_in_equal_steps_and_never_above_its_ceiling() -> None:
    """600 pulses at 2 Hz from 20 mA to 2 mA: more than any undeclared train."""
    lock = train(Declared("scan", 600, 2.0, to_ma=2.0))
    lock.heard("a", 0.0)
    lock.fire("a", "n", 0.0)
    lock.delivered("first", 0.0)
    lock.seen("first")
    currents = [20.0] + [current for _, current in run(lock, 320.0)]
    assert len(currents) == 600
    assert currents == sorted(currents, reverse=True)
    assert currents[-1] == 2.0


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (Declared("scan", 601, 2.0), "outside 1 to 600"),
        (Declared("scan", 600, 2.1), "up to 2 Hz"),
        (Declared("rns", 11, 3.0), "outside 1 to 10"),
        (Declared("rns", 10, 50.0), "up to 5 Hz"),
        (Declared("f", 101, 0.5), "outside 1 to 100"),
        (Declared("h", 151, 0.5), "outside 1 to 150"),
        (Declared("scan", 10, 1.0, to_ma=21.0), "only goes down"),
        (Declared("tetanus", 10, 1.0), "no train"),
    ],
)
def test_a_train_beyond_its_kind_is_not_armed(declared: Declared, words: str) -> None:
    """Each kind has its count and its rate."""
    lock = armed(current_ma=20.0)
    with pytest.raises(RefusedError, match=words) as refused:
        lock.check_arm("a", "AB", 0.0, declared)
    assert refused.value.cause == "train_refused"


@pytest.mark.parametrize(
    "event",
    [
        lambda lock: refusal(lock.fire, "a", "another", 3.0),
        lambda lock: lock.end_train("pedal"),
        lambda lock: lock.stop(),
        lambda lock: lock.gone("a"),
        lambda lock: lock.amplifier(False, 1),
    ],
)
def test_anything_ends_a_train(event) -> None:
    """A press, the pedal let go, STOP, the page closed, the amplifier silent: no pulse after it."""
    lock = train(Declared("f", 100, 1.0))
    lock.heard("a", 0.0)
    lock.fire("a", "n", 0.0)
    lock.delivered("first", 0.0)
    lock.seen("first")
    assert len(run(lock, 2.9)) == 2
    event(lock)
    assert run(lock, 30.0) == []
    assert not lock.armed


class Machine(RuleBasedStateMachine):
    """Random sequences; the model beside it keeps what must be true of every pulse."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = Interlock(LIMITS, present=True)
        self.now = 0.0
        self.heard: dict[str, float] = {}
        self.live, self.epoch = False, 1
        self.stopped = False
        self.last_activity = -1e9
        self.used: set[str] = set()
        self.pulses = 0
        self.ids = 0
        self.left: int | None = None
        self.last_pulse = -1e9

    @rule(dt=st.sampled_from([0.01, 0.3, 0.9, 1.1, 20.0, 61.0]), beats=st.booleans())
    def wait(self, dt: float, beats: bool) -> None:
        """Time passes, perhaps with a ping at its end."""
        self.now += dt
        if beats:
            self.say("a")
        self.lock.tick(self.now)

    @rule(client=st.sampled_from(["a", "b"]))
    def say(self, client: str) -> None:
        """A page pings."""
        self.heard[client] = self.now
        self.lock.heard(client, self.now)

    @rule(client=st.sampled_from(["a", "b"]))
    def leave(self, client: str) -> None:
        """A page closes."""
        self.heard.pop(client, None)
        self.lock.gone(client)

    @rule(live=st.booleans(), new=st.booleans())
    def amplifier(self, live: bool, new: bool) -> None:
        """Data flow or not, perhaps in a new epoch."""
        self.live = live
        self.epoch += new
        self.lock.amplifier(live, self.epoch)

    @rule(side=st.sampled_from(["left", "right"]), site=st.sampled_from(["wrist", "below_elbow"]))
    def place(self, side: str, site: str) -> None:
        """Another step; a new side starts from 0 mA."""
        before = self.lock.placement.side
        self.lock.place(Placement("ulnar", site, side, f"{side} FDI"))
        if side != before:
            assert self.lock.pulse.current_ma == 0.0

    @rule(current_ma=st.floats(-1, 150), width_us=st.floats(0, 1200))
    def configure(self, current_ma: float, width_us: float) -> None:
        """A pulse; what is accepted keeps the step rule."""
        before = self.lock.pulse.current_ma
        try:
            self.lock.check_configure(Pulse(current_ma, width_us))
        except RefusedError:
            return
        self.lock.configured(Pulse(current_ma, width_us))
        assert current_ma - before <= max(5.0, 0.2 * before) + 1e-6

    @rule()
    def up(self) -> None:
        """The most that one press may add."""
        self.configure(self.lock.pulse.current_ma + 5.0, 200.0)

    @rule(answer=st.sampled_from(["none", "present", "not_known", ""]))
    def ask(self, answer: str) -> None:
        """The question about implanted devices; an empty answer is none."""
        try:
            self.lock.asked(answer)
        except RefusedError:
            assert not answer

    @rule(max_ma=st.floats(1, 120))
    def lower(self, max_ma: float) -> None:
        """A ceiling never rises."""
        before = self.lock.limits.max_ma
        try:
            self.lock.lower_ceiling(max_ma)
        except RefusedError:
            assert max_ma > before
        assert self.lock.limits.max_ma <= before

    @rule(
        client=st.sampled_from(["a", "b"]),
        operator=st.sampled_from(["AB", ""]),
        declared=st.sampled_from([None, Declared("f", 3, 1.0), Declared("scan", 700, 2.0)]),
    )
    def arm(self, client: str, operator: str, declared: Declared | None = None) -> None:
        """Try to arm."""
        try:
            self.lock.check_arm(client, operator, self.now, declared)
        except RefusedError:
            return
        assert operator
        assert self.lock.implant
        assert declared is None or declared.count <= 100
        self.lock.armed_by(client, operator, self.now, declared)
        self.left = 3 if declared else None
        self.last_activity, self.stopped = self.now, False

    @rule()
    def prepare(self) -> None:
        """All that arming needs, in order."""
        self.lock.ready()
        self.lock.asked("none")
        self.amplifier(True, False)
        self.place("left", "wrist")
        self.up()
        self.say("a")
        self.arm("a", "AB")

    @rule(client=st.sampled_from(["a", "b"]), nonce=st.integers(0, 40), seen=st.booleans())
    def fire(self, client: str, nonce: int, seen: bool) -> None:
        """Try to fire; whatever goes out has kept every rule."""
        name = str(nonce)
        try:
            pulse = self.lock.fire(client, name, self.now)
        except RefusedError:
            self.used.add(name)
            return
        assert name not in self.used
        self.used.add(name)
        self.check(pulse, client)
        self.told(seen)

    @rule(dt=st.sampled_from([0.02, 0.4, 0.6]), seen=st.booleans())
    def train_on(self, dt: float, seen: bool) -> None:
        """Time for the next pulse of a train, with the page there."""
        self.now += dt
        self.say("a")
        pulse = self.lock.train_pulse(self.now)
        if pulse is not None:
            assert self.left is not None
            self.check(pulse, self.lock.controller)
            self.told(seen)

    def check(self, pulse: Pulse, client: str) -> None:
        """What must be true of every pulse that goes out."""
        assert self.live
        assert not self.stopped
        assert self.now - self.heard[client] <= SILENT_S
        assert self.now - self.last_pulse >= 0.15
        if self.left is not None:
            assert self.left > 0
            self.left -= 1
        assert self.now - self.last_activity < LIMITS.arm_timeout_s
        assert 0 < pulse.current_ma <= LIMITS.max_ma
        assert pulse.current_ma * pulse.width_us / 1000 <= LIMITS.max_charge_uc
        assert pulse.current_ma <= self.lock.limits.max_ma

    def told(self, seen: bool) -> None:
        """The stimulator answers that it went out."""
        self.last_activity = self.last_pulse = self.now
        self.ids += 1
        self.lock.delivered(str(self.ids), self.now)
        (self.lock.seen if seen else self.lock.unseen)(str(self.ids))

    @rule()
    def stop(self) -> None:
        """STOP."""
        self.stopped = True
        self.lock.stop()

    @rule(lost=st.booleans())
    def link(self, lost: bool) -> None:
        """The stimulator's cable."""
        if lost:
            self.lock.link_lost("cable")
        else:
            self.lock.ready()

    @invariant()
    def stop_is_latched(self) -> None:
        """After STOP nothing is armed until somebody arms."""
        assert not (self.stopped and self.lock.armed)

    @invariant()
    def armed_means_named_live_and_timed(self) -> None:
        """No arming without a name, data and an end."""
        if self.lock.armed:
            assert self.live
            assert self.lock.controller in self.heard
            assert self.lock.operator
            assert self.lock.expires_in_s(self.now) is not None


Machine.TestCase.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
TestInterlock = Machine.TestCase  # 200 sequences of up to 60: 12,000 steps
