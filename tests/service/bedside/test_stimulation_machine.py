"""Rules, driver and firmware together against random sequences: over 10,000 steps of virtual time.

The stimulator's own output is the oracle: every pulse that leaves it is judged where it leaves.
"""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from drivers.types import Pulse
from service.bedside.interlock import SILENT_S
from service.bedside.placement import Placement, StepPulse
from service.bedside.stimulation import LOOP_LAG_S
from service.bedside.train import Declared

from .stimulation_desk import LIMITS, TURN_S, Desk

pytestmark = pytest.mark.uncounted

PRESS_LIFE_S = LIMITS.dead_man_s + LIMITS.command_life_s


class Judged(Desk):
    """A desk whose stimulator is watched. `may`: the page that was allowed to arm, until anything
    that must disarm was asked for or happened."""

    def __init__(self) -> None:
        self.may: str | None = None
        self.heard_s: dict[str, float] = {}
        self.live = False
        self.presses: list[float] = []
        self.left = 0
        self.train = False
        self.active_s = -1e9
        self.last_s = -1e9
        self.beaten_s = 1000.0
        self.ceiling_ma = LIMITS.max_ma
        self.current_ma, self.width_us = 0.0, 200.0
        super().__init__()

    def deliver(self, current_ma: float, width_us: float) -> None:
        """Every rule of every pulse."""
        assert self.may is not None, "a pulse without arming"
        assert self.live, "a pulse that is not recorded"
        assert self.now - self.heard_s[self.may] <= SILENT_S + TURN_S, "nobody at the page"
        assert self.now - self.beaten_s <= LOOP_LAG_S + 1e-9, "the service hung"
        assert self.now - self.last_s >= 1 / LIMITS.max_rate_hz - 1e-9, "two pulses for one"
        assert self.now - self.active_s <= LIMITS.arm_timeout_s + TURN_S, "arming had lapsed"
        assert 0 < current_ma <= min(self.current_ma, self.ceiling_ma), "not the current shown"
        assert width_us == self.width_us, "not the width shown"
        assert current_ma * width_us / 1000 <= LIMITS.max_charge_uc
        if self.train:
            assert self.left > 0, "more than was declared"
            self.left -= 1
        else:
            assert self.presses, "no press for it"
            assert self.now - self.presses.pop() <= PRESS_LIFE_S, "a press of long ago"
        self.active_s = self.last_s = self.now
        super().deliver(current_ma, width_us)

    def turn(self, beat: bool = True) -> None:
        """As the service does."""
        if beat:
            self.beaten_s = self.now
        super().turn(beat)

    def forbid(self) -> None:
        """From here on a pulse is a violation."""
        self.may, self.left, self.train = None, 0, False
        self.presses.clear()


class Machine(RuleBasedStateMachine):
    """What happens at a bedside, and what should not."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Judged()
        self.unit = self.desk.unit
        self.epoch = 1
        self.step = ("", "", 0.0)
        self.implant = ""
        self.used: set[str] = set()
        self.stopped = self.began = False

    def teardown(self) -> None:
        """The oracle has seen as many pulses as the log has."""
        emitted = sum(entry.emitted for entry in self.desk.firmware.log)
        assert emitted == len(self.desk.pulses)
        self.desk.close()

    def hear(self, client: str) -> None:
        """A page pings."""
        self.desk.heard_s[client] = self.desk.now
        self.unit.heard(client)

    @rule(turns=st.integers(1, 15), there=st.booleans(), beat=st.sampled_from([True, True, False]))
    def live(self, turns: int, there: bool, beat: bool) -> None:
        """Time passes as it should, or with a page that hangs, or a loop that does."""
        for _ in range(turns):
            self.desk.now += TURN_S
            if there:
                self.hear("a")
            self.desk.turn(beat)

    @rule(dt=st.sampled_from([0.05, 0.25, 0.31, 1.1, 5.0, 61.0]), press=st.booleans())
    def freeze(self, dt: float, press: bool) -> None:
        """The whole service is stopped, perhaps with a press under way."""
        answer = self.fire_unturned("a", f"f{self.desk.now}") if press else None
        self.desk.now += dt
        if dt > LIMITS.dead_man_s:
            self.desk.forbid()
        self.desk.turn()
        assert answer is None or answer.done()
        if answer is not None and answer.exception() is not None and self.began:
            self.desk.left, self.count = 0, self.desk.left

    @rule(dt=st.sampled_from([-100.0, -0.5, 0.15, 0.5, 100.0]))
    def step_clock(self, dt: float) -> None:
        """The service's clock is set."""
        self.desk.skew_s += dt
        self.desk.turn()

    @rule(client=st.sampled_from(["a", "b"]))
    def leave(self, client: str) -> None:
        """A page closes."""
        if client == self.desk.may:
            self.desk.forbid()
        self.desk.heard_s.pop(client, None)
        self.unit.gone(client)
        self.desk.turn()

    @rule(live=st.booleans(), new=st.booleans())
    def amplifier(self, live: bool, new: bool) -> None:
        """Data flow or not, perhaps in a new epoch."""
        self.epoch += new
        if new or not live:
            self.desk.forbid()
        self.desk.live = live
        self.unit.amplifier(live, self.epoch)
        self.desk.turn()

    @rule(
        side=st.sampled_from(["left", "right"]),
        site=st.sampled_from(["wrist", "below_elbow"]),
        width_us=st.sampled_from([100.0, 200.0, 200.0, 1000.0]),
    )
    def place(self, side: str, site: str, width_us: float) -> None:
        """Another step with its own width; a new side starts from 0 mA, another site keeps the
        current, but at a wider pulse no more than its charge."""
        before, changed = self.unit.status, (side, site, width_us) != self.step
        if changed:
            self.desk.forbid()
        moved, self.step = side != self.step[0], (side, site, width_us)
        place = Placement("ulnar", site, side, f"{side} FDI")
        assert not self.desk.do(self.unit.place(place, StepPulse(f"{width_us}", width_us)))
        after = self.unit.status
        assert after.width_us == (width_us if changed else before.width_us)
        if moved:
            assert after.current_ma == 0.0
        elif after.width_us <= before.width_us:
            assert after.current_ma == before.current_ma
        else:
            most_ma = before.current_ma * before.width_us / after.width_us
            assert most_ma - 1.0 - 1e-6 <= after.current_ma <= most_ma + 1e-6

    @rule(current_ma=st.floats(-1, 120), width_us=st.floats(1, 1200))
    def configure(self, current_ma: float, width_us: float) -> None:
        """Any pulse at all."""
        self.set(Pulse(current_ma, width_us))

    def set(self, pulse: Pulse) -> None:
        """What is taken keeps limit and step, and disarms."""
        before = self.unit.status.current_ma
        if not self.desk.do(self.unit.configure(pulse)):
            self.desk.forbid()
            assert pulse.current_ma - before <= max(5.0, 0.2 * before) + 1e-6
            assert pulse.current_ma <= self.desk.ceiling_ma

    @rule(answer=st.sampled_from(["none", "present"]))
    def ask(self, answer: str) -> None:
        """Implanted devices."""
        if self.implant not in ("", answer):
            self.desk.forbid()
        self.implant = answer
        assert not self.desk.do(self.unit.ask(answer, "AB"))

    @rule(max_ma=st.floats(20, 120))
    def lower(self, max_ma: float) -> None:
        """A ceiling never rises."""
        if not self.desk.do(self.unit.lower_ceiling(max_ma)):
            assert max_ma <= self.desk.ceiling_ma
            self.desk.ceiling_ma = max_ma
            self.desk.forbid()

    @rule(
        client=st.sampled_from(["a", "b"]),
        operator=st.sampled_from(["AB", ""]),
        declared=st.sampled_from(
            [None, Declared("f", 3, 1.0), Declared("rns", 4, 5.0, 1.0), Declared("scan", 700, 2.0)]
        ),
    )
    def arm(self, client: str, operator: str, declared: Declared | None) -> None:
        """Try to arm; only what has all it needs is armed."""
        desk = self.desk
        before = desk.may, desk.current_ma, desk.active_s, desk.train, desk.left, desk.width_us
        desk.may, desk.current_ma, desk.active_s = None, self.unit.status.current_ma, desk.now
        desk.width_us = self.unit.status.width_us
        cause = desk.do(self.unit.arm(client, operator, declared))
        if cause:  # refused before anything was changed, or disarmed by the attempt
            (
                desk.may, desk.current_ma, desk.active_s, desk.train, desk.left, desk.width_us,
            ) = before  # fmt: skip
            return
        assert operator
        assert self.implant
        assert desk.live
        assert declared is None or declared.count < 10
        desk.presses.clear()
        desk.may, desk.train = client, declared is not None
        desk.left = 0
        self.count = 0 if declared is None else declared.count
        self.stopped = False

    @rule(declared=st.sampled_from([None, None, Declared("rns", 4, 5.0, 1.0)]))
    def prepare(self, declared: Declared | None) -> None:
        """All that arming needs, in order, and the arming."""
        self.replug()
        self.ask("none")
        self.amplifier(True, False)
        self.place("left", "wrist", 200.0)
        self.set(Pulse(min(self.unit.status.current_ma + 4.0, self.desk.ceiling_ma), 200.0))
        self.hear("a")
        self.arm("a", "AB", declared)

    def fire_unturned(self, client: str, nonce: str) -> Future:
        """A press, not yet looked at; in a train the first one that is taken begins it."""
        desk, self.began = self.desk, False
        if client == desk.may and nonce not in self.used:
            if desk.train and self.count:
                desk.left, self.count, self.began = self.count, 0, True
            elif desk.train:
                desk.left = 0  # any press ends it
            else:
                desk.presses = [desk.now]
        self.used.add(nonce)
        return self.unit.fire(client, nonce)

    @rule(client=st.sampled_from(["a", "a", "b"]), nonce=st.integers(0, 5), seen=st.booleans())
    def fire(self, client: str, nonce: int, seen: bool) -> None:
        """Try to fire, perhaps once more with the same nonce."""
        self.press(client, str(nonce), seen)

    def press(self, client: str, nonce: str, seen: bool, beat: bool = True) -> None:
        """A used nonce never fires; each press is one pulse at most."""
        desk, replayed = self.desk, nonce in self.used
        before = len(desk.pulses)
        cause = desk.do(self.fire_unturned(client, nonce), beat)
        given = len(desk.pulses) - before
        assert not (replayed and given and not desk.train)
        assert given == (0 if cause else 1) or desk.train
        if cause and self.began:
            desk.left, self.count = 0, desk.left
        if given:
            (self.unit.seen if seen else self.unit.unseen)(desk.expected[-1].id)
        desk.presses.clear()

    @rule(
        seen=st.lists(st.booleans(), min_size=1, max_size=4),
        rest=st.sampled_from([0.1, 0.24, 0.24, 1.2]),
        there=st.sampled_from([True, True, False]),
        beat=st.sampled_from([True, True, False]),
        declared=st.sampled_from([None, None, Declared("rns", 4, 5.0, 1.0)]),
    )
    def series(
        self, seen: list[bool], rest: float, there: bool, beat: bool, declared: Declared | None
    ) -> None:
        """What a bedside mostly does: arm if need be, and some presses."""
        if self.desk.may is None:
            self.prepare(declared)
        for one in seen:
            for _ in range(round(rest / TURN_S)):
                self.desk.now += TURN_S
                if there:
                    self.hear("a")
                self.desk.turn(beat)
            self.press("a", f"p{self.desk.now}", one, beat)

    @rule(number=st.integers(1, 12))
    def replay(self, number: int) -> None:
        """Somebody sends a line of before once more: nothing comes of it but a disarm."""
        desk = self.desk
        line = desk.lines[-number] if len(desk.lines) >= number else desk.lines[-1]
        before = len(desk.pulses)
        desk.firmware.receive(line)
        assert len(desk.pulses) == before
        desk.turn()

    @rule()
    def stop(self) -> None:
        """STOP, with a press and an arming in the queue behind it."""
        self.desk.forbid()
        self.stopped = True
        waiting = [self.unit.fire("a", f"s{self.desk.now}"), self.unit.arm("a", "AB")]
        self.unit.stop()
        self.desk.turn()
        assert all(answer.exception() is not None for answer in waiting)

    @rule()
    def unplug(self) -> None:
        """The stimulator's cable."""
        self.desk.forbid()
        self.desk.plugged = False
        if self.desk.wire is not None:
            self.desk.wire.close()
        self.desk.now += 0.1
        self.desk.turn()

    @rule()
    def replug(self) -> None:
        """It comes back disarmed."""
        if not self.desk.plugged:
            self.desk.plugged = True
            self.desk.now += 1.1
            self.desk.turn()

    @invariant()
    def stop_is_latched(self) -> None:
        """After STOP the hardware is off until somebody arms."""
        if self.stopped:
            assert not self.desk.firmware.state()["armed"]

    @invariant()
    def hardware_is_never_armed_alone(self) -> None:
        """What the rules say is disarmed has been told so, or disarms itself."""
        if self.desk.may is None:
            self.desk.now += TURN_S
            self.desk.turn()
            armed = self.desk.firmware.state()["armed"]
            assert not armed or not self.desk.plugged


Machine.TestCase.settings = settings(max_examples=170, stateful_step_count=60, deadline=None)
TestStimulation = Machine.TestCase  # 170 sequences of 60: over 10,000 steps


@pytest.mark.soak
class TestStimulationFurther(Machine.TestCase):
    """Other sequences in every run: 60,000 steps more."""

    settings = settings(max_examples=1000, stateful_step_count=60, deadline=None)
