"""Late responses that come back the same: A-waves, which are constant from stimulus to stimulus,
and repeater F-waves, which recur among F-waves that otherwise vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .late import LateTraces, Response, responses

Trace = npt.NDArray[np.float64]

_SLOT_MS, _HOP_MS = 4.0, 1.0
_SAME = 0.25  # A-waves: two sweeps differ by less than this part of their size within one slot
_LEAST_COUNT = 3
_MOST_WAVES = 3
_REFINEMENTS = 2
_LAG_MS = 1.0
_HEAD_MS = 8.0  # of an A-wave, to find its lag: an F-wave may lie over the rest
_LAG_SD_MS = 0.2
_LOUD_SDS, _QUIET_MS = 4.0, 2.0  # the ends of an A-wave: below this for so long
_REPEAT_SIZE = 0.8
_REPEAT_SPAN_MS = (0.5, 14.0)


@dataclass(frozen=True, slots=True, eq=False)
class AWave:
    """members: sweeps that carry it. begin, end: columns of the late traces. lags_ms: of every
    member against the median of all; template_uv: that median, (end - begin,)."""

    members: npt.NDArray[np.intp]
    begin: int
    end: int
    lags_ms: Trace
    template_uv: Trace

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
    overlaps its end does not hide it; its shape is then taken from sweeps without an F-wave.
    Source: clinical reference 1.7 (8 of 20).
    """
    needed = max(int(np.ceil(least_share * traces.flat_uv.shape[0])), _LEAST_COUNT)
    waves: list[AWave] = []
    for _ in range(_MOST_WAVES):
        found = _most_constant(traces, to_ms, needed, floor_uv)
        if found is None:
            break
        members, slot = found
        wave = _wave(traces, members, members, slot)
        if np.std(wave.lags_ms) > _LAG_SD_MS:
            break
        for _ in range(_REFINEMENTS):
            rest = traces.with_flat(_without(traces, wave))
            others = responses(
                rest, from_ms=from_ms, to_ms=to_ms, floor_uv=max(floor_uv, 0.3 * wave.size_uv)
            )
            alone = np.setdiff1d(members, [one.sweep for one in others])
            wave = _wave(traces, members, alone if alone.size >= _LEAST_COUNT else members, slot)
        waves.append(wave)
        traces = traces.with_flat(_without(traces, wave))
    return traces, waves


def repeaters(
    traces: LateTraces, found: Sequence[Response], onsets_ms: Sequence[float], *,
    within_ms: float, least_r: float,
) -> list[int | None]:  # fmt: skip
    """The group of every F-wave: F-waves of one group have the same latency (within `within_ms`)
    and shape (r at least `least_r`, sizes alike); None for one that does not recur."""
    before, after = (round(span * traces.per_ms) for span in _REPEAT_SPAN_MS)
    pad = round(within_ms * traces.per_ms) + 1
    smooth = np.pad(traces.smooth_uv, ((0, 0), (before + pad, after + pad)))
    groups: list[list[int]] = []
    for number in range(len(found)):
        for group in groups:
            first = group[0]
            if abs(onsets_ms[first] - onsets_ms[number]) > within_ms:
                continue
            place = round((onsets_ms[first] - traces.time_ms(0)) * traces.per_ms) + before + pad
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


def _alike(own: Trace, other: Trace, least_r: float) -> bool:
    """Whether `other`, longer by the same pad on either side, holds `own` at some lag."""
    slid = np.lib.stride_tricks.sliding_window_view(other, own.size)
    norms = np.linalg.norm(slid, axis=1) * np.linalg.norm(own)
    best = int(np.argmax(slid @ own / np.maximum(norms, 1e-12)))
    r = float(slid[best] @ own / max(float(norms[best]), 1e-12))
    sizes = sorted((float(np.ptp(own)), float(np.ptp(slid[best]))))
    return r >= least_r and sizes[0] >= _REPEAT_SIZE * sizes[1]


def _most_constant(
    traces: LateTraces, to_ms: float, needed: int, floor_uv: float
) -> tuple[npt.NDArray[np.intp], int] | None:
    """Members and first column of the slot that most sweeps share; None if fewer than needed."""
    width, hop = round(_SLOT_MS * traces.per_ms), max(round(_HOP_MS * traces.per_ms), 1)
    thin = max(round(0.25 * traces.per_ms), 1)
    best: tuple[int, float, npt.NDArray[np.intp], int] | None = None
    for first in range(0, traces.column(to_ms + 10.0) - width, hop):
        slot = traces.smooth_uv[:, first : first + width : thin]
        strong = np.flatnonzero(np.ptp(slot, axis=1) >= floor_uv)
        if strong.size < needed:
            continue
        part = slot[strong]
        norm = np.linalg.norm(part, axis=1)
        apart = norm[:, None] ** 2 + norm[None] ** 2 - 2 * part @ part.T
        allowed = _SAME**2 * np.outer(norm, norm) + 4 * part.shape[1] * traces.noise_uv**2
        alike = apart <= allowed
        counts = alike.sum(axis=1)
        leader = int(np.argmax(counts))
        key = (int(counts[leader]), float(norm[alike[leader]].mean()))
        if key[0] >= needed and (best is None or key > best[:2]):
            best = (*key, strong[alike[leader]], first)
    return None if best is None else (best[2], best[3])


def _wave(
    traces: LateTraces, members: npt.NDArray[np.intp], alone: npt.NDArray[np.intp], slot: int
) -> AWave:
    """Median of the sweeps `alone`, from before the slot to after it, until it falls quiet."""
    middle = np.median(traces.smooth_uv[alone], axis=0)
    loud = np.abs(middle) >= _LOUD_SDS * traces.noise_uv / np.sqrt(alone.size)
    quiet = round(_QUIET_MS * traces.per_ms)
    heard = np.convolve(loud, np.ones(quiet), "same") > 0  # False: quiet around here
    inside = slot + round(_SLOT_MS / 2 * traces.per_ms)
    silent = np.flatnonzero(~heard)
    before, after = silent[silent < inside], silent[silent > inside]
    begin = int(before[-1]) if before.size else 0
    end = int(after[0]) if after.size else middle.size
    template = middle[begin:end]
    return AWave(members, begin, end, _lags(traces, members, begin, template), template)


def _lags(traces: LateTraces, members: npt.NDArray[np.intp], begin: int, template: Trace) -> Trace:
    """By how much every member comes later than the template, ms: one least-squares step."""
    head = min(template.size, round(_HEAD_MS * traces.per_ms))
    slope = np.gradient(template)[:head]
    power = max(float(slope @ slope), 1e-12)
    left = traces.smooth_uv[members, begin : begin + head] - template[:head]
    return np.asarray(-(left @ slope) / power / traces.per_ms).clip(-_LAG_MS, _LAG_MS)


def _without(traces: LateTraces, wave: AWave) -> Trace:
    """The flat traces less the template, moved by each member's lag."""
    flat = traces.flat_uv.copy()
    place = np.arange(wave.template_uv.size, dtype=np.float64)
    for sweep, lag_ms in zip(wave.members.tolist(), wave.lags_ms.tolist(), strict=True):
        moved = np.interp(place - lag_ms * traces.per_ms, place, wave.template_uv)
        flat[sweep, wave.begin : wave.end] -= moved
    return flat
