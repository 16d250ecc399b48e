"""Twitches of the muscle before the F-waves, the tail of the M-wave, and what an onset is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.analysis.f_apart import apart, lone
from service.analysis.f_wave import FWaveSettings, f_wave

from .late_truth import CLEAN, Nerve, f_run, unit_potential


def usual(seed=61, **more):
    """One ordinary study, 20 stimuli."""
    rng = np.random.default_rng(seed)
    return f_run(rng, Nerve.drawn(rng, mean_backfiring=2.0), **more)


def times_ms(run):
    """Of the columns, after the stimulus."""
    return (np.arange(run.sweeps_uv.shape[1]) - run.zero) / run.rate_hz * 1e3


def with_twitch(run, sweep, at_ms, size_uv=150.0):
    """The sweeps with a motor unit that fires by itself in one of them."""
    sweeps = run.sweeps_uv.copy()
    sweeps[sweep] -= size_uv * unit_potential(times_ms(run) - at_ms, 0.85, 2.0)
    return sweeps


def onsets_of(rng, nerve):
    """Of 20 stimuli."""
    found = []
    for _ in range(20):
        units = np.flatnonzero(rng.random(nerve.size_uv.size) < nerve.chance)
        if units.size:
            found.append(float(nerve.f_ms[units].min() + rng.normal(0.0, 0.05)))
    return found


def test_hardly_any_f_wave_comes_so_far_before_the_others_as_a_twitch():
    """Of 300 nerves with a hundred units that backfire by chance, not one in a hundred."""
    rng = np.random.default_rng(62)
    studies = [onsets_of(rng, Nerve.drawn(rng, mean_backfiring=2.0)) for _ in range(300)]
    assert np.mean([bool(apart(found)[0]) for found in studies]) < 0.01
    assert np.mean([lone(found) is not None for found in studies]) < 0.05


def test_a_twitch_before_the_f_waves_is_not_the_shortest_latency():
    """It is named with its sweep and latency; that sweep's own F-wave is read behind it."""
    run = usual()
    whole = f_wave(run.sweeps_uv, run.rate_hz, run.zero)
    result = f_wave(with_twitch(run, 4, 20.5), run.rate_hz, run.zero)
    assert result.values["f_min_ms"] == pytest.approx(whole.values["f_min_ms"], abs=0.05)
    (reason,) = [one for one in result.reasons if one.startswith("stimulus 5: ")]
    assert "20." in reason
    assert not any(one.startswith("stimulus") for one in whole.reasons)
    assert abs(result.values["f_count"] - run.present.sum()) <= 1


def test_a_response_that_comes_alone_is_told_to_be_looked_at():
    """Nearer than a twitch is known for, and before all others: its item says so."""
    run = usual()
    first = float(np.nanmin(run.f_ms))
    result = f_wave(with_twitch(run, 4, first - 2.2), run.rate_hz, run.zero)
    assert any(one.startswith("f_min_alone: ") for one in result.reasons)
    assert [item["sweep"] for item in result.items if item.get("alone")] == [4]


def test_the_sd_of_an_onset_holds_its_error():
    """95 % of the onsets of 12 studies lie within twice their SD and what the noise-free truth's
    own definition is worth; small F-waves have larger SDs than large ones."""
    inside, small, large = [], [], []
    for seed in range(70, 82):
        run = usual(seed)
        for item in f_wave(run.sweeps_uv, run.rate_hz, run.zero).items:
            if item["kind"] == "f" and run.present[item["sweep"]]:
                off = item["latency_ms"] - run.f_ms[item["sweep"]]
                inside.append(abs(off) <= 2.0 * item["onset_sd_ms"] + 0.05)
                size = run.f_uv[item["sweep"]]
                (small if size < 80.0 else large).append(item["onset_sd_ms"])
    assert np.mean(inside) >= 0.95
    assert np.median(small) > np.median(large)


def test_an_m_wave_whose_tail_ends_late_is_no_a_wave_and_hides_no_f_wave():
    """A last phase that is no decay and reaches the window of every sweep."""
    run = usual()
    at = times_ms(run)
    tail = np.where(at > 8.0, 60.0 * np.cos(np.clip((at - 8.0) / 13.0, 0.0, 1.0) * np.pi / 2), 0.0)
    whole = f_wave(run.sweeps_uv, run.rate_hz, run.zero)
    result = f_wave(run.sweeps_uv + tail, run.rate_hz, run.zero)
    assert result.state == "measured"
    assert result.values["a_wave_count"] == 0
    assert result.values["f_count"] == whole.values["f_count"]
    assert result.values["f_min_ms"] == pytest.approx(whole.values["f_min_ms"], abs=0.1)


def test_the_window_of_a_slow_nerve_goes_on_to_its_slowest_f_waves():
    """Demyelination is patchy: the nerve above may be slower than the segment that was measured."""
    settings = FWaveSettings(velocity_m_s=38.0)
    missed = []
    for seed in range(63, 69):
        rng = np.random.default_rng(seed)
        nerve = Nerve.drawn(rng, mean_backfiring=2.0)
        run = f_run(rng, replace(nerve, f_ms=nerve.f_ms * 1.8 + rng.uniform(0.0, 6.0, 100)))
        assert np.nanmax(run.f_ms) > 4.5 + 40.5 * 49.0 / 38.0
        result = f_wave(run.sweeps_uv, run.rate_hz, run.zero, settings=settings)
        missed.append(abs(result.values["f_count"] - run.present.sum()))
    assert np.median(missed) == 0
    assert max(missed) <= 2


@pytest.mark.soak
def test_a_twitch_in_one_sweep_hardly_ever_makes_the_shortest_latency():
    """100 studies with one twitch between 2 ms after the window's begin and 1 ms before the first
    F-wave: the shortest latency is right, or the row says that it is one response alone, in nine
    of ten of those that come a tenth or more before."""
    held = []
    for seed in range(9300, 9400):
        run = usual(seed, faults=CLEAN)
        rng = np.random.default_rng(seed)
        first = float(np.nanmin(run.f_ms[run.present]))
        at = rng.uniform(20.0, 0.9 * first - 0.5)
        result = f_wave(with_twitch(run, int(rng.integers(20)), at), run.rate_hz, run.zero)
        told = any(one.startswith(("f_min_alone", "a_wave")) for one in result.reasons)
        off = result.values.get("f_min_ms", first) - first
        held.append(told or abs(off) <= 0.3)
    assert np.mean(held) >= 0.9


def over_an_a_wave(seed):
    """F-waves after every stimulus, on a slow A-wave that begins before them all."""
    rng = np.random.default_rng(seed)
    run = f_run(rng, Nerve.drawn(rng, mean_backfiring=7.0))
    first = float(np.nanmin(run.f_ms))
    at = times_ms(run) - (first - 1.2)
    return run, run.sweeps_uv - 150.0 * unit_potential(at, 0.85, 2.0), first - 1.2


def test_what_all_sweeps_begin_with_is_no_latency_of_f_waves():
    """The A-wave lies bare in no sweep, so that it cannot be taken out: its own onset is not told
    for that of the F-waves; without it theirs is."""
    told = []
    for seed in range(90, 96):
        run, sweeps, begins = over_an_a_wave(seed)
        result = f_wave(sweeps, run.rate_hz, run.zero)
        assert abs(result.values["f_count"] - run.present.sum()) <= 1
        if "f_min_ms" in result.values:
            told.append(abs(result.values["f_min_ms"] - begins) < 0.5)
        else:
            assert any(reason.startswith("a_wave") for reason in result.reasons)
        bare = f_wave(run.sweeps_uv, run.rate_hz, run.zero)
        assert bare.values["f_min_ms"] == pytest.approx(np.nanmin(run.f_ms), abs=0.4)
    assert sum(told) <= 1


@pytest.mark.parametrize(("at_ms", "says"), [(29.5, True), (41.0, False)])
def test_an_count_unsure_waves_and_hardly_ever_bare_makes_the_count_less_certain(at_ms, says):
    """Found under F-waves after nine of ten stimuli the row says so; found after them it does
    not."""
    run = usual(85, faults=replace(CLEAN, a_wave=(at_ms, 250.0, 1.0)))
    result = f_wave(run.sweeps_uv, run.rate_hz, run.zero)
    assert result.values["a_wave_count"] == 1
    assert any(reason.startswith("count_unsure") for reason in result.reasons) == says
