"""What was recorded is read back equal, bit for bit and in order."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mcap.reader import make_reader

from drivers.types import LinkState, Pulse, SampleBlock, Stimulus
from service.recording.layout import RecordingError, decode_block, encode_block
from service.recording.messages import Gap
from service.recording.reader import (
    BlockReceived,
    EpochOpened,
    Header,
    SettingChanged,
    StateChanged,
    TriggerSeen,
    read_recording,
)
from service.recording.recorder import Recorder
from service.recording.structure import Ending
from service.recording.verify import verify

from . import making

BLOCK_DATA = st.one_of(
    hnp.arrays(np.int32, st.tuples(st.integers(1, 4), st.integers(0, 30))),
    hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(0, 30))),
)
TRIGGER = st.builds(making.trigger, st.floats(-1, 1e12), st.integers(0, 2**32 - 1))
SUSPECT = st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)), max_size=3)


BLOCK = st.builds(
    SampleBlock,
    stream=st.just("emg"),
    epoch=st.integers(0, 2**32 - 1),
    start_index=st.integers(0, 2**60),
    data=BLOCK_DATA,
    received_s=st.floats(allow_nan=False),
    triggers=st.lists(TRIGGER, max_size=3).map(tuple),
    rejected=st.integers(0, 2**32 - 1),
    suspect=SUSPECT.map(tuple),
)


@given(block=BLOCK)
@settings(max_examples=150, deadline=None)
def test_any_block_survives_its_encoding(block):
    """Every field of every possible block, NaN payloads included."""
    assert making.same(decode_block("emg", encode_block(block)), block)


STEP = st.tuples(st.sampled_from(["next", "gap", "epoch"]), st.integers(1, 40))


@given(steps=st.lists(STEP, min_size=1, max_size=25), seed=st.integers(0, 2**16))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_run_of_blocks_gaps_and_epochs_is_read_back_and_counted(tmp_path, steps, seed):
    """Lossless, in order, with samples, gaps and lost as a plain count says."""
    path = tmp_path / f"{seed}-{abs(hash(tuple(steps)))}.mcap"
    path.unlink(missing_ok=True)
    blocks, number, at, gaps, lost = [], 1, 0, 0, 0
    for i, (kind, n) in enumerate(steps):
        if kind == "epoch":
            number, at = number + 1, 0
        elif kind == "gap" and blocks and blocks[-1].epoch == number:
            gaps, lost, at = gaps + 1, lost + n, at + n
        blocks.append(making.block(at, n, epoch=number, seed=seed, at_s=2000.0 + i))
        at += n
    making.write(path, blocks, epochs=[making.epoch(e) for e in range(1, number + 1)])

    back = making.read_blocks(path)
    assert len(back) == len(blocks)
    assert all(making.same(a, b) for a, b in zip(back, blocks, strict=True))
    report = verify(path)
    assert (report.whole, report.gaps, report.lost) == (True, gaps, lost)
    assert report.samples == sum(b.data.shape[-1] for b in blocks)


def test_everything_told_stands_in_the_record_in_the_order_told(tmp_path):
    """Header, epoch, block, trigger, stimulus, setting, state, gap: equal and in order."""
    path = tmp_path / "a.mcap"
    opened, first = making.epoch(), making.block(0, triggers=(making.trigger(9.5),))
    stimulus = Stimulus(
        "s1", Pulse(22.5, 200.0), "ulnar", "wrist", "left", 1.0, 1.01, making.trigger(9.5)
    )
    recorder = Recorder(path, header={"patient": "Ä 1", "montage": ["left FDI"]})
    recorder.epoch("dev", opened)
    recorder.block("dev", first)
    recorder.trigger("dev", making.trigger(9.5), 1001.0)
    recorder.stimulus(stimulus)
    recorder.setting("task", "rest", 1002.0)
    recorder.state("dev", LinkState.STALLED, "no sample for 0.5 s", 1003.0)
    recorder.gap("dev", "emg", epoch=1, first_missing=160, count=40, at_s=1003.5)
    recorder.close()

    with read_recording(path) as recording:
        header, *events = recording.events()
        assert recording.header == header
    assert isinstance(header, Header)
    assert header.study == {"patient": "Ä 1", "montage": ["left FDI"]}
    block = events.pop(1)
    assert isinstance(block, BlockReceived)
    assert making.same(block.block, first)
    assert events == [
        EpochOpened("dev", opened),
        TriggerSeen("dev", making.trigger(9.5), 1001.0),
        stimulus,
        SettingChanged("task", "rest", 1002.0),
        StateChanged("dev", LinkState.STALLED, "no sample for 0.5 s", 1003.0),
        Gap("dev", "emg", 1, 160, 40, "device", 1003.5),
        Ending(True, 0),
    ]


def test_streams_of_several_rates_and_types_are_counted_apart(tmp_path):
    """A float64 stream beside an int32 stream; samples are summed over streams."""
    path = tmp_path / "a.mcap"
    info = making.device_info(
        making.stream_info(), making.stream_info("force", 100.0, 1, "float64")
    )
    force = SampleBlock("force", 1, 0, np.array([[math.pi, math.nan, -0.0]]), 1001.0)
    making.write(path, [making.block(0), force], epochs=[making.epoch(info=info)])
    report = verify(path)
    assert report.samples == 163
    assert [(s.name, s.samples, s.dtype) for s in report.devices[0].streams] == [
        ("emg", 160, "int32"),
        ("force", 3, "float64"),
    ]
    assert making.same(making.read_blocks(path)[1], force)


def test_the_mcap_librarys_own_reader_opens_the_record(tmp_path):
    """Other people's viewers see topics, scaling metadata and wall-clock times."""
    path = tmp_path / "a.mcap"
    making.write(path, [making.block(0)])
    with path.open("rb") as file:
        found = {
            c.topic: (c, m) for _, c, m in make_reader(file, validate_crcs=True).iter_messages()
        }
    channel, message = found["samples/dev/emg"]
    assert channel.metadata["channels"] == '["left M0", "left M1"]'
    assert struct.unpack_from("<IIQ", message.data) == (1, 1, 0)
    assert abs(message.log_time / 1e9 - making.UTC0.timestamp()) < 1e6


def test_a_record_is_never_overwritten(tmp_path):
    """The second recorder is refused in a sentence, and the first file is untouched."""
    path = tmp_path / "a.mcap"
    making.write(path, [making.block(0)])
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="never overwritten"):
        Recorder(path, header={})
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path):
    """A recording that cannot begin is not begun."""
    with pytest.raises(RecordingError, match="cannot be created"):
        Recorder(tmp_path / "missing" / "a.mcap", header={})


def test_one_message_that_cannot_be_written_is_said_and_ends_nothing(tmp_path):
    """A value JSON cannot hold: state failed with the reason, all other data kept."""
    path = tmp_path / "a.mcap"
    recorder = Recorder(path, header={})
    recorder.epoch("dev", making.epoch())
    recorder.setting("temperature", math.nan, 1.0)
    recorder.block("dev", making.block(0))
    status = recorder.close()
    assert (status.state, "could not be recorded" in status.sentence) == ("failed", True)
    assert len(making.read_blocks(path)) == 1
    assert verify(path).whole


def test_samples_before_their_epoch_are_refused_and_counted(tmp_path):
    """Counts without a meaning are not recorded, and that is said."""
    recorder = Recorder(tmp_path / "a.mcap", header={})
    recorder.block("dev", making.block(0))
    status = recorder.close()
    assert (status.state, status.lost_samples) == ("failed", 160)
    assert "before their epoch" in status.sentence
