"""What one delivered pulse brings: artefact, M-waves, and everything that comes back later.

The hooks, in this order, after each pulse: the artefact on every lead; the M-wave of every muscle
reached; then, for each of these muscles, every entry of `LATE_ANSWERS` in turn.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from .anatomy import arm
from .drawing import Traces
from .evoked import Placement, Pulse, artefact_spectrum
from .front_end import ComplexArray, FloatArray, Grid
from .muscle import Muscle
from .pool import IntArray
from .truth import Json, TruthLog

FAR_MM = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Volley:
    """One pulse as one muscle's nerve got it. answering: motor units whose axons were excited."""

    pulse: Pulse
    at_s: float
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
    return Late("f_waves", *muscle.f_wave(volley.pulse.placement.site, volley.answering))


LATE_ANSWERS: tuple[Callable[[Muscle, Volley], Late], ...] = (f_waves,)


class Stimulation:
    """The stimulating electrodes, the pulses still to come, and what each one does.

    rows: for each muscle, the rows of `evoked` that see it. leads: the muscle under each row.
    """

    def __init__(
        self,
        muscles: Mapping[str, Muscle],
        leads: Sequence[str | None],
        grid: Grid,
        evoked: Traces,
        truth: TruthLog,
    ) -> None:
        self.placement = Placement("median", "wrist", "left")
        self._muscles, self._leads, self._grid = muscles, leads, grid
        self._evoked, self._truth = evoked, truth
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
        spectra = np.stack([self._artefact(lead, pulse) for lead in self._leads])
        answers: dict[str, Json] = {}
        at_s = at / self._grid.front_end.rate_hz
        for muscle in self._reached(pulse.placement):
            depth = arm().site_depth[pulse.placement.site]
            units = muscle.answer(pulse.current_ma, pulse.width_us, depth)
            answers[muscle.key] = units.size
            if units.size:
                for row in self._evoked.rows(muscle.key):
                    spectra[row] += muscle.m_wave(pulse.placement.site, units)
            self._late_answers(at, muscle, Volley(pulse, at_s, units))
        begin = ceil(at)
        self._evoked.lay(begin, self._grid.samples(spectra, begin - at))
        self._truth.event(
            "stimuli",
            at,
            number=number,
            current_ma=pulse.current_ma,
            width_us=pulse.width_us,
            nerve=pulse.placement.nerve,
            site=pulse.placement.site,
            side=pulse.placement.side,
            delivered=True,
            units=answers,
        )

    def _late_answers(self, at: float, muscle: Muscle, volley: Volley) -> None:
        for answer in LATE_ANSWERS:
            late = answer(muscle, volley)
            samples = at + late.delays_s * self._grid.front_end.rate_hz
            self._evoked.draw(muscle, late.units, samples)
            for unit, sample in zip(late.units.tolist(), samples.tolist(), strict=True):
                self._truth.event(late.kind, sample, muscle=muscle.key, unit=unit)

    def _reached(self, placement: Placement) -> list[Muscle]:
        return [
            muscle
            for key, muscle in self._muscles.items()
            if muscle.anatomy.nerve == placement.nerve
            and placement.site in muscle.anatomy.sites
            and key.startswith(placement.side)
        ]

    def _artefact(self, lead: str | None, pulse: Pulse) -> ComplexArray:
        """A lead on the stimulated nerve is as far as the nerve is long; others are far away."""
        distance = FAR_MM
        if lead is not None:
            muscle = self._muscles[lead]
            if muscle in self._reached(pulse.placement):
                distance = muscle.anatomy.site_mm[pulse.placement.site]
        return artefact_spectrum(self._grid, pulse, distance)
