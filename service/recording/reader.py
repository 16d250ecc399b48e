"""Reads a record: all that happened, in the order in which it was recorded."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel as ChannelRecord

from drivers.types import Epoch, LinkState, SampleBlock, Stimulus, Trigger
from service.model import Json

from .layout import (
    MAGIC,
    PROLOGUE,
    SCHEMA_VERSION,
    RecordingError,
    decode_block,
    from_json_bytes,
)
from .messages import (
    Gap,
    epoch_from_json,
    gap_from_json,
    stimulus_from_json,
    trigger_from_json,
)
from .structure import Chunk, Damage, Definition, Ending, Message, summary_definitions, walk

_FEW_BYTES = 4
# magic, opcode and length of the header record, length of the profile, profile
_PROFILE = re.compile(re.escape(MAGIC) + rb".{13}myotome/(\d+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Header:
    """First message of every record. study: what the study said of itself when it began."""

    schema_version: int
    software_version: str
    opened_utc: datetime
    opened_monotonic_s: float
    study: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class EpochOpened:
    """A device opened an epoch."""

    device: str
    epoch: Epoch


@dataclass(frozen=True, slots=True, eq=False)
class BlockReceived:
    """A block of samples, equal bit for bit to the one recorded."""

    device: str
    block: SampleBlock


@dataclass(frozen=True, slots=True)
class TriggerSeen:
    """An edge as the pipeline announced it; the block holds it too."""

    device: str
    trigger: Trigger
    at_s: float


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """Task, temperature, exclusion or another setting changed."""

    key: str
    value: Json
    at_s: float


@dataclass(frozen=True, slots=True)
class StateChanged:
    """A device's link changed state."""

    device: str
    state: LinkState
    sentence: str
    at_s: float


Event = (
    Header
    | EpochOpened
    | BlockReceived
    | Gap
    | TriggerSeen
    | Stimulus
    | SettingChanged
    | StateChanged
    | Damage
    | Ending
)


class Recording:
    """An open record. `events` may be iterated any number of times; `close` it, or use `with`."""

    def __init__(self, path: Path) -> None:
        """Raises RecordingError if the file is missing, is no record, or is of a newer schema."""
        self.path = path
        try:
            with path.open("rb") as file:
                self.size = path.stat().st_size
                # an empty file cannot be mapped
                self._map = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) if self.size else None
        except OSError as error:
            raise RecordingError(f"{path} cannot be opened: {error.strerror}") from error
        self._buffer = memoryview(self._map if self._map is not None else b"")
        try:
            self._check_kind()
        except RecordingError:
            self.close()
            raise

    def _check_kind(self) -> None:
        start = bytes(self._buffer[: len(PROLOGUE)])
        if start == PROLOGUE or PROLOGUE.startswith(start):
            return
        version = self._told_version()
        if version is not None and version > SCHEMA_VERSION:
            raise RecordingError(
                f"{self.path.name} was written by a newer Myotome (record schema {version}, this "
                f"one reads up to {SCHEMA_VERSION}): update Myotome to open it"
            )
        if version is None and not _similar(start, PROLOGUE):
            raise RecordingError(
                f"{self.path.name} is not a Myotome recording: it does not start as one; "
                "`myotome analyse` also takes .csv, .npz and QTrac .mem files"
            )

    def _told_version(self) -> int | None:
        """Schema version by the first message or, failing that, by the file's first part."""
        for part in walk(self._buffer):
            if not isinstance(part, Chunk):
                continue
            first = next(item for item in part.parts if isinstance(item, Message))
            try:
                version = from_json_bytes(first.payload).get("schema_version")
            except ValueError:
                break
            return version if isinstance(version, int) else None
        profile = _PROFILE.match(bytes(self._buffer[: len(PROLOGUE) + 8]))
        return int(profile[1]) if profile else None

    @property
    def header(self) -> Header:
        """The study header. Raises RecordingError if the file ends or is damaged before it."""
        for event in self.events():
            if isinstance(event, Header):
                return event
        raise RecordingError(f"{self.path.name} has no readable header: nothing in it can be used")

    def events(self) -> Iterator[Event]:
        """Everything in order. Damage appears where it lies; the last event is an `Ending`."""
        channels: dict[int, ChannelRecord] = {}
        sequence = 0
        for part in walk(self._buffer):
            if isinstance(part, Damage):
                for definition in summary_definitions(self._buffer):
                    _define(channels, definition)
            if not isinstance(part, Chunk):
                sequence = -1 if isinstance(part, Damage) else sequence
                yield part
                continue
            for item in part.parts:
                if isinstance(item, Definition):
                    _define(channels, item)
                    continue
                if item.sequence != sequence and sequence >= 0:
                    yield Damage(part.first_byte, part.first_byte, "messages are missing here")
                sequence = (item.sequence + 1) & 0xFFFFFFFF
                yield _event(channels, item, part)

    def close(self) -> None:
        """Unmap the file; idempotent. Views still in use keep it mapped until they are gone."""
        with suppress(BufferError):
            self._buffer.release()
            if self._map is not None:
                self._map.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def read_recording(path: Path | str) -> Recording:
    """Open a record, whole or cut short. Raises RecordingError; see `Recording`."""
    return Recording(Path(path))


def _similar(start: bytes, expected: bytes) -> bool:
    """Whether a file starts as a record does but for a few changed bytes."""
    changed = sum(a != b for a, b in zip(start, expected, strict=False))
    return len(start) == len(expected) and changed <= _FEW_BYTES


def _define(channels: dict[int, ChannelRecord], item: Definition) -> None:
    if item.opcode == Opcode.CHANNEL:
        record = ChannelRecord.read(ReadDataStream(BytesIO(item.body)))
        channels[record.id] = record


def _event(channels: Mapping[int, ChannelRecord], message: Message, chunk: Chunk) -> Event:
    channel = channels.get(message.channel)
    where = (chunk.first_byte, chunk.end_byte)
    if channel is None:
        return Damage(*where, f"what channel {message.channel} is was told in a damaged part")
    try:
        if channel.topic.startswith("samples/"):
            meta = channel.metadata
            return BlockReceived(meta["device"], decode_block(meta["stream"], message.payload))
        return _told(channel.topic, from_json_bytes(message.payload))
    except (KeyError, TypeError, ValueError) as error:
        return Damage(*where, f"a message of {channel.topic} cannot be understood: {error}")


def _told(topic: str, value: dict[str, Any]) -> Event:
    read = _READERS.get(topic)
    if read is None:
        raise ValueError(f"the topic {topic} is not one of schema {SCHEMA_VERSION}")
    return read(value)


def _header(value: dict[str, Any]) -> Header:
    return Header(**{**value, "opened_utc": datetime.fromisoformat(value["opened_utc"])})


def _trigger(value: dict[str, Any]) -> TriggerSeen:
    device, at_s = value.pop("device"), value.pop("at_s")
    return TriggerSeen(device, trigger_from_json(value), at_s)


_READERS: Mapping[str, Callable[[dict[str, Any]], Event]] = {
    "header": _header,
    "epoch": lambda value: EpochOpened(*epoch_from_json(value)),
    "gap": gap_from_json,
    "trigger": _trigger,
    "stimulus": stimulus_from_json,
    "setting": lambda value: SettingChanged(**value),
    "state": lambda value: StateChanged(**{**value, "state": LinkState(value["state"])}),
}
