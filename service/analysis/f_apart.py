"""Responses that come long before all other F-waves: twitches of the muscle, not of its nerve.

A muscle that fasciculates, or is not quite at rest, fires by itself between the M-wave and the
F-waves of one sweep in many. The largest and the mean F hardly change by it; the shortest latency
is that of the twitch. F-waves are bounded early by the fastest fibre, so that their earliest ones
crowd, and a gap before them is improbable.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

_LEAST = 4  # F-waves that a gap is judged by
_MOST = 0.1  # of all, rounded up: more of them are no accident
_CROWD = 0.75  # of the others, from the earliest of them
_GAP, _SHARE = 1.0, 0.1  # a twitch: of the crowd's span; of its latency
_LONE_GAP, _LONE_SHARE = 0.7, 0.05  # one to look at
EARLY_MS = 1.0  # a response in a twitch's own sweep may come so much before all others


def apart(onsets_ms: Sequence[float | None]) -> tuple[list[int], float | None]:
    """Which responses come too long before all others, and the latency of the earliest of those;
    none, and None, where nothing tells. onsets_ms: None is not known.

    Of simulated nerves whose motor neurons backfire by chance 0.0 % have an F-wave so far before
    the others, of those with three to fourteen units 0.2 % (3,000 of 20 stimuli each).
    """
    return _before(onsets_ms, _GAP, _SHARE)


def lone(onsets_ms: Sequence[float | None]) -> tuple[int, float] | None:
    """The earliest response and its distance to the next, ms, if it comes long before, though not
    so long as a twitch; None otherwise."""
    early, next_ms = _before(onsets_ms, _LONE_GAP, _LONE_SHARE)
    if len(early) != 1 or next_ms is None:
        return None
    first_ms = onsets_ms[early[0]]
    return None if first_ms is None else (early[0], next_ms - first_ms)


def _before(
    onsets_ms: Sequence[float | None], gap: float, share: float
) -> tuple[list[int], float | None]:
    told = sorted((at, number) for number, at in enumerate(onsets_ms) if at is not None)
    times = [at for at, _ in told]
    for count in range(ceil(_MOST * len(told)), 0, -1):
        rest = times[count:]
        if len(rest) < _LEAST:
            continue
        before, span = rest[0] - times[count - 1], rest[int(_CROWD * (len(rest) - 1))] - rest[0]
        if before > max(gap * span, share * rest[0]):
            return [number for _, number in told[:count]], rest[0]
    return [], None
