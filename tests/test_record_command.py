"""`myotome record`, `verify` and a recording opened again, as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from service.recording.reader import BlockReceived, read_recording
from tests.simulators.process import until

ROOT = Path(__file__).parents[1]


def myotome(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def report_of(path: Path) -> tuple[int, dict]:
    """Exit code and report of `verify --json`."""
    done = myotome("verify", str(path), "--json")
    return done.returncode, json.loads(done.stdout)


def samples_of(path: Path) -> list[bytes]:
    """The data of every block."""
    with read_recording(path) as recording:
        blocks = (e.block for e in recording.events() if isinstance(e, BlockReceived))
        return [block.data.tobytes() for block in blocks]


def is_marked_simulated(path: Path) -> bool:
    """What the file's own header says of the patient."""
    with read_recording(path) as recording:
        return recording.header.study["simulated"] is True


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Three seconds of a simulated HackEEG."""
    path = tmp_path_factory.mktemp("record") / "whole.mcap"
    done = myotome("record", "sim:hackeeg?seed=3", "--seconds", "3", "--out", str(path))
    assert done.returncode == 0, done.stderr
    assert "3.0" in done.stdout
    return path


@pytest.mark.timed
def test_three_seconds_of_a_device_are_a_whole_record(whole):
    """Every sample asked for, nothing lost, exit 0."""
    code, report = report_of(whole)
    assert code == 0
    assert report["whole"] is True
    assert report["samples"] >= 48_000
    assert (report["gaps"], report["lost"], report["damaged"], report["cut_bytes"]) == (0, 0, [], 0)
    assert report["devices"][0]["driver"] == "hackeeg"
    assert is_marked_simulated(whole)


def test_a_record_is_never_overwritten(whole):
    """Exit 1 and one line; the file stays as it was."""
    size = whole.stat().st_size
    done = myotome("record", "sim:hackeeg", "--seconds", "1", "--out", str(whole))
    assert done.returncode == 1
    assert "never overwritten" in done.stderr
    assert whole.stat().st_size == size


def test_a_recording_is_a_device_that_can_be_recorded(whole, tmp_path):
    """`file:` through the same command: the same samples in the same blocks."""
    copy = tmp_path / "copy.mcap"
    done = myotome("record", f"file:{whole}?speed=0", "--seconds", "2.9", "--out", str(copy))
    assert done.returncode == 0, done.stderr
    assert report_of(copy)[0] == 0
    copied = samples_of(copy)
    assert copied == samples_of(whole)[: len(copied)]
    assert len(copied) > 10
    assert is_marked_simulated(copy)


@pytest.mark.timed
def test_analyse_reads_the_recording(whole):
    """Quality of one channel, as JSON with the fixed keys."""
    done = myotome("analyse", str(whole), "quality", "--channel", "left FDI", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"measure", "version", "state", "reasons", "values", "items", "provenance"} <= set(told)
    assert (told["measure"], told["state"]) == ("quality", "measured")
    assert told["values"]["window_count"] == 3.0


def test_replay_serves_the_recording_under_the_names_it_was_made_with(whole, tmp_path):
    """The command as a process: its device is the recorded one, and its samples arrive."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "replay", str(whole), "--port", "0", "--no-browser"],
        cwd=ROOT,
        env={**os.environ, "MYOTOME_DATA_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = process.stdout.readline().partition("/?token=")[0]

        def received() -> int:
            with urllib.request.urlopen(f"{address}/api/health", timeout=5) as answer:
                (device,) = json.load(answer)["devices"]
            assert device["id"] == "hackeeg"
            return device["received"]

        until(lambda: received() > 16_000, 30, "a second of the recording")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        process.stdout.close()


def test_a_killed_recording_ends_early_and_opens(tmp_path):
    """SIGKILL in the middle: exit 1, an unfinished tail and no damage; what is there is a device
    and can be measured."""
    path = tmp_path / "killed.mcap"
    command = [sys.executable, "-m", "service", "record", "sim:hackeeg?seed=3"]
    process = subprocess.Popen([*command, "--seconds", "60", "--out", str(path)], cwd=ROOT)
    until(lambda: path.exists() and path.stat().st_size > 1_500_000, 30, "2 s of samples on disk")
    killed_s = time.monotonic()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert time.monotonic() - killed_s < 5
    code, report = report_of(path)
    assert code == 1
    assert (report["whole"], report["damaged"]) == (False, [])  # a busy machine may lose some: told
    assert report["cut_bytes"] >= 0
    assert report["samples"] > 30_000
    again = tmp_path / "again.mcap"
    done = myotome("record", f"file:{path}?speed=0", "--seconds", "1.5", "--out", str(again))
    assert done.returncode == 0, done.stderr
    copied = samples_of(again)
    assert copied == samples_of(path)[: len(copied)]
    told = json.loads(myotome("analyse", str(path), "quality", "--json").stdout)
    assert told["state"] == "measured"
