"""Late responses that come back the same: A-waves, which are constant from stimulus to stimulus,
and repeater F-waves, which recur among F-waves that otherwise vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .constant_course import ConstantCourse, course_of, without
from .constant_evidence import SLOW_MS, Thin, core_of
from .late import ACTIVE_SDS, LateTraces, Response

Trace = npt.NDArray[np.float64]

_LEAST_COUNT = 3
_MOST_WAVES = 3
_QUIET = 0.15  # of the floor: a sweep that nowhere holds more is silent
_SILENT = 0.1  # of the sweeps: more than a slow A-wave, hard to tell from F-waves, may miss
_REST = 0.5  # of an A-wave's size: smaller at its place is what was left of it
_EDGE_MS = 4.0  # beyond its ends it may still reach so far
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
    traces: LateTraces, *, to_ms: float, least_share: float, floor_uv: float
) -> tuple[LateTraces, list[AWave]]:
    """The traces without their A-waves, and those.

    An A-wave is a deflection with the same latency and shape in at least `least_share` of the
    sweeps, of those that tell if F-waves lie over it (`constant_evidence`); its shape is taken from
    sweeps in which it lies bare (`constant_course`).
    Source: clinical reference 1.7 (8 of 20).
    """
    waves: list[AWave] = []
    last = traces.column(to_ms + 10.0)
    for _ in range(_MOST_WAVES):
        course = _course(traces, last, least_share, floor_uv, again=bool(waves))
        if course is None:
            break
        traces = without(traces, course)
        wave = AWave(
            course.members, course.begin, course.end, course.lags_ms,
            course.template_uv[course.begin : course.end], round(_EDGE_MS * traces.per_ms),
            course.known_to,
        )  # fmt: skip
        # what was left of one before is no second wave
        if not any(
            one.begin < wave.end and wave.begin < one.end and wave.size_uv < _REST * one.size_uv
            for one in waves
        ):
            waves.append(wave)
    return traces, [one for one in waves if one.size_uv >= floor_uv]


def _course(
    traces: LateTraces, last: int, least_share: float, floor_uv: float, *, again: bool
) -> ConstantCourse | None:
    """The wave that sweeps hold alike, looked for among what is quick, then among what is slower,
    where more of them must hold it; None if there is none."""
    level = max(ACTIVE_SDS * traces.noise_uv, _QUIET * floor_uv)
    silent = np.abs(traces.smooth_uv[:, :last]).max(axis=1) < level
    for slow_ms in SLOW_MS:
        if slow_ms > SLOW_MS[0] and silent.mean() > _SILENT:
            break  # in these it is not, and they tell
        thin = Thin.of(traces, last, slow_ms)
        core = core_of(
            thin, floor_uv=floor_uv, noise_uv=traces.noise_uv, least_share=least_share,
            again=again or slow_ms > SLOW_MS[0],
        )  # fmt: skip
        course = None if core is None else course_of(traces, thin, core, floor_uv)
        if course is not None:
            return course
    return None


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
