"""Where a SNAP begins: the first positive peak of a wave that passes, the 2 % level of one that
arrives. Which of the two it is often drowns in the noise, so both are fitted and weighed.

A passing potential has a small positive phase before its negative one (a moving tripole seen from
outside: Dumitru, Amato & Zwarts, Electrodiagnostic Medicine, 2nd ed. 2002, ch. 3). The rise is
fitted by a negative phase of any width and steepness, with or without a positive phase before it,
on what is left of artefact and drift; every such curve counts by how likely the noise makes it.
The onset is the mean over the curves, its uncertainty their spread: two readings that the noise
cannot tell apart make it large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .onset import ONSET_LEVEL, last_below
from .smoothing import gaussian

Trace = npt.NDArray[np.float64]

# everything below counts in half rises: the time from half the height up to the negative peak
_STEEP = np.array([1.4, 1.7, 2.0, 2.4])  # the phase falls off as 2 ** -|u| ** steep; 2: Gaussian
_BEFORE = np.repeat([1.6, 2.0, 2.4, 2.8, 3.2], 3)  # the positive phase: its middle
_WIDTH = np.tile([0.7, 1.0, 1.4], 5)  # and half width at half its height
_DECAYS = np.array([1.0, 3.0, 10.0])
_SHIFTS = np.array([-0.35, 0.0, 0.35])  # the noise moves the peak
_BACK, _PAST = 12.0, 0.3  # of the peak: the stretch that is fitted
# where a tripole's first phase may have its top: 2.45 without dispersion, less with it
_TOP = np.arange(-3.5, -1.4, 0.05)
_MOST_POSITIVE = 0.6  # of the negative phase's height
_HALF_RISES_MS = 0.12 * 1.25 ** np.arange(10)
_USUAL_MS, _USUAL_SD = 0.32, 0.5  # of a nerve of any velocity: median, and SD of the logarithm
_SEEN_SD = 0.4  # the half rise read off the trace is at most so wrong (logarithm), or
_SEEN_NOISE = 6.0  # so many times noise over height
_COARSE_MS = 0.15  # smoothing for the half rise
_SLOW = 1.25  # of the white noise's SD: mains, muscle and a front end's filter make it slower
_DRIFT_SDS, _DECAY_SDS = 10.0, 20.0  # what artefact and drift may have left, in noise SDs


@dataclass(frozen=True, slots=True)
class SensoryOnset:
    """place, sd: in samples. passing: how likely a positive phase comes first, 0 to 1."""

    place: float
    sd: float
    passing: float


def half_rise(clean_uv: Trace, peak: float, peak_uv: float, per_ms: float) -> float | None:
    """Samples from half the height up to the negative peak; None if it does not come down so far.

    clean_uv: (n,), negative up, background taken off.
    """
    smooth = gaussian(clean_uv, _COARSE_MS * per_ms)
    below = last_below(smooth, 0.5 * peak_uv, int(peak), 0)
    if below is None:
        return None
    step = max(float(smooth[below + 1] - smooth[below]), 1e-9)
    half = below + (0.5 * peak_uv - float(smooth[below])) / step
    return max(peak - half, 1.5)


def sensory_onset(
    clean_uv: Trace, peak: float, peak_uv: float, per_ms: float, noise_uv: float
) -> SensoryOnset | None:
    """The onset before a negative peak; None if there is no rise to fit.

    clean_uv: (n,), negative up, background taken off. noise_uv: SD of its white noise.
    """
    seen = half_rise(clean_uv, peak, peak_uv, per_ms)
    if seen is None:
        return None
    first = max(math.ceil(peak - _BACK * max(seen, _USUAL_MS * per_ms)), 0)
    last = min(math.floor(peak + _PAST * seen) + 1, clean_uv.size)
    if last - first < 8:
        return None
    allowed = max(_SEEN_SD, _SEEN_NOISE * noise_uv / max(peak_uv, noise_uv))
    widths = _HALF_RISES_MS * per_ms
    near = widths[np.abs(np.log(widths / seen)) <= allowed]
    widths = near if near.size else np.array([seen])
    half = np.asarray(np.repeat(widths, _SHIFTS.size), dtype=np.float64)
    shift = np.tile(_SHIFTS, widths.size)
    away = np.arange(first, last, dtype=np.float64) - peak
    weights, likely = _fit(clean_uv[first:last], away, half, shift, seen, noise_uv)
    usual = -0.5 * (np.log(half / per_ms / _USUAL_MS) / _USUAL_SD) ** 2
    return _mean(weights, likely + usual[:, None], half, shift, peak)


_POSITIVE = _BEFORE.size  # the place among the positive phases that stands for none
_CELLS = np.array(
    [(steep, _STEEP.size + phase, _STEEP.size + _POSITIVE + 1 + decay)
     for steep in range(_STEEP.size)
     for phase in range(_POSITIVE + 1)
     for decay in range(_DECAYS.size)]
)  # fmt: skip
_PASSING = _CELLS[:, 1] < _STEEP.size + _POSITIVE
_RIDGE = 1e-6


def _phases(at: Trace) -> tuple[Trace, Trace]:
    """Negative phases (..., n_steep, n) and positive ones (..., n_positive + 1, n), the last of
    them none; `at` (..., n) in half rises from the negative peak."""
    here = at[..., None, :]
    negative = 2.0 ** -(np.abs(here) ** _STEEP[:, None])
    positive = -(2.0 ** -(((here + _BEFORE[:, None]) / _WIDTH[:, None]) ** 2))
    return negative, np.concatenate([positive, np.zeros_like(here)], axis=-2)


def _fit(
    seen_uv: Trace, away: Trace, half: Trace, shift: Trace, scale: float, noise_uv: float
) -> tuple[Trace, Trace]:
    """Least squares for every curve: weights (n_half, n_cells, 5) of negative phase, positive
    phase, decay, level and drift; and log evidence (n_half, n_cells).

    seen_uv: (n,). away: (n,) samples from the peak. half, shift: (n_half,). scale: of the decays.
    """
    spread = _SLOW * noise_uv
    seen = seen_uv / spread
    negative, positive = _phases(away / half[:, None] + shift[:, None])
    decay = np.exp(-(away - away[0]) / (scale * _DECAYS[:, None]))
    line = np.stack([np.ones_like(away), np.linspace(-1.0, 1.0, away.size)])
    fixed = np.broadcast_to(np.concatenate([decay, line]), (half.size, 5, away.size))
    waves = np.concatenate([negative, positive, fixed], axis=1) / spread
    power, along = waves @ waves.transpose(0, 2, 1), waves @ seen
    level = waves.shape[1] - 2
    cells = np.column_stack([_CELLS, np.tile([level, level + 1], (len(_CELLS), 1))])
    normal = power[:, cells[:, :, None], cells[:, None, :]]
    drift = (_DRIFT_SDS * noise_uv) ** -2
    loose = np.array([_RIDGE, _RIDGE, (_DECAY_SDS * noise_uv) ** -2, drift, drift])
    normal[..., range(5), range(5)] += loose
    wanted = along[:, cells]
    weights = np.asarray(np.linalg.solve(normal, wanted[..., None])[..., 0], dtype=np.float64)
    gain = np.sum(weights * wanted, axis=-1)
    # worse than the noise allows: the family is not rich enough, and all is less sure
    left = float(seen @ seen) - float(gain.max())
    worse = max(left / max(away.size - 7, 1), 1.0)
    likely = gain / (2 * worse) - np.linalg.slogdet(normal)[1] / 2
    height = np.maximum(weights[..., 0], 1e-9)
    # how high the positive phase is: anything up to its most is as likely; none needs no such guess
    guess = math.log(2 * math.pi * worse) / 2 - np.log(_MOST_POSITIVE * height * _POSITIVE)
    likely += np.where(_PASSING, guess, math.log(_RIDGE) / 2)
    rises = (weights[..., 0] > 0) & (~_PASSING | (weights[..., 1] > 0))
    return weights, np.asarray(np.where(rises, likely, -np.inf))


def _mean(
    weights: Trace, likely: Trace, half: Trace, shift: Trace, peak: float
) -> SensoryOnset | None:
    """The onset over all curves, by their weight."""
    negative, positive = _phases(_TOP)
    curve = (
        weights[..., :1] * negative[_CELLS[:, 0]]
        + weights[..., 1:2] * positive[_CELLS[:, 1] - _STEEP.size]
    )
    lowest = curve.argmin(axis=-1)
    inside = (lowest > 0) & (lowest < _TOP.size - 1)
    likely = np.where(~_PASSING | inside, likely, -np.inf)
    if not np.isfinite(likely).any():
        return None
    level = -((-math.log2(ONSET_LEVEL)) ** (1 / _STEEP))[_CELLS[:, 0]]
    begins = np.where(_PASSING, _TOP[lowest], level) - shift[:, None]
    place = peak + begins * half[:, None]
    weight = np.exp(likely - likely.max())
    weight /= weight.sum()
    mean = float(np.vdot(weight, place))
    spread = math.sqrt(max(float(np.vdot(weight, (place - mean) ** 2)), 0.0))
    return SensoryOnset(mean, spread, float(weight[:, _PASSING].sum()))
