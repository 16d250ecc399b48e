"""`myotome verify`: is the record whole, and what is missing from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from drivers.types import Epoch, SampleBlock
from service.model import Json

from .continuity import Continuity
from .messages import Gap
from .reader import BlockReceived, EpochOpened, Recording, read_recording
from .structure import Damage, Ending


@dataclass(frozen=True, slots=True)
class Hole:
    """Samples [first_index, end_index) that a damaged part of the file held."""

    device: str
    stream: str
    epoch: int
    first_index: int
    end_index: int


@dataclass(frozen=True, slots=True)
class DamagedRange:
    """Bytes [first_byte, end_byte) that are not what was written; missing: the samples in them."""

    first_byte: int
    end_byte: int
    reason: str
    missing: tuple[Hole, ...] = ()


@dataclass(slots=True)
class StreamCount:
    """What the record holds of one stream. samples and lost: per channel."""

    name: str
    rate_hz: float
    channels: list[str]
    dtype: str
    samples: int = 0
    gaps: int = 0
    lost: int = 0
    rejected: int = 0
    suspect: int = 0


@dataclass(slots=True)
class DeviceCount:
    """What the record holds of one device."""

    device: str
    driver: str
    model: str
    serial_number: str
    firmware: str
    epochs: int = 0
    streams: list[StreamCount] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """Integrity of a record. whole: closed with its footer, every checksum right, nothing cut.

    samples: per channel, summed over streams. gaps, lost: samples that never came into the record
    (index jumps); a record with gaps can be whole. cut_bytes: of a last part never finished.
    """

    whole: bool
    samples: int
    gaps: int
    lost: int
    damaged: tuple[DamagedRange, ...]
    cut_bytes: int
    devices: tuple[DeviceCount, ...]

    def to_json(self) -> dict[str, Json]:
        """The object that `myotome verify --json` prints."""
        return {
            "whole": self.whole,
            "samples": self.samples,
            "gaps": self.gaps,
            "lost": self.lost,
            "damaged": [cast("Json", asdict(damage)) for damage in self.damaged],
            "cut_bytes": self.cut_bytes,
            "devices": [cast("Json", asdict(device)) for device in self.devices],
        }

    @property
    def sentence(self) -> str:
        """One line for a person."""
        if self.damaged:
            state = f"damaged in {len(self.damaged)} place(s)"
        elif not self.whole:
            state = f"ends early (the last {self.cut_bytes} bytes were never finished)"
        else:
            state = "whole"
        return f"{state}: {self.samples} samples per channel, {self.gaps} gaps, {self.lost} lost"


def verify(path: Path | str) -> Report:
    """Read every byte of a record and account for it. Raises RecordingError if it is no record."""
    with read_recording(path) as recording:
        return _Account().of(recording)


class _Account:
    """Sums up a recording while it is read."""

    def __init__(self) -> None:
        self._devices: dict[str, DeviceCount] = {}
        self._continuity = Continuity()
        self._damaged: list[DamagedRange] = []
        # streams that have had no block since the last damage: their next jump belongs to it
        self._after_damage: set[tuple[str, str]] = set()
        self._ending = Ending(False, 0)

    def of(self, recording: Recording) -> Report:
        for event in recording.events():
            match event:
                case EpochOpened(device, epoch):
                    self._epoch(device, epoch)
                case BlockReceived(device, block):
                    self._block(device, block)
                case Damage(first, end, reason):
                    self._damage(first, end, reason)
                case Ending():
                    self._ending = event
                case _:
                    pass
        streams = [s for d in self._devices.values() for s in d.streams]
        return Report(
            whole=self._ending.closed and not self._damaged,
            samples=sum(s.samples for s in streams),
            gaps=sum(s.gaps for s in streams),
            lost=sum(s.lost for s in streams),
            damaged=tuple(self._damaged),
            cut_bytes=self._ending.cut_bytes,
            devices=tuple(self._devices.values()),
        )

    def _epoch(self, device: str, epoch: Epoch) -> None:
        info = epoch.info
        count = self._devices.setdefault(
            device,
            DeviceCount(device, info.driver, info.model, info.serial_number, info.firmware),
        )
        count.epochs += 1
        for stream in info.streams:
            if all(s.name != stream.name for s in count.streams):
                labels = [c.label for c in stream.channels]
                count.streams.append(StreamCount(stream.name, stream.rate_hz, labels, stream.dtype))

    def _block(self, device: str, block: SampleBlock) -> None:
        count = self._stream(device, block)
        count.samples += block.data.shape[-1]
        count.rejected += block.rejected
        count.suspect += sum(end - first for first, end in block.suspect)
        gap = self._continuity.follow(device, block)
        key = (device, block.stream)
        damaged = key in self._after_damage
        self._after_damage.discard(key)
        if gap is None:
            return
        if damaged:
            self._hole(gap)
        else:
            count.gaps += 1
            count.lost += gap.count

    def _stream(self, device: str, block: SampleBlock) -> StreamCount:
        """The count of a block's stream, also when its epoch was in a damaged part."""
        count = self._devices.setdefault(device, DeviceCount(device, "", "", "", ""))
        for stream in count.streams:
            if stream.name == block.stream:
                return stream
        unknown = StreamCount(block.stream, 0.0, [], block.data.dtype.name)
        count.streams.append(unknown)
        return unknown

    def _damage(self, first: int, end: int, reason: str) -> None:
        if not self._damaged or self._damaged[-1] != DamagedRange(first, end, reason):
            self._damaged.append(DamagedRange(first, end, reason))
        self._after_damage = {
            (device.device, stream.name)
            for device in self._devices.values()
            for stream in device.streams
        }

    def _hole(self, gap: Gap) -> None:
        last = self._damaged[-1]
        hole = Hole(
            gap.device, gap.stream, gap.epoch, gap.first_missing, gap.first_missing + gap.count
        )
        self._damaged[-1] = DamagedRange(
            last.first_byte, last.end_byte, last.reason, (*last.missing, hole)
        )
