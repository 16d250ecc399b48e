"""The service's types as the text messages of docs/protocols/live.md: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum

from drivers.capability import permissions
from drivers.types import Epoch, StreamInfo, Trigger
from service.acquisition.types import DeviceState, GapNotice, View
from service.evidence.anatomy import anatomy, muscle_from_label
from service.model import Json, Measurement, Muscle, MuscleStatus
from service.protocols.loading import StepPlan
from service.recording.recorder import RecordingStatus
from service.store.types import StoreStatus

from .montage import Montage
from .placement import Placement
from .steps import Step
from .stimulator_status import StimulatorStatus
from .stimulator_words import STATED


def plain(value: object) -> Json:
    """A frozen dataclass of ours as JSON: tuples become lists, enums words, times ISO 8601."""
    told: Json
    if isinstance(value, Enum):
        told = str(value.value)
    elif value is None or isinstance(value, bool | int | float | str):
        told = value
    elif isinstance(value, datetime):
        told = value.isoformat()
    elif isinstance(value, Mapping):
        told = {str(key): plain(one) for key, one in value.items()}
    elif isinstance(value, tuple | list):
        told = [plain(one) for one in value]
    elif is_dataclass(value):
        told = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    else:
        raise TypeError(f"{type(value).__name__} has no place in a message")
    return told


def streams_json(streams: tuple[StreamInfo, ...]) -> Json:
    """Streams with the muscle that each channel's label names, or null."""
    told: list[Json] = []
    for stream in streams:
        channels: list[Json] = []
        for channel in stream.channels:
            muscle = muscle_from_label(channel.label)
            channels.append(
                {
                    "label": channel.label,
                    "kind": channel.kind,
                    "unit": channel.unit,
                    "muscle": None if muscle is None else muscle.key,
                }
            )
        told.append({"name": stream.name, "rate_hz": stream.rate_hz, "channels": channels})
    return told


def device_json(device: str, epoch: Epoch | None, state: DeviceState) -> dict[str, Json]:
    """A device in `hello`; without an epoch yet it has no model and no streams."""
    told: dict[str, Json] = {"id": device, "state": state.state.value}
    if epoch is None:
        return {**told, "model": "", "driver": "", "permissions": [], "streams": []}
    info = epoch.info
    return {
        **told,
        "model": info.model,
        "driver": info.driver,
        "serial_number": info.serial_number,
        "firmware": info.firmware,
        "isolation_note": info.capability.isolation_note,
        "permissions": [plain(one) for one in permissions(info.capability)],
        "streams": streams_json(info.streams),
        "epoch": epoch.number,
        "opened_utc": epoch.opened_utc.isoformat(),
        "opened_monotonic_s": epoch.opened_monotonic_s,
        "device_counter_at_zero": epoch.device_counter_at_zero,
    }


def state_json(state: DeviceState) -> dict[str, Json]:
    """`state`: the device under its id."""
    told = {f.name: plain(getattr(state, f.name)) for f in fields(state) if f.name != "device"}
    return {"type": "state", "device": {"id": state.device, **told}}


def muscle_json(muscle: Muscle, channel: str | None, device: str, stream: str) -> Json:
    """A muscle and where it is recorded."""
    row = anatomy(muscle.name)
    return {
        "key": muscle.key,
        "name": muscle.name,
        "full_name": row.full_name,
        "side": muscle.side,
        "nerve": row.nerve,
        "roots": list(row.roots),
        "region": row.region.value,
        "channel": channel,
        "device": device,
        "stream": stream,
    }


def muscles_json(montage: Montage, device: str, epoch: Epoch | None) -> list[Json]:
    """The montage's muscles, on the stream of `epoch` that has their channel."""
    told = []
    for lead in montage.leads:
        stream = ""
        for info in () if epoch is None else epoch.info.streams:
            if any(channel.label == lead.channel_label for channel in info.channels):
                stream = info.name
        told.append(muscle_json(lead.muscle, lead.channel_label, device, stream))
    return told


def plan_json(plan: StepPlan) -> dict[str, Json]:
    """A step of a protocol: where, how, with what."""
    return {
        "id": plan.id,
        "label": plan.label,
        "measure": plan.measure,
        "nerve": plan.nerve,
        "site": plan.site,
        "side": plan.side,
        "muscle": plan.muscle,
        "montage": plain(plan.electrodes),
        "stimulate": plan.stimulate,
        "filter_hz": list(plan.filter_hz),
        "sweep_ms": plan.sweep_ms,
        "record_ms": plan.recorded_ms,
        "gain_uv": plan.gain_uv,
        "distance_mm": plan.distance_mm,
        "width_us": plan.width_us,
        "train": plain(plan.train),
        "needs": plan.needs or None,
        "note": plan.note,
    }


def step_json(step: Step, rows: Sequence[str] = ()) -> dict[str, Json]:
    """A step of the list as it stands. rows: ids of its rows, newest run first."""
    return {
        **plan_json(step.plan),
        "channel": step.channel or None,
        "state": step.state,
        "reason": step.reason or None,
        "run": step.run,
        "added": step.added,
        "rows": list(rows),
    }


def placement_json(placement: Placement) -> dict[str, Json]:
    """Nerve, site, side, muscle; null where not chosen."""
    return {
        "nerve": placement.nerve or None,
        "site": placement.site or None,
        "side": placement.side or None,
        "muscle": placement.muscle or None,
    }


def stimulator_json(status: StimulatorStatus) -> dict[str, Json]:
    """`stimulator`."""
    return {
        "type": "stimulator",
        "state": status.state.value,
        "current_ma": status.current_ma,
        "width_us": status.width_us,
        "expires_in_s": status.expires_in_s,
        "sentence": status.sentence,
        "ceiling_ma": status.ceiling_ma,
        "longest_us": status.longest_us,
        **placement_json(status.placement),
        "delivered_count": status.delivered_count,
        "implant": status.implant or None,
        "train": status.train or None,
        "kind": status.kind.value,
        "stated": STATED if status.kind.stated else None,
        "hunting": status.hunting,
    }


def recording_json(status: RecordingStatus | None, path_name: str) -> dict[str, Json]:
    """`recording`; None: nothing is recorded."""
    if status is None:
        return {
            "type": "recording", "state": "off", "seconds": 0.0, "bytes": 0,
            "sentence": "this run is not recorded", "path_name": "",
        }  # fmt: skip
    return {
        "type": "recording",
        "state": status.state,
        "seconds": round(status.seconds, 1),
        "bytes": status.bytes,
        "sentence": status.sentence,
        "path_name": path_name,
        "lost_samples": status.lost_samples,
    }


def store_json(status: StoreStatus) -> dict[str, Json]:
    """`store`: whether what was done is on the disk."""
    return {"type": "store", "state": status.state, "sentence": status.sentence}


def epoch_json(device: str, epoch: Epoch) -> dict[str, Json]:
    """`epoch`."""
    return {
        "type": "epoch",
        "device": device,
        "epoch": epoch.number,
        "cause": epoch.cause,
        "opened_utc": epoch.opened_utc.isoformat(),
        "at_s": epoch.opened_monotonic_s,
        "streams": streams_json(epoch.info.streams),
        "device_counter_at_zero": epoch.device_counter_at_zero,
    }


def gap_json(gap: GapNotice, view: int | None = None) -> dict[str, Json]:
    """`gap`; `view` where only one viewer's picture has it."""
    told: dict[str, Json] = {"type": "gap", **plain_fields(gap)}
    return told if view is None else {**told, "view": view}


def trigger_json(device: str, trigger: Trigger, at_s: float) -> dict[str, Json]:
    """`trigger`."""
    return {
        "type": "trigger",
        "device": device,
        "stream": trigger.stream,
        "epoch": trigger.epoch,
        "index": trigger.sample_index,
        "line": trigger.line,
        "edge": trigger.edge,
        "at_s": at_s,
    }


def card_json(card: MuscleStatus, revision: int) -> dict[str, Json]:
    """`card`: both axes of one muscle, side by side."""
    return {
        "type": "card",
        "muscle": card.muscle.key,
        "umn": plain(card.umn),
        "lmn": plain(card.lmn),
        "lead": list(card.lead),
        "revision": revision,
    }


def measurement_json(measurement: Measurement) -> dict[str, Json]:
    """A measurement as a sweep carries it."""
    return {
        "id": measurement.id,
        "measure": measurement.measure,
        "state": measurement.state,
        "reasons": list(measurement.reasons),
        "values": plain(measurement.values),
        "markers": [plain(marker) for marker in measurement.markers],
        "items": [plain(item) for item in measurement.items],
        "supersedes": measurement.supersedes,
        "detector": f"{measurement.measure} {measurement.version}",
        "version": measurement.version,
    }


def view_json(
    view: View, number: int, request: Json, epoch: int | None, next_index: int
) -> dict[str, Json]:
    """`view`: the answer to subscribe. `number` is the one in binary frames."""
    return {
        "type": "view",
        "view": number,
        "request": request,
        "device": view.device,
        "stream": view.stream,
        "channels": list(view.channels),
        "preset": view.preset,
        "columns_per_s": view.columns_per_s,
        "rate_hz": view.rate_hz,
        "decimation": view.decimation,
        "epoch": epoch,
        "next_index": next_index,
        "settling_samples": view.settling_samples,
    }


def plain_fields(value: object) -> dict[str, Json]:
    """The fields of a dataclass as JSON."""
    told = plain(value)
    if not isinstance(told, dict):
        raise TypeError(f"{type(value).__name__} has no fields")
    return told
