"""What is kept of a study, free of the database it is kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.model import Json, Sweep

StudyState = Literal["open", "closed"]
StepState = Literal["open", "done", "skipped"]


@dataclass(frozen=True, slots=True)
class KeptStudy:
    """One study. patient: a code. protocol: id of a protocol, or `montage`. step: id of the step
    under the electrodes, None before the first. sides: () as the protocol says."""

    id: str
    patient: str
    visit: str
    operator: str
    protocol: str
    sides: tuple[str, ...]
    state: StudyState
    opened_utc: datetime
    closed_utc: datetime | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class KeptStep:
    """One step as it stands. plan: all that the protocol, or who added it, says of it; JSON."""

    id: str
    position: float
    plan: Mapping[str, Json]
    state: StepState = "open"
    reason: str = ""
    run: int = 1
    added: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class KeptSweep:
    """One sweep with where it was taken. Never changed; corrections are edits.

    refusal: why the device may not do this study, empty if it may. channel: label measured.
    """

    number: int
    sweep: Sweep
    measure: str
    nerve: str
    site: str
    side: str
    muscle: str
    channel: str
    run: int
    at_utc: datetime
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class KeptEdit:
    """Something a person did. target: row, sweep or step id, empty for the study. was, to: before
    and after, JSON. by: initials. Appended only; what is undone is another edit."""

    at_utc: datetime
    by: str
    what: str
    target: str
    was: Json
    to: Json
    number: int = 0


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """A recording of the study: its file's name in the data folder."""

    file: str
    opened_utc: datetime


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A study in the list."""

    study: KeptStudy
    open_count: int
    done_count: int
    skipped_count: int
    sweep_count: int
    recordings: tuple[KeptRecording, ...]


@dataclass(frozen=True, slots=True)
class StudyContent:
    """All of a study, in order: enough to go on where it was."""

    study: KeptStudy
    steps: tuple[KeptStep, ...]
    sweeps: tuple[KeptSweep, ...]
    edits: tuple[KeptEdit, ...]
    recordings: tuple[KeptRecording, ...]


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """`kept`: all told so far is on the disk or about to be. sentence: why not; else empty."""

    state: Literal["kept", "failed", "off"]
    sentence: str = ""
    waiting: int = 0
