"""A magnetic stimulus over the motor cortex: MEP, its threshold and delay, and the silent period.

The descending volley recruits motor neurons in order of size and brings them to fire at scattered
times, so that the MEP stays below the CMAP although most units answer. In a contraction the
threshold is lower, the answer larger, earlier and followed by silence.

Sources: Rossini PM et al. 2015, Clin Neurophysiol 126:1071 (thresholds, MEP, silent period);
Cantone M et al. 2019, Front Hum Neurosci 13 (FDI, n = 587: central time 5.9 ± 0.89 ms, latency
19.5 ± 1.45 ms); Claus D 1990, Muscle Nerve 13:1125 (legs: central time by height); Magistris MR
et al. 1998,
Brain 121:437 (desynchronised discharges cancel; nearly all units answer); Floyd AG et al. 2009,
Neurology 72:498 (ALS: central time, threshold and MEP).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .anatomy import CORD, MuscleAnatomy, body_plan
from .descending import UpperLesion
from .effects import effect
from .front_end import FloatArray
from .nerve import MotorAxons
from .pool import NO_TIMES, NO_UNITS, BoolArray, IntArray, PoolProperties
from .reflexes import size_place
from .streams import random_stream
from .subject import Person, drawn, norms

ROOT_S = 0.0010  # from the motor neuron to the foramen, where a root stimulus acts
LATER_AT_REST_S = 0.0018
LATE_FIRST_S = 0.0004  # by which the first of many units fires after the volley
STEEPNESS = 0.11  # of recruitment, on the logarithm of intensity over threshold
THRESHOLD_PLACE = -2.4  # of the threshold on that curve: a response of about 50 µV
FULL_SILENCE = 1.5  # times threshold
MEP_S = 0.012  # how long the response itself lasts
STRONGEST = 100.0  # %MSO


@dataclass(frozen=True, slots=True)
class MagneticPulse:
    """A pulse over the hot spot of one muscle. intensity: per cent of maximal stimulator output."""

    at_s: float
    muscle: str
    intensity: float

    @classmethod
    def checked(cls, at_s: float, muscle: str, intensity: float) -> MagneticPulse:
        """Raises ValueError for an intensity that no stimulator gives."""
        if not 0.0 < intensity <= STRONGEST:
            raise ValueError(f"intensity must lie in 0 to 100 %MSO, above 0, not {intensity}")
        return cls(at_s, muscle, intensity)


@dataclass(frozen=True, slots=True, eq=False)
class Mep:
    """One muscle's answer. delays_s: from the pulse to the firing of each unit's end-plates.
    silence_s: from when to when after the pulse voluntary discharge is suppressed; None without."""

    units: IntArray
    delays_s: FloatArray
    silence_s: tuple[float, float] | None


class CorticalResponse:
    """What a magnetic pulse does to one muscle of one subject."""

    def __init__(
        self,
        key: str,
        anatomy: MuscleAnatomy,
        properties: PoolProperties,
        person: Person,
        seed: int,
    ) -> None:
        side = key.partition(" ")[0]
        self._rng = random_stream(seed, key, "tms")
        self._place = size_place(properties.size)
        limb = body_plan().nerves_by_name[anatomy.nerve].limb

        def own(kind: str) -> float:
            row = anatomy.name if anatomy.name in norms()[kind] else limb
            return drawn(person, seed, kind, anatomy.name, side, row)

        self._threshold = own("rmt_mso")
        self._central_s = 1e-3 * own("cmct_ms")
        self._silence_s = 1e-3 * own("silent_ms")
        self._limb = limb

    def threshold(self, lesion: UpperLesion, *, active: bool = False) -> float:
        """Threshold in %MSO, at rest or in a contraction; above 100 cannot be reached."""
        raised = self._threshold * (1.0 + effect("tms.threshold_raised") * lesion.tms)
        return raised * (effect("tms.active_threshold") if active else 1.0)

    def central_s(self, lesion: UpperLesion) -> float:
        """Central motor conduction time by root stimulation, in a contraction."""
        return self._central_s + 1e-3 * effect("tms.central_ms_added") * lesion.tms

    def silence_s(self, lesion: UpperLesion) -> float:
        """Longest silent period, from the pulse."""
        return self._silence_s * (1.0 - effect("tms.silence_lost") * lesion.tms)

    def reached(self, muscle: str, side: str, name: str) -> float:
        """Share of the intensity that comes here from the hot spot of another muscle."""
        coil_side, coil_name = muscle.split(" ", 1)
        if coil_side != side:
            return 0.0
        plan = body_plan()
        limb = plan.nerves_by_name[plan.muscles[coil_name].nerve].limb
        if limb != self._limb:
            return 0.0
        return 1.0 if coil_name == name else effect("tms.neighbour")

    def answer(
        self,
        intensity: float,
        lesion: UpperLesion,
        axons: MotorAxons,
        alive: BoolArray,
        effort: float,
    ) -> Mep:
        """The MEP to a pulse of this intensity here. effort: voluntary, as a share of maximal."""
        active = effort > 0.0
        noise = self._rng.standard_normal((2, alive.size))
        wavers = float(self._rng.standard_normal())
        if CORD not in axons.sites:
            return Mep(NO_UNITS, NO_TIMES, None)
        over = math.log(intensity / self.threshold(lesion, active=active))
        place = over / STEEPNESS + THRESHOLD_PLACE
        most = effect("tms.active_share" if active else "tms.resting_share")
        most *= 1.0 - effect("tms.share_lost") * lesion.tms
        trial = effect("tms.trial_scatter") * (0.5 if active else 1.0)
        share = most * 0.5 * math.erfc(-place / math.sqrt(2.0)) * math.exp(trial * wavers)
        units = np.flatnonzero(
            alive & axons.connected & (self._place < share * (1.0 + 0.1 * noise[0]))
        )
        central_s = self.central_s(lesion) - ROOT_S + (0.0 if active else LATER_AT_REST_S)
        spread_s = 1e-3 * effect("tms.dispersion_ms") * (1.0 + lesion.tms)
        late_s = spread_s * np.abs(noise[1][units]) + spread_s * self._place[units]
        delays_s = central_s - LATE_FIRST_S + late_s + axons.latency_s(CORD)[units]
        return Mep(units, delays_s, self._silence(intensity, lesion, axons, active))

    def _silence(
        self, intensity: float, lesion: UpperLesion, axons: MotorAxons, active: bool
    ) -> tuple[float, float] | None:
        ratio = intensity / self.threshold(lesion, active=True)
        if not active or ratio < 1.0:
            return None
        depth = min((ratio - 1.0) / (FULL_SILENCE / effect("tms.active_threshold") - 1.0), 1.0)
        begins = self.central_s(lesion) + float(axons.latency_s(CORD).min())
        ends = self.silence_s(lesion) * (0.35 + 0.65 * depth)
        return (begins, ends) if ends > begins + MEP_S else None
