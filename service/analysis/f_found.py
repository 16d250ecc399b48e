"""The F-waves of one study: one per sweep at most, after its A-waves are taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .constant import AWave, recurring, repeaters, take_out_a_waves
from .f_apart import EARLY_MS, apart
from .f_hidden import Hidden, hidden_among
from .f_window import Window
from .late import LateTraces, Response, onset_with_sd, responses
from .m_tail import without_tail

_FOOT_MS = 3.0  # an onset may lie so long before the response leaves the noise
_READ_MS = 0.3  # one that was read, so long before that
_DOUBTFUL = 0.1  # of a response's size may be left of an A-wave where its onset is read
_PART = 0.3  # of the largest response: one before it that counts
_REACH, _GO_ON = 0.1, 2  # of the window's end; responses that begin behind it
_OUTSIDE = 0.1  # of the sweeps, at either end, need not hold what the others share
_SAME, _SAME_SDS = 0.2, 4.0  # how far those may lie apart: of its height, and of the noise
_SHARED, _SHARED_MS = 0.5, 0.25  # of the floor: its height; in columns that last so long
_AROUND_MS = (1.5, 0.5)  # that is, before and after the response leaves the noise


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """F-waves, at most one per sweep, with onsets and repeater groups; and the A-waves.

    onsets_ms: None where an A-wave or the window's begin hides it; sds_ms: of each; earliest_ms:
    when it may lie at the earliest. twitches: sweep and latency of what came too long before.
    """

    traces: LateTraces
    responses: list[Response]
    onsets_ms: list[float | None]
    sds_ms: list[float]
    earliest_ms: list[float]
    groups: list[int | None]
    a_waves: list[AWave]
    floor_uv: float
    window: Window
    twitches: list[tuple[int, float]]

    @property
    def running(self) -> int:
        """Sweeps in which something was there already when the window began; where nothing follows
        it, also what is the same in all of them: then the M-wave has not ended."""
        first, soon = self.traces.column(self.window.from_ms), round(self.traces.per_ms)
        through = [one for one in self.a_waves if one.begin < soon and first < one.known_to]
        if through and not self.responses:
            return max(int(one.members.size) for one in through)
        return sum(one.cut for one in self.responses)

    @property
    def bare(self) -> int | None:
        """In how many sweeps an A-wave that F-waves lie over is seen bare, the fewest of all
        A-waves; None if they lie over none."""
        told = []
        for wave in self.a_waves:
            over = [one.sweep for one in self.responses
                    if one.begin < wave.end and wave.begin < one.end]  # fmt: skip
            if over:
                told.append(len(set(wave.members.tolist()) - set(over)))
        return min(told, default=None)

    @property
    def hidden(self) -> Hidden:
        """Which of the onsets could not be read."""
        return hidden_among(self.onsets_ms, self.earliest_ms, [one.cut for one in self.responses])


def find(
    traces: LateTraces, window: Window, *, floor_uv: float, a_wave_share: float, repeat_ms: float,
    repeat_r: float,
) -> Found:  # fmt: skip
    """A-waves out, then the largest response of every sweep that begins in the window; where that
    comes too long before all others, the largest of those that do not."""
    traces, a_waves = take_out_a_waves(
        without_tail(traces, floor_uv),
        to_ms=window.to_ms,
        least_share=a_wave_share,
        floor_uv=floor_uv,
    )
    window = reaching(window, traces, floor_uv)
    shared = shared_until(traces, window, floor_uv)
    kept = _by_sweep(traces, (window.from_ms, window.to_ms), floor_uv)
    onsets, sds, earliest = _onsets(traces, kept, shared)
    early, next_ms = apart(onsets)
    twitches = [(kept[i].sweep, at) for i in early if (at := onsets[i]) is not None]
    if next_ms is not None:
        those = {sweep for sweep, _ in twitches}
        again = _by_sweep(traces, (next_ms - EARLY_MS, window.to_ms), floor_uv)
        kept = [one for one in kept if one.sweep not in those]
        kept += [one for one in again if one.sweep in those]
        kept.sort(key=lambda one: one.sweep)
        onsets, sds, earliest = _onsets(traces, kept, shared)
    groups = repeaters(traces, kept, onsets, within_ms=repeat_ms, least_r=repeat_r)
    same = recurring(traces, kept, onsets, groups, least_share=a_wave_share)
    if same:
        constant = {sweep for wave in same for sweep in wave.members.tolist()}
        keep = [number for number, one in enumerate(kept) if one.sweep not in constant]
        onsets = [None if _on_a_wave(kept[i], same) else onsets[i] for i in keep]
        sds = [sds[i] for i in keep]
        groups = [groups[i] for i in keep]
        earliest = [earliest[i] for i in keep]
        kept, a_waves = [kept[i] for i in keep], [*a_waves, *same]
    return Found(traces, kept, onsets, sds, earliest, groups, a_waves, floor_uv, window, twitches)


def _by_sweep(
    traces: LateTraces, window_ms: tuple[float, float], floor_uv: float
) -> list[Response]:
    """The response of every sweep, in their order: the largest, from the first on that is not much
    smaller, for units of a slow nerve may come one after the other with a pause between."""
    every: dict[int, list[Response]] = {}
    for one in responses(traces, from_ms=window_ms[0], to_ms=window_ms[1], floor_uv=floor_uv):
        every.setdefault(one.sweep, []).append(one)
    found = []
    for sweep in sorted(every):
        largest = max(every[sweep], key=lambda one: one.peak_to_peak_uv)
        least = _PART * largest.peak_to_peak_uv
        first = min(
            (one for one in every[sweep] if one.peak_to_peak_uv >= least), key=lambda one: one.begin
        )
        joined = replace(first, peak_to_peak_uv=largest.peak_to_peak_uv)
        found.append(joined if first.begin < largest.begin else largest)
    return found


def reaching(window: Window, traces: LateTraces, floor_uv: float) -> Window:
    """The window of a slow nerve, to the last of the responses that go on behind its end: its
    slowest fibres, or a slower part of the nerve above what was measured."""
    if not window.slow:
        return window
    begins = sorted(
        traces.time_ms(one.begin)
        for one in _by_sweep(traces, (window.from_ms, window.last_ms), floor_uv)
    )
    to_ms, step_ms = window.to_ms, _REACH * window.to_ms
    if sum(at <= to_ms for at in begins) < _GO_ON:
        return window
    while True:
        more = [at for at in begins if to_ms < at <= to_ms + step_ms]
        if len(more) < _GO_ON:
            return replace(window, to_ms=to_ms, latest_ms=max(to_ms, window.latest_ms))
        to_ms = max(more)


def shared_until(traces: LateTraces, window: Window, floor_uv: float) -> int:
    """The column until which most sweeps hold the same deflection, 0 if they hold none: an A-wave
    under F-waves in so many sweeps that it lies bare in too few to be taken out."""
    first, last = traces.column(window.from_ms), traces.column(window.to_ms)
    rows = np.sort(traces.smooth_uv[:, first:last], axis=0)
    out = round(_OUTSIDE * len(rows))
    middle = np.abs(rows[len(rows) // 2])
    same = rows[-1 - out] - rows[out] <= _SAME * middle + _SAME_SDS * traces.noise_uv
    same &= middle >= _SHARED * floor_uv
    found = np.flatnonzero(same)
    return first + int(found[-1]) + 1 if found.size >= _SHARED_MS * traces.per_ms else 0


def _onsets(
    traces: LateTraces, kept: Sequence[Response], shared: int
) -> tuple[list[float | None], list[float], list[float]]:
    """Where every response begins, None if that is hidden; its SD; and when at the earliest."""
    onsets: list[float | None] = []
    sds: list[float] = []
    earliest: list[float] = []
    for one in kept:
        told = onset_with_sd(traces, one)
        at_ms, sd_ms = (None, 0.0) if told is None else told
        early_ms = traces.time_ms(one.begin) - _FOOT_MS if at_ms is None else at_ms - _READ_MS
        hidden = one.begin < shared or _doubtful(traces, one)
        onsets.append(None if hidden else at_ms)
        sds.append(sd_ms)
        earliest.append(early_ms)
    return onsets, sds, earliest


def _on_a_wave(one: Response, same: Sequence[AWave]) -> bool:
    """Whether an F-wave begins on a wave that recurs, or just after it."""
    return any(wave.begin <= one.begin < wave.end + wave.edge for wave in same)


def _doubtful(traces: LateTraces, one: Response) -> bool:
    """Whether what may be left of an A-wave could pass for the begin of an F-wave."""
    before, after = (round(span * traces.per_ms) for span in _AROUND_MS)
    around = slice(max(one.begin - before, 0), one.begin + after)
    return bool(traces.doubt_uv[one.sweep, around].max() > _DOUBTFUL * one.peak_to_peak_uv)
