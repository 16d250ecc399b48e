"""Where every single fibre of a muscle lies, and which motor unit works it now.

Fibres of a unit are scattered evenly over its territory, as many as its size says; those of lost
units belong to the neighbours that took them over, or to nobody. End-plates lie in a band that
bends through the muscle: neighbours have theirs nearly side by side.

Sources: Stalberg E, Trontelj JV, Single Fiber Electromyography (territory, fibre density, jitter);
Aquilonius SM et al. 1984, Muscle Nerve 7:287 (bands of end-plates; from memory);
Nandedkar SD, Sanders DB, Stalberg EV, Andreassen S 1988, Muscle Nerve 11:151 (simulated concentric
potentials: diameter 55 µm, velocity 3.7 + 0.05 (d - 55) m/s).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.patient.anatomy import MuscleAnatomy
from simulators.patient.body import Body
from simulators.patient.effects import effect, effects
from simulators.patient.fibres import tendon_scatter
from simulators.patient.front_end import FloatArray
from simulators.patient.motor_units import Remodelling, fibre_counts
from simulators.patient.pool import BoolArray, IntArray

from .field import Fibres

VELOCITY_PER_UM = 0.05
THINNEST_UM = 12.0
SLOWEST_M_S = 1.2
NOBODY = -1
UPTAKE_MM = 0.3  # half circle in which single-fibre EMG counts
SLIGHT_SIZE = 0.4  # of the mean unit: those of an effort of 5 %, where it counts
WAVES = 32  # plane waves whose sum is the band of end-plates


@dataclass(frozen=True, slots=True, eq=False)
class Innervation:
    """Every fibre as it now is; arrays (n,). owner: the unit that works it, or NOBODY; taken:
    whether that unit took it over. young: share of the taken-over ones with immature end-plates."""

    fibres: Fibres
    owner: IntArray
    taken: BoolArray
    young: float


@dataclass(frozen=True, slots=True, eq=False)
class FibreMap:
    """All fibres of a muscle, healthy; arrays (n,). unit: the unit each was born to. lot: uniform
    draws (6, n) that decide, always the same way, what disease does to each fibre."""

    fibres: Fibres
    unit: IntArray
    unit_velocity_m_s: FloatArray
    centre_mm: FloatArray
    thickness: FloatArray
    lot: FloatArray

    @classmethod
    def draw(cls, body: Body, muscle: MuscleAnatomy, rng: np.random.Generator) -> FibreMap:
        """Every fibre of a healthy muscle."""
        size, bundle = body.properties.size, body.bundle
        counts = fibre_counts(size, muscle.fibres_per_unit).astype(np.int64)
        unit = np.repeat(np.arange(size.size), counts)
        n = unit.size
        radius = territory_mm(size, muscle)[unit] * np.sqrt(rng.random(n))
        angle = rng.uniform(0.0, 2.0 * np.pi, n)
        centre = bundle.centre_mm[unit]
        depth, side = centre[:, 0] + radius * np.cos(angle), centre[:, 1] + radius * np.sin(angle)
        endplate = bundle.endplate_mm.mean(axis=1)[unit] + _endplates_mm(depth, side, rng)
        thickness = np.clip(rng.standard_normal(n), -2.5, 2.5)
        length = muscle.half_length_mm
        fibres = Fibres(
            depth_mm=depth,
            side_mm=side,
            endplate_mm=endplate,
            distal_mm=length * tendon_scatter(n, rng),
            proximal_mm=length * tendon_scatter(n, rng),
            diameter_um=np.full(n, effect("needle.diameter_um")),
            velocity_m_s=bundle.velocity_m_s[unit],
            delay_s=1e-3 * rng.gamma(4.0, effect("needle.terminal_delay_ms") / 4.0, n),
            weight=np.ones(n),
        )
        return cls(
            fibres,
            unit,
            bundle.velocity_m_s,
            bundle.centre_mm,
            thickness,
            rng.random((6, n)),
        )

    def innervated(self, state: Remodelling, myopathy: float) -> Innervation:
        """The muscle after what became of its units. Takes a while: keep it."""
        owner, taken = self._owners(state)
        fibres = self.diseased(taken, myopathy, state.young, owner)
        return Innervation(fibres, owner, taken, state.young)

    def _owners(self, state: Remodelling) -> tuple[IntArray, BoolArray]:
        """(n,) the unit that works each fibre now, or NOBODY; and whether it was taken over."""
        owner = self.unit.copy()
        taken = np.zeros(owner.size, dtype=np.bool_)
        for dead in np.flatnonzero(~state.alive).tolist():
            orphans = np.flatnonzero(self.unit == dead)
            owner[orphans] = self._heirs(orphans, state.taken[:, dead])
            taken[orphans] = owner[orphans] != NOBODY
        thinned = state.own[state.alive]
        if thinned.size:
            own = ~taken & (self.lot[1] >= thinned[0])
            owner[own] = NOBODY
        return owner, taken

    def _heirs(self, orphans: IntArray, taken: FloatArray) -> IntArray:
        """Who works each orphaned fibre of one unit: every taker has its share of them, those that
        lie nearest to its own middle; the greatest taker chooses first."""
        heirs = np.full(orphans.size, NOBODY)
        quota = np.diff(np.round(np.cumsum(taken) * orphans.size), prepend=0.0).astype(np.int64)
        depth, side = self.fibres.depth_mm[orphans], self.fibres.side_mm[orphans]
        for taker in np.argsort(-quota, kind="stable")[: int((quota > 0).sum())].tolist():
            free = np.flatnonzero(heirs == NOBODY)
            middle = self.centre_mm[taker]
            far = (depth[free] - middle[0]) ** 2 + (side[free] - middle[1]) ** 2
            heirs[free[np.argsort(far, kind="stable")[: quota[taker]]]] = taker
        return heirs

    def diseased(
        self,
        taken: BoolArray,
        myopathy: float,
        young: float = 0.0,
        owner: IntArray | None = None,
    ) -> Fibres:
        """The fibres with the diameters, velocities and delays that disease gave them. owner: as of
        `Innervation`; a matured fibre has become of its new unit's kind, size and velocity."""
        healthy = effect("needle.diameter_cv")
        cv = healthy + (effect("myopathy.diameter_cv") - healthy) * myopathy
        fresh = taken & self._fresh(young)
        kept = np.where(fresh, effect("lmn.young_diameter_kept"), 1.0)
        kept *= 1.0 - (1.0 - effect("myopathy.diameter_kept")) * myopathy
        mean = effect("needle.diameter_um")
        diameter = np.maximum(kept * mean * (1.0 + cv * self.thickness), THINNEST_UM)
        old = self.fibres
        velocity = old.velocity_m_s
        if owner is not None:
            velocity = np.where(taken & ~fresh, self.unit_velocity_m_s[owner], velocity)
        velocity = velocity + VELOCITY_PER_UM * (diameter - mean)
        late = np.where(taken, self._sprout_delay_s(young), 0.0)
        return Fibres(
            old.depth_mm,
            old.side_mm,
            old.endplate_mm,
            old.distal_mm,
            old.proximal_mm,
            diameter,
            np.maximum(velocity, SLOWEST_M_S),
            old.delay_s + late,
            old.weight,
        )

    def _of_branch(self, rows: tuple[int, int]) -> FloatArray:
        """(n,) uniform draws that all fibres of one branch share."""
        first = np.searchsorted(self.unit, np.arange(self.unit_velocity_m_s.size))
        return self.lot[slice(*rows)][self.branch, first[self.unit]]

    def _fresh(self, young: float) -> BoolArray:
        """(n,) whether the branch that takes a fibre over is still young."""
        return np.asarray(self._of_branch((4, 6)) < young)

    def _sprout_delay_s(self, young: float) -> FloatArray:
        """(n,) how late each fibre answers if it was taken over: all that one branch feeds are late
        together, young branches the most."""
        delay = effects()["lmn.sprout_delay_ms"]
        late = _gamma_quantile(self._of_branch((2, 4)), 1e-3 * delay.value, 1e-3 * delay.sd)
        return np.asarray(np.where(self._fresh(young), 1.0, effect("lmn.old_sprout_delay")) * late)

    @property
    def branch(self) -> IntArray:
        """(n,) 0 or 1: the fibres that a unit loses are taken over in two branches."""
        aside = self.fibres.side_mm - self.centre_mm[self.unit, 1]
        return np.asarray((aside > 0.0).astype(np.int64))

    def sprout(self, groups: int) -> IntArray:
        """(n,) which of its new owner's sprouts feeds a fibre, 0 to groups - 1: the fibres that one
        unit lost to one other come in few branches."""
        return np.asarray((7 * self.unit + self.branch) % groups)


def territory_mm(size: FloatArray, muscle: MuscleAnatomy) -> FloatArray:
    """(n_units,) radius of the circle over which a unit's fibres are scattered. In slight effort
    single-fibre EMG finds the muscle's fibre density; larger units are wider and denser."""
    mean = 2.0 * (muscle.fibre_density - 1.0) / (np.pi * UPTAKE_MM**2)
    per_mm2 = mean * (size / SLIGHT_SIZE) ** effect("needle.density_growth")
    return np.asarray(np.sqrt(fibre_counts(size, muscle.fibres_per_unit) / (np.pi * per_mm2)))


def _endplates_mm(
    depth_mm: FloatArray, side_mm: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """(n,) how far the end-plate of each fibre lies from the middle of its unit's: the band at its
    place, a Gaussian random field, and a scatter of its own."""
    own = effect("needle.endplate_local_mm")
    shared = np.sqrt(effect("needle.endplate_scatter_mm") ** 2 - own**2)
    pitch = rng.normal(0.0, 1.0 / effect("needle.endplate_band_mm"), (2, WAVES))
    phase = np.outer(depth_mm, pitch[0])
    phase += np.outer(side_mm, pitch[1])
    phase += rng.uniform(0.0, 2.0 * np.pi, WAVES)
    band = np.sqrt(2.0 / WAVES) * np.cos(phase, out=phase).sum(axis=1)
    return np.asarray(shared * band + rng.normal(0.0, own, depth_mm.size))


def _gamma_quantile(share: FloatArray, mean: float, sd: float) -> FloatArray:
    """Quantiles of a gamma distribution, by Wilson and Hilferty's cube (1931)."""
    shape = (mean / sd) ** 2
    return np.asarray(
        mean * np.maximum(1.0 - 1.0 / (9.0 * shape) + _normal(share) / (3.0 * shape**0.5), 0.0) ** 3
    )


def _normal(share: FloatArray) -> FloatArray:
    """Quantiles of the normal distribution, within 0.005 (Tukey's lambda)."""
    p = np.clip(share, 1e-4, 1.0 - 1e-4)
    return np.asarray((p**0.135 - (1.0 - p) ** 0.135) / 0.1975)
