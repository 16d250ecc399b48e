"""Quality: the level without mains, and what makes a channel unfit."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.quality import QualitySettings, QualityWatch, quality

from .real import RECORDINGS, emgdb
from .traces import interference

RATE = 2000.0


def test_level_is_right_with_and_without_mains():
    """20 µV of EMG reads 20 µV, also under 15 µV of mains, which is named."""
    rng = np.random.default_rng(1)
    trace = interference(rng, 60_000, RATE, 20.0)
    at_s = np.arange(trace.size) / RATE
    clean = quality(trace, RATE)
    humming = quality(trace + 15.0 * np.sqrt(2) * np.sin(2 * np.pi * 50.03 * at_s), RATE)
    assert clean.values["rms_uv"] == pytest.approx(20.0, rel=0.03)
    assert humming.values["rms_uv"] == pytest.approx(20.0, rel=0.05)
    assert clean.reasons == ()
    assert humming.reasons[0].startswith("mains")


def test_a_flat_lead_and_a_rail_are_named():
    """A dead channel and a clipped one say so."""
    assert quality(np.zeros(10_000), RATE).reasons[0].startswith("lead_off")
    clipped = np.clip(400.0 * np.random.default_rng(2).standard_normal(10_000), -500, 500)
    result = quality(clipped, RATE, settings=QualitySettings(rail_uv=500.0))
    assert any(reason.startswith("saturated") for reason in result.reasons)


def test_the_few_microvolts_of_mains_of_a_good_lead_are_no_fault():
    """2 µV of mains are most of a quiet second and spoil nothing; 15 µV do."""
    rng = np.random.default_rng(3)
    line = np.sqrt(2) * np.sin(2 * np.pi * 50.0 * np.arange(20_000) / RATE)
    rest = 1.5 * rng.standard_normal(20_000)
    good, bad = quality(rest + 2.0 * line, RATE), quality(rest + 15.0 * line, RATE)
    assert good.values["mains_share"] > 0.5
    assert good.reasons == ()
    assert bad.reasons[0].startswith("mains")


@pytest.mark.parametrize("line_hz", [49.8, 50.2, 59.8, 60.2])
def test_the_mains_may_drift_as_grids_do(line_hz):
    """Named at any frequency that a grid has, the harmonics with it."""
    rng = np.random.default_rng(5)
    at_s = np.arange(20_000) / RATE
    hum = sum(np.sqrt(2) * np.sin(2 * np.pi * n * line_hz * at_s) / n for n in (1, 3, 5))
    result = quality(3.0 * rng.standard_normal(at_s.size) + 15.0 * hum, RATE)
    assert result.reasons[0].startswith("mains")
    assert result.values["rms_uv"] == pytest.approx(3.0, rel=0.4)


@pytest.mark.parametrize("rate_hz", [2000.0, 250.0])
def test_a_contact_that_comes_and_goes_is_named(rate_hz):
    """0.2 s without any signal in a live second: that second shows nothing."""
    live = 5.0 * np.random.default_rng(6).standard_normal((1, round(3 * rate_hz)))
    live[0, round(1.33 * rate_hz) : round(1.53 * rate_hz)] = 7.0
    seconds = QualityWatch(1, rate_hz).push(live)
    assert [bool(second.flat[0]) for second in seconds] == [False, True, False]


@pytest.mark.parametrize("rate_hz", [2000.0, 250.0])
def test_muscle_beside_the_lines_is_not_taken_for_mains(rate_hz):
    """Strong EMG has power at 50 and 60 Hz too: no second of 200 is said to hum."""
    trace = interference(np.random.default_rng(4), round(200 * rate_hz), rate_hz, 100.0)
    watch = QualityWatch(1, rate_hz)
    seconds = watch.push(trace[None, :])
    assert len(seconds) == 200
    assert not any(second.humming[0] for second in seconds)


def test_less_than_a_second_is_not_assessable():
    """No number from half a second; two channels are an error."""
    assert quality(np.ones(100), RATE).state == "not_assessable"
    with pytest.raises(ValueError, match="one channel"):
        quality(np.ones((2, 5000)), RATE)


@pytest.mark.skipif(RECORDINGS is None, reason="the real recordings are not on this machine")
@pytest.mark.parametrize("name", ["emg_healthy", "emg_neuropathy", "emg_myopathy"])
def test_real_needle_recordings_are_fit(name):
    """Whole seconds are counted and no mains is claimed where there is none."""
    trace, rate_hz = emgdb(name)
    result = quality(trace, rate_hz)
    assert result.values["window_count"] == trace.size // rate_hz
    assert not [reason for reason in result.reasons if reason.startswith("lead_off")]
    assert result.values["rms_uv"] > 10
