"""What one delivered pulse brings: artefact, M-waves, SNAPs, and everything that comes back later.

The hooks, in this order, after each pulse: the artefact on every lead; the SNAP of every sensory
recording reached; the M-wave of every muscle reached; then, for each of these muscles, every entry
of `LATE_ANSWERS` in turn.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np

from .anatomy import body_plan, split_key
from .drawing import Traces
from .evoked import Placement, Pulse, artefact_spectrum
from .front_end import ComplexArray, FloatArray
from .leads import TRANSDUCERS, muscle_under
from .muscle import Muscle
from .pool import NO_TIMES, NO_UNITS, IntArray
from .sensory import SensoryNerve
from .streams import random_stream
from .technique import Technique
from .truth import Json, TruthLog

FAR_MM = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Volley:
    """One pulse as one muscle's nerve got it. nerve: the one excited; site: on the muscle's own;
    current_ma: at the nerve; answering: motor units whose axons were excited and reach the
    muscle."""

    pulse: Pulse
    at_s: float
    nerve: str
    site: str
    current_ma: float
    answering: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Late:
    """Discharges that follow a pulse: `kind` names their list in the truth (`f_waves`); units may
    repeat; delays_s from the pulse to the firing of each unit's end-plates."""

    kind: str
    units: IntArray
    delays_s: FloatArray


def f_waves(muscle: Muscle, volley: Volley) -> Late:
    """Units whose motor neurons backfire."""
    return Late("f_waves", *muscle.f_wave(volley.site, volley.answering))


def a_waves(muscle: Muscle, volley: Volley) -> Late:
    """Units whose axons branch on the way: the same again at every pulse."""
    return Late("a_waves", *muscle.axons.a_waves(volley.site, volley.answering))


def h_reflex(muscle: Muscle, volley: Volley) -> Late:
    """Units that the Ia afferents of the muscle's own nerve recruit."""
    if volley.nerve != muscle.anatomy.nerve:
        return Late("h_reflexes", NO_UNITS, NO_TIMES)
    pulse = volley.at_s, volley.current_ma, volley.pulse.width_us
    reflex = muscle.h_reflex(volley.site, volley.answering, pulse)
    return Late("h_reflexes", reflex.units, reflex.delays_s)


LATE_ANSWERS: tuple[Callable[[Muscle, Volley], Late], ...] = (f_waves, a_waves, h_reflex)


class Stimulation:
    """The stimulating electrodes, the pulses still to come, and what each one does.

    muscles, sensory: all that can answer, by key; they may grow. evoked: what the leads will show.
    """

    def __init__(
        self,
        muscles: Mapping[str, Muscle],
        sensory: Mapping[str, SensoryNerve],
        evoked: Traces,
        technique: Technique,
        truth: TruthLog,
        seed: int,
    ) -> None:
        self.placement = Placement("median", "wrist", "left")
        self._muscles, self._sensory = muscles, sensory
        self._evoked, self._grid = evoked, evoked.grid
        self._technique, self._truth, self._seed = technique, truth, seed
        self._waiting: list[tuple[float, int, Pulse]] = []
        self._count = 0

    def add(self, at: float, current_ma: float, width_us: float, ready: float) -> None:
        """A pulse at sample `at` since power-on, now if that lies before `ready`, else in time.

        Raises ValueError for a pulse without charge.
        """
        if not (current_ma > 0.0 and width_us > 0.0):
            raise ValueError(f"a pulse of {current_ma} mA and {width_us} µs has no charge")
        self._count += 1
        heapq.heappush(
            self._waiting, (at, self._count, Pulse(current_ma, width_us, self.placement))
        )
        self.deliver(ready)

    def deliver(self, ready: float) -> None:
        """Every waiting pulse before sample `ready`."""
        while self._waiting and self._waiting[0][0] < ready:
            self._deliver(*heapq.heappop(self._waiting))

    def _deliver(self, at: float, number: int, pulse: Pulse) -> None:
        place = pulse.placement
        spectra = np.stack([self._artefact(lead, pulse) for lead in self._evoked.leads])
        spectra = self._technique.artefact(spectra, self._grid)
        fibres = self._snaps(pulse, number, spectra)
        answers: dict[str, Json] = {}
        volleys = []
        for muscle, nerve, current_ma in self._reached(pulse):
            volley = self._m_wave(at, muscle, nerve, current_ma, pulse, spectra)
            answers[muscle.key] = volley.answering.size
            volleys.append((muscle, volley))
        begin = ceil(at)
        self._evoked.lay(begin, self._grid.samples(spectra, begin - at))
        for muscle, volley in volleys:
            self._late_answers(at, muscle, volley)
        self._truth.event(
            "stimuli",
            at,
            number=number,
            current_ma=pulse.current_ma,
            width_us=pulse.width_us,
            nerve=place.nerve,
            site=place.site,
            side=place.side,
            delivered=True,
            units=answers,
            fibres=fibres,
        )

    def _currents(self, pulse: Pulse) -> list[tuple[str, float]]:
        """The nerves that the current reaches, and how much of it each gets."""
        place = pulse.placement
        at_nerve = pulse.current_ma * self._technique.delivered
        at_nerve /= body_plan().site_depth[place.site]
        anatomy = body_plan().nerves_by_name[place.nerve]
        reached = [(place.nerve, at_nerve)]
        if anatomy.neighbour is not None and place.site in anatomy.neighbour_at:
            needed = self._technique.spread(anatomy.neighbour_at[place.site])
            reached.append((anatomy.neighbour, at_nerve / needed))
        return reached

    def _reached(self, pulse: Pulse) -> Iterator[tuple[Muscle, str, float]]:
        """Muscles that answer from here, by which nerve, and the current at it."""
        place, currents = pulse.placement, self._currents(pulse)
        for key, muscle in self._muscles.items():
            if split_key(key)[0] != place.side:
                continue
            for nerve, current_ma in currents:
                if muscle.axons.site_reached(nerve, place.site) is not None:
                    yield muscle, nerve, current_ma
                    break

    def _m_wave(
        self,
        at: float,
        muscle: Muscle,
        nerve: str,
        current_ma: float,
        pulse: Pulse,
        spectra: ComplexArray,
    ) -> Volley:
        site = muscle.axons.site_reached(nerve, pulse.placement.site) or pulse.placement.site
        units = muscle.answer(current_ma, pulse.width_us, nerve, pulse.placement.site)
        at_s = at / self._grid.front_end.rate_hz
        passed = muscle.junction.response(at_s)
        rows = self._evoked.rows(muscle.key)
        if units.size and rows:
            turn = self._grid.turns(self._moved_s(muscle))
            spectra[rows] += passed * muscle.m_wave(site, units) * turn
        return Volley(pulse, at_s, nerve, site, current_ma, units)

    def _snaps(self, pulse: Pulse, number: int, spectra: ComplexArray) -> dict[str, Json]:
        """SNAPs under the leads, added to `spectra`; how many fibres answered, by recording."""
        answered: dict[str, Json] = {}
        place, currents = pulse.placement, dict(self._currents(pulse))
        for key, nerve in self._sensory.items():
            name, rows = nerve.anatomy.nerve, self._evoked.rows(key)
            if split_key(key)[0] != place.side or name not in currents or not rows:
                continue
            rng = random_stream(self._seed, key, f"pulse {number}")
            fibres = nerve.answering(currents[name], pulse.width_us, place.site, rng)
            answered[key] = fibres.size
            frequencies = self._grid.frequencies_hz
            if fibres.size:
                spectrum = nerve.spectrum(place.site, fibres, frequencies)
                turn = self._grid.turns(self._moved_s(nerve))
                spectra[rows] += self._grid.source_rate_hz * spectrum * turn
        return answered

    def _moved_s(self, reached: Muscle | SensoryNerve) -> float:
        """How much later a response comes because the poles are swapped."""
        axons = reached.axons if isinstance(reached, Muscle) else reached
        return 1e-3 * self._technique.further_mm / float(axons.velocity_m_s[:, 0].max())

    def _late_answers(self, at: float, muscle: Muscle, volley: Volley) -> None:
        for answer in LATE_ANSWERS:
            late = answer(muscle, volley)
            delays_s = late.delays_s - self._moved_s(muscle)  # nearer to the cord
            samples = at + delays_s * self._grid.front_end.rate_hz
            shares = muscle.junction.later(volley.at_s + delays_s)
            self._evoked.draw(muscle, late.units, samples, shares)
            for unit, sample in zip(late.units.tolist(), samples.tolist(), strict=True):
                self._truth.event(late.kind, sample, muscle=muscle.key, unit=unit)

    def _artefact(self, lead: str | None, pulse: Pulse) -> ComplexArray:
        """A lead on the stimulated nerve is as far as the nerve is long; others are far away."""
        place, distance = pulse.placement, FAR_MM
        if lead is not None and lead.startswith(TRANSDUCERS):
            return np.zeros(self._grid.frequencies_hz.size, dtype=np.complex128)
        under = muscle_under(lead)
        if under is not None and split_key(under)[0] == place.side:
            seen = self._muscles[under] if under in self._muscles else self._sensory[under]
            if seen.anatomy.nerve == place.nerve:
                distance = seen.anatomy.site_mm.get(place.site, FAR_MM)
        return artefact_spectrum(self._grid, pulse, distance)
