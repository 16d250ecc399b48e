"""The words of the service: muscles, sweeps, measurements, findings, evidence, and the two axes.

Measurements are made by `service.analysis` and never overwritten: an edit supersedes. Evidence and
indicators are made by `service.evidence`. A MuscleStatus always has both axes; nothing collapses
them. Missing is `unknown`, never `normal`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from drivers.types import Stimulus, Trigger

Side = Literal["left", "right"]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Region(StrEnum):
    """Body regions of the criteria (clinical reference 4.1)."""

    BULBAR = "bulbar"
    CERVICAL = "cervical"
    THORACIC = "thoracic"
    LUMBOSACRAL = "lumbosacral"


@dataclass(frozen=True, slots=True)
class Muscle:
    """A muscle on one side. Nerve, roots and region come from `service.evidence.anatomy`."""

    name: str
    side: Side

    @property
    def key(self) -> str:
        """`left FDI`: the name used in messages, records and tables."""
        return f"{self.side} {self.name}"


class Task(StrEnum):
    """What the technician has asked of the patient; analysis must know what it looks at."""

    UNKNOWN = "unknown"
    REST = "rest"
    HOLD = "hold"
    MAXIMAL = "maximal"
    STRETCH = "stretch"


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """One stretch of signal around one stimulus, cut when complete.

    samples_uv: (n_channels, n_samples) float64 µV, unfiltered but for the device's own front end.
    start_index: stream index of column 0. zero_index: column (float) of stimulus time zero *for
    analogue samples*: the trigger's index minus start_index plus the front end's group delay.
    gap: true if a sample inside is missing; such a sweep is shown, never measured.
    time_zero_known: false where only host time exists; latencies are then not assessable.
    """

    id: str
    recording: str
    device: str
    stream: str
    epoch: int
    trigger: Trigger | None
    stimulus: Stimulus | None
    channels: tuple[str, ...]
    start_index: int
    rate_hz: float
    zero_index: float
    samples_uv: npt.NDArray[np.float64]
    gap: bool
    time_zero_known: bool
    received_s: float


MeasurementState = Literal["measured", "absent", "not_assessable"]


@dataclass(frozen=True, slots=True)
class Marker:
    """A place on a sweep, in samples from column 0. `automatic_index` is where the detector put it;
    `by` is `automatic` or the operator's initials."""

    name: str
    index: float
    automatic_index: float
    by: str = "automatic"
    at_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one analysis returns, and what `myotome analyse --json` prints.

    id: hash of measure, version, inputs, settings and markers, so equal work has an equal name.
    target: muscle key, or `left EDC + left FDI` for a pair. inputs: sweep ids or sample ranges.
    values: quantity_unit -> number (`onset_latency_ms`, `amplitude_mv`, `burst_count`). A quantity
    that could not be had is missing from `values`, and `reasons` says why; there is no NaN.
    state absent: looked for and not there; `values` then carries `detection_floor_uv` and a count.
    """

    id: str
    measure: str
    version: str
    target: str
    inputs: tuple[str, ...]
    settings: Mapping[str, Json]
    state: MeasurementState
    reasons: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    markers: tuple[Marker, ...] = ()
    items: tuple[Mapping[str, Json], ...] = ()
    provenance: Mapping[str, Json] = field(default_factory=dict)
    supersedes: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of normal. op `min`: abnormal below; `max`: abnormal above."""

    id: str
    op: Literal["min", "max"]
    value: float
    unit: str
    source: str
    verified: bool
    percentile: float | None = None


FindingState = Literal["abnormal", "normal", "borderline", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One quantity of a measurement, held against its limit. Not looked for = no Finding."""

    measurement_id: str
    quantity: str
    state: FindingState
    value: float | None
    unit: str
    limit: Limit | None
    quality: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


Axis = Literal["umn", "lmn"]
Tier = Literal["A", "B", "C"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One family's say on one axis (families L1-L8, U1-U7 of clinical reference 6)."""

    axis: Axis
    family: str
    tier: Tier
    state: FindingState
    sentence: str
    findings: tuple[Finding, ...] = ()
    confounded_by: tuple[str, ...] = ()


class Grade(StrEnum):
    """Strength of evidence, not severity; screens say cannot tell, none found, weak … strong."""

    INSUFFICIENT = "insufficient"
    NONE = "none"
    POSSIBLE = "possible"
    PROBABLE = "probable"
    DEFINITE = "definite"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a card: family, sentence, and the measurement it stands on.

    state `unknown` lines are what is missing; progress is `(have, need)` where it counts up.
    """

    family: str
    state: FindingState
    sentence: str
    measurement_id: str | None = None
    progress: tuple[int, int] | None = None
    would_change_grade: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Indicator:
    """One axis of one muscle: a grade, and every item that it rests on or lacks."""

    axis: Axis
    grade: Grade
    attribution: Literal["clear", "uncertain"]
    items_for: tuple[Item, ...]
    items_against: tuple[Item, ...]
    missing: tuple[Item, ...]
    rule: str
    severity: str = ""


@dataclass(frozen=True, slots=True)
class MuscleStatus:
    """Both axes of one muscle, side by side. Neither is optional: that is the point.

    lead: what its lead suffers from just now (`lead_off`, `saturated`, `mains`; `elsewhere`: its
    electrodes lie on something else), empty if nothing is known to be wrong.
    """

    muscle: Muscle
    umn: Indicator
    lmn: Indicator
    lead: tuple[str, ...] = ()
