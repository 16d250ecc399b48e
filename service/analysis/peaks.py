"""The peak that stands out most from its surroundings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Trace = npt.NDArray[np.float64]


def most_prominent(trace: Trace, least: float, least_width: float) -> int | None:
    """The sample of the local maximum with the largest prominence; None if none qualifies.

    trace: shape (n,). least: smallest prominence; a peak must also be half as high above zero.
    least_width: smallest width at half the prominence, in samples. Prominence is the height above
    the higher of the two deepest points before a higher sample, or the trace's end, is met on
    either side; a maximum at either end is none.
    """
    rising = np.diff(trace) > 0
    tops = np.flatnonzero(rising[:-1] & ~rising[1:]) + 1
    best, prominence = None, least
    for top in tops[trace[tops] >= least / 2]:
        height = trace[top]
        before, after = _before(trace, top, height), _after(trace, top, height)
        stands = height - max(trace[before:top].min(), trace[top:after].min())
        if stands < prominence:
            continue
        half = height - stands / 2
        if _after(trace, top, half, below=True) - _before(trace, top, half, below=True) > (
            least_width
        ):
            best, prominence = int(top), float(stands)
    return best


def _before(trace: Trace, top: int, level: float, *, below: bool = False) -> int:
    """The sample after the last one beyond the level before `top`; 0 if there is none."""
    head = trace[top - 1 :: -1] if top else trace[:0]
    beyond = head < level if below else head > level
    place = int(beyond.argmax()) if beyond.size else 0
    return top - place if beyond.size and beyond[place] else 0


def _after(trace: Trace, top: int, level: float, *, below: bool = False) -> int:
    """The first sample beyond the level after `top`; the trace's size if there is none."""
    rest = trace[top + 1 :]
    beyond = rest < level if below else rest > level
    place = int(beyond.argmax()) if beyond.size else 0
    return top + 1 + place if beyond.size and beyond[place] else trace.size
