"""What a bedside is started with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drivers.types import Stimulator
from service.recording.directions import Directions


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """A device of this bedside; `url` as drivers.registry reads it."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bedside is started with. recording None: nothing is kept. open_stimulator None: there
    is no stimulator. directions: of the first device, if it is a recording."""

    mode: Literal["live", "replay", "simulated"]
    devices: tuple[DevicePlan, ...]
    patient: str
    study: str
    version: str
    recording: Path | None = None
    open_stimulator: Callable[[], Stimulator] | None = None
    directions: Directions | None = None
