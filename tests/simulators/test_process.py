"""`python -m simulators` as a process: start, end, ports, faults, truth file."""

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest
import serial

from .process import simulator, until

RAMP = {"module": "tests.simulators.ramp_simulator"}


def hackeeg_stream(port):
    """A HackEEG on an open serial port begins to stream at 16 kSPS."""
    port.write(b"jsonlines\n")
    assert b"200" in port.readline()
    for name, *parameters in (
        ("wreg", 1, 0x90),
        ("wreg", 5, 0x40),
        ("messagepack",),
        ("rdatac",),
        ("start",),
    ):
        line = json.dumps({"COMMAND": name, "PARAMETERS": parameters}) + "\n"
        port.write(line.encode())
        if name != "start":
            assert b"200" in port.readline()


def read_for_ever(port):
    """Until the port ends."""
    while True:
        port.read(65536)


@pytest.mark.timed
def test_starts_within_two_seconds_and_ends_within_one():
    """On the median of three: the wire side alone, first line after start, exit after SIGTERM."""
    starts, ends = [], []
    for _ in range(3):
        began = time.monotonic()
        with simulator("hackeeg", **RAMP) as running:
            starts.append(time.monotonic() - began)
            asked = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(5) == 0
            ends.append(time.monotonic() - asked)
    assert sorted(starts)[1] < 2.0
    assert sorted(ends)[1] < 1.0


@pytest.mark.parametrize("device", ["hackeeg", "daisy"])
def test_first_line_names_ports_and_patient(device):
    """The documented keys; the real patient answers on the control socket."""
    with simulator(device, "--patient", "healthy", "--seed", "7") as running:
        assert set(running.ports) == {
            "device",
            "port",
            "stimulator",
            "control",
            "patient",
            "seed",
            "montage",
            "trigger_box",
        }
        assert running.ports["montage"]["2"] == "left FDI"
        assert running.ports["device"] == device
        described = running.ask(do="describe")
        assert described["ok"]
        assert described["seed"] == 7
        assert 0 < described["age_years"] < 120
        assert described["sex"] in {"F", "M"}
        assert 40 < described["height_cm"] < 250
        assert any(muscle["name"] == "FDI" for muscle in described["muscles"])
        assert running.ask(do="dial", muscle="left FDI", umn=0.6)["ok"]
        assert running.ask(do="task", name="hold", level=0.2)["ok"]
        assert "error" in running.ask(do="dial", muscle="left NOSE", umn=0.6)


def test_ends_on_sigint_even_when_started_with_it_ignored():
    """A background job starts with SIGINT ignored; the handler is installed all the same."""
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    with simulator("cyton", **RAMP, **ignore) as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(5) == 0


def test_ends_on_the_control_request_stop():
    """stop is answered before the end."""
    with simulator("cyton", **RAMP) as running:
        assert running.ask(do="stop") == {"ok": True}
        assert running.process.wait(5) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["theremin"], 2, "invalid choice"),
        (["cyton", "--fault", "earthquake"], 1, "expected a fault"),
        (["cyton", "--patient", "nobody"], 1, "nobody"),
        (["cyton", "--speed", "0"], 1, "--speed"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments, code, part):
    """Exit 2 for usage, 1 for what cannot be done, with a sentence on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "simulators", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == code
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_unplug_and_replug_under_the_link(tmp_path):
    """The reader sees the port end; the link leads to a new one that boots."""
    link = tmp_path / "ttyHACKEEG"
    with simulator("hackeeg", "--link", str(link), **RAMP) as running:
        assert running.ports["port"] == str(link)
        with serial.Serial(str(link), timeout=2) as port:
            hackeeg_stream(port)
            assert len(port.read(4400)) == 4400
            assert running.ask(do="fault", name="unplug", seconds=0.3)["ok"]
            with pytest.raises(serial.SerialException):
                read_for_ever(port)
        until(link.is_symlink, what="the replug")
        with serial.Serial(str(link), timeout=5) as port:
            assert port.readline() == b"Ready\r\n"
            hackeeg_stream(port)
            assert len(port.read(4400)) == 4400
        assert running.ask(do="counts")["total"]["boots"] == 2
        running.process.terminate()
        running.process.wait(5)
        assert not link.is_symlink()


def test_truth_file_holds_the_truth_of_every_sample(tmp_path):
    """JSON lines without a hole, the rest written at the end."""
    path = tmp_path / "truth.jsonl"
    with simulator("hackeeg", "--truth", str(path), **RAMP) as running:
        with serial.Serial(running.ports["port"], timeout=2) as port:
            hackeeg_stream(port)
            at = running.ask(do="pulse", current_ma=10, width_us=100)["at_sample"]
            until(lambda: port.read(8192) and path.read_text(), what="a line of truth")
        counter = running.ask(do="describe")["sample_index"]
        running.process.terminate()
        running.process.wait(5)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["first"] == 0
    assert all(line["simulated"] is True for line in lines)
    for before, after in pairwise(lines):
        assert after["first"] == before["last"]
    assert lines[-1]["last"] >= counter
    assert [pulse[0] for line in lines for pulse in line["stimuli"]] == [at]


def test_faults_of_the_command_line_and_speed_hold_from_the_start():
    """Ten times the speed, one frame in ten dropped: the counts say so."""
    with (
        simulator("cyton", "--fault", "drop:p=0.1", "--speed", "10", **RAMP) as running,
        serial.Serial(running.ports["port"], timeout=10) as port,
    ):
        port.write(b"b")
        began = time.monotonic()
        data = port.read(33 * 2000)
        seconds = time.monotonic() - began
        port.write(b"s")
        assert len(data) == 33 * 2000
        assert seconds < 3.0
        counts = running.ask(do="counts")["total"]
        assert counts["dropped"] / counts["sent"] == pytest.approx(0.1, abs=0.04)


def test_a_pulse_reaches_the_real_patient():
    """Stimulator port to M-wave truth: the pulse is in the patient's own list of stimuli."""
    with (
        simulator("hackeeg") as running,
        serial.Serial(running.ports["port"], timeout=2) as port,
        serial.Serial(running.ports["stimulator"], timeout=2) as panel,
    ):
        hackeeg_stream(port)
        running.ask(do="placement", nerve="ulnar", site="wrist", side="left")

        def order(do, number, **fields):
            paper = {"nonce": f"n{number}", "seq": number, "expires_s": clock() + 0.1}
            panel.write(json.dumps({"do": do, **paper, **fields}).encode() + b"\n")
            return json.loads(panel.readline())

        panel.write(b'{"do": "hello"}\n')
        offset = json.loads(panel.readline())["now_s"] - time.monotonic()

        def clock():
            return time.monotonic() + offset

        assert order("configure", 1, current_ma=30.0, width_us=200.0)["ok"]
        assert order("arm", 2)["ok"]
        assert order("fire", 3)["ok"]
        port.read(44 * 3200)
        truth = running.ask(do="truth", first=0, last=1600)
        assert len(truth["stimuli"]) == 1
        assert running.ask(do="stimulator")["log"][-1]["emitted"] is True
