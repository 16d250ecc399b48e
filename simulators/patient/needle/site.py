"""One place of the needle: which fibres lie at its tip and what each of them can do there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulators.patient.effects import effect
from simulators.patient.front_end import FloatArray
from simulators.patient.pool import IntArray

from .electrode import NeedleElectrode, NeedlePlace
from .fibre_map import FibreMap
from .field import Fibres, potentials_uv
from .muap import step_edges
from .spontaneous import (
    Train,
    denervated,
    end_plate,
    end_plate_noise,
    insertion_s,
    insertion_times,
)

HEARD_MM = 0.9
HIT_MM = 0.6
HIT_FIBRES = 16
TWIG_MM = (0.25, 0.6)
HURT_MM = 0.45
ZONE_MM = 1.0
MINIATURE_S = 0.0004
TAIL_S = 0.008
CRD_FIBRES = 7


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """waveform_uv: (n_rows, n_times) templates of single sources; trains: what discharges them;
    hits: (times in s, rows) of the insertional burst, which lasts `insertion_s`."""

    waveform_uv: FloatArray
    trains: tuple[Train, ...]
    hits: tuple[FloatArray, IntArray]
    insertion_s: float


def visited(
    chart: FibreMap,
    fibres: Fibres,
    electrode: NeedleElectrode,
    place: NeedlePlace,
    *,
    denervation: float,
    now_s: float,
    rate_hz: float,
    rng: np.random.Generator,
) -> Site:
    """What begins when the needle comes to rest here at `now_s`."""
    middle = place.depth_mm - 0.5 * sum(electrode.core_mm)
    distance = np.hypot(fibres.depth_mm - middle, fibres.side_mm - place.side_mm)
    near = np.argsort(distance)
    near = near[: int(np.searchsorted(distance[near], HEARD_MM))]
    hit = rng.permutation(near[distance[near] < HIT_MM])[:HIT_FIBRES]
    if hit.size == 0:
        hit = np.argsort(distance)[:HIT_FIBRES]
    ill = near[chart.lot[4, near] < effect("denervation.fibrillating_share") * denervation]
    hurt = (distance[ill] < HURT_MM) & (chart.lot[5, ill] < effect("denervation.sharp_wave_share"))
    sharp = ill[hurt]
    fibrillating = np.setdiff1d(ill, sharp)
    chain = _crd_fibres(near, denervation, rng)
    twigs = near[
        (distance[near] > TWIG_MM[0])
        & (distance[near] < TWIG_MM[1])
        & (np.abs(fibres.endplate_mm[near] - place.along_mm) < ZONE_MM)
        & (chart.lot[5, near] > 1.0 - effect("end_plate.irritable_share"))
    ][:3]
    chosen = np.concatenate((hit, fibrillating, chain, twigs, sharp))
    some = fibres.take(chosen)
    some.weight[:] = 1.0
    some.delay_s[:] = 0.0
    first_sharp = chosen.size - sharp.size
    some = _dying_at(some, place.along_mm, first_sharp)
    chain_rows = np.arange(hit.size + fibrillating.size, hit.size + fibrillating.size + chain.size)
    some.delay_s[chain_rows] = np.sort(rng.uniform(0.0, 0.012, chain.size))
    edges = step_edges(some, rate_hz)
    shown = potentials_uv(some, np.arange(chosen.size), some.velocity_m_s, edges, electrode, place)
    shown[first_sharp:] += _tail(shown[first_sharp:], rate_hz)
    trains: list[Train] = []
    row = hit.size
    for _ in fibrillating:
        trains.append(denervated("fibrillation", len(trains), (row,), now_s, rng))
        row += 1
    if chain.size:
        rows = tuple(int(one) for one in chain_rows)
        trains.append(denervated("complex_repetitive", len(trains), rows, now_s, rng))
        row += chain.size
    for _ in twigs:
        trains.append(end_plate(len(trains), row, now_s, rng))
        row += 1
    for _ in sharp:
        trains.append(denervated("positive_sharp_wave", len(trains), (row,), now_s, rng))
        row += 1
    if twigs.size:
        shown = np.concatenate((shown, _miniatures(shown.shape[1], rate_hz, rng)))
        trains += [end_plate_noise(len(trains), row + k, now_s, 1 / 3) for k in range(3)]
    lasting = insertion_s(denervation, rng)
    times = insertion_times(now_s, lasting, rng)
    which = rng.integers(0, hit.size, times.size)
    return Site(shown, tuple(trains), (times, which), lasting)


def _crd_fibres(near: IntArray, denervation: float, rng: np.random.Generator) -> IntArray:
    """Neighbours that excite each other in a ring, at few places."""
    here = rng.random() < effect("denervation.complex_repetitive") * denervation
    if not here or near.size < CRD_FIBRES:
        return near[:0]
    return near[rng.permutation(near.size)[:CRD_FIBRES]]


def _dying_at(fibres: Fibres, along_mm: float, first: int) -> Fibres:
    """The fibres from `first` on are hurt at the needle: their wave ends there."""
    gap = along_mm - fibres.endplate_mm[first:]
    distal, proximal = fibres.distal_mm.copy(), fibres.proximal_mm.copy()
    distal[first:] = np.where(gap > 0.0, np.maximum(gap - 0.05, 0.5), distal[first:])
    proximal[first:] = np.where(gap <= 0.0, np.maximum(-gap - 0.05, 0.5), proximal[first:])
    return replace(fibres, distal_mm=distal, proximal_mm=proximal)


def _tail(waveform_uv: FloatArray, rate_hz: float) -> FloatArray:
    """The long low negative wave after a sharp positive one; it brings the area back to zero."""
    n = waveform_uv.shape[1]
    peak = np.argmin(-waveform_uv, axis=1)[:, None]
    after = (np.arange(n)[None, :] - peak) / (rate_hz * TAIL_S)
    shape = np.where(after > 0.0, after * np.exp(-np.maximum(after, 0.0)), 0.0)
    area = np.maximum(waveform_uv.sum(axis=1, keepdims=True), 0.0)
    return np.asarray(-shape * area / np.maximum(shape.sum(axis=1, keepdims=True), 1e-12))


def _miniatures(n: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """(3, n) miniature end-plate potentials: negative, of a millisecond or two."""
    times = np.arange(n) / rate_hz / MINIATURE_S
    height = effect("end_plate.noise_uv") * rng.uniform(0.4, 1.6, (3, 1))
    return np.asarray(-height * times * np.exp(1.0 - times))
