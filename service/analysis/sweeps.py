"""Sweeps before any measure: the stretch that may be searched, and what forbids to search it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Trace = npt.NDArray[np.float64]

_LEAST_RAIL_UV = 1000.0


def search_window(
    n_samples: int, per_ms: float, zero_index: float, blank_ms: float, to_ms: float
) -> tuple[int, int]:
    """First sample after blanking and the sample after the search window, within the sweep."""
    first = int(np.ceil(zero_index + blank_ms * per_ms))
    last = min(int(zero_index + to_ms * per_ms) + 1, n_samples)
    return first, last


def unusable(
    sweeps_uv: Trace, window: tuple[int, int], *, gap: bool, rail_uv: float | None
) -> list[str]:
    """Why nothing at all may be measured on these sweeps, (n_sweeps, n_samples); empty if it may.

    A rail that is known is reached by two samples in a row; one that is only guessed, from the
    largest value of each sign above 1 mV, by three.
    """
    if gap:
        return ["gap: samples are missing inside the sweep"]
    first, last = window
    if first < 0 or last - first < 16:
        return ["the sweep ends before the search window"]
    inside = sweeps_uv[:, first:last]
    if _stuck(inside, rail_uv) or _stuck(-inside, rail_uv):
        return ["saturated: the amplifier was at its rail; lower the gain or the artefact"]
    return []


def _stuck(inside: Trace, rail_uv: float | None) -> bool:
    """Whether samples lie in a row at the upper rail, or at the largest value if none is known."""
    highest = float(inside.max())
    top = rail_uv * 0.99 if rail_uv else max(highest, _LEAST_RAIL_UV)
    if highest < top:
        return False
    stuck = inside >= top
    if np.count_nonzero(stuck) < 2:
        return False
    together = stuck[:, :-1] & stuck[:, 1:]
    if not rail_uv:
        together = together[:, :-1] & stuck[:, 2:]
    return bool(together.any())


def trustworthy(
    sweeps_uv: Trace,
    window: tuple[int, int],
    *,
    limit_uv: float | None,
    spread: float,
    always: tuple[int, ...] = (),
    never: tuple[int, ...] = (),
) -> list[str]:
    """Per sweep why it is left out of the average; an empty string keeps it.

    A sweep goes if it leaves `limit_uv` (peak to peak in the window), or lies further from the
    median of all than `spread` times the middle distance. always, never: rows that the operator
    kept or left out by hand; they decide, whatever the numbers say.
    """
    inside = sweeps_uv[:, window[0] : window[1]]
    inside = inside - np.median(inside, axis=1, keepdims=True)
    height = np.ptp(inside, axis=1)
    away = np.sqrt(np.mean((inside - np.median(inside, axis=0)) ** 2, axis=1))
    usual = float(np.median(away))
    why = []
    for row in range(sweeps_uv.shape[0]):
        reason = ""
        if row in never:
            reason = "left out by hand"
        elif row in always:
            reason = ""
        elif limit_uv is not None and height[row] > limit_uv:
            reason = f"artefact: {height[row]:.0f} µV peak to peak, the limit is {limit_uv:.0f} µV"
        elif sweeps_uv.shape[0] >= 4 and away[row] > spread * usual > 0:
            reason = f"artefact: {away[row] / usual:.1f} times as far from the others as usual"
        why.append(reason)
    return why
