"""What a person makes of a task: effort, giving way, tone at rest, tremor; no lesion of any nerve.

Sources: Stone J, Aybek S 2016, Handb Clin Neurol 139:213 (give-way weakness, effort that varies);
Deuschl G, Bain P, Brin M 1998, Mov Disord 13 Suppl 3:2 (rest tremor of 4-6 Hz in Parkinson's
disease, postural tremor; physiological tremor of 8-12 Hz).
"""

from __future__ import annotations

import math

import numpy as np

from .cases import Behaviour
from .effects import effect, effects
from .front_end import FloatArray
from .streams import bounded_normal, random_stream
from .tasks import EFFORTS, Task

REST_TREMOR_BELOW_HZ = 7.0
POOR_RELAXATION = 0.3  # how far someone relaxes who does so badly
GIVE_WAY_S = (0.25, 0.8)
EFFORT_S = (0.5, 2.0)
WANDER_HZ = (0.11, 0.29, 0.47)


class Conduct:
    """One person's conduct, in consecutive time steps."""

    def __init__(self, behaviour: Behaviour, seed: int) -> None:
        self.behaviour = behaviour
        self._rng = random_stream(seed, "conduct")
        usual = effects()["tremor.physiological_hz"]
        drawn = bounded_normal(random_stream(seed, "tremor"), usual.value, usual.sd)
        self._rest_tremor = 0.0 < behaviour.tremor_hz < REST_TREMOR_BELOW_HZ
        own = behaviour.tremor_hz if behaviour.tremor > 0.0 else 0.0
        self._posture_hz = own or drawn
        self._wander = random_stream(seed, "relaxation").uniform(0.0, 2.0 * math.pi, 3)
        self._trying, self._until_s, self._share = True, 0.0, 1.0

    @property
    def ceiling(self) -> float:
        """Highest effort, as a share of maximal."""
        pain = 1.0 - effect("behaviour.pain_ceiling") * self.behaviour.pain
        return min(self.behaviour.effort, pain)

    def effort(self, asked: float, start_s: float) -> float:
        """The effort made when `asked` for, both as shares of maximal."""
        tried = min(asked, self.ceiling)
        functional = self.behaviour.functional
        if functional <= 0.0 or asked <= 0.0:
            return tried
        if start_s >= self._until_s:
            self._trying = not self._trying
            span = EFFORT_S if self._trying else GIVE_WAY_S
            self._until_s = start_s + float(self._rng.uniform(*span))
            usual, lost = self._rng.uniform(0.6, 1.0), self._rng.uniform(0.7, 1.0)
            self._share = float(usual if self._trying else 1.0 - lost)
        return tried * (1.0 - functional * (1.0 - self._share))

    def tone(self, task: Task, time_s: float) -> float:
        """Effort at rest, as a share of maximal: nobody notices it, and it wanders."""
        relaxation = self.behaviour.relaxation
        if task.name == "poor_relaxation":
            relaxation = min(relaxation, POOR_RELAXATION)
        turns = np.array(WANDER_HZ) * (2.0 * math.pi * time_s) + self._wander
        wander = max(0.0, 0.7 + 0.5 * float(np.sin(turns).sum()))
        restless = effect("behaviour.unrelaxed_tone") * (1.0 - relaxation) * wander
        return restless + effect("behaviour.rigid_tone") * self.behaviour.rigidity

    def tremor(self, task: Task, times_s: FloatArray, half_turn: bool) -> FloatArray | None:
        """Factor on the drive of a task over time, or None; muscles on the other side of a joint
        are half a turn apart."""
        depth = self._depth(task)
        if depth <= 0.0:
            return None
        turns = 2.0 * math.pi * self._posture_hz * times_s + (math.pi if half_turn else 0.0)
        return np.asarray(np.maximum(1.0 + depth * np.sin(turns), 0.05))

    def _depth(self, task: Task) -> float:
        if task.name == "posture":
            own = 0.0 if self._rest_tremor else effect("tremor.depth") * self.behaviour.tremor
            return max(effect("tremor.physiological_depth"), own)
        if task.name in EFFORTS and not self._rest_tremor:
            return 0.5 * effect("tremor.depth") * self.behaviour.tremor
        return 0.0

    def rest_tremor(self, task: Task, times_s: FloatArray, half_turn: bool) -> FloatArray | None:
        """Effort of a rest tremor over time, as a share of maximal, or None; it ceases in action
        and comes back in posture."""
        if not self._rest_tremor or task.name in {"hold", "maximal", "ramp"}:
            return None
        turns = 2.0 * math.pi * self.behaviour.tremor_hz * times_s
        wave = np.sin(turns + (math.pi if half_turn else 0.0))
        return np.asarray(
            effect("tremor.rest_effort") * self.behaviour.tremor * np.maximum(wave, 0)
        )
