"""Fasciculations: single units firing by themselves, irregularly, now and then twice.

Candidates come at a fixed Poisson rate and are kept with the probability that the dial sets, so
that the dial thins the same sequence instead of drawing another.
Sources: Kleine BU et al. 2012, Clin Neurophysiol 123:1682 (doublets, F-like pairs); Bashford J et
al. 2019, Clin Neurophysiol 130:1083 (rates).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .effects import effect
from .front_end import FloatArray
from .pool import BoolArray, IntArray

CANDIDATES_PER_S = 2.0


@dataclass(frozen=True, slots=True)
class Fasciculation:
    """One event: the unit, its time in seconds, and the interval to a second discharge, or 0."""

    unit: int
    at_s: float
    doublet_s: float


class FasciculationSource:
    """The spontaneous discharges of one muscle. surface_size: tells how large each unit is on the
    surface, once somebody wants to know."""

    def __init__(
        self, surface_size: Callable[[], FloatArray], units: int, rng: np.random.Generator
    ) -> None:
        self._rng = rng
        self._surface_size = surface_size
        self._place: IntArray = rng.permutation(units - units // 2)
        self._order: IntArray | None = None
        self._weights = np.cumsum(
            rng.dirichlet(np.full(int(effect("lmn.fasciculation_sources")), 4.0))
        )
        self._next_s = float(rng.exponential(1.0 / CANDIDATES_PER_S))

    def events(
        self, begin_s: float, end_s: float, share: float, alive: BoolArray
    ) -> list[Fasciculation]:
        """Events from `begin_s` to `end_s` that were not returned yet, at `share` of the highest
        rate. What a muscle did before a lead first asked for it is nobody's to see."""
        if end_s <= self._next_s:
            return []
        found: list[Fasciculation] = []
        while self._next_s < end_s:
            keep, which, twice, gap = self._rng.random(4)
            per_s = effect("lmn.fasciculations_per_min") / 60.0 * share
            unit = self._unit(which, alive) if keep < per_s / CANDIDATES_PER_S else None
            if unit is not None and self._next_s > begin_s - 1e-6:
                doublet = twice < effect("lmn.fasciculation_doublet")
                found.append(Fasciculation(unit, self._next_s, (0.004 + 0.006 * gap) * doublet))
            self._next_s += float(self._rng.exponential(1.0 / CANDIDATES_PER_S))
        return found

    def _unit(self, which: float, alive: BoolArray) -> int | None:
        if self._order is None:  # the upper half, in any order
            upper = np.argsort(self._surface_size())[-self._place.size :]
            self._order = np.asarray(upper[self._place])
        living = self._order[alive[self._order]]
        if living.size == 0:
            living = np.flatnonzero(alive)
        if living.size == 0:
            return None
        return int(living[min(int(np.searchsorted(self._weights, which)), living.size - 1)])
