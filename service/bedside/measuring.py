"""One call for every measure on sweeps: what goes into it from a row of the table."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from service.analysis import motor
from service.analysis.cmap_scan import cmap_scan
from service.analysis.f_wave import FWaveSettings
from service.analysis.f_window import USUAL, WINDOWS_MS
from service.analysis.graded import height_uv
from service.analysis.h_reflex import HReflexSettings
from service.analysis.motor import MotorSettings
from service.analysis.registry import MEASURES, TAKES, Takes
from service.analysis.result import build
from service.analysis.rns import RnsSettings
from service.analysis.sensory import SensorySettings
from service.model import Measurement, Sweep

from .plateau import LEVEL, current_ma
from .sites import least_c, place_of

# Where the negative peak may lie, by stimulation site: far enough for a slow nerve, before F waves.
_SEARCH_TO_MS = {"wrist": 18.0, "elbow": 30.0, "below_elbow": 30.0, "axilla": 34.0, "erb": 38.0}
_SEARCH_TO_ELSEWHERE_MS = 40.0
# measures of a series of sweeps, not of their average
SERIES = frozenset(["f_wave", "h_reflex", "rns", "cmap_scan", "mune", "munix"])


@dataclass(frozen=True, slots=True)
class Refused:
    """Settings of a measurement that was not made."""


def measure(
    name: str,
    pairs: Sequence[tuple[Sweep, int]],
    *,
    site: str,
    target: str,
    nerve: str = "",
    distance_mm: float | None = None,
    turned: bool = False,
    supramaximal: bool | None = None,
    skin_c: float | None = None,
    always: Sequence[int] = (),
    exercise_end_s: float | None = None,
    velocity_m_s: float | None = None,
) -> Measurement:
    """The one detector of a measure, on one sweep, the average or the series of several.

    pairs: sweeps with the row of their channel. distance_mm: cathode to E1, for a sensory velocity.
    always: sweeps (numbered from 0) that the operator kept in a sensory average.
    turned: as if E1 and E2 were exchanged (motor alone). supramaximal: whether trains repeat a
    response on its plateau, and skin_c: None is not known; exercise_end_s: on the clock of the
    stimuli, trains after it follow exercise (all three: repetitive stimulation alone).
    velocity_m_s: of the motor nerve, for F-waves; None is not measured. A measure that this
    version does not have, or cannot make of sweeps, is not assessable and says so.
    """
    sweeps = [sweep for sweep, _ in pairs]
    ids = [sweep.id for sweep in sweeps]
    if name == "cmap_scan":
        return _scan(pairs, site=site, target=target)
    function = MEASURES.get(name)
    if function is None or TAKES.get(name) is not Takes.SWEEPS:
        return not_assessable(name, ids, f"{name} is not measured from sweeps", target)
    given: dict[str, object] = {
        "target": target,
        "inputs": ids,
        "gap": any(sweep.gap for sweep in sweeps),
        "time_zero_known": all(sweep.time_zero_known for sweep in sweeps),
        "site": [site] * len(sweeps),
        **_settings(name, nerve, site, distance_mm, velocity_m_s, turned=turned),
    }
    if name == "rns":
        given["settings"] = RnsSettings(
            exercise_end_s=exercise_end_s,
            supramaximal=supramaximal,
            skin_c=skin_c,
            least_skin_c=least_c(place_of(nerve, "left")),
            search_to_ms=search_to_ms(site),
        )
    if name == "sensory_response" and always:
        kept = SensorySettings(distance_mm=distance_mm, always=tuple(always))
        given["settings"] = kept
    currents = [current_ma(sweep) for sweep in sweeps]
    if None not in currents:
        given["current_ma"] = currents
    if len({sweep.epoch for sweep in sweeps}) == 1:
        # columns of one epoch share one clock
        given["stimulus_s"] = [(s.start_index + s.zero_index) / s.rate_hz for s in sweeps]
    missing = _required(name) - given.keys()
    if missing:
        why = f"{name} needs {', '.join(sorted(missing))} of every sweep"
        return not_assessable(name, [sweep.id for sweep in sweeps], why, target)
    return function(
        np.stack([sweep.samples_uv[column] for sweep, column in pairs]),
        sweeps[0].rate_hz,
        float(np.mean([sweep.zero_index for sweep in sweeps])),
        **{key: value for key, value in given.items() if key in _accepted(name)},
    )


def search_to_ms(site: str) -> float:
    """How far after the stimulus the negative peak of a CMAP is looked for."""
    return _SEARCH_TO_MS.get(site, _SEARCH_TO_ELSEWHERE_MS)


def alone(name: str, sweep: Sweep, column: int, *, site: str, target: str) -> Measurement:
    """What one sweep says by itself: of a series, the response to each of its stimuli."""
    own = name if name == "sensory_response" else motor.MEASURE
    return measure(own, [(sweep, column)], site=site, target=target)


def _settings(
    name: str, nerve: str, site: str, distance_mm: float | None, velocity_m_s: float | None,
    *, turned: bool,
) -> dict[str, object]:  # fmt: skip
    """What the place decides: where a response may lie."""
    leg = place_of(nerve, "left").endswith("foot")
    if name == motor.MEASURE:
        return {"settings": MotorSettings(search_to_ms=search_to_ms(site), negative_up=turned)}
    if name == "sensory_response":
        return {"settings": SensorySettings(distance_mm=distance_mm)}
    if name == "f_wave":
        limb: Literal["arm", "leg"] = "leg" if leg else "arm"
        first, last = WINDOWS_MS[limb]
        latency_ms, least_m_s = USUAL[limb]
        return {
            "settings": FWaveSettings(
                window_from_ms=first,
                window_to_ms=last,
                usual_latency_ms=latency_ms,
                usual_velocity_m_s=least_m_s,
                velocity_m_s=velocity_m_s,
                distance_mm=distance_mm,
            )
        }
    if name == "h_reflex":
        return {"settings": HReflexSettings(muscle="SOL" if leg else "FCR")}
    return {}


def _scan(pairs: Sequence[tuple[Sweep, int]], *, site: str, target: str) -> Measurement:
    """The CMAP scan: each response is the height at the peak of the strongest ones."""
    sweeps = [sweep for sweep, _ in pairs]
    ids = [sweep.id for sweep in sweeps]
    currents = [ma for sweep in sweeps if (ma := current_ma(sweep)) is not None and ma > 0]
    if len(currents) < len(sweeps):
        return not_assessable("cmap_scan", ids, "the current of a stimulus is not known", target)
    top = max(currents) * LEVEL
    strong = [pair for pair, ma in zip(pairs, currents, strict=True) if ma >= top]
    found = measure(motor.MEASURE, strong, site=site, target=target)
    peak_ms = found.values.get("peak_latency_ms")
    if peak_ms is None:
        why = "no response at the highest current: " + "; ".join(found.reasons)
        return not_assessable("cmap_scan", ids, why, target)
    sizes = [
        height_uv(sweep.samples_uv[column], sweep.rate_hz, sweep.zero_index, peak_ms)
        for sweep, column in pairs
    ]
    return cmap_scan(currents, sizes, target=target, inputs=ids)


def not_assessable(name: str, inputs: Sequence[str], reason: str, target: str = "") -> Measurement:
    """A measurement that was not made, and why."""
    settings = MotorSettings() if name == motor.MEASURE else Refused()
    version = motor.VERSION if name == motor.MEASURE else "0"
    return build(
        name, version, target=target, inputs=inputs, settings=settings, state="not_assessable",
        reasons=[reason],
    )  # fmt: skip


@cache
def _accepted(name: str) -> frozenset[str]:
    return frozenset(inspect.signature(MEASURES[name]).parameters)


@cache
def _required(name: str) -> frozenset[str]:
    """Keyword arguments without a default."""
    parameters = inspect.signature(MEASURES[name]).parameters.values()
    return frozenset(
        one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty
    )
