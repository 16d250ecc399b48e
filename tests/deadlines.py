"""A deadline is judged on the median of three runs, which two that agree decide."""

from __future__ import annotations

from collections.abc import Callable


def two_of_three(run: Callable[[], bool]) -> bool:
    """Whether two of up to three runs are in time; no third one where two have settled it."""
    told: list[bool] = []
    while len(told) < 3 and max(told.count(True), told.count(False)) < 2:
        told.append(run())
    return told.count(True) >= 2
