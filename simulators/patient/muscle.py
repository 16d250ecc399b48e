"""One muscle of the patient: its pool, its fibres under the electrodes, its axons, its dials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .activity import Activity, Response
from .anatomy import body_plan, split_key
from .body import delayed, grown_body, healthy_sizes_uv
from .cases import HEALTHY_JUNCTION, HEALTHY_NERVE, Dials, Junction, NerveCondition
from .clonus import Beat
from .descending import ANTAGONISTS, DescendingTract
from .discharge import Command, MotorPool, fire
from .drive import Order
from .effects import effect
from .fasciculation import FasciculationSource
from .force import Fatigue
from .front_end import STEP_S as TIME_STEP_S
from .front_end import ComplexArray, FloatArray, Grid
from .junction import NeuromuscularJunction
from .motor_units import MotorUnits
from .pool import NO_TIMES, NO_UNITS, BoolArray, ForceCurve, IntArray
from .reflexes import Reflex, ReflexArc
from .streams import moved_towards, random_stream
from .subject import REFERENCE_PERSON, Person, person_of_build
from .temperature import coldness_c, motor_amplitude_factor
from .tms import CorticalResponse

HEALTHY = Dials()
DIAL_PER_S = 1.0
EFFORT_RISE_S = 0.4
FAST_STEPS = 4  # of pool.STEP_S, in which a fast excitation is taken as steady
COGWHEEL_HZ = 5.0
VELOCITY_STEP = 0.015  # of conduction velocity, by which potentials of a tired muscle are redrawn
EACH = b"each"  # key of the responses unit by unit


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
        self.side, name = split_key(key)
        self.anatomy = body_plan().muscles[name]
        self.body = grown_body(key, seed, grid, person_of_build(person))
        self.properties = self.body.properties
        self._highest = self.properties.highest_excitation
        self._seed = seed
        self._grid = grid
        self.tract = DescendingTract(dials, seed, key)
        build = person_of_build(person)
        self.arc = ReflexArc(key, self.anatomy, self.properties, build, seed)
        self.cortex = CorticalResponse(key, self.anatomy, self.properties, build, seed)
        self.nerve_is(condition, person)
        units = self.anatomy.units
        self.junction = NeuromuscularJunction(junction, units)
        self.pool = MotorPool.of(units, random_stream(seed, key, "discharge"))
        self._recruitment = random_stream(seed, key, "reflex recruitment")
        self._stimulus = random_stream(seed, key, "stimulus")
        self.units = MotorUnits(self.body, grid, random_stream(seed, key, "sprouts"))
        self._spontaneous = FasciculationSource(
            lambda: healthy_sizes_uv(self.body, grid),
            units,
            random_stream(seed, key, "fasciculation"),
        )
        self._depth = corticospinal_depth * self.anatomy.corticospinal
        self.umn = self.lmn = self.umn_goal = self.lmn_goal = 0.0
        self.lesion = self.tract.lesion(0.0)
        self._excitation = self._driven = 0.0
        self._responses: tuple[Response, ...] = ()
        self._silence_s = (math.inf, -math.inf)
        self.fatigue = Fatigue()
        self._drawn: tuple[float, FloatArray, FloatArray] | None = None

    # --- dials -----------------------------------------------------------------------------------

    def settle(self) -> None:
        """Take the dial goals at once, as a case does at its start."""
        self.umn, self.lmn = self.umn_goal, self.lmn_goal
        self.upper_is()
        self._lose_units()

    def upper_is(self) -> None:
        """Take the UMN dial and its parts as they are now set."""
        self.lesion = self.tract.lesion(self.umn)
        self.pool.varies(1.0 + self.lesion.interval_scatter, self.lesion.serial_correlation)

    def _move_dials(self) -> None:
        step = DIAL_PER_S * TIME_STEP_S
        if self.umn != self.umn_goal:
            self.umn = moved_towards(self.umn, self.umn_goal, step)
            self.upper_is()
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
        self._curve = ForceCurve.of(self.properties, self.units.growth)

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

    @property
    def extensor(self) -> bool:
        """Whether the joint's way back is what stretches it."""
        return self.anatomy.stretched == "extensor"

    @property
    def templates(self) -> FloatArray:
        """`MotorUnits.templates`, as slow as fatigue makes them."""
        rested, slowing = self.units.templates, self.fatigue.velocity
        if slowing > 1.0 - VELOCITY_STEP:
            return rested
        drawn = self._drawn
        if drawn is None or drawn[1] is not rested or abs(drawn[0] - slowing) > VELOCITY_STEP:
            drawn = self._drawn = slowing, rested, self._grid.slowed(rested, slowing)
        return drawn[2]

    # --- excitation ------------------------------------------------------------------------------

    def _asked(self, order: Order) -> float:
        """Effort that the task means for this muscle, as a share of maximal."""
        if order.task.muscle in (None, self.key):
            return order.level
        side, name = split_key(order.task.muscle or "")
        if side == self.side and self.anatomy.name in ANTAGONISTS.get(name, ()):
            return order.level * self.lesion.cocontraction
        return 0.0

    def _wanted_excitation(self, order: Order) -> float:
        """What the task calls for, after what the descending drive can still give."""
        asked = self._asked(order)
        if asked <= 0.0:
            tone = self._curve.excitation_for(order.tone) if order.tone > 0.0 else 0.0
            return max(tone, self.lesion.dystonia)
        wanted = self._curve.excitation_for(
            asked / (self.fatigue.twitch * math.sqrt(self.fatigue.rate))
        )
        reach = self._highest * self.lesion.reach
        return min(wanted * self.lesion.effort, reach)

    def _fast_excitation(self, order: Order) -> FloatArray | None:
        """Excitation that changes within a time step, a value per pool.STEP_S: stretch reflex,
        rigidity and rest tremor; None where there is none."""
        times_s, extensor = order.times_s, self.extensor
        found: list[FloatArray] = []
        tremor = order.conduct.rest_tremor(order.task, times_s, extensor)
        if tremor is not None:
            found.append(np.interp(tremor, self._curve.share, self._curve.excitation))
        if order.stretching:
            angle, velocity = order.joint.motion(times_s - self._loop_s, extensor)
            share = self.arc.stretch_share(self.lesion, angle, velocity)
            rigidity = order.conduct.behaviour.rigidity
            if rigidity > 0.0:
                stiff = effect("behaviour.rigid_stretch") * rigidity
                wheel = 1.0 + 0.5 * np.sin(2.0 * np.pi * COGWHEEL_HZ * times_s)
                share = np.maximum(share, np.where(velocity > 0.0, stiff * wheel, 0.0))
            found.append(np.where(share > 0.0, 1.0 + share * (self._highest - 1.0), 0.0))
        if not found:
            return None
        fast = found[0] if len(found) == 1 else np.maximum(*found)
        return fast if fast.max() >= 1.0 else None

    # --- discharge -------------------------------------------------------------------------------

    def command(self, order: Order) -> Command | None:
        """One time step begins: what the pool is told to do in it, or None where it rests."""
        self._move_dials()
        before = self._excitation
        span = self._highest * TIME_STEP_S / EFFORT_RISE_S
        self._excitation = moved_towards(before, self._wanted_excitation(order), span)
        self._responses = self._provoked(order)
        return self._commanded(0.5 * (before + self._excitation), order)

    def step(self, order: Order, units: IntArray, since_s: FloatArray) -> Activity:
        """All that this muscle does in the time step, with the discharges that came of `command`,
        in seconds from its start."""
        times = order.start_s + since_s
        if math.isfinite(self._silence_s[0]) and units.size:
            heard = (times < self._silence_s[0]) | (times >= self._silence_s[1])
            units, times = units[heard], times[heard]
        answered: tuple[float, ...] = ()
        if order.beats:
            units, times, answered = self._with_beats(order, units, times)
        end_s = order.start_s + TIME_STEP_S
        spontaneous = self._spontaneous.events(order.start_s, end_s, self.fasciculation, self.alive)
        return Activity(units, times, tuple(spontaneous), answered, self._responses)

    def _commanded(self, excitation: float, order: Order) -> Command | None:
        fast = self._fast_excitation(order)
        if fast is None and excitation < 1.0:  # below the first unit's threshold
            self._driven = 0.0
            return None
        depth = self._depth * self.lesion.shared_input
        course = 1.0 + depth * order.corticospinal
        tremor = order.conduct.tremor(order.task, order.times_s, self.extensor)
        if tremor is not None:
            course = course * tremor
        course = np.minimum(np.maximum(course, 0.05), 3.0)
        if fast is None:
            self._driven = excitation
            return Command(self._rates_hz(np.array([excitation])), course)
        return self._commanded_fast(excitation, fast, course)

    def _commanded_fast(self, excitation: float, fast: FloatArray, course: FloatArray) -> Command:
        """The same in short parts; units that a reflex recruits fire soon."""
        driven = np.maximum(excitation, fast.reshape(-1, FAST_STEPS).mean(axis=1))
        reached = np.searchsorted(
            self.properties.threshold, np.append(self._driven, driven), side="right"
        ).tolist()
        poised = [(NO_UNITS, NO_TIMES)] * driven.size
        for part, (before, now) in enumerate(pairwise(reached)):
            if now > before:
                near = 0.5 + 0.5 * self._recruitment.random(now - before)
                poised[part] = np.arange(before, now), near
        self._driven = float(driven[-1])
        return Command(self._rates_hz(driven), course, poised)

    def _rates_hz(self, excitation: FloatArray) -> FloatArray:
        """(n_units, n) rates of the living units at each excitation."""
        rates = self.properties.rates_hz(excitation, gain_kept=self.lesion.rate_gain)
        return np.asarray(self.fatigue.rate * rates * self.alive[:, None])

    def _with_beats(
        self, order: Order, units: IntArray, times: FloatArray
    ) -> tuple[IntArray, FloatArray, tuple[float, ...]]:
        """The step's discharges with those of clonus, and the beats that were answered: extensors
        half a period after flexors."""
        answered: list[float] = []
        for beat in order.beats:
            late = 0.5 / order.clonus_hz if self.extensor else 0.0
            here = Beat(beat.at_s + late, beat.number)
            reflex = self.arc.beat(self.lesion, here, self.properties, self.alive)
            if reflex.units.size:
                answered.append(here.at_s)
                units = np.concatenate((units, reflex.units))
                times = np.concatenate((times, here.at_s + reflex.delays_s))
        order_of = np.argsort(times, kind="stable")
        return units[order_of], times[order_of], tuple(answered)

    def _provoked(self, order: Order) -> tuple[Response, ...]:
        """Answers to this step's taps and magnetic pulses; a pulse also begins a silent period."""
        found = []
        for tap in order.taps:
            if tap.muscle == self.key:
                reflex = self.arc.tendon_reflex(self.axons, self.lesion, self.alive, tap)
                at_s, details = tap.at_s, {"force_n": tap.force_n}
                times_s = at_s + reflex.delays_s
                found.append(Response("t_reflexes", at_s, reflex.units, times_s, details))
        effort = self._asked(order) if self._excitation >= 1.0 else 0.0
        for pulse in order.magnetic:
            here = self.cortex.reached(pulse.muscle, self.side, self.anatomy.name)
            if here <= 0.0:
                continue
            mep = self.cortex.answer(
                here * pulse.intensity, self.lesion, self.axons, self.alive, effort
            )
            begins, ends = mep.silence_s or (math.inf, -math.inf)
            self._silence_s = pulse.at_s + begins, pulse.at_s + ends
            silent_ms = 1e3 * ends if mep.silence_s else None
            told = {"intensity": pulse.intensity, "silent_ms": silent_ms}
            times_s = pulse.at_s + mep.delays_s
            found.append(Response("meps", pulse.at_s, mep.units, times_s, told))
        return tuple(found)

    def passed(self, units: IntArray, times_s: FloatArray) -> tuple[IntArray, FloatArray]:
        """Those of some discharges of its motor neurons that reach the muscle."""
        if self._cut_off is None:
            return units, times_s
        through = ~self._cut_off[units]
        return units[through], times_s[through]

    def pulled(self, percent: FloatArray) -> None:
        """The force of the step just done, per cent of the healthy maximum, and what it tires."""
        best = 100.0 * float(self._curve.share[-1])
        if best > 1.0:
            self.fatigue.step(float(percent[-1]) / best, TIME_STEP_S)

    # --- stimulation -----------------------------------------------------------------------------

    def nerve_is(self, condition: NerveCondition, person: Person) -> None:
        """The state of its nerve: sick, or cold. Same subject, same draws."""
        nerve = random_stream(self._seed, self.key, "condition")
        self.axons = self.body.axons.under(condition, person, nerve)
        self.arc.afferents_are(condition)
        self._loop_s = self.arc.loop_s(self.axons)
        connected = self.axons.connected
        self._cut_off = None if connected.all() else ~connected
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
            some = np.zeros(each.shape[0])
            some[answering] = self.warmth
            self._m_waves[key] = some @ each
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
        raised = 1.0 + effect("umn.backfire_raised") * self.lesion.reflex
        units = self.axons.backfiring(answering, self._stimulus, raised)
        return units, self.axons.f_latency_s(site)[units]

    def h_reflex(self, site: str, answering: IntArray, pulse: tuple[float, float, float]) -> Reflex:
        """Units that an electric pulse makes fire through the Ia arc. pulse: seconds since
        power-on, mA at the nerve, µs."""
        at_s, current_ma, width_us = pulse
        return self.arc.h_reflex(
            self.axons,
            self.lesion,
            self.alive,
            answering,
            at_s=at_s,
            site=site,
            current_ma=current_ma,
            width_us=width_us,
        )


def stepped(muscles: Sequence[Muscle], order: Order) -> list[tuple[Muscle, Activity]]:
    """One time step of all muscles, in the same order; pools of one kind fire together."""
    commands = [muscle.command(order) for muscle in muscles]
    fired = [(NO_UNITS, NO_TIMES)] * len(muscles)
    for parts in {command.rates_hz.shape[1] for command in commands if command is not None}:
        alike = {
            number: command
            for number, command in enumerate(commands)
            if command is not None and command.rates_hz.shape[1] == parts
        }
        pools = [muscles[number].pool for number in alike]
        for number, found in zip(alike, fire(pools, list(alike.values())), strict=True):
            fired[number] = found
    return [
        (muscle, muscle.step(order, *found)) for muscle, found in zip(muscles, fired, strict=True)
    ]
