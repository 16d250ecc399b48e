"""MCAP records and chunks, written without copying the samples.

The mcap library's writer copies each message three times on its way into a chunk, which costs more
than writing it. Here a chunk is a list of pieces, joined by the kernel; the small records are still
the library's, and its reader is the judge in the tests. Source: the MCAP specification, version 0.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    McapRecord,
    Schema,
    Statistics,
    SummaryOffset,
)

from .disk import DurableFile
from .layout import MAGIC, PROLOGUE, Piece

_MESSAGE: Final = struct.Struct("<BQHIQQ")  # opcode, length, channel, sequence, two times
_CHUNK: Final = struct.Struct("<BQQQQIIQ")  # opcode, length, times, size, crc, compression, size
_RECORD_BYTES: Final = 9  # opcode and length of any record


class ChunkWriter:
    """One MCAP file: chunks without compression, each with its CRC; a summary with chunk indexes
    and statistics. Message indexes are left out: they lie outside chunks, where no CRC is."""

    def __init__(self, file: DurableFile) -> None:
        self._file = file
        self._file.write(PROLOGUE)
        self._schemas: list[Schema] = []
        self._channels: list[Channel] = []
        self._indexes: list[ChunkIndex] = []
        self._counts: Counter[int] = Counter()
        self._pieces: list[Piece] = []
        self._times: list[int] = []
        self._sequence = 0
        self.chunk_bytes = 0  # of the chunk under way

    def schema(self, name: str, encoding: str, data: bytes) -> int:
        """Define a schema; its number."""
        made = Schema(data=data, encoding=encoding, id=len(self._schemas) + 1, name=name)
        self._schemas.append(made)
        self._define(made)
        return made.id

    def channel(
        self, topic: str, encoding: str, schema: int, metadata: Mapping[str, str] | None = None
    ) -> int:
        """Define a channel; its number."""
        number = len(self._channels) + 1
        made = Channel(number, topic, encoding, dict(metadata or {}), schema)
        self._channels.append(made)
        self._define(made)
        return number

    def message(self, channel: int, at_ns: int, pieces: Sequence[Piece]) -> None:
        """Add a message made of at least one piece; they must not change until on the disk."""
        size = _MESSAGE.size + sum(map(len, pieces))
        length = size - _RECORD_BYTES
        head = _MESSAGE.pack(Opcode.MESSAGE, length, channel, self._sequence, at_ns, at_ns)
        self._pieces.append(head + pieces[0])  # the small one; samples come after it
        self._pieces.extend(pieces[1:])
        self.chunk_bytes += size
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        self._counts[channel] += 1
        self._times.append(at_ns)

    def _define(self, record: McapRecord) -> None:
        piece = _encoded(record)
        self._pieces.append(piece)
        self.chunk_bytes += len(piece)

    def close_chunk(self) -> None:
        """End the chunk under way, if it has a message, so that it has its CRC."""
        if not self._times:
            return
        crc, size, offset = 0, self.chunk_bytes, self._file.tell()
        for piece in self._pieces:
            crc = zlib.crc32(piece, crc)
        first_ns, last_ns = min(self._times), max(self._times)
        length = _CHUNK.size - _RECORD_BYTES + size
        self._file.write(_CHUNK.pack(Opcode.CHUNK, length, first_ns, last_ns, size, crc, 0, size))
        for piece in self._pieces:
            self._file.write(piece)
        self._indexes.append(
            ChunkIndex(
                chunk_length=_RECORD_BYTES + length,
                chunk_start_offset=offset,
                compression="",
                compressed_size=size,
                message_end_time=last_ns,
                message_index_length=0,
                message_index_offsets={},
                message_start_time=first_ns,
                uncompressed_size=size,
            )
        )
        self._pieces, self._times, self.chunk_bytes = [], [], 0

    def finish(self) -> None:
        """Write the summary and the footer: after this the file is whole."""
        self.close_chunk()
        self._file.write(_encoded(DataEnd(0)))
        start = self._file.tell()
        groups: tuple[tuple[int, Sequence[McapRecord]], ...] = (
            (Opcode.SCHEMA, self._schemas),
            (Opcode.CHANNEL, self._channels),
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, self._indexes),
        )
        summary, offsets = b"", b""
        for opcode, records in groups:
            group = b"".join(_encoded(record) for record in records)
            offsets += _encoded(SummaryOffset(opcode, start + len(summary), len(group)))
            summary += group
        offset_start = start + len(summary)
        footer = _encoded(Footer(start, offset_start, 0))[:-4]
        crc = zlib.crc32(summary + offsets + footer)
        self._file.write(summary + offsets + footer + struct.pack("<I", crc) + MAGIC)

    def _statistics(self) -> Statistics:
        starts = [index.message_start_time for index in self._indexes]
        ends = [index.message_end_time for index in self._indexes]
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=dict(self._counts),
            chunk_count=len(self._indexes),
            message_count=self._counts.total(),
            message_end_time=max(ends, default=0),
            message_start_time=min(starts, default=0),
            metadata_count=0,
            schema_count=len(self._schemas),
        )


def _encoded(record: McapRecord) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())  # type: ignore[no-untyped-call]  # the library leaves it bare
