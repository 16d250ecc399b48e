"""The makers' own clients read the simulators, and every value is the patient's to the count."""

import json
import subprocess
import sys

import hackeeg
import numpy as np
import pytest
from hackeeg import ads1299

from simulators.ads1299 import step_uv

from .process import simulator
from .ramp_patient import ramp_counts

RAMP = {"module": "tests.simulators.ramp_simulator"}
CYTON_BOARD, CYTON_DAISY_BOARD = 0, 2


def read_with_brainflow(port, board, seconds, *commands):
    """What BrainFlow saw."""
    module = "tests.simulators.read_with_brainflow"
    done = subprocess.run(
        [sys.executable, "-m", module, port, str(board), str(seconds), *commands],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def paced_hz(at_s, nominal_hz):
    """The rate between the most punctual samples of the first and of the last third: a busy machine
    reads some of them late, none before it was sent."""
    index = np.arange(len(at_s))
    late_s = np.array(at_s) - index / nominal_hz
    third = len(at_s) // 3
    first, last = np.argmin(late_s[:third]), len(at_s) - third + np.argmin(late_s[-third:])
    return (last - first) / (at_s[last] - at_s[first])


def whole_counts(uv, step):
    """Counts of values that are whole counts, to a ten-thousandth of one."""
    counts = np.array(uv) / step
    assert np.abs(counts - np.rint(counts)).max() < 1e-4
    return np.rint(counts).astype(int)


def test_brainflow_reads_a_cyton():
    """CYTON_BOARD: connects, 250 per second, no gap, exact microvolts, digital mode."""
    with simulator("cyton", **RAMP) as running:
        seen = read_with_brainflow(running.ports["port"], CYTON_BOARD, 2, "~~", "/3")
        counts = running.ask(do="counts")["total"]
    assert seen["answers"] == ["Success: Sample rate is 250Hz$$$", "Success: digital$$$"]
    number = np.array(seen["number"], int)
    assert set(np.diff(number) % 256) == {1}
    assert paced_hz(seen["at_s"], 250.0) == pytest.approx(250.0, rel=0.02)
    values = whole_counts(seen["exg"], step_uv(24))
    assert (values == ramp_counts(0, len(number))).all()
    assert counts["dropped"] == 0


def test_brainflow_reads_a_daisy():
    """CYTON_DAISY_BOARD: 125 per second, no gap, means of two samples on 16 channels."""
    with simulator("daisy", **RAMP) as running:
        seen = read_with_brainflow(running.ports["port"], CYTON_DAISY_BOARD, 2)
    number = np.array(seen["number"], int)
    assert set(np.diff(number) % 256) == {2}
    assert paced_hz(seen["at_s"], 125.0) == pytest.approx(125.0, rel=0.03)
    values = np.array(seen["exg"]) / step_uv(24)
    true = ramp_counts(0, 2 * len(number) + 4, 16)
    means = np.trunc((true[:, 1:] + true[:, :-1]) / 2)
    # BrainFlow joins an even (Daisy) frame with the odd (board) frame beside it; rows after the
    # first invalid one are the means that end at those two samples
    rows = np.arange(1, len(number))
    board_ends = _only_shift(values[0, 1:], means[0], rows)
    daisy_ends = _only_shift(values[8, 1:], means[8], rows)
    assert abs(board_ends - daisy_ends) == 1
    for channel in range(16):
        shift = board_ends if channel < 8 else daisy_ends
        assert np.abs(values[channel, 1:] - means[channel, 2 * rows + shift]).max() < 1e-4


def _only_shift(values, means, rows):
    """The one shift for which row r shows the mean at 2 r + shift."""
    fits = [s for s in range(-2, 3) if np.abs(values - means[2 * rows + s]).max() < 1e-4]
    assert len(fits) == 1
    return fits[0]


def test_the_hackeeg_client_reads_a_hackeeg():
    """The maker's client at 4 kSPS: text to JSON Lines to MessagePack, values exact, and no sample
    missing but those that the board skipped because this client was late, told by micros."""
    with simulator("hackeeg", **RAMP) as running:
        board = hackeeg.HackEEGBoard(running.ports["port"])
        board.connect()
        board.sdatac()
        board.wreg(ads1299.CONFIG1, ads1299.HIGH_RES_4k_SPS | ads1299.CONFIG1_const)
        for channel in range(1, 9):
            board.enable_channel(channel, ads1299.GAIN_8X)
        board.wreg(ads1299.GPIO, 0x07)
        assert board.rreg(ads1299.GPIO)["DATA"] == 0x07
        board.messagepack_mode()
        board.send_command("stop")
        assert b"200" in board.raw_serial_port.readline()
        board.send_command("rdatac")
        assert b"200" in board.raw_serial_port.readline()
        board.send_command("start")
        assert b"200" in board.raw_serial_port.readline()
        for at in (900.5, 1200.5, 1500.5):
            assert running.ask(do="pulse", current_ma=10, width_us=100, at_sample=at)["ok"]
        samples = []
        while len(samples) < 2000:
            sample = board.read_rdatac_response()
            if sample and "sample_number" in sample:
                samples.append(sample)
        dropped = running.ask(do="counts")["total"]["dropped"]
        board.raw_serial_port.close()
    number = np.array([sample["sample_number"] for sample in samples])
    micros = np.array([sample["timestamp"] for sample in samples])
    assert (number == np.arange(2000)).all()
    steps = np.diff(micros) / 250
    assert (steps == np.rint(steps)).all()
    index = np.concatenate([[0], np.cumsum(steps).astype(int)])
    assert index[-1] + 1 - 2000 <= dropped
    values = np.array([sample["channel_data"] for sample in samples]).T
    assert (values == ramp_counts(0, index[-1] + 1)[:, index]).all()
    high = index[[sample["ads_gpio"] == 1 for sample in samples]]
    pulses = [first + k for first in (901, 1201, 1501) for k in range(4)]
    assert high.tolist() == [k for k in pulses if k in index]
    assert len(high) >= 4
