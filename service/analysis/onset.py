"""Where a response leaves the baseline: the place of its 2 % level, at any signal-to-noise ratio.

Two estimators share one definition. Where the 2 % level stands clear of the noise it is read off
directly, between samples. Where it drowns, the visible foot is fitted by a power law that starts at
some instant, together with the tail of the stimulus artefact, and the law is solved for 2 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Trace = npt.NDArray[np.float64]

ONSET_LEVEL = 0.02
_POWERS = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0])
_TAUS_MS = np.geomspace(0.15, 12.0, 10)
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


@dataclass(frozen=True, slots=True)
class Foot:
    """The fitted foot, scale * (t - start_ms)+ ** power, standing on the artefact's tail."""

    start_ms: float
    power: float
    scale: float
    tail: Tail


def fit_tail(time_ms: Trace, trace_uv: Trace) -> Tail:
    """The decay that fits a stretch before any response best; time_ms from the end of blanking.

    No tail if none explains half of what is there: then it is noise, or a deflection of the muscle.
    """
    decay = np.exp(-time_ms[None, :] / _TAUS_MS[:, None])
    power = np.einsum("ij,ij->i", decay, decay)
    along = decay @ trace_uv
    best = int(np.argmax(along**2 / power))
    if along[best] ** 2 / power[best] < 0.5 * float(trace_uv @ trace_uv):
        return NO_TAIL
    return Tail(float(along[best] / power[best]), float(_TAUS_MS[best]))


def fit_foot(time_ms: Trace, trace_uv: Trace, starts_ms: Trace) -> Foot:
    """Least squares over a grid of start, power and artefact time constant; both scales are linear.

    time_ms, trace_uv: shape (n,), from the end of artefact blanking to the middle of the rise.
    starts_ms: candidate starts. One normal equation per grid point, solved for all at once.
    """
    lag = np.maximum(time_ms[None, :] - starts_ms[:, None], 0.0)
    root, square = np.sqrt(lag), lag * lag
    steps = (lag, lag * root, square, square * root, square * lag, square * square)
    rise = np.concatenate(steps)  # in the order of _POWERS
    tail = np.exp(-time_ms[None, :] / _TAUS_MS[:, None])
    rr = np.einsum("ij,ij->i", rise, rise)[:, None] + 1e-30
    tt = np.einsum("ij,ij->i", tail, tail)[None, :]
    rt = rise @ tail.T
    rv = (rise @ trace_uv)[:, None]
    tv = (tail @ trace_uv)[None, :]
    det = np.maximum(rr * tt - rt**2, 1e-9 * rr * tt)
    scale = (rv * tt - tv * rt) / det
    level = (tv * rr - rv * rt) / det
    gain = np.where(scale > 0, scale * rv + level * tv, -np.inf)
    best_rise, best_tau = np.unravel_index(int(np.argmax(gain)), gain.shape)
    power_index, start_index = divmod(int(best_rise), starts_ms.size)
    return Foot(
        start_ms=float(starts_ms[start_index]),
        power=float(_POWERS[power_index]),
        scale=float(scale[best_rise, best_tau]),
        tail=Tail(float(level[best_rise, best_tau]), float(_TAUS_MS[best_tau])),
    )


def level_of_foot(foot: Foot, level_uv: float) -> float:
    """The time in ms at which the fitted foot reaches a level."""
    return float(foot.start_ms + (level_uv / foot.scale) ** (1.0 / foot.power))


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
    place = np.arange(first, last, dtype=np.float64)
    centre = place.mean()
    level = trace_uv[first:last].mean()
    slope = float((place - centre) @ (trace_uv[first:last] - level) / np.sum((place - centre) ** 2))
    if slope <= 0:
        return float(below)
    return float(np.clip(centre + (level_uv - level) / slope, first, last - 1))


def is_clear(peak_uv: float, noise_uv: float) -> bool:
    """Whether the 2 % level stands clear enough of the noise to be read directly."""
    return ONSET_LEVEL * peak_uv >= _CLEAR * noise_uv
