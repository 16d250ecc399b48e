"""Motor unit potentials at the needle, in parts that answer with their own jitter.

A unit's potential is a bulk that keeps still, its two nearest fibres, each behind its own
end-plate, and the branches of its sprouts; a young branch trembles and blocks.

Sources: Stalberg E, Trontelj JV, Single Fiber Electromyography (jitter 5-50 µs in health, mean
consecutive difference; blocking above about 80-100 µs); Stalberg EV, Sonoo M 1994, Muscle Nerve
17:1135 (shape variability of a unit).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulators.patient.effects import effect
from simulators.patient.front_end import FloatArray
from simulators.patient.pool import BoolArray, IntArray

from .electrode import NeedleElectrode, NeedlePlace
from .fibre_map import NOBODY, FibreMap, Innervation
from .field import Fibres, potentials_uv

BRANCHES = 3
NEAREST = 2
RINGS_MM = (1.5, 2.5, 4.0)
ONE_IN = (1, 2, 4, 10)  # fibres reckoned within each ring
MCD_PER_SD = 2.0 / np.sqrt(np.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Potentials at one place of the needle. Arrays (n_parts,): unit, jitter (SD, s), probability
    that the part blocks; waveform_uv (n_parts, n_times) from the unit's firing, rate_hz.
    fibres, adopted: (n_units,) working fibres, and how many of them were taken over."""

    unit: IntArray
    jitter_s: FloatArray
    blocking: FloatArray
    waveform_uv: FloatArray
    rate_hz: float
    fibres: IntArray
    adopted: IntArray

    def whole(self, unit: int) -> FloatArray:
        """A unit's potential when every part answers on time."""
        return np.asarray(self.waveform_uv[self.unit == unit].sum(axis=0))


def thinned(fibres: Fibres, owner: IntArray, distance_mm: FloatArray) -> IntArray:
    """Fibres to reckon with: all that lie near, one in a few of those farther away, which then
    counts for as many (`Fibres.weight` is set)."""
    lies = np.searchsorted(RINGS_MM, distance_mm)
    kept = [np.empty(0, dtype=np.int64)]
    for ring, one_in in enumerate(ONE_IN):
        inside = np.flatnonzero((lies == ring) & (owner != NOBODY))
        order = inside[np.argsort(owner[inside], kind="stable")]
        _, first, count = np.unique(owner[order], return_index=True, return_counts=True)
        rank = np.arange(order.size) - np.repeat(first, count)
        total = np.repeat(count, count)
        wanted = np.ceil(total / one_in).astype(np.int64)
        chosen = (rank * wanted) // total != ((rank + 1) * wanted) // total
        fibres.weight[order[chosen]] = (total / wanted)[chosen]
        kept.append(order[chosen])
    return np.sort(np.concatenate(kept))


def unit_parts(
    chart: FibreMap,
    now: Innervation,
    electrode: NeedleElectrode,
    place: NeedlePlace,
    rate_hz: float,
    *,
    units: IntArray | None = None,
) -> Parts:
    """Every living unit (or only `units`) as the needle sees it from this place."""
    owner, taken, fibres = now.owner, now.taken, now.fibres
    if units is not None:
        owner = np.where(np.isin(owner, units), owner, NOBODY)
    fibres = replace(fibres, weight=np.ones(owner.size))
    distance = np.hypot(fibres.depth_mm - place.depth_mm, fibres.side_mm - place.side_mm)
    used = thinned(fibres, owner, distance)
    label = _labels(chart, owner, taken, distance, used)
    kinds, row = np.unique(owner[used] * (1 + NEAREST + BRANCHES) + label, return_inverse=True)
    unit, part = np.divmod(kinds, 1 + NEAREST + BRANCHES)
    worked = fibres.take(used)
    edges = step_edges(worked, rate_hz)
    velocity = chart.unit_velocity_m_s[unit]
    waveform = potentials_uv(worked, row, velocity, edges, electrode, place)
    jitter, blocking = _steadiness(chart, unit, part, now.young)
    alive = chart.unit_velocity_m_s.size
    working = owner != NOBODY
    return Parts(
        unit,
        jitter,
        blocking,
        waveform,
        rate_hz,
        np.bincount(owner[working], minlength=alive),
        np.bincount(owner[working & taken], minlength=alive),
    )


def step_edges(fibres: Fibres, rate_hz: float) -> FloatArray:
    """Step limits that last until every wave has reached its tendon."""
    reach = np.maximum(fibres.distal_mm, fibres.proximal_mm)
    longest = float((fibres.delay_s + 1e-3 * reach / fibres.velocity_m_s).max(initial=0.01))
    return np.arange(int(min(longest, 0.06) * rate_hz) + 2) / rate_hz


def _labels(
    chart: FibreMap, owner: IntArray, taken: BoolArray, distance: FloatArray, used: IntArray
) -> IntArray:
    """Part of its unit for each used fibre: 0 the bulk, then the nearest own fibres, then branches
    of sprouts."""
    label = np.where(taken[used], 1 + NEAREST + chart.sprout(BRANCHES)[used], 0)
    own = np.flatnonzero((label == 0) & (distance[used] < 1.0))
    order = own[np.lexsort((distance[used][own], owner[used][own]))]
    _, first, count = np.unique(owner[used][order], return_index=True, return_counts=True)
    rank = np.arange(order.size) - np.repeat(first, count)
    close = rank < NEAREST
    label[order[close]] = 1 + rank[close]
    return np.asarray(label)


def _steadiness(
    chart: FibreMap, unit: IntArray, part: IntArray, young: float
) -> tuple[FloatArray, FloatArray]:
    """(jitter, blocking) of each part. A branch is young with the share of young fibres."""
    draw = np.random.Generator(np.random.PCG64(int(1e9 * chart.lot[4, 0])))
    table = draw.random((chart.unit_velocity_m_s.size, 1 + NEAREST + BRANCHES, 2))[unit, part]
    branch = part > NEAREST
    fresh = branch & (table[:, 0] < young)
    mcd_us = np.where(part == 0, 0.0, effect("needle.mcd_us") * (0.6 + 0.8 * table[:, 1]))
    mcd_us[branch] *= effect("lmn.old_sprout_jitter")
    young_us = effect("lmn.young_mcd_us") * (0.4 + 1.2 * table[:, 1])
    mcd_us[fresh] = young_us[fresh]
    blocking = np.where(
        fresh & (mcd_us > effect("lmn.blocking_mcd_us")), table[:, 0] / max(young, 1e-9), 0.0
    )
    return 1e-6 * mcd_us / MCD_PER_SD, np.asarray(effect("lmn.blocking") * blocking)
