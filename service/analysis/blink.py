"""The blink reflex: R1 and R2 of the orbicularis oculi after supraorbital stimuli."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model import Json, Measurement, MeasurementState

from .late import LateTraces, Response, late_traces, onset_ms, responses
from .result import build

MEASURE = "blink"
VERSION = "2"

Trace = npt.NDArray[np.float64]

_LEAD_MS = 2.0
_PARTS = (("r1", 0), ("r2", 0), ("r2_contra", 1))


@dataclass(frozen=True, slots=True)
class BlinkSettings:
    """Where R1 (same side only) and R2 may begin, ms; how many stimuli, and in what share of them a
    response must be there to count as present."""

    r1_from_ms: float = 8.0
    r1_to_ms: float = 18.0
    r2_from_ms: float = 24.0
    r2_to_ms: float = 60.0
    least_stimuli: int = 5
    least_share: float = 0.5
    least_uv: float = 50.0
    times_rest: float = 4.0
    negative_up: bool = False
    rail_uv: float | None = None
    mains_hz: tuple[float, ...] = (50.0, 60.0)


def blink(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    settings: BlinkSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
    gap: bool = False,
    time_zero_known: bool = True,
) -> Measurement:
    """Latencies and sizes of R1 and of R2 on both sides.

    sweeps_uv: (2, n_sweeps, n_samples) µV, the stimulated side first, or (n_sweeps, n_samples) of
    that side alone. Values (docs/indicators.md): the shortest latency over the stimuli, as is the
    custom; mean peak to peak; share of the stimuli with each response. Items: one per response.
    Absent: none of the recorded responses is there. Not assessable: a gap, too few stimuli, the
    rail, a sweep that ends too early.
    Errors: ValueError for a wrong shape, a rate that is not positive, or no rest before the pulse.
    Source: limits of R1 in the reference limits (`blink_r1`); windows and rule: a proposal.
    """
    chosen = settings or BlinkSettings()
    sides = np.asarray(sweeps_uv, dtype=np.float64)
    sides = sides[None] if sides.ndim == 2 else sides
    if sides.ndim != 3 or sides.shape[0] > 2 or not rate_hz > 0:
        raise ValueError(
            f"blink: expected (2, n_sweeps, n_samples) or (n_sweeps, n_samples) and a positive "
            f"rate, got shape {sides.shape} at {rate_hz} Hz"
        )
    values = {"sweep_count": float(sides.shape[1])}
    reasons = _blocked(sides, rate_hz, zero_index, gap=gap, settings=chosen)
    state: MeasurementState = "not_assessable"
    items: list[dict[str, Json]] = []
    if not reasons:
        up = sides * (1.0 if chosen.negative_up else -1.0)
        state, reasons = "absent", []
        for name, side in _PARTS:
            if side >= up.shape[0]:
                reasons.append("the other side was not recorded: no contralateral R2")
                continue
            told, rows = _part(up[side], rate_hz, zero_index, name, chosen, time_zero_known)
            values |= told
            items += rows
            if rows:
                state = "measured"
            else:
                floor = told[f"{name}_detection_floor_uv"]
                reasons.append(f"{_NAMES[name]} absent above {floor:.0f} µV")
        if not time_zero_known:
            reasons.append("time zero is host time only: latencies are not assessable")
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen, state=state,
        values=values, reasons=reasons, items=items,
    )  # fmt: skip


_NAMES = {"r1": "R1", "r2": "R2", "r2_contra": "R2 of the other side"}


def _blocked(
    sides: Trace, rate_hz: float, zero: float, *, gap: bool, settings: BlinkSettings
) -> list[str]:
    """Why nothing may be said."""
    if gap:
        return ["gap: samples are missing inside a sweep"]
    if sides.shape[1] < settings.least_stimuli:
        return [f"{settings.least_stimuli} stimuli are needed (have {sides.shape[1]})"]
    last = settings.r2_to_ms + 20.0
    if sides.shape[2] < zero + last * rate_hz / 1000.0:
        return [f"the sweep ends before {last:.0f} ms after the stimulus"]
    late = sides[:, :, round(zero + settings.r1_from_ms * rate_hz / 1000.0) :]
    if settings.rail_uv and np.abs(late).max() >= 0.99 * settings.rail_uv:
        return ["saturated: the amplifier was at its rail; lower the gain"]
    return []


def _part(
    up_uv: Trace, rate_hz: float, zero: float, name: str, settings: BlinkSettings, timed: bool
) -> tuple[dict[str, float], list[dict[str, Json]]]:
    """One response over all stimuli: its values, and its items if it is there."""
    early = name == "r1"
    from_ms = settings.r1_from_ms if early else settings.r2_from_ms
    to_ms = settings.r1_to_ms if early else settings.r2_to_ms
    traces = late_traces(
        up_uv, rate_hz, zero, from_ms=from_ms - _LEAD_MS, mains_hz=settings.mains_hz, common=False
    )
    floor_uv = max(settings.least_uv, settings.times_rest * traces.rest_pp_uv)
    first: dict[int, Response] = {}
    for one in responses(traces, from_ms=from_ms, to_ms=to_ms, floor_uv=floor_uv):
        first.setdefault(one.sweep, one)
    share = len(first) / up_uv.shape[0]
    values = {f"{name}_share": share, f"{name}_detection_floor_uv": floor_uv}
    if share < settings.least_share:
        return values, []
    rows = [_row(traces, one, name, timed) for one in first.values()]
    values[f"{name}_mean_uv"] = float(np.mean([one.peak_to_peak_uv for one in first.values()]))
    latencies = [row["latency_ms"] for row in rows if isinstance(row.get("latency_ms"), float)]
    if latencies:
        values[f"{name}_latency_ms"] = min(float(str(one)) for one in latencies)
    return values, rows


def _row(traces: LateTraces, one: Response, name: str, timed: bool) -> dict[str, Json]:
    row: dict[str, Json] = {"kind": name, "sweep": one.sweep}
    row["peak_to_peak_uv"] = one.peak_to_peak_uv
    at_ms = onset_ms(traces, one) if timed else None
    return row if at_ms is None else {**row, "latency_ms": float(at_ms)}
