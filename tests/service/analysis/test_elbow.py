"""The ulnar nerve at the elbow: no velocity without the angle, and a step where the lesion is."""

from __future__ import annotations

import pytest

from service.analysis.elbow import ElbowSettings, across_elbow, inching

from .responses import further, response


def elbow(above_ms=9.0, flexion=80.0, **more):
    """Wrist 3 ms, below the elbow 7 ms (220 mm), above it 100 mm further."""
    return across_elbow(
        response(), further(), further(latency=above_ms, **more),
        forearm_mm=220.0, across_mm=100.0, settings=ElbowSettings(flexion_deg=flexion),
    )  # fmt: skip


def test_both_segments_and_their_difference():
    """55 m/s in the forearm, 25 m/s across: a drop of 30 m/s, and block is judged in each."""
    result = elbow(above_ms=11.0, amplitude=4.0, area=12.0)
    assert result.values["forearm_velocity_m_s"] == pytest.approx(55.0)
    assert result.values["across_velocity_m_s"] == pytest.approx(25.0)
    assert result.values["velocity_drop_m_s"] == pytest.approx(30.0)
    assert result.values["across_amplitude_drop_percent"] == pytest.approx(60.0)
    states = {(item["segment"], item["name"]): item["state"] for item in result.items}
    assert states["forearm", "block"] == "none"
    assert states["across", "block"] == "present"


def test_without_the_angle_there_is_no_velocity_across():
    """The forearm stands; the elbow asks for its flexion, and a straight arm is said."""
    result = elbow(flexion=None)
    assert "forearm_velocity_m_s" in result.values
    assert "across_velocity_m_s" not in result.values
    assert "velocity_drop_m_s" not in result.values
    assert any("enter the flexion" in reason for reason in result.reasons)
    assert any("slack" in reason for reason in elbow(flexion=10.0).reasons)
    assert not elbow().reasons


def test_nothing_at_the_wrist_and_below_leaves_nothing():
    """No segment at all is not assessable."""
    gone = response("absent")
    result = across_elbow(
        gone, gone, response(), forearm_mm=220.0, across_mm=100.0,
        settings=ElbowSettings(flexion_deg=80.0),
    )  # fmt: skip
    assert result.state == "not_assessable"
    assert not result.values


def steps(latencies, amplitudes=None):
    """Responses every 20 mm."""
    sizes = amplitudes or [10.0] * len(latencies)
    made = [
        response(onset_latency_ms=ms, amplitude_mv=mv)
        for ms, mv in zip(latencies, sizes, strict=True)
    ]
    return inching(made, [20.0 * place for place in range(len(made))])


def test_inching_finds_the_step():
    """0.4 ms per 20 mm, but 1.1 ms from 40 to 60 mm, where the amplitude falls too."""
    got = steps([7.0, 7.4, 7.8, 8.9, 9.3, 9.7], [10, 10, 9.8, 6.0, 5.9, 5.9])
    assert got.values["largest_step_ms"] == pytest.approx(1.1)
    assert got.values["largest_excess_ms"] == pytest.approx(0.7)
    assert got.values["largest_step_mm"] == 50.0
    assert got.values["largest_drop_mm"] == 50.0
    assert got.values["largest_drop_percent"] == pytest.approx(100 * (1 - 6 / 9.8))
    assert len(got.items) == 5


def test_inching_with_holes_or_wrong_places():
    """A missing latency takes its two steps; too few steps are not assessable; places must rise."""
    made = [response(onset_latency_ms=7.0 + 0.4 * place) for place in range(4)]
    made[1] = response("not_assessable", reasons=["gap: samples missing"])
    got = inching(made, [0.0, 20.0, 40.0, 60.0])
    assert got.state == "not_assessable"
    assert got.values["step_count"] == 1
    assert any("20 mm" in reason for reason in got.reasons)
    with pytest.raises(ValueError, match="rising"):
        inching(made, [0.0, 20.0, 20.0, 60.0])
    with pytest.raises(ValueError, match="3 places for"):
        inching(made, [0.0, 20.0, 40.0])
