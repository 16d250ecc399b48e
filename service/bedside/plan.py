"""What a bedside is started with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from drivers.types import Stimulator, StimulatorKind
from service.recording.directions import Directions
from service.store.keeper import Keeper
from service.store.types import StudyContent

from .table import Circumstances

MONTAGE = "montage"


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """A device of this bedside; `url` as drivers.registry reads it."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a bedside is started with. recording None: nothing is kept. open_stimulator None: there
    is no stimulator. directions: of the first device, if it is a recording. run: the name of the
    recording. protocol: its id, or `montage`: what the channels suggest; sides: () as it says.
    keeper None: nothing of the study is kept. content: of the study that is gone on with."""

    mode: Literal["live", "replay", "simulated"]
    devices: tuple[DevicePlan, ...]
    patient: str
    study: str
    version: str
    recording: Path | None = None
    open_stimulator: Callable[[], Stimulator] | None = None
    stimulator_kind: StimulatorKind = StimulatorKind.CONTROLLED
    directions: Directions | None = None
    run: str = ""
    visit: str = ""
    operator: str = ""
    protocol: str = MONTAGE
    sides: tuple[str, ...] = ()
    keeper: Keeper | None = None
    content: StudyContent | None = None
    circumstances: Circumstances = field(default_factory=Circumstances)

    @property
    def run_name(self) -> str:
        """What sweeps are named by: a study may have several recordings, and each its own."""
        return self.run or self.study
