"""A motor-neuron pool: exponential sizes and thresholds, rate coding, and when each unit fires.

Sources: Fuglevand AJ, Winter DA, Patla AE 1993, J Neurophysiol 70:2470-2488 (thresholds, sizes,
rate coding with saturation, force); De Luca CJ, Hostage EC 2010, J Neurophysiol 104:1034 (later
recruited units fire more slowly at any excitation: the onion skin); Moritz CT et al. 2005, J
Neurophysiol 93:2449 (interval variability falls from about 0.25 at recruitment towards 0.1-0.15).
Excitation is in units of the first recruitment threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .front_end import FloatArray

RECRUITMENT_RANGE = 30.0
SIZE_RANGE = 30.0
RATE_GAIN = 0.4
LOWEST_RATE_HZ = 6.5
PEAK_RATE_HZ = 32.0
PEAK_RATE_FALL_HZ = 10.0
SHORTEST_INTERVAL_S = 0.012
SLOWEST_TWITCH_S = 0.090  # to 60 ms in the largest: thenar units, Thomas CK 1990 (from memory)
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
        twitch = 100.0**rank
        threshold = RECRUITMENT_RANGE ** np.concatenate(([0.0], rank[1:]))
        return cls(
            size=size / size.mean(),
            threshold=threshold,
            lowest_rate_hz=np.clip(rng.normal(LOWEST_RATE_HZ, 0.4, units), 5.3, 7.7),
            peak_rate_hz=PEAK_RATE_HZ - PEAK_RATE_FALL_HZ * threshold / RECRUITMENT_RANGE,
            twitch=twitch,
            contraction_s=SLOWEST_TWITCH_S * twitch**-0.09,
        )

    def rates_hz(self, excitation: FloatArray, *, gain_kept: float = 1.0) -> FloatArray:
        """(n_units, n_times) discharge rates for an excitation over time; 0 where not recruited.

        gain_kept: slope of rate on excitation as a fraction of the healthy one.
        """
        above = excitation[None, :] - self.threshold[:, None]
        rate = self.lowest_rate_hz[:, None] + RATE_GAIN * gain_kept * above
        return np.where(above >= 0.0, np.minimum(rate, self.peak_rate_hz[:, None]), 0.0)

    def force(self, excitation: FloatArray, units: BoolArray) -> FloatArray:
        """Steady force of the given units over excitation (arbitrary units).

        Fuglevand 1993, eq. 10 and 17: twitch times a sigmoid of rate times contraction time.
        """
        fusion = self.rates_hz(excitation) * self.contraction_s[:, None]
        fused = 1.0 - np.exp(-2.0 * fusion**3)
        return np.asarray((self.twitch[:, None] * fused)[units].sum(axis=0))


class MotorPool:
    """The discharge of one pool. Each unit integrates its rate up to a goal drawn anew for each
    interval: a renewal process with Gaussian intervals that passes on fast modulation."""

    def __init__(self, properties: PoolProperties, rng: np.random.Generator) -> None:
        self.properties = properties
        self._rng = rng
        units = properties.size.size
        self._phase = rng.uniform(0.3, 1.0, units)
        self._goal = np.ones(units)

    def _draw_goals(self, rate_hz: FloatArray) -> FloatArray:
        """Interval lengths as a fraction of the mean interval; scatter falls as the rate rises."""
        above = np.maximum(rate_hz - LOWEST_RATE_HZ, 0.0)
        cv = 0.12 + 0.09 * np.exp(-above / 4.0)
        scatter = self._rng.standard_normal(rate_hz.size)
        goal = 1.0 + cv * np.minimum(np.maximum(scatter, -3.0), 3.0)
        return np.maximum(goal, SHORTEST_INTERVAL_S * rate_hz)

    def fire(self, rates_hz: FloatArray, course: FloatArray) -> tuple[IntArray, FloatArray]:
        """One stretch of time. rates_hz: (n_units,) mean rates, 0 for a silent unit. course: factor
        on all of them over time, positive, STEP_S apart. Returns the units that fired and the times
        in seconds from the start, in order of time."""
        clock = np.arange(course.size + 1) * STEP_S
        passed = np.concatenate(([0.0], np.cumsum(course) * STEP_S))
        active = np.flatnonzero(rates_hz)
        rate, phase, goal = rates_hz[active], self._phase[active], self._goal[active]
        waiting = np.flatnonzero(phase + rate * passed[-1] >= goal)
        found: list[tuple[IntArray, FloatArray]] = []
        while waiting.size:
            needed = (goal[waiting] - phase[waiting]) / rate[waiting]
            found.append((active[waiting], np.interp(needed, passed, clock)))
            phase[waiting] -= goal[waiting]
            goal[waiting] = self._draw_goals(rate[waiting])
            waiting = waiting[phase[waiting] + rate[waiting] * passed[-1] >= goal[waiting]]
        self._phase[active] = phase + rate * passed[-1]
        self._goal[active] = goal
        if not found:
            return NO_UNITS, NO_TIMES
        units = np.concatenate([some for some, _ in found])
        times = np.concatenate([some for _, some in found])
        order = np.argsort(times, kind="stable")
        return units[order], times[order]


def excitation_for(
    properties: PoolProperties, level: float, alive: BoolArray, unit_growth: float
) -> float:
    """The excitation at which the living units give `level` of the healthy maximal force, or the
    highest one when they cannot. unit_growth: force of a unit relative to healthy."""
    grid = np.concatenate(([0.0], np.geomspace(1.0, properties.highest_excitation, 160)))
    healthy = properties.force(grid[-1:], np.ones(alive.size, dtype=np.bool_))[0]
    reached = unit_growth * properties.force(grid, alive)
    if level * healthy >= reached[-1]:
        return properties.highest_excitation
    return float(np.interp(level * healthy, np.maximum.accumulate(reached), grid))
