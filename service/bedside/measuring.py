"""One call for every measure on sweeps: what goes into it from a row of the table."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from service.analysis import motor
from service.analysis.motor import MotorSettings, motor_response
from service.analysis.registry import MEASURES, TAKES, Takes
from service.analysis.result import build
from service.analysis.sensory import SensorySettings, sensory_response
from service.model import Measurement, Sweep

from .plateau import current_ma

# Where the negative peak may lie, by stimulation site: far enough for a slow nerve, before F waves.
_SEARCH_TO_MS = {"wrist": 18.0, "elbow": 22.0, "below_elbow": 22.0, "axilla": 26.0, "erb": 30.0}
_SEARCH_TO_ELSEWHERE_MS = 40.0
# measures of a series of sweeps, not of their average
SERIES = frozenset(["f_wave", "h_reflex", "rns", "cmap_scan", "mune"])


@dataclass(frozen=True, slots=True)
class Refused:
    """Settings of a measurement that was not made."""


def measure(
    name: str,
    pairs: Sequence[tuple[Sweep, int]],
    *,
    site: str,
    target: str,
    distance_mm: float | None = None,
) -> Measurement:
    """The one detector of a measure, on one sweep, the average or the series of several.

    pairs: sweeps with the row of their channel. distance_mm: cathode to E1, for a sensory velocity.
    A measure that this version does not have, or
    cannot make of sweeps, is not assessable and says so.
    """
    function = MEASURES.get(name)
    if function is None or TAKES.get(name) is not Takes.SWEEPS:
        return not_assessable(
            name, [sweep.id for sweep, _ in pairs], f"{name} is not measured from sweeps", target
        )
    sweeps = [sweep for sweep, _ in pairs]
    given: dict[str, object] = {
        "target": target,
        "inputs": [sweep.id for sweep in sweeps],
        "gap": any(sweep.gap for sweep in sweeps),
        "time_zero_known": all(sweep.time_zero_known for sweep in sweeps),
        "current_ma": [current_ma(sweep) for sweep in sweeps],
    }
    if None in [current_ma(sweep) for sweep in sweeps]:
        del given["current_ma"]
    if function is motor_response:
        reach_ms = _SEARCH_TO_MS.get(site, _SEARCH_TO_ELSEWHERE_MS)
        given["settings"] = MotorSettings(search_to_ms=reach_ms)
    if function is sensory_response:
        given["settings"] = SensorySettings(distance_mm=distance_mm)
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
