"""Coherence: scipy's numbers, its own null, and what it refuses to say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from service.analysis.coherence import CoherenceSettings, CoherenceWatch, CrossSpectra, coherence

from .traces import interference

RATE = 1000.0


def driven(rng, seconds, share, rate_hz=RATE):
    """Two contractions whose strength follows a common 15-30 Hz drive in part (`share`)."""
    count = round(seconds * rate_hz)
    hz = np.fft.rfftfreq(count, 1 / rate_hz)

    def drive():
        spectrum = rng.standard_normal(hz.size) + 1j * rng.standard_normal(hz.size)
        spectrum[(hz < 15) | (hz > 30)] = 0
        wave = np.fft.irfft(spectrum, count)
        return wave / wave.std()

    common = drive()
    out = []
    for _ in range(2):
        own = np.sqrt(share) * common + np.sqrt(1 - share) * drive()
        out.append(interference(rng, count, rate_hz, 50.0) * np.maximum(1 + 0.3 * own, 0.0))
    return np.stack(out)


def test_equals_scipy_over_the_same_windows():
    """All pairs at once, window by window: scipy.signal.coherence in one go, to 1e-12."""
    rng = np.random.default_rng(1)
    length, count = 800, 60
    data = 10.0 * rng.standard_normal((5, length * count))
    data[1] += 0.4 * data[0]
    pairs = [(i, j) for i in range(5) for j in range(i)]
    sums = CrossSpectra(pairs, length, 5)
    for first in range(0, data.shape[1], length):
        sums.add(sums.spectra(data[:, first : first + length]))
    ours = sums.coherence()
    for row, (i, j) in enumerate(pairs):
        _, theirs = signal.coherence(
            data[i], data[j], fs=RATE, window="hann", nperseg=length, noverlap=0
        )
        assert np.max(np.abs(ours[row] - theirs)) < 1e-12


def test_a_common_drive_is_found():
    """200 windows of a common beta drive stand above the null."""
    result = coherence(driven(np.random.default_rng(2), 161.0, 0.8), RATE)
    assert result.values["window_count"] >= 200
    assert result.values["band_mean_coherence"] > 2 * result.values["null_95th_coherence"]
    assert result.values["p_value"] < 0.01
    assert result.values["zero_lag_coherence"] < 0.02


def test_without_a_drive_one_in_twenty_is_above_the_null():
    """60 records of independent contractions: the rate of false findings is near 5 %."""
    found = 0
    for seed in range(60):
        rng = np.random.default_rng(100 + seed)
        data = np.stack([interference(rng, 25_000, 500.0, 20.0) for _ in range(2)])
        values = coherence(
            data, 500.0, settings=CoherenceSettings(null_count=400, low_pass_hz=200.0)
        ).values
        found += values["band_mean_coherence"] > values["null_95th_coherence"]
    assert found <= 8


def test_the_null_is_that_of_its_window_count():
    """For 60 windows of independent noise the 95th centile of the band mean is near 0.026."""
    rng = np.random.default_rng(3)
    data = np.stack([interference(rng, 48_600, RATE, 20.0) for _ in range(2)])
    values = coherence(data, RATE).values
    assert values["window_count"] == 60
    assert values["null_95th_coherence"] == pytest.approx(0.026, abs=0.004)


def test_cross_talk_shows_as_coherence_at_lag_zero():
    """The same muscle in both channels is seen above the beta band, in phase."""
    rng = np.random.default_rng(4)
    data = np.stack([interference(rng, 60_000, RATE, 20.0) for _ in range(2)])
    data[1] += 0.8 * data[0]
    assert coherence(data, RATE).values["zero_lag_coherence"] > 0.1


def test_mains_in_both_channels_is_not_coherence():
    """50 Hz on both leads leaves band mean and cross-talk guard alone."""
    rng = np.random.default_rng(5)
    data = np.stack([interference(rng, 60_000, RATE, 20.0) for _ in range(2)])
    data += 10.0 * np.sin(2 * np.pi * 50.0 * np.arange(60_000) / RATE)
    values = coherence(data, RATE).values
    assert values["zero_lag_coherence"] < 0.05
    assert values["p_value"] > 0.01


def test_unsteady_windows_are_left_out_and_counted():
    """A pause in the contraction is not part of the estimate."""
    data = driven(np.random.default_rng(6), 40.0, 0.5)
    data[:, 20_000:24_000] *= 0.05
    values = coherence(data, RATE).values
    assert 4 <= values["rejected_window_count"] <= 8
    assert values["window_count"] + values["rejected_window_count"] == 49


def test_no_window_reaches_across_a_reset():
    """A gap drops the window under way and what the filter needs to settle."""
    data = driven(np.random.default_rng(7), 10.0, 0.5)
    watch = CoherenceWatch(RATE)
    watch.push(data[:, :1500])
    assert watch.window_count == 1
    watch.reset()
    watch.push(data[:, 1500:2499])
    assert watch.window_count == 1
    watch.push(data[:, 2499:2500])
    assert watch.window_count == 2


def test_too_little_is_not_assessable():
    """One window has a coherence of one with anything: no number is given."""
    result = coherence(driven(np.random.default_rng(8), 1.5, 0.5), RATE)
    assert result.state == "not_assessable"
    assert "band_mean_coherence" not in result.values
    with pytest.raises(ValueError, match=r"\(2, n_samples\)"):
        coherence(np.zeros((3, 100)), RATE)
