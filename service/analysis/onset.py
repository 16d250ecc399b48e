"""Where a response leaves the baseline: the place of its 2 % level, at any signal-to-noise ratio.

Two estimators share one definition. Where the 2 % level stands clear of the noise it is read off
directly, between samples. Where it drowns, the visible foot is fitted by a power law that starts at
some instant, together with the tail of the stimulus artefact, and the law is solved for 2 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .smoothing import gaussian

Trace = npt.NDArray[np.float64]

ONSET_LEVEL = 0.02
_POWERS = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0])
_TAUS_MS = np.geomspace(0.15, 12.0, 10)
_RISE_MS = 1.0  # a foot's start is the less likely by e for each of these that it lies earlier
_CLEAR = 6.0  # the 2 % level must stand this many noise SDs high to be read directly


@dataclass(frozen=True, slots=True)
class Tail:
    """What is left of the artefact: level_uv * exp(-t / tau_ms), t from the end of blanking."""

    level_uv: float
    tau_ms: float

    def at(self, time_ms: Trace | float) -> Trace:
        """Its value, µV."""
        return np.asarray(self.level_uv * np.exp(-np.asarray(time_ms) / self.tau_ms))


NO_TAIL = Tail(0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Foot:
    """Feet scale * (t - start_ms)+ ** power on the artefact's tail, each with how likely the noise
    makes it; arrays of shape (n_feet,), `weight` sums to one, `tail` is that of the likeliest."""

    start_ms: Trace
    power: Trace
    scale: Trace
    weight: Trace
    tail: Tail


def fit_tail(time_ms: Trace, trace_uv: Trace) -> Tail:
    """The decay that fits a stretch before any response best.

    time_ms: evenly spaced from 0. No tail if none explains half of what is there: then it is noise,
    or a deflection of the muscle.
    """
    part = max(trace_uv.size // 4, 1)
    if abs(float(trace_uv[:part].sum())) < abs(float(trace_uv[-part:].sum())):
        return NO_TAIL  # it grows: a deflection of the muscle, not an artefact's end
    decay, power = _decays(time_ms.size, round(float(time_ms[1] - time_ms[0]), 9))
    along = decay @ trace_uv
    gain = along**2 / power
    best = int(gain.argmax())
    if gain[best] < 0.5 * float(trace_uv @ trace_uv):
        return NO_TAIL
    return Tail(float(along[best] / power[best]), float(_TAUS_MS[best]))


@lru_cache(maxsize=256)
def _decays(count: int, step_ms: float) -> tuple[Trace, Trace]:
    """The candidate decays, (n_taus, count), and their sums of squares."""
    decay = np.exp(-np.arange(count) * step_ms / _TAUS_MS[:, None])
    return decay, np.einsum("ij,ij->i", decay, decay)


def fit_foot(time_ms: Trace, trace_uv: Trace, starts_ms: Trace, noise_uv: float) -> Foot | None:
    """Least squares over a grid of start, power and artefact time constant; both scales are linear.

    time_ms, trace_uv: shape (n,), from the end of artefact blanking to the middle of the rise.
    starts_ms: candidate starts, rising. One normal equation per grid point, solved for all at
    once; None if nothing rises.
    """
    late = int(np.searchsorted(time_ms, starts_ms[0]))  # before it every rise is zero
    lag = np.maximum(time_ms[None, late:] - starts_ms[:, None], 0.0)
    root, square = np.sqrt(lag), lag * lag
    steps = (lag, lag * root, square, square * root, square * lag, square * square)
    rise = np.concatenate(steps)  # in the order of _POWERS
    tail = np.exp(-time_ms[None, :] / _TAUS_MS[:, None])
    rr = np.einsum("ij,ij->i", rise, rise)[:, None] + 1e-30
    tt = np.einsum("ij,ij->i", tail, tail)[None, :]
    # one product: with a vector alone the linear algebra library would wake its threads
    along = rise @ np.concatenate([tail[:, late:], trace_uv[None, late:]]).T
    rt, rv = along[:, :-1], along[:, -1:]
    tv = (tail @ trace_uv)[None, :]
    det = np.maximum(rr * tt - rt**2, 1e-9 * rr * tt)
    scale = (rv * tt - tv * rt) / det
    level = (tv * rr - rv * rt) / det
    gain = np.where(scale > 0, scale * rv + level * tv, -np.inf)
    if not np.isfinite(gain).any():
        return None
    tau = gain.argmax(axis=1)
    feet = np.arange(gain.shape[0])
    likely = gain[feet, tau] / (2 * noise_uv**2)
    every_start = np.concatenate([starts_ms] * _POWERS.size)
    likely += every_start / _RISE_MS
    best = int(likely.argmax())
    weight = np.exp(likely - likely[best])
    return Foot(
        start_ms=every_start,
        power=np.repeat(_POWERS, starts_ms.size),
        scale=scale[feet, tau],
        weight=weight / weight.sum(),
        tail=Tail(float(level[best, tau[best]]), float(_TAUS_MS[tau[best]])),
    )


def level_of_foot(foot: Foot, level_uv: float) -> float:
    """The time in ms at which the foot reaches a level: the mean over the feet by their weight,
    since noise lets a single best one start far too early."""
    rising = foot.weight > 0
    reach = (level_uv / foot.scale[rising]) ** (1.0 / foot.power[rising])
    return float(foot.weight[rising] @ (foot.start_ms[rising] + reach))


def foot_of_rise(
    trace: Trace, first: int, peak: int, per_ms: float, noise_uv: float, *, clear: bool
) -> tuple[Foot | None, Tail]:
    """The tail of the artefact, and the foot of the response where its 2 % level drowns in noise.

    Both from the stretch between blanking and half-way up; no foot if the rise is too short.
    """
    smooth = gaussian(trace[first : peak + 1], 0.15 * per_ms)
    floor = float(smooth.min())
    height = float(smooth[-1]) - floor
    half = last_below(smooth, floor + 0.45 * height, smooth.size - 1, 0)
    if half is None or half < 6:
        return None, NO_TAIL
    tenth = last_below(smooth, floor + 0.10 * height, half, 0) or 0
    time_ms = np.arange(half + 1) / per_ms
    rise = trace[first : first + half + 1]
    if clear:
        # not up to the foot itself: a positive deflection before it is not the artefact's
        quiet = max(int(tenth - 2.0 * per_ms), min(int(tenth - 0.3 * per_ms), round(per_ms)))
        return None, fit_tail(time_ms[:quiet], rise[:quiet]) if quiet >= 6 else NO_TAIL
    starts = np.arange(max(tenth / per_ms - 2.5, 0.0), half / per_ms - 0.05, 0.15)
    if not starts.size:
        return None, NO_TAIL
    every = max(round(0.1 * per_ms), 1)
    whole = time_ms.size // every * every
    coarse_ms, coarse = (
        part[:whole].reshape(-1, every).sum(axis=1) / every for part in (time_ms, rise)
    )
    foot = fit_foot(coarse_ms, coarse, starts, noise_uv / np.sqrt(every))
    return foot, NO_TAIL if foot is None else foot.tail


def onset_place(
    clean: Trace, span: tuple[int, float], peak_uv: float, foot: Foot | None, per_ms: float
) -> float | None:
    """The place of the 2 % level: by the fitted foot if there is one, else read off directly."""
    first, peak = span
    level = ONSET_LEVEL * peak_uv
    if foot is not None:
        return first + level_of_foot(foot, level) * per_ms
    below = last_below(clean, level, int(peak), first)
    return None if below is None else crossing(clean, level, below, round(0.06 * per_ms))


def last_below(trace_uv: Trace, level_uv: float, from_index: int, stop_index: int) -> int | None:
    """Walking back from `from_index`, the last sample not above `level_uv`; None if there is none
    after `stop_index`."""
    under = np.flatnonzero(trace_uv[stop_index:from_index] <= level_uv)
    return int(stop_index + under[-1]) if under.size else None


def crossing(trace_uv: Trace, level_uv: float, below: int, reach: int) -> float:
    """The place, in samples, where a line through the samples around `below` meets the level.

    reach 0: between `below` and its neighbour; more: a least-squares line over 2 * reach + 2
    samples, so that noise on two samples does not decide.
    """
    first, last = max(below - reach, 0), min(below + 2 + reach, trace_uv.size)
    near = trace_uv[first:last]
    centre, level = (first + last - 1) / 2, float(near.sum()) / near.size
    away = np.arange(first, last) - centre
    slope = float(away @ near) / float(away @ away)
    if slope <= 0:
        return float(below)
    return min(max(centre + (level_uv - level) / slope, float(first)), float(last - 1))


def is_clear(peak_uv: float, noise_uv: float) -> bool:
    """Whether the 2 % level stands clear enough of the noise to be read directly."""
    return ONSET_LEVEL * peak_uv >= _CLEAR * noise_uv
