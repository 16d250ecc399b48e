"""The compound muscle action potential (CMAP) after a stimulus: one detector for one sweep and for
an average, live, in review and on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from service.model import Marker, Measurement

from .baseline import Baseline, remove_baseline
from .onset import (
    NO_TAIL,
    ONSET_LEVEL,
    Foot,
    Tail,
    crossing,
    fit_foot,
    fit_tail,
    is_clear,
    last_below,
    level_of_foot,
)
from .peaks import most_prominent
from .result import build
from .smoothing import gaussian

MEASURE = "motor_response"
VERSION = "2"
_LAST_PHASE_MS = 20.0  # after the first negative phase; what begins later is another response

Trace = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MotorSettings:
    """All that decides a motor response.

    negative_up: samples already carry the negative phase as positive numbers. Amplifiers do not:
    theirs is the physical sign, and the negative phase lies below zero.
    search_from_ms, search_to_ms: where the negative peak may lie, after time zero.
    rail_uv: the amplifier's full scale, None if it is not known.
    """

    blank_ms: float = 1.0
    search_from_ms: float = 1.5
    search_to_ms: float = 40.0
    negative_up: bool = False
    rail_uv: float | None = None
    detection_sds: float = 6.0
    least_width_ms: float = 0.8
    mains_hz: tuple[float, ...] = (50.0, 60.0)


@dataclass(frozen=True, slots=True)
class _Response:
    """Places in samples, levels in µV, on a trace with the baseline at zero and negative up."""

    onset: float | None
    peak: float
    end: float | None
    last_end: float | None
    peak_uv: float
    area_uv_samples: float | None
    artefact_uv: float
    positive_uv: float


def motor_response(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    settings: MotorSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
    gap: bool = False,
    time_zero_known: bool = True,
) -> Measurement:
    """Onset, negative peak, base-to-peak amplitude, negative area and duration of a CMAP.

    sweeps_uv: (n_sweeps, n_samples) or (n_samples,) µV; more than one is averaged first.
    zero_index: column of the stimulus for analogue samples (front-end delay already in it).
    Values: onset_latency_ms, peak_latency_ms, amplitude_mv, area_mv_ms, duration_ms (of the
    negative phase), total_duration_ms (to the end of the last one), noise_uv, detection_floor_uv,
    sweep_count. Markers onset, peak, end.
    Absent: nothing rose above the detection floor in the search window; the floor and the number
    of stimuli are in `values`. Not assessable: a gap inside, saturation of the response, or a sweep
    that ends before the search window. A latency that cannot be trusted (initial positivity,
    artefact over the onset, time zero unknown) is left out with its reason; the amplitude stays.
    Errors: ValueError for a wrong shape or a rate that is not positive.
    Source: AANEM / Buschbacher conventions as in the clinical reference 1.1; onset is where the
    noise-free response reaches 2 % of its negative peak.
    """
    chosen = settings or MotorSettings()
    sweeps = np.atleast_2d(np.asarray(sweeps_uv, dtype=np.float64))
    if sweeps.ndim != 2 or not rate_hz > 0:
        raise ValueError(
            f"motor_response: expected (n_sweeps, n_samples) and a positive rate, got shape "
            f"{sweeps.shape} at {rate_hz} Hz"
        )
    per_ms = rate_hz / 1000.0
    window = _window(sweeps.shape[1], per_ms, zero_index, chosen)
    blocked = _blocked(sweeps, window, gap=gap, settings=chosen)
    values = {"sweep_count": float(sweeps.shape[0])}
    if blocked:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values=values, reasons=blocked,
        )  # fmt: skip
    mean = sweeps.mean(axis=0) * (1.0 if chosen.negative_up else -1.0)
    base = remove_baseline(mean, rate_hz, zero_index, mains_hz=chosen.mains_hz)
    floor_uv, peak = _detect(base, window, per_ms, chosen)
    values |= {"noise_uv": base.noise_uv, "detection_floor_uv": floor_uv}
    if peak is None:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="absent", values=values, reasons=_absent_reasons(base, floor_uv, sweeps.shape[0]),
        )  # fmt: skip
    found = _measure(base, peak, window, per_ms)
    reasons = _reasons(base, found, time_zero_known=time_zero_known)
    latency = found.onset if not reasons else None
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen, state="measured",
        values=values | _values(found, latency, zero_index, per_ms, timed=time_zero_known),
        reasons=reasons + _hints(base, found), markers=_markers(found),
    )  # fmt: skip


def _window(n_samples: int, per_ms: float, zero: float, settings: MotorSettings) -> tuple[int, int]:
    """First sample after blanking and the sample after the search window, within the sweep."""
    first = int(np.ceil(zero + settings.blank_ms * per_ms))
    last = min(int(zero + settings.search_to_ms * per_ms) + 1, n_samples)
    return first, last


def _blocked(
    sweeps: Trace, window: tuple[int, int], *, gap: bool, settings: MotorSettings
) -> list[str]:
    """Why nothing at all may be measured on these sweeps."""
    if gap:
        return ["gap: samples are missing inside the sweep"]
    first, last = window
    if first < 0 or last - first < 16:
        return ["the sweep ends before the search window"]
    inside = np.abs(sweeps[:, first:last])
    top = settings.rail_uv * 0.99 if settings.rail_uv else max(float(inside.max()), 1000.0)
    stuck = inside >= top
    together = stuck[:, :-1] & stuck[:, 1:]
    if not settings.rail_uv:  # a rail that is only guessed must hold for three samples
        together = together[:, :-1] & stuck[:, 2:]
    if bool(together.any()):
        return ["saturated: the amplifier was at its rail; lower the gain or the artefact"]
    return []


def _detect(
    base: Baseline, window: tuple[int, int], per_ms: float, settings: MotorSettings
) -> tuple[float, int | None]:
    """The detection floor in µV and the sample of the negative peak, None if nothing is there.

    The trace is smoothed by a kernel about as wide as a negative phase; a peak counts by its
    prominence, so that the tail of the artefact, which only falls, is none.
    """
    first, last = window
    width = 0.5 * per_ms
    every = max(int(width / 4), 1)
    whole = (last - first) // every * every
    coarse = base.trace_uv[first : first + whole].reshape(-1, every).sum(axis=1) / every
    smooth = gaussian(coarse, width / every)
    floor_uv = settings.detection_sds * base.smoothed_noise_uv(width)
    peak = most_prominent(smooth, floor_uv, settings.least_width_ms * per_ms / every)
    return floor_uv, None if peak is None else first + every * peak + every // 2


def _measure(base: Baseline, peak: int, window: tuple[int, int], per_ms: float) -> _Response:
    """Refine the peak, find the onset with the artefact's tail taken off, then end and area."""
    trace, first = base.trace_uv, window[0]
    _, rough_uv = _vertex(trace, peak, per_ms)
    foot, tail = _foot(
        trace, first, peak, per_ms, base.noise_uv, clear=is_clear(rough_uv, base.noise_uv)
    )
    clean = trace
    if tail.level_uv:
        clean = trace.copy()
        clean[first:] -= tail.at(np.arange(trace.size - first) / per_ms)
    place, peak_uv = _vertex(clean, peak, per_ms)
    onset = _onset(clean, (first, place), peak_uv, foot, per_ms)
    end = _zero_after(clean, int(np.ceil(place)), per_ms, base.noise_uv)
    area = None
    if onset is not None and end is not None:
        area = float(np.trapezoid(clean[round(onset) : round(end) + 1]))
    leave = int(onset if onset is not None else place)
    before = clean[max(first, int(leave - 3 * per_ms)) : leave + 1]
    dip = float(gaussian(before, 0.15 * per_ms).min()) if before.size else 0.0
    left = abs(float(tail.at((leave - first) / per_ms)))
    last = _last_end(clean, end, (peak_uv, base.noise_uv), window[1], per_ms)
    return _Response(onset, place, end, last, peak_uv, area, left, min(dip, 0.0))


def _foot(
    trace: Trace, first: int, peak: int, per_ms: float, noise_uv: float, *, clear: bool
) -> tuple[Foot | None, Tail]:
    """The tail of the artefact, and the foot of the response where its 2 % level drowns in noise.

    Both from the stretch between blanking and half-way up; no foot if the rise is too short.
    """
    smooth = gaussian(trace[first : peak + 1], 0.15 * per_ms)
    floor = float(smooth.min())
    height = float(smooth[-1]) - floor
    half = last_below(smooth, floor + 0.45 * height, smooth.size - 1, 0)
    if half is None or half < 6:
        return None, NO_TAIL
    tenth = last_below(smooth, floor + 0.10 * height, half, 0) or 0
    time_ms = np.arange(half + 1) / per_ms
    rise = trace[first : first + half + 1]
    if clear:
        # not up to the foot itself: a positive deflection before it is not the artefact's
        quiet = max(int(tenth - 2.0 * per_ms), min(int(tenth - 0.3 * per_ms), round(per_ms)))
        return None, fit_tail(time_ms[:quiet], rise[:quiet]) if quiet >= 6 else NO_TAIL
    starts = np.arange(max(tenth / per_ms - 2.5, 0.0), half / per_ms - 0.05, 0.15)
    if not starts.size:
        return None, NO_TAIL
    foot = fit_foot(time_ms, rise, starts, noise_uv)
    return foot, NO_TAIL if foot is None else foot.tail


def _onset(
    clean: Trace, span: tuple[int, float], peak_uv: float, foot: Foot | None, per_ms: float
) -> float | None:
    """The place of the 2 % level: by the fitted foot if there is one, else read off directly."""
    first, peak = span
    level = ONSET_LEVEL * peak_uv
    if foot is not None:
        return first + level_of_foot(foot, level) * per_ms
    below = last_below(clean, level, int(peak), first)
    return None if below is None else crossing(clean, level, below, round(0.06 * per_ms))


def _vertex(trace: Trace, peak: int, per_ms: float) -> tuple[float, float]:
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


def _zero_after(trace: Trace, peak: int, per_ms: float, noise_uv: float) -> float | None:
    """Where the negative phase ends: the first zero crossing after the peak, between samples."""
    smooth = gaussian(trace[peak:], 0.1 * per_ms)
    under = np.flatnonzero(smooth <= min(noise_uv * 0.1, 1.0))
    if not under.size or under[0] == 0:
        return None
    after = int(under[0])
    step = smooth[after - 1] - smooth[after]
    return float(peak + after - 1 + (smooth[after - 1] / step if step > 0 else 0.0))


def _last_end(
    trace: Trace, end: float | None, heights: tuple[float, float], last: int, per_ms: float
) -> float | None:
    """Where the last negative phase ends: further ones count from 5 % of the peak and 6 noise SDs.

    heights: those of the negative peak and of the noise, µV. None if the first phase has no end.
    """
    if end is None:
        return None
    first = int(end) + 1
    if first >= min(first + int(_LAST_PHASE_MS * per_ms), last):
        return end
    later = gaussian(trace[first : min(first + int(_LAST_PHASE_MS * per_ms), last)], 0.2 * per_ms)
    high = np.flatnonzero(later >= max(0.05 * heights[0], 6 * heights[1]))
    if not high.size:
        return end
    back = np.flatnonzero(later[high[-1] :] <= 0)
    return float(first + high[-1] + back[0]) if back.size else None


def _reasons(base: Baseline, found: _Response, *, time_zero_known: bool) -> list[str]:
    """Why the latency may not be quoted."""
    reasons = []
    if not time_zero_known:
        reasons.append("time zero is host time only: latencies are not assessable")
    if found.onset is None:
        reasons.append("artifact: the response does not leave the artefact clearly")
    elif found.artefact_uv > max(0.05 * found.peak_uv, 2 * base.noise_uv):
        reasons.append("artifact: the stimulus artefact is not back to baseline before the onset")
    if found.positive_uv < -max(0.05 * found.peak_uv, 4 * base.noise_uv):
        reasons.append("initial_positivity: move the active electrode onto the motor point")
    return reasons


def _hints(base: Baseline, found: _Response) -> list[str]:
    """What limits the value without forbidding it."""
    if base.mains_uv > max(0.05 * found.peak_uv, 20.0):
        return ["mains: line interference above 5 % of the response"]
    return []


def _absent_reasons(base: Baseline, floor_uv: float, stimuli: int) -> list[str]:
    reasons = [f"no response above {floor_uv:.0f} µV after {stimuli} stimuli"]
    if base.mains_uv > floor_uv:
        reasons.append("mains: line interference above the detection floor")
    return reasons


def _values(
    found: _Response, latency: float | None, zero: float, per_ms: float, *, timed: bool
) -> dict[str, float]:
    """Quantities at the edges' units: ms, mV, mV·ms."""
    values = {"amplitude_mv": found.peak_uv / 1000.0}
    if timed:
        values["peak_latency_ms"] = (found.peak - zero) / per_ms
    if latency is not None:
        values["onset_latency_ms"] = (latency - zero) / per_ms
    if found.onset is not None and found.end is not None and found.area_uv_samples is not None:
        values["duration_ms"] = (found.end - found.onset) / per_ms
        if found.last_end is not None:
            values["total_duration_ms"] = (found.last_end - found.onset) / per_ms
        values["area_mv_ms"] = found.area_uv_samples / 1000.0 / per_ms
    return values


def _markers(found: _Response) -> tuple[Marker, ...]:
    placed = [("onset", found.onset), ("peak", found.peak), ("end", found.end)]
    return tuple(Marker(name, at, at) for name, at in placed if at is not None)
