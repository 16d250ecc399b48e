"""The joint that an examiner moves: its angle over time during a stretch.

Angles are 0° where flexor muscles are short and 100° where they are long; for extensors the other
way round. A stretch of a given velocity goes out at that velocity, waits, and comes back slowly.

Source: Calota A, Levin MF 2009, Top Stroke Rehabil 16:177 (stretches over the whole range at
various velocities).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .front_end import FloatArray
from .tasks import Task

SHORT_DEG, LONG_DEG = 5.0, 95.0
SPEED_UP_S = 0.04
FAST_DEG_S = 300.0  # as fast as the examiner can
HELD_SHARE = 0.83  # of the range, while clonus is looked for
CLONUS_EVERY_S, CLONUS_LASTS_S = 8.0, 7.0
WAIT_S, HOLD_S = 0.6, 1.2
BACK_DEG_S = 25.0
VELOCITY_CV = 0.06  # an examiner's hand is no motor


@dataclass(frozen=True, slots=True)
class Stretch:
    """One movement out and back: when it begins, how fast and far, when and how fast it returns."""

    begins_s: float
    velocity_deg_s: float
    range_deg: float
    returns_s: float
    back_deg_s: float

    @property
    def ends_s(self) -> float:
        """When the joint is back."""
        return self.returns_s + self.range_deg / self.back_deg_s + SPEED_UP_S

    def motion(self, times_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Angle from where it began, and velocity, over time."""
        out, forth = _moved(times_s - self.begins_s, self.range_deg, self.velocity_deg_s)
        back, home = _moved(times_s - self.returns_s, self.range_deg, self.back_deg_s)
        return out - back, forth - home


def _moved(since_s: FloatArray, range_deg: float, velocity: float) -> tuple[FloatArray, FloatArray]:
    """Way and velocity of a movement that speeds up and slows down evenly, at times in order."""
    last = range_deg / velocity + SPEED_UP_S
    if since_s[0] >= last or since_s[-1] <= 0.0:  # over, or not yet begun
        return np.full(since_s.size, range_deg * (since_s[0] > 0.0)), np.zeros(since_s.size)
    t = np.minimum(np.maximum(since_s, 0.0), last)
    left = last - t
    speed = velocity * np.minimum(np.minimum(t, left) / SPEED_UP_S, 1.0)
    rising = 0.5 * velocity * t**2 / SPEED_UP_S
    falling = range_deg - 0.5 * velocity * left**2 / SPEED_UP_S
    steady = velocity * (t - 0.5 * SPEED_UP_S)
    way = np.where(t < SPEED_UP_S, rising, np.where(left < SPEED_UP_S, falling, steady))
    return way, speed


class Joint:
    """The stretches of one limb, one after the other, as long as the task lasts."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._stretch: Stretch | None = None
        self._task: Task | None = None

    def step(self, task: Task, start_s: float) -> None:
        """Plan the stretch that a time step lies in."""
        if task.name != "stretch":
            self._stretch = None
        elif task != self._task or self._is_over(start_s):
            self._stretch = self._planned(task, start_s)
        self._task = task

    @property
    def moving(self) -> bool:
        """Whether a stretch is under way."""
        return self._stretch is not None

    def _planned(self, task: Task, start_s: float) -> Stretch:
        whole = LONG_DEG - SHORT_DEG
        if task.velocity_deg_s is None:
            far = HELD_SHARE * whole
            return Stretch(start_s, FAST_DEG_S, far, start_s + CLONUS_LASTS_S, FAST_DEG_S)
        scatter = 1.0 + VELOCITY_CV * float(np.clip(self._rng.standard_normal(), -2.5, 2.5))
        begins_s = start_s + WAIT_S + 0.2 * float(self._rng.random())
        velocity = task.velocity_deg_s * scatter
        returns_s = begins_s + whole / velocity + SPEED_UP_S + HOLD_S
        return Stretch(begins_s, velocity, whole, returns_s, BACK_DEG_S)

    def _is_over(self, start_s: float) -> bool:
        stretch = self._stretch
        if stretch is None or self._task is None:
            return False
        held = self._task.velocity_deg_s is None
        ends_s = stretch.begins_s + CLONUS_EVERY_S if held else stretch.ends_s
        return start_s >= ends_s - 1e-9

    def motion(self, times_s: FloatArray, extensor: bool) -> tuple[FloatArray, FloatArray]:
        """Angle in degrees and lengthening in degrees per second of a muscle over time."""
        if self._stretch is None:
            angle, velocity = np.full(times_s.size, SHORT_DEG), np.zeros(times_s.size)
        else:
            moved, velocity = self._stretch.motion(times_s)
            angle = SHORT_DEG + moved
        return (100.0 - angle, -velocity) if extensor else (angle, velocity)
