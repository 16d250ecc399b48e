"""What a small response rides on: the stimulus artefact's decay, drift and what mains is left."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Trace = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_TAUS_MS = np.geomspace(0.2, 6.0, 9)
_ROUNDS = 3
_OUTLIER = 3.0


def background(trace_uv: Trace, step_ms: float, used: Mask | None = None) -> tuple[Trace, Trace]:
    """A decaying exponential plus a straight line, fitted without what stands out of them.

    trace_uv: shape (n,), from the end of blanking. step_ms: between samples. used: the samples that
    may count, all if None. Returns the background and the exponential's part of it, (n,) each;
    zeros where fewer than eight samples may count. What stands out (a response) is left aside in
    rounds: beyond three times the robust SD of the residual. An exponential that would be larger
    anywhere than the trace is not believed.
    """
    mask = np.ones(trace_uv.size, dtype=bool) if used is None else used
    both_sides = bool(mask[: mask.size // 4].any() and mask[-mask.size // 4 :].any())
    # a slope known from one side only would lead astray on the other
    fits = _designs(trace_uv.size, round(step_ms, 9))[:, : 3 if both_sides else 2]
    best = np.zeros_like(trace_uv), np.zeros_like(trace_uv)
    inside = mask
    for _ in range(_ROUNDS):
        if inside.sum() < 8:
            break
        best = _fit(fits, trace_uv, inside)
        apart = np.abs(trace_uv - best[0])
        spread = 1.4826 * float(np.median(apart[mask]))
        inside = mask & (apart <= _OUTLIER * max(spread, 1e-6))
    return best


def _fit(designs: Trace, trace_uv: Trace, inside: Mask) -> tuple[Trace, Trace]:
    """The least-squares background over the grid of time constants, and its exponential."""
    seen = designs[:, :, inside]
    wanted = trace_uv[inside]
    normal = np.einsum("kin,kjn->kij", seen, seen)
    diagonal = range(seen.shape[1])
    normal[:, diagonal, diagonal] *= 1 + 1e-9
    along = seen @ wanted
    weights = np.linalg.solve(normal, along[:, :, None])[:, :, 0]
    gain = np.einsum("ki,ki->k", weights, along)
    most = float(np.ptp(trace_uv))
    gain[np.abs(weights[:, 0]) > most] = -np.inf
    best = int(gain.argmax())
    if not np.isfinite(gain[best]):
        line = np.linalg.lstsq(seen[0, 1:].T, wanted, rcond=None)[0]
        return line @ designs[0, 1:], np.zeros_like(trace_uv)
    return weights[best] @ designs[best], weights[best, 0] * designs[best, 0]


@lru_cache(maxsize=32)
def _designs(count: int, step_ms: float) -> Trace:
    """(n_taus, 3, count): decay, one, slope."""
    time_ms = np.arange(count) * step_ms
    line = np.stack([np.ones(count), time_ms / max(time_ms[-1], step_ms) - 0.5])
    return np.stack([np.concatenate([np.exp(-time_ms / tau)[None, :], line]) for tau in _TAUS_MS])
