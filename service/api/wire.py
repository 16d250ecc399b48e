"""The binary frames and text envelopes of `WS /api/live` (docs/protocols/live.md): pure bytes.

A `Parcel` is one message, encoded once and shared by every viewer that gets it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from websockets.frames import Frame, Opcode

from service.model import Json

PROTOCOL = 1
# version, kind, view, epoch, first_index, count, dropped_before, channels, decimation, server_s,
# reserved
HEADER = struct.Struct("<BBHIQIIHHdI")
_DROPPED = struct.Struct("<I")
_DROPPED_AT = 20
_U32_MAX = 0xFFFF_FFFF


class Kind(IntEnum):
    """What the float32 values after the header are."""

    SAMPLES = 1
    MINMAX = 2
    SWEEP = 3


@dataclass(frozen=True, slots=True)
class Header:
    """The 40 bytes before the values. `count` is samples or columns per channel; `first_index` and
    `dropped_before` are samples of the stream; `server_s` is the service's monotonic clock."""

    kind: Kind
    view: int
    epoch: int
    first_index: int
    count: int
    channels: int
    decimation: int
    server_s: float
    dropped_before: int = 0

    def encode(self) -> bytes:
        """40 bytes, little-endian."""
        return HEADER.pack(
            PROTOCOL, self.kind, self.view, self.epoch, self.first_index, self.count,
            min(self.dropped_before, _U32_MAX), self.channels, self.decimation, self.server_s, 0,
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """The header of a binary frame. Raises ValueError for another version or a short frame."""
        if len(data) < HEADER.size:
            raise ValueError(f"a frame has {HEADER.size} header bytes, this one {len(data)}")
        version, kind, view, epoch, first, count, dropped, channels, decimation, server_s, _ = (
            HEADER.unpack_from(data)
        )
        if version != PROTOCOL:
            raise ValueError(f"frame version {version}, expected {PROTOCOL}")
        return cls(
            Kind(kind), view, epoch, first, count, channels, decimation, server_s, dropped
        )  # fmt: skip


@dataclass(eq=False, slots=True)
class Parcel:
    """One websocket message: `payload` is what the browser gets, `frame` the same with the
    server's (unmasked, uncompressed) websocket framing, built at most once."""

    payload: bytes
    text: bool = False
    _frame: bytes = field(default=b"", repr=False)

    @property
    def frame(self) -> bytes:
        """The message as it goes into the socket."""
        if not self._frame:
            opcode = Opcode.TEXT if self.text else Opcode.BINARY
            self._frame = Frame(opcode, self.payload).serialize(mask=False)
        return self._frame

    def with_dropped(self, samples: int) -> Parcel:
        """The same binary frame for one viewer that missed `samples` before it."""
        dropped = _DROPPED.pack(min(samples, _U32_MAX))
        return Parcel(
            self.payload[:_DROPPED_AT] + dropped + self.payload[_DROPPED_AT + len(dropped) :]
        )


def binary_parcel(header: Header, values: npt.NDArray[np.float32]) -> Parcel:
    """One binary frame. `values` has shape (channels, count), or (channels, 2 * count) for min/max
    columns, in µV. Raises ValueError when header and values disagree."""
    per_count = 2 if header.kind is Kind.MINMAX else 1
    expected = (header.channels, header.count * per_count)
    if values.shape != expected:
        raise ValueError(f"a {header.kind.name} frame of shape {expected} got {values.shape}")
    return Parcel(header.encode() + values.astype("<f4", copy=False).tobytes())


def text_body(message: Mapping[str, Json]) -> str:
    """A message as compact JSON; the same for every viewer, before `seq` is put in."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def text_parcel(body: str, seq: int) -> Parcel:
    """`body` (a non-empty JSON object) with this socket's `seq`."""
    return Parcel(f'{{"seq":{seq},{body[1:]}'.encode(), text=True)
