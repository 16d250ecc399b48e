"""Force from the twitches of motor units, and what sustained force does to them.

A unit's twitch is the impulse response of a critically damped second-order system; its gain falls
as the intervals shorten, so that rate codes force by a sigmoid.

Sources: Fuglevand AJ, Winter DA, Patla AE 1993, J Neurophysiol 70:2470 (twitch, eq. 10; gain by
interval, eq. 17); Bigland-Ritchie B et al. 1983, J Physiol 340:335 (rates fall during maximal
efforts); Merletti R, Knaflitz M, De Luca CJ 1990, J Appl Physiol 69:1810 (conduction velocity and
median frequency fall with force and time); Rohmert W 1960 (no end to a hold below 15 % of maximal).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .effects import effect
from .front_end import STEP_S, FloatArray
from .pool import NO_TIMES, NO_UNITS, IntArray, PoolProperties

POINT_S = 0.004  # between values of the force
POINTS = round(STEP_S / POINT_S)
POINT_TIMES_S = POINT_S * np.arange(1, POINTS + 1)
ELECTROMECHANICAL_S = 0.012
LINEAR_BELOW = 0.4  # rate times contraction time up to which twitches add up
CEILING = math.e * LINEAR_BELOW / (1.0 - math.exp(-2.0 * LINEAR_BELOW**3))
FADED = 1e-6


def twitch_gain(fusion: FloatArray) -> FloatArray:
    """Height of a twitch relative to a single one, for contraction time over interval."""
    x = np.maximum(fusion, LINEAR_BELOW)
    linear = (1.0 - math.exp(-2.0 * LINEAR_BELOW**3)) / LINEAR_BELOW
    return np.asarray((1.0 - np.exp(-2.0 * x**3)) / x / linear)


class Forces:
    """The force of all muscles in time steps of STEP_S, per cent of each one's own healthy maximum.
    Their units stand in one row, muscle after muscle."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._twitch = self._contraction_s = self._slope = self._value = np.empty(0)
        self._last_s = np.empty(0)
        self._decay = self._ramp = np.empty((0, POINTS))
        self._pulling = False
        self._waiting: list[tuple[IntArray, FloatArray]] = []

    def join(self, properties: PoolProperties) -> None:
        """One more muscle, at rest until now."""
        units = properties.twitch.size
        best = properties.force(np.array([properties.highest_excitation]), np.ones(units))[0]
        height = properties.twitch * (100.0 * math.e / (CEILING * float(best)))
        self._first.append(self._twitch.size)
        self._twitch = np.append(self._twitch, height)
        self._contraction_s = np.append(self._contraction_s, properties.contraction_s)
        self._slope, self._value = (
            np.append(state, np.zeros(units)) for state in (self._slope, self._value)
        )
        self._last_s = np.append(self._last_s, np.full(units, -np.inf))
        times = POINT_TIMES_S / self._contraction_s[:, None]
        self._decay = np.exp(-times)
        self._ramp = times * self._decay

    def add(self, muscle: int, units: IntArray, times_s: FloatArray) -> None:
        """Discharges that reach muscle number `muscle`, in seconds since power-on, from the present
        step on."""
        if units.size:
            self._waiting.append((units + self._first[muscle], times_s + ELECTROMECHANICAL_S))

    def step(self, start_s: float, strength: FloatArray) -> FloatArray:
        """(n_muscles, POINTS) force at the end of each POINT_S of this step. strength: of every
        unit, muscle after muscle, its twitch relative to its healthy one."""
        units, since_s = self._due(start_s)
        if not units.size and not self._pulling:
            return np.zeros((len(self._first), POINTS))
        value = self._value * self._decay[:, -1] + self._slope * self._ramp[:, -1]
        slope = self._slope * self._decay[:, -1]
        force = self._course()
        if units.size:
            when = start_s + since_s
            time = self._contraction_s[units]
            before = self._last_s[units]
            again = np.flatnonzero(units[1:] == units[:-1]) + 1
            before[again] = when[again - 1]
            self._last_s[units] = when
            interval = np.maximum(when - before, 1e-3)
            height = strength[units] * self._twitch[units] * twitch_gain(time / interval)
            faded = self._decay[units]  # of a twitch as old as this step, so:
            faded *= (height * np.exp(since_s / time))[:, None]
            past = POINT_TIMES_S - since_s[:, None]
            np.maximum(past, 0.0, out=past)
            past /= time[:, None]
            risen = np.multiply(faded, past, out=past)
            whose = np.searchsorted(self._first, units, side="right") - 1
            force += (whose == np.arange(len(self._first))[:, None]).astype(np.float64) @ risen
            value += np.bincount(units, risen[:, -1], value.size)
            slope += np.bincount(units, faded[:, -1], slope.size)
        small = slope + value < FADED
        value[small] = slope[small] = 0.0
        self._value, self._slope = value, slope
        self._pulling = not small.all()
        return force

    def _course(self) -> FloatArray:
        """(n_muscles, POINTS) what the twitches that have begun before still give in this step."""
        ends = [*self._first[1:], self._twitch.size]
        parts = [slice(*edges) for edges in zip(self._first, ends, strict=True)]
        return np.array(
            [
                self._value[part] @ self._decay[part] + self._slope[part] @ self._ramp[part]
                for part in parts
            ]
        )

    def _due(self, start_s: float) -> tuple[IntArray, FloatArray]:
        """Twitches that begin within this step, seconds after its start; unit by unit, in order of
        time."""
        if not self._waiting:
            return NO_UNITS, NO_TIMES
        units = np.concatenate([some for some, _ in self._waiting])
        since = np.concatenate([some for _, some in self._waiting]) - start_s
        later = since >= STEP_S
        self._waiting = []
        if later.any():
            self._waiting = [(units[later], since[later] + start_s)]
            units, since = units[~later], since[~later]
        since = np.maximum(since, 0.0)
        in_time = np.argsort(since, kind="stable")
        # Short integers are sorted by counting.
        order = in_time[np.argsort(units[in_time].astype(np.uint16), kind="stable")]
        return units[order], since[order]


@dataclass(slots=True)
class Fatigue:
    """How tired one muscle is, 0 to 1; `level` rises with force above the share that can be held
    for ever, and recovers below it."""

    level: float = 0.0

    def step(self, load: float, duration_s: float) -> None:
        """One time step at `load`, the force as a share of what the rested muscle could give."""
        endless = effect("fatigue.endless_load")
        over = max(load - endless, 0.0) / (0.6 - endless)
        if over > 0.0:
            grown = effect("fatigue.per_s") * over**1.4 * duration_s
            self.level += grown * (1.0 - self.level)
        elif self.level:
            self.level *= math.exp(-duration_s / effect("fatigue.recovery_s"))

    @property
    def velocity(self) -> float:
        """Fibre conduction velocity, relative to rested."""
        return 1.0 - effect("fatigue.velocity_lost") * self.level

    @property
    def twitch(self) -> float:
        """Twitch force, relative to rested."""
        return 1.0 - effect("fatigue.force_lost") * self.level

    @property
    def rate(self) -> float:
        """Discharge rate at an excitation, relative to rested."""
        return 1.0 - effect("fatigue.rate_lost") * self.level
