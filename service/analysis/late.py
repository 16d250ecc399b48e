"""What comes back late after a stimulus: traces freed of baseline, M-wave tail and mains, and the
responses that stand out of them. Shared by F-waves, H-reflex and blink reflex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .onset import ONSET_LEVEL, fit_foot, level_of_foot
from .smoothing import gaussian_rows

Trace = npt.NDArray[np.float64]

SMOOTH_MS = 0.3  # SD of the Gaussian before detection: passes what a motor unit potential holds
ACTIVE_SDS = 4.0  # what stands this far out of the noise belongs to a response
JOIN_MS = 2.5  # quiet for less than this: still the same response
_FIT_STEP_MS = 0.5
_TAIL_MS = (1.2, 2.2, 4.0)  # decays of the M-wave's tail, the same in every sweep
_DRIFT_MS = (8.0, 25.0)  # and of the electrode after the artefact, each sweep's own
_GUARD_MS = 0.5  # before time zero: nothing of the artefact
_LEAST_REST_MS = 8.0
_ROUNDS = 6
_FEW = 6  # sweeps that tell which mains it is
_BACK_MS = 3.0  # rest before a response, to fit its foot on
_FOOT_PER_MS = 8.0  # values that a foot is fitted to
_TOP_SHARE, _TOP_SDS = 0.15, 6.0  # the first deflection reaches this share of the largest
_UNFITTED_MS = 0.5  # SD of an onset without a foot
_SHAPE_SD_MS, _FIT_SDS = 0.09, 1.5  # no foot is a power law; SDs that the fit's own stands for
_BEGUN = 0.05  # of its height: certainly above what the slow course leaves


@dataclass(frozen=True, slots=True, eq=False)
class LateTraces:
    """Sweeps after the M-wave, negative up, their slow course taken off.

    flat_uv: (n_sweeps, n) from column `first` of the sweep on; smooth_uv: the same, smoothed.
    noise_uv: SD of the smoothed trace at rest, raw_noise_uv: of the other. rest_pp_uv: median peak
    to peak of the smoothed trace at rest, within 10 ms. doubt_uv: (n_sweeps, n) what may be left of
    something that was taken out; no response is told from less.
    """

    flat_uv: Trace
    smooth_uv: Trace
    first: int
    zero: float
    per_ms: float
    noise_uv: float
    raw_noise_uv: float
    rest_pp_uv: float
    doubt_uv: Trace

    def column(self, time_ms: float) -> int:
        """The column of `flat_uv` at a time after the stimulus, within the trace."""
        at = round(self.zero + time_ms * self.per_ms) - self.first
        return int(min(max(at, 0), self.flat_uv.shape[1]))

    def time_ms(self, column: float) -> float:
        """The time after the stimulus of a column of `flat_uv`."""
        return (column + self.first - self.zero) / self.per_ms

    def smoothed(self, rows_uv: Trace) -> Trace:
        """Rows (n_rows, n), smoothed as the sweeps are."""
        return gaussian_rows(rows_uv, SMOOTH_MS * self.per_ms)

    def without(self, taken_uv: Trace, smooth_uv: Trace, doubt_uv: Trace) -> LateTraces:
        """The same sweeps less something, (n,) or (n_sweeps, n), also given smoothed, with what
        may be left of it."""
        return replace(
            self, flat_uv=self.flat_uv - taken_uv, smooth_uv=self.smooth_uv - smooth_uv,
            doubt_uv=self.doubt_uv + doubt_uv,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Response:
    """One response of one sweep; places in columns of the late traces, amplitude in µV.

    cut: it was there already when the window began.
    """

    sweep: int
    begin: int
    end: int
    peak_to_peak_uv: float
    cut: bool


def late_traces(
    up_uv: Trace, rate_hz: float, zero: float, *, from_ms: float, mains_hz: Sequence[float],
    common: bool = True,
) -> LateTraces:  # fmt: skip
    """Take the slow course off what follows `from_ms`, which lies after the M-wave's main phases.

    up_uv: (n_sweeps, n_samples) µV, negative up. A level, a drift, decays and the mains are fitted
    by least absolute deviations, so that the responses themselves hardly pull the fit; the M-wave's
    tail is the median over the sweeps. A high-pass filter would smear the M-wave, a hundred times
    larger, over the responses.
    common: the M-wave is the same in every sweep; False for a ramp, where each has its own tail.
    Errors: ValueError without 8 ms of rest before the stimulus, or if nothing follows `from_ms`.
    """
    per_ms = rate_hz / 1000.0
    rest = int(zero - _GUARD_MS * per_ms)
    first = round(zero + from_ms * per_ms)
    if rest < _LEAST_REST_MS * per_ms:
        raise ValueError("late responses need 8 ms of rest before the stimulus")
    if up_uv.shape[1] - first < 10.0 * per_ms:
        raise ValueError(f"the sweep ends before late responses can follow {from_ms:g} ms")
    flat = _flattened(up_uv, rest, first, rate_hz, mains_hz, common=common)
    quiet = _smoothed(flat[:, :rest], per_ms)
    blocks = max(int(rest / (10.0 * per_ms)), 1)
    size = rest // blocks
    cut = quiet[:, : blocks * size].reshape(-1, size)
    late = np.ascontiguousarray(flat[:, first:])
    return LateTraces(
        flat_uv=late,
        smooth_uv=_smoothed(late, per_ms),
        first=first,
        zero=zero,
        per_ms=per_ms,
        noise_uv=max(float(np.median(cut.std(axis=1))), 1e-3),
        raw_noise_uv=max(float(np.median(flat[:, :rest].std(axis=1))), 1e-3),
        rest_pp_uv=float(np.median(np.ptp(cut, axis=1))),
        doubt_uv=np.zeros_like(late),
    )


def responses(
    traces: LateTraces, *, from_ms: float, to_ms: float, floor_uv: float
) -> list[Response]:
    """Responses of at least `floor_uv` peak to peak that begin within a window.

    A response is a stretch above the noise, joined over quiet gaps of up to 2.5 ms. What lies
    before the window is not looked at.
    """
    start = traces.column(from_ms)
    level = max(ACTIVE_SDS * traces.noise_uv, 0.15 * floor_uv)
    part = traces.smooth_uv[:, start:]
    sweeps, places = np.nonzero(np.abs(part) > level + traces.doubt_uv[:, start:])
    new = (np.diff(places) > JOIN_MS * traces.per_ms) | (np.diff(sweeps) > 0)
    cuts = np.flatnonzero(new) + 1
    ends = places[np.concatenate([cuts, [places.size]]) - 1].tolist() if places.size else []
    begins = np.concatenate([[0], cuts])[: len(ends)]
    last = traces.column(to_ms) - start
    found = []
    for number, begin, end in zip(
        sweeps[begins].tolist(), places[begins].tolist(), ends, strict=True
    ):
        if begin > last:
            continue
        here = part[number, begin : end + 1]
        low, high = float(here.min()), float(here.max())
        size = max(high, 0.0) - min(low, 0.0)  # one of one sign has its other end at the baseline
        if size >= floor_uv:
            found.append(Response(number, start + begin, start + end + 1, size, begin == 0))
    return found


def onset_ms(traces: LateTraces, response: Response) -> float | None:
    """Where a response begins, as `onset_with_sd`."""
    told = onset_with_sd(traces, response)
    return None if told is None else told[0]


def onset_with_sd(traces: LateTraces, response: Response) -> tuple[float, float] | None:
    """Where a response begins, the place of 2 % of its largest deflection, and its SD; ms.

    That level mostly lies in the noise: the foot of the first deflection, of either sign, is fitted
    and solved for it, by the definition and the fit of the CMAP (`onset.py`). None for a response
    that was already there when the window began. The SD is that of the fit, with what the feet's
    shapes and the slow course leave.
    """
    if response.cut:
        return None
    smooth = traces.smooth_uv[response.sweep]
    size = np.abs(smooth[response.begin : response.end])
    largest = float(size.max())
    level = ONSET_LEVEL * largest
    top = response.begin + _first_top(size, max(_TOP_SHARE * largest, _TOP_SDS * traces.noise_uv))
    rise = np.sign(smooth[top]) * smooth[: top + 1]
    height = float(rise[-1])
    doubt_uv = float(traces.doubt_uv[response.sweep, response.begin])
    begun = _last_under(rise, max(ACTIVE_SDS * traces.noise_uv, _BEGUN * height, doubt_uv))
    half = _last_under(rise, 0.5 * height)
    back = max(begun - round(_BACK_MS * traces.per_ms), 0)
    step = max(int(traces.per_ms / _FOOT_PER_MS), 1)
    count = (half + 1 - back) // step
    first = half + 1 - count * step
    starts = max(begun - 1.5 * traces.per_ms, back) - first, half - 0.1 * traces.per_ms - first
    unfitted = traces.time_ms(begun), _UNFITTED_MS
    if half - begun < 2 or starts[1] <= starts[0]:
        return unfitted
    part = traces.flat_uv[response.sweep, first : half + 1]
    raw = np.sign(smooth[top]) * part.reshape(count, step) @ np.full(step, 1.0 / step)
    middle = (step - 1) / 2
    foot = fit_foot(
        raw, step / traces.per_ms,
        ((starts[0] - middle) / traces.per_ms, (starts[1] - middle) / traces.per_ms),
        traces.raw_noise_uv / np.sqrt(step),
    )  # fmt: skip
    if foot is None:
        return unfitted
    at_ms, sd_ms = level_of_foot(foot, level)
    at_ms = traces.time_ms(first + middle + at_ms * traces.per_ms)
    return at_ms, float(np.hypot(_SHAPE_SD_MS, _FIT_SDS * sd_ms))


def _last_under(rise: Trace, level: float) -> int:
    """The last sample below a level, 0 if there is none."""
    under = (rise < level).nonzero()[0]
    return int(under[-1]) if under.size else 0


def _first_top(size: Trace, least: float) -> int:
    """The first local maximum that reaches `least`; the largest value if there is none."""
    inner = (size[1:-1] >= size[:-2]) & (size[1:-1] > size[2:]) & (size[1:-1] >= least)
    tops = inner.nonzero()[0]
    return int(tops[0]) + 1 if tops.size else int(size.argmax())


def _smoothed(rows: Trace, per_ms: float) -> Trace:
    return gaussian_rows(rows, SMOOTH_MS * per_ms)


def _flattened(
    up_uv: Trace, rest: int, first: int, rate_hz: float, mains_hz: Sequence[float], *, common: bool
) -> Trace:
    """The sweeps less the tail of the M-wave and less each one's own slow course."""
    about = up_uv.shape[1], rest, first, rate_hz
    decays = (*_DRIFT_MS, *_TAIL_MS)
    offset = up_uv[:, :1]  # an electrode's offset would cost digits
    seen = _thinned(up_uv - offset, _edges(*about), _step(rate_hz))
    costs = [
        (_least_absolute(seen[:_FEW], _plan(*about, line_hz, decays), rounds=2)[1], line_hz)
        for line_hz in mains_hz
    ]
    line_hz = min(costs)[1] if costs else 50.0
    whole = _plan(*about, line_hz, decays)
    weights, _ = _least_absolute(seen, whole, rounds=_ROUNDS)
    if not common:
        return np.asarray(up_uv - offset - weights @ whole.waves)
    tails = len(_TAIL_MS)
    ordered = np.sort(weights[:, -tails:] @ whole.waves[-tails:, first:], axis=0)
    tail = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    flat = up_uv - offset
    flat[:, first:] -= tail
    late = np.concatenate([np.zeros(first), tail])[None]
    own = _plan(*about, line_hz, _DRIFT_MS)
    seen -= _thinned(late, _edges(*about), _step(rate_hz))
    weights, _ = _least_absolute(seen, own, rounds=_ROUNDS)
    flat -= weights @ own.waves
    return flat


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """waves: (n_waves, n_samples) of the slow course; seen: the same, thinned, where it is fitted;
    pairs: (n_thinned, n_pairs), products of any two of them; pair: (n_waves, n_waves) places in
    those."""

    waves: Trace
    seen: Trace
    pairs: Trace
    pair: npt.NDArray[np.intp]


def _step(rate_hz: float) -> int:
    """Samples per thinned value."""
    return max(round(_FIT_STEP_MS * rate_hz / 1000.0), 1)


@lru_cache(maxsize=32)
def _edges(count: int, rest: int, first: int, rate_hz: float) -> tuple[tuple[int, int], ...]:
    """The first column and the number of thinned values at rest, and after the M-wave."""
    step = _step(rate_hz)
    return (0, max(rest - 1, 0) // step), (first, max(count - first - 1, 0) // step)


@lru_cache(maxsize=32)
def _plan(
    count: int, rest: int, first: int, rate_hz: float, line_hz: float, decays_ms: tuple[float, ...]
) -> _Plan:
    time = np.arange(count, dtype=np.float64)
    phase = 2 * np.pi * line_hz * time / rate_hz
    late = np.maximum(time - first, 0.0) / (rate_hz / 1000.0)
    decays = [np.where(time >= first, np.exp(-late / tau), 0.0) for tau in decays_ms]
    drift = time / count - 0.5
    waves = np.stack([np.ones(count), drift, np.cos(phase), np.sin(phase), *decays])
    seen = _thinned(waves, _edges(count, rest, first, rate_hz), _step(rate_hz))
    one, other = np.triu_indices(waves.shape[0])
    pair = np.zeros((waves.shape[0],) * 2, dtype=np.intp)
    pair[one, other] = pair[other, one] = np.arange(one.size)
    return _Plan(waves, seen, np.ascontiguousarray((seen[one] * seen[other]).T), pair)


def _thinned(rows: Trace, edges: tuple[tuple[int, int], ...], step: int) -> Trace:
    """Means of `step` samples from every edge on, (n_rows, n_thinned)."""
    mean = np.full(step, 1.0 / step)
    parts = [rows[:, at : at + many * step].reshape(-1, many, step) @ mean for at, many in edges]
    return np.concatenate(parts, axis=1)


def _least_absolute(seen_uv: Trace, plan: _Plan, *, rounds: int) -> tuple[Trace, float]:
    """Weights (n_sweeps, n_waves) that leave the least absolute rest of the thinned sweeps, and
    that rest, by iteratively reweighted least squares."""
    weight = np.ones_like(seen_uv)
    half, same = seen_uv.shape[1] // 2, np.arange(plan.waves.shape[0])
    for after in reversed(range(rounds)):
        normal = (weight @ plan.pairs)[:, plan.pair]
        # a little, for waves that a short sweep cannot tell apart; the first wave is one throughout
        normal[:, same, same] += 1e-6 * normal[:, 0, :1]
        along = (weight * seen_uv) @ plan.seen.T
        told = np.linalg.solve(normal, along[:, :, None])[:, :, 0]
        left = np.abs(seen_uv - told @ plan.seen)
        if after:
            scale = np.partition(left, half, axis=1)[:, half, None]  # the median, as good as
            weight = 1.0 / np.maximum(left, np.maximum(0.5 * scale, 0.1))
    return np.asarray(told), float(left.sum())
