"""The quality gates of one row: what is wrong, what to do, and what alone it can falsify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from service.analysis import gates
from service.evidence.findings import Supramaximal
from service.model import Json, Measurement


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What the gates look at. turned: the same sweeps with E1 and E2 exchanged. below: the row at
    the next distal site and its proof; segment: from there to here; both None at a distal site.
    latest_ms: upper limit of the distal latency. distance_mm: entered, None if not."""

    nerve: str
    measurement: Measurement
    proof: Supramaximal | None
    skin_place: str
    skin_c: float | None
    turned: Measurement | None = None
    below: tuple[Measurement, bool] | None = None
    segment: Measurement | None = None
    latest_ms: float | None = None
    distance_mm: float | None = None


def flags_of(facts: RowFacts) -> tuple[gates.Flag, ...]:
    """What tripped. Source: clinical reference 0.3."""
    return tuple(gates.tripped([*gates.of_measurement(facts.measurement), *_flags(facts)]))


def gates_json(flags: Sequence[gates.Flag]) -> list[Json]:
    """As ROW shows them."""
    return [
        {
            "gate": flag.gate,
            "sentence": f"{flag.sentence}: {flag.action}",
            "falsifies": [direction.value for direction in flag.falsifies],
        }
        for flag in flags
    ]


def _flags(facts: RowFacts) -> list[gates.Flag | None]:
    flags: list[gates.Flag | None] = []
    if facts.proof is not None and facts.measurement.state != "not_assessable":
        flags.append(gates.submaximal(facts.proof.proven, facts.proof.sentence))
    limb: dict[str, Literal["hand", "foot"]] = {"hand": "hand", "foot": "foot"}
    part = facts.skin_place.partition(" ")[2]
    if part in limb:
        flags.append(gates.cold(limb[part], facts.skin_c))
    if facts.measurement.measure == "munix" and "noise_uv" in facts.measurement.values:
        flags.append(gates.baseline_noise(facts.measurement.values["noise_uv"], needle=False))
    if facts.turned is not None:
        flags.append(gates.swapped_electrodes(facts.measurement, facts.turned))
    if facts.below is None:
        return flags
    distal, proven = facts.below
    speed = None if facts.segment is None else facts.segment.values.get("velocity_m_s")
    return [
        *flags,
        gates.distance(facts.distance_mm),
        gates.too_fast(speed),
        gates.turned_cathode(distal, speed, facts.latest_ms),
        gates.proximal_larger(distal, facts.measurement, nerve=facts.nerve, distal_proven=proven),
    ]
