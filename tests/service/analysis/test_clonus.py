"""Clonus: regular bursts of a passive muscle, and nothing that only looks like it."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.clonus import ClonusSettings, clonus

from .real import RECORDINGS, biosppy
from .traces import interference

PASSIVE = ClonusSettings(passive=True)


def bursts(times_s, *, rate_hz=1000.0, seconds=6.0, seed=1, size_uv=60.0, rest_uv=1.5):
    """Bursts of interference 40 ms wide at given times on a quiet baseline."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    at_s = np.arange(count) / rate_hz
    shape = sum(np.exp(-0.5 * ((at_s - time) / 0.02) ** 2) for time in times_s)
    return interference(rng, count, rate_hz, size_uv) * shape + rest_uv * rng.standard_normal(count)


@pytest.mark.parametrize(("rate_hz", "hertz"), [(1000.0, 6.0), (2000.0, 4.0), (250.0, 6.0)])
def test_twelve_regular_bursts_are_clonus(rate_hz, hertz):
    """Count and frequency are right, also at 250 Hz; ten bursts and more are sustained."""
    trace = bursts(1.0 + np.arange(12) / hertz, rate_hz=rate_hz)
    result = clonus(trace, rate_hz, settings=PASSIVE)
    assert result.state == "measured"
    assert abs(result.values["burst_count"] - 12) <= 1
    assert result.values["frequency_hz"] == pytest.approx(hertz, rel=0.04)
    assert result.values["sustained_count"] == 1
    assert len(result.items) == result.values["burst_count"]


def test_the_same_bursts_in_an_active_task_say_nothing():
    """Tremor and tapping look the same: without a passive task there is no answer."""
    trace = bursts(1.0 + np.arange(12) / 6.0)
    result = clonus(trace, 1000.0, settings=ClonusSettings())
    assert result.state == "not_assessable"
    assert result.reasons == ("the task is not passive",)


@pytest.mark.parametrize(
    "times_s",
    [
        1.0 + np.arange(4) / 6.0,
        np.sort(np.random.default_rng(5).uniform(0.5, 5.5, 14)),
        1.0 + np.arange(5) / 1.5,
    ],
    ids=["four bursts", "irregular", "too slow"],
)
def test_what_is_not_clonus(times_s):
    """Too few, irregular or too slow bursts are none, and the floor is told."""
    result = clonus(bursts(times_s), 1000.0, settings=PASSIVE)
    assert result.state == "absent"
    assert result.values["burst_count"] == 0
    assert result.values["detection_floor_uv"] > 0


def test_noise_and_steady_activity_are_not_clonus():
    """Twenty stretches of quiet and of steady contraction: none."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        level = 1.5 if seed % 2 else 40.0
        trace = interference(rng, 8000, 1000.0, level)
        assert clonus(trace, 1000.0, settings=PASSIVE).state == "absent"


def test_too_short_or_misshapen_is_refused():
    """Less than two seconds has no answer; two channels at once are an error."""
    assert clonus(np.zeros(1000), 1000.0, settings=PASSIVE).state == "not_assessable"
    with pytest.raises(ValueError, match="one channel"):
        clonus(np.zeros((2, 5000)), 1000.0)


@pytest.mark.skipif(RECORDINGS is None, reason="the real recordings are not on this machine")
def test_voluntary_bursts_of_a_real_arm_are_not_clonus():
    """Voluntary contractions over 100 s are bursts, not clonus, even if called passive."""
    trace, rate_hz = biosppy("emg.txt")
    trace *= 1000.0 / np.abs(trace).max()  # the file names no gain
    assert np.quantile(np.abs(trace), 0.99) > 5 * np.median(np.abs(trace))
    assert clonus(trace, rate_hz, settings=PASSIVE).state == "absent"
