"""Markers that a person has placed: the numbers that follow from them. No detector: what was not
moved keeps the value that the detector gave it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from service.model import Marker, Measurement

from .baseline import remove_baseline
from .conduction import VelocitySettings, velocity, velocity_values
from .result import identity
from .sensory import UNSURE_ONSET

MARKERS = ("initial_positive_peak", "onset", "peak", "trough", "end")
_OF_ONSET = "initial_positive_peak"
# quantity -> the markers between whose levels it lies (None: the baseline), and µV in its unit
_LEVELS: Mapping[str, tuple[str, str | None, float]] = {
    "amplitude_mv": ("peak", None, 1000.0),
    "onset_to_peak_uv": ("peak", "onset", 1.0),
    "peak_to_peak_uv": ("peak", "trough", 1.0),
}
_OF_MEASURE = {
    "motor_response": ("amplitude_mv",),
    "sensory_response": ("onset_to_peak_uv", "peak_to_peak_uv"),
}

Trace = npt.NDArray[np.float64]


def with_markers(
    automatic: Measurement,
    sweep_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    placed: Mapping[str, tuple[float, str, datetime]],
) -> Measurement:
    """The measurement that markers placed by hand give; it supersedes `automatic`.

    automatic: what the detector found on this trace. sweep_uv: (n_samples,), the average it was
    found on. placed: marker name -> (sample, initials, when). Latencies and durations follow from
    the markers; amplitude and area change by what lies between the old place and the new one, so
    that a marker put back where it was gives the automatic value. A response that the detector did
    not find (absent) is measured from the markers alone, as far as they go.
    Errors: ValueError for an unknown marker, one outside the sweep, or one that crosses another.
    Source: conventions of the clinical reference 1.1 (3, 4).
    """
    trace = _upright(automatic, sweep_uv, rate_hz, zero_index)
    before = {marker.name: marker for marker in automatic.markers}
    after = dict(before)
    for name, (index, by, at_utc) in placed.items():
        found = before[name].automatic_index if name in before else index
        after[name] = Marker(name, index, found, by, at_utc)
    unknown = after.keys() - set(MARKERS)
    if unknown:
        raise ValueError(
            f"there is no marker {', '.join(sorted(unknown))}; there is {', '.join(MARKERS)}"
        )
    hand_made = "onset" in placed and _OF_ONSET in after and _OF_ONSET not in placed
    if hand_made and after["onset"].index < after[_OF_ONSET].index:
        del after[_OF_ONSET]  # the person sees the response begin before it
    markers = tuple(after[name] for name in MARKERS if name in after)
    check_markers(markers, trace.size)
    values = dict(automatic.values)
    values |= _times(before, after, values, zero_index, rate_hz / 1000.0)
    values |= _sizes(automatic.measure, before, after, values, trace, rate_hz / 1000.0)
    values |= _velocity(automatic, values)
    known = automatic.reasons
    if "onset" in placed:  # a person's mark has no SD, and what kept the detector's back is over
        values.pop("onset_sd_ms", None)
        known = tuple(why for why in known if not why.startswith(UNSURE_ONSET))
    if "peak" in placed:
        values.pop("peak_sd_ms", None)
    said = [f"{name} placed by {by}" for name, (_, by, _) in placed.items()]
    if automatic.state == "absent":
        said.append("the detector found no response: these numbers rest on the markers alone")
    reasons = said if automatic.state == "absent" else [*known, *said]
    return replace(
        automatic,
        id=identity(
            automatic.measure, automatic.version, target=automatic.target, inputs=automatic.inputs,
            settings=automatic.settings, markers=markers,
        ),
        state="measured",
        values=values,
        reasons=tuple(reasons),
        markers=markers,
        supersedes=automatic.id,
    )  # fmt: skip


def called_absent(automatic: Measurement, *, by: str, electrode_checked: bool) -> Measurement:
    """ "No response" by a person, with the detection floor and the number of stimuli kept."""
    floor = automatic.values.get("detection_floor_uv")
    count = int(automatic.values.get("sweep_count", 0))
    above = "" if floor is None else f" above {floor:.0f} µV"
    checked = "electrodes checked" if electrode_checked else "electrodes not checked"
    settings = {**automatic.settings, "called_absent_by": by, "electrode_checked": checked}
    kept = ("detection_floor_uv", "noise_uv", "sweep_count")
    return replace(
        automatic,
        id=identity(
            automatic.measure, automatic.version, target=automatic.target, inputs=automatic.inputs,
            settings=settings,
        ),
        settings=settings,
        state="absent",
        values={key: automatic.values[key] for key in kept if key in automatic.values},
        reasons=(f"no response{above} after {count} stimuli, said by {by}; {checked}",),
        markers=(),
        items=(),
        supersedes=automatic.id,
    )  # fmt: skip


def check_markers(markers: Sequence[Marker], n_samples: int) -> None:
    """Raises ValueError for a marker outside the sweep, or two that have crossed."""
    for marker in markers:
        if not 0 <= marker.index <= n_samples - 1:
            raise ValueError(f"marker {marker.name} would lie outside the sweep")
    order = sorted(markers, key=lambda marker: MARKERS.index(marker.name))
    for left, right in pairwise(order):
        # a positive phase may begin the response: its peak is then the onset
        same = left.name == "initial_positive_peak" and left.index == right.index
        if not (left.index < right.index or same):
            raise ValueError(f"marker {left.name} would cross {right.name}")


def _upright(
    automatic: Measurement, sweep_uv: npt.ArrayLike, rate_hz: float, zero_index: float
) -> Trace:
    """The trace as the detector saw it: baseline at zero, negative up."""
    sweep = np.asarray(sweep_uv, dtype=np.float64)
    if sweep.ndim != 1:
        raise ValueError(f"with_markers: expected (n_samples,), got shape {sweep.shape}")
    sign = 1.0 if automatic.settings.get("negative_up") else -1.0
    mains = automatic.settings.get("mains_hz")
    lines = tuple(float(hz) for hz in mains if isinstance(hz, int | float)) if isinstance(
        mains, list
    ) else ()  # fmt: skip
    return remove_baseline(sign * sweep, rate_hz, zero_index, mains_hz=lines).trace_uv


def _times(
    before: Mapping[str, Marker],
    after: Mapping[str, Marker],
    values: Mapping[str, float],
    zero: float,
    per_ms: float,
) -> dict[str, float]:
    """Latencies of the markers that moved, and the durations between them."""
    told = {}
    moved = {name for name in after if after[name] != before.get(name)}
    for name in ("onset", "peak"):
        if name in moved:
            told[f"{name}_latency_ms"] = (after[name].index - zero) / per_ms
    if moved & {"onset", "end"} and {"onset", "end"} <= after.keys():
        told["duration_ms"] = (after["end"].index - after["onset"].index) / per_ms
    if "onset" in moved and "onset" in before and "total_duration_ms" in values:
        shift_ms = (before["onset"].index - after["onset"].index) / per_ms
        told["total_duration_ms"] = values["total_duration_ms"] + shift_ms
    return told


def _sizes(
    measure: str,
    before: Mapping[str, Marker],
    after: Mapping[str, Marker],
    values: Mapping[str, float],
    trace: Trace,
    per_ms: float,
) -> dict[str, float]:
    """Amplitude at the peak marker and area between onset and end."""
    told = {}
    quantities = _OF_MEASURE.get(measure, ())
    for quantity in quantities:
        upper, lower, scale = _LEVELS[quantity]
        names = [name for name in (upper, lower) if name is not None]
        if all(name in after for name in names) and any(
            after[name] != before.get(name) for name in names
        ):
            change = _between(trace, after, upper, lower)
            if quantity in values and all(name in before for name in names):
                change += values[quantity] * scale - _between(trace, before, upper, lower)
            told[quantity] = change / scale
    if not {"onset", "end"} <= after.keys():
        return told
    if "amplitude_mv" not in quantities:
        return told
    known = "area_mv_ms" in values and {"onset", "end"} <= before.keys()
    if known:
        area = values["area_mv_ms"] * 1000.0 * per_ms
        area -= _area(trace, before["onset"].index, after["onset"].index)
        area += _area(trace, before["end"].index, after["end"].index)
    else:
        area = _area(trace, after["onset"].index, after["end"].index)
    told["area_mv_ms"] = area / 1000.0 / per_ms
    return told


def _velocity(automatic: Measurement, values: Mapping[str, float]) -> dict[str, float]:
    """Of a sensory response whose distance is known: over the latency it has now."""
    distance = automatic.settings.get("distance_mm")
    latency_ms = values.get("onset_latency_ms")
    moved = latency_ms != automatic.values.get("onset_latency_ms")
    if not (moved and isinstance(distance, int | float) and latency_ms is not None):
        return {}
    sds = VelocitySettings()
    spread_mm = math.hypot(sds.tape_mm, sds.cathode_mm)
    found = velocity(float(distance), latency_ms, spread_mm, sds.latency_ms)
    return {} if found is None else velocity_values(found)


def _between(trace: Trace, markers: Mapping[str, Marker], upper: str, lower: str | None) -> float:
    """µV from one marker's level up to another's; None is the baseline."""
    base = 0.0 if lower is None else _level(trace, markers[lower].index)
    return _level(trace, markers[upper].index) - base


def _level(trace: Trace, index: float) -> float:
    return float(np.interp(index, np.arange(trace.size), trace))


def _area(trace: Trace, first: float, last: float) -> float:
    """µV · samples between two places, negative if they stand the other way round."""
    if last < first:
        return -_area(trace, last, first)
    inside = np.arange(np.ceil(first), np.floor(last) + 1)
    places = np.unique(np.concatenate([[first], inside, [last]]))
    return float(np.trapezoid(np.interp(places, np.arange(trace.size), trace), places))
