"""However a stream is cut into blocks, the measures see the same."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis.clonus import Envelope
from service.analysis.coherence import CoherenceWatch
from service.analysis.fasciculation import FasciculationWatch
from service.analysis.quality import QualityWatch
from service.analysis.streaming import Decimator, Windows, band_pass

from .traces import interference, potential

CUTS = st.lists(st.integers(1, 1999), max_size=12)


def blocks(data, cuts):
    """The same samples in pieces."""
    edges = sorted({0, data.shape[1], *(cut * data.shape[1] // 2000 for cut in cuts)})
    return [data[:, a:b] for a, b in pairwise(edges)]


def signal(channels=2, seconds=6.0, rate_hz=2000.0, seed=1):
    """Interference of several channels with a few large potentials in it."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    data = np.stack([interference(rng, count, rate_hz, 4.0) for _ in range(channels)])
    wave = potential(rate_hz, 300.0)
    for at in rng.integers(0, count - wave.size, 9):
        data[0, at : at + wave.size] += wave
    return data


@given(CUTS)
@settings(max_examples=20, deadline=None)
def test_decimated_samples_do_not_depend_on_blocks(cuts):
    """Bit for bit, also where blocks are shorter than the factor."""
    data = signal(rate_hz=16_000.0, seconds=0.5)
    whole = Decimator(16_000.0).push(data)
    make = Decimator(16_000.0)
    parts = [make.push(block) for block in blocks(data, cuts)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_decimation_keeps_the_band_and_stops_what_aliases():
    """100 and 450 Hz pass within 1 %; 1800 Hz, which would fall on 200 Hz, is 60 dB down."""
    at_s = np.arange(16_000) / 16_000
    for hz, least, most in ((100.0, 0.99, 1.01), (450.0, 0.99, 1.01), (1800.0, 0.0, 0.001)):
        out = Decimator(16_000.0).push(np.sin(2 * np.pi * hz * at_s)[None, :])
        assert least <= np.sqrt(2) * out[0, 500:].std() <= most


def test_slow_devices_are_not_decimated():
    """At 250 Hz samples pass untouched."""
    data = signal(rate_hz=250.0)
    make = Decimator(250.0)
    assert make.rate_hz == 250.0
    assert np.array_equal(make.push(data), data)


@given(CUTS)
@settings(max_examples=15, deadline=None)
def test_every_measure_gives_the_same_bits(cuts):
    """Envelope, coherence, fasciculations and quality, in one piece and in many."""
    data = signal()

    def run(parts):
        envelope, pair = Envelope(2000.0), CoherenceWatch(2000.0)
        twitches, level = FasciculationWatch(2, 2000.0), QualityWatch(2, 2000.0)
        shape, seconds = [], []
        for part in parts:
            shape.append(envelope.push(part))
            pair.push(part)
            twitches.push(part)
            seconds += [second.rms_uv for second in level.push(part)]
        return (
            np.concatenate(shape, axis=1).tobytes(),
            pair.result().values,
            [twitches.result(row) for row in range(2)],
            np.array(seconds).tobytes(),
        )

    assert run(blocks(data, cuts)) == run([data])


def test_windows_repeat_what_they_keep():
    """Each window begins with the end of the one before; a reset drops the one under way."""
    make = Windows(1, 4, keep=2)
    count = np.arange(1, 13, dtype=float)[None, :]
    out = make.push(count[:, :5]) + make.push(count[:, 5:])
    assert [w[0].tolist() for w in out] == [
        [0, 0, 1, 2, 3, 4],
        [3, 4, 5, 6, 7, 8],
        [7, 8, 9, 10, 11, 12],
    ]
    make.push(count[:, :3])
    make.reset()
    assert make.push(count[:, :4])[0][0].tolist() == [0, 0, 1, 2, 3, 4]


def test_a_band_that_does_not_fit_is_refused():
    """The message names band and rate."""
    with pytest.raises(ValueError, match=r"70-200 Hz does not fit a rate of 100 Hz"):
        band_pass(70.0, 200.0, 100.0)
