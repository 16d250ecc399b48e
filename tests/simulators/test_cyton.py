"""The Cyton and Daisy firmware: frames, commands, refusals, board modes."""

from pathlib import Path

import numpy as np
import pytest

from simulators.ads1299 import step_uv
from simulators.cyton import CytonFirmware
from simulators.cyton_packet import blank_frames, put_words

from .ramp_patient import RampPatient, ramp_counts, vectors

VECTORS = Path(__file__).parents[1] / "vectors" / "cyton.hex"
GAIN = 24


def board(*, daisy=False):
    """An idle board; its patient's steps are whole counts at the default gain."""
    patient = RampPatient(16 if daisy else 8, GAIN)
    return CytonFirmware(lambda _: patient, daisy=daisy)


def rows(frames):
    """(n, 33) bytes."""
    return np.frombuffer(frames, np.uint8).reshape(-1, 33)


def counts_of(frames):
    """(8, n) counts."""
    bits = rows(frames)[:, 2:26].reshape(-1, 8, 3).astype(np.int32)
    return ((bits[..., 0] << 16 | bits[..., 1] << 8 | bits[..., 2]) << 8 >> 8).T


def test_frames_are_those_of_the_makers_documents():
    """Vectors that this board can make: the encoder gives them byte for byte."""
    expected = vectors(VECTORS)
    ramp = np.array([range(1, 9)], np.int32)
    digital = blank_frames(np.array([254]), ramp)
    put_words(digital, np.array([1 << 8]))
    assert digital.tobytes() == expected["digital_d11"]
    between = blank_frames(np.array([1]), ramp)
    assert between.tobytes() == expected["accel_between"]
    wide = np.array([[1, -1, 8388607, -8388608, 1193046, -2, 256, -32768]], np.int32)
    first = blank_frames(np.array([0]), wide)
    assert first.tobytes()[:26] == expected["accel"][:26]
    negative = blank_frames(np.array([256]), -ramp)
    put_words(negative, np.array([0]))
    assert negative.tobytes() == expected["after_wrap"]


def test_values_counter_and_footer():
    """Counts exact, numbers 0 to 255 and round, 25 Hz accelerometer in C0 frames."""
    firmware = board()
    assert firmware.receive(b"b") == b""
    frames = b"".join(firmware.produce(n) for n in (1, 3, 500, 96))
    assert (counts_of(frames) == ramp_counts(0, 600)).all()
    data = rows(frames)
    assert (data[:, 1] == np.arange(600) % 256).all()
    assert set(data[:, 0]) == {0xA0}
    assert set(data[:, 32]) == {0xC0}
    z = data[:, 30].astype(int) << 8 | data[:, 31]
    assert set(np.unique(z)) == {0, 8000}
    assert 24 <= np.count_nonzero(z[:250]) <= 27


def test_start_and_stop_are_silent_and_v_stops():
    """b and s answer nothing; v ends streaming, b counts from 0 again."""
    firmware = board()
    firmware.receive(b"b")
    firmware.produce(10)
    assert firmware.receive(b"s") == b""
    assert firmware.produce(10) == b""
    firmware.receive(b"b")
    assert rows(firmware.produce(2))[:, 1].tolist() == [0, 1]
    banner = firmware.receive(b"v")
    assert banner.startswith(b"OpenBCI V3 8-16 channel")
    assert b"Daisy" not in banner
    assert banner.endswith(b"$$$")
    assert len(banner) < 500
    assert not firmware.streaming
    assert firmware.busy_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"d", b"updating channel settings to default$$$"),
        (b"D", b"060110$$$"),
        (b"V", b"v3.1.2$$$"),
        (b"x3020000X", b"Success: Channel set for 3$$$"),
        (b"xX", b"Failure: too few chars$$$"),
        (b"x3020000Y", b"Failure: Err: 9th char not X$$$"),
        (b"z110Z", b"Success: Lead off set for 1$$$"),
        (b"zZ", b"Failure: too few chars$$$"),
        (b"z110Y", b"Failure: Err: 5th char not Z$$$"),
        (b"~~", b"Success: Sample rate is 250Hz$$$"),
        (b"~4", b"Success: Sample rate is 1000Hz$$$"),
        (b"~9", b"Failure: sample value out of bounds$$$"),
        (b"~x", b"Failure: invalid sample value$$$"),
        (b"//", b"Success: default$$$"),
        (b"/3", b"Success: digital$$$"),
        (b"/9", b"Failure: board mode value out of bounds.$$$"),
        (b"/x", b"Failure: invalid board mode value.$$$"),
        (b"C", b"no daisy to attach!8$$$"),
        (b"c", b""),
        (b"-", b"Success: Configured internal test signal.$$$"),
        (b"<", b"Time stamp ON$$$"),
        (b">", b"Time stamp OFF$$$"),
        (b"1", b""),
        (b"!", b""),
        (b"\xf0\x07", b"Success: System is Up$$$"),
        (b"\x00", b""),
    ],
)
def test_idle_answers(command, answer):
    """Each command answers as the firmware does."""
    assert board().receive(command) == answer


def test_a_running_board_answers_no_settings():
    """Settings while streaming change silently, and the counter starts again."""
    firmware = board()
    firmware.receive(b"b")
    firmware.produce(50)
    assert firmware.receive(b"x1040100X") == b""
    assert firmware.receive(b"?") == b""
    frames = firmware.produce(30)
    assert rows(frames)[:, 1].tolist() == list(range(30))
    assert (np.abs(counts_of(frames)[0] - ramp_counts(0, 30)[0] / 3) < 0.501).all()


def test_channel_settings_reach_the_converter():
    """Gain, power-down and shorted input show in the counts; d undoes them."""
    firmware = board()
    firmware.receive(b"x1000000Xx2160110Xx3061110X4b")
    counts = counts_of(firmware.produce(500))
    assert (np.abs(counts[0] - ramp_counts(0, 500)[0] / GAIN) < 0.501).all()
    assert not counts[1].any()
    assert 0.0 < np.std(counts[2] * step_uv(GAIN)) < 0.2
    assert not counts[3].any()
    assert (counts[4] == ramp_counts(0, 500)[4]).all()
    firmware.receive(b"sdb")
    assert (counts_of(firmware.produce(9)) == ramp_counts(0, 9)).all()
    assert b"CH1SET, 05, 68, 0, 1, 1, 0, 1, 0, 0, 0" in board().receive(b"?")


def test_a_command_of_several_bytes_ends_after_one_second():
    """Incomplete for a second: the firmware says so and forgets it."""
    firmware = board()
    assert firmware.receive(b"x10") == b""
    assert firmware.tick(0.6) == b""
    assert firmware.tick(0.6).startswith(b"Timeout processing multi byte message")
    assert firmware.tick(5.0) == b""
    assert firmware.receive(b"V") == b"v3.1.2$$$"


def test_digital_mode_shows_the_trigger_line():
    """Byte 27 is D11 in C1 frames, never shorter than one sample; other modes do not show it."""
    firmware = board()
    firmware.receive(b"/3b")
    firmware.trigger.raise_at(10.4, 0.25)
    data = rows(firmware.produce(20))
    assert set(data[:, 32]) == {0xC1}
    assert np.flatnonzero(data[:, 26]).tolist() == [11]
    assert not data[:, 27:32].any()
    firmware.receive(b"s/0b")
    firmware.trigger.raise_at(3.0, 0.25)
    assert set(rows(firmware.produce(9))[:, 32]) == {0xC0}
    firmware.receive(b"s/2b")
    assert set(rows(firmware.produce(9))[:, 32]) == {0xC1}


def test_marker_mode_inserts_its_byte_once():
    """`X puts X into byte 28 of one frame."""
    firmware = board()
    firmware.receive(b"/4b")
    firmware.receive(b"`Z")
    data = rows(firmware.produce(5))
    assert data[:, 27].tolist() == [ord("Z"), 0, 0, 0, 0]


def test_time_stamps_are_announced_once():
    """C3 (C5 without accelerometer) once, then C4 (C6); milliseconds rise by 4."""
    for mode, footers in ((b"", (0xC3, 0xC4)), (b"/3", (0xC5, 0xC6))):
        firmware = board()
        firmware.receive(mode + b"<b")
        data = rows(firmware.produce(6))
        assert tuple(data[:2, 32]) == footers
        assert set(data[1:, 32]) == {footers[1]}
        stamps = data[:, 28:32].copy().view(">u4").ravel()
        assert set(np.diff(stamps)) <= {3, 4, 5}
        assert stamps[5] - stamps[0] == pytest.approx(20, abs=1)


def test_dropped_frames_leave_holes_in_the_counter():
    """What the radio loses is missing from the numbers, unlike HackEEG."""
    firmware = board()
    firmware.receive(b"b")
    keep = np.ones(20, np.bool_)
    keep[5:8] = False
    assert rows(firmware.produce(20, keep))[:, 1].tolist() == [0, 1, 2, 3, 4, *range(8, 20)]


def test_daisy_alternates_means_of_two_samples():
    """Odd numbers are the board's channels, even the Daisy's, each with the sample before."""
    firmware = board(daisy=True)
    assert b"On Daisy ADS1299" in firmware.receive(b"v")
    firmware.receive(b"b")
    frames = firmware.produce(7) + firmware.produce(94)
    counts, numbers = counts_of(frames), rows(frames)[:, 1]
    true = ramp_counts(0, 101, 16)
    pairs = true[:, 1:] + true[:, :-1]
    means = np.trunc(pairs / 2).astype(int)
    for k in range(1, 101):
        channels = slice(0, 8) if numbers[k] % 2 else slice(8, 16)
        assert (counts[:, k] == means[channels, k - 1]).all()
    assert (counts[:, 0] != true[8:, 0]).any()


def test_daisy_can_be_left_and_taken_again():
    """c gives 8 unaveraged channels, C the sixteen."""
    firmware = board(daisy=True)
    assert firmware.receive(b"C") == b"16$$$"
    assert firmware.receive(b"c") == b"daisy removed$$$"
    firmware.receive(b"b")
    assert (counts_of(firmware.produce(10)) == ramp_counts(0, 10)).all()
    firmware.receive(b"s")
    assert firmware.receive(b"C") == b"daisy attached16$$$"
