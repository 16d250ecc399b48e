"""Layout of the record of truth, as docs/protocols/record.md states it: names, versions, bytes.

Pure: encodes and decodes, opens nothing. A record is an MCAP file with an exactly known first part
(`PROLOGUE`), one MCAP channel per device stream, and JSON channels for everything else.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Literal, cast

import numpy as np
from mcap.opcode import Opcode
from mcap.writer import MCAP0_MAGIC

from drivers.types import SampleArray, SampleBlock, StreamInfo
from service.model import Json

from .messages import trigger_from_json, trigger_to_json

SCHEMA_VERSION = 1
PROFILE = f"myotome/{SCHEMA_VERSION}"
LIBRARY = "myotome"
MAGIC: bytes = MCAP0_MAGIC

SAMPLE_TOPIC = "samples"
Topic = Literal["header", "epoch", "gap", "trigger", "stimulus", "setting", "state"]
JSON_TOPICS: tuple[Topic, ...] = (
    "header", "epoch", "gap", "trigger", "stimulus", "setting", "state",
)  # fmt: skip
SAMPLE_ENCODING = "myotome-samples"
SAMPLE_SCHEMA_TEXT = (
    "Little-endian: u32 dtype (1 int32, 2 float64), u32 epoch, u64 start_index, f64 received_s, "
    "u32 n_channels, u32 n_samples, u32 rejected, u32 n_suspect, u32 trigger_bytes; then n_suspect "
    "pairs of u64 [first, end); then trigger_bytes of JSON; then n_channels x n_samples values, "
    "channel after channel."
)

_BLOCK_HEAD = struct.Struct("<IIQdIIIII")
_DTYPES: dict[int, np.dtype[np.int32] | np.dtype[np.float64]] = {
    1: np.dtype("<i4"),
    2: np.dtype("<f8"),
}
_CODES = {dtype.str: code for code, dtype in _DTYPES.items()}


Piece = bytes | memoryview
"""Part of a message: small ones are made, samples are looked at where they lie. Bytes wide."""


class RecordingError(Exception):
    """A recording cannot be made or read; the message is one sentence: what, where, what to do."""


def prologue(profile: str) -> bytes:
    """Magic and header record of a file with that profile."""
    text = b"".join(struct.pack("<I", len(s)) + s for s in (profile.encode(), LIBRARY.encode()))
    return MAGIC + struct.pack("<BQ", Opcode.HEADER, len(text)) + text


PROLOGUE = prologue(PROFILE)


def to_json_bytes(value: Mapping[str, Json]) -> bytes:
    """UTF-8 JSON without spaces; floats keep every bit. Raises ValueError for NaN and infinity."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def from_json_bytes(data: bytes | memoryview) -> dict[str, Json]:
    """The object that `to_json_bytes` wrote. Raises ValueError if it is not a JSON object."""
    value = json.loads(bytes(data))
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object in the record, got {type(value).__name__}")
    return value


def sample_topic(device: str, stream: str) -> str:
    """Topic of one device stream."""
    return f"{SAMPLE_TOPIC}/{device}/{stream}"


def encode_block(block: SampleBlock) -> bytes:
    """One sample message: the block without loss, in its own dtype. Raises as `block_pieces`."""
    return b"".join(block_pieces(block))


def block_pieces(block: SampleBlock) -> list[Piece]:
    """One sample message, the samples not copied.

    Raises ValueError for a dtype other than int32 and float64, or data that is not two-dimensional.
    """
    code = _CODES.get(block.data.dtype.str)
    if code is None or block.data.ndim != 2:
        raise ValueError(
            f"expected int32 or float64 data of shape (channels, samples) in {block.stream}, "
            f"got {block.data.dtype.name} of shape {block.data.shape}"
        )
    triggers = b""
    if block.triggers:
        triggers = to_json_bytes({"triggers": [trigger_to_json(t) for t in block.triggers]})
    n_channels, n_samples = block.data.shape
    head = _BLOCK_HEAD.pack(
        code, block.epoch, block.start_index, block.received_s, n_channels, n_samples,
        block.rejected, len(block.suspect), len(triggers),
    )  # fmt: skip
    if block.suspect:
        head += np.asarray(block.suspect, dtype="<u8").tobytes()
    data = np.ascontiguousarray(block.data, dtype=_DTYPES[code])
    return [head + triggers, data.data.cast("B")] if data.size else [head + triggers]


def decode_block(stream: str, payload: bytes | memoryview) -> SampleBlock:
    """The block that `encode_block` wrote, equal bit for bit. Raises ValueError if it cannot be."""
    try:
        code, epoch, start, received_s, n_channels, n_samples, rejected, n_suspect, n_trigger = (
            _BLOCK_HEAD.unpack_from(payload)
        )
        dtype = _DTYPES[code]
    except (struct.error, KeyError) as error:
        raise ValueError(f"a sample message of stream {stream} has no valid head") from error
    at = _BLOCK_HEAD.size
    suspect = np.frombuffer(payload, "<u8", 2 * n_suspect, at).reshape(-1, 2)
    at += 16 * n_suspect
    triggers = []
    if n_trigger:
        listed = from_json_bytes(payload[at : at + n_trigger])["triggers"]
        triggers = [trigger_from_json(t) for t in cast("list[dict[str, Json]]", listed)]
    flat = np.frombuffer(payload, dtype, n_channels * n_samples, at + n_trigger)
    data = cast("SampleArray", flat.reshape(n_channels, n_samples).astype(dtype.newbyteorder("=")))
    return SampleBlock(
        stream=stream,
        epoch=epoch,
        start_index=start,
        data=data,
        received_s=received_s,
        triggers=tuple(triggers),
        rejected=rejected,
        suspect=tuple((int(first), int(end)) for first, end in suspect),
    )


def stream_metadata(device: str, info: StreamInfo) -> dict[str, str]:
    """MCAP channel metadata: enough for another tool to scale the samples without our code."""
    return {
        "device": device,
        "stream": info.name,
        "rate_hz": repr(info.rate_hz),
        "dtype": info.dtype,
        "group_delay_s": repr(info.group_delay_s),
        "channels": json.dumps([c.label for c in info.channels], ensure_ascii=False),
        "units": json.dumps([c.unit for c in info.channels], ensure_ascii=False),
        "per_count": json.dumps([c.per_count for c in info.channels]),
        "offset": json.dumps([c.offset for c in info.channels]),
    }
