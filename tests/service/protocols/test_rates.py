"""Rates that divide the mains are told from those that do not."""

from __future__ import annotations

import numpy as np
import pytest

from service.protocols.loading import protocols
from service.protocols.rates import MAINS_HZ, off_mains, turn


@pytest.mark.parametrize("rate_hz", [0.2, 0.5, 1.0, 2.0, 3.0, 0.5005, 1.995])
def test_a_rate_that_divides_the_mains_or_nearly_does_is_told(rate_hz: float) -> None:
    """3 Hz divides 60; close by, a hundred sweeps are too few to see all phases."""
    assert not off_mains(rate_hz)


def test_what_the_protocols_propose_averages_the_mains_out() -> None:
    """Whatever they begin with: what is left of the mains in the mean of a train is below 15 %."""
    trains = {s.train for p in protocols().values() for s in p.steps if s.train is not None}
    for train in (one for one in trains if one.kind != "rns"):
        at_s = np.arange(train.count) / train.rate_hz
        for mains_hz in MAINS_HZ:
            assert abs(np.exp(2j * np.pi * mains_hz * at_s).mean()) < 0.15, train


def test_a_turn_is_the_nearer_way_round() -> None:
    """A quarter on and three quarters back are the same."""
    assert turn(4.0, 50.0) == pytest.approx(0.5)
    assert turn(50.0 / 3.75, 50.0) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="above 0"):
        turn(0.0, 50.0)
