"""Min/max columns for drawing: each sample is looked at once, as it comes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Consecutive complete columns. data: float32 (n_channels, 2 * count), min and max in turn;
    column i covers `decimation` samples from `first_index + i * decimation` on."""

    first_index: int
    count: int
    data: npt.NDArray[np.float32]


class MinMax:
    """Incremental min and max over columns of `decimation` samples, aligned to multiples of it.

    A column that misses a sample (gap, start) is never given out: a picture may show a gap wider
    than it is by a part of a column, never narrower.
    """

    def __init__(self, channels: int, decimation: int) -> None:
        self.channels = channels
        self.decimation = decimation
        self._next_index = -1
        self._filled = 0  # samples of the column under way; 0: wait for the next column to begin
        self._low = np.empty((channels, 1))
        self._high = np.empty((channels, 1))

    def push(self, start_index: int, data: npt.NDArray[np.float64]) -> list[Columns]:
        """Take (n_channels, n) samples from `start_index` on; at most one run of columns."""
        if start_index != self._next_index:
            self.reset()
        self._next_index = start_index + data.shape[-1]
        phase = start_index % self.decimation
        if not self._filled and phase:
            skip = self.decimation - phase
            start_index, data = start_index + skip, data[:, skip:]
        first = start_index - self._filled
        done = []
        if self._filled:
            head = min(self.decimation - self._filled, data.shape[-1])
            self._fold(data[:, :head])
            data = data[:, head:]
            if self._filled == self.decimation:
                done.append(np.stack((self._low, self._high), axis=-1))
                self._filled = 0
        whole = data.shape[-1] // self.decimation
        if whole:
            done.append(self._reduce(data[:, : whole * self.decimation]))
        self._fold(data[:, whole * self.decimation :])
        if not done:
            return []
        columns = np.concatenate(done, axis=1).astype(np.float32)
        return [Columns(first, columns.shape[1], columns.reshape(self.channels, -1))]

    def reset(self) -> None:
        """Drop the column under way."""
        self._filled = 0
        self._next_index = -1

    def _reduce(self, data: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        starts = np.arange(0, data.shape[-1], self.decimation)
        low = np.minimum.reduceat(data, starts, axis=1)
        return np.stack((low, np.maximum.reduceat(data, starts, axis=1)), axis=-1)

    def _fold(self, data: npt.NDArray[np.float64]) -> None:
        if not data.shape[-1]:
            return
        low, high = data.min(axis=1, keepdims=True), data.max(axis=1, keepdims=True)
        if self._filled:
            low, high = np.minimum(self._low, low), np.maximum(self._high, high)
        self._low, self._high = low, high
        self._filled += data.shape[-1]
