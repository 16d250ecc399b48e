"""F-waves whose onset could not be read, and what is left to say of the latencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Hidden = Literal["none", "few", "late", "earliest"]

_FEW = 0.1  # of the F-waves
_BARE = 4  # sweeps that show an A-wave without an F-wave: enough to tell the two apart


def hidden_among(
    onsets_ms: Sequence[float | None], earliest_ms: Sequence[float], cut: Sequence[bool]
) -> Hidden:
    """Which F-waves have no onset; all by F-wave.

    earliest_ms: when each may begin. cut: it was there when the window began. few: a few in
    whose sweep the muscle was at work before the window, which says nothing of the F-wave itself.
    late: all come after the earliest one that has an onset. earliest: one may be the earliest.
    """
    told_ms = [at_ms for at_ms in onsets_ms if at_ms is not None]
    unread = [number for number, at_ms in enumerate(onsets_ms) if at_ms is None]
    if not unread:
        return "none"
    if all(cut[number] for number in unread):
        return "few" if len(unread) <= _FEW * len(onsets_ms) else "earliest"
    if any(cut) or not told_ms:
        return "earliest"
    first_ms = min(earliest_ms[number] for number in unread)
    return "late" if min(told_ms) < first_ms else "earliest"


def hidden_reasons(kind: Hidden, onsets_ms: Sequence[float | None]) -> list[str]:
    """What that means for the latencies, in a sentence."""
    unread = sum(at_ms is None for at_ms in onsets_ms)
    if kind == "few":
        return [
            f"in {unread} of {len(onsets_ms)} sweeps with an F-wave something was there before the "
            "window began: their latencies are left out"
        ]
    if kind == "late":
        return [
            "an A-wave hides the onset of later F-waves: their mean and longest latency are not "
            "assessable"
        ]
    if kind == "earliest":
        return [
            "a_wave: an A-wave or the window's begin hides the onset of F-waves: latencies are not "
            "assessable, the count is less certain"
        ]
    return []


def bare_reasons(bare: int | None) -> list[str]:
    """What an A-wave under the F-waves means for their count. bare: sweeps that show it alone."""
    if bare is None or bare >= _BARE:
        return []
    return [
        f"count_unsure: an A-wave lies under the F-waves, bare in {bare} sweeps only: their "
        "count may be wrong by more than one in 20; record more stimuli"
    ]
