"""What a needle sees of muscle fibres: line sources in an anisotropic conductor.

Each fibre sends a wave from its end-plate to both tendons. The potential is the spatial slope of
the intracellular potential weighted with a dipole along the fibre that dies at the tendon.
Averages over core and cannula are taken in closed form, for both lie along the shaft.

Sources: Nandedkar SD, Stalberg E 1983, Med Biol Eng Comput 21:158 (line source, needle averages);
Andreassen S, Rosenfalck A 1981, IEEE Trans Biomed Eng 28 (conductivities 0.33 and 0.063 S/m along
and across, 1.01 S/m inside); Rosenfalck P 1969, Intra- and extracellular potential fields of active
nerve and muscle fibres (intracellular action potential 96 z³ exp(-z) - 90 mV, z in mm); McGill KC,
Lateva ZC 2001, IEEE Trans Biomed Eng 48:1480 (its afterpotential, the same that the surface sees).
What remains of it at the needle is set by single-fibre EMG (`needle.uptake`), by no motor unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.patient.effects import effect
from simulators.patient.fibres import SPIKE_PEAK
from simulators.patient.front_end import FloatArray
from simulators.patient.pool import IntArray

from .electrode import NeedleElectrode, NeedlePlace

ANISOTROPY = 0.33 / 0.063
STRENGTH = 1.01 / (16.0 * 0.063)  # times diameter in mm squared: mV mm per mV/mm
SHADE_MM = 0.7
WAVE_MV = 96.0  # of z³ exp(-z)
LASTING = 2.5  # time constants of the afterpotential that are reckoned
NEAREST_MM = 0.03
CANNULA_RADIUS_MM = 0.23
POINT_MM = 2.5  # from here on a fibre's potential is slow
COARSE = 8
CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class Fibres:
    """Muscle fibres, arrays (n,): place in the cross-section (mm below the skin, to the side),
    end-plate and both tendons along it (mm from E1), diameter, velocity, and when the end-plate
    fires after its unit. weight: how many such fibres it stands for."""

    depth_mm: FloatArray
    side_mm: FloatArray
    endplate_mm: FloatArray
    distal_mm: FloatArray
    proximal_mm: FloatArray
    diameter_um: FloatArray
    velocity_m_s: FloatArray
    delay_s: FloatArray
    weight: FloatArray

    def take(self, which: IntArray) -> Fibres:
        """Some of them."""
        return Fibres(*(getattr(self, name)[which] for name in self.__slots__))


def _line_average(low: FloatArray, high: FloatArray, off: FloatArray) -> FloatArray:
    """Mean of 1 / sqrt(K s² + off²) over s from `low` to `high`, K the anisotropy."""
    root = np.sqrt(ANISOTROPY)
    scaled = root / off
    span = np.arcsinh(high * scaled) - np.arcsinh(low * scaled)
    return np.asarray(span / (root * (high - low)))


def _core_seen(
    fibres: Fibres, along_mm: FloatArray, electrode: NeedleElectrode, place: NeedlePlace
) -> FloatArray:
    """(n, n_times): what the core sees of a unit charge at `along_mm` on each fibre."""
    up = (place.depth_mm - fibres.depth_mm)[:, None]  # height of the fibre above the tip
    aside = fibres.side_mm - place.side_mm
    beside = np.maximum(np.abs(aside), electrode.beside_mm + NEAREST_MM)
    off = np.sqrt(ANISOTROPY * beside[:, None] ** 2 + (along_mm - place.along_mm) ** 2)
    low, high = electrode.core_mm
    seen = _line_average(low - up, high - up, off)
    if electrode.cannula_mm is not None:
        shade = (1.0 - effect("needle.shade")) * np.exp(np.minimum(aside, 0.0) / SHADE_MM)
        seen *= np.where(aside < 0.0, 1.0 - shade, 1.0)[:, None]
    return seen


def _cannula_seen(
    fibres: Fibres, along_mm: FloatArray, start_mm: float, place: NeedlePlace
) -> FloatArray:
    """(n, n_times): the same for the shaft from `start_mm` above the tip up to the skin."""
    up = (place.depth_mm - fibres.depth_mm)[:, None]
    beside = np.maximum(np.abs(fibres.side_mm - place.side_mm), CANNULA_RADIUS_MM)
    off = np.sqrt(ANISOTROPY * beside[:, None] ** 2 + (along_mm - place.along_mm) ** 2)
    skin = max(place.depth_mm, start_mm + 1.0)
    return _line_average(start_mm - up, skin - up, off)


def _fronts(fibres: Fibres, times_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(n, n_times) mm from E1: both travelling ends of every fibre."""
    travelled = (
        1e3 * fibres.velocity_m_s[:, None] * np.maximum(times_s - fibres.delay_s[:, None], 0)
    )
    start = fibres.endplate_mm[:, None]
    right = start + np.minimum(travelled, fibres.distal_mm[:, None])
    return right, start - np.minimum(travelled, fibres.proximal_mm[:, None])


def charge_seen(
    fibres: Fibres,
    row: IntArray,
    n_rows: int,
    edges_s: FloatArray,
    electrode: NeedleElectrode,
    place: NeedlePlace,
) -> FloatArray:
    """(n_rows, n_times) change over each step of time of what the electrode sees of the travelling
    ends of the fibres of each row; its convolution with `wave_slope` is the potential in mV.

    row: (n,) where each fibre belongs. edges_s: (n_times + 1,) step limits from the unit's firing.
    What is far, or seen by the cannula, changes slowly and is reckoned on every COARSE-th limit.
    """
    distance = np.hypot(fibres.depth_mm - place.depth_mm, fibres.side_mm - place.side_mm)
    strength = effect("needle.uptake") * STRENGTH * (1e-3 * fibres.diameter_um) ** 2
    strength = strength * fibres.weight
    coarse_s = edges_s[: edges_s.size + COARSE - 1 : COARSE]
    coarse_s = np.append(coarse_s, edges_s[-1]) if coarse_s[-1] < edges_s[-1] else coarse_s
    fine = np.zeros((n_rows, edges_s.size))
    slow = np.zeros((n_rows, coarse_s.size))
    order = np.argsort(row, kind="stable")
    near = order[distance[order] < POINT_MM]
    far = order[distance[order] >= POINT_MM]
    for part in _chunks(near):
        some = fibres.take(part)
        seen = sum(_core_seen(some, at, electrode, place) for at in _fronts(some, edges_s))
        _add(fine, row[part], seen * strength[part, None])
    for part in _chunks(far):
        some = fibres.take(part)
        seen = sum(_core_seen(some, at, electrode, place) for at in _fronts(some, coarse_s))
        _add(slow, row[part], seen * strength[part, None])
    if electrode.cannula_mm is not None:
        for part in _chunks(order):
            some, start = fibres.take(part), electrode.cannula_mm
            seen = sum(_cannula_seen(some, at, start, place) for at in _fronts(some, coarse_s))
            _add(slow, row[part], -seen * strength[part, None])
    for one in range(n_rows):
        fine[one] += np.interp(edges_s, coarse_s, slow[one])
    return np.asarray(np.diff(fine, axis=1))


def _chunks(order: IntArray) -> list[IntArray]:
    return [order[start : start + CHUNK] for start in range(0, order.size, CHUNK)]


def _add(total: FloatArray, row: IntArray, seen: FloatArray) -> None:
    """Add every fibre to its row; rows come in order."""
    rows, first = np.unique(row, return_index=True)
    total[rows] += np.add.reduceat(seen, first, axis=0)


def wave_slope(velocity_m_s: float, step_s: float) -> FloatArray:
    """Spatial slope (mV/mm) of the action potential as one fibre point feels it pass, per step:
    Rosenfalck's spike, and the afterpotential that rises with it and outlasts it."""
    step_mm, fall_mm = 1e3 * velocity_m_s * step_s, effect("fibre.afterpotential_ms") * velocity_m_s
    z = np.arange(int(LASTING * fall_mm / step_mm) + 1) * step_mm
    fading = np.exp(-z)
    begun = 1.0 - fading
    after = (3.0 * fading - begun / fall_mm) * begun**2 * np.exp(-z / fall_mm)
    after *= effect("fibre.afterpotential") * SPIKE_PEAK
    return np.asarray(WAVE_MV * (3.0 * z**2 - z**3) * fading + after)


def potentials_uv(
    fibres: Fibres,
    owner: IntArray,
    velocity_m_s: FloatArray,
    edges_s: FloatArray,
    electrode: NeedleElectrode,
    place: NeedlePlace,
) -> FloatArray:
    """(n_owners, n) µV: the summed potential of the fibres of each owner, from the first of
    `edges_s` until it has faded. owner: (n,) row of each fibre. edges_s: as long as waves travel.
    velocity_m_s: (n_owners,) for the shape of the spike."""
    summed = charge_seen(fibres, owner, velocity_m_s.size, edges_s, electrode, place)
    step_s = float(edges_s[1] - edges_s[0])
    passing = [wave_slope(velocity, step_s) for velocity in velocity_m_s.tolist()]
    lasting = summed.shape[1] + max((one.size for one in passing), default=1) - 1
    points = 1 << (lasting - 1).bit_length()
    shown = np.empty((velocity_m_s.size, lasting))
    for row, one in enumerate(passing):
        spectrum = np.fft.rfft(summed[row], points) * np.fft.rfft(one, points)
        shown[row] = 1e3 * np.fft.irfft(spectrum, points)[:lasting]
    return shown
