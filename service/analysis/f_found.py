"""The F-waves of one study: one per sweep at most, after its A-waves are taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .constant import AWave, recurring, repeaters, take_out_a_waves
from .f_hidden import Hidden, hidden_among
from .f_window import Window
from .late import LateTraces, Response, onset_ms, responses

_FOOT_MS = 3.0  # an onset may lie so long before the response leaves the noise
_READ_MS = 0.3  # one that was read, so long before that
_DOUBTFUL = 0.1  # of a response's size may be left of an A-wave where its onset is read
_AROUND_MS = (1.5, 0.5)  # that is, before and after the response leaves the noise


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """F-waves, at most one per sweep, with onsets and repeater groups; and the A-waves.

    onsets_ms: None where an A-wave or the window's begin hides it; earliest_ms: when it may lie at
    the earliest.
    """

    traces: LateTraces
    responses: list[Response]
    onsets_ms: list[float | None]
    earliest_ms: list[float]
    groups: list[int | None]
    a_waves: list[AWave]
    floor_uv: float
    window: Window

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
    def hidden(self) -> Hidden:
        """Which of the onsets could not be read."""
        return hidden_among(self.onsets_ms, self.earliest_ms, [one.cut for one in self.responses])


def find(
    traces: LateTraces, window: Window, *, floor_uv: float, a_wave_share: float, repeat_ms: float,
    repeat_r: float,
) -> Found:  # fmt: skip
    """A-waves out, then the largest response of every sweep that begins in the window."""
    traces, a_waves = take_out_a_waves(
        traces, to_ms=window.to_ms, least_share=a_wave_share, floor_uv=floor_uv
    )
    largest: dict[int, Response] = {}
    for one in responses(traces, from_ms=window.from_ms, to_ms=window.to_ms, floor_uv=floor_uv):
        if one.sweep not in largest or one.peak_to_peak_uv > largest[one.sweep].peak_to_peak_uv:
            largest[one.sweep] = one
    kept = [largest[sweep] for sweep in sorted(largest)]
    onsets, earliest = _onsets(traces, kept)
    groups = repeaters(traces, kept, onsets, within_ms=repeat_ms, least_r=repeat_r)
    same = recurring(traces, kept, onsets, groups, least_share=a_wave_share)
    if same:
        constant = {sweep for wave in same for sweep in wave.members.tolist()}
        keep = [number for number, one in enumerate(kept) if one.sweep not in constant]
        onsets = [None if _on_a_wave(kept[i], same) else onsets[i] for i in keep]
        groups = [groups[i] for i in keep]
        earliest = [earliest[i] for i in keep]
        kept, a_waves = [kept[i] for i in keep], [*a_waves, *same]
    return Found(traces, kept, onsets, earliest, groups, a_waves, floor_uv, window)


def _onsets(traces: LateTraces, kept: Sequence[Response]) -> tuple[list[float | None], list[float]]:
    """Where every response begins, None if that is hidden; and when at the earliest."""
    onsets: list[float | None] = []
    earliest: list[float] = []
    for one in kept:
        at_ms = onset_ms(traces, one)
        early_ms = traces.time_ms(one.begin) - _FOOT_MS if at_ms is None else at_ms - _READ_MS
        onsets.append(None if at_ms is None or _doubtful(traces, one) else at_ms)
        earliest.append(early_ms)
    return onsets, earliest


def _on_a_wave(one: Response, same: Sequence[AWave]) -> bool:
    """Whether an F-wave begins on a wave that recurs, or just after it."""
    return any(wave.begin <= one.begin < wave.end + wave.edge for wave in same)


def _doubtful(traces: LateTraces, one: Response) -> bool:
    """Whether what may be left of an A-wave could pass for the begin of an F-wave."""
    before, after = (round(span * traces.per_ms) for span in _AROUND_MS)
    around = slice(max(one.begin - before, 0), one.begin + after)
    return bool(traces.doubt_uv[one.sweep, around].max() > _DOUBTFUL * one.peak_to_peak_uv)
