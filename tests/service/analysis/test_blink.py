"""The blink reflex: R1 and R2 of known latency, and what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.blink import BlinkSettings, blink

from .late_truth import FINE_HZ, sampled, unit_potential

TIME_MS = np.arange(round(0.12 * FINE_HZ)) / FINE_HZ * 1e3 - 20.0


def reflex(rng, *, r1=10.5, r2=31.0, contra=32.5, stimuli=8, rate_hz=16_000.0):
    """Both sides of a study; None: that response is not there. R2 is a burst of many units."""
    sides = []
    for early, late in ((r1, r2), (None, contra)):
        rows = []
        for _ in range(stimuli):
            after = np.maximum(TIME_MS, 0.0)
            wave = np.where(TIME_MS >= 0, 150.0 * np.exp(-after / 0.3), 0.0)
            if early is not None:
                at = early + abs(rng.normal(0, 0.2))
                wave = wave + 350.0 * unit_potential(TIME_MS - at, 0.45, 1.6)
            if late is not None:
                begin = late + abs(rng.normal(0, 1.0))
                for at in (begin, *(begin + rng.uniform(0.5, 25.0, 30))):
                    wave = wave + 150.0 * unit_potential(TIME_MS - at, 0.4, 1.6)
            rows.append(wave)
        samples, zero = sampled(np.random.default_rng(1), rows, rate_hz)
        sides.append(samples + 3.0 * rng.standard_normal(samples.shape))
    return -np.stack(sides), zero


@pytest.mark.parametrize("rate_hz", [16_000.0, 20_000.0])
def test_latencies_of_all_three_responses(rate_hz):
    """Shortest over the stimuli: R1 within 0.3 ms, R2 of both sides within 1 ms of the earliest."""
    sweeps, zero = reflex(np.random.default_rng(41), rate_hz=rate_hz)
    result = blink(sweeps, rate_hz, zero)
    assert result.state == "measured"
    assert result.values["r1_latency_ms"] == pytest.approx(10.7, abs=0.3)
    assert result.values["r2_latency_ms"] == pytest.approx(31.3, abs=1.0)
    assert result.values["r2_contra_latency_ms"] == pytest.approx(32.8, abs=1.0)
    assert result.values["r1_share"] == result.values["r2_contra_share"] == 1.0
    assert result.reasons == ()


def test_a_missing_response_is_absent_with_its_floor_and_leaves_the_others():
    """No R1; no R2 of the other side."""
    sweeps, zero = reflex(np.random.default_rng(42), r1=None, contra=None)
    result = blink(sweeps, 16_000.0, zero)
    assert result.state == "measured"
    assert "r1_latency_ms" not in result.values
    assert any(reason.startswith("R1 absent above 50") for reason in result.reasons)
    assert any(reason.startswith("R2 of the other side absent") for reason in result.reasons)
    assert result.values["r2_latency_ms"] > 30
    nothing, at = reflex(np.random.default_rng(43), r1=None, r2=None, contra=None)
    assert blink(nothing, 16_000.0, at).state == "absent"


def test_what_cannot_be_said_is_not():
    """One side alone, host time, too few stimuli, a gap, the rail, a short sweep, a wrong shape."""
    sweeps, zero = reflex(np.random.default_rng(44))
    alone = blink(sweeps[0], 16_000.0, zero)
    assert any("other side was not recorded" in reason for reason in alone.reasons)
    host = blink(sweeps, 16_000.0, zero, time_zero_known=False)
    assert not [key for key in host.values if key.endswith("latency_ms")]
    few = blink(sweeps[:, :4], 16_000.0, zero)
    assert "5 stimuli" in few.reasons[0]
    assert blink(sweeps, 16_000.0, zero, gap=True).state == "not_assessable"
    rail = BlinkSettings(rail_uv=100.0)
    assert "saturated" in blink(sweeps, 16_000.0, zero, settings=rail).reasons[0]
    assert "ends before" in blink(sweeps[:, :, :900], 16_000.0, zero).reasons[0]
    with pytest.raises(ValueError, match="n_sweeps, n_samples"):
        blink(np.zeros((3, 5, 100)), 16_000.0, 20.0)
