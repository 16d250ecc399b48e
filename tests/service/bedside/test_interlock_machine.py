"""All rules of the stimulator against random sequences, on a virtual clock."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.types import Pulse
from service.bedside.interlock import SILENT_S, Interlock, RefusedError
from service.bedside.placement import Placement, StepPulse
from service.bedside.train import Declared

from .interlock_rig import LIMITS


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
        self.step = (Placement(), "")

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

    @rule(
        side=st.sampled_from(["left", "right"]),
        site=st.sampled_from(["wrist", "below_elbow"]),
        width_us=st.sampled_from([100.0, 200.0, 1000.0]),
    )
    def place(self, side: str, site: str, width_us: float) -> None:
        """Another step; a new side starts from 0 mA, and no width makes a current do more."""
        where, step = Placement("ulnar", site, side, f"{side} FDI"), StepPulse(f"{width_us}")
        before, moved = self.lock.pulse, side != self.lock.placement.side
        changed = (where, step.step) != self.step
        self.step = (where, step.step)
        self.lock.place(where, StepPulse(step.step, width_us))
        after = self.lock.pulse
        if moved:
            assert after.current_ma == 0.0
        assert after.current_ma <= before.current_ma
        assert after.current_ma * after.width_us <= before.current_ma * before.width_us + 1e-3
        if changed:
            assert after.width_us == width_us
            assert not self.lock.armed

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
        self.place("left", "wrist", 200.0)
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


Machine.TestCase.settings = settings(max_examples=70, stateful_step_count=60, deadline=None)
TestInterlock = Machine.TestCase  # with driver and firmware: test_stimulation_machine
