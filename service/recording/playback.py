"""A recording through the same pipeline again, headless and as fast as it runs.

What was recorded comes back in the order in which it was recorded, with the host times of then: the
pipeline reads no clock, so its sweeps, signals and gaps are equal to the live ones, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from drivers.types import Stimulus
from service.acquisition.pipeline import Pipeline
from service.acquisition.ring import RingError
from service.acquisition.sweeps import LEAST_SWEEP_S
from service.acquisition.types import Outlets
from service.model import Json

from .reader import BlockReceived, EpochOpened, Event, Header, Recording, SettingChanged

Setting = Callable[[str, Json, float], None]


def play(
    recording: Recording,
    outlets: Outlets,
    setting: Setting | None = None,
    *,
    name: str = "",
) -> Header | None:
    """Play all devices of an open recording into `outlets`.

    setting(key, value, at_s): called for each recorded setting, between the blocks between which it
    was made. name: what sweeps carry as their recording (as live: default the file's name without
    suffix). Returns the header, None if it was damaged. Damaged parts are gaps, as everywhere.
    """
    player = _Player(outlets, setting, name or recording.path.stem)
    for event in recording.events():
        player.take(event)
    return player.header


def mark_again(pipeline: Pipeline, told: Mapping[str, Json]) -> None:
    """Cut an epoch of voluntary effort as it was cut then; one whose samples are damaged is left
    out."""
    match told:
        case {"stream": str(stream), "channel": str(channel), "start_index": int(start),
              "count": int(count)}:  # fmt: skip
            with suppress(ValueError, RingError):
                pipeline.effort(stream, channel, count, start_index=start)


def lengthen(pipeline: Pipeline, key: str, value: Json) -> None:
    """What a recorded setting says of the length of the sweeps to come: a step brings its own.
    Records of before steps had one are of sweeps of LEAST_SWEEP_S."""
    match key, value:
        case ("step", {"record_ms": int() | float() as ms}):
            pipeline.sweep_for(ms / 1000.0)
        case ("step", _):
            pipeline.sweep_for(LEAST_SWEEP_S)


class _Player:
    """One pipeline per device, made when its first epoch is met."""

    def __init__(self, outlets: Outlets, setting: Setting | None, name: str) -> None:
        self.header: Header | None = None
        self._outlets = outlets
        self._setting = setting
        self._name = name
        self._step: Json = None
        self._pipelines: dict[str, Pipeline] = {}

    def take(self, event: Event) -> None:
        match event:
            case Header():
                self.header = event
            case EpochOpened(device, epoch):
                pipeline = self._pipelines.get(device)
                if pipeline is None:
                    pipeline = Pipeline(device, outlets=self._outlets, recording=self._name)
                    self._pipelines[device] = pipeline
                    lengthen(pipeline, "step", self._step)
                pipeline.open(epoch)
            case BlockReceived(device, block):
                if device in self._pipelines:  # else its epoch was in a damaged part
                    self._pipelines[device].accept(block)
            case Stimulus(seen=None):
                # Told again once seen; the pipeline joins edge and stimulus itself.
                for pipeline in self._pipelines.values():
                    pipeline.expect(event)
            case SettingChanged("effort", dict(told), _):
                self._effort(told)
            case SettingChanged(key, value, at_s):
                self._set(key, value, at_s)
            case _:
                pass

    def _set(self, key: str, value: Json, at_s: float) -> None:
        if key == "step":
            self._step = value
        for pipeline in self._pipelines.values():
            lengthen(pipeline, key, value)
        if self._setting is not None:
            self._setting(key, value, at_s)

    def _effort(self, told: Mapping[str, Json]) -> None:
        pipeline = self._pipelines.get(str(told.get("device")))
        if pipeline is not None:
            mark_again(pipeline, told)
