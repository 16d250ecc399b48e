"""Which sweeps hold the same wave, also under F-waves that differ.

F-waves are slower than the difference of two waves that nearly match. So sweeps are compared after
their slow part is off, and each is asked how much it holds of what others show: one that can tell
says all of it or nothing, if that is an A-wave. Anything between speaks for an F-wave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .late import LateTraces
from .smoothing import gaussian_rows

Trace = npt.NDArray[np.float64]
Which = npt.NDArray[np.bool_]

_STEP_MS = 0.25
SLOW_MS = (0.5, 1.5)  # SDs of the Gaussian: what is slower is taken off, at first and again
_SLOT_MS, _HOP_MS = 4.0, 1.0
_FREE_MS = 1.0  # of what is left, values so far apart are independent
_QUICK, _BRISK = 0.1, 0.1  # root mean square of a slot: of the floor; of what its slow part has
_LAG_MS = 0.1  # SD of an A-wave's latency, before it is seen
_TELLS, _VARIES = 0.2, 0.04  # SD of the gain: of a sweep that tells; of the wave itself
_SDS = 2.5
_FEW, _TRIED = 0.2, 12  # sweeps that agree in a slot that is tried; how many are
_HOLD, _HALF = 0.3, 0.5  # of all sweeps; the same if some that tell do not hold it
_SHARE, _AGAIN = 0.55, 0.75  # of those that tell; the same after a first wave
_NOTHING, _ODD = 0.3, 3.0  # more is a part of it; so many times as many hold all of it
_NEAR_MS, _SILENT = 4.0, 0.5  # no F-wave near: smaller than this part of the floor
_ALL = 0.9  # in so many: in those that cannot tell, too


@dataclass(frozen=True, slots=True, eq=False)
class Thin:
    """Smoothed sweeps, every `step` columns: rows, and quick, the same without what is slower than
    `slow_ms`."""

    rows: Trace
    quick: Trace
    step: int
    step_ms: float
    slow_ms: float

    @classmethod
    def of(cls, traces: LateTraces, last: int, slow_ms: float) -> Thin:
        """The late traces up to a column."""
        step = max(round(_STEP_MS * traces.per_ms), 1)
        rows = np.ascontiguousarray(traces.smooth_uv[:, :last:step])
        step_ms = step / traces.per_ms
        return cls(rows, quick(rows, slow_ms / step_ms), step, step_ms, slow_ms)


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """A slot of the thinned sweeps in which a wave is sure. holds: sweeps that tell and hold it;
    members: those, and the ones that cannot tell and lean to it; lags_ms: of every sweep."""

    first: int
    last: int
    holds: Which
    members: Which
    lags_ms: Trace


def quick(rows: Trace, slow: float) -> Trace:
    """(n_rows, n) without what is slower than a Gaussian of this SD, in columns."""
    return rows - gaussian_rows(rows, slow)


def core_of(
    thin: Thin, *, floor_uv: float, noise_uv: float, least_share: float, again: bool
) -> Core | None:
    """The slot that most sweeps hold alike; None if too few do.

    A wave that F-waves surround is in more than half of the sweeps that tell, for a motor neuron
    may come back as often as `least_share` asks; again: after a first wave more are asked for.
    """
    size, hop = round(_SLOT_MS / thin.step_ms), round(_HOP_MS / thin.step_ms)
    firsts = np.arange(0, thin.rows.shape[1] - size + 1, hop)
    if not firsts.size:
        return None
    place = firsts[:, None] + np.arange(size)
    slots = thin.quick[:, place].transpose(1, 0, 2)
    gram = slots @ slots.transpose(0, 2, 1)
    power = np.einsum("nss->ns", gram)
    own = np.maximum(power[:, None, :], 1e-9)
    gain = gram / own  # (slot, sweep, leader): how much of the leader the sweep holds
    rest = np.maximum(power[:, :, None] - gain * gram, 0.0) / own
    holds, tells = _votes(gain, rest, size * thin.step_ms)
    count = holds.sum(axis=1)
    slow = _BRISK**2 * thin.rows[:, place].var(axis=2).T
    loud = power >= size * np.maximum(max(_QUICK * floor_uv, noise_uv) ** 2, slow)
    enough = np.maximum(least_share * tells.sum(axis=1), _FEW * len(thin.rows))
    order = np.where(loud & (count >= enough), count + power / (power.max() + 1e-9), -1.0)
    for flat in np.argsort(-order, axis=None, kind="stable")[:_TRIED].tolist():
        slot, leader = divmod(flat, order.shape[1])
        if order[slot, leader] < 0:
            break
        wave = slots[slot][holds[slot, :, leader]].mean(axis=0)
        core = _core(thin, int(firsts[slot]), wave, floor_uv, least_share, again=again)
        if core is not None:
            return core
    return None


def votes(part: Trace, wave: Trace, step_ms: float) -> tuple[Which, Which, Trace, Trace]:
    """Of every sweep (n_sweeps, ..., n) and one wave (..., n), both quick: whether it holds the
    wave, whether it can tell, how much of it there is, and how much later it comes, ms; each
    (n_sweeps, ...)."""
    power = np.maximum((wave * wave).sum(axis=-1), 1e-9)
    slope = np.empty_like(wave)
    slope[..., 1:-1] = (wave[..., 2:] - wave[..., :-2]) / (2 * step_ms)
    slope[..., 0] = (wave[..., 1] - wave[..., 0]) / step_ms
    slope[..., -1] = (wave[..., -1] - wave[..., -2]) / step_ms
    left = part - wave
    spread = np.einsum("...n,...n->...", left, left) / (wave.shape[-1] * _LAG_MS**2)
    steep = (slope * slope).sum(axis=-1)
    later = -np.einsum("...n,...n->...", left, slope) / (steep + spread + 1e-12)
    there = part + later[..., None] * slope
    gain = np.einsum("...n,...n->...", there, wave) / power
    there -= gain[..., None] * wave
    rest = np.einsum("...n,...n->...", there, there) / power
    holds, tells = _votes(gain, rest, wave.shape[-1] * step_ms)
    return holds, tells, gain, later


def _votes(gain: Trace, rest: Trace, span_ms: float) -> tuple[Which, Which]:
    """Who holds a wave, and who can tell. rest: power beside it, over its own."""
    sd = np.sqrt(rest / max(span_ms / _FREE_MS, 1.0) + _VARIES**2)
    tells = sd < _TELLS
    return tells & (np.abs(gain - 1.0) < _SDS * sd), tells


def _core(
    thin: Thin, first: int, wave: Trace, floor_uv: float, least_share: float, *, again: bool
) -> Core | None:
    """The slot at `first`, its wave made anew of those that hold it; None if they are too few."""
    last, count = first + wave.size, len(thin.rows)
    part = thin.quick[:, first:last]
    for _ in range(2):
        holds, tells, gain, later = votes(part, wave, thin.step_ms)
        if not holds.any():
            return None
        wave = part[holds].mean(axis=0)
    holding, telling = int(holds.sum()), max(int(tells.sum()), 1)
    share = holding / telling
    odd = int((tells & ~holds & (np.abs(gain) >= _NOTHING)).sum())
    near = round(_NEAR_MS / thin.step_ms)
    others = np.ptp(thin.rows[~holds, max(first - near, 0) : last + near], axis=1)
    bare = bool((others < _SILENT * floor_uv).all())
    least = least_share if bare else _AGAIN if again else _SHARE
    asked = _HOLD if bare or share >= _AGAIN else _HALF
    if holding < asked * count or share < least or _ODD * odd > holding:
        return None
    members = holds | (~tells & ((gain > 0.5) | (share >= _ALL)))
    return Core(first, last, holds, members, later)
