"""The whole way: record first, gaps told, and nothing that depends on how the blocks were cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.types import LinkState, SampleBlock
from service.acquisition.filters import StreamFilter, design
from service.acquisition.pipeline import Pipeline
from service.acquisition.ring import GapInside, NotYet, Overrun
from service.acquisition.streams import BlockRefused
from service.acquisition.types import DeviceState, GapNotice, LiveFrame

from .synthetic import GAIN, OFFSET, Told, block, edge, epoch, split, stimulus, stream

RNG = np.random.default_rng(11)
EMG = ("emg 0", "emg 1")


def counts(n: int, channels: int = 3) -> np.ndarray:
    """Random counts; the last row is a digital line."""
    data = RNG.integers(-5000, 5000, (channels, n)).astype(np.int32)
    data[-1] = data[-1] > 0
    return data


def stalled() -> DeviceState:
    """A state that is not live."""
    return DeviceState("d", LinkState.STALLED, "", None, 0, 0, 0, None, 0.0, 1)


def started(**info: float) -> tuple[Pipeline, Told]:
    """A pipeline with epoch 1 open."""
    told = Told()
    pipeline = Pipeline("d", outlets=told, recording="r")
    pipeline.open(epoch(1, info=stream(**info)))
    return pipeline, told


# Two epochs, gaps of several sizes, stimuli near a gap and near the end.
WHOLE = [
    block(counts(700), 0, triggers=(edge(200.5), edge(640.5))),
    block(counts(301), 705),
    block(counts(900), 1400, triggers=(edge(1700.5), edge(1800.5), edge(2290.5))),
    block(counts(500), 0, number=2, received_s=3.5, triggers=(edge(100.5, number=2),)),
]


def run(blocks: list[SampleBlock]) -> Told:
    """Everything told about those blocks, with four views and four stimuli."""
    pipeline, told = started()
    pipeline.subscribe("main", EMG, "surface", 50.0)
    pipeline.subscribe("main", EMG, "raw", 0.0)
    pipeline.subscribe("main", ("line",), "raw", 100.0)
    pipeline.subscribe("main", ("emg 1",), "envelope", 7.0)
    for name, at in (("a", 0.21), ("b", 1.71), ("c", 1.79), ("never", 1.18)):
        pipeline.expect(stimulus(name, at))
    for one in blocks:
        if one.epoch != told.epochs[-1].number:
            pipeline.open(epoch(one.epoch, cause="reconnect"))
        pipeline.accept(one)
    pipeline.state(stalled())
    pipeline.open(epoch(9))
    return told


ONCE = run(WHOLE)


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.lists(st.integers(1, 130), max_size=20), min_size=4, max_size=4))
def test_frames_and_sweeps_do_not_depend_on_the_blocks(sizes: list[list[int]]) -> None:
    """Any cut of the same samples: the same frames, sweeps, joins and gaps, bit for bit."""
    cut = run([part for one, n in zip(WHOLE, sizes, strict=True) for part in split(one, n)])
    assert cut.gaps == ONCE.gaps == [(1, 700, 5), (1, 1006, 394)]
    for view in range(1, 5):
        mine = [f for f in cut.frames if f.view == view]
        theirs = [f for f in ONCE.frames if f.view == view]
        assert [(f.epoch, f.first_index, f.count, f.kind) for f in mine] == [
            (f.epoch, f.first_index, f.count, f.kind) for f in theirs
        ]
        for a, b in zip(mine, theirs, strict=True):
            assert np.array_equal(a.data, b.data)
    assert [(s.id, s.gap, s.zero_index, s.stimulus and s.stimulus.id) for s in cut.sweeps] == [
        (s.id, s.gap, s.zero_index, s.stimulus and s.stimulus.id) for s in ONCE.sweeps
    ]
    for a, b in zip(cut.sweeps, ONCE.sweeps, strict=True):
        assert np.array_equal(a.samples_uv, b.samples_uv, equal_nan=True)
    assert [s.id for s in cut.missed] == ["never"]


def test_sweeps_carry_their_stimulus_and_their_gaps() -> None:
    """The edges of the story above: joined, alone, with a gap, and cut short by the epoch's end."""
    story = [(s.trigger.sample_index, s.stimulus and s.stimulus.id, s.gap) for s in ONCE.sweeps]
    assert story == [
        (200.5, "a", False),
        (640.5, None, True),
        (1700.5, "b", False),
        (1800.5, "c", False),
        (2290.5, None, True),
        (100.5, None, False),
    ]


def test_the_record_gets_the_block_before_anything_else_and_untouched() -> None:
    """Record, then the rest; the very block, and every one."""
    pipeline, told = started()
    pipeline.subscribe("main", EMG, "raw", 0.0)
    given_blocks = [block(counts(40), 10, triggers=(edge(20.5),)), block(counts(200), 50)]
    for one in given_blocks:
        pipeline.accept(one)
    assert told.order[:5] == ["epoch", "block", "gap", "signal", "frame"]
    assert all(a is b for a, b in zip(told.blocks, given_blocks, strict=True))


def test_the_signal_is_in_microvolts_by_each_channels_own_scale() -> None:
    """(count - offset) * per_count, emg channels only, not to be written to."""
    pipeline, told = started()
    data = counts(30)
    pipeline.accept(block(data, 0))
    (signal,) = told.signals
    np.testing.assert_array_equal(signal.data_uv, (data[:2] - OFFSET) * GAIN)
    assert signal.channels == EMG
    assert not signal.data_uv.flags.writeable


def test_a_stream_in_millivolts_gives_microvolts() -> None:
    """The channel's unit counts, too; float64 sources pass through the same way."""
    info = stream()
    channels = tuple(
        replace(c, unit="mV", per_count=1.0, offset=0.0) if c.kind == "emg" else c
        for c in info.channels
    )
    told = Told()
    pipeline = Pipeline("d", outlets=told)
    pipeline.open(epoch(1, info=replace(info, dtype="float64", channels=channels)))
    pipeline.accept(block(np.full((3, 10), 0.125), 0))
    assert (told.signals[0].data_uv == 125.0).all()


def test_a_stimulus_without_an_edge_is_told_also_when_the_epoch_ends() -> None:
    """Nothing that was sent is forgotten in silence."""
    pipeline, told = started()
    pipeline.accept(block(counts(100), 0))
    pipeline.expect(stimulus("s", 0.1))
    pipeline.open(epoch(2, cause="unplugged"))
    assert [s.id for s in told.missed] == ["s"]


def test_a_view_shows_the_filtered_signal() -> None:
    """Frames joined are the filter's output over the whole signal."""
    pipeline, told = started()
    view = pipeline.subscribe("main", ("emg 1",), "surface", 0.0)
    data = counts(1000)
    for i in range(0, 1000, 50):
        pipeline.accept(block(data[:, i : i + 50], i))
    shown = np.concatenate([f.data for f in told.frames], axis=1)
    sos = design("surface", 1000.0)
    wanted = StreamFilter(sos, 1).push((data[1:2] - OFFSET) * GAIN)
    np.testing.assert_array_equal(shown, wanted.astype(np.float32))
    assert view.settling_samples > 0


def test_a_gap_starts_the_filter_anew() -> None:
    """After a jump the output is that of a new filter; nothing is drawn across."""
    pipeline, told = started()
    pipeline.subscribe("main", EMG, "surface", 0.0)
    first, second = counts(95), counts(100)
    pipeline.accept(block(first, 0))
    pipeline.accept(block(second, 130))
    pipeline.state(stalled())
    assert [(f.first_index, f.count) for f in told.frames] == [
        *((i, 20) for i in (0, 20, 40, 60)),
        (80, 15),
        (130, 10),
        *((i, 20) for i in (140, 160, 180, 200)),
        (220, 10),
    ]
    after = np.concatenate([f.data for f in told.frames if f.first_index >= 130], axis=1)
    wanted = StreamFilter(design("surface", 1000.0), 2).push((second[:2] - OFFSET) * GAIN)
    np.testing.assert_array_equal(after, wanted.astype(np.float32))


def test_a_view_sends_at_most_50_frames_a_second() -> None:
    """However small the blocks, and whatever the columns."""
    pipeline, told = started(rate_hz=16_000.0)
    pipeline.subscribe("main", EMG, "surface", 500.0)
    pipeline.subscribe("main", EMG, "raw", 0.0)
    for i in range(0, 16_000, 64):
        pipeline.accept(block(counts(64), i, rate_hz=16_000.0))
    for view in (1, 2):
        assert len([f for f in told.frames if f.view == view]) == 50


def test_one_view_for_all_who_ask_for_the_same() -> None:
    """Shared while one looks; gone with the last."""
    pipeline, told = started()
    view = pipeline.subscribe("main", EMG, "raw", 0.0)
    assert pipeline.subscribe("main", EMG, "raw", 0.0) is view
    assert pipeline.subscribe("main", EMG, "raw", 50.0) is not view
    pipeline.unsubscribe(view.number)
    pipeline.accept(block(counts(20), 0))
    assert [f.view for f in told.frames] == [view.number, view.number + 1]
    pipeline.unsubscribe(view.number)
    pipeline.unsubscribe(view.number)
    pipeline.accept(block(counts(20), 20))
    assert [f.view for f in told.frames][2:] == [view.number + 1]
    with pytest.raises(ValueError, match="there is no view 1 of d any more"):
        pipeline.history(view.number, 1, 0)


def test_columns_asked_for_above_the_rate_are_samples() -> None:
    """A 250 Hz device has no 500 columns a second to give."""
    pipeline, told = started(rate_hz=250.0)
    view = pipeline.subscribe("main", EMG, "surface", 500.0)
    pipeline.accept(block(counts(5), 0, rate_hz=250.0))
    assert view.decimation == 1
    assert [(f.kind, f.count) for f in told.frames] == [(1, 5)]


def test_what_cannot_be_shown_is_refused_in_a_sentence() -> None:
    """Unknown stream, channel, preset; a band the rate does not have."""
    pipeline, _ = started(rate_hz=30.0)
    for asked, sentence in (
        (("other", EMG, "raw"), "d has no stream other; it has main"),
        (("main", ("emg 7",), "raw"), "stream main has no channel emg 7"),
        (("main", EMG, "loud"), "no filter preset is called loud"),
        (("main", EMG, "surface"), "starts at 20 Hz"),
    ):
        with pytest.raises(ValueError, match=sentence):
            pipeline.subscribe(*asked, 0.0)
    assert pipeline.subscribe("main", EMG, "raw", 0.0).number == 1
    with pytest.raises(ValueError, match="has no stream main; it has none yet"):
        Pipeline("d", outlets=Told()).subscribe("main", EMG, "raw", 0.0)


def test_blocks_that_fit_nowhere_are_refused_and_leave_no_trace() -> None:
    """Before any epoch, of another epoch or stream, twice, or with other channels."""
    told = Told()
    pipeline = Pipeline("d", outlets=told)
    with pytest.raises(BlockRefused, match="the open epoch is None with no stream"):
        pipeline.accept(block(counts(10), 0))
    pipeline.open(epoch(3))
    pipeline.accept(block(counts(10), 0, number=3))
    for bad, sentence in (
        (block(counts(10), 10, number=2), "epoch 2, but the open epoch is 3"),
        (replace(block(counts(10), 10, number=3), stream="aux"), "a block of stream aux"),
        (block(counts(10), 5, number=3), "got sample 5 of stream main, but 10 or a later one"),
        (block(counts(10, channels=2), 10, number=3), "which has 3 channels"),
    ):
        with pytest.raises(BlockRefused, match=sentence):
            pipeline.accept(bad)
    with pytest.raises(BlockRefused, match="expected an epoch after 3 from d, got 3"):
        pipeline.open(epoch(3))
    assert len(told.blocks) == 1
    assert told.gaps == []


@pytest.mark.parametrize("columns_per_s", [0.0, 50.0])
def test_history_goes_on_seamlessly_into_the_live_frames(columns_per_s: float) -> None:
    """From any place in the ring: what was shown, to 1e-6, holes told, up to the newest frame."""
    pipeline, told = started()
    view = pipeline.subscribe("main", EMG, "surface", columns_per_s)
    pipeline.accept(block(counts(4000), 0))
    pipeline.accept(block(counts(4005), 4100))
    live = {f.first_index: f for f in told.frames}
    since = 2000
    history = pipeline.history(view.number, 1, since)
    assert [h for h in history if isinstance(h, GapNotice)] == [
        GapNotice("d", "main", 1, 4000, 100, pytest.approx(4.0), "gap")
    ]
    frames = [h for h in history if isinstance(h, LiveFrame)]
    assert frames[0].first_index == since
    assert frames[-1].end_index == max(f.end_index for f in live.values()) == 8100
    shown = np.concatenate([f.data for f in frames], axis=1)
    wanted = np.concatenate([f.data for first, f in sorted(live.items()) if first >= since], axis=1)
    np.testing.assert_allclose(shown, wanted, atol=0.01)


def test_history_over_epochs_and_beyond_the_ring() -> None:
    """An older epoch first, then this one; what is no longer held is told as too old."""
    pipeline, _ = started()
    view = pipeline.subscribe("main", EMG, "raw", 0.0)
    pipeline.accept(block(counts(500), 0))
    pipeline.open(epoch(2, cause="reconnect"))
    pipeline.accept(block(counts(300), 0, number=2))
    frames = pipeline.history(view.number, 1, 440)
    assert [(f.epoch, f.first_index, f.count) for f in frames] == [(1, 440, 60), (2, 0, 300)]
    for i in range(70):
        pipeline.accept(block(counts(1000), 300 + 1000 * i, number=2))
    first, *rest = pipeline.history(view.number, 1, 440)
    assert (first.cause, first.epoch, first.first_missing, first.count) == ("too_old", 1, 440, 0)
    hole, frame, *_ = rest
    assert (hole.cause, hole.epoch, hole.first_missing) == ("too_old", 2, 0)
    assert hole.first_missing + hole.count == frame.first_index > 0
    assert rest[-1].end_index == 70_300


def test_a_new_rate_changes_the_view_and_starts_a_new_ring() -> None:
    """The view follows its stream; the ring of the old rate is not mixed with the new."""
    pipeline, told = started()
    view = pipeline.subscribe("main", EMG, "surface", 100.0)
    pipeline.accept(block(counts(500), 0))
    pipeline.open(epoch(2, info=stream(2000.0)))
    pipeline.accept(block(counts(400), 0, number=2, rate_hz=2000.0))
    assert (view.rate_hz, view.decimation) == (2000.0, 20)
    newest = [f for f in told.frames if f.epoch == 2]
    assert [(f.count, f.decimation) for f in newest] == [(2, 20)] * 10
    assert pipeline.history(view.number, 1, 0)[0].cause == "too_old"


def test_a_view_that_lost_its_channel_is_silent_until_it_is_back() -> None:
    """Other channels, other epoch: no frames under the old name."""
    pipeline, told = started()
    pipeline.subscribe("main", ("emg 1",), "raw", 0.0)
    pipeline.open(epoch(2, info=stream(emg=1)))
    pipeline.accept(block(counts(40, channels=2), 0, number=2))
    assert told.frames == []
    pipeline.open(epoch(3))
    pipeline.accept(block(counts(40), 0, number=3))
    assert [f.epoch for f in told.frames] == [3, 3]


def test_samples_are_settled_and_say_why_when_they_cannot_be_had() -> None:
    """The filter has run in before the first sample asked for; the three reasons."""
    pipeline, told = started()
    pipeline.subscribe("main", ("emg 0",), "surface", 0.0)
    pipeline.accept(block(counts(5000), 0))
    pipeline.accept(block(counts(1000), 5100))
    live = np.concatenate([f.data[0] for f in told.frames if f.end_index <= 5000])
    got = pipeline.samples("main", "emg 0", "surface", epoch=1, first=3000, count=200)
    np.testing.assert_allclose(got, live[3000:3200], atol=0.01)
    with pytest.raises(GapInside):
        pipeline.samples("main", "emg 0", "raw", epoch=1, first=4990, count=200)
    with pytest.raises(NotYet):
        pipeline.samples("main", "emg 0", "raw", epoch=1, first=6000, count=200)
    for i in range(61):
        pipeline.accept(block(counts(1000), 6100 + 1000 * i))
    with pytest.raises(Overrun):
        pipeline.samples("main", "emg 0", "raw", epoch=1, first=3000, count=200)


def test_a_view_opened_late_is_settled_at_once() -> None:
    """Its first frames equal those of a view that ran from the start."""
    pipeline, told = started()
    pipeline.subscribe("main", EMG, "surface", 0.0)
    pipeline.accept(block(counts(6010), 0))
    pipeline.subscribe("main", EMG, "surface", 1000.0)  # decimation 1 as well
    pipeline.accept(block(counts(90), 6010))
    early = np.concatenate([f.data for f in told.frames if f.view == 1], axis=1)[:, 6010:6100]
    late = [f for f in told.frames if f.view == 2]
    assert late[0].first_index == 6010
    np.testing.assert_allclose(np.concatenate([f.data for f in late], axis=1), early, atol=0.01)
