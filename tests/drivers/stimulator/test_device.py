"""The stimulator's driver: against the simulated one, and against one that misbehaves."""

import json
import os
import pty
import threading
import time
import tty

import pytest

from drivers.config import load_stimulator_limits
from drivers.errors import (
    ConfigError,
    DeviceLost,
    HandshakeError,
    PortError,
    StimulatorRefused,
)
from drivers.link import SerialLink
from drivers.stimulator import SerialStimulator, open_stimulator
from drivers.stimulator.wire import LineReader, line, parse
from drivers.types import Pulse, Stimulator
from tests.simulators.process import simulator

PULSE = Pulse(20.0, 200.0)
REST_S = 0.21  # a pulse sooner than 200 ms after another is refused


@pytest.fixture(scope="module")
def running():
    """A simulated amplifier with its stimulator."""
    with simulator("hackeeg") as board:
        yield board


@pytest.fixture
def stimulator(running):
    """The driver on it; disarmed and closed at the end."""
    opened = open_stimulator(f"sim:{running.ports['stimulator']}")
    yield opened
    opened.close()


def refusal(call, *arguments):
    """Why it was refused."""
    with pytest.raises(StimulatorRefused) as caught:
        call(*arguments)
    return caught.value.cause


def test_commands_are_the_documented_lines():
    """Literal bytes of docs/protocols/stimulator.md."""
    assert line("disarm") == b'{"do":"disarm"}\n'
    assert json.loads(line("fire", nonce="a", seq=7, expires_s=12.5)) == {
        "do": "fire",
        "nonce": "a",
        "seq": 7,
        "expires_s": 12.5,
    }
    answer = parse(
        b'{"ok": false, "cause": "stale", "state": {"armed": true, "current_ma": 1,'
        b' "width_us": 2, "delivered_count": 3, "cause": "armed"}}'
    )
    assert (answer.ok, answer.cause, answer.state.armed, answer.state.delivered_count) == (
        False,
        "stale",
        True,
        3,
    )
    assert parse(b"noise") is None
    assert parse(b'{"ok": true, "state": {}}') is None


def test_lines_are_the_same_however_the_bytes_were_cut():
    """And a line without an end does not grow for ever."""
    reader = LineReader()
    assert [one for n in b"ab\ncd\ne" for one in reader.feed(bytes([n]))] == [b"ab", b"cd"]
    assert LineReader().feed(b"ab\n\ncd\ne") == [b"ab", b"cd"]
    endless = LineReader()
    endless.feed(bytes(2000))
    assert endless.feed(b"x\n") == [b"x"]


def test_it_opens_disarmed(stimulator):
    """Whatever it was before."""
    assert isinstance(stimulator, Stimulator)
    assert stimulator.model == "myotome-sim-stimulator"
    state = stimulator.state()
    assert not state.armed


def test_configure_arm_and_fire_are_three_steps(stimulator):
    """One pulse is delivered and counted; configure disarms."""
    before = stimulator.configure(PULSE)
    assert (before.armed, before.current_ma, before.width_us) == (False, 20.0, 200.0)
    assert refusal(stimulator.fire, "early") == "not_armed"
    time.sleep(REST_S)
    assert stimulator.arm().armed
    after = stimulator.fire("one")
    assert after.delivered_count == before.delivered_count + 1
    assert not stimulator.configure(PULSE).armed


def test_a_nonce_fires_once_even_after_a_new_hello(stimulator):
    """A retry would be a second shock."""
    time.sleep(REST_S)
    stimulator.configure(PULSE)
    stimulator.arm()
    count = stimulator.fire("same").delivered_count
    assert refusal(stimulator.fire, "same") == "replayed"
    stimulator.configure(PULSE)
    stimulator.arm()
    assert refusal(stimulator.fire, "same") == "replayed"
    assert stimulator.state().delivered_count == count


def test_too_much_is_refused_here_and_nothing_changes_there(stimulator):
    """The driver's own limits, before a byte is sent."""
    stimulator.configure(PULSE)
    assert refusal(stimulator.configure, Pulse(101.0, 100.0)) == "above_limit"
    assert stimulator.state().current_ma == 20.0


def test_silence_disarms_after_300_ms_and_heartbeats_keep_it_armed(stimulator):
    """The dead-man is the stimulator's; the heartbeat is the caller's duty."""
    stimulator.configure(PULSE)
    stimulator.arm()
    for _ in range(8):
        time.sleep(0.08)
        assert stimulator.heartbeat().armed
    time.sleep(0.4)
    state = stimulator.state()
    assert (state.armed, state.cause) == (False, "dead_man")
    assert refusal(stimulator.heartbeat) == "not_armed"


@pytest.mark.timed
def test_disarm_works_from_any_thread_while_others_wait(stimulator):
    """Within 100 ms, in the middle of heartbeats from another thread."""
    stimulator.configure(PULSE)
    stimulator.arm()
    ended, beaten = threading.Event(), threading.Event()

    def beat():
        while not ended.is_set():
            try:
                stimulator.heartbeat()
                beaten.set()
            except StimulatorRefused:
                return

    beating = threading.Thread(target=beat)
    beating.start()
    assert beaten.wait(2)
    began = time.monotonic()
    stimulator.disarm()
    took_s = time.monotonic() - began
    beating.join(2)
    ended.set()
    assert not beating.is_alive()
    assert took_s < 0.1
    assert not stimulator.state().armed


def test_a_port_that_is_none_and_a_name_that_is_none_are_told():
    """Sentences, as for devices."""
    with pytest.raises(PortError, match="/nonexistent/port"):
        open_stimulator("sim:/nonexistent/port")
    with pytest.raises(ConfigError, match="expected sim:PORT"):
        open_stimulator("laser:/dev/ttyUSB0")


class Misbehaving:
    """Answers what a script says; None is silence."""

    def __init__(self, script):
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.heard = []
        self._script = script
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        reader = LineReader()
        while True:
            try:
                data = os.read(self.master, 4096)
            except OSError:
                return
            for one in reader.feed(data):
                name = json.loads(one)["do"]
                if name == "end":
                    return
                self.heard.append(name)
                answer = self._script.get(name)
                if answer is not None:
                    os.write(self.master, json.dumps(answer).encode() + b"\n")

    def close(self):
        """End the thread, then the port."""
        os.write(self._slave, b'{"do":"end"}\n')
        self._thread.join(5)
        os.close(self._slave)
        os.close(self.master)


STATE = {"armed": True, "current_ma": 1, "width_us": 1, "delivered_count": 0, "cause": ""}
GOOD = {"ok": True, "cause": "", "state": STATE}


@pytest.fixture
def misbehaving():
    """Makes them, and ends them."""
    made = []

    def make(**script):
        made.append(Misbehaving(script))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_no_answer_to_fire_is_an_unknown_state_never_a_retry(misbehaving):
    """It is told to disarm, and refuses everything until it is opened again."""
    hello = {**GOOD, "model": "m", "now_s": 5.0}
    other = misbehaving(hello=hello, configure=GOOD, arm=GOOD, disarm=GOOD)
    stimulator = open_stimulator(f"sim:{other.port}")
    stimulator.configure(PULSE)
    stimulator.arm()
    with pytest.raises(DeviceLost, match=r"did not answer 'fire' within 0.3 s"):
        stimulator.fire("one")
    with pytest.raises(DeviceLost, match="open it again"):
        stimulator.arm()
    stimulator.disarm()
    stimulator.close()
    assert other.heard.count("fire") == 1
    assert other.heard[other.heard.index("fire") + 1] == "disarm"


def test_a_port_without_a_stimulator_is_no_stimulator(misbehaving):
    """Nobody answers hello."""
    silent = misbehaving()
    with pytest.raises(HandshakeError, match="no stimulator answers on"):
        open_stimulator(f"sim:{silent.port}")


def test_an_answer_without_a_clock_is_no_stimulator(misbehaving):
    """Commands could not expire."""
    other = misbehaving(hello=GOOD)
    link = SerialLink(other.port, 115200)
    with pytest.raises(HandshakeError, match="clock"):
        SerialStimulator(link, load_stimulator_limits())
    link.close()
