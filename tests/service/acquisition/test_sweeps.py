"""Sweeps: time zero from the edge, joined to the right stimulus, never wrong in silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drivers.types import Trigger
from service.acquisition.ring import Ring
from service.acquisition.sweeps import SweepCutter

from .synthetic import GAIN, OFFSET, edge, stimulus, stream

DATA = np.random.default_rng(5).integers(-1000, 1000, (3, 5000)).astype(np.int32)


def cutter(held: int = 5000, gap: tuple[int, int] | None = None) -> SweepCutter:
    """A cutter over a ring that holds DATA up to `held`, without the samples of `gap`."""
    info = stream()
    ring = Ring(3, 1000.0, 10.0)
    if gap is None:
        ring.append(1, 0, DATA[:, :held])
    else:
        ring.append(1, 0, DATA[:, : gap[0]])
        ring.append(1, gap[1], DATA[:, gap[1] : held])
    return SweepCutter(info, ring, pre_s=0.02, post_s=0.1, device="d", recording="r")


def test_time_zero_is_the_edge_plus_the_front_ends_delay() -> None:
    """Column zero_index is where an analogue response to the edge begins, fractions included."""
    cut = cutter()
    cut.expect(stimulus("s", 1.0))
    cut.trigger(edge(1000.25), 1.0)
    (sweep,) = cut.ready(1.2)
    assert sweep.start_index == 980
    assert sweep.zero_index == pytest.approx(20.25 + 1.5)
    assert sweep.samples_uv.shape == (2, 120)
    np.testing.assert_array_equal(sweep.samples_uv, (DATA[:2, 980:1100] - OFFSET) * GAIN)
    assert (sweep.channels, sweep.gap, sweep.time_zero_known) == (("emg 0", "emg 1"), False, True)
    assert sweep.stimulus is not None
    assert sweep.stimulus.seen == sweep.trigger == edge(1000.25)


def test_a_sweep_comes_when_its_last_sample_is_there() -> None:
    """Not one sample earlier."""
    cut = cutter(held=1099)
    cut.expect(stimulus("s", 1.0))
    cut.trigger(edge(1000.5), 1.0)
    assert cut.ready(1.099) == []
    cut.ring.append(1, 1099, DATA[:, 1099:1100])
    assert len(cut.ready(1.1)) == 1
    assert cut.ready(1.2) == []


def test_a_gap_inside_is_marked_and_its_samples_are_missing() -> None:
    """Shown as far as it came, NaN where nothing came."""
    cut = cutter(gap=(1010, 1015))
    cut.trigger(edge(1000.5), 1.0)
    (sweep,) = cut.ready(2.0)
    assert sweep.gap
    missing = np.isnan(sweep.samples_uv).all(axis=0)
    assert np.flatnonzero(missing).tolist() == [30, 31, 32, 33, 34]


def test_an_edge_at_the_start_of_the_epoch_lacks_what_came_before() -> None:
    """Samples before index 0 never were."""
    cut = cutter()
    cut.trigger(edge(4.5), 0.0)
    (sweep,) = cut.ready(1.0)
    assert (sweep.start_index, sweep.gap) == (-16, True)
    assert np.isnan(sweep.samples_uv[:, :16]).all()


def test_an_edge_without_a_stimulus_waits_for_word_and_then_stands_alone() -> None:
    """A quarter of a second, since the stimulator's answer may come after the edge."""
    cut = cutter()
    cut.trigger(edge(1000.5), 1.0)
    assert cut.ready(1.24) == []
    (sweep,) = cut.ready(1.26)
    assert sweep.stimulus is None


def test_word_of_the_stimulus_may_come_after_the_edge() -> None:
    """And releases the sweep at once."""
    cut = cutter()
    cut.trigger(edge(1000.5), 1.0)
    assert cut.ready(1.15) == []
    cut.expect(stimulus("s", 0.99))
    (sweep,) = cut.ready(1.16)
    assert sweep.stimulus is not None
    assert sweep.stimulus.id == "s"


def test_a_train_is_joined_one_to_one_in_order() -> None:
    """Ten pulses at 5 Hz, the host's clock 40 ms late, one edge lost: nobody takes another's."""
    cut = cutter()
    for k in range(10):
        cut.expect(stimulus(f"s{k}", 0.5 + 0.2 * k))
    for k in (0, 1, 2, 4, 5, 6, 7, 8, 9):
        cut.trigger(edge(500.5 + 200 * k), 0.54 + 0.2 * k)
    sweeps = cut.ready(4.0)
    joined = {round(s.trigger.sample_index): s.stimulus.id for s in sweeps}
    assert joined == {500 + 200 * k: f"s{k}" for k in (0, 1, 2, 4, 5, 6, 7, 8, 9)}
    assert [s.id for s in cut.unseen(4.0)] == ["s3"]
    assert cut.unseen(5.0) == []


def test_a_stimulus_half_a_second_away_is_not_meant() -> None:
    """Outside the window both are told apart: an edge alone, and a stimulus without an edge."""
    cut = cutter()
    cut.expect(stimulus("s", 1.6))
    cut.trigger(edge(1000.5), 1.0)
    (sweep,) = cut.ready(2.0)
    assert sweep.stimulus is None
    assert cut.unseen(2.3) == []
    assert [s.id for s in cut.unseen(2.4)] == ["s"]


def test_a_refused_stimulus_is_withdrawn() -> None:
    """The same id with no `sent_s`: nothing is expected any more."""
    cut = cutter()
    cut.expect(stimulus("s", 1.0))
    cut.expect(stimulus("s", None))
    cut.trigger(edge(1000.5), 1.0)
    (sweep,) = cut.ready(2.0)
    assert sweep.stimulus is None
    assert cut.unseen(9.0) == []


def test_a_stimulus_told_twice_is_claimed_once() -> None:
    """A correction after the sweep has its stimulus does not wait for another edge."""
    cut = cutter(held=1050)
    cut.expect(stimulus("s", 1.0))
    cut.trigger(edge(1000.5), 1.0)
    assert cut.ready(1.05) == []
    cut.expect(stimulus("s", 1.01))
    cut.ring.append(1, 1050, DATA[:, 1050:1200])
    assert len(cut.ready(1.2)) == 1
    cut.expect(stimulus("s", 1.01))
    assert cut.unseen(9.0) == []


@pytest.mark.parametrize(
    "other", [edge(1000.5, line="footswitch"), replace(edge(1000.5), edge="fall")]
)
def test_other_lines_and_falling_edges_make_no_sweep(other: Trigger) -> None:
    """Only the rising edge of the stimulator's line is time zero."""
    cut = cutter()
    cut.trigger(other, 1.0)
    assert cut.ready(9.0) == []


def test_what_is_under_way_at_the_end_of_an_epoch_is_given_as_far_as_it_came() -> None:
    """With its stimulus, and marked."""
    cut = cutter(held=1040)
    cut.expect(stimulus("s", 1.2))
    cut.trigger(edge(1000.5), 1.0)
    (sweep,) = cut.close(1.04)
    assert sweep.gap
    assert sweep.stimulus is not None
    assert cut.ready(9.0) == []


def test_a_sweep_is_as_long_as_was_asked_for_when_its_edge_came() -> None:
    """A length asked for later concerns the edges to come; none is shorter than 100 ms or
    longer than a second."""
    cut = cutter()
    cut.reach(0.25)
    cut.trigger(edge(500.5), 0.5)
    cut.reach(0.01)
    cut.trigger(edge(1000.5), 1.0)
    cut.reach(60.0)
    cut.trigger(edge(2000.5), 2.0)
    assert [one.samples_uv.shape[1] for one in cut.ready(4.0)] == [270, 120, 1020]


def test_the_next_stimulus_ends_a_long_sweep_and_never_one_of_100_ms() -> None:
    """What follows a second stimulus is not the response to the first; a bounce ends nothing."""
    cut = cutter()
    cut.reach(0.25)
    for at in (1000.5, 1180.5, 2000.5, 2002.5):
        cut.trigger(edge(at), at / 1000.0)
    sweeps = cut.ready(4.0)
    assert [one.samples_uv.shape[1] for one in sweeps] == [200, 270, 120, 270]
    assert not any(one.gap for one in sweeps)
    first = sweeps[0]
    assert first.start_index + first.samples_uv.shape[1] <= 1180


def test_sweeps_late_in_a_long_recording_have_ids_of_their_own() -> None:
    """Two stimuli 150 ms apart, after hours."""
    cut = cutter()
    for at in (1_000_000_000.5, 1_000_000_150.5):
        cut.trigger(edge(at), at / 1000.0)
    assert len({one.id for one in cut.close(0.0)}) == 2
