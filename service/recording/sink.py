"""Recorder entries → MCAP records: registers channels as they appear and numbers every message."""

from __future__ import annotations

from typing import Any

from mcap.writer import CompressionType, IndexType, Writer

from drivers.types import SampleBlock, StreamInfo
from service.model import Json

from .disk import DurableFile
from .layout import (
    JSON_TOPICS,
    LIBRARY,
    PROFILE,
    SAMPLE_ENCODING,
    SAMPLE_SCHEMA_TEXT,
    Topic,
    encode_block,
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
        # The MCAP library leaves most of its writer unannotated.
        self._writer: Any = Writer(
            file,  # type: ignore[arg-type]  # it needs write, tell and flush only
            chunk_size=_CHUNK_BYTES,
            compression=CompressionType.NONE,
            index_types=IndexType.CHUNK,  # message indexes lie outside chunks, where no CRC is
            enable_data_crcs=False,  # each chunk has its own; a second one would double the cost
        )
        self._writer.start(profile=PROFILE, library=LIBRARY)
        self._sequence = 0
        self._streams: dict[tuple[str, StreamInfo], int] = {}
        schema = self._writer.register_schema("myotome.SampleBlock", "text", _SAMPLE_SCHEMA)
        self._sample_schema: int = schema
        self._topics: dict[Topic, int] = {}
        for topic in JSON_TOPICS:
            schema = self._writer.register_schema(f"myotome.{topic}", "jsonschema", _ANY_OBJECT)
            self._topics[topic] = self._writer.register_channel(topic, "json", schema)

    def json(self, topic: Topic, at_s: float, value: dict[str, Json]) -> None:
        """Add one JSON message. Raises ValueError for a value that JSON cannot hold."""
        self._add(self._topics[topic], at_s, to_json_bytes(value))

    def block(self, device: str, info: StreamInfo, block: SampleBlock) -> None:
        """Add one sample message. Raises ValueError for data that a block cannot have."""
        payload = encode_block(block)
        channel = self._streams.get((device, info))
        if channel is None:
            channel = self._writer.register_channel(
                sample_topic(device, info.name),
                SAMPLE_ENCODING,
                self._sample_schema,
                stream_metadata(device, info),
            )
            self._streams[device, info] = channel
        self._add(channel, block.received_s, payload)

    def _add(self, channel: int, at_s: float, payload: bytes) -> None:
        at_ns = max(0, self._zero_ns + round(at_s * 1e9))
        self._writer.add_message(channel, at_ns, payload, at_ns, self._sequence)
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF

    def close_chunk(self) -> None:
        """End the chunk under way, so that it has its CRC and can go to the disk."""
        self._writer.flush()

    def finish(self) -> None:
        """Write the summary and the footer: after this the file is whole."""
        self._writer.finish()


_SAMPLE_SCHEMA = SAMPLE_SCHEMA_TEXT.encode()
_ANY_OBJECT = b'{"type":"object"}'
