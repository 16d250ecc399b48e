"""Force and joint angle as leads: what a load cell or a goniometer gives the same amplifier.

The force lead gives 10 µV per per cent of the muscle's own healthy maximum (1 mV is all of it), the
angle lead 10 µV per degree, 0° where the muscle is short.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .activity import Activity
from .drawing import Traces
from .drive import Order
from .force import POINT_S, POINTS, Forces
from .front_end import STEP_S, FloatArray
from .muscle import Muscle
from .pool import IntArray
from .truth import Course, TruthLog

UV_PER_PERCENT = 10.0
UV_PER_DEG = 10.0
ANGLE_EVERY_S = 0.020  # between points of its truth


class Transducers:
    """The force and the joint angle of every muscle: worked out from its discharges, laid on their
    leads, and kept as truth."""

    def __init__(self, traces: Traces, truth: TruthLog) -> None:
        self._traces, self._truth = traces, truth
        self._forces = Forces()
        self._last: dict[str, float] = {}

    def step(
        self, order: Order, active: Sequence[tuple[Muscle, Activity]], first: int, end: int
    ) -> None:
        """One time step, which is samples [first, end); the muscles always in the same order."""
        if not active:  # every lead lies on a sensory nerve
            return
        for number, (muscle, activity) in enumerate(active):
            if number == len(self._last):
                self._forces.join(muscle.properties)
                self._last[muscle.key] = 0.0
            for units, times_s in _discharges(activity):
                self._forces.add(number, *muscle.passed(units, times_s))
        strength = [
            muscle.fatigue.twitch * muscle.units.growth * muscle.junction.working
            for muscle, _ in active
        ]
        forces = self._forces.step(order.start_s, np.concatenate(strength))
        told = [self._angles(order, extensor) for extensor in (False, True)]
        for (muscle, _), percent in zip(active, forces, strict=True):
            muscle.pulled(percent)
            self._show_force(order, muscle, percent, first, end)
            self._show_angle(order, muscle, first, end)
            for sample, values in told[muscle.extensor]:
                self._truth.course(Course("angle_deg", muscle.key, sample, values))

    def _show_force(
        self, order: Order, muscle: Muscle, percent: FloatArray, first: int, end: int
    ) -> None:
        before, now = self._last[muscle.key], float(percent[-1])
        self._last[muscle.key] = now
        front_end = self._traces.grid.front_end
        if now > 0.0:
            last_sample = (order.start_s + STEP_S) * front_end.rate_hz
            self._truth.course(Course("force_percent", muscle.key, last_sample, (round(now, 4),)))
        if self._traces.rows(f"force {muscle.key}"):
            times_s = np.arange(first, end) / front_end.rate_hz - front_end.group_delay_s
            points = order.start_s + POINT_S * np.arange(POINTS + 1)
            line = np.interp(times_s, points, np.append(before, percent))
            self._traces.lay_on(f"force {muscle.key}", first, UV_PER_PERCENT * line)

    def _show_angle(self, order: Order, muscle: Muscle, first: int, end: int) -> None:
        front_end = self._traces.grid.front_end
        if self._traces.rows(f"angle {muscle.key}"):
            times_s = np.arange(first, end) / front_end.rate_hz - front_end.group_delay_s
            angle, _ = order.joint.motion(times_s, muscle.extensor)
            self._traces.lay_on(f"angle {muscle.key}", first, UV_PER_DEG * angle)

    def _angles(self, order: Order, extensor: bool) -> list[tuple[float, tuple[float, float]]]:
        """What the truth keeps of this step's movement, for one side of the joint: sample, angle
        and velocity."""
        if not order.joint.moving:
            return []
        since_s = ANGLE_EVERY_S * np.arange(round(STEP_S / ANGLE_EVERY_S))
        here_s: FloatArray = np.asarray(order.start_s + since_s)
        angle_deg, velocity_deg_s = order.joint.motion(here_s, extensor)
        samples = (here_s * self._traces.grid.front_end.rate_hz).tolist()
        values = np.round((angle_deg, velocity_deg_s), 3).T.tolist()
        return [
            (sample, (angle, velocity))
            for sample, (angle, velocity) in zip(samples, values, strict=True)
        ]


def _discharges(activity: Activity) -> list[tuple[IntArray, FloatArray]]:
    """All that makes a muscle twitch, by kind."""
    twitches = activity.fasciculations
    found = [(activity.units, activity.times_s)]
    if twitches:
        found.append((np.array([e.unit for e in twitches]), np.array([e.at_s for e in twitches])))
    return found + [(response.units, response.times_s) for response in activity.responses]
