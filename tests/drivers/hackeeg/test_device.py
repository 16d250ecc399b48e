"""The HackEEG driver against a simulated board: settings, restarts, and boards that are none."""

import os
import pty
import time
import tty

import pytest

from drivers.errors import DeviceLost, HandshakeError, SettingsMismatch
from drivers.hackeeg.commands import Answer, command, find_answer
from drivers.hackeeg.device import HackEEG
from drivers.types import SampleBlock
from tests.simulators.process import simulator

OK_LINE = b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok"}\r\n'


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One board, at 4 kSPS in these tests."""
    with simulator("hackeeg", "--link", str(tmp_path_factory.mktemp("port") / "hackeeg")) as board:
        yield board


@pytest.fixture
def device(running):
    """An open device on it."""
    opened = HackEEG.open(running.ports["port"], {"config": "hackeeg-emg-4k"})
    yield opened
    opened.close()


def read_until(device, condition, seconds=10.0):
    """Read until a block satisfies the condition; that block."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        block = device.read(0.1)
        if block is not None and condition(block):
            return block
    raise AssertionError(f"no such block within {seconds} s")


def test_commands_and_answers_are_the_firmwares_lines():
    """Literal bytes on both sides."""
    assert command("wreg", 0x14, 7) == b'{"COMMAND":"wreg","PARAMETERS":[20,7]}\n'
    assert command("nop") == b'{"COMMAND":"nop","PARAMETERS":[]}\n'
    noise = b"406 Error: Unrecognized command.\r\n\r\n"
    assert find_answer(noise + OK_LINE + b"rest") == (Answer(200, "Ok"), b"rest")
    with_data = b'{"STATUS_CODE":200,"STATUS_TEXT":"Ok","DATA":64}\r\n'
    assert find_answer(with_data) == (Answer(200, "Ok", 64), b"")
    assert find_answer(OK_LINE[:-1]) is None
    assert find_answer(b'{"STATUS_CODE":200,"STA' + OK_LINE) == (Answer(200, "Ok"), b"")


def test_an_open_board_has_told_every_register(device):
    """All 21 that the configuration writes."""
    assert device.settings_read_back["CONFIG1"] == "0x92"
    assert device.settings_read_back["CH3SET"] == "0x40"
    assert len(device.settings_read_back) == 21
    assert device.info.firmware == "v0.3.0"
    assert "ADS1299" in device.info.model


def test_a_board_left_streaming_is_stopped_and_opened_again(running):
    """A crash of the program before does not spoil the next start."""
    first = HackEEG.open(running.ports["port"], {"config": "hackeeg-emg-4k"})
    first.start()
    assert isinstance(read_until(first, lambda _: True), SampleBlock)
    first._link.close()  # as a killed process would leave it
    second = HackEEG.open(running.ports["port"], {"config": "hackeeg-emg-4k"})
    second.start()
    assert read_until(second, lambda _: True).start_index == 0
    assert second.counter_at_zero == 0
    second.close()


def test_start_stop_start_begins_a_new_count(device):
    """Index 0 again, the board's number 0 again."""
    for _ in range(2):
        device.start()
        assert read_until(device, lambda b: b.end_index > 400).end_index > 400
        assert device.counter_at_zero == 0
        device.stop()
        assert device.read(0.0) is None


def test_a_gain_that_fell_back_gives_no_samples(running, device):
    """The register, what was written and what was read are named."""
    running.ask(do="fault", name="gain", channel=1, code=0)
    with pytest.raises(SettingsMismatch, match=r"CH1SET .*0x40 was written, 0x00 was read back"):
        device.start()
    assert device.read(0.1) is None


def test_a_restart_in_the_stream_is_a_lost_device(running, device):
    """The samples before it come first; never one with the wrong scale after it."""
    device.start()
    read_until(device, lambda b: b.end_index > 400)
    running.ask(do="fault", name="reboot")
    with pytest.raises(DeviceLost, match="restarted"):
        read_until(device, lambda _: False)


def test_a_stall_is_a_counted_gap_in_the_same_run(running):
    """Half a second without a frame: the index jumps, nothing is invented."""
    device = HackEEG.open(running.ports["port"], {"config": "hackeeg-emg-4k"})
    try:
        device.start()
        before = read_until(device, lambda b: b.end_index > 4000)
        running.ask(do="fault", name="stall", seconds=0.5)
        after = read_until(device, lambda b: b.start_index > before.end_index + 1800)
        assert after.start_index < before.end_index + 12_000
    finally:
        device.close()


class Fake:
    """A port whose other end answers every line with one and the same bytes."""

    def __init__(self, answer):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        os.write(self.master, answer)

    def close(self):
        """Both ends."""
        os.close(self.master)
        os.close(self.slave)


def test_a_silent_port_is_told_as_such():
    """What was asked, and what to check."""
    fake = Fake(b"")
    try:
        with pytest.raises(HandshakeError, match="did not answer 'version' in time: is this a"):
            HackEEG.open(fake.port, {})
    finally:
        fake.close()
