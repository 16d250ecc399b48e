"""Counts to microvolts: (count - offset) * per_count, with each channel's own unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from drivers.types import Channel, StreamInfo

UV_PER_UNIT = {"uV": 1.0, "µV": 1.0, "mV": 1e3, "V": 1e6}


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Conversion of some rows of a stream. labels: the channels taken, in order; rows: where they
    lie in a block.

    emg channels come out in µV, others in their own unit. gain and offset: (n_taken, 1).
    """

    labels: tuple[str, ...]
    rows: slice | list[int]
    gain: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    @classmethod
    def of(cls, stream: StreamInfo, labels: Sequence[str]) -> Self:
        """The channels called `labels`. Raises ValueError for a label the stream does not have."""
        index = {channel.label: i for i, channel in enumerate(stream.channels)}
        unknown = [label for label in labels if label not in index]
        if unknown:
            raise ValueError(
                f"stream {stream.name} has no channel {unknown[0]}; it has {', '.join(index)}"
            )
        rows = [index[label] for label in labels]
        taken = [stream.channels[row] for row in rows]
        first = rows[0] if rows else 0
        adjacent = rows == list(range(first, first + len(rows)))
        return cls(
            tuple(labels),
            slice(first, first + len(rows)) if adjacent else rows,
            np.array([[_gain(channel)] for channel in taken]).reshape(-1, 1),
            np.array([[channel.offset] for channel in taken]).reshape(-1, 1),
        )

    @classmethod
    def of_emg(cls, stream: StreamInfo) -> Self:
        """All emg channels."""
        return cls.of(stream, [c.label for c in stream.channels if c.kind == "emg"])

    def physical(self, data: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """(n_channels, n) as stored → (n_taken, n) float64, a new array."""
        values: npt.NDArray[np.float64] = np.subtract(
            data[self.rows], self.offset, dtype=np.float64
        )
        values *= self.gain
        return values


def _gain(channel: Channel) -> float:
    if channel.kind != "emg":
        return channel.per_count
    return channel.per_count * UV_PER_UNIT.get(channel.unit, 1.0)
