"""What every sweep holds alike under its F-waves: one or many A-waves, however long they last.

An A-wave that the F-waves ride on is seen bare only where none of them lies: before they begin, and
in the sweeps that have none. Two such sweeps are alike down to the noise over all of it, which two
sweeps with F-waves hardly ever are. So the pair that stays alike for longest is looked for, and
at every instant the mean of what is still alike with it is the constant course up to there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .late import SMOOTH_MS, LateTraces
from .smoothing import gaussian

Trace = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_STEP_MS = 0.5
_ALIKE = 0.5  # of the floor: two sweeps differ by less, and by
_JITTER_MS = 0.1  # what so much jitter makes of the slope
_MARGIN_MS = 1.0  # a sweep leaves the mean so long before it is seen to differ
_EQUAL_MS = 1.0  # groups that stay alike nearly as long as the longest are compared
_PIECE_MS = 3.0  # of the course: there in a sweep, or missing, if less than
_SAME = 0.2  # of its size is left, beside the noise; pieces of at least
_LOUD = 0.3  # of the floor, root mean square
_ALL, _SHOWING = 0.9, 0.25  # in so many of those that tell, so many of all: in the covered ones too
_CONFIRMED = 3  # sweeps that show a piece
_SILENT = 0.15  # of the floor
_SILENT_SDS = 3.0
_LAG_MS = 0.3
_LEFT = 0.03  # of its size may be left
_FADE_MS, _BEYOND_MS = 2.0, 5.0  # behind the last place where it is known
_BEGUN_SDS = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class ConstantCourse:
    """template_uv: (n,), columns of the late traces; members: sweeps that hold it, with lags_ms;
    begin, end: columns between which it is more than noise; known_to: the column up to which it was
    seen bare."""

    template_uv: Trace
    members: Places
    lags_ms: Trace
    begin: int
    end: int
    known_to: int


def take_out_course(
    traces: LateTraces, *, to_ms: float, least_share: float, floor_uv: float
) -> tuple[LateTraces, ConstantCourse | None]:
    """The traces without what at least `least_share` of them hold alike, and that; None if it is
    smaller than the floor, too rare, or nowhere seen bare."""
    step = max(round(_STEP_MS * traces.per_ms), 1)
    last = traces.column(to_ms + 10.0)
    rows = traces.smooth_uv[:, :last:step]
    if rows.shape[0] < 2 or rows.shape[1] < 2:
        return traces, None
    slope = np.median(np.abs(np.gradient(rows, axis=1)), axis=0) / _STEP_MS
    allowed = _ALIKE * floor_uv + _JITTER_MS * slope
    needed = max(least_share * rows.shape[0], _CONFIRMED)
    bare = _best(rows, _first_apart(rows, allowed), needed, floor_uv, traces.noise_uv)
    if bare is None:
        return traces, None
    course = _in_columns(traces, rows, bare, allowed, step)
    return _without(traces, course), course


@dataclass(frozen=True, slots=True, eq=False)
class _Bare:
    """Of thinned places: course_uv up to `known`; alike: the sweeps that its value at each place is
    the mean of, (n_sweeps, known); members as above; silence: pieces that hold nothing else."""

    course_uv: Trace
    alike: npt.NDArray[np.bool_]
    members: Places
    known: int
    silence: int


def _first_apart(rows: Trace, allowed: Trace) -> Places:
    """The first place at which two sweeps differ by more than is allowed, (n_sweeps, n_sweeps)."""
    count, size = rows.shape
    apart = np.full((count, count), size, dtype=np.intp)
    for one in range(count - 1):
        differ = np.abs(rows[one + 1 :] - rows[one]) > allowed
        place = np.where(differ.any(axis=1), differ.argmax(axis=1), size)
        apart[one, one + 1 :] = apart[one + 1 :, one] = place
    return apart


def _best(
    rows: Trace, apart: Places, needed: float, floor_uv: float, noise_uv: float
) -> _Bare | None:
    """Of the sweeps that stay alike with another one for longest, the one whose course is in as
    many as are needed and leaves most silence; None if none leaves more than there is."""
    reach = np.sort(apart, axis=1)[:, -2]  # the sweep itself is the last
    longest = int(reach.max())
    found = []
    for leader in np.flatnonzero(reach >= longest - _EQUAL_MS / _STEP_MS).tolist():
        known = int(reach[leader])
        if known < _PIECE_MS / _STEP_MS:
            continue
        until = np.minimum(np.arange(known) + round(_MARGIN_MS / _STEP_MS), known - 1)
        alike = apart[leader][:, None] > until
        course = (rows[:, :known] * alike).sum(axis=0) / alike.sum(axis=0)
        kept = _confirmed(rows[:, :known], course, floor_uv, noise_uv)
        course = course * kept
        if np.ptp(course) < floor_uv:
            continue
        members = _members(rows[:, :known], course, _LOUD * floor_uv, noise_uv)
        rest = rows.copy()
        rest[members, :known] -= course
        found.append(_Bare(course, alike & kept, members, known, _silence(rest, noise_uv)))
    fit = [one for one in found if one.members.size >= needed]
    best = max(fit, key=lambda one: one.silence, default=None)
    return best if best and best.silence > _silence(rows, noise_uv) else None


def _silence(rows: Trace, noise_uv: float) -> int:
    """How many pieces hold nothing but noise."""
    return int((_pieces(rows) <= _SILENT_SDS * noise_uv).sum())


def _confirmed(
    rows: Trace, course: Trace, floor_uv: float, noise_uv: float
) -> npt.NDArray[np.bool_]:
    """Places of the course that a third sweep shows too: what two share alone may be the F-waves of
    one motor neuron. From there to where the course is silent on either side nothing is kept."""
    size = _pieces(course[None])
    near = _pieces(rows - course) <= np.hypot(_SAME * size, 2 * noise_uv)
    bare = (_pieces(rows) <= np.hypot(_SAME * size, 2 * noise_uv)).sum(axis=0)
    third = (near.sum(axis=0) >= _CONFIRMED) & (near.sum(axis=0) > bare)
    alone = (~third & (size[0] >= _LOUD * floor_uv)).astype(float)
    width = course.size - alone.size + 1
    doubtful = np.convolve(alone, np.ones(width)) > 0
    silent = np.abs(course) < _SILENT * floor_uv
    kept = np.ones(course.size, dtype=bool)
    for place in np.flatnonzero(doubtful & ~silent).tolist():
        before, after = np.flatnonzero(silent[:place]), np.flatnonzero(silent[place:])
        first = int(before[-1]) + 1 if before.size else 0
        last = place + int(after[0]) if after.size else course.size
        kept[first:last] = False
    return kept


def _members(rows: Trace, course: Trace, least_uv: float, noise_uv: float) -> Places:
    """Sweeps in which the course shows, and, if it is in nearly all that tell, those too in which
    an F-wave covers it."""
    size = _pieces(course[None])
    loud = size >= least_uv
    little = np.hypot(_SAME * size, 2 * noise_uv)
    near, silent = _pieces(rows - course) <= little, _pieces(rows) <= little
    there, missing = (near & loud).sum(axis=1), (silent & loud).sum(axis=1)
    shows = there > missing
    if shows.sum() >= max(_ALL * ((there + missing) > 0).sum(), _SHOWING * rows.shape[0], 1):
        return np.flatnonzero(missing <= there)
    return np.flatnonzero(shows)


def _pieces(rows: Trace) -> Trace:
    """Root mean square of every piece, (n_rows, n_pieces)."""
    size = round(_PIECE_MS / _STEP_MS)
    power = np.cumsum(np.pad(rows**2, ((0, 0), (1, 0))), axis=1)
    return np.sqrt(np.maximum(power[:, size:] - power[:, :-size], 0.0) / size)


def _lags(left: Trace, course: Trace, near: npt.NDArray[np.bool_]) -> Trace:
    """By how much every sweep's course comes later, ms: one least-squares step where it is bare."""
    slope = np.gradient(course) / _STEP_MS
    power = (near * slope**2).sum(axis=1)
    later = -(near * left * slope).sum(axis=1) / np.maximum(power, 1e-12)
    return np.asarray(later).clip(-_LAG_MS, _LAG_MS)


def _in_columns(
    traces: LateTraces, rows: Trace, bare: _Bare, allowed: Trace, step: int
) -> ConstantCourse:
    """The course in all columns, sharpened by what smoothing took from it; behind the last known
    place it fades."""
    known, members = bare.known, bare.members
    complete = known == rows.shape[1]
    left = rows[members, :known] - bare.course_uv
    lags = _lags(left, bare.course_uv, np.abs(left) <= allowed[:known])
    full = np.minimum(np.arange(traces.smooth_uv.shape[1]) // step, known - 1)
    alike = bare.alike[:, full]
    mean = (traces.smooth_uv * alike).sum(axis=0) / np.maximum(alike.sum(axis=0), 1)
    whole = 2 * mean - gaussian(mean, SMOOTH_MS * traces.per_ms)
    if not complete:
        behind = np.maximum(np.arange(whole.size) - known * step, 0)
        fading = float(whole[known * step - 1]) * np.exp(-behind / (_FADE_MS * traces.per_ms))
        whole = np.where(behind > 0, fading, whole)
    begin, end = _extent(traces, whole, known * step)
    return ConstantCourse(
        whole, members, lags, begin, end, whole.size if complete else known * step
    )


def _extent(traces: LateTraces, course: Trace, known: int) -> tuple[int, int]:
    """First and last column of what is more than noise."""
    size = np.abs(course)
    loud = np.flatnonzero(size >= max(_BEGUN_SDS * traces.noise_uv, 0.02 * float(size.max())))
    return (int(loud[0]), int(loud[-1]) + 1) if loud.size else (0, known)


def _without(traces: LateTraces, course: ConstantCourse) -> LateTraces:
    """The traces less the course, moved by each member's lag."""
    flat, doubt = traces.flat_uv.copy(), traces.doubt_uv.copy()
    place = np.arange(course.template_uv.size, dtype=np.float64)
    for sweep, lag_ms in zip(course.members.tolist(), course.lags_ms.tolist(), strict=True):
        flat[sweep] -= np.interp(place - lag_ms * traces.per_ms, place, course.template_uv)
    doubt[course.members] += _LEFT * np.abs(course.template_uv)
    if course.known_to < place.size:
        behind = place[course.known_to :] - course.known_to
        level = abs(float(course.template_uv[course.known_to]))
        fading = level * np.exp(-behind / (_BEYOND_MS * traces.per_ms))
        doubt[course.members, course.known_to :] += fading
    return traces.without(flat, doubt)
