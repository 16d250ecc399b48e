"""The resting level of a sweep, its noise, and the mains that rides on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

Trace = npt.NDArray[np.float64]

_GUARD_MS = 0.5  # before time zero: nothing of the artefact, whatever the trigger's jitter
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
        seen = float(np.std(gaussian_filter1d(self.rest_uv, width_samples, mode="reflect")))
        return float(max(seen, white * 1.25))


def remove_baseline(
    trace_uv: Trace, rate_hz: float, zero_index: float, *, mains_hz: Sequence[float]
) -> Baseline:
    """Take off the resting level, and the mains where the sweep is long enough to know it.

    trace_uv: shape (n_samples,). Rest is what lies before the stimulus and, for the mains alone,
    also what lies after the late responses. Errors: ValueError if there is no rest at all.
    """
    per_ms = rate_hz / 1000.0
    before = np.arange(0, max(int(zero_index - _GUARD_MS * per_ms), 0))
    late = np.arange(min(int(zero_index + _LATE_MS * per_ms), trace_uv.size), trace_uv.size)
    rest = before if before.size >= 8 else late
    if rest.size < 8:
        raise ValueError("the sweep holds no resting stretch before the stimulus or after 65 ms")
    line, mains_uv = _mains(trace_uv, np.concatenate([before, late]), rate_hz, mains_hz)
    level = float(np.median((trace_uv - line)[rest]))
    clean = trace_uv - line - level
    quiet = clean[rest]
    spread = float(np.std(quiet, ddof=1))
    robust = float(np.median(np.abs(quiet - np.median(quiet))) / 0.6745)
    return Baseline(clean, quiet, max(min(spread, 1.5 * robust), 1e-6), mains_uv)


def _mains(
    trace_uv: Trace, rest: npt.NDArray[np.intp], rate_hz: float, candidates: Sequence[float]
) -> tuple[Trace, float]:
    """The line component that explains most of the rest, and its peak amplitude.

    Less than a period and a half of rest cannot tell mains from drift: nothing is taken off then.
    """
    best, amplitude = np.zeros_like(trace_uv), 0.0
    quiet = trace_uv[rest]
    least = float(np.sum((quiet - quiet.mean()) ** 2))
    for line_hz in candidates:
        if rest.size < 1.5 * rate_hz / line_hz:
            continue
        waves = _line_waves(trace_uv.size, line_hz / rate_hz)
        seen = waves[:, rest]
        weights = np.linalg.solve(seen @ seen.T, seen @ quiet)
        left = float(np.sum((quiet - weights @ seen) ** 2))
        if left < 0.8 * least:
            least, best = left, weights[1:] @ waves[1:]
            amplitude = float(np.hypot(weights[1], weights[2]))
    return best, amplitude


@lru_cache(maxsize=16)
def _line_waves(count: int, cycles_per_sample: float) -> Trace:
    """One, cosine and sine of a line frequency, (3, count)."""
    phase = 2 * np.pi * cycles_per_sample * np.arange(count)
    return np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)])
