"""Amplifier, stimulator and patient on one bench, driven by a clock of the test's own."""

import os

import numpy as np
import pytest

from simulators.faults import parse_fault

from .ramp_patient import ramp_counts
from .rig import Rig


def frames(data):
    """(n, 44) bytes; only whole frames may be there."""
    assert len(data) % 44 == 0
    return np.frombuffer(data, np.uint8).reshape(-1, 44)


def words(rows, start):
    """u32 field of frames."""
    return rows[:, start : start + 4].copy().view("<u4").ravel().astype(np.int64)


def test_exactly_the_samples_of_the_time_arrive(rig):
    """Many short steps or one long one: floor(elapsed * rate) frames, no more, no less."""
    rig.stream()
    began = rig.patient.sample_index
    rows = frames(rig.wait(0.5) + rig.wait(0.0171, 0.0171))
    assert rig.patient.sample_index - began == pytest.approx(0.5171 * 16000, abs=1)
    assert len(rows) == rig.patient.sample_index
    assert (words(rows, 13) == np.arange(len(rows))).all()
    assert rig.counts()["dropped"] == 0


def test_a_slow_reader_makes_hackeeg_skip_conversions(rig):
    """A blocked write leaves the number contiguous; micros and the count tell the loss exactly."""
    rig.stream()
    for _ in range(250):
        rig.clock.at += 0.004
        rig.bench.step()
    rows = frames(rig.wait(0.2))
    counts = rig.counts()
    assert counts["dropped"] > 10_000
    assert len(rows) == counts["sent"] - counts["dropped"]
    assert (words(rows, 13) == np.arange(len(rows))).all()
    lost = np.round(np.diff(words(rows, 9)) / 62.5).astype(int) - 1
    assert lost.sum() == counts["dropped"]


def test_a_late_simulator_loses_nothing_for_a_reader_that_reads(rig):
    """Half a second without a step, more than any buffer holds: it waits for its reader."""
    rig.stream()
    rig.clock.at += 0.5
    rows = frames(rig.wait(0.5))
    assert rig.counts()["dropped"] == 0
    assert (words(rows, 13) == np.arange(len(rows))).all()
    assert len(rows) == rig.patient.sample_index
    assert rig.patient.sample_index >= 15_000


def test_a_slow_reader_makes_the_dongle_drop_frames():
    """Cyton's own counter goes on: numbers are missing."""
    rig = Rig("cyton")
    rig.write(b"b")
    rig.read()
    for _ in range(1000):
        rig.clock.at += 0.004
        rig.bench.step()
    rows = np.frombuffer(rig.wait(0.1), np.uint8).reshape(-1, 33)
    counts = rig.counts()
    assert counts["dropped"] > 100
    jumps = np.diff(rows[:, 1].astype(int)) % 256
    assert set(jumps) > {1}
    assert (jumps.sum() - len(jumps)) % 256 == counts["dropped"] % 256
    rig.bench.close()


def test_reset_is_answered_after_its_delay(rig):
    """The firmware is deaf for 1.1 s in reset; what is sent meanwhile is answered after it."""
    rig.write(b"jsonlines\n")
    rig.read()
    rig.tell(("reset",), ("nop",))
    assert rig.wait(1.0) == b""
    assert rig.wait(0.2).count(b'"STATUS_CODE":200') == 2


def test_a_pulse_is_an_edge_in_the_stream_and_a_stimulus_between_samples(rig):
    """Fired 37.4 samples after a step: patient and GPIO1 see the same fractional sample."""
    rig.stream()
    rig.wait(0.1)
    rig.order("configure", current_ma=20.0, width_us=200.0)
    assert rig.order("arm")["ok"]
    rig.clock.at += 37.4 / 16000
    began = rig.patient.sample_index
    assert rig.order("fire")["ok"]
    ((at, current_ma, width_us),) = rig.patient.pulses
    assert (current_ma, width_us) == (20.0, 200.0)
    assert at - began == pytest.approx(37.4, abs=1.0)
    data = rig.wait(0.01)
    rows = frames(data)
    high = words(rows, 13)[(rows[:, 19] & 1) == 1]
    assert len(high) == 16
    assert high[0] - 1 < at <= high[0]


def test_pulses_land_where_the_clock_says(rig):
    """Between two pulses lie the samples of the time between them, to a thousandth of a sample."""
    rig.stream()
    rig.wait(0.1)
    rig.order("configure", current_ma=20.0, width_us=200.0)
    rig.order("arm")
    for _ in range(4):
        for _ in range(2):  # no pulse within 200 ms of another
            rig.wait(0.1)
            rig.order("heartbeat")
        rig.clock.at += 0.0123457
        assert rig.order("fire")["ok"]
    at = np.array([pulse[0] for pulse in rig.patient.pulses])
    assert np.diff(at) == pytest.approx((0.2 + 0.0123457) * 16000, abs=1e-3)


def test_a_pulse_while_nothing_streams_is_in_the_log_alone(rig):
    """The stimulator fires, the amplifier has no clock to put it on."""
    rig.order("configure", current_ma=20.0, width_us=200.0)
    rig.order("arm")
    assert rig.order("fire")["ok"]
    assert rig.patient.pulses == []
    log = rig.ask(do="stimulator")["log"]
    assert [entry["emitted"] for entry in log] == [True]
    assert rig.ask(do="pulse", current_ma=10, width_us=100)["ok"] is False


def test_the_stimulator_is_silent_for_300_ms_then_disarmed(rig):
    """Dead-man on the wire, and by a client that closes its port."""
    rig.order("configure", current_ma=20.0, width_us=200.0)
    assert rig.order("arm")["state"]["armed"]
    rig.wait(0.32)
    assert rig.ask(do="stimulator")["state"]["cause"] == "dead_man"
    assert rig.order("arm")["state"]["armed"]
    os.close(rig.panel)
    rig.bench.step()
    assert rig.ask(do="stimulator")["state"]["cause"] == "link_lost"


def test_unplug_takes_hackeegs_power_and_replug_boots_it(tmp_path):
    """The link goes and comes back; the firmware says Ready 2.6 s later, in text mode."""
    rig = Rig(link=tmp_path / "tty")
    rig.stream()
    rig.wait(0.1)
    rig.ask(do="fault", name="unplug", seconds=1.0)
    assert not (tmp_path / "tty").is_symlink()
    rig.read_to_the_end()
    for _ in range(260):
        rig.clock.at += 0.004
        rig.bench.step()
    assert (tmp_path / "tty").is_symlink()
    rig.plug_in()
    assert rig.wait(2.5) == b""
    assert rig.wait(0.3) == b"Ready\r\n"
    assert not rig.bench.firmware.streaming
    assert rig.counts()["boots"] == 2
    counts = rig.counts()
    assert counts["dropped"] == pytest.approx(16000, abs=100)
    rig.bench.close()


def test_unplugging_the_dongle_leaves_the_board_streaming():
    """Cyton's board runs on its battery: frames go on at the replug, numbers are missing."""
    rig = Rig("cyton")
    rig.write(b"b")
    rig.read()
    before = np.frombuffer(rig.wait(0.2), np.uint8).reshape(-1, 33)
    rig.bench.set_fault(parse_fault("unplug:seconds=0.5"))
    for _ in range(130):
        rig.clock.at += 0.004
        rig.bench.step()
    rig.plug_in()
    after = np.frombuffer(rig.wait(0.2), np.uint8).reshape(-1, 33)
    assert rig.counts()["boots"] == 1
    missing = rig.counts()["dropped"]
    assert missing == pytest.approx(125, abs=3)
    assert (int(after[0, 1]) - int(before[-1, 1])) % 256 >= missing % 256
    rig.bench.close()


def test_unplug_without_seconds_is_for_good(rig):
    """The port never comes back."""
    rig.bench.set_fault(parse_fault("unplug"))
    for _ in range(100):
        rig.clock.at += 1.0
        rig.bench.step()
    assert rig.bench.port.fileno is None


def test_reboot_is_back_to_text_mode_and_reset_values(rig):
    """Gain, mode, counter and stream are gone; since_boot counts from new."""
    rig.stream()
    rig.wait(0.1)
    assert rig.ask(do="fault", name="reboot") == {"ok": True}
    assert rig.wait(2.7) == b"Ready\r\n"
    rig.write(b"rreg 5\n")
    assert b"61" in rig.wait(0.01)
    answer = rig.ask(do="counts")
    assert answer["since_boot"]["sent"] == 0
    assert answer["total"]["sent"] > 1000


def test_a_stall_answers_nothing_and_then_goes_on(rig):
    """While it hangs the firmware is deaf too."""
    rig.stream()
    rig.wait(0.1)
    rig.ask(do="fault", name="stall", seconds=0.4)
    assert rig.wait(0.36) == b""
    assert len(rig.wait(0.2)) > 44 * 1000
    assert rig.counts()["dropped"] == 6400


def test_bursts_hold_frames_back(rig):
    """16 ms of silence, then everything of it."""
    rig.stream()
    rig.wait(0.1)
    rig.ask(do="fault", name="burst", ms=16)
    sizes = [len(rig.wait(0.004)) // 44 for _ in range(40)]
    assert sizes.count(0) >= 25
    assert sum(sizes) == pytest.approx(40 * 64, abs=260)
    rig.ask(do="fault", name="clear")
    assert all(rig.wait(0.004) for _ in range(8))


def test_drift_changes_how_many_samples_are_due(rig):
    """+10000 ppm is one per cent more."""
    rig.stream()
    rig.ask(do="fault", name="drift", ppm=10_000)
    began = rig.patient.sample_index
    rig.wait(1.0)
    assert rig.patient.sample_index - began == pytest.approx(16160, abs=2)


def test_values_survive_the_wire(rig):
    """Every count on the port is the patient's."""
    rig.stream()
    rows = frames(rig.wait(0.5))
    bits = rows[:, 20:].reshape(-1, 8, 3).astype(np.int32)
    counts = (bits[..., 0] << 16 | bits[..., 1] << 8 | bits[..., 2]) << 8 >> 8
    assert (ramp_counts(0, len(rows)) == counts.T).all()
