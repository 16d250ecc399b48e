"""The shape of an A-wave, however long, from the sweeps in which it lies bare.

From where it is sure outwards, two bare sweeps stay alike down to the noise; two with F-waves
hardly ever do, but for those of the same motor neuron. So the mean of what stays alike with one
sweep is followed to either side, no further than the other sweeps bear it out; and of all such
courses the one is taken that leaves most silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .constant_evidence import Core, Thin, quick, votes
from .late import SMOOTH_MS, LateTraces
from .smoothing import gaussian

Trace = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Which = npt.NDArray[np.bool_]

_ALIKE = 0.3  # of the floor, or
_ALIKE_SDS = 4.0  # of the noise: two bare sweeps differ by less, and by
_JITTER_MS = 0.05  # what so much of an error of the lag makes of the slope
_MARGIN_MS = 1.0  # a sweep leaves the mean so long before it is seen to differ
_LEADERS = 4  # courses that are compared, of those that stay alike longest
_PIECE_MS = 3.0
_SMALL, _TELLING, _BORNE_OUT = 0.3, 4, 0.6  # of the floor; sweeps that tell; and share that hold
_SILENT_SDS = 3.0
_ENDS, _ENDS_SDS = 0.1, 4.0  # both ends of a whole wave: of its size, or of the noise
_LEFT, _LEFT_MS = 0.05, 0.03  # may be left: of its size, and what so much of a lag makes
_FADE_MS, _BEYOND_MS = 2.0, 5.0  # behind the last place where it is known
_BEGUN, _BEGUN_SDS = 0.05, 4.0


@dataclass(frozen=True, slots=True, eq=False)
class ConstantCourse:
    """template_uv: (n,), columns of the late traces; members: sweeps that hold it, with lags_ms;
    begin, end: columns between which it is more than noise; known_from, known_to: between which it
    was seen bare."""

    template_uv: Trace
    members: Places
    lags_ms: Trace
    begin: int
    end: int
    known_from: int
    known_to: int


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """Of the thinned sweeps: alike, (n_holding, n), what its mean is made of, from first to last;
    how much silence it leaves, and whether both of its ends are silent."""

    alike: Which
    first: int
    last: int
    silence: int
    whole: bool


def course_of(traces: LateTraces, thin: Thin, core: Core, floor_uv: float) -> ConstantCourse | None:
    """What the members of a core hold alike around it; None if it lies bare in no two of them, or
    if taking it off leaves no more silence than there is."""
    own = np.flatnonzero(core.holds)
    rows = _aligned(thin, own, core.lags_ms)
    slope = np.median(np.abs(np.gradient(thin.rows[own], axis=1)), axis=0) / thin.step_ms
    allowed = max(_ALIKE * floor_uv, _ALIKE_SDS * traces.noise_uv) + _JITTER_MS * slope
    before, after = _apart(rows, allowed, (core.first + core.last) // 2)
    members = thin.rows[core.members]
    least = _silence(members, traces.noise_uv, thin.step_ms)
    found: list[_Course] = []
    followed: set[int] = set()  # a sweep alike with a leader throughout has the same course
    for leader in np.argsort((before - after).sum(axis=1), kind="stable").tolist():
        if leader in followed or len(found) == _LEADERS:
            continue
        alike = _alike(before[leader], after[leader], leader, core, thin)
        if alike is None:
            continue
        mean = (rows * alike).sum(axis=0) / np.maximum(alike.sum(axis=0), 1)
        begin, end = np.flatnonzero(alike[leader])[[0, -1]].tolist()
        followed |= set(np.flatnonzero(alike[:, begin : end + 1].all(axis=1)).tolist())
        first, last = _borne_out(thin, core, mean, (begin, end + 1), floor_uv)
        left = members.copy()
        left[:, first:last] -= mean[first:last]
        silence = _silence(left, traces.noise_uv, thin.step_ms)
        size = _ENDS * float(np.abs(mean[first:last]).max())
        ends = [abs(float(mean[first]))] if first else []
        ends += [abs(float(mean[last - 1]))] if last < mean.size else []
        whole = max(ends, default=0.0) <= max(size, _ENDS_SDS * traces.noise_uv)
        found.append(_Course(alike, first, last, silence, whole))
    fit = [one for one in found if one.whole and one.silence > least]
    best = max(fit, key=lambda one: one.silence, default=None)
    return None if best is None else _in_columns(traces, thin, core, own, best)


def without(traces: LateTraces, course: ConstantCourse) -> LateTraces:
    """The traces less the course, moved by each member's lag."""
    wave = course.template_uv
    smooth = traces.smoothed(wave[None])[0]
    taken, soft = np.zeros_like(traces.flat_uv), np.zeros_like(traces.flat_uv)
    place = np.arange(wave.size, dtype=np.float64)
    for sweep, lag_ms in zip(course.members.tolist(), course.lags_ms.tolist(), strict=True):
        from_place = place - lag_ms * traces.per_ms
        taken[sweep] = np.interp(from_place, place, wave)
        soft[sweep] = np.interp(from_place, place, smooth)
    left = _LEFT * np.abs(wave) + _LEFT_MS * traces.per_ms * np.abs(np.gradient(wave))
    beyond = _BEYOND_MS * traces.per_ms
    first, last = course.known_from, course.known_to
    if first > 0:
        early = np.exp(-(first - place[:first]) / beyond)
        left[:first] += abs(float(wave[first])) * early
    if last < wave.size:
        left[last:] += abs(float(wave[last - 1])) * np.exp(-(place[last:] - last) / beyond)
    doubt = np.zeros_like(traces.flat_uv)
    doubt[course.members] = left
    return traces.without(taken, soft, doubt)


def _aligned(thin: Thin, own: Places, lags_ms: Trace) -> Trace:
    """Sweeps with their waves at the same place."""
    place = np.arange(thin.rows.shape[1], dtype=np.float64)
    return np.stack(
        [np.interp(place + lags_ms[one] / thin.step_ms, place, thin.rows[one]) for one in own]
    )


def _apart(rows: Trace, allowed: Trace, middle: int) -> tuple[Places, Places]:
    """The last place before the middle, and the first after it, at which two sweeps differ by more
    than is allowed, (n_sweeps, n_sweeps); -1 and n where they never do."""
    differ = np.abs(rows[:, None] - rows[None]) > allowed
    right, left = differ[:, :, middle:], differ[:, :, middle::-1]
    size = rows.shape[1]
    after = np.where(right.any(axis=2), right.argmax(axis=2), size - middle) + middle
    before = middle - np.where(left.any(axis=2), left.argmax(axis=2), middle + 1)
    np.fill_diagonal(after, middle)  # a sweep alone is no witness
    np.fill_diagonal(before, middle)
    return before, after


def _alike(before: Places, after: Places, leader: int, core: Core, thin: Thin) -> Which | None:
    """Which sweeps are alike with the leader at each place, for as long as there is one; None if
    there is none all over the core."""
    begin, end = int(before.min()) + 1, int(after.max())
    if begin > core.first or end < core.last:
        return None
    place = np.arange(thin.rows.shape[1])
    margin = round(_MARGIN_MS / thin.step_ms)
    alike = before[:, None] < np.maximum(place - margin, begin)
    alike &= after[:, None] > np.minimum(place + margin, end - 1)
    alike[leader] = True
    alike[:, :begin] = False
    alike[:, end:] = False
    return alike


def _borne_out(
    thin: Thin, core: Core, mean: Trace, span: tuple[int, int], floor_uv: float
) -> tuple[int, int]:
    """From the core outwards, as long as the members that can tell hold the course's pieces too:
    what two sweeps share alone is an F-wave of the same motor neuron."""
    begin, end = span
    size = min(round(_PIECE_MS / thin.step_ms), mean.size)
    hop = size // 2
    later = np.minimum(np.arange(core.last + hop, end + hop, hop), end)
    earlier = np.maximum(np.arange(core.first - hop, begin - hop, -hop), begin)
    firsts = np.concatenate([later - size, earlier]).clip(0, mean.size - size)
    if not firsts.size:
        return core.first, core.last
    place = firsts[:, None] + np.arange(size)
    wave = quick(mean[None], thin.slow_ms / thin.step_ms)[0][place]
    holds, tells, _, _ = votes(thin.quick[core.members][:, place], wave, thin.step_ms)
    telling = tells.sum(axis=0)
    other = (telling >= _TELLING) & (holds.sum(axis=0) < _BORNE_OUT * telling)
    other &= np.abs(mean[place]).max(axis=1) >= _SMALL * floor_uv
    after, before = other[: later.size], other[later.size :]
    right = int(after.argmax()) if after.any() else later.size
    left = int(before.argmax()) if before.any() else earlier.size
    return (
        int(earlier[left - 1]) if left else core.first,
        int(later[right - 1]) if right else core.last,
    )


def _silence(rows: Trace, noise_uv: float, step_ms: float) -> int:
    """How many pieces hold nothing but noise."""
    size = round(_PIECE_MS / step_ms)
    power = np.zeros((rows.shape[0], rows.shape[1] + 1))
    np.cumsum(rows * rows, axis=1, out=power[:, 1:])
    return int((power[:, size:] - power[:, :-size] <= size * (_SILENT_SDS * noise_uv) ** 2).sum())


def _in_columns(
    traces: LateTraces, thin: Thin, core: Core, own: Places, best: _Course
) -> ConstantCourse:
    """The course in all columns, sharpened by what smoothing took from it; beyond the places where
    it is known it fades."""
    size = traces.smooth_uv.shape[1]
    alike = best.alike[:, np.minimum(np.arange(size) // thin.step, best.alike.shape[1] - 1)]
    mean = (traces.smooth_uv[own] * alike).sum(axis=0) / np.maximum(alike.sum(axis=0), 1)
    wave = 2 * mean - gaussian(mean, SMOOTH_MS * traces.per_ms)
    first, last = best.first * thin.step, min(best.last * thin.step, size)
    if best.last >= thin.rows.shape[1]:
        last = size
    place, fade = np.arange(size), _FADE_MS * traces.per_ms
    wave[:first] = wave[first] * np.exp(-(first - place[:first]) / fade)
    wave[last:] = wave[last - 1] * np.exp(-(place[last:] - last) / fade)
    height = np.abs(wave)
    loud = np.flatnonzero(height >= max(_BEGUN_SDS * traces.noise_uv, _BEGUN * height.max()))
    begin, end = (int(loud[0]), int(loud[-1]) + 1) if loud.size else (first, last)
    members = np.flatnonzero(core.members)
    return ConstantCourse(wave, members, core.lags_ms[members], begin, end, first, last)
