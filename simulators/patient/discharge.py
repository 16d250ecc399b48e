"""When the motor neurons of all pools fire, for rates that the muscles want.

Each unit integrates its rate up to a goal drawn anew for each interval: Gaussian intervals, weakly
correlated with the one before, that pass on fast modulation. A unit that was silent for REST_S may
begin with a doublet. Every pool draws from its own stream, so that what one does changes nothing in
the others; they are reckoned in one go because that takes a fraction of the time.

Sources: Moritz CT et al. 2005, J Neurophysiol 93:2449 (interval variability falls from about 0.25
at recruitment towards 0.1-0.15); Person RS, Kudina LP 1972 (neighbouring intervals are weakly
negatively correlated, from memory); Piotrkiewicz M et al. 2013 (a first interval of about 10 ms now
and then).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .effects import effect
from .front_end import FloatArray
from .pool import LOWEST_RATE_HZ, STEP_S, BoolArray, IntArray

SHORTEST_INTERVAL_S = 0.012
DOUBLET_S = (0.005, 0.012)
REST_S = 1.0
Draw = Callable[[np.random.Generator, int], FloatArray]
Fired = tuple[IntArray, FloatArray]


@dataclass(slots=True, eq=False)
class MotorPool:
    """The state of one pool of motor neurons; arrays are (n_units,).

    phase: how far each unit has come, and goal: how far it has to, in mean intervals. fresh: the
    noise in that goal. silent_s: since its last part with a rate. doublet: whether its next
    interval is one.
    """

    rng: np.random.Generator
    phase: FloatArray
    goal: FloatArray
    fresh: FloatArray
    silent_s: FloatArray
    doublet: BoolArray
    scatter: float
    memory: tuple[float, float]

    @classmethod
    def of(cls, units: int, rng: np.random.Generator) -> MotorPool:
        """A pool of so many neurons at rest."""
        return cls(
            rng,
            phase=rng.uniform(0.3, 1.0, units),
            goal=np.ones(units),
            fresh=np.zeros(units),
            silent_s=np.zeros(units),
            doublet=np.zeros(units, dtype=np.bool_),
            scatter=1.0,
            memory=_moving_average(effect("pool.serial_correlation")),
        )

    def varies(self, scatter: float, correlation: float) -> None:
        """From now on: interval CV relative to the healthy one, and correlation of neighbours."""
        self.scatter, self.memory = scatter, _moving_average(correlation)


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """What one pool is to do in one stretch of time, in equal parts. rates_hz: (n_units, n_parts)
    mean rates, 0 for a silent unit. course: factor on all of them over time, positive, STEP_S
    apart. poised: for each part the units that a reflex first brings near to their discharge, and
    how near, as a share of the interval (a voluntary effort creeps); empty: none in any."""

    rates_hz: FloatArray
    course: FloatArray
    poised: Sequence[tuple[IntArray, FloatArray]] = ()


def fire(pools: Sequence[MotorPool], commands: Sequence[Command]) -> list[Fired]:
    """One stretch of time for each pool: the units that fired and the times in seconds from the
    start, in order of time. All commands are of the same length and number of parts."""
    return _Ensemble(pools).fire(commands) if pools else []


class _Ensemble:
    """Several pools as if they were one, their units in one row, for one stretch of time."""

    def __init__(self, pools: Sequence[MotorPool]) -> None:
        self._pools = pools
        counts = [pool.phase.size for pool in pools]
        self._edges = np.concatenate(([0], np.cumsum(counts)))
        self._whose = np.repeat(np.arange(len(pools)), counts)
        self._phase, self._goal, self._fresh, self._silent_s = (
            np.concatenate([getattr(pool, name) for pool in pools])
            for name in ("phase", "goal", "fresh", "silent_s")
        )
        self._doublet = np.concatenate([pool.doublet for pool in pools])
        settings = np.array([(pool.scatter, *pool.memory) for pool in pools])
        self._scatter, self._now, self._before = settings.T[:, self._whose]

    def fire(self, commands: Sequence[Command]) -> list[Fired]:
        """See the function of this name."""
        courses = np.array([command.course for command in commands])
        parts = commands[0].rates_hz.shape[1]
        passed = np.zeros((len(commands), courses.shape[1] + 1))
        np.cumsum(courses, axis=1, out=passed[:, 1:])
        passed *= STEP_S
        begun = passed[:, :: courses.shape[1] // parts]
        rates = np.concatenate([command.rates_hz.T for command in commands], axis=1)
        gains = rates * np.diff(begun, axis=1).T[:, self._whose]
        clock = np.arange(courses.shape[1] + 1) * STEP_S
        found: list[Fired] = []
        for part, (rate, gain, firing) in enumerate(zip(rates, gains, rates > 0.0, strict=True)):
            self._poise(commands, part)
            self._begin(firing, float(clock[-1]) / parts)
            before, self._phase = self._phase, self._phase + gain
            (due,) = ((self._phase >= self._goal) & firing).nonzero()
            if due.size:
                begin = begun[:, part]
                fired = self._discharges(due, before.take(due), rate.take(due), gain.take(due))
                found += [(units, begin[self._whose[units]] + needed) for units, needed in fired]
        self._give_back()
        return self._told(found, passed, clock)

    def _poise(self, commands: Sequence[Command], part: int) -> None:
        for first, command in zip(self._edges.tolist(), commands, strict=False):
            if command.poised and command.poised[part][0].size:
                units, share = first + command.poised[part][0], command.poised[part][1]
                self._phase[units] = np.maximum(self._phase[units], share * self._goal[units])

    def _begin(self, firing: BoolArray, duration_s: float) -> None:
        """Which of the units that fire again after a rest do so with a doublet."""
        (which,) = (firing & (self._silent_s >= REST_S)).nonzero()
        if which.size:
            thrown = self._drawn(which, lambda rng, count: rng.random(count))
            self._doublet[which] = thrown < effect("pool.doublet_at_onset")
        self._silent_s += duration_s
        self._silent_s[firing] = 0.0

    def _discharges(
        self, due: IntArray, phase: FloatArray, rate: FloatArray, gain: FloatArray
    ) -> list[Fired]:
        """The discharges of units that reach their goal while they gain so much: once, and again
        as long as that lasts; units, and seconds of a steady course until each fires."""
        found: list[Fired] = []
        goal = self._goal.take(due)
        above = np.maximum(rate - LOWEST_RATE_HZ, 0.0)
        cv = self._scatter[due] * (0.12 + 0.09 * np.exp(-0.25 * above))  # falls as the rate rises
        while True:
            found.append((due, (goal - phase) / rate))
            phase = phase - goal
            goal = self._draw_goals(due, rate, cv)
            self._phase[due], self._goal[due] = phase + gain, goal
            (again,) = (phase + gain >= goal).nonzero()
            if not again.size:
                return found
            due = due.take(again)
            rate, gain, goal, phase, cv = (
                some.take(again) for some in (rate, gain, goal, phase, cv)
            )

    def _draw_goals(self, units: IntArray, rate_hz: FloatArray, cv: FloatArray) -> FloatArray:
        """Interval lengths as a fraction of the mean interval, which scatter by `cv`."""
        fresh = self._drawn(units, lambda rng, count: rng.standard_normal(count))
        np.maximum(fresh, -3.0, out=fresh)
        np.minimum(fresh, 3.0, out=fresh)
        kept = self._before[units] * self._fresh[units]
        goal: FloatArray = 1.0 + cv * (self._now[units] * fresh + kept)
        self._fresh[units] = fresh
        np.maximum(goal, SHORTEST_INTERVAL_S * rate_hz, out=goal)
        (twice,) = self._doublet[units].nonzero()
        if twice.size:
            low, high = DOUBLET_S
            thrown = self._drawn(units[twice], lambda rng, count: rng.random(count))
            goal[twice] = (low + (high - low) * thrown) * rate_hz[twice]
            self._doublet[units] = False
        return goal

    def _drawn(self, units: IntArray, draw: Draw) -> FloatArray:
        """A number for each of some units, in order, each from its own pool's stream."""
        if len(self._pools) == 1:
            return draw(self._pools[0].rng, units.size)
        ends = np.searchsorted(units, self._edges).tolist()
        return np.concatenate(
            [
                draw(pool.rng, end - begin)
                for pool, begin, end in zip(self._pools, ends, ends[1:], strict=False)
                if end > begin
            ]
        )

    def _give_back(self) -> None:
        edges = self._edges.tolist()
        for pool, begin, end in zip(self._pools, edges, edges[1:], strict=False):
            mine = slice(begin, end)
            pool.phase, pool.goal = self._phase[mine], self._goal[mine]
            pool.fresh, pool.silent_s = self._fresh[mine], self._silent_s[mine]
            pool.doublet = self._doublet[mine]

    def _told(self, found: list[Fired], passed: FloatArray, clock: FloatArray) -> list[Fired]:
        """Pool by pool; the seconds of a steady course become those of the clock."""
        units = np.concatenate([some for some, _ in found] or [np.empty(0, dtype=np.int64)])
        needed = np.concatenate([some for _, some in found] or [np.empty(0)])
        whose = self._whose[units]
        told: list[Fired] = []
        for number, course in enumerate(passed):
            (mine,) = (whose == number).nonzero()
            times = np.interp(needed[mine], course, clock)
            order = np.argsort(times, kind="stable")
            told.append((units[mine[order]] - self._edges[number], times[order]))
        return told


def _moving_average(correlation: float) -> tuple[float, float]:
    """Weights (now, before) of white noise whose neighbours correlate by `correlation`, variance 1.

    They solve now² + before² = 1 and now * before = correlation.
    """
    half = 0.5 * float(np.arcsin(2.0 * correlation))
    return float(np.cos(half)), float(np.sin(half))
