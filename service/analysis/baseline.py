"""The resting level of a sweep, its noise, and the mains that rides on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .smoothing import gaussian

Trace = npt.NDArray[np.float64]

_GUARD_MS = 0.5  # before time zero: nothing of the artefact, whatever the trigger's jitter
_LEAST_REST = 8  # samples
_LATE_MS = 65.0  # after time zero: beyond M, H and F responses of the arm


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """A trace with its resting level at zero. rest_uv: the stretch before the stimulus, cleaned."""

    trace_uv: Trace
    rest_uv: Trace
    noise_uv: float
    mains_uv: float

    def smoothed_noise_uv(self, width_samples: float) -> float:
        """Noise SD that remains after a Gaussian of this width: what the rest shows, but not less
        than white noise would leave, since a short stretch holds few independent values."""
        white = self.noise_uv / np.sqrt(2 * np.sqrt(np.pi) * max(width_samples, 0.5))
        if self.rest_uv.size < 4 * width_samples:
            return float(white * 1.5)
        seen = float(np.std(gaussian(self.rest_uv, width_samples)))
        return float(max(seen, white * 1.25))


def remove_baseline(
    trace_uv: Trace, rate_hz: float, zero_index: float, *, mains_hz: Sequence[float]
) -> Baseline:
    """Take off the resting level, and the mains where the sweep is long enough to know it.

    trace_uv: shape (n_samples,). Rest is what lies before the stimulus and, for the mains alone,
    also what lies after the late responses. Errors: ValueError if there is no rest at all.
    """
    per_ms = rate_hz / 1000.0
    before = max(int(zero_index - _GUARD_MS * per_ms), 0)
    late = min(int(zero_index + _LATE_MS * per_ms), trace_uv.size)
    rest = slice(0, before) if before >= _LEAST_REST else slice(late, trace_uv.size)
    if rest.stop - rest.start < _LEAST_REST:
        raise ValueError("the sweep holds no resting stretch before the stimulus or after 65 ms")
    line, mains_uv = _mains(trace_uv, before, late, rate_hz, mains_hz)
    clean = trace_uv if line is None else trace_uv - line
    clean = clean - _median(clean[rest])
    quiet = clean[rest]
    spread = float(np.sqrt(np.sum((quiet - quiet.mean()) ** 2) / (quiet.size - 1)))
    robust = _median(np.abs(quiet)) / 0.6745
    return Baseline(clean, quiet, max(min(spread, 1.5 * robust), 1e-6), mains_uv)


def _median(values: Trace) -> float:
    """Median of a short array without the checks of the general one."""
    half = values.size // 2
    if values.size % 2:
        return float(np.partition(values, half)[half])
    return float(np.partition(values, (half - 1, half))[half - 1 : half + 1].mean())


def _mains(
    trace_uv: Trace, before: int, late: int, rate_hz: float, candidates: Sequence[float]
) -> tuple[Trace | None, float]:
    """The line component that explains most of the rest, and its peak amplitude.

    Rest: columns below `before` and from `late` on. Less than a period and a half of it cannot tell
    mains from drift: nothing is taken off then.
    """
    best: Trace | None = None
    amplitude = 0.0
    quiet = np.concatenate([trace_uv[:before], trace_uv[late:]])
    quiet = quiet - quiet.mean()  # an electrode's offset would drown the rest in rounding
    least = power = float(quiet @ quiet)
    for line_hz in candidates:
        if quiet.size < 1.5 * rate_hz / line_hz:
            continue
        waves, seen, solve = _line_fit(trace_uv.size, before, late, line_hz / rate_hz)
        along = seen @ quiet
        weights = solve @ along
        left = power - float(weights @ along)
        if left < 0.8 * least:
            least, best = left, weights[1:] @ waves[1:]
            amplitude = float(np.hypot(weights[1], weights[2]))
    return best, amplitude


@lru_cache(maxsize=32)
def _line_fit(
    count: int, before: int, late: int, cycles_per_sample: float
) -> tuple[Trace, Trace, Trace]:
    """One, cosine and sine of a line frequency: (3, count), the same at rest, and the (3, 3) matrix
    that turns their products with a trace into least-squares weights."""
    phase = 2 * np.pi * cycles_per_sample * np.arange(count)
    waves = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)])
    seen = np.concatenate([waves[:, :before], waves[:, late:]], axis=1)
    return waves, seen, np.linalg.inv(seen @ seen.T)
