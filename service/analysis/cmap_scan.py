"""The CMAP scan: responses to many stimuli from supramaximal to subthreshold (or back)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from service.model import Measurement

from .result import build
from .unit_count import UnitCount, UnitSettings, count_units

MEASURE = "cmap_scan"
VERSION = "2"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CmapScanSettings:
    """large_step: a gap between responses ranked by size, as a share of the maximum, that counts
    as a step. coarsest_step: median relative step of current above which units are not counted.
    least_maximum_mv: below it nothing is derived. least_plateau: rise over the last 10 % of the
    current (share of the maximum) above which the maximum is not proven. ends: stimuli at either
    end that show the noise.
    """

    large_step: float = 0.02
    least_stimuli: int = 60
    least_maximum_mv: float = 0.2
    coarsest_step: float = 0.01
    least_plateau: float = 0.03
    ends: int = 15
    relative_spread: float = 0.013
    relative_spread_sd: float = 0.1
    size_cv: float = 0.76


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """Stimuli in ascending current; responses in µV. repeats: those at the highest current, in
    their order, where the scan begins or ends with a run of them."""

    current_ma: Array
    response_uv: Array
    repeats_uv: Array
    strays: int
    base_uv: float
    maximum_uv: float
    noise_uv: float
    top_noise_uv: float
    reasons: list[str] = field(default_factory=list)


def cmap_scan(
    current_ma: npt.ArrayLike,
    response_uv: npt.ArrayLike,
    *,
    settings: CmapScanSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """Maximum, S5/S50/S95, D50, large steps, noise, and a count of motor units with its interval.

    current_ma, response_uv: shape (n_stimuli,), in any order; responses are baseline to negative
    peak, negative up. Maximum: mean at the highest current less mean of the lowest ones. Sp: midway
    between the lowest current whose response is above p % of the maximum and the highest one whose
    response is below. D50: how many of the largest gaps between ranked responses make up half the
    maximum. Values: maximum_mv, s5_ma, s50_ma, s95_ma, d50_count, largest_step_mv,
    largest_step_share, large_step_count, noise_uv, maximum_noise_uv, current_step_share,
    stimulus_count, stray_count, and scan_unit_count with scan_unit_low_count, scan_unit_high_count,
    mean_unit_uv, relative_spread_share. Family L6.
    Absent: no response above 5 times the noise. Not assessable: too few stimuli or a tiny maximum.
    Reasons tell what a number lacks; a count that cannot be had is left out.
    Errors: ValueError for shapes, for a current not above zero, or for a number not finite.
    Source: conventions as in the files of QTrac; D50 and steps: Henderson (2007), Bostock (2016);
    count: `unit_count`.
    """
    chosen = settings or CmapScanSettings()
    current, response = _checked(current_ma, response_uv)
    told = partial(build, MEASURE, VERSION, target=target, inputs=inputs, settings=chosen)
    count = {"stimulus_count": float(current.size)}
    if current.size < chosen.least_stimuli:
        return told(
            state="not_assessable", values=count,
            reasons=[f"a scan needs {chosen.least_stimuli} stimuli, got {current.size}"],
        )  # fmt: skip
    scan = _ordered(current, response, chosen)
    if scan.current_ma.size < chosen.least_stimuli / 2:
        return told(
            state="not_assessable", values=count,
            reasons=["most stimuli have the same current; step it down to below threshold"],
        )  # fmt: skip
    floor = 5 * scan.noise_uv
    if scan.maximum_uv <= floor:
        return told(
            state="absent",
            values={**count, "detection_floor_uv": floor, "noise_uv": scan.noise_uv},
            reasons=["no response rises above the noise at the highest current"],
        )  # fmt: skip
    if scan.maximum_uv < 1000 * chosen.least_maximum_mv:
        return told(
            state="not_assessable",
            values={**count, "maximum_mv": scan.maximum_uv / 1000, "noise_uv": scan.noise_uv},
            reasons=[f"the maximum is below {chosen.least_maximum_mv:g} mV"],
        )  # fmt: skip
    units = _units(scan, chosen)
    values = {**_curve(scan, chosen), **count, **_unit_values(scan, units)}
    return told(state="measured", values=values, reasons=scan.reasons)


def _checked(current_ma: npt.ArrayLike, response_uv: npt.ArrayLike) -> tuple[Array, Array]:
    current = np.asarray(current_ma, dtype=np.float64)
    response = np.asarray(response_uv, dtype=np.float64)
    if current.ndim != 1 or current.shape != response.shape:
        raise ValueError(
            f"cmap_scan: expected a current and a response per stimulus, got shapes "
            f"{current.shape} and {response.shape}"
        )
    if not (np.isfinite(current).all() and np.isfinite(response).all() and (current > 0).all()):
        raise ValueError("cmap_scan: expected finite numbers and currents above zero")
    return current, response


def _ordered(current: Array, response: Array, chosen: CmapScanSettings) -> _Scan:
    """Ascending, without missed stimuli, with the noise at both ends."""
    missed = _missed(response)
    current, response = current[~missed], response[~missed]
    at_top = current >= current.max() * (1 - 1e-6)
    repeats = response[at_top]
    if repeats.size > 2:  # the ramp itself holds one of them
        ramp = ~at_top
        ramp[np.flatnonzero(at_top)[-1]] = True
    else:
        ramp = np.ones(current.size, dtype=bool)
    order = np.argsort(current[ramp], kind="stable")
    current, response = current[ramp][order], response[ramp][order]
    top = repeats if repeats.size >= 8 else response[-chosen.ends :]
    bottom = response[: chosen.ends]
    reasons: list[str] = []
    if missed.any():
        reasons.append(f"missed: {int(missed.sum())} stimuli without any response were left out")
    base = float(np.median(bottom))
    return _Scan(
        current_ma=current,
        response_uv=response,
        repeats_uv=repeats,
        strays=int(missed.sum()),
        base_uv=base,
        maximum_uv=float(top.mean()) - base,
        noise_uv=_noise(bottom),
        top_noise_uv=_noise(top),
        reasons=reasons,
    )


def _missed(response: Array) -> npt.NDArray[np.bool_]:
    """Stimuli that brought next to nothing between two that brought at least half the maximum."""
    high = float(np.percentile(response, 95))
    near = np.minimum(response[:-2], response[2:])
    missed = np.zeros(response.size, dtype=bool)
    missed[1:-1] = (response[1:-1] < 0.05 * high) & (near > 0.5 * high)
    return missed


def _noise(responses: Array) -> float:
    """SD from successive differences, which a slow drift does not enter; 0 for a single value."""
    if responses.size < 2:
        return 0.0
    return float(np.sqrt(np.mean(np.diff(responses) ** 2) / 2))


def _curve(scan: _Scan, chosen: CmapScanSettings) -> dict[str, float]:
    """What the stimulus-response curve says without a model."""
    gaps = np.sort(np.diff(np.sort(np.append(scan.response_uv, scan.repeats_uv))))[::-1]
    at_half = int(np.searchsorted(np.cumsum(gaps), 0.5 * scan.maximum_uv)) + 1
    values = {
        "maximum_mv": scan.maximum_uv / 1000,
        "d50_count": float(at_half),
        "largest_step_mv": float(gaps[0]) / 1000,
        "largest_step_share": float(gaps[0]) / scan.maximum_uv,
        "large_step_count": float(np.sum(gaps > chosen.large_step * scan.maximum_uv)),
        "noise_uv": scan.noise_uv,
        "maximum_noise_uv": scan.top_noise_uv,
        "current_step_share": _step(scan),
        "stray_count": float(scan.strays),
    }
    for percent in (5, 50, 95):
        found = _current_at(scan, percent / 100)
        if found is None:
            scan.reasons.append(f"s{percent}_ma: the scan does not reach below that response")
        else:
            values[f"s{percent}_ma"] = found
    if _rise_at_top(scan) > chosen.least_plateau:
        scan.reasons.append(
            "not_proven_supramaximal: the response still rises at the highest current; the maximum "
            "and the count may be too low"
        )
    if scan.base_uv > 0.05 * scan.maximum_uv:
        scan.reasons.append(
            "not_subthreshold: the lowest current still brings a response; units with the lowest "
            "thresholds are not counted"
        )
    return values


def _current_at(scan: _Scan, share: float) -> float | None:
    """Current of a share of the maximum; None if nothing lies below it."""
    above = scan.response_uv > share * scan.maximum_uv
    if above.all() or not above.any():
        return None
    return float(scan.current_ma[above].min() + scan.current_ma[~above].max()) / 2


def _rise_at_top(scan: _Scan) -> float:
    """Rise over the last 10 % of the current, as a share of the maximum."""
    lower = scan.current_ma / scan.current_ma[-1]
    before = scan.response_uv[(lower > 0.88) & (lower < 0.92)]
    if not before.size:
        return 0.0
    return float(scan.maximum_uv + scan.base_uv - before.mean()) / scan.maximum_uv


def _step(scan: _Scan) -> float:
    """Median relative step from stimulus to stimulus."""
    return float(np.median(np.diff(np.log(scan.current_ma))))


def _units(scan: _Scan, chosen: CmapScanSettings) -> UnitCount | None:
    """The fit, or None with the reason noted."""
    if _step(scan) > chosen.coarsest_step:
        scan.reasons.append(
            f"scan_unit_count: steps of {100 * _step(scan):.2g} % of the current are too coarse, "
            f"expected at most {100 * chosen.coarsest_step:g} %; scan again in steps of 0.2-0.5 %"
        )
        return None
    level = (scan.response_uv - scan.base_uv) / scan.maximum_uv
    low, high = (max(sd / scan.maximum_uv, 5e-4) for sd in (scan.noise_uv, scan.top_noise_uv))
    noise = low**2 + (high**2 - low**2) * np.clip(level, 0.0, 1.0)
    settings = UnitSettings(
        relative_spread=chosen.relative_spread,
        relative_spread_sd=chosen.relative_spread_sd,
        size_cv=chosen.size_cv,
    )
    found = count_units(np.log(scan.current_ma), level, noise, settings)
    if found is None:
        scan.reasons.append("scan_unit_count: no part of the scan rises with enough stimuli in it")
    return found


def _unit_values(scan: _Scan, units: UnitCount | None) -> dict[str, float]:
    if units is None:
        return {}
    return {
        "scan_unit_count": units.count,
        "scan_unit_low_count": units.low,
        "scan_unit_high_count": units.high,
        "mean_unit_uv": scan.maximum_uv / units.count,
        "relative_spread_share": units.relative_spread,
    }
