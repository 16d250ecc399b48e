"""The compound muscle action potential (CMAP) after a stimulus: one detector for one sweep and for
an average, live, in review and on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model import Marker, Measurement

from .baseline import Baseline, remove_baseline
from .onset import foot_of_rise, is_clear, onset_place
from .peaks import most_prominent, vertex
from .result import build
from .smoothing import gaussian
from .sweeps import search_window, unusable

MEASURE = "motor_response"
VERSION = "3"
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
    window = search_window(
        sweeps.shape[1], per_ms, zero_index, chosen.blank_ms, chosen.search_to_ms
    )
    blocked = unusable(sweeps, window, gap=gap, rail_uv=chosen.rail_uv)
    values = {"sweep_count": float(sweeps.shape[0])}
    if blocked:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values=values, reasons=blocked,
        )  # fmt: skip
    mean = sweeps.mean(axis=0) * (1.0 if chosen.negative_up else -1.0)
    base = remove_baseline(mean, rate_hz, zero_index, mains_hz=chosen.mains_hz)
    early = round((chosen.search_from_ms - chosen.blank_ms) * per_ms)
    floor_uv, peak = _detect(base, window, early, per_ms, chosen)
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


def _detect(
    base: Baseline, window: tuple[int, int], early: int, per_ms: float, settings: MotorSettings
) -> tuple[float, int | None]:
    """The detection floor in µV and the sample of the negative peak, None if nothing is there.

    The trace is smoothed by a kernel about as wide as a negative phase; a peak counts by its
    prominence, so that the tail of the artefact, which only falls, is none. `early`: samples of the
    window in which no peak may lie.
    """
    first, last = window
    width = 0.5 * per_ms
    every = max(int(width / 4), 1)
    whole = (last - first) // every * every
    coarse = base.trace_uv[first : first + whole].reshape(-1, every) @ np.full(every, 1.0 / every)
    smooth = gaussian(coarse, width / every)
    floor_uv = settings.detection_sds * base.smoothed_noise_uv(width)
    widths = (settings.least_width_ms * per_ms / every, np.inf)
    peak = most_prominent(smooth, floor_uv, widths, earliest=max(early, 0) // every)
    return floor_uv, None if peak is None else first + every * peak + every // 2


def _measure(base: Baseline, peak: int, window: tuple[int, int], per_ms: float) -> _Response:
    """Refine the peak, find the onset with the artefact's tail taken off, then end and area."""
    trace, first = base.trace_uv, window[0]
    _, rough_uv = vertex(trace, peak, per_ms)
    foot, tail = foot_of_rise(
        trace, first, peak, per_ms, base.noise_uv, clear=is_clear(rough_uv, base.noise_uv)
    )
    clean = trace
    if tail.level_uv:
        clean = trace.copy()
        clean[first:] -= tail.at(np.arange(trace.size - first) / per_ms)
    place, peak_uv = vertex(clean, peak, per_ms)
    onset = onset_place(clean, (first, place), peak_uv, foot, per_ms)
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


def _zero_after(trace: Trace, peak: int, per_ms: float, noise_uv: float) -> float | None:
    """Where the negative phase ends: the first zero crossing after the peak, between samples."""
    near = gaussian(trace[peak : peak + int(_LAST_PHASE_MS * per_ms)], 0.1 * per_ms)
    low = min(noise_uv * 0.1, 1.0)
    under = np.flatnonzero(near[: -int(per_ms)] <= low)
    smooth = near if under.size else gaussian(trace[peak:], 0.1 * per_ms)
    under = under if under.size else np.flatnonzero(smooth <= low)
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
