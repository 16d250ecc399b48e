"""The record's bytes, walked strictly: every byte is either covered by a CRC or known in advance.

Pure: a buffer in, parts out. Nothing is skipped silently: what does not fit is `Damage`, and a file
that merely stops is told apart from one that was changed.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mcap.opcode import Opcode

from .layout import MAGIC, PROLOGUE

Buffer: TypeAlias = memoryview

_RECORD = struct.Struct("<BQ")
_CHUNK = struct.Struct("<QQQIIQ")  # start, end, size, crc, length of compression (0), data length
_CHUNK_HEAD_BYTES = _RECORD.size + _CHUNK.size
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
_FOOTER = struct.Struct("<BQQQI")
_DATA_END = _RECORD.pack(Opcode.DATA_END, 4) + bytes(4)  # no CRC over all chunks together
_CHUNK_START = re.compile(rb"\x06(?=.{5}\x00\x00\x00)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """One message inside a chunk; payload is a view into the file."""

    channel: int
    sequence: int
    log_time_ns: int
    payload: Buffer


@dataclass(frozen=True, slots=True)
class Definition:
    """A schema or channel record inside a chunk, undecoded. opcode: MCAP's."""

    opcode: int
    body: Buffer


@dataclass(frozen=True, slots=True)
class Chunk:
    """One whole chunk with a good CRC, bytes [first_byte, end_byte) of the file."""

    first_byte: int
    end_byte: int
    parts: tuple[Message | Definition, ...]


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes [first_byte, end_byte) are not what was written; reason is one phrase."""

    first_byte: int
    end_byte: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How the file ends. closed: with the footer it was given. cut_bytes: of a part that was never
    finished, at the end of a file that only stops early."""

    closed: bool
    cut_bytes: int


Part = Chunk | Damage | Ending


def walk(buffer: Buffer) -> Iterator[Part]:
    """Every part of the file in order; the last one is an `Ending`."""
    size = len(buffer)
    if bytes(buffer[: len(PROLOGUE)]) != PROLOGUE:
        if PROLOGUE.startswith(bytes(buffer)):
            yield Ending(False, size)
            return
        yield Damage(0, len(PROLOGUE), "the first part of the file is not what every record has")
    at = len(PROLOGUE)
    while at < size:
        if _DATA_END.startswith(bytes(buffer[at : at + len(_DATA_END)])):
            yield from _tail(buffer, at)
            return
        part = _chunk(buffer, at)
        if isinstance(part, Ending):
            yield part
            return
        yield part
        at = part.end_byte
    yield Ending(False, 0)


def _chunk(buffer: Buffer, at: int) -> Part:
    """The chunk at `at`; Ending if the file stops inside it."""
    size = len(buffer)
    if buffer[at] != Opcode.CHUNK:
        if not any(buffer[at:]):  # a power cut can leave a tail that was allocated, never written
            return Ending(False, size - at)
        return _lost_track(buffer, at, "no chunk begins where one must")
    if size - at < _CHUNK_HEAD_BYTES:
        return Ending(False, size - at)
    end = _chunk_end(buffer, at)
    if end is None:
        return _lost_track(buffer, at, "the lengths of a chunk contradict each other")
    return Ending(False, size - at) if end > size else _whole_chunk(buffer, at, end)


def _whole_chunk(buffer: Buffer, at: int, end: int) -> Chunk | Damage:
    """The chunk in bytes [at, end), checked against its CRC and its times."""
    start_ns, end_ns, _, crc, _, _ = _CHUNK.unpack_from(buffer, at + _RECORD.size)
    data = buffer[at + _CHUNK_HEAD_BYTES : end]
    if zlib.crc32(data) != crc:
        return Damage(at, end, "the checksum of a chunk is wrong")
    parts = tuple(_parts(data))
    times = [p.log_time_ns for p in parts if isinstance(p, Message)]
    if not times or (min(times), max(times)) != (start_ns, end_ns):
        return Damage(at, end, "the times of a chunk are not those of its messages")
    return Chunk(at, end, parts)


def _chunk_end(buffer: Buffer, at: int) -> int | None:
    """End of the chunk whose whole head lies at `at`, None if its lengths contradict each other."""
    _, length = _RECORD.unpack_from(buffer, at)
    _, _, inner, _, no_name, data_length = _CHUNK.unpack_from(buffer, at + _RECORD.size)
    if length != _CHUNK.size + data_length or inner != data_length or no_name:
        return None
    return at + _RECORD.size + int(length)


def _parts(data: Buffer) -> Iterator[Message | Definition]:
    """Records inside a chunk whose CRC was good."""
    at = 0
    while at < len(data):
        opcode, length = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if opcode == Opcode.MESSAGE:
            channel, sequence, log_time_ns, _ = _MESSAGE.unpack_from(data, at)
            yield Message(channel, sequence, log_time_ns, data[at + _MESSAGE.size : at + length])
        else:
            yield Definition(opcode, data[at : at + length])
        at += length


def _lost_track(buffer: Buffer, at: int, reason: str) -> Damage:
    """Damage up to the next chunk that is whole, or the end of data, or the end of the file."""
    for found in _CHUNK_START.finditer(buffer, at + 1):
        if _is_chunk(buffer, found.start()):
            return Damage(at, found.start(), reason)
    end_of_data = _find_data_end(buffer, at + 1)
    return Damage(at, len(buffer) if end_of_data is None else end_of_data, reason)


def _is_chunk(buffer: Buffer, at: int) -> bool:
    """Whether a place that looks like a chunk is one."""
    if len(buffer) - at < _CHUNK_HEAD_BYTES:
        return False
    end = _chunk_end(buffer, at)
    if end is None or end > len(buffer):
        return False
    return isinstance(_whole_chunk(buffer, at, end), Chunk)


def _find_data_end(buffer: Buffer, after: int) -> int | None:
    """Where the data section of a closed file ends, told by its footer."""
    footer = _footer(buffer)
    if footer is None:
        return None
    at = footer - len(_DATA_END)
    return at if at >= after and buffer[at : at + len(_DATA_END)] == _DATA_END else None


def _footer(buffer: Buffer) -> int | None:
    """Start of the summary section, if the file has a footer and its CRC is good."""
    at = len(buffer) - len(MAGIC) - _FOOTER.size
    if at < len(PROLOGUE):
        return None
    opcode, length, summary, _, crc = _FOOTER.unpack_from(buffer, at)
    good = opcode == Opcode.FOOTER and length == _FOOTER.size - _RECORD.size and summary <= at
    if not good or zlib.crc32(buffer[summary : at + _FOOTER.size - 4]) != crc:
        return None
    return int(summary)


def _tail(buffer: Buffer, at: int) -> Iterator[Damage | Ending]:
    """From the end of data on: the summary, the footer, the closing magic."""
    size = len(buffer)
    summary = at + len(_DATA_END)
    if summary > size:
        yield Ending(False, size - at)
        return
    magic_good = bytes(buffer[size - len(MAGIC) :]) == MAGIC
    if magic_good and _footer(buffer) == summary:
        yield Ending(True, 0)
    elif not magic_good and (cut := _cut_in_summary(buffer, summary)) is not None:
        yield Ending(False, cut)
    else:
        yield Damage(summary, size, "the summary, the footer or the last bytes changed")
        yield Ending(True, 0)


def _cut_in_summary(buffer: Buffer, at: int) -> int | None:
    """Bytes after the last whole record of a summary that stops early; None if it does not."""
    size = len(buffer)
    while size - at >= _RECORD.size:
        opcode, length = _RECORD.unpack_from(buffer, at)
        if at + _RECORD.size + length > size:
            return size - at
        at += _RECORD.size + length
        if opcode == Opcode.FOOTER:
            rest = bytes(buffer[at:])
            return len(rest) if rest != MAGIC and MAGIC.startswith(rest) else None
    return size - at


def summary_definitions(buffer: Buffer) -> Iterator[Definition]:
    """Schemas and channels repeated in the summary of a closed file; nothing if not closed."""
    at = _footer(buffer)
    if at is None:
        return
    end = len(buffer) - len(MAGIC) - _FOOTER.size
    while at < end:
        opcode, length = _RECORD.unpack_from(buffer, at)
        at += _RECORD.size
        if opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
            yield Definition(opcode, buffer[at : at + length])
        at += length
