"""Cyton and Daisy through the real BrainFlow on the simulator's port, each in a process."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# Runs in a child: BrainFlow has one lock for all boards of a process, and leaves a thread behind.
CHILD = """
import json, sys, time
from drivers.openbci.device import Cyton, Daisy
from drivers.errors import DeviceError
scheme, port = sys.argv[1:3]
cls = {"cyton": Cyton, "daisy": Daisy}[scheme]
told = {}
def collect(device, seconds=None, until=None):
    blocks, end = [], time.monotonic() + (seconds or 20)
    while time.monotonic() < end and not (until and until(blocks)):
        block = device.read(0.05)
        if block is not None:
            blocks.append(block)
    return blocks
def say(word):
    print(word, flush=True)
def wait():
    sys.stdin.readline()
BODY
print(json.dumps(told), flush=True)
"""


class Simulator:
    """`python -m simulators` on a pty, and its control socket."""

    def __init__(self, device, link, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulators", device, "--link", str(link), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.port = str(link)
        self.facts = json.loads(self.process.stdout.readline())
        host, port = self.facts["control"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 5)
        self.lines = self.socket.makefile("r")

    def ask(self, **request):
        """One control request; its answer."""
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self.lines.readline())
        assert answer["ok"], answer
        return answer

    def close(self):
        """End the process."""
        self.lines.close()
        self.socket.close()
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def simulator(tmp_path):
    """Starts simulators and ends them."""
    running = []

    def start(device, *arguments):
        running.append(Simulator(device, tmp_path / "port", *arguments))
        return running[-1]

    yield start
    for one in running:
        one.close()


def child(scheme, port, body):
    """A process that runs `body` with a device class at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.replace("BODY", textwrap.dedent(body)), scheme, port],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def expect(process, word):
    """The next line the child says."""
    line = process.stdout.readline().strip()
    assert line == word, line


def go_on(process):
    """Let the child continue."""
    process.stdin.write("\n")
    process.stdin.flush()


def result(process):
    """What the child found."""
    out, _ = process.communicate(timeout=40)
    assert process.returncode == 0, out
    return json.loads(out.splitlines()[-1])


@pytest.mark.timed
@pytest.mark.parametrize(
    ("scheme", "channels", "rate"), [("cyton", 14, 250.0), ("daisy", 22, 125.0)]
)
def test_a_board_opens_streams_shows_the_stimulus_and_tells_when_it_is_unplugged(
    simulator, scheme, channels, rate
):
    """Handshake with read-back, counts without loss at the stated rate, D11, a stall told exactly,
    unplug within a second, a quick close, and the same port again."""
    running = simulator(scheme)
    process = child(
        scheme,
        running.port,
        """
        device = cls.open(port, {})
        told["info"] = [device.info.driver, device.info.firmware, device.info.model]
        told["read_back"] = dict(device.settings_read_back)
        told["counter_before"] = device.counter_at_zero
        try:
            cls.open(port, {})
        except DeviceError as error:
            told["second"] = str(error)
        device.start()
        begun = time.monotonic()
        blocks = collect(device, 2.0)
        told["rate"] = blocks[-1].end_index / (blocks[-1].received_s - begun)
        told["counter"] = device.counter_at_zero
        say("pulse"); wait()
        blocks += collect(device, until=lambda b: any(x.triggers for x in b))
        blocks += collect(device, 0.3)
        told["triggers"] = [[t.edge, t.line] for b in blocks for t in b.triggers]
        told["shape"] = [blocks[0].data.shape[0], str(blocks[0].data.dtype)]
        told["starts"] = [b.start_index for b in blocks]
        told["ends"] = [b.end_index for b in blocks]
        told["rejected"] = sum(b.rejected for b in blocks)
        say("unplug"); wait()
        begun = time.monotonic()
        try:
            collect(device, 5)
        except DeviceError as error:
            told["lost"] = [type(error).__name__, str(error), time.monotonic() - begun]
        begun = time.monotonic()
        device.stop(); device.close(); device.close()
        told["close_s"] = time.monotonic() - begun
        if scheme == "cyton":
            say("replug"); wait()
            device = cls.open(port, {})
            device.start()
            told["again"] = collect(device, until=len)[0].start_index
            device.close()
        """,
    )
    expect(process, "pulse")
    running.ask(do="pulse", current_ma=20, width_us=200)
    go_on(process)
    expect(process, "unplug")
    running.ask(do="fault", name="unplug", seconds=1)
    go_on(process)
    if scheme == "cyton":
        expect(process, "replug")
        while not Path(running.port).exists():
            running.ask(do="describe")
        go_on(process)
    told = result(process)

    assert told["info"][:2] == [scheme, "v3.1.2"]
    assert told["read_back"]["CH8SET"] == "0x40"
    assert told["read_back"]["board_mode"] == "digital"
    assert "open in this process already" in told["second"]
    assert (told["counter_before"], told["counter"]) == (None, 0)
    assert told["rate"] == pytest.approx(rate, rel=0.05)
    assert told["triggers"][0] == ["rise", "stimulator"]
    assert told["shape"] == [channels, "int32"]
    assert told["starts"] == [0, *told["ends"][:-1]]
    assert told["rejected"] == 0
    kind, sentence, seconds = told["lost"]
    assert (kind, "unplugged" in sentence) == ("DeviceLost", True)
    assert seconds <= 1.0
    assert told["close_s"] <= 2.0
    assert scheme == "daisy" or told["again"] == 0


def test_losses_on_the_wire_are_counted_exactly_also_whole_turns(simulator):
    """300 packets, then 256 packets dropped in a run: index and truth agree."""
    running = simulator("cyton")
    process = child(
        "cyton",
        running.port,
        """
        device = cls.open(port, {})
        device.start()
        blocks = collect(device, 1.0)
        for word in ("drop", "drop again"):
            say(word); wait()
            blocks += collect(device, 1.8)
        told["lost"] = sum(b.start_index - a.end_index for a, b in zip(blocks, blocks[1:]))
        told["received"] = sum(b.data.shape[1] for b in blocks)
        told["end"] = blocks[-1].end_index
        device.close()
        """,
    )
    expect(process, "drop")
    running.ask(do="fault", name="drop", count=300)
    go_on(process)
    expect(process, "drop again")
    running.ask(do="fault", name="drop", count=256)
    go_on(process)
    told = result(process)
    assert told["lost"] == 556
    assert told["received"] + told["lost"] == told["end"]


@pytest.mark.parametrize("case", ["silent", "absent", "wrong configuration"])
def test_a_board_that_cannot_be_opened_is_told_in_a_sentence(tmp_path, case):
    """Port without a board names the four usual causes; no port and a wrong file say so."""
    import os
    import pty

    master, slave = pty.openpty()
    port = os.ttyname(slave) if case != "absent" else str(tmp_path / "none")
    options = {"config": "hackeeg-ncs-16k"} if case == "wrong configuration" else {}
    process = child(
        "cyton",
        port,
        f"""
        try:
            cls.open(port, {options!r})
        except DeviceError as error:
            told["error"] = [type(error).__name__, str(error)]
        """,
    )
    kind, sentence = result(process)["error"]
    os.close(master)
    os.close(slave)
    if case == "silent":
        assert kind == "HandshakeError"
        assert all(cause in sentence for cause in ("switch", "battery", "channel", "reset"))
    elif case == "absent":
        assert kind == "PortError"
        assert "none" in sentence
    else:
        assert (kind, "for hackeeg" in sentence) == ("ConfigError", True)
