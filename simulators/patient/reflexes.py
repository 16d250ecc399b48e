"""The monosynaptic arc of one muscle: H-reflex, tendon reflex, stretch reflex, clonus.

An electric pulse excites Ia afferents and motor axons of the same nerve. The afferents recruit
motor neurons in order of size; axons that the pulse itself excited carry an antidromic volley that
meets the reflex discharge, so that H rises with the current and falls again as M rises.

Sources: Magladery JW, McDougal DB 1950, Bull Johns Hopkins Hosp 86:265 (H, M and collision);
Panizza M et al. 1992, Muscle Nerve 15:1150 (long strength-duration constant of the fibres that
give the H-reflex, from memory); Hultborn H et al. 1996, J Physiol 495:561 (post-activation
depression); Nielsen J, Petersen N, Ballegaard M 1993, Exp Brain Res 97:301 (less of it in
spasticity); Calota A, Levin MF 2009, Top Stroke Rehabil 16:177 (dynamic stretch-reflex thresholds,
tonic threshold as their intercept); Braddom RL, Johnson EW 1974, Arch Phys Med Rehabil 55:161
(H latency).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .anatomy import CORD, MuscleAnatomy
from .cases import NerveCondition
from .clonus import Beat, clonus_share
from .descending import UpperLesion
from .effects import effect, effects
from .front_end import FloatArray
from .nerve import REFERENCE_WIDTH_US, MotorAxons
from .pool import NO_TIMES, NO_UNITS, BoolArray, IntArray, PoolProperties
from .streams import bounded_normal, random_stream
from .subject import Person, drawn, norms

SYNAPSE_S = 0.0010
RISE_S = 0.0012  # the last units fire so much later than the first, at the cord
TAP_S = 0.0025  # from the hammer's touch to the spindles' volley
JITTER_S = 0.0003
SPINDLES_S = 0.001  # within which the spindles of a tapped muscle fire
LARGEST_SHARE = 0.95
STRONGEST_TAP_N = 300.0
CONVERGENCE = (0.06, 0.66)  # share of afferents that the first motor neuron needs, and the last


@dataclass(frozen=True, slots=True)
class Tap:
    """One blow on the tendon of a muscle."""

    at_s: float
    muscle: str
    force_n: float

    @classmethod
    def checked(cls, at_s: float, muscle: str, force_n: float) -> Tap:
        """Raises ValueError for a force that no reflex hammer has."""
        if not 0.0 < force_n <= STRONGEST_TAP_N:
            raise ValueError(
                f"force must lie in 0 to {STRONGEST_TAP_N:g} N, above 0, not {force_n}"
            )
        return cls(at_s, muscle, force_n)


@dataclass(frozen=True, slots=True, eq=False)
class Reflex:
    """One answer of the arc. delays_s: from the pulse or tap to the firing of each unit's
    end-plates."""

    units: IntArray
    delays_s: FloatArray


NO_REFLEX = Reflex(NO_UNITS, NO_TIMES)


def size_place(size: FloatArray) -> FloatArray:
    """(n_units,) what share of the whole muscle is recruited once a unit is, smallest first."""
    order = np.argsort(size, kind="stable")
    place = np.empty(size.size)
    place[order] = np.cumsum(size[order])
    return np.asarray(place / place.max())


class ReflexArc:
    """The arc of one muscle in one subject; `afferents_are` tells it of sick nerves."""

    def __init__(
        self,
        key: str,
        anatomy: MuscleAnatomy,
        properties: PoolProperties,
        person: Person,
        seed: int,
    ) -> None:
        side = key.partition(" ")[0]
        self._rng = random_stream(seed, key, "arc")
        self._place = size_place(properties.size)
        self._h_share = _share("h_share", person, seed, anatomy.name, side)
        tapped = _share("t_share", person, seed, anatomy.name, side)
        self._t_share = tapped or effect("reflex.tendon_share") * self._h_share
        build = random_stream(seed, key, "arc build")

        def own(name: str) -> float:
            row = effects()[name]
            return bounded_normal(build, row.value, row.sd, 2.0)

        self._ia_threshold = own("reflex.ia_threshold")
        self._tap_threshold_n = own("reflex.tap_threshold_n")
        self._tonic_deg = own("reflex.tonic_threshold_deg")
        self._tonic_lost_deg = own("reflex.tonic_threshold_lost_deg")
        self.per_deg_s = own("reflex.threshold_per_deg_s")
        self._intact = 1.0
        self._ready, self._last_s = 1.0, -math.inf

    def afferents_are(self, condition: NerveCondition) -> None:
        """Share of Ia fibres that the nerve's condition leaves."""
        self._intact = 1.0 - condition.sensory_loss

    # --- how strong ------------------------------------------------------------------------------

    def share(self, lesion: UpperLesion, *, tendon: bool = False) -> float:
        """Share of the muscle that a full Ia volley recruits at rest."""
        healthy = self._t_share if tendon else self._h_share
        raised = healthy * (1.0 + effect("reflex.share_gained") * lesion.reflex)
        depth = max(lesion.reflex - effect("reflex.unmasked_from"), 0.0)
        unmasked = effect("reflex.unmasked_share") * depth
        return min(max(raised, unmasked), LARGEST_SHARE)

    def volley(self, axons: MotorAxons, site: str, current_ma: float, width_us: float) -> float:
        """Share of the Ia fibres whose impulses reach the cord after a pulse at a site; the current
        is the one at the nerve."""
        above = axons.sites.index(site) + 1
        passing = float(axons.passes[:, above:].all(axis=1).mean())
        motor = np.log(axons.threshold_ma)
        chronaxie = effect("reflex.ia_chronaxie_us")
        width = (1.0 + chronaxie / width_us) / (1.0 + chronaxie / REFERENCE_WIDTH_US)
        middle = float(np.median(motor)) + math.log(self._ia_threshold * width)
        spread = effect("reflex.ia_scatter") * float(motor.std())
        place = (math.log(max(current_ma, 1e-6)) - middle) / spread
        return passing * self._intact * 0.5 * math.erfc(-place / math.sqrt(2.0))

    def _rested(self, at_s: float, lesion: UpperLesion, used: float) -> float:
        """What is left of the transmitter now; the volley takes its part of it."""
        since = at_s - self._last_s
        left = 1.0 - (1.0 - self._ready) * math.exp(-since / effect("reflex.depression_s"))
        kept = 1.0 - effect("reflex.depression_lost") * lesion.reflex
        self._ready = left * (1.0 - effect("reflex.depression") * kept * used)
        self._last_s = at_s
        return left

    def _recruited(self, share: float, alive: BoolArray) -> IntArray:
        """Living units of that share of the muscle; excitability wavers from time to time."""
        wavers = 1.0 + effect("reflex.wavering") * self._rng.standard_normal()
        noise = 0.03 * self._rng.standard_normal(self._place.size)
        return np.flatnonzero(alive & (self._place + noise < share * wavers))

    # --- answers ---------------------------------------------------------------------------------

    def h_reflex(
        self,
        axons: MotorAxons,
        lesion: UpperLesion,
        alive: BoolArray,
        answering: IntArray,
        *,
        at_s: float,
        site: str,
        current_ma: float,
        width_us: float,
    ) -> Reflex:
        """The H-reflex to a pulse at a site of the muscle's own nerve; `answering` units gave M
        and are lost to it by collision."""
        share = self.share(lesion)
        if CORD not in axons.sites or share <= 0.0:
            return NO_REFLEX
        used = converged(self.volley(axons, site, current_ma, width_us))
        if used <= 0.0:
            return NO_REFLEX
        units = self._recruited(share * used * self._rested(at_s, lesion, used), alive)
        free = np.ones(alive.size, dtype=np.bool_)
        free[answering] = False
        units = units[(free & axons.connected)[units]]
        scatter_s = JITTER_S * np.abs(self._rng.standard_normal(alive.size))
        return Reflex(units, (self.h_delay_s(axons, site) + scatter_s)[units])

    def expected(
        self, axons: MotorAxons, lesion: UpperLesion, site: str, current_ma: float, width_us: float
    ) -> BoolArray:
        """(n_units,) which units such a pulse recruits on average, after long rest, before
        collision."""
        used = converged(self.volley(axons, site, current_ma, width_us))
        return np.asarray(self._place < self.share(lesion) * used)

    def h_delay_s(self, axons: MotorAxons, site: str) -> FloatArray:
        """Per unit: from a pulse at a site to the firing of its end-plates by the Ia arc."""
        up_s = afferent_s(axons, axons.sites.index(site) + 1)
        central_s = SYNAPSE_S + RISE_S * self._place
        return np.asarray(up_s + central_s + axons.latency_s(CORD))

    def tap_threshold_n(self, lesion: UpperLesion) -> float:
        """The weakest tap that the muscle answers."""
        return self._tap_threshold_n * (1.0 - effect("reflex.tap_threshold_lost") * lesion.reflex)

    def tendon_reflex(
        self, axons: MotorAxons, lesion: UpperLesion, alive: BoolArray, tap: Tap
    ) -> Reflex:
        """The answer to a tap on the tendon."""
        over = tap.force_n - self.tap_threshold_n(lesion)
        used = self._intact * min(max(over / effect("reflex.tap_span_n"), 0.0), 1.0)
        share = self.share(lesion, tendon=True)
        if used <= 0.0 or share <= 0.0 or CORD not in axons.sites:
            return NO_REFLEX
        units = self._recruited(share * used * self._rested(tap.at_s, lesion, used), alive)
        units = units[axons.connected[units]]
        spread_s = SPINDLES_S * self._rng.random(alive.size)
        central_s = SYNAPSE_S + RISE_S * self._place
        delay_s = TAP_S + afferent_s(axons, 0) + central_s + spread_s + axons.latency_s(CORD)
        return Reflex(units, delay_s[units])

    # --- stretch ---------------------------------------------------------------------------------

    def tonic_threshold_deg(self, lesion: UpperLesion) -> float:
        """Angle from which the relaxed muscle answers the slowest stretch; beyond the joint's range
        in health."""
        return self._tonic_deg - self._tonic_lost_deg * lesion.reflex

    def stretch_share(
        self, lesion: UpperLesion, angle_deg: FloatArray, velocity_deg_s: FloatArray
    ) -> FloatArray:
        """Excitation by a stretch, as a share of the highest. angle_deg, velocity_deg_s: of the
        muscle over time, one loop earlier; positive velocities lengthen it."""
        tonic = self.tonic_threshold_deg(lesion)
        faster = np.maximum(velocity_deg_s, 0.0)
        beyond = np.maximum(angle_deg - (tonic - self.per_deg_s * faster), 0.0)
        phasic = np.where(faster > 0.0, effect("reflex.stretch_gain") * beyond, 0.0)
        held = effect("reflex.static_gain") * np.maximum(angle_deg - tonic, 0.0)
        return np.asarray(np.minimum(np.maximum(phasic, held), effect("reflex.stretch_ceiling")))

    def loop_s(self, axons: MotorAxons) -> float:
        """From a stretch to the first potential."""
        if CORD not in axons.sites:
            return 0.02
        return TAP_S + afferent_s(axons, 0) + SYNAPSE_S + float(axons.latency_s(CORD).min())

    def beat(
        self, lesion: UpperLesion, beat: Beat, properties: PoolProperties, alive: BoolArray
    ) -> Reflex:
        """Nearly synchronous discharges to one clonic beat, small units first, a few twice. The
        delays are from the beat."""
        draws = self._rng.random((3, alive.size))
        scatter = self._rng.standard_normal(alive.size)
        share = clonus_share(lesion.reflex, beat.number)
        strength = share * properties.threshold[-1]
        firing = np.flatnonzero(alive & (properties.threshold <= strength) & (draws[0] < 0.85))
        if firing.size == 0:
            return NO_REFLEX
        late = 0.012 * properties.threshold[firing] / strength
        first = 0.015 + late + 0.006 * np.clip(scatter[firing], -2.0, 3.0)
        again = draws[1, firing] < 0.25
        second = first[again] + 0.014 + 0.012 * draws[2, firing][again]
        return Reflex(np.concatenate((firing, firing[again])), np.concatenate((first, second)))


def converged(volley: float) -> float:
    """Share of the reflex's reach that a share of the afferents brings."""
    first, last = CONVERGENCE
    return min(max((volley - first) / (last - first), 0.0), 1.0)


def afferent_s(axons: MotorAxons, above: int) -> float:
    """How long the fastest Ia volley takes from segment number `above` up to the cord."""
    fastest = effect("reflex.ia_faster") * axons.velocity_m_s[:, above:].max(axis=0)
    return float(1e-3 * (axons.length_mm[above:] / fastest).sum())


def _share(kind: str, person: Person, seed: int, muscle: str, side: str) -> float:
    """Share of a muscle that its reflex reaches in this subject; 0 where rest shows none."""
    if muscle not in norms()[kind]:
        return 0.0
    return min(drawn(person, seed, kind, muscle, side), LARGEST_SHARE)
