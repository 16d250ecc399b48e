"""The child's loop with a scripted device: epochs, account, reopening, giving up."""

import threading
import time

import numpy as np
import pytest

from drivers.capability import Capability
from drivers.errors import ConfigError, DeviceLost, PortError
from drivers.reader import Reader
from drivers.types import (
    Channel,
    DeviceInfo,
    Epoch,
    LinkState,
    LossCount,
    SampleBlock,
    StreamInfo,
    Trigger,
    WorkerReport,
)

STREAM = StreamInfo("emg", 1000.0, "int32", (Channel("left FDI", "emg", "uV", 1.0),), 0.0)
INFO = DeviceInfo(
    "script", "Script", "", "1", (STREAM,), Capability(1000, 500, 1, "none", "none", False, "")
)


def block(start, count=10, rejected=0, triggers=()):
    """Some samples."""
    return SampleBlock("emg", 0, start, np.zeros((1, count), np.int32), 0.0, triggers, rejected)


class Script:
    """A device that gives what it was told to give."""

    info = INFO
    settings_read_back = {"GAIN": "8"}  # noqa: RUF012 - read only
    counter_at_zero = 7

    def __init__(self, turns):
        self.turns = list(turns)
        self.closed = False

    def start(self):
        """Nothing to do."""

    def read(self, timeout_s):
        """The next turn of the script."""
        if not self.turns:
            time.sleep(min(timeout_s, 0.01))
            return None
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn

    def stop(self):
        """Nothing to do."""

    def close(self):
        """Remembered."""
        self.closed = True


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a reader over openings (devices or errors) until a message satisfies `until`."""

    def go(openings, until, url=None):
        opened, messages, done = list(openings), [], threading.Event()

        def open_device(_):
            one = opened.pop(0) if opened else Script([])
            if isinstance(one, Exception):
                raise one
            return one

        def send(message):
            messages.append(message)
            if until(message):
                done.set()

        monkeypatch.setattr("drivers.reader.open_device", open_device)
        reader = Reader(url or f"script:{tmp_path}", 4, send)
        thread = threading.Thread(target=reader.run)
        thread.start()
        assert done.wait(10)
        reader.stop()
        thread.join(10)
        assert not thread.is_alive()
        return messages

    return go


def blocks(messages):
    """Blocks among messages."""
    return [m for m in messages if isinstance(m, SampleBlock)]


def epochs(messages):
    """Epochs among messages."""
    return [m for m in messages if isinstance(m, Epoch)]


def test_the_epoch_comes_before_its_first_block_and_numbers_everything(run):
    """Blocks and triggers carry it; settings and counter are the device's own."""
    edge = Trigger("emg", 0, 3.5, "stimulator", "rise", 5e-4)
    device = Script([block(0, triggers=(edge,))])
    messages = run([device], lambda m: isinstance(m, SampleBlock))
    (epoch,), (first,) = epochs(messages), blocks(messages)
    assert messages.index(epoch) < messages.index(first)
    assert (epoch.number, epoch.device_counter_at_zero, epoch.cause) == (4, 7, "opened")
    assert epoch.settings_read_back == {"GAIN": "8"}
    assert (first.epoch, first.triggers[0].epoch) == (4, 4)
    assert device.closed


def test_loss_opens_a_new_epoch_with_its_cause(run):
    """Lost, reopened, numbered on; the sentence travels."""
    openings = [Script([block(0), DeviceLost("it was unplugged")]), Script([block(0)])]
    messages = run(openings, lambda m: isinstance(m, SampleBlock) and m.epoch == 5)
    assert [(e.number, e.cause) for e in epochs(messages)] == [
        (4, "opened"),
        (5, "it was unplugged"),
    ]
    assert openings[0].closed
    lost = [m for m in messages if isinstance(m, WorkerReport) and m.state is LinkState.LOST]
    assert lost[0].sentence == "it was unplugged"


def test_the_account_is_per_epoch_and_exact(run):
    """received + lost + rejected is the index after the last block."""
    device = Script([block(5), block(20, rejected=2), block(30)])
    messages = run([device], lambda m: isinstance(m, WorkerReport) and bool(m.counts))
    last = [m for m in messages if isinstance(m, WorkerReport)][-1]
    assert last.counts == {"emg": LossCount(30, 5 + 3, 2)}


def test_a_port_that_will_not_open_is_tried_again(run):
    """With a pause, and the sentence reported."""
    began = time.monotonic()
    messages = run([PortError("busy"), Script([block(0)])], lambda m: isinstance(m, SampleBlock))
    assert 0.4 < time.monotonic() - began < 5
    assert "busy" in [m.sentence for m in messages if isinstance(m, WorkerReport)]


def test_a_port_that_comes_back_is_opened_at_once(run, tmp_path):
    """Not after the back-off."""
    node = tmp_path / "port"
    timer = threading.Timer(0.2, node.touch)
    timer.start()
    errors = [PortError("missing")] * 3
    began = time.monotonic()
    run([*errors[:1], Script([block(0)])], lambda m: isinstance(m, SampleBlock), f"script:{node}")
    assert time.monotonic() - began < 0.45
    timer.join()


def test_an_impossible_configuration_ends_the_child_with_its_sentence(run):
    """Trying again would not help."""
    messages = run([ConfigError("no such configuration")], lambda m: bool(m.sentence))
    assert messages[-1].state is LinkState.LOST
    assert messages[-1].sentence == "no such configuration"


def test_it_reports_every_second_while_reading_goes_round(run):
    """The parent's watchdog lives on it."""
    reports = []

    def third(message):
        reports.append(message)
        return sum(isinstance(m, WorkerReport) for m in reports) >= 4

    messages = run([Script([block(0)])], third)
    times = [m.at_s for m in messages if isinstance(m, WorkerReport) and m.state is LinkState.LIVE]
    assert times[-1] - times[0] > 0.9
