"""Force and joint angle as leads: what a load cell or a goniometer gives the same amplifier.

The force lead gives 10 µV per per cent of the muscle's own healthy maximum (1 mV is all of it), the
angle lead 10 µV per degree, 0° where the muscle is short.
"""

from __future__ import annotations

import numpy as np

from .drawing import Traces
from .drive import Order
from .force import POINT_S, POINTS
from .front_end import STEP_S, FloatArray
from .muscle import Muscle
from .truth import Course, TruthLog

UV_PER_PERCENT = 10.0
UV_PER_DEG = 10.0


class Transducers:
    """Lays the force and the angle of each muscle on their leads, and keeps their truth."""

    def __init__(self, traces: Traces, truth: TruthLog) -> None:
        self._traces, self._truth = traces, truth
        self._last: dict[str, float] = {}

    def step(self, muscle: Muscle, order: Order, percent: FloatArray, first: int, end: int) -> None:
        """One time step of one muscle, which is samples [first, end)."""
        front_end = self._traces.grid.front_end
        start = order.start_s * front_end.rate_hz
        if percent.any():
            self._truth.course(Course("force_percent", muscle.key, start, (float(percent[-1]),)))
        before = self._last.get(muscle.key, 0.0)
        self._last[muscle.key] = float(percent[-1])
        times = np.arange(first, end) / front_end.rate_hz - front_end.group_delay_s
        if self._traces.rows(f"force {muscle.key}"):
            points = order.start_s + POINT_S * np.arange(POINTS + 1)
            line = np.interp(times, points, np.append(before, percent))
            self._traces.lay_on(f"force {muscle.key}", first, UV_PER_PERCENT * line)
        if self._traces.rows(f"angle {muscle.key}"):
            angle, _ = order.joint.motion(times, muscle.extensor)
            self._traces.lay_on(f"angle {muscle.key}", first, UV_PER_DEG * angle)
        if order.joint.moving:
            here = np.array([order.start_s + 0.5 * STEP_S])
            angle, velocity = order.joint.motion(here, muscle.extensor)
            values = round(float(angle[0]), 3), round(float(velocity[0]), 3)
            middle = start + 0.5 * STEP_S * front_end.rate_hz
            self._truth.course(Course("angle_deg", muscle.key, middle, values))
