"""Where a response leaves the baseline: the place of its 2 % level, at any signal-to-noise ratio.

Two estimators share one definition. Where the 2 % level stands clear of the noise it is read off
directly, between samples. Where it drowns, the visible foot is fitted by a power law that starts at
some instant, together with the tail of the stimulus artefact, and the law is solved for 2 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .smoothing import gaussian

Trace = npt.NDArray[np.float64]

ONSET_LEVEL = 0.02
_POWERS = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0])
_ROOTS = 1.0 / _POWERS
_TAUS_MS = np.geomspace(0.15, 12.0, 10)
_START_MS = 0.15  # from one candidate start of a foot to the next, at most
_LEAST_FEET = 32  # prepared at once
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
    makes it. start_ms: (n_starts,); scale, weight: (n_starts, n_powers), `weight` sums to one;
    `tail` is that of the likeliest; end_ms: of what they were fitted to."""

    start_ms: Trace
    scale: Trace
    weight: Trace
    tail: Tail
    end_ms: float

    def later(self, by_ms: float) -> Foot:
        """The same with its time counted from an earlier place."""
        tail = Tail(self.tail.level_uv * math.exp(by_ms / self.tail.tau_ms), self.tail.tau_ms)
        return replace(self, start_ms=self.start_ms + by_ms, tail=tail, end_ms=self.end_ms + by_ms)


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


def fit_foot(
    trace_uv: Trace, step_ms: float, starts_ms: tuple[float, float], noise_uv: float
) -> Foot | None:
    """Least squares over a grid of start, power and artefact time constant; both scales are linear.

    trace_uv: shape (n,), evenly spaced from time 0, which lies at the end of artefact blanking or
    after it, to the middle of the rise. starts_ms: the first and the last time at which the foot
    may start. One normal equation per grid point, solved for all at once; None if nothing rises.
    """
    finer = math.ceil(step_ms / _START_MS)
    last_ms, every_ms = (trace_uv.size - 1) * step_ms, step_ms / finer
    least = max(math.ceil((last_ms - starts_ms[1]) / every_ms - 1e-6), 1)
    most = min(int((last_ms - starts_ms[0]) / every_ms + 1e-6), (trace_uv.size - 1) * finer)
    if most < least:
        return None
    feet = _feet(trace_uv.size, finer, round(step_ms, 9), max(_LEAST_FEET, _power_of_two(most)))
    these = slice((least - 1) * _POWERS.size, most * _POWERS.size)
    seen = min(-(-most // finer), feet.rise.shape[1])  # before it every rise is zero
    common, free = feet.common[:, these], feet.free[:, these]
    # what a rise adds to a decay's part of the trace
    decays = feet.decay @ trace_uv
    new = feet.rise[these, -seen:] @ trace_uv[-seen:] - common * decays[:, None]
    scale = new / free
    gain = np.where(new > 0, new * scale + (decays * decays)[:, None], -np.inf)
    tau = gain.argmax(axis=0)
    place = tau * tau.size + np.arange(tau.size)
    start_ms: Trace = last_ms - every_ms * np.arange(least, most + 1, dtype=np.float64)
    likely = gain.ravel()[place].reshape(-1, _POWERS.size) / (2 * noise_uv**2)
    likely += start_ms[:, None] / _RISE_MS
    best = int(likely.argmax())
    if likely.flat[best] == -np.inf:
        return None
    weight = np.exp(likely - likely.flat[best])
    own = int(tau[best])
    level = (decays[own] - scale[own, best] * common[own, best]) * feet.decay[own, 0]
    return Foot(
        start_ms=start_ms,
        scale=(scale.ravel()[place] / feet.length[these]).reshape(weight.shape),
        weight=weight / weight.sum(),
        tail=Tail(float(level), float(_TAUS_MS[own])),
        end_ms=last_ms,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Feet:
    """What does not depend on the trace; rises and decays are scaled to a length of one.

    rise: (n_starts * n_powers, n_samples or fewer, the last ones), starts from the end backwards;
    length: theirs before; decay: (n_taus, n_samples); common: (n_taus, n_starts * n_powers) cosines
    between the two; free: what is left of a rise beside a decay.
    """

    rise: Trace
    length: Trace
    decay: Trace
    common: Trace
    free: Trace


@lru_cache(maxsize=256)
def _feet(count: int, finer: int, step_ms: float, starts: int) -> _Feet:
    """For `count` samples, and `starts` feet that start 1, 2, ... of `finer` parts of a sample
    before the last one."""
    decay, power = _decays(count, step_ms)
    decay = decay / np.sqrt(power)[:, None]
    rise, length = _rises(starts, finer, step_ms)
    seen = min(rise.shape[1], count)
    common = decay[:, count - seen :] @ rise[:, rise.shape[1] - seen :].T
    return _Feet(rise, length, decay, common, np.maximum(1.0 - common * common, 1e-9))


@lru_cache(maxsize=16)
def _rises(starts: int, finer: int, step_ms: float) -> tuple[Trace, Trace]:
    """The feet over the last samples, (n_starts * n_powers, n), each of length one; and their
    lengths before."""
    lag = np.arange(1, starts + 1)[:, None, None] / finer + np.arange(1 + -starts // finer, 1)
    rise = (np.maximum(lag, 0.0) * step_ms) ** _POWERS[:, None]
    rise = rise.reshape(-1, rise.shape[2])
    length = np.linalg.norm(rise, axis=1)
    return rise / length[:, None], length


def _power_of_two(least: int) -> int:
    """The first one that is not less."""
    return 1 << (least - 1).bit_length()


def level_of_foot(foot: Foot, level_uv: float) -> tuple[float, float]:
    """The time in ms at which the foot reaches a level, and its SD: both over the feet by their
    weight, since noise lets a single best one start far too early. No foot reaches it later than
    the half of the rise, where the fit ends."""
    # where nothing rises the weight is zero, and any number will do
    reach = (level_uv / np.maximum(foot.scale, 1e-30)) ** _ROOTS
    at_ms = np.minimum(foot.start_ms[:, None] + reach, foot.end_ms)
    mean = float(np.vdot(foot.weight, at_ms))
    return mean, math.sqrt(max(float(np.vdot(foot.weight, (at_ms - mean) ** 2)), 0.0))


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
    every = max(round(0.1 * per_ms), 1)
    whole = rise.size // every * every
    coarse = rise[:whole].reshape(-1, every).sum(axis=1) / every
    middle_ms = (every - 1) / 2 / per_ms  # of the samples in one value
    starts_ms = max(tenth / per_ms - 2.5, 0.0) - middle_ms, half / per_ms - 0.05 - middle_ms
    foot = fit_foot(coarse, every / per_ms, starts_ms, noise_uv / np.sqrt(every))
    if foot is not None:
        foot = foot.later(middle_ms)
    return foot, NO_TAIL if foot is None else foot.tail


def onset_place(
    clean: Trace, span: tuple[int, float], peak_uv: float, foot: Foot | None, per_ms: float
) -> float | None:
    """The place of the 2 % level: by the fitted foot if there is one, else read off directly."""
    first, peak = span
    level = ONSET_LEVEL * peak_uv
    if foot is not None:
        return first + level_of_foot(foot, level)[0] * per_ms
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
