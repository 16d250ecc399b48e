"""A motor-neuron pool: exponential sizes and thresholds, rate coding, and the force it gives.

Sources: Fuglevand AJ, Winter DA, Patla AE 1993, J Neurophysiol 70:2470-2488 (thresholds, sizes,
rate coding with saturation, force); scans of the MScanFit multicentre study (27 healthy
muscles: fitted unit amplitudes with a CV of 0.4-1.0, median 0.59; hence a tenfold range of sizes,
to which the depth of each unit adds); De Luca CJ, Hostage EC 2010, J Neurophysiol 104:1034 (later
recruited units fire more slowly at any excitation: the onion skin); Westling G, Johansson RS,
Thomas CK, Bigland-Ritchie B 1990, J Neurophysiol 64:1331 (human thenar units: twitch forces over
little more than a tenfold range, from memory); De Luca CJ, Contessa P 2012, J Neurophysiol 107:1502
(the last units of a hand muscle join at about two thirds of maximal force, from memory). When each
unit fires is worked out in `discharge`. Excitation is in units of the first recruitment threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .front_end import FloatArray

RECRUITMENT_RANGE = 30.0
SIZE_RANGE = 10.0
TWITCH_RANGE = 15.0
RATE_GAIN = 0.6
LOWEST_RATE_HZ = 6.5
PEAK_RATE_HZ = 32.0
PEAK_RATE_FALL_HZ = 10.0
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
