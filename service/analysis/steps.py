"""Responses over rising currents: does one grow late, and in another shape?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .gates import Direction, Flag
from .smoothing import gaussian

Trace = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StepSettings:
    """plateau: change of size (RMS of the response) over a step that counts as none. rise: what is
    added after a plateau, as a share of what was there, that counts. alike: correlation of what was
    added with what was there, below which it is another muscle. All are proposals."""

    plateau: float = 0.05
    rise: float = 0.08
    alike: float = 0.8
    window_ms: tuple[float, float] = (1.5, 25.0)


def co_stimulation(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    current_ma: npt.ArrayLike,
    *,
    settings: StepSettings | None = None,
) -> Flag | None:
    """A response that had stood still changes again, and its shape: another nerve joins in.

    sweeps_uv: (n_sweeps, n_samples) µV, one per current; current_ma: (n_sweeps,), in any order.
    None with fewer than three currents, or without a plateau. Errors: ValueError if the lengths
    differ. Source: clinical reference 1.2 (pitfalls); the thresholds are proposals.
    """
    chosen = settings or StepSettings()
    sweeps = np.asarray(sweeps_uv, dtype=np.float64)
    current = np.asarray(current_ma, dtype=np.float64)
    if sweeps.ndim != 2 or current.shape != sweeps.shape[:1]:
        raise ValueError(
            f"co_stimulation: expected (n_sweeps, n_samples) and a current per sweep, got "
            f"{sweeps.shape} and {current.shape}"
        )
    levels = np.unique(current)
    if levels.size < 3:
        return None
    per_ms = rate_hz / 1000.0
    width = 0.2 * per_ms
    before = sweeps[:, : max(int(zero_index - 0.5 * per_ms), 1)]
    rest = before.mean(axis=1, keepdims=True)
    first, last = (int(zero_index + ms * per_ms) for ms in chosen.window_ms)
    cut = (sweeps - rest)[:, first:last]
    shapes = np.stack([gaussian(cut[current == level].mean(axis=0), width) for level in levels])
    sizes = np.sqrt(np.mean(shapes**2, axis=1))
    noise = max(float(np.std(gaussian(row, width))) for row in before)
    stood = _plateau(sizes, chosen.plateau)
    if stood is None:
        return None
    added, there = shapes[-1] - shapes[stood], shapes[stood]
    grown = float(np.sqrt(np.mean(added**2)))
    if grown < max(chosen.rise * sizes[stood], 3 * noise):
        return None
    if float(np.corrcoef(added, there)[0, 1]) >= chosen.alike:
        return None
    told = (
        f"from {levels[stood]:g} to {levels[-1]:g} mA the response changes late, in another shape"
    )
    action = f"another nerve joins in: lower the current to {levels[stood]:g} mA"
    return Flag("co_stimulation", told, action, (Direction.AMPLITUDE, Direction.NO_DROP))


def _plateau(sizes: Trace, tolerance: float) -> int | None:
    """The last level of the first step that changed nothing, once more than nothing is there."""
    for step in range(1, sizes.size - 1):
        if sizes[step] > 0.3 * sizes[-1] and abs(sizes[step] / sizes[step - 1] - 1) <= tolerance:
            return step
    return None
