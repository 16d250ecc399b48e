"""The H-reflex: recruitment of M-wave and late response over a ramp of stimulus currents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from service.model import Json, Measurement, MeasurementState

from .late import LateTraces, late_traces, onset_ms, responses
from .recruitment import by_level, fit_sigmoid, maximum_of, plateau_of
from .result import build
from .smoothing import gaussian

MEASURE = "h_reflex"
VERSION = "2"

Trace = npt.NDArray[np.float64]

# Where the M-wave and the H-reflex lie, ms. Source: clinical reference 1.6.
WINDOWS_MS: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = MappingProxyType(
    {"SOL": ((3.0, 22.0), (25.0, 45.0)), "FCR": ((2.0, 12.0), (13.0, 25.0))}
)
FASTEST_HZ = 0.5
_LEVELS = 8  # fewer currents give no recruitment curve
_WANTED_LEVELS = 20
_REPRODUCIBLE = 2 / 3
_FALLS_TO = 0.5  # of its maximum, at the M-wave's plateau
_LATENCY_LEVELS = 3
_LEAD_MS = 2.0
_H_LASTS_MS = 10.0  # after the end of the window in which it begins
_SAME_MA = 0.006  # currents are told to 0.01 mA


@dataclass(frozen=True, slots=True)
class HReflexSettings:
    """All that decides an H-reflex study.

    muscle: chooses the windows (`SOL`, which also holds for the gastrocnemius, or `FCR`).
    h_window_ms: another window for another muscle or a slow nerve; None: the muscle's. least_uv,
    times_rest: a late response counts from max(least_uv, times_rest x peak to peak at rest).
    """

    muscle: str = "SOL"
    h_window_ms: tuple[float, float] | None = None
    least_uv: float = 50.0
    times_rest: float = 4.0
    negative_up: bool = False
    rail_uv: float | None = None
    mains_hz: tuple[float, ...] = (50.0, 60.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Curves:
    """Currents (n,), peak to peak of M and H in µV per sweep, and where H stands out."""

    current_ma: Trace
    m_uv: Trace
    h_uv: Trace
    traces: LateTraces
    floor_uv: float


def h_reflex(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    current_ma: npt.ArrayLike,
    stimulus_s: npt.ArrayLike | None = None,
    settings: HReflexSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
    gap: bool = False,
    time_zero_known: bool = True,
) -> Measurement:
    """Recruitment curves of M-wave and H-reflex.

    sweeps_uv: (n_sweeps, n_samples) µV, one row per stimulus, in any order of currents; current_ma:
    (n_sweeps,). stimulus_s: (n_sweeps,) when each was given, for the rate; None is not known.
    Values (docs/indicators.md): maxima, their ratio (peak to peak both), thresholds and slopes of
    the sigmoids, latency at the first reproducible H. Items: one per current.
    Absent: M-wave there, no late response in the window. Not assessable: a gap, saturation, too few
    currents, no M-wave, or a late response that does not fall as the M-wave rises: an F-wave.
    A ramp that stops before the M-wave's plateau gives no ratio and says so.
    Errors: ValueError for a wrong shape, a rate that is not positive, or an unknown muscle.
    Source: clinical reference 1.6; sigmoid H(I) = Hmax / (1 + exp(m (S50 - I))), threshold where
    its tangent at S50 meets zero, slope there Hmax m / 4 (Klimstra and Zehr 2008).
    """
    chosen = settings or HReflexSettings()
    sweeps = np.asarray(sweeps_uv, dtype=np.float64)
    current = np.asarray(current_ma, dtype=np.float64)
    if sweeps.ndim != 2 or not rate_hz > 0 or current.shape != sweeps.shape[:1]:
        raise ValueError(
            f"h_reflex: expected (n_sweeps, n_samples), a positive rate and a current per sweep, "
            f"got shapes {sweeps.shape} and {current.shape} at {rate_hz} Hz"
        )
    if chosen.muscle not in WINDOWS_MS:
        raise ValueError(
            f"h_reflex: there are windows for {', '.join(WINDOWS_MS)}, not for {chosen.muscle!r}"
        )
    values = {"sweep_count": float(sweeps.shape[0])}
    up = sweeps * (1.0 if chosen.negative_up else -1.0)
    reasons = _blocked(up, current, rate_hz, zero_index, gap=gap, settings=chosen)
    items: list[Mapping[str, Json]] = []
    state: MeasurementState = "not_assessable"
    if not reasons:
        curves = _curves(up, current, rate_hz, zero_index, chosen)
        values["detection_floor_uv"] = curves.floor_uv
        state, reasons = _judged(curves)
        items = _items(curves)
        if state == "measured":
            found, why = _values(curves, chosen, timed=time_zero_known)
            values |= found
            reasons += [*why, *_rate_reasons(stimulus_s)]
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen, state=state,
        values=values, reasons=reasons, items=items,
    )  # fmt: skip


def _blocked(
    up_uv: Trace, current: Trace, rate_hz: float, zero: float, *, gap: bool,
    settings: HReflexSettings,
) -> list[str]:  # fmt: skip
    """Why nothing may be said."""
    if gap:
        return ["gap: samples are missing inside a sweep"]
    levels = np.unique(np.round(current, 2)).size
    if levels < _LEVELS:
        return [f"a recruitment curve needs {_LEVELS} currents (have {levels})"]
    last = _windows(settings)[1][1] + 10.0
    if up_uv.shape[1] < zero + last * rate_hz / 1000.0:
        return [f"the sweep ends before {last:.0f} ms after the stimulus"]
    early = up_uv[:, round(zero + _windows(settings)[0][0] * rate_hz / 1000.0) :]
    if settings.rail_uv and np.abs(early).max() >= 0.99 * settings.rail_uv:
        return ["saturated: the amplifier was at its rail; lower the gain"]
    return []


def _windows(settings: HReflexSettings) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of M and of H, ms."""
    m_window, h_window = WINDOWS_MS[settings.muscle]
    return m_window, settings.h_window_ms or h_window


def _curves(
    up_uv: Trace, current: Trace, rate_hz: float, zero: float, settings: HReflexSettings
) -> _Curves:
    """Peak to peak of both responses of every sweep."""
    per_ms = rate_hz / 1000.0
    (m_from, m_to), (h_from, h_to) = _windows(settings)
    traces = late_traces(
        up_uv, rate_hz, zero, from_ms=h_from - _LEAD_MS, mains_hz=settings.mains_hz, common=False
    )
    direct = up_uv[:, round(zero + m_from * per_ms) : round(zero + m_to * per_ms)]
    width = 0.2 * per_ms
    m_uv = np.array([float(np.ptp(gaussian(row, width))) for row in direct])
    first, last = traces.column(h_from), traces.column(h_to + _H_LASTS_MS)
    h_uv = np.ptp(traces.smooth_uv[:, first:last], axis=1)
    floor_uv = max(settings.least_uv, settings.times_rest * traces.rest_pp_uv)
    return _Curves(current, m_uv, h_uv, traces, floor_uv)


def _judged(curves: _Curves) -> tuple[MeasurementState, list[str]]:
    """Whether the late response is an H-reflex, and what limits it."""
    levels, m_mean, _ = by_level(curves.current_ma, curves.m_uv)
    h_mean = by_level(curves.current_ma, curves.h_uv)[1]
    if m_mean.max() < 2 * curves.floor_uv and h_mean.max() < curves.floor_uv:
        return "not_assessable", ["no M-wave: the stimulus did not reach the nerve"]
    present = [
        level
        for level in range(levels.size)
        if _share_above(curves, levels[level]) >= _REPRODUCIBLE
    ]
    count = curves.current_ma.size
    if not present:
        why = f"no reproducible response above {curves.floor_uv:.0f} µV after {count} stimuli"
        return "absent", [why]
    h_max, top = maximum_of(h_mean)
    beyond = h_mean[m_mean >= 0.9 * m_mean.max()]
    falls = float(np.median(beyond)) <= _FALLS_TO * h_max and m_mean[top] < 0.9 * m_mean.max()
    reasons = []
    if levels.size < _WANTED_LEVELS:
        reasons.append(f"few_steps: {_WANTED_LEVELS} currents are wanted (have {levels.size})")
    if plateau_of(levels, m_mean)[1] and not falls:
        return "not_assessable", [
            "the late response does not fall as the M-wave rises: an F-wave, not an H-reflex"
        ]
    if not plateau_of(levels, m_mean)[1]:
        reasons.append("the ramp ends before the M-wave's plateau: no H/M, raise the current")
        if not falls:
            reasons.append("that the late response falls as the M-wave rises is not shown: it may "
                           "be an F-wave")  # fmt: skip
    return "measured", reasons


def _share_above(curves: _Curves, level_ma: float) -> float:
    """The share of the sweeps at a current whose late response reaches the floor."""
    at = np.abs(curves.current_ma - level_ma) < _SAME_MA
    return float(np.mean(curves.h_uv[at] >= curves.floor_uv))


def _values(
    curves: _Curves, settings: HReflexSettings, *, timed: bool
) -> tuple[dict[str, float], list[str]]:
    """The numbers of an H-reflex, and why some are missing."""
    levels, m_mean, _ = by_level(curves.current_ma, curves.m_uv)
    h_mean = by_level(curves.current_ma, curves.h_uv)[1]
    m_max, plateau = plateau_of(levels, m_mean)
    h_max, top = maximum_of(h_mean)
    values = {"h_max_mv": h_max / 1000.0, "h_max_current_ma": float(levels[top])}
    reasons = []
    rising = curves.current_ma <= levels[top] + _SAME_MA
    h_fit = fit_sigmoid(curves.current_ma[rising], curves.h_uv[rising], h_max)
    if h_fit is not None:
        values |= {"h_threshold_ma": h_fit.threshold_ma, "h_half_ma": h_fit.half_ma}
    else:
        reasons.append("too few currents on the rising limb of H: no threshold, no slope")
    if plateau:
        values |= {"m_max_mv": m_max / 1000.0, "h_m_ratio": h_max / m_max}
        m_fit = fit_sigmoid(curves.current_ma, curves.m_uv, m_max)
        if m_fit is not None:
            values |= {"m_threshold_ma": m_fit.threshold_ma, "m_half_ma": m_fit.half_ma}
        if m_fit is not None and h_fit is not None:
            values["slope_ratio"] = h_fit.slope / m_fit.slope
            if m_fit.threshold_ma > 0 and h_fit.threshold_ma > 0:
                values["threshold_ratio"] = h_fit.threshold_ma / m_fit.threshold_ma
    if not timed:
        return values, [*reasons, "time zero is host time only: latencies are not assessable"]
    values |= _latency(curves, levels, settings)
    return values, reasons


def _latency(curves: _Curves, levels: Trace, settings: HReflexSettings) -> dict[str, float]:
    """Median onset over the first currents that give a reproducible H, and the M-wave there."""
    h_from, h_to = _windows(settings)[1]
    found = {
        one.sweep: one
        for one in responses(curves.traces, from_ms=h_from, to_ms=h_to, floor_uv=curves.floor_uv)
    }
    onsets: list[float] = []
    sizes: list[float] = []
    used = 0
    for level in levels:
        if used == _LATENCY_LEVELS:
            break
        at = np.flatnonzero(np.abs(curves.current_ma - level) < _SAME_MA)
        if _share_above(curves, level) < _REPRODUCIBLE:
            continue
        used += 1
        sizes.append(float(curves.m_uv[at].mean()))
        timed = [onset_ms(curves.traces, found[i]) for i in at.tolist() if i in found]
        onsets += [onset for onset in timed if onset is not None]
    if not onsets:
        return {}
    return {
        "h_latency_ms": float(np.median(onsets)),
        "m_at_latency_percent": 100.0 * float(np.mean(sizes)) / float(curves.m_uv.max()),
    }


def _rate_reasons(stimulus_s: npt.ArrayLike | None) -> list[str]:
    """Whether the stimuli came too fast for a reflex."""
    if stimulus_s is None:
        return [f"rate_unknown: an H-reflex faster than {FASTEST_HZ} Hz is depressed"]
    gaps = np.diff(np.sort(np.asarray(stimulus_s, dtype=np.float64)))
    fast = int(np.count_nonzero(gaps < 0.98 / FASTEST_HZ))
    if not fast:
        return []
    return [
        f"rate: {fast} stimuli came faster than {FASTEST_HZ} Hz, which lowers H: a low H/M is not "
        "proven"
    ]


def _items(curves: _Curves) -> list[Mapping[str, Json]]:
    """The curves, one row per current."""
    levels, m_mean, place = by_level(curves.current_ma, curves.m_uv)
    h_mean = by_level(curves.current_ma, curves.h_uv)[1]
    counts = np.bincount(place)
    return [
        {
            "current_ma": float(levels[i]),
            "sweep_count": int(counts[i]),
            "m_mv": float(m_mean[i]) / 1000.0,
            "h_mv": float(h_mean[i]) / 1000.0,
        }
        for i in range(levels.size)
    ]
