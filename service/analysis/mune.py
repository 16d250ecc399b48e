"""Motor unit number estimate (MUNE) from graded stimulation: CMAP / mean increment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from service.model import Json, Measurement

from .graded import graded_amplitudes
from .motor import MotorSettings, motor_response
from .result import build

MEASURE = "mune"
VERSION = "1"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MuneSettings:
    """method incremental: one site, at least `least_steps` increments. multipoint: `sites` sites,
    the first `steps_per_site` increments of each. reproduced: sweeps that must show a level.
    least_step_uv: smallest increment, and never less than `least_step_sds` of the noise.
    supramaximal_share: sweeps from this share of the highest current on are the CMAP.
    search_from_ms, search_to_ms, blank_ms, negative_up: as in MotorSettings.
    """

    method: Literal["incremental", "multipoint"] = "multipoint"
    least_steps: int = 10
    sites: int = 3
    steps_per_site: int = 3
    reproduced: int = 3
    least_step_uv: float = 25.0
    least_step_sds: float = 5.0
    supramaximal_share: float = 0.98
    blank_ms: float = 1.0
    search_from_ms: float = 1.5
    search_to_ms: float = 25.0
    negative_up: bool = False

    @property
    def motor(self) -> MotorSettings:
        """The same window for the CMAP."""
        return MotorSettings(
            blank_ms=self.blank_ms,
            search_from_ms=self.search_from_ms,
            search_to_ms=self.search_to_ms,
            negative_up=self.negative_up,
        )


@dataclass(frozen=True, slots=True)
class _Level:
    """An all-or-none level of response: its mean amplitude, sweeps, and range of currents."""

    amplitude_uv: float
    count: int
    least_ma: float
    most_ma: float


@dataclass(frozen=True, slots=True)
class _Step:
    """An increment: its site, its number there from 1, its size, and the level that it leads to."""

    site: str
    number: int
    size_uv: float
    level: _Level


def mune(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    current_ma: npt.ArrayLike,
    site: Sequence[str] | None = None,
    settings: MuneSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """Number of motor units from all-or-none increments of the response to graded stimuli.

    sweeps_uv: (n_sweeps, n_samples) µV. current_ma: (n_sweeps,). site: (n_sweeps,) names of the
    stimulation sites, one if None. Sweeps at the highest current are the CMAP (`motor_response`).
    The others are sorted by amplitude, site by site; a gap of at least 25 µV and 5 SD of the noise
    begins a new level, and a level counts when it was seen three times. An increment is the
    difference of neighbouring levels, the first one against no response.
    Values: mune_unit_count, mean_unit_uv, step_count, site_count, cmap_amplitude_mv, noise_uv,
    least_step_uv, overlap_count, sweep_count. Items: one per increment. Family L6.
    Not assessable: no CMAP, or too few increments or sites (the reason says which).
    Reasons: `alternation` where neighbouring levels overlap in current, which makes too many.
    Errors: ValueError for shapes, currents not above zero or an unknown method.
    Source: incremental: McComas 1971; multipoint: Shefner 2011 (3 sites x 3 increments of at least
    25 µV, each reproduced), as in the clinical reference 2.7.
    """
    chosen = settings or MuneSettings()
    sweeps, current, sites = _checked(sweeps_uv, current_ma, site, chosen)
    told = partial(build, MEASURE, VERSION, target=target, inputs=inputs, settings=chosen)
    supramaximal = current >= chosen.supramaximal_share * current.max()
    cmap = motor_response(sweeps[supramaximal], rate_hz, zero_index, settings=chosen.motor)
    values = {"sweep_count": float(current.size)}
    if cmap.state != "measured":
        why = f"cmap: {'; '.join(cmap.reasons) or cmap.state}"
        return told(state="not_assessable", values=values, reasons=[why])
    amplitude, noise = graded_amplitudes(sweeps, rate_hz, zero_index, chosen.motor)
    least = max(chosen.least_step_uv, chosen.least_step_sds * noise)
    graded = ~supramaximal
    levels = {
        name: _levels(amplitude[here], current[here], least, chosen.reproduced)
        for name in dict.fromkeys(sites)
        if (here := graded & (np.array(sites) == name)).any()
    }
    steps = _steps(levels, least, chosen)
    items = tuple(_item(step) for step in steps)
    values |= {
        "cmap_amplitude_mv": cmap.values["amplitude_mv"],
        "noise_uv": noise,
        "least_step_uv": least,
        "step_count": float(len(steps)),
        "site_count": float(sum(bool(one) for one in levels.values())),
        "overlap_count": float(sum(_overlaps(one) for one in levels.values())),
    }
    missing = _missing(levels, steps, chosen)
    if missing:
        return told(state="not_assessable", values=values, reasons=[missing], items=items)
    mean = float(np.mean([step.size_uv for step in steps]))
    values |= {
        "mean_unit_uv": mean,
        "mune_unit_count": 1000.0 * cmap.values["amplitude_mv"] / mean,
    }
    reasons = []
    if values["overlap_count"]:
        reasons.append(
            "alternation: neighbouring levels overlap in current; increments may be one unit in "
            "place of another, and the count too high"
        )
    return told(state="measured", values=values, reasons=reasons, items=items)


def _checked(
    sweeps_uv: npt.ArrayLike,
    current_ma: npt.ArrayLike,
    site: Sequence[str] | None,
    chosen: MuneSettings,
) -> tuple[Array, Array, tuple[str, ...]]:
    sweeps = np.asarray(sweeps_uv, dtype=np.float64)
    current = np.asarray(current_ma, dtype=np.float64)
    sites = tuple(str(one) for one in site) if site is not None else ("one site",) * current.size
    if sweeps.ndim != 2 or current.shape != sweeps.shape[:1] or len(sites) != current.size:
        raise ValueError(
            f"mune: expected (n_sweeps, n_samples) with a current and a site per sweep, got shapes "
            f"{sweeps.shape} and {current.shape} and {len(sites)} sites"
        )
    if not (current.size and np.isfinite(current).all() and (current > 0).all()):
        raise ValueError("mune: expected currents above zero for every sweep")
    if chosen.method not in {"incremental", "multipoint"}:
        raise ValueError(f"mune: expected incremental or multipoint, got {chosen.method!r}")
    return sweeps, current, sites


def _levels(amplitude: Array, current: Array, least: float, reproduced: int) -> list[_Level]:
    """Levels from low to high, silence first if it was seen; clusters of too few sweeps are left
    out, so the next increment may span two units rather than count a stray one."""
    order = np.argsort(amplitude, kind="stable")
    cuts = np.flatnonzero(np.diff(amplitude[order]) >= least) + 1
    clusters = [part for part in np.split(order, cuts) if part.size >= reproduced]
    return [
        _Level(
            float(amplitude[part].mean()),
            int(part.size),
            float(current[part].min()),
            float(current[part].max()),
        )
        for part in clusters
    ]


def _steps(
    levels: dict[str, list[_Level]], least: float, chosen: MuneSettings
) -> tuple[_Step, ...]:
    """The increments that count, site by site."""
    most = chosen.steps_per_site if chosen.method == "multipoint" else None
    out: list[_Step] = []
    for name, found in levels.items():
        base, number = 0.0, 0
        for level in found:
            size = level.amplitude_uv - base
            base = level.amplitude_uv
            if size < least:  # the lowest level: nothing but noise
                continue
            if number == most:
                break
            number += 1
            out.append(_Step(name, number, size, level))
    return tuple(out)


def _item(step: _Step) -> dict[str, Json]:
    return {
        "site": step.site,
        "step": step.number,
        "amplitude_uv": step.size_uv,
        "sweep_count": step.level.count,
        "least_ma": step.level.least_ma,
        "most_ma": step.level.most_ma,
    }


def _overlaps(levels: list[_Level]) -> int:
    """Pairs of neighbouring levels whose currents overlap."""
    return sum(upper.least_ma < lower.most_ma for lower, upper in pairwise(levels))


def _missing(levels: dict[str, list[_Level]], steps: Sequence[_Step], chosen: MuneSettings) -> str:
    """What the method's rules lack, in a sentence; empty if nothing."""
    if chosen.method == "incremental":
        if len(levels) > 1:
            return f"incremental: expected one site, got {len(levels)}; use multipoint"
        if len(steps) < chosen.least_steps:
            return (
                f"incremental: {len(steps)} increments of at least {chosen.least_step_uv:g} µV "
                f"seen {chosen.reproduced} times, expected {chosen.least_steps}"
            )
        return ""
    whole = [
        name for name in levels if sum(step.site == name for step in steps) == chosen.steps_per_site
    ]
    if len(whole) < chosen.sites:
        return (
            f"multipoint: {len(whole)} sites with {chosen.steps_per_site} increments of at least "
            f"{chosen.least_step_uv:g} µV seen {chosen.reproduced} times, expected {chosen.sites}"
        )
    return ""
