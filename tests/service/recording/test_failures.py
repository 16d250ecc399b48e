"""Killed processes, full disks, slow disks: what is lost is bounded, counted and said."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from service.recording import recorder as recorder_module
from service.recording.disk import DurableFile
from service.recording.messages import Gap
from service.recording.reader import read_recording
from service.recording.recorder import Recorder
from service.recording.verify import verify

from . import making

WRITER = """
import sys, time
from pathlib import Path
from service.recording.recorder import Recorder
from tests.service.recording import making
info = making.device_info(making.stream_info(channels=8))
recorder = Recorder(Path(sys.argv[1]), header={})
recorder.epoch("dev", making.epoch(info=info))
start, began = 0, time.monotonic()
print("started", flush=True)
while True:
    recorder.block("dev", making.block(start, 320, channels=8, seed=3, at_s=time.monotonic()))
    start += 320
    print(start, time.monotonic(), flush=True)
    time.sleep(max(0.0, began + start / 16000 - time.monotonic()))
"""


def wait_until(condition, seconds=10.0, what="the condition"):
    """Poll until true, with a deadline."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true in {seconds} s"
        time.sleep(0.01)


def killed_writer(path: Path, after_s: float) -> tuple[int, float]:
    """Run a paced 8 x 16 kHz recording and SIGKILL it; (samples told, host time of the kill)."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "started\n"
        time.sleep(after_s)
        killed_s = time.monotonic()
        process.send_signal(signal.SIGKILL)
        lines = [line.split() for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    return int(lines[-1][0]), killed_s


@pytest.mark.timed
def test_sigkill_at_20_random_instants_loses_at_most_300_ms(tmp_path):
    """Nothing before is missing or wrong, the file opens, and it is cut, not damaged."""
    rng = random.Random(4)
    instants = [rng.uniform(0.3, 2.0) for _ in range(20)]
    results: dict[int, tuple[int, float]] = {}

    def run(lane: int) -> None:
        for i in range(lane, 20, 4):
            results[i] = killed_writer(tmp_path / f"{i}.mcap", instants[i])

    lanes = [threading.Thread(target=run, args=(lane,)) for lane in range(4)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join(60)
    assert len(results) == 20
    for i, (told, killed_s) in results.items():
        path = tmp_path / f"{i}.mcap"
        report = verify(path)
        assert (report.whole, report.damaged, report.gaps) == (False, (), 0)
        blocks = making.read_blocks(path)
        kept = blocks[-1].end_index if blocks else 0
        for start in range(0, kept, 3200):
            assert making.same(
                blocks[start // 320],
                making.block(start, 320, channels=8, seed=3, at_s=blocks[start // 320].received_s),
            )
        assert (told - kept) / 16000 <= 0.3, (i, told, kept, killed_s)


FULL = """
import json, resource, sys, time
from pathlib import Path
from service.recording.recorder import Recorder
from tests.service.recording import making
limit = 600_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
recorder = Recorder(Path(sys.argv[1]), header={}, spool_s=1.0)
recorder.epoch("dev", making.epoch())
start = 0
while start * 8 < limit:
    recorder.block("dev", making.block(start, 4000))
    start += 4000
    if start * 8 < limit:
        assert recorder.flush()
full_s = time.monotonic()
while recorder.status.state == "recording" and time.monotonic() < full_s + 5:
    time.sleep(0.01)
failed_after_s = time.monotonic() - full_s
failed = recorder.status
for _ in range(12):
    recorder.block("dev", making.block(start, 4000))
    start += 4000
on_disk = Path(sys.argv[1]).stat().st_size
if sys.argv[2] == "freed":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    recorder.flush()
    recorder.block("dev", making.block(start, 4000))
    start += 4000
    recorder.flush()
resumed = recorder.status
closed = recorder.close()
json.dump({"failed_after_s": failed_after_s, "failed": [failed.state, failed.sentence],
           "resumed": [resumed.state, resumed.lost_samples], "on_disk": on_disk,
           "closed": closed.state, "told": start, "lost": closed.lost_samples}, sys.stdout)
"""


def full_disk(path: Path, then: str) -> dict:
    """A recording in a child whose file may not grow above 600 kB (short write, then EFBIG)."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), then],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.timed
def test_a_full_disk_is_said_within_a_second_and_recording_resumes_with_a_gap(tmp_path):
    """failed, bounded memory, then the same file goes on; the loss is a gap with cause recorder."""
    path = tmp_path / "a.mcap"
    told = full_disk(path, "freed")
    assert told["failed"][0] == "failed"
    assert "largest size allowed" in told["failed"][1]
    assert told["failed_after_s"] <= 1.0
    assert told["on_disk"] == 600_000  # the write that met the limit was a short one
    assert told["resumed"][0] == "recording"
    assert told["closed"] == "off"
    report = verify(path)
    assert report.whole
    assert report.samples + told["lost"] == told["told"]
    assert report.lost == told["lost"] > 0
    with read_recording(path) as recording:
        gaps = [e for e in recording.events() if isinstance(e, Gap)]
    assert [(g.cause, g.count) for g in gaps] == [("recorder", told["lost"])]


def test_a_disk_that_stays_full_leaves_a_record_that_opens(tmp_path):
    """The close gives up in time; all synced before the limit is read."""
    path = tmp_path / "a.mcap"
    told = full_disk(path, "stays")
    assert told["closed"] == "failed"
    report = verify(path)
    assert (report.whole, report.damaged) == (False, ())
    assert report.cut_bytes > 0
    assert report.samples >= 16000


class Disk:
    """Replaces fdatasync: fails or blocks when told."""

    def __init__(self, monkeypatch):
        self.error: int | None = None
        self.open = threading.Event()
        self.open.set()
        self._real = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self)

    def __call__(self, fd):
        """As os.fdatasync."""
        assert self.open.wait(20)
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        self._real(fd)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_failed_sync_is_written_again_and_nothing_is_lost(tmp_path, monkeypatch, code):
    """The pages of a failed sync may be gone, so the bytes are kept until a sync succeeds."""
    path, disk = tmp_path / "a.mcap", Disk(monkeypatch)
    recorder = Recorder(path, header={})
    recorder.epoch("dev", making.epoch())
    assert recorder.flush()
    disk.error = code
    recorder.block("dev", making.block(0))
    wait_until(lambda: recorder.status.state == "failed", 1.0, "state failed")
    assert "not recording to a.mcap" in recorder.status.sentence
    for start in range(160, 1600, 160):
        recorder.block("dev", making.block(start))
    disk.error = None
    wait_until(lambda: recorder.status.state == "recording", 5.0, "state recording")
    assert recorder.close().state == "off"
    report = verify(path)
    assert (report.whole, report.samples, report.lost) == (True, 1600, 0)


def test_a_disk_that_hangs_never_blocks_the_caller_and_the_overflow_is_counted(
    tmp_path, monkeypatch
):
    """fsync stalls: calls return at once, the state says so, dropped samples become gaps."""
    path, disk = tmp_path / "a.mcap", Disk(monkeypatch)
    recorder = Recorder(path, header={}, spool_s=2.0)
    recorder.epoch("dev", making.epoch())
    assert recorder.flush()
    disk.open.clear()
    recorder.block("dev", making.block(0, 1600))
    wait_until(lambda: recorder.behind_s == 0.0, what="the writer taking the first block")
    longest_s = 0.0
    for start in range(1600, 1600 * 41, 1600):  # 4 s of samples into 2 s of spool
        began = time.monotonic()
        recorder.block("dev", making.block(start, 1600))
        longest_s = max(longest_s, time.monotonic() - began)
    assert longest_s < 0.1
    assert recorder.status.lost_samples == 32000
    wait_until(lambda: recorder.status.state == "failed", 2.0, "state failed")
    disk.open.set()
    assert recorder.flush()
    recorder.block("dev", making.block(1600 * 41, 1600))
    status = recorder.close()
    assert (status.state, status.lost_samples) == ("off", 32000)
    assert "32000 samples were lost" in status.sentence
    report = verify(path)
    assert (report.whole, report.gaps, report.lost) == (True, 1, 32000)


def test_samples_lost_at_the_very_end_are_declared(tmp_path, monkeypatch):
    """No later block comes to announce the gap; closing does."""
    path, disk = tmp_path / "a.mcap", Disk(monkeypatch)
    recorder = Recorder(path, header={}, spool_s=0.5)
    recorder.epoch("dev", making.epoch())
    disk.open.clear()
    for start in range(0, 16000 * 2, 1600):
        recorder.block("dev", making.block(start, 1600))
    lost = recorder.status.lost_samples
    assert lost > 0
    disk.open.set()
    recorder.close()
    with read_recording(path) as recording:
        gaps = [e for e in recording.events() if isinstance(e, Gap)]
    assert [(g.cause, g.count) for g in gaps] == [("recorder", lost)]


def test_data_is_synced_within_250_ms_without_being_asked(tmp_path):
    """A single block is on the disk soon, although its chunk is far from full."""
    path = tmp_path / "a.mcap"
    recorder = Recorder(path, header={})
    recorder.epoch("dev", making.epoch())
    assert recorder.flush()
    before = recorder.status.bytes
    recorder.block("dev", making.block(0, 4))
    wait_until(lambda: recorder.status.bytes > before, 1.0, "the block on disk")
    assert recorder_module.FLUSH_S <= 0.25
    assert making.read_blocks(path)[0].end_index == 4
    recorder.close()


def test_memory_of_a_failing_file_is_what_was_collected(tmp_path):
    """A short write and an error leave every byte pending, and the retry lands in place."""
    file = DurableFile(tmp_path / "a")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    file.write(b"a" * 100)
    file.commit()
    file.write(b"b" * 100)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            file.commit()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (file.synced_bytes, file.pending_bytes) == (100, 100)
    file.commit()
    file.close()
    assert (tmp_path / "a").read_bytes() == b"a" * 100 + b"b" * 100
