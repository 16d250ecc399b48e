"""What one muscle did in one time step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .fasciculation import Fasciculation
from .front_end import FloatArray
from .pool import IntArray
from .truth import Json


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """An answer to a tap or a magnetic pulse: `kind` names its list in the truth (`t_reflexes`,
    `meps`); times in seconds from power-on, at_s of the event that provoked it."""

    kind: str
    at_s: float
    units: IntArray
    times_s: FloatArray
    details: Mapping[str, Json]


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """One muscle in one time step. Times in seconds from power-on, in order; `units` and `times_s`
    are voluntary, tonic and reflex discharges, fasciculations and responses apart."""

    units: IntArray
    times_s: FloatArray
    fasciculations: tuple[Fasciculation, ...]
    beats_s: tuple[float, ...]
    responses: tuple[Response, ...]
