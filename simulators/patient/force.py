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
ELECTROMECHANICAL_S = 0.012
LINEAR_BELOW = 0.4  # rate times contraction time up to which twitches add up
CEILING = math.e * LINEAR_BELOW / (1.0 - math.exp(-2.0 * LINEAR_BELOW**3))
FADED = 1e-6


def twitch_gain(fusion: FloatArray) -> FloatArray:
    """Height of a twitch relative to a single one, for contraction time over interval."""
    x = np.maximum(fusion, LINEAR_BELOW)
    linear = (1.0 - math.exp(-2.0 * LINEAR_BELOW**3)) / LINEAR_BELOW
    return np.asarray((1.0 - np.exp(-2.0 * x**3)) / x / linear)


class MuscleForce:
    """The force of one muscle in time steps of STEP_S, per cent of its own healthy maximum."""

    def __init__(self, properties: PoolProperties) -> None:
        units = properties.twitch.size
        best = properties.force(np.array([properties.highest_excitation]), np.ones(units))[0]
        self._twitch = properties.twitch * (100.0 * math.e / (CEILING * float(best)))
        self._contraction_s = properties.contraction_s
        times = POINT_S * np.arange(1, POINTS + 1) / self._contraction_s[:, None]
        self._decay = np.exp(-times)
        self._ramp = times * self._decay
        self._slope, self._value = np.zeros(units), np.zeros(units)
        self._last_s = np.full(units, -np.inf)
        self._waiting: list[tuple[IntArray, FloatArray]] = []

    def add(self, units: IntArray, times_s: FloatArray) -> None:
        """Discharges that reach the muscle, in seconds since power-on, from the present step on."""
        if units.size:
            self._waiting.append((units, times_s + ELECTROMECHANICAL_S))

    def step(self, start_s: float, strength: FloatArray) -> FloatArray:
        """(POINTS,) force at the end of each POINT_S of this step. strength: (n_units,) each
        unit's twitch relative to its healthy one."""
        units, since_s = self._due(start_s)
        force = self._value @ self._decay + self._slope @ self._ramp
        last, last_ramp = self._decay[:, -1], self._ramp[:, -1]
        value = self._value * last + self._slope * last_ramp
        slope = self._slope * last
        if units.size:
            height = strength[units] * self._twitch[units] * self._gains(units, start_s + since_s)
            time = self._contraction_s[units]
            points = POINT_S * np.arange(1, POINTS + 1)
            past = np.maximum(points - since_s[:, None], 0.0) / time[:, None]
            force = force + height @ (past * np.exp(-past))
            rest = past[:, -1]
            faded = height * np.exp(-rest)
            value += np.bincount(units, faded * rest, value.size)
            slope += np.bincount(units, faded, slope.size)
        small = slope + value < FADED
        self._value, self._slope = np.where(small, 0.0, value), np.where(small, 0.0, slope)
        return np.asarray(force)

    def _due(self, start_s: float) -> tuple[IntArray, FloatArray]:
        """Twitches that begin within this step, seconds after its start, in order of time."""
        if not self._waiting:
            return NO_UNITS, NO_TIMES
        units = np.concatenate([some for some, _ in self._waiting])
        since = np.concatenate([some for _, some in self._waiting]) - start_s
        later = since >= STEP_S
        self._waiting = [(units[later], since[later] + start_s)] if later.any() else []
        order = np.argsort(since[~later], kind="stable")
        return units[~later][order], np.maximum(since[~later][order], 0.0)

    def _gains(self, units: IntArray, times_s: FloatArray) -> FloatArray:
        """Gain of each twitch by its interval from the one before."""
        order = np.lexsort((times_s, units))
        who, when = units[order], times_s[order]
        before = self._last_s[who]
        again = np.flatnonzero(who[1:] == who[:-1]) + 1
        before[again] = when[again - 1]
        self._last_s[who] = when
        interval = np.maximum(when - before, 1e-3)
        gains = np.empty(units.size)
        gains[order] = twitch_gain(self._contraction_s[who] / interval)
        return gains


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
