"""MUNIX and MSIX: an index from the CMAP and surface interference patterns of voluntary effort.

It tells little that the CMAP does not: with overlapping units MUNIX = (2/π)·T·(P_c/A_c)/20,
whatever their number. So it is shown as a trend and never counted beside the CMAP
(`evidence.families`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from service.model import Json, Measurement, MeasurementState

from .baseline import remove_baseline
from .motor import MotorSettings, motor_response
from .result import build

MEASURE = "munix"
VERSION = "2"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MunixSettings:
    """Acceptance and quality rules.

    epoch_ms: length of every epoch; areas grow with it, so results of different lengths cannot be
    compared. maximal_effort: whether the examiner or a force channel confirmed that maximal effort
    was reached; None: not known. excluded: epochs, from 0, that a reviewer took out (tremor,
    solitary spikes). negative_up, search_to_ms: as in MotorSettings, for the CMAP sweeps.
    wanted_epochs: how many the guideline asks for; fewer are said beside the index.
    least_effort: largest SIP area / CMAP area below which effort was not maximal, per 500 ms; it
    grows as units get fewer, so passing it proves nothing. Our own simulation: 200 units reach 3.4,
    100 with a quarter of the drive 1.6.
    """

    epoch_ms: float = 500.0
    maximal_effort: bool | None = None
    excluded: tuple[int, ...] = ()
    negative_up: bool = False
    search_to_ms: float = 40.0
    wanted_epochs: int = 20
    least_area_mv_ms: float = 20.0
    most_icmuc: float = 100.0
    least_area_ratio: float = 1.0
    least_cmap_mv: float = 0.5
    least_accepted: int = 10
    least_span: float = 3.0
    least_r_squared: float = 0.8
    exponent_range: tuple[float, float] = (-2.0, -0.3)
    least_effort: float = 2.5
    least_rate_hz: float = 5000.0


@dataclass(frozen=True, slots=True)
class _Cmap:
    """Negative phase of the CMAP: mV, mV·ms, mV²·ms; noise_uv: of its baseline."""

    amplitude_mv: float
    area_mv_ms: float
    power_mv2_ms: float
    noise_uv: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Epochs:
    """Per epoch: area mV·ms, ICMUC (None without a CMAP), whether it was accepted, and why not
    (empty if it was)."""

    area_mv_ms: Array
    icmuc: Array | None
    accepted: npt.NDArray[np.bool_]
    why: list[str]


def munix(
    cmap_sweeps_uv: npt.ArrayLike | None,
    rate_hz: float,
    zero_index: float,
    voluntary_uv: npt.ArrayLike,
    *,
    settings: MunixSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """MUNIX and MSIX from one CMAP and epochs of voluntary activity at slight to maximal effort.

    cmap_sweeps_uv: (n_sweeps, n_samples) µV, averaged; its negative phase is what `motor_response`
    marks; None: there is no CMAP yet, and the items say what is known all the same. zero_index: its
    stimulus. voluntary_uv: (n_epochs, n) µV at the same rate, n of `epoch_ms`; the mean of each is
    taken off. ICMUC = (P_c·A_s)/(A_c·P_s); over accepted epochs ln ICMUC = ln A + α ln A_s;
    MUNIX = A·20^α; MSIX = amplitude / MUNIX.
    Values: munix, msix_uv, cmap_amplitude_mv, cmap_area_mv_ms, cmap_power_mv2_ms, exponent_value,
    r_squared_share, area_span_ratio, effort_ratio, accepted_count, epoch_count, epoch_ms, noise_uv
    (of the CMAP's baseline, at rest).
    Items: one per epoch. Not assessable, with what is missing: no usable CMAP, CMAP below 0.5 mV,
    too few accepted epochs, areas that span too little, a poor fit, and `insufficient: drive` where
    maximal effort was not reached: MUNIX needs it, a reduced UMN drive looks like lost units.
    Errors: ValueError for shapes or an epoch of another length.
    Source: Nandedkar 2004, 2010 (Muscle Nerve 42:798) and 2018 (Muscle Nerve 58:374) as in the
    clinical reference 2.6; least_effort: our own simulation.
    """
    chosen = settings or MunixSettings()
    voluntary = _checked(voluntary_uv, rate_hz, chosen)
    told = partial(build, MEASURE, VERSION, target=target, inputs=inputs, settings=chosen)
    values = {"epoch_count": float(voluntary.shape[0]), "epoch_ms": chosen.epoch_ms}
    if rate_hz < chosen.least_rate_hz:
        why = f"insufficient: hardware: {rate_hz:g} Hz, expected at least {chosen.least_rate_hz:g}"
        return told(state="not_assessable", values=values, reasons=[why])
    cmap, missing = _cmap(cmap_sweeps_uv, rate_hz, zero_index, chosen)
    epochs = _epochs(voluntary, rate_hz, cmap, chosen)
    items = _items(epochs)
    if cmap is None:
        return told(state="not_assessable", values=values, reasons=[missing], items=items)
    values |= {
        "cmap_amplitude_mv": cmap.amplitude_mv,
        "cmap_area_mv_ms": cmap.area_mv_ms,
        "cmap_power_mv2_ms": cmap.power_mv2_ms,
        "noise_uv": cmap.noise_uv,
    }
    if not voluntary.shape[0]:
        why = "no epoch of voluntary effort yet: take them from slight to maximal"
        return told(state="not_assessable", values=values, reasons=[why])
    if cmap.amplitude_mv < chosen.least_cmap_mv:
        why = f"not estimable: the CMAP is below {chosen.least_cmap_mv:g} mV"
        return told(state="not_assessable", values=values, reasons=[why], items=items)
    state, more, reasons = _index(epochs, cmap, chosen)
    return told(state=state, values=values | more, reasons=reasons, items=items)


def effort_now(
    voluntary_uv: npt.ArrayLike,
    rate_hz: float,
    values: Mapping[str, float],
    settings: MunixSettings | None = None,
) -> dict[str, Json]:
    """What one epoch would be if it were taken: the item that `munix` would list.

    voluntary_uv: (n,) µV. values: of the last `munix` of the row, empty before there is one; its
    CMAP is what the epoch is held against.
    Errors: ValueError for an epoch of another length.
    Source: as `munix`.
    """
    chosen = settings or MunixSettings()
    voluntary = _checked(np.atleast_2d(np.asarray(voluntary_uv)), rate_hz, chosen)
    known = [values.get(f"cmap_{one}") for one in ("amplitude_mv", "area_mv_ms", "power_mv2_ms")]
    found = [one for one in known if one is not None]
    cmap = _Cmap(*found) if len(found) == len(known) else None
    return _items(_epochs(voluntary, rate_hz, cmap, chosen))[0]


def closed_form(cmap_power_mv2_ms: float, cmap_area_mv_ms: float, epoch_ms: float) -> float:
    """MUNIX of a fully overlapped, Gaussian interference pattern: what the CMAP alone decides."""
    return 2 / np.pi * epoch_ms * (cmap_power_mv2_ms / cmap_area_mv_ms) / 20.0


def _checked(voluntary_uv: npt.ArrayLike, rate_hz: float, chosen: MunixSettings) -> Array:
    voluntary = np.asarray(voluntary_uv, dtype=np.float64)
    length = round(chosen.epoch_ms * rate_hz / 1000.0)
    if voluntary.ndim != 2 or abs(voluntary.shape[1] - length) > 1:
        raise ValueError(
            f"munix: expected epochs (n_epochs, {length}) of {chosen.epoch_ms:g} ms at {rate_hz:g} "
            f"Hz, got shape {voluntary.shape}; cut them so or set epoch_ms"
        )
    return voluntary


def _cmap(
    sweeps_uv: npt.ArrayLike | None, rate_hz: float, zero_index: float, chosen: MunixSettings
) -> tuple[_Cmap | None, str]:
    """The negative phase between the markers of the one detector, or why there is none."""
    if sweeps_uv is None:
        return None, "cmap: none yet; stimulate this muscle supramaximally, same electrodes"
    motor = MotorSettings(negative_up=chosen.negative_up, search_to_ms=chosen.search_to_ms)
    found = motor_response(sweeps_uv, rate_hz, zero_index, settings=motor)
    places = {marker.name: marker.index for marker in found.markers}
    if found.state != "measured" or not {"onset", "end"} <= set(places):
        return None, f"cmap: {'; '.join(found.reasons) or 'its negative phase has no onset or end'}"
    mean = np.atleast_2d(np.asarray(sweeps_uv, dtype=np.float64)).mean(axis=0)
    up = mean if chosen.negative_up else -mean
    trace = remove_baseline(up, rate_hz, zero_index, mains_hz=motor.mains_hz).trace_uv
    first, last = int(np.ceil(places["onset"])), int(places["end"])
    phase_mv = trace[first : last + 1] / 1000.0
    per_ms = rate_hz / 1000.0
    return _Cmap(
        amplitude_mv=found.values["amplitude_mv"],
        area_mv_ms=float(np.abs(phase_mv).sum() / per_ms),
        power_mv2_ms=float((phase_mv**2).sum() / per_ms),
        noise_uv=found.values.get("noise_uv", 0.0),
    ), ""


def _epochs(voluntary: Array, rate_hz: float, cmap: _Cmap | None, chosen: MunixSettings) -> _Epochs:
    """Area, power and ICMUC of each epoch, and the rules that it meets."""
    mv = (voluntary - voluntary.mean(axis=1, keepdims=True)) / 1000.0
    per_ms = rate_hz / 1000.0
    area, power = np.abs(mv).sum(axis=1) / per_ms, (mv**2).sum(axis=1) / per_ms
    icmuc = None
    if cmap is not None:
        icmuc = cmap.power_mv2_ms * area / (cmap.area_mv_ms * np.maximum(power, 1e-12))
    why = []
    for number in range(area.size):
        why.append(
            "taken out by the reviewer" if number in chosen.excluded
            else "area too small" if area[number] <= chosen.least_area_mv_ms
            else "no CMAP to hold it against" if cmap is None or icmuc is None
            else "ICMUC too large" if icmuc[number] >= chosen.most_icmuc
            else "area not above the CMAP's"
            if area[number] <= chosen.least_area_ratio * cmap.area_mv_ms
            else ""
        )  # fmt: skip
    return _Epochs(area, icmuc, np.array([not one for one in why], dtype=bool), why)


def _index(
    epochs: _Epochs, cmap: _Cmap, chosen: MunixSettings
) -> tuple[MeasurementState, dict[str, float], list[str]]:
    """State, values and reasons: drive first, then the number of epochs, then the fit."""
    kept = np.array([one != "taken out by the reviewer" for one in epochs.why], dtype=bool)
    largest = float(epochs.area_mv_ms[kept].max()) if kept.any() else 0.0
    effort = largest / cmap.area_mv_ms * 500.0 / chosen.epoch_ms
    values = {"accepted_count": float(epochs.accepted.sum()), "effort_ratio": effort}
    reasons = []
    if chosen.maximal_effort is False:
        reasons.append("insufficient: drive: maximal effort was not reached")
    elif effort < chosen.least_effort:
        reasons.append(
            f"insufficient: drive: the largest epoch has {effort:.1f} times the area of the CMAP, "
            f"expected at least {chosen.least_effort:g} at maximal effort"
        )
    elif epochs.accepted.sum() < chosen.least_accepted:
        reasons.append(
            f"epochs: {int(epochs.accepted.sum())} accepted, expected at least "
            f"{chosen.least_accepted}; record more from slight to maximal effort"
        )
    if reasons:
        return "not_assessable", values, reasons
    fit = _fit(epochs)
    values |= {key: fit[key] for key in ("exponent_value", "r_squared_share", "area_span_ratio")}
    low, high = chosen.exponent_range
    span = "span: the efforts are too much alike; record slighter and stronger ones"
    accepted_from = max(chosen.least_area_mv_ms, chosen.least_area_ratio * cmap.area_mv_ms)
    if largest < chosen.least_span * accepted_from:
        span = (
            f"span: the largest epoch has {largest:.0f} mV·ms and epochs count from "
            f"{accepted_from:.0f} on: a threefold range is not reached in this muscle; a CMAP scan "
            "needs no effort"
        )
    checks = (
        (fit["area_span_ratio"] >= chosen.least_span, span),
        (fit["r_squared_share"] >= chosen.least_r_squared, "fit: the epochs scatter too much"),
        (low < fit["exponent_value"] < high, "fit: the slope is not that of an interference"),
    )
    failed = [sentence for fine, sentence in checks if not fine]
    if failed:
        return "not_assessable", values, failed
    values |= {"munix": fit["index"], "msix_uv": 1000.0 * cmap.amplitude_mv / fit["index"]}
    if epochs.area_mv_ms.size < chosen.wanted_epochs:
        reasons.append(
            f"epochs: {epochs.area_mv_ms.size} taken, the guideline asks for "
            f"{chosen.wanted_epochs} from slight to maximal effort"
        )
    if chosen.maximal_effort is None:
        reasons.append("effort_unknown: nobody confirmed maximal effort; a low MUNIX says nothing")
    return "measured", values, reasons


def _fit(epochs: _Epochs) -> dict[str, float]:
    """Least squares of ln ICMUC on ln area over the accepted epochs."""
    x = np.log(epochs.area_mv_ms[epochs.accepted])
    y = np.log(np.asarray(epochs.icmuc)[epochs.accepted])
    about = x - x.mean()
    alpha = float(about @ y / max(float(about @ about), 1e-12))
    left = y - y.mean() - alpha * about
    total = float(np.sum((y - y.mean()) ** 2))
    return {
        "exponent_value": alpha,
        "r_squared_share": max(1.0 - float(left @ left) / total, 0.0) if total > 0 else 0.0,
        "area_span_ratio": float(np.exp(np.ptp(x))),
        "index": float(np.exp(y.mean() + alpha * (np.log(20.0) - x.mean()))),
    }


def _items(epochs: _Epochs) -> tuple[dict[str, Json], ...]:
    counts = [None] * epochs.area_mv_ms.size if epochs.icmuc is None else epochs.icmuc.tolist()
    rows: list[dict[str, Any]] = [
        {"epoch": number, "area_mv_ms": area, "icmuc": icmuc, "left_out": why}
        for number, (area, icmuc, why) in enumerate(
            zip(epochs.area_mv_ms.tolist(), counts, epochs.why, strict=True)
        )
    ]
    return tuple(rows)
