"""What stimulation tells the rest of the service: its state, and one line per pulse or refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.types import Stimulus

from .interlock import Phase, Placement


@dataclass(frozen=True, slots=True)
class StimulatorStatus:
    """What the page shows; `expires_in_s` is None when not armed. implant: the answer about
    implanted devices, empty if nobody was asked. train: a declared train and how far it is."""

    state: Phase
    sentence: str
    current_ma: float
    width_us: float
    expires_in_s: float | None
    ceiling_ma: float
    placement: Placement
    delivered_count: int
    implant: str = ""
    train: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One line for the record and the log: a pulse, a refusal, or a change of state (N9)."""

    what: str
    cause: str
    sentence: str
    client: str
    at_s: float


@dataclass(frozen=True, slots=True)
class StimulationPorts:
    """What stimulation tells. All of them are called on its thread and must not block.

    expect: a pulse is about to be sent, so the edge that follows is its. status: the state changed.
    record: see `Record`. beat_s: when the event loop last showed that it runs.
    """

    expect: Callable[[Stimulus], None]
    status: Callable[[StimulatorStatus], None]
    record: Callable[[Record], None]
    beat_s: Callable[[], float]
