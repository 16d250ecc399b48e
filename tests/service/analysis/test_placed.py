"""Markers by hand: what was not moved keeps its value, what was moved follows the trace."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis.motor import motor_response
from service.analysis.placed import called_absent, with_markers
from service.analysis.sensory import SensorySettings, sensory_response
from tests.service.bedside.shocks import RATE_HZ, ZERO, shock

from .snaps import sensory_sweeps, snap

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TRACE = shock(1).samples_uv[0]
MOTOR = motor_response(TRACE, RATE_HZ, ZERO, target="left APB", inputs=["a"])
PLACES = {marker.name: marker.index for marker in MOTOR.markers}


def placed(automatic, trace, **at):
    """By KS at noon."""
    told = {name: (index, "KS", NOON) for name, index in at.items()}
    return with_markers(automatic, trace, RATE_HZ, ZERO, placed=told)


@pytest.mark.parametrize("name", sorted(PLACES))
def test_a_marker_put_where_it_was_changes_no_number(name: str) -> None:
    """Only who put it there, and with that the id."""
    same = placed(MOTOR, TRACE, **{name: PLACES[name]})
    for quantity, value in MOTOR.values.items():
        assert same.values[quantity] == pytest.approx(value, rel=1e-9, abs=1e-9), quantity
    assert same.supersedes == MOTOR.id != same.id


@given(shift=st.floats(-16.0, 16.0).filter(lambda x: abs(x) > 0.01))
@settings(max_examples=25, deadline=None)
def test_latency_duration_and_area_follow_the_onset(shift: float) -> None:
    """By as much as the marker moved; the area by what lies between."""
    moved = placed(MOTOR, TRACE, onset=PLACES["onset"] + shift)
    by_ms = shift / RATE_HZ * 1000.0
    for quantity, change in (
        ("onset_latency_ms", by_ms), ("duration_ms", -by_ms), ("total_duration_ms", -by_ms),
        ("amplitude_mv", 0.0), ("peak_latency_ms", 0.0),
    ):  # fmt: skip
        assert moved.values[quantity] == pytest.approx(MOTOR.values[quantity] + change, abs=1e-9)
    if shift > 1:
        assert moved.values["area_mv_ms"] < MOTOR.values["area_mv_ms"]


def test_the_amplitude_is_the_trace_under_the_peak_marker() -> None:
    """Half-way up the wave, half the amplitude: 1 ms into a half sine of 6 ms is sin 30°."""
    at = ZERO + 4.5 * RATE_HZ / 1000.0
    moved = placed(MOTOR, TRACE, peak=at)
    assert moved.values["amplitude_mv"] == pytest.approx(8.0 * np.sin(np.pi / 6), rel=0.02)
    assert moved.values["peak_latency_ms"] == pytest.approx(4.5)


def test_an_absent_response_is_measured_from_markers_alone() -> None:
    """And says so; the floor stays."""
    quiet = shock(2, size_uv=0.0).samples_uv[0]
    absent = motor_response(quiet, RATE_HZ, ZERO, target="left APB", inputs=["a"])
    assert absent.state == "absent"
    found = placed(absent, quiet, onset=ZERO + 60.0, peak=ZERO + 110.0)
    assert found.state == "measured"
    assert found.values["onset_latency_ms"] == pytest.approx(60.0 / 16.0)
    assert "duration_ms" not in found.values
    assert "rest on the markers alone" in found.reasons[-1]


def test_a_sensory_response_follows_its_own_markers_and_its_distance() -> None:
    """Onset to peak, peak to peak and velocity; no area."""
    traces = [
        shock(n, record="median D2", latency_ms=2.5, size_uv=30.0, width_ms=1.2).samples_uv[3]
        for n in range(1, 11)
    ]
    automatic = sensory_response(
        traces, RATE_HZ, ZERO, settings=SensorySettings(distance_mm=140.0), inputs=["a"]
    )
    onset = next(one.index for one in automatic.markers if one.name == "onset")
    mean = np.mean(traces, axis=0)
    moved = placed(automatic, mean, onset=onset + 8.0)
    later_ms = automatic.values["onset_latency_ms"] + 0.5
    assert moved.values["onset_latency_ms"] == pytest.approx(later_ms)
    assert moved.values["velocity_m_s"] == pytest.approx(140.0 / later_ms)
    assert moved.values["onset_to_peak_uv"] < automatic.values["onset_to_peak_uv"]
    assert moved.values["peak_to_peak_uv"] == automatic.values["peak_to_peak_uv"]
    assert "area_mv_ms" not in moved.values


def test_an_onset_placed_before_the_positive_phase_takes_its_mark_away() -> None:
    """The person sees the response begin earlier than the top of its first phase: no refusal."""
    rng = np.random.default_rng(3)
    sweeps, zero = sensory_sweeps(rng, snap(triphasic=True), rate_hz=20_000.0, tail_uv=5.0)
    automatic = sensory_response(sweeps, 20_000.0, zero)
    marks = {marker.name: marker.index for marker in automatic.markers}
    assert marks["initial_positive_peak"] == marks["onset"]
    mean = sweeps.mean(axis=0)
    earlier = {"onset": (marks["onset"] - 6.0, "KS", NOON)}
    moved = with_markers(automatic, mean, 20_000.0, zero, placed=earlier)
    assert "initial_positive_peak" not in {marker.name for marker in moved.markers}
    later = {"onset": (marks["onset"] + 3.0, "KS", NOON)}
    kept = with_markers(automatic, mean, 20_000.0, zero, placed=later)
    assert "initial_positive_peak" in {marker.name for marker in kept.markers}


def test_no_response_by_a_person_is_another_measurement_than_the_detectors() -> None:
    """Its id says who, its reasons the floor and the electrodes."""
    first = called_absent(MOTOR, by="KS", electrode_checked=True)
    second = called_absent(MOTOR, by="AB", electrode_checked=False)
    assert len({MOTOR.id, first.id, second.id}) == 3
    assert first.supersedes == MOTOR.id
    assert "electrodes not checked" in second.reasons[0]
    assert set(first.values) == {"detection_floor_uv", "noise_uv", "sweep_count"}


def test_a_wrong_shape_is_refused() -> None:
    """One trace, not several."""
    with pytest.raises(ValueError, match="expected"):
        placed(MOTOR, np.stack([TRACE, TRACE]), onset=400.0)
