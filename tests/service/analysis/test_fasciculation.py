"""Fasciculations: counted where they are, once each, and nothing voluntary among them."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.fasciculation import FasciculationWatch, fasciculation

from .traces import potential

RATE = 2000.0


def resting(seconds, times_s, *, seed=1, noise_uv=3.0, rate_hz=RATE, size_uv=200.0):
    """Noise with potentials at given times, of sizes around `size_uv`."""
    rng = np.random.default_rng(seed)
    trace = noise_uv * rng.standard_normal(round(seconds * rate_hz))
    for time in times_s:
        wave = potential(rate_hz, size_uv * rng.uniform(0.6, 1.6), rng.uniform(6, 10))
        at = round(time * rate_hz)
        part = trace[at : at + wave.size]
        part += wave[: part.size]
    return trace


def poisson(rate_per_min, seconds, seed):
    """Random instants, none in the first two seconds."""
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(60.0 / rate_per_min, round(seconds))
    return [t for t in 2.0 + np.cumsum(gaps) if t < seconds - 2.0]


def test_random_twitches_are_counted():
    """12 a minute for ten minutes: the count is right within 5 %, and irregular."""
    times = poisson(12, 600.0, 2)
    values = fasciculation(resting(600.0, times), RATE).values
    assert values["event_count"] == pytest.approx(len(times), rel=0.05)
    assert values["valid_min"] > 9.8
    assert values["interval_cv"] > 0.7
    assert values["median_amplitude_uv"] == pytest.approx(200.0, rel=0.25)


def test_a_voluntary_unit_is_excluded():
    """Seconds in which a unit fires at 8 Hz are not valid; its potentials are not counted."""
    times = [t for t in poisson(12, 240.0, 3) if not 90 < t < 152]
    regular = np.arange(100.0, 140.0, 0.125)
    regular += np.random.default_rng(4).normal(0, 0.012, regular.size)
    values = fasciculation(resting(240.0, [*times, *regular]), RATE).values
    assert values["rejected_s"] == pytest.approx(43, abs=3)
    assert values["event_count"] == pytest.approx(len(times), abs=3)


def test_quiet_noise_has_no_events():
    """Ten minutes of noise of 3 and of 9 µV: nothing is counted, all is valid."""
    for noise_uv in (3.0, 9.0):
        values = fasciculation(resting(600.0, [], noise_uv=noise_uv), RATE).values
        assert values["event_count"] == 0
        assert values["rate_per_min"] == 0
        assert values["valid_min"] > 9.8


def test_mains_is_neither_event_nor_noise():
    """30 µV of mains with its third harmonic hides no event and makes none."""
    times = poisson(12, 120.0, 5)
    trace = resting(120.0, times)
    at_s = np.arange(trace.size) / RATE
    trace += 30 * np.sin(2 * np.pi * 50.02 * at_s) + 6 * np.sin(2 * np.pi * 150.06 * at_s)
    assert fasciculation(trace, RATE).values["event_count"] == pytest.approx(len(times), abs=2)


def test_a_doublet_counts_once():
    """A second discharge 7 ms later belongs to the first, and is told."""
    trace = resting(30.0, [5.0, 5.007, 9.0, 14.0, 14.007])
    values = fasciculation(trace, RATE).values
    assert values["event_count"] == 3
    assert values["doublet_count"] == 2


def test_an_unrelaxed_muscle_has_no_valid_second():
    """Continuous activity is not rest: no count is given."""
    rng = np.random.default_rng(6)
    result = fasciculation(60.0 * rng.standard_normal(round(20 * RATE)), RATE)
    assert result.state == "not_assessable"
    assert result.values["rejected_s"] > 15


def test_one_twitch_on_two_channels_is_one():
    """The larger channel keeps it; a jolt that all channels see is nobody's."""
    base = [resting(20.0, [], seed=seed) for seed in range(4)]
    wave = potential(RATE, 300.0)
    for row, size in ((0, 1.0), (1, 0.5)):
        base[row][20_000 : 20_000 + wave.size] += size * wave
    for row in range(4):
        base[row][30_000 : 30_000 + wave.size] += wave
    watch = FasciculationWatch(4, RATE)
    watch.push(np.stack(base))
    counts = [watch.result(row).values["event_count"] for row in range(4)]
    assert counts == [1, 0, 0, 0]


def test_what_a_stimulus_evokes_is_not_counted():
    """A shock named by its sample takes its seconds out of the valid ones."""
    trace = resting(20.0, [5.0, 10.0, 15.0], noise_uv=2.0)
    watch = FasciculationWatch(1, RATE)
    for first in range(0, trace.size, 400):
        if first == 20_400:
            watch.exclude(20_000)
        watch.push(trace[None, first : first + 400])
    values = watch.result(0).values
    assert values["event_count"] == 2
    assert 1 <= values["rejected_s"] <= 2


def test_events_carry_their_times():
    """Each item says when and how large, on the clock of the pushed samples."""
    result = fasciculation(resting(20.0, [4.2, 11.3]), RATE)
    assert [item["time_s"] for item in result.items] == pytest.approx([4.2, 11.3], abs=0.01)


def test_a_dead_lead_is_not_quiet_muscle():
    """A flat channel has no valid second."""
    assert fasciculation(np.zeros(20_000), RATE).state == "not_assessable"
    with pytest.raises(ValueError, match="n_samples"):
        fasciculation(np.zeros((2, 100)), RATE)


def test_tonic_discharge_that_comes_and_goes_is_not_fasciculation():
    """A unit firing at 6 Hz in stretches of a few seconds, as in a spastic muscle at rest: next to
    nothing is counted, and the muscle is said not to be relaxed."""
    rng = np.random.default_rng(8)
    times, now = [], 1.0
    while now < 115.0:
        for _ in range(rng.integers(12, 30)):
            now += rng.normal(0.165, 0.03)
            times.append(now)
        now += rng.uniform(0.2, 1.5)
    result = fasciculation(resting(120.0, times), RATE)
    assert result.values.get("event_count", 0) <= 5
    assert result.reasons[0].startswith("not_relaxed")
