"""Late responses that come back the same: A-waves, which are constant from stimulus to stimulus,
and repeater F-waves, which recur among F-waves that otherwise vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .constant_course import take_out_course
from .late import LateTraces, Response, responses
from .smoothing import gaussian

Trace = npt.NDArray[np.float64]

_SLOT_MS, _HOP_MS = 4.0, 1.0
_SAME = 0.25  # A-waves: two sweeps differ by less than this part of their size within one slot
_LEAST_COUNT = 3
_MOST_WAVES = 3
_REFINEMENTS = 3
_LEFT, _EDGE_MS = 0.1, 4.0  # of an A-wave that was taken out so much may remain, as it varies
_LAG_MS = 1.0
_SAME_HEAD = 0.4  # an A-wave is in a sweep if its head differs by less than this part
_HEAD_MS = 6.0  # of an A-wave, to find its lag: an F-wave may lie over the rest
_LAG_SD_MS = 0.2
_LOUD_SDS, _LOUD_SHARE, _QUIET_MS = 4.0, 0.1, 2.0  # the ends of an A-wave: less, for so long
_SLOW_MS = 4.0  # what is slower than this is the tail of an F-wave
_REPEAT_SIZE = 0.8
_REPEAT_SPAN_MS = (0.5, 14.0)


@dataclass(frozen=True, slots=True, eq=False)
class AWave:
    """members: sweeps that carry it. begin, end: columns of the late traces; edge: how many columns
    beyond them it may still reach. lags_ms: of every member against template_uv, (end - begin,).
    known_to: the column up to which it was seen bare, so that an onset on it can be read.
    """

    members: npt.NDArray[np.intp]
    begin: int
    end: int
    lags_ms: Trace
    template_uv: Trace
    edge: int
    known_to: int = 0

    @property
    def size_uv(self) -> float:
        """Peak to peak."""
        return float(np.ptp(self.template_uv))


def take_out_a_waves(
    traces: LateTraces, *, from_ms: float, to_ms: float, least_share: float, floor_uv: float
) -> tuple[LateTraces, list[AWave]]:
    """The traces without their A-waves, and those.

    An A-wave is a deflection above the floor with the same latency (SD within 0.2 ms) and shape in
    at least `least_share` of the sweeps. Looked for in slots of 4 ms, so that an F-wave that
    overlaps its end does not hide it; its shape is then taken from sweeps without an F-wave. Before
    that, what the sweeps hold alike under frequent F-waves is taken out (`constant_course`).
    Source: clinical reference 1.7 (8 of 20).
    """
    needed = max(int(np.ceil(least_share * traces.flat_uv.shape[0])), _LEAST_COUNT)
    waves: list[AWave] = []
    traces, course = take_out_course(
        traces, to_ms=to_ms, least_share=least_share, floor_uv=floor_uv
    )
    if course is not None:
        shape = course.template_uv[course.begin : course.end]
        waves.append(
            AWave(
                course.members, course.begin, course.end, course.lags_ms, shape,
                round(_EDGE_MS * traces.per_ms), course.known_to,
            )
        )  # fmt: skip
    for _ in range(_MOST_WAVES):
        found = _most_constant(traces, to_ms, needed, floor_uv)
        if found is None:
            break
        members, slot = found
        alone = members
        for _ in range(_REFINEMENTS):
            wave = _wave(traces, members, alone, slot)
            members = _carriers(traces, wave)
            if members.size < needed:
                return traces, waves
            wave = replace(wave, members=members, lags_ms=_lags(traces, members, wave))
            rest = _without(traces, wave)
            others = responses(rest, from_ms=from_ms, to_ms=to_ms, floor_uv=floor_uv)
            alone = np.setdiff1d(members, [one.sweep for one in others])
            alone = alone if alone.size >= _LEAST_COUNT else members
        if np.std(wave.lags_ms) > _LAG_SD_MS:
            break
        waves.append(wave)
        traces = rest
    return traces, waves


def repeaters(
    traces: LateTraces, found: Sequence[Response], onsets_ms: Sequence[float | None], *,
    within_ms: float, least_r: float,
) -> list[int | None]:  # fmt: skip
    """The group of every F-wave: F-waves of one group have the same latency (within `within_ms`)
    and shape (r at least `least_r`, sizes alike); None for one that does not recur."""
    before, after = (round(span * traces.per_ms) for span in _REPEAT_SPAN_MS)
    pad = round(within_ms * traces.per_ms) + 1
    smooth = np.pad(traces.smooth_uv, ((0, 0), (before + pad, after + pad)))
    groups: list[list[int]] = []
    for number, onset in enumerate(onsets_ms):
        for group in groups:
            first, same = group[0], onsets_ms[group[0]]
            if onset is None or same is None or abs(same - onset) > within_ms:
                continue
            place = round((same - traces.time_ms(0)) * traces.per_ms) + before + pad
            own = smooth[found[first].sweep, place - before : place + after]
            other = smooth[found[number].sweep, place - before - pad : place + after + pad]
            if _alike(own, other, least_r):
                group.append(number)
                break
        else:
            groups.append([number])
    named: list[int | None] = [None] * len(found)
    for name, group in enumerate(group for group in groups if len(group) > 1):
        for number in group:
            named[number] = name
    return named


def recurring(
    traces: LateTraces, found: Sequence[Response], onsets_ms: Sequence[float | None],
    groups: Sequence[int | None], *, least_share: float,
) -> list[AWave]:  # fmt: skip
    """Groups of responses that are no F-waves: the same one in `least_share` of all sweeps is an
    A-wave, also where it is too slow for `take_out_a_waves`. members: sweeps."""
    needed = max(int(np.ceil(least_share * traces.flat_uv.shape[0])), _LEAST_COUNT)
    waves = []
    for group in sorted({name for name in groups if name is not None}):
        own = [number for number, name in enumerate(groups) if name == group]
        if len(own) < needed:
            continue
        begin = int(np.median([found[number].begin for number in own]))
        end = max(int(np.median([found[number].end for number in own])), begin + 2)
        members = np.array([found[number].sweep for number in own])
        told_ms = [at for number in own if (at := onsets_ms[number]) is not None]
        waves.append(
            AWave(
                members, begin, end, np.array(told_ms) - np.median(told_ms),
                np.median(traces.smooth_uv[members, begin:end], axis=0),
                round(_EDGE_MS * traces.per_ms),
            )
        )  # fmt: skip
    return waves


def _alike(own: Trace, other: Trace, least_r: float) -> bool:
    """Whether `other`, longer by the same pad on either side, holds `own` at some lag."""
    power = np.correlate(other * other, np.ones(own.size), "valid") * float(own @ own)
    r_of_lag = np.correlate(other, own, "valid") / np.sqrt(np.maximum(power, 1e-24))
    best = int(np.argmax(r_of_lag))
    r = float(r_of_lag[best])
    sizes = sorted((float(np.ptp(own)), float(np.ptp(other[best : best + own.size]))))
    return r >= least_r and sizes[0] >= _REPEAT_SIZE * sizes[1]


def _most_constant(
    traces: LateTraces, to_ms: float, needed: int, floor_uv: float
) -> tuple[npt.NDArray[np.intp], int] | None:
    """Members and first column of the slot that most sweeps share; None if fewer than needed."""
    width, hop = round(_SLOT_MS * traces.per_ms), max(round(_HOP_MS * traces.per_ms), 1)
    thin = max(round(0.25 * traces.per_ms), 1)
    firsts = np.arange(0, traces.column(to_ms + 10.0) - width, hop)
    if not firsts.size:
        return None
    slots = traces.smooth_uv[:, firsts[:, None] + np.arange(0, width, thin)]
    slots -= slots @ _level_of_slot(width, thin)  # an F-wave's tail under an A-wave: nearly a line
    least = np.full(slots.shape[:2], floor_uv)
    if traces.doubt_uv.any():
        windows = np.lib.stride_tricks.sliding_window_view(traces.doubt_uv, width, axis=1)
        least += 2 * windows[:, firsts].max(axis=2)
    loud = slots.max(axis=2) - slots.min(axis=2) >= least
    best: tuple[int, float, npt.NDArray[np.intp], int] | None = None
    for number in np.flatnonzero(loud.sum(axis=0) >= needed).tolist():
        strong = np.flatnonzero(loud[:, number])
        part = slots[strong, number]
        norm = np.linalg.norm(part, axis=1)
        apart = norm[:, None] ** 2 + norm[None] ** 2 - 2 * part @ part.T
        allowed = _SAME**2 * np.outer(norm, norm) + 4 * part.shape[1] * traces.noise_uv**2
        alike = apart <= allowed
        counts = alike.sum(axis=1)
        leader = int(np.argmax(counts))
        key = (int(counts[leader]), float(norm[alike[leader]].mean()))
        if key[0] >= needed and (best is None or key > best[:2]):
            best = (*key, strong[alike[leader]], int(firsts[number]))
    return None if best is None else (best[2], best[3])


@lru_cache(maxsize=16)
def _level_of_slot(width: int, thin: int) -> Trace:
    """The matrix that gives the straight line through a slot."""
    place = np.arange(0, width, thin, dtype=np.float64)
    line = np.stack([np.ones_like(place), place - place.mean()])
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    return np.asarray(line.T @ line)


def _wave(
    traces: LateTraces, members: npt.NDArray[np.intp], alone: npt.NDArray[np.intp], slot: int
) -> AWave:
    """Median of the sweeps `alone` around the slot, as far as they agree, on the line between its
    ends."""
    rows = traces.smooth_uv[alone]
    width = _SLOW_MS * traces.per_ms
    quick = rows - np.stack([gaussian(row, width) for row in rows])
    middle = np.median(quick, axis=0)
    spread = np.median(np.abs(quick - middle), axis=0) / 0.6745
    inside = slot + round(_SLOT_MS / 2 * traces.per_ms)
    reach = round(_SLOT_MS / 2 * traces.per_ms)
    largest = float(np.abs(middle[max(inside - reach, 0) : inside + reach]).max())
    least = np.maximum(_LOUD_SDS * traces.noise_uv / np.sqrt(alone.size), _LOUD_SHARE * largest)
    loud = np.abs(middle) >= np.maximum(least, spread)
    quiet = round(_QUIET_MS * traces.per_ms)
    silent = np.flatnonzero(np.convolve(loud, np.ones(quiet), "same") == 0)
    before, after = silent[silent < inside], silent[silent > inside]
    begin = int(before[-1]) if before.size else 0
    end = int(after[0]) if after.size else middle.size
    template = np.median(rows[:, begin:end], axis=0)
    template = template - np.linspace(template[0], template[-1], template.size)
    return AWave(members, begin, end, np.zeros(0), template, round(_EDGE_MS * traces.per_ms))


def _carriers(traces: LateTraces, wave: AWave) -> npt.NDArray[np.intp]:
    """Every sweep in which the head of the A-wave is there, alike in size and shape."""
    head = min(wave.template_uv.size, round(_HEAD_MS * traces.per_ms))
    line = _level_of_slot(head, 1)
    shape = wave.template_uv[:head] - wave.template_uv[:head] @ line
    there = traces.smooth_uv[:, wave.begin : wave.begin + head]
    apart = np.linalg.norm(there - there @ line - shape, axis=1)
    return np.flatnonzero(apart < _SAME_HEAD * float(np.linalg.norm(shape)))


def _lags(traces: LateTraces, members: npt.NDArray[np.intp], wave: AWave) -> Trace:
    """By how much every member comes later than the template, ms: one least-squares step."""
    head = min(wave.template_uv.size, round(_HEAD_MS * traces.per_ms))
    line = _level_of_slot(head, 1)
    slope = np.gradient(wave.template_uv)[:head]
    slope = slope - slope @ line
    left = traces.smooth_uv[members, wave.begin : wave.begin + head] - wave.template_uv[:head]
    later = -((left - left @ line) @ slope) / max(float(slope @ slope), 1e-12)
    return np.asarray(later / traces.per_ms).clip(-_LAG_MS, _LAG_MS)


def _without(traces: LateTraces, wave: AWave) -> LateTraces:
    """The traces less the template, moved by each member's lag."""
    flat, doubt = traces.flat_uv.copy(), traces.doubt_uv.copy()
    place = np.arange(wave.template_uv.size, dtype=np.float64)
    first, last = max(wave.begin - wave.edge, 0), wave.end + wave.edge
    for sweep, lag_ms in zip(wave.members.tolist(), wave.lags_ms.tolist(), strict=True):
        moved = np.interp(place - lag_ms * traces.per_ms, place, wave.template_uv)
        flat[sweep, wave.begin : wave.end] -= moved
    doubt[:, first:last] += _LEFT * wave.size_uv
    return traces.without(flat, doubt)
