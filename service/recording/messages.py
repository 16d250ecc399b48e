"""The JSON of the record: epochs with all they say about a device, gaps, triggers, stimuli.

Every pair of functions is exact: `x_from_json(x_to_json(x)) == x`, floats to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from drivers.types import (
    Capability,
    Channel,
    DeviceInfo,
    Epoch,
    Pulse,
    Stimulus,
    StreamInfo,
    Trigger,
)
from service.model import Json

JsonObject = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples of one stream that are not in the record: `count` indices from `first_missing` on.

    cause: `device` = never received from the device; `recorder` = received, but the disk could not
    keep up for longer than the spool holds. at_s: host monotonic time at which it was noticed.
    """

    device: str
    stream: str
    epoch: int
    first_missing: int
    count: int
    cause: str
    at_s: float


def gap_to_json(gap: Gap) -> JsonObject:
    """A gap as a JSON object."""
    return asdict(gap)


def gap_from_json(value: Mapping[str, Any]) -> Gap:
    """The gap that `gap_to_json` wrote. Raises KeyError or TypeError if a field is missing."""
    return Gap(**value)


def trigger_to_json(trigger: Trigger) -> JsonObject:
    """A trigger as a JSON object."""
    return asdict(trigger)


def trigger_from_json(value: Mapping[str, Any]) -> Trigger:
    """The trigger that `trigger_to_json` wrote. Raises TypeError if a field is missing."""
    return Trigger(**value)


def stimulus_to_json(stimulus: Stimulus) -> JsonObject:
    """A stimulus, with the trigger seen for it, as a JSON object."""
    return asdict(stimulus)


def stimulus_from_json(value: Mapping[str, Any]) -> Stimulus:
    """The stimulus that `stimulus_to_json` wrote. Raises KeyError or TypeError if a field lacks."""
    seen = value["seen"]
    return Stimulus(
        **{
            **value,
            "pulse": Pulse(**value["pulse"]),
            "seen": None if seen is None else trigger_from_json(seen),
        }
    )


def epoch_to_json(device: str, epoch: Epoch) -> JsonObject:
    """An epoch of a device, with DeviceInfo, channels and settings read back, as a JSON object."""
    return {
        "device": device,
        "number": epoch.number,
        "info": cast("JsonObject", asdict(epoch.info)),
        "settings_read_back": dict(epoch.settings_read_back),
        "opened_utc": epoch.opened_utc.isoformat(),
        "opened_monotonic_s": epoch.opened_monotonic_s,
        "device_counter_at_zero": epoch.device_counter_at_zero,
        "cause": epoch.cause,
    }


def epoch_from_json(value: Mapping[str, Any]) -> tuple[str, Epoch]:
    """(device, epoch) that `epoch_to_json` wrote. Raises KeyError or TypeError if a field lacks."""
    return value["device"], Epoch(
        number=value["number"],
        info=_device_info(value["info"]),
        settings_read_back=dict(value["settings_read_back"]),
        opened_utc=datetime.fromisoformat(value["opened_utc"]),
        opened_monotonic_s=value["opened_monotonic_s"],
        device_counter_at_zero=value["device_counter_at_zero"],
        cause=value["cause"],
    )


def _device_info(value: Mapping[str, Any]) -> DeviceInfo:
    streams = tuple(
        StreamInfo(**{**stream, "channels": tuple(Channel(**c) for c in stream["channels"])})
        for stream in value["streams"]
    )
    return DeviceInfo(
        **{**value, "streams": streams, "capability": Capability(**value["capability"])}
    )
