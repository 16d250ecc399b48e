"""The CMAP detector: accuracy against known truth, and every gate with the fault that trips it."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest

from service.analysis.motor import MotorSettings, motor_response

from .traces import shapes, sweep

RATES = [16_000.0, 20_000.0]


def errors(rate_hz, amplitude_mv, noise_uv, count, seed):
    """Errors of onset, amplitude and area (relative) over `count` sweeps, and the misses."""
    rng = np.random.default_rng(seed)
    onset, amplitude, area, missed = [], [], [], 0
    for _ in range(count):
        shape = shapes()[rng.integers(len(shapes()))]
        trace, zero = sweep(
            rng, shape, rate_hz=rate_hz, amplitude_mv=amplitude_mv, noise_uv=noise_uv
        )
        values = motor_response(trace, rate_hz, zero).values
        if "onset_latency_ms" not in values:
            missed += 1
            continue
        onset.append(values["onset_latency_ms"] - shape.onset_ms)
        amplitude.append(values["amplitude_mv"] / amplitude_mv - 1)
        area.append(values["area_mv_ms"] / (amplitude_mv * shape.area_mv_ms) - 1)
    return np.abs(onset), np.abs(amplitude), np.abs(area), missed


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("amplitude_mv", [1.0, 8.0, 20.0])
def test_onset_is_exact_at_high_signal_to_noise(rate_hz, amplitude_mv):
    """Median ≤ 0.05 ms, p95 ≤ 0.10 ms, amplitude ≤ 1 %, area ≤ 2 %, nothing missed."""
    onset, amplitude, area, missed = errors(rate_hz, amplitude_mv, 5.0, 100, seed=1)
    assert missed == 0
    assert np.median(onset) <= 0.05
    assert np.percentile(onset, 95) <= 0.10
    assert np.percentile(amplitude, 95) <= 0.01
    assert np.percentile(area, 95) <= 0.02


@pytest.mark.parametrize("rate_hz", RATES)
def test_onset_of_a_tenth_of_a_millivolt_in_noise(rate_hz):
    """0.1 mV in 10 µV of noise: median ≤ 0.5 ms, p95 ≤ 1.0 ms, none missed."""
    onset, _, _, missed = errors(rate_hz, 0.1, 10.0, 200, seed=2)
    assert missed == 0
    assert np.median(onset) <= 0.5
    assert np.percentile(onset, 95) <= 1.0


def test_no_response_is_not_invented():
    """Of 1000 traces with artefact, mains and noise alone, at most 1 % show a response; and each
    says how small a response it could have missed."""
    rng = np.random.default_rng(3)
    false = 0
    for number in range(1000):
        rate_hz = RATES[number % 2]
        trace, zero = sweep(rng, None, rate_hz=rate_hz, noise_uv=10.0)
        result = motor_response(trace, rate_hz, zero)
        false += result.state != "absent"
        assert 5 < result.values["detection_floor_uv"] < 60
    assert false <= 10


def test_onset_does_not_depend_on_size():
    """Against the first fibre's arrival the onset is late by the same 0.1 ms from 0.5 to 15 mV."""
    rng = np.random.default_rng(4)
    bias, late = [], []
    for amplitude_mv in (0.5, 1.0, 3.0, 15.0):
        found = []
        for shape in shapes()[::3]:
            trace, zero = sweep(
                rng, shape, rate_hz=16_000.0, amplitude_mv=amplitude_mv, noise_uv=3.0
            )
            result = motor_response(trace, 16_000.0, zero)
            found.append(result.values["onset_latency_ms"])
        bias.append(np.median(np.array(found) - [shape.onset_ms for shape in shapes()[::3]]))
        late.append(np.median(np.array(found) - [shape.first_fibre_ms for shape in shapes()[::3]]))
    assert max(bias) - min(bias) < 0.1
    assert max(late) - min(late) < 0.2
    assert 0 < np.mean(late) < 1.5


def test_total_duration_counts_later_negative_phases():
    """A second negative phase 6 ms behind the first lengthens the total, not the negative phase."""
    trace, zero = clean()
    one = motor_response(trace, 16_000.0, zero).values
    peak = round(zero + 16 * one["peak_latency_ms"])
    place = np.arange(trace.size) - (peak + 16 * 12)
    two = motor_response(trace - 1500.0 * np.exp(-0.5 * (place / 16) ** 2), 16_000.0, zero).values
    assert two["duration_ms"] == pytest.approx(one["duration_ms"], abs=0.3)
    assert two["total_duration_ms"] > one["total_duration_ms"] + 4
    assert one["total_duration_ms"] >= one["duration_ms"] - 0.3


def test_no_peak_is_taken_before_the_search_begins():
    """`search_from_ms` is obeyed: a peak before it is none."""
    trace, zero = clean()
    first = motor_response(trace, 16_000.0, zero).values["peak_latency_ms"]
    late = MotorSettings(search_from_ms=first + 1.0)
    result = motor_response(trace, 16_000.0, zero, settings=late)
    assert result.values.get("peak_latency_ms", np.inf) > first + 0.9


def test_averaging_lowers_the_floor_and_counts_stimuli():
    """Sixteen sweeps together see what one cannot, and the measurement says how many there were."""
    rng = np.random.default_rng(5)
    shape = shapes()[0]
    pairs = [
        sweep(rng, shape, rate_hz=16_000.0, amplitude_mv=0.05, noise_uv=40.0, mains_uv=0.0)
        for _ in range(16)
    ]
    zero = float(np.mean([zero for _, zero in pairs]))
    one = motor_response(pairs[0][0], 16_000.0, zero)
    all_of_them = motor_response(np.stack([trace for trace, _ in pairs]), 16_000.0, zero)
    assert one.state == "absent"
    assert all_of_them.state == "measured"
    assert all_of_them.values["sweep_count"] == 16
    floors = [m.values["detection_floor_uv"] for m in (one, all_of_them)]
    assert floors[1] == pytest.approx(floors[0] / 4, rel=0.5)


def clean(amplitude_mv=5.0, seed=6, **more):
    """One ordinary sweep."""
    return sweep(
        np.random.default_rng(seed),
        shapes()[0],
        rate_hz=16_000.0,
        amplitude_mv=amplitude_mv,
        **more,
    )


def test_markers_lie_where_the_values_say():
    """Onset, peak and end markers are the latencies and the duration, in samples."""
    trace, zero = clean()
    result = motor_response(trace, 16_000.0, zero, target="left FDI", inputs=["s1"])
    place = {marker.name: marker.index for marker in result.markers}
    assert (place["onset"] - zero) / 16 == pytest.approx(result.values["onset_latency_ms"])
    assert (place["peak"] - zero) / 16 == pytest.approx(result.values["peak_latency_ms"])
    assert (place["end"] - place["onset"]) / 16 == pytest.approx(result.values["duration_ms"])
    assert result.target == "left FDI"


def test_equal_work_has_an_equal_name():
    """The id follows measure, inputs and settings, and nothing else."""
    trace, zero = clean()
    first = motor_response(trace, 16_000.0, zero, inputs=["s1"])
    again = motor_response(trace.copy(), 16_000.0, zero, inputs=["s1"])
    other = motor_response(
        trace, 16_000.0, zero, inputs=["s1"], settings=MotorSettings(blank_ms=1.1)
    )
    assert first == again
    assert first.id != other.id
    assert first.id != motor_response(trace, 16_000.0, zero, inputs=["s2"]).id


def test_a_gap_is_never_measured():
    """Missing samples inside: no number at all."""
    trace, zero = clean()
    result = motor_response(trace, 16_000.0, zero, gap=True)
    assert result.state == "not_assessable"
    assert "amplitude_mv" not in result.values
    assert "gap" in result.reasons[0]


def test_a_response_at_the_rail_is_not_measured():
    """A clipped peak would be read as a smaller CMAP."""
    trace, zero = clean(amplitude_mv=8.0)
    clipped = np.maximum(trace, -6000.0)
    result = motor_response(clipped, 16_000.0, zero)
    assert result.state == "not_assessable"
    assert "saturated" in result.reasons[0]
    named = motor_response(clipped, 16_000.0, zero, settings=MotorSettings(rail_uv=6000.0))
    assert named.state == "not_assessable"


def test_initial_positivity_takes_the_latency_and_leaves_the_amplitude():
    """An electrode off the motor point gives no onset, but still a peak."""
    trace, zero = clean()
    at = round(zero + 16 * motor_response(trace, 16_000.0, zero).values["onset_latency_ms"])
    trace[at - 24 : at] += 600.0 * np.hanning(24)
    result = motor_response(trace, 16_000.0, zero)
    assert any(reason.startswith("initial_positivity") for reason in result.reasons)
    assert "onset_latency_ms" not in result.values
    assert result.values["amplitude_mv"] == pytest.approx(5.0, rel=0.02)


def test_an_artefact_over_the_onset_takes_the_latency():
    """A tail that has not decayed when the response begins hides its onset."""
    trace, zero = clean()
    late = (np.arange(trace.size) - zero) / 16
    trace += np.where(late > 0, 3000.0 * np.exp(-late / 2.5), 0.0)
    result = motor_response(trace, 16_000.0, zero)
    assert any(reason.startswith("artifact") for reason in result.reasons)
    assert "onset_latency_ms" not in result.values


def test_without_a_known_time_zero_there_is_no_latency():
    """Host time alone gives an amplitude and no latency of any kind."""
    trace, zero = clean()
    result = motor_response(trace, 16_000.0, zero, time_zero_known=False)
    assert not [key for key in result.values if "latency" in key]
    assert result.values["amplitude_mv"] == pytest.approx(5.0, rel=0.02)


def test_strong_mains_is_named():
    """Interference of more than 5 % of the response is said."""
    trace, zero = clean(amplitude_mv=1.0, mains_uv=200.0)
    result = motor_response(trace, 16_000.0, zero)
    assert any(reason.startswith("mains") for reason in result.reasons)


def test_clean_sweeps_trip_no_gate():
    """At most 2 % of ordinary sweeps carry any reason."""
    rng = np.random.default_rng(7)
    tripped = 0
    for _ in range(200):
        shape = shapes()[rng.integers(len(shapes()))]
        trace, zero = sweep(rng, shape, rate_hz=16_000.0, amplitude_mv=5.0)
        tripped += bool(motor_response(trace, 16_000.0, zero).reasons)
    assert tripped <= 4


def test_the_sign_of_the_samples_is_a_setting():
    """Samples stored negative-up give the same numbers when that is said."""
    trace, zero = clean()
    physical = motor_response(trace, 16_000.0, zero)
    turned = motor_response(-trace, 16_000.0, zero, settings=MotorSettings(negative_up=True))
    assert turned.values == physical.values


def test_wrong_shapes_and_short_sweeps_are_refused():
    """A cube is an error; a sweep that ends too early is not assessable; no rest is an error."""
    with pytest.raises(ValueError, match="n_sweeps"):
        motor_response(np.zeros((2, 2, 2)), 16_000.0, 1.0)
    with pytest.raises(ValueError, match="positive rate"):
        motor_response(np.zeros(100), 0.0, 1.0)
    trace, zero = clean()
    short = motor_response(trace[: int(zero) + 20], 16_000.0, zero)
    assert short.state == "not_assessable"
    with pytest.raises(ValueError, match="resting stretch"):
        motor_response(trace[int(zero) : int(zero) + 600], 16_000.0, 0.0)


@pytest.mark.timed
def test_a_trace_takes_less_than_a_millisecond():
    """Of processor time, each sweep by itself, median of five passes over twenty."""
    rng = np.random.default_rng(31)
    made = [sweep(rng, shape, rate_hz=20_000.0, amplitude_mv=5.0) for shape in shapes()]
    made = [made[number % len(made)] for number in range(20)]
    taken = []
    for _ in range(6):
        begun = process_time()
        for trace, zero in made:
            motor_response(trace, 20_000.0, zero)
        taken.append((process_time() - begun) / len(made))
    assert np.median(taken[1:]) < 1e-3
