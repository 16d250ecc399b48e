"""A device in a process of its own, against a simulated HackEEG on a pseudo-terminal."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import psutil
import pytest

from drivers.errors import DeviceLost
from drivers.types import Epoch, LinkState, SampleBlock, WorkerReport
from drivers.worker import Worker
from tests.simulators.process import simulator, until


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """One board for all tests here; each leaves it plugged in."""
    with simulator(
        "hackeeg", "--link", str(tmp_path_factory.mktemp("port") / "hackeeg")
    ) as running:
        yield running


class Parent:
    """Polls a worker and remembers."""

    def __init__(self, url, first_epoch=3):
        self.worker = Worker(url, first_epoch=first_epoch)
        self.messages = []

    def until(self, condition, seconds=15.0):
        """Poll until a message satisfies the condition; that message."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.worker.poll(0.1)
            if message is not None:
                self.messages.append(message)
                if condition(message):
                    return message
        raise AssertionError(f"nothing of the kind within {seconds} s: {self.reports[-3:]}")

    @property
    def reports(self):
        """Reports so far."""
        return [m for m in self.messages if isinstance(m, WorkerReport)]

    @property
    def blocks(self):
        """Blocks so far."""
        return [m for m in self.messages if isinstance(m, SampleBlock)]


@pytest.fixture
def parent(board):
    """A worker on the board, killed at the end."""
    made = Parent(f"hackeeg:{board.ports['port']}")
    yield made
    made.worker.close()


def is_block(message):
    """Samples."""
    return isinstance(message, SampleBlock)


def test_an_epoch_then_blocks_then_a_clean_end(parent):
    """Blocks follow their epoch, their counts add up, and stop ends the child."""
    parent.until(lambda m: is_block(m) and m.end_index > 4000)
    report = parent.until(lambda m: isinstance(m, WorkerReport) and bool(m.counts))
    first = next(m for m in parent.messages if not isinstance(m, WorkerReport))
    assert isinstance(first, Epoch)
    assert first.number == 3
    assert first.settings_read_back["GPIO"] == "0x07"
    assert first.device_counter_at_zero == 0
    assert {b.epoch for b in parent.blocks} == {3}
    count = report.counts["emg"]
    assert report.state is LinkState.LIVE
    assert parent.blocks[-1].end_index >= count.received + count.lost + count.rejected > 4000
    parent.worker.stop()
    assert not psutil.pid_exists(parent.worker.pid)


def test_a_killed_child_is_a_lost_device(parent):
    """The parent is told how it ended, after everything it had sent."""
    parent.until(is_block)
    os.kill(parent.worker.pid, signal.SIGKILL)
    with pytest.raises(DeviceLost, match=r"signal 9"):
        parent.until(lambda _: False)


def test_a_child_ends_when_its_parent_is_killed(board):
    """Nothing keeps a device streaming for nobody."""
    code = (
        "import sys, time\n"
        "from drivers.worker import Worker\n"
        "if __name__ == '__main__':\n"
        f"    worker = Worker('hackeeg:{board.ports['port']}', first_epoch=0)\n"
        "    while worker.poll(1.0) is None: pass\n"
        "    print(worker.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not psutil.pid_exists(pid), 8, "the end of the child")


def test_unplugging_opens_a_new_epoch_when_it_comes_back(board, parent):
    """Said at once, reopened by itself, registers read back, index from 0 again."""
    parent.until(lambda m: is_block(m) and m.end_index > 2000)
    board.ask(do="fault", name="unplug", seconds=0.5)
    lost = parent.until(lambda m: isinstance(m, WorkerReport) and m.state is LinkState.LOST)
    assert "gone" in lost.sentence
    epoch = parent.until(lambda m: isinstance(m, Epoch) and m.number == 4)
    assert epoch.cause == lost.sentence
    assert epoch.settings_read_back["CH1SET"] == "0x40"
    assert parent.until(is_block).start_index < 2000


def test_a_missing_port_is_reported_and_the_child_waits_for_it(tmp_path):
    """No crash, no spinning: the sentence, and another try."""
    parent = Parent(f"hackeeg:{tmp_path / 'none'}")
    try:
        parent.until(lambda m: isinstance(m, WorkerReport) and "does not exist" in m.sentence)
        used = psutil.Process(parent.worker.pid).cpu_times()
        parent.until(lambda m: isinstance(m, WorkerReport) and m.state is LinkState.CONNECTING)
        later = psutil.Process(parent.worker.pid).cpu_times()
        assert later.user + later.system - used.user - used.system < 0.25
    finally:
        parent.worker.stop()
        parent.worker.close()


def test_an_impossible_configuration_ends_the_child_and_is_told(board):
    """The obituary carries the child's last sentence."""
    parent = Parent(f"hackeeg:{board.ports['port']}?config=nonesuch")
    with pytest.raises(DeviceLost, match="no configuration is called 'nonesuch'"):
        parent.until(lambda _: False)
    parent.worker.close()


@pytest.mark.timed
def test_a_parent_that_holds_its_interpreter_loses_nothing(board):
    """At 4 kSPS the port's buffer lasts 116 ms; the parent is away for 300 ms, four times."""
    parent = Parent(f"hackeeg:{board.ports['port']}?config=hackeeg-emg-4k")
    switch = sys.getswitchinterval()
    try:
        before = parent.until(lambda m: is_block(m) and m.end_index > 2000)
        sys.setswitchinterval(10)
        for _ in range(4):
            busy_until = time.monotonic() + 0.3
            while time.monotonic() < busy_until:
                pass
            while (message := parent.worker.poll(0)) is not None:
                parent.messages.append(message)
    finally:
        sys.setswitchinterval(switch)
        parent.worker.close()
    after = [b for b in parent.blocks if b.start_index >= before.end_index]
    gaps = [b.start_index - a.end_index for a, b in pairwise([before, *after])]
    assert after[-1].end_index - before.end_index > 4000
    assert sum(gaps) == 0
