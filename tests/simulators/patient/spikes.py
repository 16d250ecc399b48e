"""Spikes of a resting needle trace sorted by shape, and how regularly each kind comes: this test's
own reading, from samples alone."""

from dataclasses import dataclass

import numpy as np

WINDOW_S = (0.002, 0.004)  # before and after a spike's peak
APART_S = 0.003
ALIKE = 0.5  # distance of two shapes, relative to the smaller one
FEWEST = 8
REGULAR = 0.10  # mean consecutive difference of intervals, relative to their mean


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Spikes of one shape: times (s), middle shape in µV, regularity of neighbouring intervals."""

    times_s: np.ndarray
    shape_uv: np.ndarray
    consecutive: float

    @property
    def rate_hz(self) -> float:
        """By the middle interval: spikes lost under others leave a long one."""
        return float(1.0 / np.median(np.diff(self.times_s)))

    @property
    def begins_positive(self) -> bool:
        """Whether the first phase of a quarter of its height is positive (down on a screen)."""
        large = np.flatnonzero(np.abs(self.shape_uv) > 0.25 * np.abs(self.shape_uv).max())
        return bool(self.shape_uv[large[0]] > 0.0)

    @property
    def fibrillates(self) -> bool:
        """Regular, 0.5-30 per second, initial positive."""
        return self.consecutive < REGULAR and 0.5 < self.rate_hz < 30.0 and self.begins_positive


def peaks(trace_uv: np.ndarray, rate_hz: float, least_uv: float) -> np.ndarray:
    """Samples of the highest points, apart from each other."""
    height, reach = np.abs(trace_uv), int(APART_S * rate_hz)
    found = []
    for at in np.flatnonzero(height > least_uv).tolist():
        first = max(at - reach, 0)
        if height[at] == height[first : at + reach + 1].max():
            found.append(at)
    before, after = (int(part * rate_hz) for part in WINDOW_S)
    return np.array([at for at in found if before <= at < trace_uv.size - after], dtype=int)


def kinds(trace_uv: np.ndarray, rate_hz: float) -> list[Kind]:
    """Every shape that comes eight times or more, the commonest first."""
    noise = float(np.median(np.abs(trace_uv))) / 0.6745
    at = peaks(trace_uv, rate_hz, max(8.0 * noise, 25.0))
    before, after = (int(part * rate_hz) for part in WINDOW_S)
    if at.size < FEWEST:
        return []
    shapes = np.array([trace_uv[i - before : i + after] for i in at])
    left = np.arange(at.size)
    found = []
    while left.size >= FEWEST:
        size = np.linalg.norm(shapes[left], axis=1)
        apart = np.sqrt(
            np.maximum(size[:, None] ** 2 + size**2 - 2.0 * shapes[left] @ shapes[left].T, 0.0)
        )
        alike = apart < ALIKE * np.minimum(size[:, None], size)
        most = int(alike.sum(axis=1).argmax())
        mine = left[alike[most]]
        if mine.size < FEWEST:
            break
        found.append(_kind(at[mine] / rate_hz, np.median(shapes[mine], axis=0)))
        left = np.setdiff1d(left, mine)
    return found


def _kind(times_s: np.ndarray, shape_uv: np.ndarray) -> Kind:
    """Intervals far longer than usual lost a spike and are not judged."""
    intervals = np.diff(times_s)
    usual = float(np.median(intervals))
    kept = intervals < 1.6 * usual
    both = kept[1:] & kept[:-1]
    steps = np.abs(np.diff(intervals))[both]
    consecutive = float(steps.mean() / intervals[kept].mean()) if both.sum() >= 4 else np.inf
    return Kind(times_s, shape_uv, consecutive)
