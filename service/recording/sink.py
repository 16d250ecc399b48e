"""Recorder entries → MCAP records: registers channels as they appear and numbers every message."""

from __future__ import annotations

from drivers.types import SampleBlock, StreamInfo
from service.model import Json

from .chunks import ChunkWriter
from .disk import DurableFile
from .layout import (
    JSON_TOPICS,
    SAMPLE_ENCODING,
    SAMPLE_SCHEMA_TEXT,
    Piece,
    Topic,
    block_pieces,
    sample_topic,
    stream_metadata,
    to_json_bytes,
)

# A burst is cut here; normally the recorder closes a chunk five times a second.
_CHUNK_BYTES = 4 << 20


class RecordSink:
    """Writes messages into an MCAP file over `DurableFile`. `zero_ns` is UTC at monotonic time 0:
    log times are wall time for other people's viewers; our own readers use the times inside."""

    def __init__(self, file: DurableFile, zero_ns: int) -> None:
        self._zero_ns = zero_ns
        self._writer = ChunkWriter(file)
        self._streams: dict[tuple[str, str], dict[StreamInfo, int]] = {}
        self._latest: dict[tuple[str, str], tuple[StreamInfo, int]] = {}
        self._sample_schema = self._writer.schema("myotome.SampleBlock", "text", _SAMPLE_SCHEMA)
        self._topics: dict[Topic, int] = {}
        for topic in JSON_TOPICS:
            schema = self._writer.schema(f"myotome.{topic}", "jsonschema", _ANY_OBJECT)
            self._topics[topic] = self._writer.channel(topic, "json", schema)

    def json(self, topic: Topic, at_s: float, value: dict[str, Json]) -> None:
        """Add one JSON message. Raises ValueError for a value that JSON cannot hold."""
        self._add(self._topics[topic], at_s, [to_json_bytes(value)])

    def block(self, device: str, info: StreamInfo, block: SampleBlock) -> None:
        """Add one sample message. Raises ValueError for data that a block cannot have."""
        pieces = block_pieces(block)
        self._add(self._channel(device, info), block.received_s, pieces)

    def _channel(self, device: str, info: StreamInfo) -> int:
        """Number of the channel of a stream; the same description is the same channel."""
        key = device, info.name
        latest = self._latest.get(key)
        if latest is not None and latest[0] is info:  # a description is long to hash
            return latest[1]
        known = self._streams.setdefault(key, {})
        if info not in known:
            known[info] = self._writer.channel(
                sample_topic(device, info.name),
                SAMPLE_ENCODING,
                self._sample_schema,
                stream_metadata(device, info),
            )
        self._latest[key] = info, known[info]
        return known[info]

    def _add(self, channel: int, at_s: float, pieces: list[Piece]) -> None:
        at_ns = max(0, self._zero_ns + round(at_s * 1e9))
        self._writer.message(channel, at_ns, pieces)
        if self._writer.chunk_bytes > _CHUNK_BYTES:
            self._writer.close_chunk()

    def close_chunk(self) -> None:
        """End the chunk under way, so that it has its CRC and can go to the disk."""
        self._writer.close_chunk()

    def finish(self) -> None:
        """Write the summary and the footer: after this the file is whole."""
        self._writer.finish()


_SAMPLE_SCHEMA = SAMPLE_SCHEMA_TEXT.encode()
_ANY_OBJECT = b'{"type":"object"}'
