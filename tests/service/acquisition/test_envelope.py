"""Min/max columns: the same for any cut, complete or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.acquisition.envelope import MinMax

DATA = np.random.default_rng(2).normal(size=(2, 600))


def columns(blocks: list[tuple[int, np.ndarray]], decimation: int) -> dict[int, np.ndarray]:
    """first index of each column → (n_channels, 2) min and max."""
    envelope, found = MinMax(2, decimation), {}
    for start, data in blocks:
        for run in envelope.push(start, data):
            assert run.data.dtype == np.float32
            for i in range(run.count):
                found[run.first_index + i * decimation] = run.data[:, 2 * i : 2 * i + 2]
    return found


@settings(max_examples=150, deadline=None)
@given(
    decimation=st.integers(2, 70),
    start=st.integers(0, 100),
    cuts=st.lists(st.integers(0, 600), max_size=15),
    gaps=st.lists(st.integers(1, 90), min_size=16, max_size=16),
)
def test_every_whole_column_is_given_once_with_its_min_and_max(
    decimation: int, start: int, cuts: list[int], gaps: list[int]
) -> None:
    """Any start, any cut, with a gap after every third block: what a plain loop finds."""
    blocks, at, held = [], start, {}
    for k, part in enumerate(np.split(DATA, sorted(cuts), axis=1)):
        if part.shape[1] and k % 3 == 2:
            at += gaps[k]
        blocks.append((at, part))
        held.update({at + i: part[:, i] for i in range(part.shape[1])})
        at += part.shape[1]
    expected = {}
    for first in range(0, at, decimation):
        samples = [held.get(i) for i in range(first, first + decimation)]
        if all(sample is not None for sample in samples):
            stacked = np.stack(samples, axis=1).astype(np.float32)
            expected[first] = np.stack((stacked.min(axis=1), stacked.max(axis=1)), axis=1)
    found = columns(blocks, decimation)
    assert sorted(found) == sorted(expected)
    for first, wanted in expected.items():
        np.testing.assert_array_equal(found[first], wanted)


def test_a_gap_inside_a_column_leaves_the_column_out() -> None:
    """The picture never shows a gap narrower than it is."""
    found = columns([(0, DATA[:, :25]), (27, DATA[:, 27:60])], 10)
    assert sorted(found) == [0, 10, 30, 40, 50]


@pytest.mark.parametrize("decimation", [2, 32])
def test_a_reset_drops_the_column_under_way(decimation: int) -> None:
    """After a reset the next column starts from its own first sample."""
    envelope = MinMax(2, decimation)
    envelope.push(0, DATA[:, : decimation - 1])
    envelope.reset()
    assert envelope.push(decimation - 1, DATA[:, :1]) == []
    (run,) = envelope.push(decimation, DATA[:, :decimation])
    assert run.first_index == decimation
