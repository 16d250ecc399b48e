"""The measured rate, from arrivals that come late in bursts."""

from __future__ import annotations

import numpy as np
import pytest

from service.acquisition.rate import RateMeter


@pytest.mark.parametrize("true_hz", [250.0, 250.25, 247.0])
def test_bursts_and_delays_do_not_move_the_rate(true_hz: float) -> None:
    """Blocks held back up to 40 ms, and one second of 300 ms: within 0.1 %."""
    rng = np.random.default_rng(3)
    meter = RateMeter(250.0)
    for end in range(5, int(30 * true_hz), 5):
        true_s = end / true_hz
        late_s = rng.uniform(0, 0.04) + (0.3 if 10 < true_s < 11 else 0.0)
        meter.add(true_s + late_s, end)
    assert meter.rate_hz == pytest.approx(true_hz, rel=1e-3)


def test_lost_samples_do_not_move_the_rate() -> None:
    """The index counts them."""
    meter = RateMeter(1000.0)
    for end in range(50, 20_000, 50):
        if not 5000 < end < 9000:
            meter.add(end / 1000.0, end)
    assert meter.rate_hz == pytest.approx(1000.0, rel=1e-6)


def test_before_five_seconds_the_rate_is_unknown() -> None:
    """Unknown, not nominal; and nothing is wrong yet."""
    meter = RateMeter(1000.0)
    for end in range(50, 5000, 50):
        meter.add(end / 900.0, end)
        assert (meter.rate_hz is None) or end / 900.0 >= 5.0
    assert RateMeter(1000.0).sentence == ""


def test_a_drift_is_followed_within_a_minute() -> None:
    """The window is 60 s: what the rate was before does not count for ever."""
    meter, t_s = RateMeter(1000.0), 0.0
    for end in range(50, 200_000, 50):
        t_s += 0.05 if end < 60_000 else 0.051
        meter.add(t_s, end)
    assert meter.rate_hz == pytest.approx(1000.0 / 1.02, rel=1e-4)
    assert "instead of 1000 (-2.0 %)" in meter.sentence
