"""Motor axons: who answers a stimulus, when the answer reaches the muscle, and who backfires.

Sources: Weiss G 1901 (charge threshold linear in pulse width); Bostock H, Cikurel K, Burke D 1998,
Muscle Nerve 21:137 (strength-duration constant of motor axons, about 0.2-0.4 ms); Hales JP, Lin CS,
Bostock H 2004, Muscle Nerve 30:702 (threshold fluctuates with 1-2 % relative spread); Eisen A,
Odusote K 1979, Neurology 29 (F-wave about 1 % of M); Nobrega JA 2004 (ulnar persistence 83 ± 19 %).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .anatomy import MuscleAnatomy
from .front_end import FloatArray
from .pool import IntArray

CHRONAXIE_US = 250.0
REFERENCE_WIDTH_US = 200.0
THRESHOLD_MA = (6.0, 17.0)
RELATIVE_SPREAD = 0.015
BACKFIRE_PROBABILITY = 0.016
TURNAROUND_S = 0.001
TERMINAL_SCATTER_S = 0.00045


@dataclass(frozen=True, slots=True, eq=False)
class MotorAxons:
    """The axons of one muscle, one array element per unit.

    terminal_s: slow last stretch and end-plate, common to all; scatter_s: its scatter.
    threshold_ma: current needed at the wrist with a pulse of REFERENCE_WIDTH_US.
    """

    muscle: MuscleAnatomy
    velocity_m_s: FloatArray
    scatter_s: FloatArray
    threshold_ma: FloatArray
    terminal_s: float = 0.0

    @classmethod
    def draw(
        cls,
        muscle: MuscleAnatomy,
        fastest_m_s: float,
        spread: float,
        size: FloatArray,
        rng: np.random.Generator,
    ) -> MotorAxons:
        """Axons for units of the given sizes: large ones are faster and need less current, but
        their place in the nerve matters more."""
        rank = np.argsort(np.argsort(size)) / max(size.size - 1, 1)
        slower = spread * np.clip(0.75 * (1 - rank) + 0.25 * rng.random(size.size), 0, 1)
        scatter = rng.normal(0.0, TERMINAL_SCATTER_S, size.size)
        order = 0.3 * (1 - rank) + 0.7 * rng.random(size.size)
        low, high = THRESHOLD_MA
        return cls(
            muscle,
            velocity_m_s=fastest_m_s * (1.0 - slower),
            scatter_s=np.clip(scatter, -2 * TERMINAL_SCATTER_S, 3 * TERMINAL_SCATTER_S),
            threshold_ma=low * (high / low) ** (order / order.max()),
        )

    def later(self, by_s: float) -> MotorAxons:
        """The same axons with a longer last stretch."""
        return replace(self, terminal_s=self.terminal_s + by_s)

    def latency_s(self, site: str) -> FloatArray:
        """Per unit: from stimulus to the firing of its end-plates."""
        conduction = 1e-3 * self.muscle.site_mm[site] / self.velocity_m_s
        return np.asarray(self.terminal_s + self.scatter_s + conduction)

    def f_latency_s(self, site: str) -> FloatArray:
        """Per unit: up to the cord, turnaround, and down again past the stimulus to the muscle."""
        up_mm = self.muscle.site_mm["cord"] - self.muscle.site_mm[site]
        return np.asarray(self.latency_s(site) + TURNAROUND_S + 2e-3 * up_mm / self.velocity_m_s)

    def answering(
        self, current_ma: float, width_us: float, site_depth: float, rng: np.random.Generator
    ) -> IntArray:
        """Units whose threshold this pulse exceeds; thresholds fluctuate from pulse to pulse."""
        stretch = (1 + CHRONAXIE_US / max(width_us, 1e-9)) / (1 + CHRONAXIE_US / REFERENCE_WIDTH_US)
        wander = 1.0 + RELATIVE_SPREAD * rng.standard_normal(self.threshold_ma.size)
        return np.flatnonzero(current_ma >= self.threshold_ma * site_depth * stretch * wander)

    @staticmethod
    def backfiring(answering: IntArray, rng: np.random.Generator) -> IntArray:
        """Which of the answering units return an F-wave."""
        return answering[rng.random(answering.size) < BACKFIRE_PROBABILITY]
