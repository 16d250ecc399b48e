"""Faults on the wire: each is counted exactly, as an oracle on the bytes sees it."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.cyton import CytonFirmware
from simulators.faults import Wire, parse_fault
from simulators.hackeeg import HackEEGFirmware

from .ramp_patient import RampPatient

LENGTH = 33


def cyton_wire(seed=1):
    """A streaming Cyton on a wire without faults."""
    firmware = CytonFirmware(lambda _: RampPatient(gain=24))
    firmware.receive(b"b")
    return Wire(firmware, seed=seed)


def hackeeg_wire(seed=1):
    """A streaming HackEEG on a wire without faults."""
    firmware = HackEEGFirmware(lambda _: RampPatient())
    firmware.receive(b"jsonlines\n")
    for name, parameters in (
        ("wreg", [1, 0x90]),
        ("wreg", [5, 0x40]),
        ("messagepack", []),
        ("rdatac", []),
        ("start", []),
    ):
        firmware.receive(json.dumps({"COMMAND": name, "PARAMETERS": parameters}).encode() + b"\n")
    return Wire(firmware, seed=seed)


def run(wire, samples, specs, chunk=37):
    """Bytes of `samples` under faults, and the clean frames that a faultless board would send."""
    for spec in specs:
        wire.set(parse_fault(spec))
    chunks = [min(chunk, samples - start) for start in range(0, samples, chunk)]
    data = b"".join(wire.transfer(n) for n in chunks)
    wire.set(parse_fault("clear"))
    return data + wire.pass_on(b"")


def clean(samples):
    """Frames of a Cyton on a perfect wire."""
    data = cyton_wire().transfer(samples)
    return [data[k : k + LENGTH] for k in range(0, len(data), LENGTH)]


def intact(data, frames):
    """How many of the frames are in the data, in their order."""
    found, position = 0, 0
    for frame in frames:
        at = data.find(frame, position)
        if at >= 0:
            found, position = found + 1, at + LENGTH
    return found


def test_a_wire_without_faults_changes_nothing():
    """Sent and received are the same bytes, and nothing else is counted."""
    wire = cyton_wire()
    assert run(wire, 1000, []) == b"".join(clean(1000))
    counts = wire.tally.total
    assert (counts.sent, counts.dropped, counts.corrupted, counts.garbage_bytes) == (1000, 0, 0, 0)


def test_split_loses_nothing():
    """Reads end anywhere, and every byte arrives in the end."""
    wire = cyton_wire()
    wire.set(parse_fault("split"))
    pieces = [wire.transfer(10) for _ in range(200)]
    assert any(len(piece) % LENGTH for piece in pieces)
    wire.set(parse_fault("clear"))
    assert b"".join(pieces) + wire.pass_on(b"") == b"".join(clean(2000))


def test_dropped_frames_are_counted():
    """What is missing is what the count says; the rest is untouched."""
    wire = cyton_wire()
    data = run(wire, 5000, ["drop:p=0.02"])
    counts = wire.tally.total
    assert 50 < counts.dropped < 160
    assert len(data) == LENGTH * (counts.sent - counts.dropped)
    assert intact(data, clean(5000)) == counts.sent - counts.dropped


def test_drop_count_loses_one_run():
    """drop:count=300 loses 300 samples in a row, once."""
    wire = cyton_wire()
    data = run(wire, 1000, ["drop:count=300"])
    assert data == b"".join(clean(1000)[300:])
    assert wire.tally.total.dropped == 300


def test_corrupt_frames_are_counted():
    """Frames that differ from the clean ones are as many as counted."""
    wire = cyton_wire()
    data = run(wire, 5000, ["corrupt:p=0.02"])
    frames = clean(5000)
    different = sum(data[k * LENGTH : (k + 1) * LENGTH] != frame for k, frame in enumerate(frames))
    assert different == wire.tally.total.corrupted > 50


def test_cut_frames_lose_one_byte_each():
    """Total length falls by one byte per frame counted as corrupted."""
    wire = cyton_wire()
    data = run(wire, 5000, ["cut:p=0.02"])
    counts = wire.tally.total
    assert len(data) == 5000 * LENGTH - counts.corrupted
    assert intact(data, clean(5000)) == 5000 - counts.corrupted


def test_garbage_bytes_are_counted_and_harm_no_frame():
    """Bytes between frames are as many as counted."""
    wire = cyton_wire()
    data = run(wire, 5000, ["garbage:p=0.02"])
    counts = wire.tally.total
    assert counts.garbage_bytes > 0
    assert len(data) == 5000 * LENGTH + counts.garbage_bytes
    assert intact(data, clean(5000)) == 5000


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    chunk=st.integers(1, 90),
    p=st.tuples(*[st.floats(0.0, 0.1)] * 4),
    stall=st.floats(0.0, 1.0),
    run_length=st.integers(1, 100),
)
def test_any_mixture_adds_up(seed, chunk, p, stall, run_length):
    """sent = intact + dropped + corrupted, whatever is mixed, by the oracle on the bytes."""
    wire = cyton_wire(seed)
    names = ("drop", "corrupt", "cut", "garbage")
    specs = [f"{name}:p={value}" for name, value in zip(names, p, strict=True)]
    specs += [f"stall:seconds={stall}", f"drop:count={run_length}", "split"]
    data = run(wire, 1000, specs, chunk)
    counts = wire.tally.total
    assert counts.sent == 1000
    assert intact(data, clean(1000)) == counts.sent - counts.dropped - counts.corrupted


def test_the_same_seed_gives_the_same_faults():
    """Faults are reproducible, another seed gives others."""
    specs = ["drop:p=0.05", "corrupt:p=0.05", "garbage:p=0.05"]
    first, again, other = (run(cyton_wire(seed), 500, specs) for seed in (7, 7, 8))
    assert first == again != other


def test_a_stall_loses_the_samples_of_its_time():
    """Half a second of HackEEG: 8000 conversions, number contiguous, micros 0.5 s later."""
    wire = hackeeg_wire()
    before = wire.transfer(100)
    wire.set(parse_fault("stall:seconds=0.5"))
    during = wire.transfer(4000)
    assert wire.stalled
    after = wire.transfer(4100)
    assert not wire.stalled
    assert during == b""
    assert wire.tally.total.dropped == 8000
    words = [np.frombuffer(data, np.uint8).reshape(-1, 44) for data in (before, after)]
    number = [int.from_bytes(row.tobytes()[13:17], "little") for row in (words[0][-1], words[1][0])]
    micros = [int.from_bytes(row.tobytes()[9:13], "little") for row in (words[0][-1], words[1][0])]
    assert number[1] == number[0] + 1
    assert micros[1] - micros[0] == pytest.approx(8001 * 62.5, abs=1)


def test_hackeeg_losses_are_all_told_by_micros():
    """Received plus what micros says is missing is sent, up to the last sample."""
    wire = hackeeg_wire(3)
    rows = np.frombuffer(run(wire, 16000, ["drop:p=0.1"]) + wire.transfer(1), np.uint8)
    rows = rows.reshape(-1, 44)
    micros = rows[:, 9:13].copy().view("<u4").ravel().astype(np.int64)
    lost = np.round(np.diff(micros) / 62.5).astype(int) - 1
    first = round(micros[0] / 62.5)
    assert first + len(rows) + lost.sum() == wire.tally.total.sent == 16001
    assert wire.tally.total.dropped == wire.tally.total.sent - len(rows)


def test_reboot_counts_from_new_and_forgets_held_bytes():
    """A boot resets the firmware and the counts since boot, not the totals."""
    wire = cyton_wire()
    wire.transfer(100)
    assert wire.reboot().endswith(b"$$$")
    assert wire.transfer(10) == b""
    assert wire.tally.total.sent == 100
    assert (wire.tally.since_boot.sent, wire.tally.since_boot.boots) == (0, 1)
    assert wire.tally.total.boots == 2


def test_gain_fault_is_silent():
    """A setting falls back without a word; clear does not put it right."""
    wire = cyton_wire()
    wire.set(parse_fault("gain:channel=1,code=0"))
    data = wire.transfer(1)
    assert len(data) == LENGTH
    assert data != clean(1)[0]


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ("earthquake", "expected a fault out of"),
        ("drop", "either p or count"),
        ("drop:p=0.1,count=3", "either p or count"),
        ("drop:p=2", "0 to 1"),
        ("drop:p=x", "key=number"),
        ("drop:p", "key=number"),
        ("corrupt", "takes p"),
        ("split:p=1", "takes nothing"),
        ("gain:channel=0,code=0", "1 to 16"),
        ("gain:channel=1.5,code=0", "whole number"),
        ("stall:seconds=-1", "0 to 86400"),
        ("stall:seconds=nan", "0 to 86400"),
    ],
)
def test_a_wrong_fault_is_refused_in_one_sentence(spec, part):
    """Name, keys and ranges are checked before anything happens."""
    with pytest.raises(ValueError, match=part) as error:
        parse_fault(spec)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")
