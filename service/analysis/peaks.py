"""Peaks: the one that stands out most from its surroundings, and its top between samples."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Trace = npt.NDArray[np.float64]


def most_prominent(
    trace: Trace, least: float, widths: tuple[float, float], *, earliest: int = 0
) -> int | None:
    """The sample of the local maximum with the largest prominence; None if none qualifies.

    trace: shape (n,). least: smallest prominence; a peak must also be half as high above zero.
    widths: the narrowest and the widest it may be at half its prominence, in samples. earliest: the
    first sample at which it may lie. Prominence is the height above
    the higher of the two deepest points before a higher sample, or the trace's end, is met on
    either side; a maximum at either end is none.
    """
    rising = np.diff(trace) > 0
    tops = np.flatnonzero(rising[:-1] & ~rising[1:]) + 1
    best, prominence = None, least
    for top in tops[(trace[tops] >= least / 2) & (tops >= earliest)]:
        height = trace[top]
        before, after = _before(trace, top, height), _after(trace, top, height)
        stands = height - max(trace[before:top].min(), trace[top:after].min())
        if stands < prominence:
            continue
        half = height - stands / 2
        width = _after(trace, top, half, below=True) - _before(trace, top, half, below=True)
        if widths[0] < width < widths[1]:
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


def vertex(trace: Trace, peak: int, per_ms: float) -> tuple[float, float]:
    """Top of a parabola through ±0.4 ms around the peak: place in samples, height in µV."""
    reach = max(int(0.4 * per_ms), 2)
    first = max(peak - reach, 0)
    top = first + int(np.argmax(trace[first : peak + reach + 1]))
    before, after = min(reach, top), min(reach, trace.size - 1 - top)
    fit = _parabola(before, after, reach)
    a, b, c = fit @ trace[top - before : top + after + 1]
    if a >= 0:
        return float(top), float(trace[top])
    shift = min(max(float(-b / (2 * a)), -1.0), 1.0)
    return top + reach * shift, float(c + b * shift + a * shift**2)


@lru_cache(maxsize=64)
def _parabola(before: int, after: int, reach: int) -> Trace:
    """The (3, before + 1 + after) matrix that gives the coefficients of the parabola, its argument
    counted in reaches."""
    place = np.arange(-before, after + 1) / reach
    return np.linalg.pinv(np.stack([place**2, place, np.ones_like(place)], axis=1))
