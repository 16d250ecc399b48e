"""A trigger box: one byte, one pulse; the dead-man that the box does not have is the driver's."""

from __future__ import annotations

import os
import pty
import tty

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.config import load_stimulator_limits
from drivers.errors import ConfigError, DeviceLost, PortError, StimulatorRefused
from drivers.link import SerialLink
from drivers.stimulator import (
    ManualStimulator,
    TtlStimulator,
    open_stimulator,
    stimulator_kind,
)
from drivers.types import Pulse, Stimulator, StimulatorKind
from simulators.trigger_box import RESET_S, TriggerBox

LIMITS = load_stimulator_limits()
PULSE = Pulse(20.0, 200.0)


class WireToBox:
    """What the driver needs of a link, straight into a simulated box; `stuck`: takes no byte."""

    name = "virtual box"

    def __init__(self, box: TriggerBox) -> None:
        self.box = box
        self.waiting = b""
        self.stuck = False
        self.unplugged = False

    def write(self, data: bytes) -> None:
        """At once, or kept back."""
        self.waiting += data
        if not self.stuck:
            self.box.receive(self.waiting)
            self.waiting = b""

    def sent_within(self, timeout_s: float) -> bool:
        """Nothing waits."""
        return not self.waiting

    def discard_unsent(self) -> None:
        """Never sent."""
        self.waiting = b""

    def read_available(self, timeout_s: float) -> bytes:
        """A box says nothing."""
        if self.unplugged:
            raise DeviceLost("unplugged")
        return b""

    def close(self) -> None:
        """Nothing is held."""


class Desk:
    """Driver, box and one clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pulses: list[tuple[float, float]] = []
        self.box = TriggerBox(lambda: self.now, lambda *pulse: self.pulses.append(pulse))
        self.box.turn(20.0, 200.0)
        self.link = WireToBox(self.box)
        self.unit = TtlStimulator(self.link, LIMITS, high_s=0.0, now=lambda: self.now)

    def wait(self, seconds: float, beating: bool = True) -> None:
        """Time, with heartbeats or in silence."""
        end = self.now + seconds
        while beating and self.now + 0.1 < end:
            self.now += 0.1
            self.unit.heartbeat()
        self.now = end
        self.box.tick()

    def ready(self) -> None:
        """Stated and armed."""
        self.unit.configure(PULSE)
        self.unit.arm()


def refusal(call, *arguments) -> str:
    """Why it was refused."""
    with pytest.raises(StimulatorRefused) as caught:
        call(*arguments)
    return caught.value.cause


def test_a_pulse_is_one_byte_and_the_line_is_lowered_after_it() -> None:
    """Literal bytes of docs/protocols/trigger_box.md."""
    desk = Desk()
    assert isinstance(desk.unit, Stimulator)
    desk.ready()
    state = desk.unit.fire("one")
    assert [entry.byte for entry in desk.box.log] == [0, 1, 0]
    assert desk.pulses == [(20.0, 200.0)]
    assert (state.delivered_count, state.armed) == (1, True)
    assert desk.box.panel()["lines"] == 0


def test_the_box_gives_one_pulse_an_edge_and_its_lines_fall_by_themselves() -> None:
    """A line that stays high is no second pulse; after 8 ms it is low and the next byte is one."""
    desk = Desk()
    desk.box.receive(b"\x01\x01\x03")
    assert len(desk.pulses) == 1
    desk.now += RESET_S
    desk.box.receive(b"\x02\x01")
    assert len(desk.pulses) == 2
    desk.box.switch(False)
    desk.box.receive(b"\x00\x01")
    assert len(desk.pulses) == 2


def test_nothing_goes_out_unless_stated_armed_and_within_limits() -> None:
    """Each refusal has its cause, and no byte raises the line."""
    desk = Desk()
    assert refusal(desk.unit.arm) == "not_configured"
    assert refusal(desk.unit.configure, Pulse(101.0, 100.0)) == "above_limit"
    desk.unit.configure(PULSE)
    assert refusal(desk.unit.fire, "a") == "not_armed"
    assert refusal(desk.unit.heartbeat) == "not_armed"
    desk.unit.arm()
    desk.unit.configure(PULSE)
    assert refusal(desk.unit.fire, "b") == "not_armed"
    assert refusal(desk.unit.fire, "b") == "replayed"
    assert desk.pulses == []


def test_rate_and_train_are_kept_on_the_stated_pulse() -> None:
    """200 ms apart at least, ten in a row at most."""
    desk = Desk()
    desk.ready()
    for number in range(LIMITS.max_train):
        desk.unit.fire(f"n{number}")
        assert refusal(desk.unit.fire, f"soon{number}") == "too_soon"
        desk.wait(0.21)
    assert refusal(desk.unit.fire, "eleven") == "too_soon"
    desk.wait(0.5)
    desk.unit.fire("after a pause")
    assert len(desk.pulses) == LIMITS.max_train + 1


def test_the_driver_keeps_the_dead_man_that_the_box_has_not() -> None:
    """300 ms without a heartbeat, a clock that goes back, or a minute without a pulse: disarmed."""
    for silence_s in (0.31, 5.0, -0.5):
        desk = Desk()
        desk.ready()
        desk.now += silence_s
        assert refusal(desk.unit.fire, "late") == "not_armed"
        assert desk.pulses == []
    desk = Desk()
    desk.ready()
    with pytest.raises(StimulatorRefused, match="idle"):
        desk.wait(LIMITS.arm_timeout_s + 1)


def test_a_byte_that_the_port_does_not_take_is_never_sent_later() -> None:
    """It is taken back, and the state is unknown; disarming never raises."""
    desk = Desk()
    desk.ready()
    desk.link.stuck = True
    with pytest.raises(DeviceLost, match="taken back"):
        desk.unit.fire("one")
    desk.unit.disarm()
    desk.link.stuck = False
    desk.unit.close()
    assert desk.pulses == []


def test_an_unplugged_box_is_noticed_before_the_pulse() -> None:
    """Heartbeat and fire look at the port first."""
    desk = Desk()
    desk.ready()
    desk.link.unplugged = True
    for call in (desk.unit.heartbeat, lambda: desk.unit.fire("one"), desk.unit.arm):
        with pytest.raises(DeviceLost):
            call()
    assert desk.pulses == []


@given(st.lists(st.sampled_from(["configure", "arm", "beat", "fire", "disarm", 0.05, 0.2, 0.31])))
@settings(max_examples=60, deadline=None)
def test_whatever_the_order_no_pulse_goes_out_unless_armed_and_alive(steps) -> None:
    """The box's own log is the oracle."""
    desk = Desk()
    armed_until = last = -1.0
    for number, step in enumerate(steps):
        before = len(desk.pulses)
        calls = {"configure": lambda: desk.unit.configure(PULSE), "arm": desk.unit.arm,
                 "beat": desk.unit.heartbeat, "disarm": desk.unit.disarm,
                 "fire": lambda number=number: desk.unit.fire(f"n{number}")}  # fmt: skip
        if isinstance(step, float):
            desk.now += step
            continue
        try:
            calls[step]()
        except StimulatorRefused:
            assert len(desk.pulses) == before
            continue
        if len(desk.pulses) > before:
            assert step == "fire"
            assert desk.now <= armed_until
            assert desk.now - last >= 1 / LIMITS.max_rate_hz
            last = desk.now
        armed_until = -1.0 if step in ("configure", "disarm") else desk.now + LIMITS.dead_man_s


def test_over_a_serial_port_it_is_one_byte_too() -> None:
    """The real link, on a pseudo-terminal; hanging up is noticed."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    unit = open_stimulator(f"ttl:{os.ttyname(slave)}?line=3&high_ms=1")
    unit.configure(PULSE)
    unit.arm()
    unit.fire("one")
    heard = b""
    while len(heard) < 3:
        heard += os.read(master, 16)
    assert heard == b"\x00\x04\x00"
    os.close(slave)
    os.close(master)
    with pytest.raises(DeviceLost):
        unit.heartbeat()
    unit.close()


def test_a_serial_link_says_what_has_left_and_takes_back_what_has_not() -> None:
    """A pseudo-terminal takes everything at once; a port that is gone is told."""
    master, slave = pty.openpty()
    link = SerialLink(os.ttyname(slave), 115200)
    link.write(b"x")
    assert link.sent_within(0.1)
    link.discard_unsent()
    os.close(master)
    os.close(slave)
    link.close()
    with pytest.raises(DeviceLost):
        link.sent_within(0.1)


@pytest.mark.parametrize(
    ("url", "kind"),
    [("sim:/dev/pts/1", "controlled"), ("ttl:/dev/ttyUSB0", "triggered"), ("manual", "manual")],
)
def test_a_url_says_who_sets_and_who_fires(url: str, kind: str) -> None:
    """Before anything is opened."""
    assert stimulator_kind(url) is StimulatorKind(kind)
    assert stimulator_kind(url).stated == (kind != "controlled")


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("ttl:/nonexistent/port", PortError, "/nonexistent/port"),
        ("ttl:/dev/null?line=9", ConfigError, "from 1 to 8"),
        ("ttl:/dev/null?pin=1", ConfigError, "'pin'"),
        ("ttl:", ConfigError, "ttl:/dev/ttyUSB0"),
        ("laser:/dev/x", ConfigError, "manual"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_sentence(url: str, error, words: str) -> None:
    """Ports, options and names."""
    with pytest.raises(error, match=words):
        open_stimulator(url)


def test_a_manual_stimulator_takes_a_statement_and_nothing_else() -> None:
    """One sentence for arm and fire; limits hold for what is stated."""
    unit = open_stimulator("manual")
    assert isinstance(unit, ManualStimulator)
    assert isinstance(unit, Stimulator)
    assert unit.configure(PULSE).current_ma == 20.0
    assert not unit.heartbeat().armed
    assert refusal(unit.arm) == "at_device"
    assert refusal(unit.fire, "one") == "at_device"
    assert refusal(unit.configure, Pulse(101.0, 100.0)) == "above_limit"
    unit.disarm()
    unit.close()
