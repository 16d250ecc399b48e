"""The simulated stimulator refuses on its own account; no pulse comes out unless it may."""

import json

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drivers.config import load_stimulator_limits
from simulators.stimulator import StimulatorFirmware

LIMITS = load_stimulator_limits()


class Desk:
    """A stimulator, its clock, its output and a client that knows the wire."""

    def __init__(self):
        self.now = 100.0
        self.pulses = []
        self.firmware = StimulatorFirmware(
            LIMITS, lambda: self.now, lambda *pulse: self.pulses.append((self.now, *pulse))
        )
        self.sequence = 0

    def send(self, do, **fields):
        """One command as it stands."""
        line = json.dumps({"do": do, **fields}) + "\n"
        return json.loads(self.firmware.receive(line.encode()))

    def order(self, do, **fields):
        """One command with a fresh nonce, the next number and 0.1 s to live."""
        self.sequence += 1
        paper = {"nonce": f"n{self.sequence}", "seq": self.sequence, "expires_s": self.now + 0.1}
        return self.send(do, **(paper | fields))

    def ready(self, current_ma=10.0, width_us=200.0):
        """Configured and armed."""
        assert self.order("configure", current_ma=current_ma, width_us=width_us)["ok"]
        assert self.order("arm")["state"]["armed"]


def test_hello_tells_model_clock_and_state_and_disarms():
    """A new hello disarms and begins a new count of commands; used nonces stay used."""
    desk = Desk()
    desk.ready()
    answer = desk.send("hello")
    assert answer["ok"]
    assert (answer["model"], answer["version"]) == ("myotome-sim-stimulator", 1)
    assert answer["now_s"] == desk.now
    assert answer["state"]["armed"] is False
    desk.sequence = 0
    assert desk.order("configure", current_ma=1.0, width_us=100.0)["cause"] == "replayed"
    order = {"current_ma": 1.0, "width_us": 100.0, "nonce": "fresh"}
    assert desk.order("configure", **order)["ok"]


def test_configure_arm_fire_gives_one_pulse():
    """Three separate steps; the answer carries when; the panel shows it."""
    desk = Desk()
    desk.ready(12.5, 150.0)
    answer = desk.order("fire")
    assert answer["ok"]
    assert answer["fired_s"] == desk.now
    assert answer["state"]["delivered_count"] == 1
    assert desk.pulses == [(100.0, 12.5, 150.0)]
    entry = desk.firmware.log[-1]
    assert (entry.emitted, entry.current_ma, entry.width_us) == (True, 12.5, 150.0)


def refusal(desk, answer, cause):
    """Refused for this cause, nothing emitted, and the panel says so."""
    assert answer["ok"] is False
    assert answer["cause"] == cause
    assert desk.firmware.log[-1].cause == cause
    assert "fired_s" not in answer


def test_every_refusal_has_its_cause():
    """not_configured, not_armed, malformed, unknown_command; none emits a pulse."""
    desk = Desk()
    refusal(desk, desk.order("arm"), "not_configured")
    refusal(desk, desk.order("fire"), "not_armed")
    refusal(desk, desk.order("heartbeat"), "not_armed")
    refusal(desk, desk.send("explode"), "unknown_command")
    refusal(desk, desk.order("configure", current_ma="much", width_us=1), "malformed")
    refusal(desk, desk.order("configure", current_ma=-1, width_us=1), "malformed")
    refusal(desk, desk.order("configure", current_ma=True, width_us=1), "malformed")
    refusal(desk, desk.order("configure", current_ma=float("nan"), width_us=1), "malformed")
    refusal(desk, desk.send("fire"), "malformed")
    refusal(desk, desk.order("fire", nonce=""), "malformed")
    refusal(desk, desk.order("fire", seq=1.5), "malformed")
    refusal(desk, desk.order("fire", expires_s=None), "malformed")
    for line in (b"nonsense\n", b"[1]\n", b'{"do":"state","x":"' + b"x" * 600 + b'"}\n'):
        refusal(desk, json.loads(desk.firmware.receive(line)), "malformed")
    assert desk.pulses == []


@pytest.mark.parametrize(
    ("current_ma", "width_us"),
    [
        (LIMITS.max_ma + 0.1, 50.0),
        (1.0, LIMITS.max_us + 1.0),
        (LIMITS.max_ma, LIMITS.max_charge_uc / LIMITS.max_ma * 1000.0 + 1.0),
    ],
)
def test_a_pulse_above_a_limit_is_refused_and_disarms(current_ma, width_us):
    """Current, width and charge each have their limit."""
    desk = Desk()
    desk.ready()
    refusal(desk, desk.order("configure", current_ma=current_ma, width_us=width_us), "above_limit")
    refusal(desk, desk.order("fire"), "not_armed")


def test_pulses_keep_their_distance_and_trains_end():
    """Closer than 1/max_rate is too_soon; so is the pulse after the longest train."""
    desk = Desk()
    desk.ready()
    assert desk.order("fire")["ok"]
    desk.now += 0.9 / LIMITS.max_rate_hz
    refusal(desk, desk.order("fire"), "too_soon")
    assert desk.order("heartbeat")["ok"]
    for _ in range(LIMITS.max_train - 1):
        desk.now += 1.1 / LIMITS.max_rate_hz
        assert desk.order("fire")["ok"]
    desk.now += 1.1 / LIMITS.max_rate_hz
    refusal(desk, desk.order("fire"), "too_soon")
    assert desk.order("heartbeat")["ok"]
    for _ in range(12):
        desk.now += 0.1
        assert desk.order("heartbeat")["ok"]
    assert desk.order("fire")["ok"]
    assert len(desk.pulses) == LIMITS.max_train + 1


def test_the_mean_current_is_limited():
    """Charge per second stays below max_avg_ma, even where each pulse is allowed."""
    lowered = type(LIMITS)(
        **{name: getattr(LIMITS, name) for name in LIMITS.__slots__} | {"max_avg_ma": 0.01}
    )
    desk = Desk()
    desk.firmware = StimulatorFirmware(lowered, lambda: desk.now, lambda *_: None)
    desk.ready(20.0, 200.0)
    causes = []
    for _ in range(4):
        desk.now += 0.22
        causes.append(desk.order("fire")["cause"])
        desk.order("heartbeat")
    assert causes == ["", "", "above_limit", "above_limit"]


def test_configure_disarms():
    """A new pulse needs a new arm."""
    desk = Desk()
    desk.ready()
    answer = desk.order("configure", current_ma=5.0, width_us=100.0)
    assert (answer["state"]["armed"], answer["state"]["cause"]) == (False, "configured")
    refusal(desk, desk.order("fire"), "not_armed")


def test_dead_man_disarms_after_300_ms():
    """Heartbeats keep it armed; silence, state queries and refusals do not."""
    desk = Desk()
    desk.ready()
    for _ in range(5):
        desk.now += 0.29
        assert desk.order("heartbeat")["state"]["armed"]
    desk.now += 0.2
    assert desk.send("state")["state"]["armed"]
    desk.now += 0.11
    answer = desk.order("fire")
    refusal(desk, answer, "not_armed")
    assert answer["state"]["cause"] == "dead_man"


def test_the_dead_man_needs_no_command():
    """Time alone disarms."""
    desk = Desk()
    desk.ready()
    desk.now += 0.301
    desk.firmware.tick()
    assert desk.firmware.state()["cause"] == "dead_man"


def test_armed_without_a_pulse_ends_after_a_minute():
    """Heartbeats alone do not keep it armed for ever."""
    desk = Desk()
    desk.ready()
    for _ in range(400):
        desk.now += 0.2
        if not desk.order("heartbeat")["ok"]:
            break
    assert desk.firmware.state()["cause"] == "idle"
    assert desk.now == pytest.approx(160.0, abs=0.5)


def test_replayed_stale_and_reordered_commands_are_refused():
    """A nonce is used once, sequences rise, and a command lives 0.2 s at most."""
    desk = Desk()
    desk.ready()
    paper = {"nonce": "once", "seq": 10, "expires_s": desk.now + 0.1}
    assert desk.send("fire", **paper)["ok"]
    refusal(desk, desk.send("fire", **paper), "replayed")
    refusal(desk, desk.send("fire", **paper | {"seq": 11}), "replayed")
    refusal(desk, desk.send("fire", **paper | {"nonce": "new", "seq": 10}), "replayed")
    desk.sequence = 20
    refusal(desk, desk.order("heartbeat", expires_s=desk.now - 0.001), "stale")
    refusal(desk, desk.order("heartbeat", expires_s=desk.now + 0.3), "stale")
    assert len(desk.pulses) == 1


def test_disarm_needs_nothing_and_is_always_accepted():
    """From any state, without nonce, number or expiry."""
    desk = Desk()
    assert desk.send("disarm")["ok"]
    desk.ready()
    answer = desk.send("disarm")
    assert (answer["ok"], answer["state"]["armed"]) == (True, False)


def test_closing_the_port_disarms():
    """A lost link is told as the cause, and half a line is forgotten."""
    desk = Desk()
    desk.ready()
    desk.firmware.receive(b'{"do": "st')
    desk.firmware.link_lost()
    answer = desk.send("state")
    assert (answer["state"]["armed"], answer["state"]["cause"]) == (False, "link_lost")


class StimulatorSafety(RuleBasedStateMachine):
    """Any order of commands, time and lost links: no pulse unless armed under a fresh command."""

    def __init__(self):
        super().__init__()
        self.desk = Desk()
        self.armed_until = -1.0
        self.configured = None
        self.last_lines = []

    def keep(self, answer, before):
        """The model of what may be."""
        assert len(self.desk.pulses) - before in (0, 1)
        return answer["ok"]

    @rule(current_ma=st.floats(0, 150), width_us=st.floats(1, 1500))
    def configure(self, current_ma, width_us):
        """Sets the next pulse, and disarms."""
        before = len(self.desk.pulses)
        answer = self.desk.order("configure", current_ma=current_ma, width_us=width_us)
        self.armed_until = -1.0
        if self.keep(answer, before):
            self.configured = (current_ma, width_us)
            assert current_ma <= LIMITS.max_ma
            assert current_ma * width_us / 1000 <= LIMITS.max_charge_uc

    @rule()
    def arm(self):
        """Allowed once something is configured."""
        if self.desk.order("arm")["ok"]:
            assert self.configured is not None
            self.armed_until = self.desk.now + 0.3

    @rule()
    def heartbeat(self):
        """Prolongs, never arms."""
        ok = self.desk.order("heartbeat")["ok"]
        assert ok == (self.desk.now <= self.armed_until)
        if ok:
            self.armed_until = self.desk.now + 0.3

    @rule()
    def fire(self):
        """One pulse, as configured, only while armed."""
        before = len(self.desk.pulses)
        answer = self.desk.order("fire")
        if self.keep(answer, before):
            assert self.desk.now <= self.armed_until
            assert self.desk.pulses[-1][1:] == self.configured
            self.armed_until = self.desk.now + 0.3
        else:
            assert len(self.desk.pulses) == before

    @precondition(lambda self: self.desk.sequence > 0)
    @rule(do=st.sampled_from(["fire", "arm", "heartbeat", "configure"]))
    def replay(self, do):
        """A copy of an earlier command does nothing."""
        before = len(self.desk.pulses)
        number = self.desk.sequence
        paper = {"nonce": f"n{number}", "seq": number, "expires_s": self.desk.now + 0.1}
        answer = self.desk.send(do, current_ma=1.0, width_us=100.0, **paper)
        assert answer["cause"] == "replayed"
        assert len(self.desk.pulses) == before

    @rule(seconds=st.floats(0.001, 0.5))
    def wait(self, seconds):
        """Time passes."""
        self.desk.now += seconds

    @rule(do=st.sampled_from(["disarm", "hello", "link", "state", "noise"]))
    def interrupt(self, do):
        """Off by command, by a new client, by a lost link; noise and queries change nothing."""
        if do == "link":
            self.desk.firmware.link_lost()
        elif do == "noise":
            self.desk.firmware.receive(b"\x00\xff}\n")
        else:
            self.desk.send(do)
        if do in ("disarm", "hello", "link"):
            self.armed_until = -1.0

    @invariant()
    def armed_only_when_the_model_says_so(self):
        """Never armed by its own word when the model knows a reason against it."""
        self.desk.firmware.tick()
        armed = self.desk.firmware.state()["armed"]
        assert not armed or self.desk.now <= self.armed_until


TestStimulatorSafety = StimulatorSafety.TestCase
TestStimulatorSafety.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
