"""F-waves: backfiring motor neurons after supramaximal stimuli, one decision per stimulus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model import Json, Measurement

from .f_apart import lone
from .f_found import Found, find
from .f_hidden import bare_reasons, hidden_reasons
from .f_window import FLIGHT_MS, M_TAIL_MS, USUAL, WINDOWS_MS, m_wave_end_ms, window_of
from .late import late_traces
from .motor import MotorSettings, motor_response
from .result import build

MEASURE = "f_wave"
VERSION = "8"

Trace = npt.NDArray[np.float64]

TURNAROUND_MS = 1.0  # at the motor neuron
# what a sweep that ends too early would make wrong
_OF_ALL = frozenset(
    ["persistence_percent", "f_m_all_percent", "f_mean_ms", "f_max_ms", "chronodispersion_ms"]
)
_TWITCHES = 3  # fewer responses in a sweep that ends too early may be twitches of the muscle
_UNSURE_MS = 0.15  # SD of the shortest latency: in 1 of 20 further off than 0.3 ms
_LEAD_MS = M_TAIL_MS  # searched before the window, for A-waves


@dataclass(frozen=True, slots=True)
class FWaveSettings:
    """All that decides an F-wave study.

    window_from_ms, window_to_ms: where an F-wave of a healthy nerve may begin (`WINDOWS_MS`).
    usual_latency_ms, usual_velocity_m_s: the latest distal latency and the least velocity that it
    holds for (`USUAL`); a slower nerve is searched for longer, and after its M-wave.
    least_uv, times_rest: a response counts from max(least_uv, times_rest x peak to peak at rest).
    least_stimuli: fewer say nothing about persistence, latencies or repeaters. a_wave_share: of the
    stimuli, from which a constant response is an A-wave. distance_mm: stimulus to the spinous
    process (C7, or T12/L1), for the F-wave velocity; velocity_m_s: motor velocity, for the
    window and the F-wave estimate. None: not entered.
    """

    window_from_ms: float = WINDOWS_MS["arm"][0]
    window_to_ms: float = WINDOWS_MS["arm"][1]
    usual_latency_ms: float = USUAL["arm"][0]
    usual_velocity_m_s: float = USUAL["arm"][1]
    least_uv: float = 20.0
    times_rest: float = 4.0
    least_stimuli: int = 20
    a_wave_share: float = 0.4
    repeat_ms: float = 0.2
    repeat_r: float = 0.95
    distance_mm: float | None = None
    velocity_m_s: float | None = None
    negative_up: bool = False
    rail_uv: float | None = None
    mains_hz: tuple[float, ...] = (50.0, 60.0)


@dataclass(frozen=True, slots=True)
class _MWave:
    """onset_ms None: not to be trusted. peak_to_peak_uv None: saturated or absent, by `why`.
    end_ms: of its last phase, 0 if it is not known."""

    onset_ms: float | None
    peak_to_peak_uv: float | None
    absent: bool
    why: tuple[str, ...]
    end_ms: float = 0.0


def f_wave(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    settings: FWaveSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
    gap: bool = False,
    time_zero_known: bool = True,
) -> Measurement:
    """F-waves of a series of supramaximal stimuli.

    sweeps_uv: (n_sweeps, n_samples) µV, one row per stimulus, unfiltered, with 8 ms of rest before
    it. zero_index: column of the stimulus for analogue samples.
    Values: docs/indicators.md. `f_m_present_percent` is the mean peak to peak of the F-waves over
    that of the M-wave, `f_m_all_percent` counts stimuli without an F-wave as 0. Items: one per
    F-wave (`kind` f) and per A-wave (a). A-waves are taken out first and never counted as F.
    Absent: M-wave there, no F-wave above the floor. Not assessable: a gap, fewer than 20 stimuli,
    no M-wave, the late window at the rail, a sweep that ends before F-waves of so slow a nerve
    can have come, an M-wave that does not end. The window follows the nerve (`f_window`): its end
    by distal latency and velocity, its begin by the end of the M-wave.
    Errors: ValueError for a wrong shape, a rate that is not positive, or no rest before the pulse.
    Source: clinical reference 1.5 and 1.7, the detection being a proposal; velocity and estimate
    with a turnaround of 1 ms.
    """
    chosen = settings or FWaveSettings()
    sweeps = np.asarray(sweeps_uv, dtype=np.float64)
    if sweeps.ndim != 2 or not rate_hz > 0:
        raise ValueError(
            f"f_wave: expected (n_sweeps, n_samples) and a positive rate, got shape "
            f"{sweeps.shape} at {rate_hz} Hz"
        )
    values = {"sweep_count": float(sweeps.shape[0])}
    up = sweeps * (1.0 if chosen.negative_up else -1.0)
    per_ms = rate_hz / 1000.0
    blocked = _blocked(up, per_ms, zero_index, gap=gap, settings=chosen)
    m_wave = _MWave(None, None, True, ())
    if not blocked:
        m_wave = _m_wave(up, rate_hz, zero_index, chosen)
        if m_wave.absent:
            blocked = ["no M-wave: the stimulus did not reach the nerve, or the muscle is lost"]
    if blocked:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values=values, reasons=blocked,
        )  # fmt: skip
    found = _find_in_window(up, rate_hz, zero_index, m_wave, chosen)
    values |= {"window_from_ms": found.window.from_ms, "window_to_ms": found.window.to_ms}
    blocked = _lost(found, len(sweeps), chosen)
    if blocked:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values=values, reasons=blocked,
        )  # fmt: skip
    values |= _counts(found, sweeps.shape[0]) | _sizes(found, m_wave, sweeps.shape[0])
    reasons = [*m_wave.why, *_window_reasons(found, chosen), *bare_reasons(found.bare)]
    if time_zero_known:
        values |= _latencies(found, m_wave, chosen)
        reasons += hidden_reasons(found.hidden, found.onsets_ms) + _early_reasons(found, values)
    else:
        reasons.append("time zero is host time only: latencies are not assessable")
    if found.window.short:
        values = {key: value for key, value in values.items() if key not in _OF_ALL}
    if not found.responses:
        reasons.append(
            f"no F-wave above {found.floor_uv:.0f} µV after {len(sweeps)} stimuli, looked for from "
            f"{found.window.from_ms:.0f} to {found.window.to_ms:.0f} ms"
        )
    if found.floor_uv > 2.5 * chosen.least_uv:
        reasons.append(
            f"baseline_noise: F-waves below {found.floor_uv:.0f} µV cannot be seen; let the muscle "
            "rest, check the electrodes"
        )
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
        state="measured" if found.responses else "absent",
        values=values, reasons=reasons, items=_items(found, timed=time_zero_known),
    )  # fmt: skip


def _blocked(
    up_uv: Trace, per_ms: float, zero: float, *, gap: bool, settings: FWaveSettings
) -> list[str]:
    """Why nothing may be said about the F-waves of these sweeps."""
    if gap:
        return ["gap: samples are missing inside a sweep"]
    count, length = up_uv.shape
    reasons = []
    if count < settings.least_stimuli:
        reasons.append(f"{settings.least_stimuli} stimuli are needed for F-waves (have {count})")
    first = round(zero + settings.window_from_ms * per_ms)
    if length < zero + (settings.window_to_ms + 10.0) * per_ms:
        reasons.append(
            f"the sweep ends before {settings.window_to_ms + 10.0:.0f} ms after the stimulus"
        )
    elif settings.rail_uv and np.abs(up_uv[:, first:]).max() >= 0.99 * settings.rail_uv:
        reasons.append("saturated: the amplifier was at its rail in the window of the F-waves")
    return reasons


def _m_wave(up_uv: Trace, rate_hz: float, zero: float, settings: FWaveSettings) -> _MWave:
    """The M-wave of the same stimuli, by the one CMAP detector."""
    per_ms = rate_hz / 1000.0
    early = up_uv[:, : round(zero + settings.window_from_ms * per_ms)]
    direct = motor_response(
        early, rate_hz, zero,
        settings=MotorSettings(
            search_to_ms=settings.window_from_ms, negative_up=True, rail_uv=settings.rail_uv,
            mains_hz=settings.mains_hz,
        ),
    )  # fmt: skip
    if direct.state == "absent":
        return _MWave(None, None, True, direct.reasons)
    if direct.state == "not_assessable":
        return _MWave(None, None, False, tuple(f"M-wave: {why}" for why in direct.reasons))
    begin = next((m.index for m in direct.markers if m.name == "onset"), None)
    if begin is None:
        begin = next(m.index for m in direct.markers if m.name == "peak")
    size = float(np.ptp(early.mean(axis=0)[int(begin) :]))
    peak_ms = (next(m.index for m in direct.markers if m.name == "peak") - zero) / per_ms
    end_ms = m_wave_end_ms(up_uv, per_ms, zero, peak_ms)
    return _MWave(direct.values.get("onset_latency_ms"), size, False, (), end_ms)


def _find_in_window(
    up_uv: Trace, rate_hz: float, zero: float, m_wave: _MWave, settings: FWaveSettings
) -> Found:
    """What is found in the window of this nerve."""
    last_ms = (up_uv.shape[1] - zero) * 1000.0 / rate_hz - FLIGHT_MS
    usual = settings.window_from_ms, settings.window_to_ms
    window = window_of(
        usual, (settings.usual_latency_ms, settings.usual_velocity_m_s),
        m_onset_ms=m_wave.onset_ms, m_end_ms=m_wave.end_ms, velocity_m_s=settings.velocity_m_s,
        last_ms=last_ms,
    )  # fmt: skip
    traces = late_traces(
        up_uv, rate_hz, zero, from_ms=window.from_ms - _LEAD_MS, mains_hz=settings.mains_hz
    )
    return find(
        traces, window, floor_uv=max(settings.least_uv, settings.times_rest * traces.rest_pp_uv),
        a_wave_share=settings.a_wave_share, repeat_ms=settings.repeat_ms,
        repeat_r=settings.repeat_r,
    )  # fmt: skip


def _lost(found: Found, stimuli: int, settings: FWaveSettings) -> list[str]:
    """Why nothing can be said of what was found in the window."""
    if found.running >= settings.a_wave_share * stimuli:
        return [
            f"something runs into the window in {found.running} of {stimuli} sweeps, as a late or "
            f"dispersed M-wave does: begin it later than {found.window.from_ms:g} ms"
        ]
    if found.window.short and len(found.responses) < _TWITCHES:
        there = "none there" if not found.responses else "hardly one there, as a twitch may be"
        return [
            f"sweep_too_short: F-waves of so slow a nerve may begin until "
            f"{found.window.latest_ms:.0f} ms, seen are those until {found.window.to_ms:.0f} ms: "
            f"{there}, and whether they are absent or later is not known; record longer sweeps"
        ]
    return []


def _window_reasons(found: Found, settings: FWaveSettings) -> list[str]:
    """What the window's place means for the numbers."""
    window, reasons = found.window, []
    if window.from_ms > settings.window_from_ms:
        reasons.append(
            f"the M-wave lasts long: F-waves were looked for from {window.from_ms:.0f} ms on"
        )
    if window.short:
        reasons.append(
            f"sweep_too_short: F-waves of so slow a nerve may begin until {window.latest_ms:.0f} "
            f"ms, seen are those until {window.to_ms:.0f} ms: what counts all of them is left out"
        )
    return reasons


def _early_reasons(found: Found, values: Mapping[str, float]) -> list[str]:
    """What the shortest latency rests on."""
    reasons = [
        f"stimulus {sweep + 1}: what begins at {at_ms:.1f} ms comes long before all F-waves and is "
        "taken for a twitch of the muscle; if it is an F-wave, it is the shortest latency"
        for sweep, at_ms in found.twitches
    ]
    if "f_min_ms" not in values:
        return reasons
    alone = lone(found.onsets_ms)
    if alone is not None:
        own, before_ms = found.responses[alone[0]], alone[1]
        reasons.append(
            f"f_min_alone: the shortest latency is that of stimulus {own.sweep + 1} alone, "
            f"{before_ms:.1f} ms before all others: look whether it is a twitch"
        )
    if values["f_min_sd_ms"] > _UNSURE_MS:
        reasons.append(
            f"f_min_unsure: the earliest F-wave is small, its onset is known to "
            f"± {1.96 * values['f_min_sd_ms']:.1f} ms"
        )
    return reasons


def _counts(found: Found, stimuli: int) -> dict[str, float]:
    count = len(found.responses)
    groups = {group for group in found.groups if group is not None}
    repeated = sum(group is not None for group in found.groups)
    values = {
        "f_count": count,
        "persistence_percent": 100.0 * count / stimuli,
        "a_wave_count": len(found.a_waves),
        "detection_floor_uv": found.floor_uv,
        "rest_peak_to_peak_uv": found.traces.rest_pp_uv,
    }
    if count:
        shapes = count - repeated + len(groups)
        values |= {
            "repeater_count": repeated,
            "repeating_unit_count": len(groups),
            "repeater_index_percent": 100.0 * repeated / count,
            "repeating_unit_index_percent": 100.0 * len(groups) / shapes,
        }
    return {key: float(value) for key, value in values.items()}


def _sizes(found: Found, m_wave: _MWave, stimuli: int) -> dict[str, float]:
    values: dict[str, float] = {}
    sizes = [one.peak_to_peak_uv for one in found.responses]
    if sizes:
        values |= {"f_mean_uv": float(np.mean(sizes)), "f_max_uv": max(sizes)}
    if m_wave.peak_to_peak_uv:
        values["m_peak_to_peak_mv"] = m_wave.peak_to_peak_uv / 1000.0
        values["f_m_all_percent"] = 100.0 * sum(sizes) / stimuli / m_wave.peak_to_peak_uv
        if sizes:
            values["f_m_present_percent"] = 100.0 * values["f_mean_uv"] / m_wave.peak_to_peak_uv
    return values


def _latencies(found: Found, m_wave: _MWave, settings: FWaveSettings) -> dict[str, float]:
    """Latencies in ms, and what follows from them and the distance."""
    values: dict[str, float] = {}
    if m_wave.onset_ms is not None:
        values["m_latency_ms"] = m_wave.onset_ms
    onsets = [at_ms for at_ms in found.onsets_ms if at_ms is not None]
    if onsets and found.hidden != "earliest":
        values["f_min_ms"] = min(onsets)
        values["f_min_sd_ms"] = found.sds_ms[found.onsets_ms.index(min(onsets))]
    if onsets and found.hidden in ("none", "few"):
        early, late = min(onsets), max(onsets)
        values |= {
            "f_mean_ms": float(np.mean(onsets)),
            "f_max_ms": late,
            "chronodispersion_ms": late - early,
        }
    if settings.distance_mm is None or m_wave.onset_ms is None:
        return values
    if "f_min_ms" in values:
        way_ms = values["f_min_ms"] - m_wave.onset_ms - TURNAROUND_MS
        if way_ms > 0:
            values["f_velocity_m_s"] = 2.0 * settings.distance_mm / way_ms
    if settings.velocity_m_s:
        there_and_back = 2.0 * settings.distance_mm / settings.velocity_m_s
        values["f_estimate_ms"] = there_and_back + TURNAROUND_MS + m_wave.onset_ms
    return values


def _items(found: Found, *, timed: bool) -> list[Mapping[str, Json]]:
    """F-waves by sweep, then A-waves."""
    items: list[Mapping[str, Json]] = []
    early = lone(found.onsets_ms) if timed else None
    for number, one in enumerate(found.responses):
        told: dict[str, Json] = {"kind": "f", "sweep": one.sweep, "group": found.groups[number]}
        told["peak_to_peak_uv"] = one.peak_to_peak_uv
        at_ms = found.onsets_ms[number]
        if timed and at_ms is not None:
            told |= {"latency_ms": at_ms, "onset_sd_ms": found.sds_ms[number]}
        if early is not None and early[0] == number:
            told["alone"] = True
        items.append(told)
    for wave in found.a_waves:
        told = {"kind": "a", "sweep_count": int(wave.members.size), "peak_to_peak_uv": wave.size_uv}
        told["latency_sd_ms"] = float(np.std(wave.lags_ms))
        at = found.traces.time_ms(wave.begin)
        items.append(told | ({"latency_ms": at} if timed else {}))
    return items
