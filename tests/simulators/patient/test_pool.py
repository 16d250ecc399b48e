"""The pool by itself: who is recruited by how much force, and the order of intervals."""

import numpy as np

from simulators.patient.discharge import Command, MotorPool, fire
from simulators.patient.pool import PoolProperties, excitation_for
from simulators.patient.streams import random_stream

UNITS = 120


def _discharges(seconds):
    """(units, times) of a pool at 10 per second from a rest of 2 s on."""
    pool = MotorPool.of(UNITS, random_stream(1, "discharge"))
    rest, effort = (Command(np.full((UNITS, 1), hz), np.ones(20)) for hz in (0.0, 10.0))
    for _ in range(50):
        fire([pool], [rest])
    found = [fire([pool], [effort])[0] for _ in range(int(seconds / 0.04))]
    units = np.concatenate([one for one, _ in found])
    times = np.concatenate([0.04 * step + at for step, (_, at) in enumerate(found)])
    return units, times


def test_fifteen_percent_of_force_takes_about_three_fifths_of_the_pool():
    """And the last unit joins between half and four fifths of maximal force."""
    properties = PoolProperties.draw(UNITS, random_stream(1, "pool"))
    strength = np.ones(UNITS)
    recruited = properties.threshold <= excitation_for(properties, 0.15, strength)
    assert 0.5 < recruited.mean() < 0.7
    both = np.array([properties.threshold[-1], properties.highest_excitation])
    last, most = properties.force(both, strength)
    assert 0.5 < last / most < 0.8


def test_neighbouring_intervals_are_weakly_negatively_correlated():
    """Lag one about -0.12, lag two about 0."""
    units, times = _discharges(60.0)
    lags = {1: [], 2: []}
    for unit in range(UNITS):
        intervals = np.diff(times[units == unit])[2:]
        for lag, found in lags.items():
            found.append(np.corrcoef(intervals[:-lag], intervals[lag:])[0, 1])
    assert -0.16 < np.mean(lags[1]) < -0.08
    assert abs(np.mean(lags[2])) < 0.03


def test_some_units_begin_with_a_doublet_and_none_doubles_later():
    """A first interval of 5-12 ms in a few units after rest; afterwards none."""
    units, times = _discharges(10.0)
    trains = [np.diff(times[units == unit]) for unit in range(UNITS)]
    doubled = [one[0] for one in trains if one[0] < 0.02]
    assert 1 <= len(doubled) < 0.15 * UNITS
    assert 0.005 <= min(doubled) <= max(doubled) <= 0.012
    assert min(one[1:].min() for one in trains) > 0.02


def _published_share(force, twitch_range):
    """Share of a pool that Fuglevand 1993 has at work at a share of maximal force, by its own
    equations and constants (recruitment range 30, gain 1, 8 to 35 and 25 per second)."""
    rank = np.arange(1, UNITS + 1) / UNITS
    threshold, twitch = 30.0**rank, twitch_range**rank
    contraction_s = 0.090 * twitch ** (-np.log(3.0) / np.log(twitch_range))
    peak_hz = 35.0 - 10.0 * threshold / 30.0

    def pull(excitation):
        hz = np.minimum(8.0 + excitation - threshold, peak_hz) * (excitation >= threshold)
        fused = contraction_s * hz
        sigmoid = (1.0 - np.exp(-2.0 * np.maximum(fused, 0.4) ** 3)) / np.maximum(fused, 0.4)
        return float((fused * twitch * sigmoid).sum())

    excitation = np.linspace(0.0, threshold[-1] + peak_hz[-1] - 8.0, 2000)
    reached = np.array([pull(one) for one in excitation])
    needed = excitation[np.searchsorted(reached, force * reached[-1])]
    return float((threshold <= needed).mean())


def test_at_a_twentieth_of_force_as_many_units_work_as_in_the_published_model():
    """Two fifths; the model itself has half of them with its twitches over a hundredfold range, as
    many as here over the range of human thenar units."""
    properties = PoolProperties.draw(UNITS, random_stream(1, "pool"))
    here = properties.threshold <= excitation_for(properties, 0.05, np.ones(UNITS))
    assert 0.28 < _published_share(0.05, 15.0) <= here.mean() < _published_share(0.05, 100.0) < 0.6
