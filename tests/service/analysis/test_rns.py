"""Repetitive stimulation: decrements of known size, exercise, and every gate with its fault."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.rns import RnsSettings, decrement_percent, rns

from .late_truth import FINE_HZ, Nerve, sampled

WARM = {"skin_c": 33.0, "supramaximal": True}
TIME_MS = np.arange(round(0.11 * FINE_HZ)) / FINE_HZ * 1e3 - 20.0


def course(depth, count=10):
    """Sizes of a train, 1 at first: falls by `depth` until the fourth, then comes up a little."""
    step = np.arange(count)
    fall = depth * (1 - np.exp(-step / 1.1)) / (1 - np.exp(-3 / 1.1))
    return 1 - fall + 0.15 * depth * np.maximum(step - 4, 0) / 5


def trains(rng, sizes, *, rate_hz=16_000.0, noise_uv=5.0, shift_uv=None, size_mv=6.0):
    """Trains of a muscle whose responses shrink as whole units would: (sweeps, zero, times, area).

    sizes: one sequence per train. The area shrinks with the amplitude.
    """
    nerve = Nerve.drawn(rng)
    whole = nerve.wave(np.arange(nerve.size_uv.size), nerve.distal_ms, TIME_MS)
    whole *= 1000.0 * size_mv / whole.max()
    late = np.maximum(TIME_MS, 0.0)
    artefact = np.where(TIME_MS >= 0, rng.uniform(50, 200) * np.exp(-late / 0.3), 0.0)
    factors = np.concatenate(sizes)
    moved = np.zeros(factors.size) if shift_uv is None else shift_uv
    rows = [whole * factor + artefact + move for factor, move in zip(factors, moved, strict=True)]
    samples, zero = sampled(rng, rows, rate_hz)
    samples += noise_uv * rng.standard_normal(samples.shape)
    times = np.concatenate([60.0 * n + np.arange(len(one)) / 3.0 for n, one in enumerate(sizes)])
    return -samples, zero, times


def test_decrements_are_right_within_one_point():
    """Amplitude and area, 4th, 5th and largest, for falls of 0 to 45 % at 16 and 20 kHz."""
    rng = np.random.default_rng(21)
    for number in range(24):
        rate_hz = (16_000.0, 20_000.0)[number % 2]
        sizes = course(rng.uniform(0.0, 0.45))
        sweeps, zero, times = trains(rng, [sizes], rate_hz=rate_hz, size_mv=rng.uniform(2.0, 12.0))
        result = rns(sweeps, rate_hz, zero, stimulus_s=times, settings=RnsSettings(**WARM))
        for number_of, key in ((4, "decrement_4_percent"), (5, "decrement_5_percent")):
            truth = decrement_percent(sizes, number_of)
            assert result.values[key] == pytest.approx(truth, abs=1.0)
            assert result.values[f"area_{key}"] == pytest.approx(truth, abs=1.0)
        largest = 100 * (1 - sizes.min())
        assert result.values["decrement_max_percent"] == pytest.approx(largest, abs=1.0)
        assert result.reasons == ()


def test_trains_are_told_apart_by_time_and_exercise_splits_them():
    """Three at baseline, two after exercise: medians at rest, the worst and the increment after."""
    rng = np.random.default_rng(22)
    sizes = [course(d) for d in (0.10, 0.12, 0.14)] + [1.3 * course(0.05), course(0.30)]
    sweeps, zero, times = trains(rng, sizes)
    settings = RnsSettings(**WARM, exercise_end_s=175.0)
    result = rns(sweeps, 16_000.0, zero, stimulus_s=times, settings=settings)
    assert result.values["train_count"] == 5
    assert result.values["baseline_train_count"] == 3
    assert result.values["rate_hz"] == pytest.approx(3.0)
    assert result.values["decrement_4_percent"] == pytest.approx(12.0, abs=1.0)
    assert result.values["decrement_spread_percent"] == pytest.approx(4.0, abs=1.0)
    worst = 100 * (1 - course(0.30).min())
    assert result.values["exercise_decrement_max_percent"] == pytest.approx(worst, abs=1.0)
    assert result.values["exercise_increment_percent"] == pytest.approx(30.0, abs=1.5)
    assert [row["phase"] for row in result.items] == ["baseline"] * 3 + ["after exercise"] * 2
    assert result.items[4]["after_s"] == pytest.approx(65.0)
    assert len(result.items[0]["amplitude_mv"]) == 10


def test_facilitation_within_a_train_is_an_increment():
    """A response that grows, as at high rates in a presynaptic disorder."""
    rng = np.random.default_rng(23)
    sweeps, zero, times = trains(rng, [np.linspace(1.0, 2.2, 10)], size_mv=1.0)
    result = rns(sweeps, 16_000.0, zero, stimulus_s=times, settings=RnsSettings(**WARM))
    assert result.values["increment_max_percent"] == pytest.approx(120.0, abs=3.0)
    assert result.values["decrement_4_percent"] < -30


def reasons(settings=None, *, sizes=None, **more):
    """What a train is said to suffer from."""
    sweeps, zero, times = trains(
        np.random.default_rng(24), [course(0.2) if sizes is None else sizes], **more
    )
    chosen = RnsSettings(**(WARM | (settings or {})))
    return rns(sweeps, 16_000.0, zero, stimulus_s=times, settings=chosen).reasons


def test_every_gate_has_a_fault_that_trips_it():
    """Cold and unknown temperature, plateau not proven, movement, an uneven course."""
    assert reasons() == ()
    assert reasons({"skin_c": 27.0})[0].startswith("cold: 27.0")
    assert reasons({"skin_c": None})[0].startswith("no_temperature")
    assert reasons({"supramaximal": False})[0].startswith("submaximal")
    jump = np.where(np.arange(10) >= 3, 900.0, 0.0)
    assert reasons(shift_uv=jump)[0].startswith("movement: the resting level of train 1")
    moved = course(0.2).copy()
    moved[5] *= 0.8
    assert reasons(sizes=moved)[0].startswith("uneven: train 1")


def test_clean_trains_trip_no_gate():
    """None of 25 ordinary trains."""
    rng = np.random.default_rng(25)
    told = 0
    for _ in range(25):
        sweeps, zero, times = trains(rng, [course(rng.uniform(0, 0.5))], noise_uv=8.0)
        chosen = RnsSettings(**WARM)
        told += bool(rns(sweeps, 16_000.0, zero, stimulus_s=times, settings=chosen).reasons)
    assert told == 0


def test_what_cannot_be_measured_is_not():
    """A gap, a short train, a missing response, a response in the noise."""
    rng = np.random.default_rng(26)
    sweeps, zero, times = trains(rng, [course(0.2)])
    gap = rns(sweeps, 16_000.0, zero, stimulus_s=times, gap=True)
    short = rns(sweeps[:4], 16_000.0, zero, stimulus_s=times[:4])
    sweeps[6, int(zero) :] = sweeps[6, 0]
    missing = rns(sweeps, 16_000.0, zero, stimulus_s=times)
    small, place, at = trains(rng, [course(0.0)], size_mv=0.1, noise_uv=8.0)
    noisy = rns(small, 16_000.0, place, stimulus_s=at)
    for result, word in ((gap, "gap"), (short, "5 are needed"), (missing, "response 7"),
                         (noisy, "too small")):  # fmt: skip
        assert result.state == "not_assessable"
        assert word in result.reasons[0]
        assert "decrement_4_percent" not in result.values


def test_wrong_shapes_are_refused():
    """A time per sweep, in order."""
    with pytest.raises(ValueError, match="time per sweep"):
        rns(np.zeros((5, 100)), 16_000.0, 50.0, stimulus_s=[0.0, 1.0])
    with pytest.raises(ValueError, match="do not rise"):
        rns(np.zeros((2, 100)), 16_000.0, 50.0, stimulus_s=[1.0, 0.0])
