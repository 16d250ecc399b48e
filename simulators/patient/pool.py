"""A motor-neuron pool: exponential sizes and thresholds, rate coding, and when each unit fires.

Sources: Fuglevand AJ, Winter DA, Patla AE 1993, J Neurophysiol 70:2470-2488 (thresholds, sizes,
rate coding with saturation, force); scans of the MScanFit multicentre study (27 healthy
muscles: fitted unit amplitudes with a CV of 0.4-1.0, median 0.59; hence a tenfold range of sizes,
to which the depth of each unit adds); De Luca CJ, Hostage EC 2010, J Neurophysiol 104:1034 (later
recruited units fire more slowly at any excitation: the onion skin); Moritz CT et al. 2005, J
Neurophysiol 93:2449 (interval variability falls from about 0.25 at recruitment towards 0.1-0.15);
Westling G, Johansson RS, Thomas CK, Bigland-Ritchie B 1990, J Neurophysiol 64:1331 (human thenar
units: twitch forces over little more than a tenfold range, from memory); De Luca CJ, Contessa P
2012, J Neurophysiol 107:1502 (the last units of a hand muscle join at about two thirds of maximal
force, from memory); Person RS, Kudina LP 1972 (neighbouring intervals are weakly negatively
correlated, from memory); Piotrkiewicz M et al. 2013 (a first interval of about 10 ms now and then).
Excitation is in units of the first recruitment threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .effects import effect
from .front_end import FloatArray

RECRUITMENT_RANGE = 30.0
SIZE_RANGE = 10.0
TWITCH_RANGE = 15.0
RATE_GAIN = 0.6
LOWEST_RATE_HZ = 6.5
PEAK_RATE_HZ = 32.0
PEAK_RATE_FALL_HZ = 10.0
SHORTEST_INTERVAL_S = 0.012
DOUBLET_S = (0.005, 0.012)
REST_S = 1.0
SLOWEST_TWITCH_S = 0.090  # thenar units, Thomas CK 1990 (from memory)
FASTEST_TWITCH_S = 0.060  # of the largest; the same
STEP_S = 0.002

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
NO_UNITS: IntArray = np.empty(0, dtype=np.int64)
NO_TIMES: FloatArray = np.empty(0)


@dataclass(frozen=True, slots=True)
class PoolProperties:
    """Per unit, smallest first: size (mean 1), recruitment threshold, lowest and highest rate in
    pulses per second, twitch force and contraction time."""

    size: FloatArray
    threshold: FloatArray
    lowest_rate_hz: FloatArray
    peak_rate_hz: FloatArray
    twitch: FloatArray
    contraction_s: FloatArray

    @property
    def highest_excitation(self) -> float:
        """The excitation at which the last unit reaches its peak rate."""
        last = self.peak_rate_hz[-1] - self.lowest_rate_hz[-1]
        return float(self.threshold[-1] + last / RATE_GAIN)

    @classmethod
    def draw(cls, units: int, rng: np.random.Generator) -> PoolProperties:
        """A pool of `units` motor neurons."""
        rank = np.arange(1, units + 1) / units
        size = SIZE_RANGE**rank * np.exp(rng.normal(0.0, 0.1, units))
        twitch = TWITCH_RANGE**rank
        threshold = RECRUITMENT_RANGE ** np.concatenate(([0.0], rank[1:]))
        return cls(
            size=size / size.mean(),
            threshold=threshold,
            lowest_rate_hz=np.clip(rng.normal(LOWEST_RATE_HZ, 0.4, units), 5.3, 7.7),
            peak_rate_hz=PEAK_RATE_HZ - PEAK_RATE_FALL_HZ * threshold / RECRUITMENT_RANGE,
            twitch=twitch,
            contraction_s=SLOWEST_TWITCH_S * (FASTEST_TWITCH_S / SLOWEST_TWITCH_S) ** rank,
        )

    def rates_hz(self, excitation: FloatArray, *, gain_kept: float = 1.0) -> FloatArray:
        """(n_units, n_times) discharge rates for an excitation over time; 0 where not recruited.

        gain_kept: slope of rate on excitation as a fraction of the healthy one.
        """
        above = excitation[None, :] - self.threshold[:, None]
        rate = self.lowest_rate_hz[:, None] + RATE_GAIN * gain_kept * above
        return np.where(above >= 0.0, np.minimum(rate, self.peak_rate_hz[:, None]), 0.0)

    def force(self, excitation: FloatArray, strength: FloatArray) -> FloatArray:
        """Steady force over excitation (arbitrary units). strength: (n_units,) each unit's twitch
        relative to its healthy one, 0 for a lost unit.

        Fuglevand 1993, eq. 10 and 17: twitch times a sigmoid of rate times contraction time.
        """
        fusion = self.rates_hz(excitation) * self.contraction_s[:, None]
        fused = 1.0 - np.exp(-2.0 * fusion**3)
        return np.asarray((strength * self.twitch) @ fused)


class MotorPool:
    """The discharge of one pool. Each unit integrates its rate up to a goal drawn anew for each
    interval: Gaussian intervals, weakly correlated with the one before, that pass on fast
    modulation. A unit that was silent for REST_S may begin with a doublet."""

    def __init__(self, properties: PoolProperties, rng: np.random.Generator) -> None:
        self.properties = properties
        self._rng = rng
        units = properties.size.size
        self._phase = rng.uniform(0.3, 1.0, units)
        self._goal = np.ones(units)
        self._last = np.zeros(units)
        self._silent_s = np.zeros(units)
        self._doublet = np.zeros(units, dtype=np.bool_)
        self._correlation = effect("pool.serial_correlation")
        self._memory = _moving_average(self._correlation)
        self._scatter = 1.0
        self._doublet_share = effect("pool.doublet_at_onset")

    def varies(self, scatter: float, correlation: float) -> None:
        """From now on: interval CV relative to the healthy one, and correlation of neighbours."""
        self._scatter = scatter
        if correlation != self._correlation:
            self._correlation, self._memory = correlation, _moving_average(correlation)

    def poise(self, units: IntArray, share: FloatArray) -> None:
        """Bring units so near to their next discharge, as a share of the interval: a reflex raises
        their potential at once, while a voluntary effort creeps."""
        self._phase[units] = np.maximum(self._phase[units], share * self._goal[units])

    def _begin(self, firing: BoolArray, duration_s: float) -> None:
        """Which of the units that fire again after a rest do so with a doublet."""
        (which,) = (firing & (self._silent_s >= REST_S)).nonzero()
        if which.size:
            self._doublet[which] = self._rng.random(which.size) < self._doublet_share
        self._silent_s += duration_s
        self._silent_s[firing] = 0.0

    def _draw_goals(self, units: IntArray, rate_hz: FloatArray, cv: FloatArray) -> FloatArray:
        """Interval lengths as a fraction of the mean interval, which scatter by `cv`."""
        fresh = self._rng.standard_normal(units.size)
        np.maximum(fresh, -3.0, out=fresh)
        np.minimum(fresh, 3.0, out=fresh)
        now, before = self._memory
        goal = 1.0 + cv * (now * fresh + before * self._last[units])
        self._last[units] = fresh
        np.maximum(goal, SHORTEST_INTERVAL_S * rate_hz, out=goal)
        twice = self._doublet[units]
        if twice.any():
            low, high = DOUBLET_S
            gap_s = low + (high - low) * self._rng.random(int(twice.sum()))
            goal[twice] = gap_s * rate_hz[twice]
            self._doublet[units] = False
        return goal

    def fire(
        self,
        rates_hz: FloatArray,
        course: FloatArray,
        poised: Sequence[tuple[IntArray, FloatArray]] = (),
    ) -> tuple[IntArray, FloatArray]:
        """One stretch of time, in equal parts. rates_hz: (n_units, n_parts) mean rates, 0 for a
        silent unit. course: factor on all of them over time, positive, STEP_S apart. poised: for
        each part the units, and shares, that `poise` first brings near. Returns the units that
        fired and the times in seconds from the start, in order of time."""
        parts = rates_hz.shape[1]
        clock = np.arange(course.size + 1) * STEP_S
        passed = np.zeros(course.size + 1)
        np.cumsum(course, out=passed[1:])
        passed *= STEP_S
        begun = passed[:: course.size // parts]
        rates = np.ascontiguousarray(rates_hz.T)
        gains = rates * np.diff(begun)[:, None]
        found: list[tuple[IntArray, FloatArray]] = []
        for part, (rate, gain, firing) in enumerate(zip(rates, gains, rates > 0.0, strict=True)):
            if poised and poised[part][0].size:
                self.poise(*poised[part])
            self._begin(firing, float(clock[-1]) / parts)
            before, self._phase = self._phase, self._phase + gain
            (due,) = ((self._phase >= self._goal) & firing).nonzero()
            if due.size:
                phase = before.take(due)
                fired = self._discharges(due, phase, rate.take(due), gain.take(due))
                found += [(units, float(begun[part]) + needed) for units, needed in fired]
        if not found:
            return NO_UNITS, NO_TIMES
        units = np.concatenate([some for some, _ in found])
        times = np.interp(np.concatenate([some for _, some in found]), passed, clock)
        order = np.argsort(times, kind="stable")
        return units[order], times[order]

    def _discharges(
        self, due: IntArray, phase: FloatArray, rate: FloatArray, gain: FloatArray
    ) -> list[tuple[IntArray, FloatArray]]:
        """The discharges of units that reach their goal while they gain so much: once, and again
        as long as that lasts; units, and seconds of a steady course until each fires."""
        found: list[tuple[IntArray, FloatArray]] = []
        goal = self._goal.take(due)
        above = np.maximum(rate - LOWEST_RATE_HZ, 0.0)
        cv = self._scatter * (0.12 + 0.09 * np.exp(-0.25 * above))  # falls as the rate rises
        while due.size:
            found.append((due, (goal - phase) / rate))
            phase = phase - goal
            goal = self._draw_goals(due, rate, cv)
            self._phase[due], self._goal[due] = phase + gain, goal
            (again,) = (phase + gain >= goal).nonzero()
            due = due.take(again)
            rate, gain, goal, phase, cv = (
                some.take(again) for some in (rate, gain, goal, phase, cv)
            )
        return found


def _moving_average(correlation: float) -> tuple[float, float]:
    """Weights (now, before) of white noise whose neighbours correlate by `correlation`, variance 1.

    They solve now² + before² = 1 and now * before = correlation.
    """
    half = 0.5 * float(np.arcsin(2.0 * correlation))
    return float(np.cos(half)), float(np.sin(half))


@dataclass(frozen=True, slots=True, eq=False)
class ForceCurve:
    """Steady force over excitation: share of the healthy maximum that each excitation gives."""

    excitation: FloatArray
    share: FloatArray

    @classmethod
    def of(cls, properties: PoolProperties, strength: FloatArray) -> ForceCurve:
        """strength: (n_units,) twitches relative to healthy, 0 for lost units."""
        grid = np.concatenate(([0.0], np.geomspace(1.0, properties.highest_excitation, 160)))
        healthy = properties.force(grid[-1:], np.ones(strength.size))[0]
        reached = np.maximum.accumulate(properties.force(grid, strength))
        return cls(grid, reached / healthy)

    def excitation_for(self, level: float) -> float:
        """The excitation that gives a share of the healthy maximum, or the highest one when none
        does."""
        if level >= self.share[-1]:
            return float(self.excitation[-1])
        return float(np.interp(level, self.share, self.excitation))


def excitation_for(properties: PoolProperties, level: float, strength: FloatArray) -> float:
    """The excitation at which the units give `level` of the healthy maximal force, or the highest
    one when they cannot. strength: (n_units,) twitches relative to healthy, 0 for lost units."""
    return ForceCurve.of(properties, strength).excitation_for(level)
