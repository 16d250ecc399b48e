"""One muscle of the patient: its pool, its fibres under the electrodes, its axons, its dials."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .anatomy import body_plan, split_key
from .body import delayed, grown_body
from .cases import HEALTHY_JUNCTION, HEALTHY_NERVE, Dials, Junction, NerveCondition
from .drive import Beat, clonus_share
from .effects import effect
from .fasciculation import Fasciculation, FasciculationSource
from .front_end import ComplexArray, FloatArray, Grid
from .junction import NeuromuscularJunction
from .motor_units import MotorUnits
from .pool import (
    NO_TIMES,
    NO_UNITS,
    STEP_S,
    BoolArray,
    IntArray,
    MotorPool,
    excitation_for,
)
from .streams import moved_towards, random_stream
from .subject import REFERENCE_PERSON, Person, person_of_build
from .temperature import coldness_c, motor_amplitude_factor

HEALTHY = Dials()
DIAL_PER_S = 1.0
EFFORT_RISE_S = 0.4
EACH = b"each"  # key of the responses unit by unit


@dataclass(frozen=True, slots=True)
class Task:
    """What the patient is asked to do; level is a share of maximal effort."""

    name: str
    level: float


@dataclass(frozen=True, slots=True)
class Activity:
    """One muscle in one time step. Times in seconds from power-on, in order; `units` and `times_s`
    are voluntary, tonic and reflex discharges, fasciculations apart."""

    units: IntArray
    times_s: FloatArray
    fasciculations: tuple[Fasciculation, ...]
    beats_s: tuple[float, ...]


class Muscle:
    """The physiology of one muscle on one side; lives on the patient's seconds, not on samples."""

    def __init__(
        self,
        key: str,
        grid: Grid,
        *,
        seed: int,
        corticospinal_depth: float,
        person: Person = REFERENCE_PERSON,
        condition: NerveCondition = HEALTHY_NERVE,
        junction: Junction = HEALTHY_JUNCTION,
        dials: Dials = HEALTHY,
        months: float | None = None,
    ) -> None:
        self.key, self.dials, self.months = key, dials, months
        self.anatomy = body_plan().muscles[split_key(key)[1]]
        self.body = grown_body(key, seed, grid, person_of_build(person))
        self.properties = self.body.properties
        self._seed = seed
        self.nerve_is(condition, person)
        self.junction = NeuromuscularJunction(junction)
        self._grid = grid
        self._pool = MotorPool(self.properties, random_stream(seed, key, "discharge"))
        self._reflex = random_stream(seed, key, "reflex")
        self._stimulus = random_stream(seed, key, "stimulus")
        self.units = MotorUnits(self.body, grid, random_stream(seed, key, "sprouts"))
        self._spontaneous = FasciculationSource(
            self.body.surface_uv, random_stream(seed, key, "fasciculation")
        )
        self._depth = corticospinal_depth * self.anatomy.corticospinal
        self.umn = self.lmn = self.umn_goal = self.lmn_goal = 0.0
        self._excitation = 0.0
        self._goals: dict[float, float] = {}

    # --- dials -----------------------------------------------------------------------------------

    def settle(self) -> None:
        """Take the dial goals at once, as a case does at its start."""
        self.umn, self.lmn = self.umn_goal, self.lmn_goal
        self._lose_units()

    def _move_dials(self, duration_s: float) -> None:
        step = DIAL_PER_S * duration_s
        self.umn = moved_towards(self.umn, self.umn_goal, step)
        if self.lmn != self.lmn_goal:
            self.lmn = moved_towards(self.lmn, self.lmn_goal, step)
            self._lose_units()

    def _lose_units(self) -> None:
        """Units left, and what each of them has taken over."""
        self.units.settle(
            lmn=self.lmn,
            myopathy=self.dials.myopathy,
            reinnervation=self.dials.reinnervation,
            months=self.months,
        )
        self._m_waves.clear()
        self._goals.clear()

    @property
    def settled(self) -> bool:
        """Whether the LMN dial has come to rest."""
        return self.lmn == self.lmn_goal

    @property
    def denervation(self) -> float:
        """Ongoing denervation, 0-1."""
        return self.lmn if self.dials.denervation is None else self.dials.denervation

    @property
    def fasciculation(self) -> float:
        """Rate of fasciculations, as a share of the worst."""
        given = self.dials.fasciculation
        return math.sqrt(max(self.lmn, 0.0)) if given is None else given

    @property
    def alive(self) -> BoolArray:
        """(n_units,) which units still have their neuron."""
        return self.units.state.alive

    # --- discharge -------------------------------------------------------------------------------

    def _wanted_excitation(self, task: Task) -> float:
        """What the task calls for, after what the descending drive can still give."""
        highest = self.properties.highest_excitation
        if task.name in ("hold", "maximal"):
            level = 1.0 if task.name == "maximal" else task.level
            if level <= 0.0:
                return 0.0
            if level not in self._goals:
                self._goals[level] = excitation_for(self.properties, level, self.units.growth)
            asked = self._goals[level]
            reach = highest * (1.0 - effect("umn.drive_lost") * self.umn)
            return min(asked * (1.0 - effect("umn.effort_lost") * self.umn), reach)
        threshold = effect("dystonia.threshold")
        if self.umn <= threshold:
            return 0.0
        share = (self.umn - threshold) / (1.0 - threshold)
        return 1.0 + (effect("dystonia.excitation") - 1.0) * share

    def beat_time(self, beat: Beat, frequency_hz: float) -> Beat:
        """When a beat of the limb reaches this muscle: extensors half a period after flexors."""
        late = 0.5 / frequency_hz if self.anatomy.stretched == "extensor" else 0.0
        return Beat(beat.at_s + late, beat.number)

    def step(
        self,
        start_s: float,
        duration_s: float,
        *,
        task: Task,
        corticospinal: FloatArray,
        beats: list[Beat],
    ) -> Activity:
        """All that this muscle does in one time step; `corticospinal`: a value per pool.STEP_S."""
        self._move_dials(duration_s)
        before = self._excitation
        span = self.properties.highest_excitation * duration_s / EFFORT_RISE_S
        self._excitation = moved_towards(before, self._wanted_excitation(task), span)
        units, times = self._discharge(before, corticospinal)
        times = start_s + times
        answered: tuple[float, ...] = ()
        if beats:
            reflex_units, reflex_times, answered = self._reflex_volleys(beats)
            units = np.concatenate((units, reflex_units))
            times = np.concatenate((times, reflex_times))
            order = np.argsort(times, kind="stable")
            units, times = units[order], times[order]
        spontaneous = self._spontaneous.events(start_s + duration_s, self.fasciculation, self.alive)
        return Activity(units, times, tuple(spontaneous), answered)

    def _discharge(self, before: float, corticospinal: FloatArray) -> tuple[IntArray, FloatArray]:
        excitation = 0.5 * (before + self._excitation)
        if excitation < 1.0:  # below the first unit's threshold
            return NO_UNITS, NO_TIMES
        rates = self.properties.rates_hz(
            np.array([excitation]), gain_kept=1.0 - effect("umn.rate_gain_lost") * self.umn
        )[:, 0]
        depth = self._depth * math.sqrt(1.0 - effect("umn.coherence_lost") * self.umn)
        course = np.minimum(np.maximum(1.0 + depth * corticospinal, 0.05), 3.0)
        return self._pool.fire(rates * self.alive, course)

    def _reflex_volleys(self, beats: list[Beat]) -> tuple[IntArray, FloatArray, tuple[float, ...]]:
        """Nearly synchronous discharges to each beat, small units first, a few of them twice."""
        units: list[IntArray] = [NO_UNITS]
        times: list[FloatArray] = [NO_TIMES]
        answered: list[float] = []
        for beat in beats:
            draws = self._reflex.random((3, self.anatomy.units))
            scatter = self._reflex.standard_normal(self.anatomy.units)
            share = clonus_share(self.umn, beat.number)
            strength = share * self.properties.threshold[-1]
            firing = np.flatnonzero(
                self.alive & (self.properties.threshold <= strength) & (draws[0] < 0.85)
            )
            if firing.size == 0:
                continue
            late = 0.012 * self.properties.threshold[firing] / strength
            first = beat.at_s + 0.015 + late + 0.006 * np.clip(scatter[firing], -2.0, 3.0)
            again = draws[1, firing] < 0.25
            second = first[again] + 0.014 + 0.012 * draws[2, firing][again]
            units += [firing, firing[again]]
            times += [first, second]
            answered.append(beat.at_s)
        return np.concatenate(units), np.concatenate(times), tuple(answered)

    # --- stimulation -----------------------------------------------------------------------------

    def nerve_is(self, condition: NerveCondition, person: Person) -> None:
        """The state of its nerve: sick, or cold. Same subject, same draws."""
        nerve = random_stream(self._seed, self.key, "condition")
        self.axons = self.body.axons.under(condition, person, nerve)
        limb = body_plan().nerves_by_name[self.anatomy.nerve].limb
        self.warmth = motor_amplitude_factor(coldness_c(limb, person))
        self._m_waves: dict[tuple[str, bytes], ComplexArray] = {}

    def m_wave(self, site: str, answering: IntArray) -> ComplexArray:
        """Spectrum (µV) of the response of the given living units to a stimulus at time 0."""
        key = (site, answering.tobytes())
        if key not in self._m_waves:
            if len(self._m_waves) >= 64:
                self._m_waves.clear()
            each = self._m_waves.get((site, EACH))
            if each is None:
                turned = delayed(self.units.spectra, self.axons.latency_s(site), self._grid)
                each = self._m_waves[site, EACH] = turned
            self._m_waves[key] = self.warmth * each[answering].sum(axis=0)
        return self._m_waves[key]

    def answer(self, current_ma: float, width_us: float, nerve: str, site: str) -> IntArray:
        """Living units that answer one pulse of this current at the nerve."""
        units = self.axons.answering(current_ma, width_us, nerve, site, self._stimulus)
        return units[self.alive[units]]

    def reachable(self, nerve: str, site: str) -> IntArray:
        """Living units that a supramaximal pulse there makes the muscle show."""
        return np.flatnonzero(self.alive & self.axons.reachable(nerve, site))

    def f_wave(self, site: str, answering: IntArray) -> tuple[IntArray, FloatArray]:
        """Units that backfire after the same pulse, and their delays in seconds."""
        units = self.axons.backfiring(answering, self._stimulus)
        return units, self.axons.f_latency_s(site)[units]


def steps_of(duration_s: float) -> int:
    """Values of the shared input in a time step."""
    return round(duration_s / STEP_S)
