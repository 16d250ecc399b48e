"""From µV to the frames of one view: filter, then columns or samples, then frames of 20 ms.

Frames begin and end at multiples of their length, so they do not depend on how the stream was cut
into blocks, and a view never sends more than 50 a second.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .envelope import MinMax
from .filters import StreamFilter, design, settling_samples
from .scale import Scale
from .types import MINMAX, SAMPLES, LiveFrame, View

FRAME_S = 0.02
HISTORY_FRAME_S = 1.0


def follow(view: View, rate_hz: float) -> None:
    """Fit a view to its stream's rate. Raises PresetUnusable."""
    settling = settling_samples(design(view.preset, rate_hz))
    wanted = rate_hz / view.columns_per_s if view.columns_per_s > 0 else 1.0
    view.rate_hz, view.decimation, view.settling_samples = rate_hz, max(1, round(wanted)), settling


class ViewFeed:
    """The state of one view within one epoch: filter, column under way, frame under way.

    Samples wait unfiltered until their frame is whole: one call of the filter a frame, not a block.
    """

    def __init__(self, view: View, scale: Scale, epoch: int, *, frame_s: float = FRAME_S) -> None:
        self.view = view
        self.scale = scale
        self.epoch = epoch
        self.next_index: int | None = None  # the next sample expected
        self.sent_index = 0  # just past the newest sample given out in a frame
        self._filter = StreamFilter(design(view.preset, view.rate_hz), len(view.channels))
        self._columns = MinMax(len(view.channels), view.decimation) if view.decimation > 1 else None
        steps = math.ceil(round(frame_s * view.rate_hz / view.decimation, 6))
        self._frame_length = max(1, steps) * view.decimation
        self._waiting: list[npt.NDArray[np.float64]] = []
        self._first = 0  # stream index of the first sample waiting

    def prime(self, start_index: int, data: npt.NDArray[np.float64]) -> None:
        """Let the filter settle on (n_channels, n) samples before the first `push`."""
        if self.next_index is not None and start_index != self.next_index:
            self._filter.reset()
        self._filter.push(data)
        self.next_index = start_index + data.shape[-1]

    def push(
        self, start_index: int, data: npt.NDArray[np.float64], received_s: float
    ) -> list[LiveFrame]:
        """Take (n_channels, n) samples, kept until their frame is out; the frames they complete."""
        frames: list[LiveFrame] = []
        if self.next_index is not None and start_index != self.next_index:
            frames = self.flush(received_s)
            self._filter.reset()
        self.next_index = start_index + data.shape[-1]
        while data.shape[-1]:
            room = self._frame_length - start_index % self._frame_length
            if not self._waiting:
                self._first = start_index
            self._waiting.append(data[:, :room])
            if data.shape[-1] >= room:
                frames += self.flush(received_s)
            start_index, data = start_index + room, data[:, room:]
        return frames

    def flush(self, received_s: float) -> list[LiveFrame]:
        """The frame under way, as far as it has come: at a gap, at the end, when data stop."""
        if not self._waiting:
            return []
        waiting, self._waiting = self._waiting, []
        filtered = self._filter.push(np.concatenate(waiting, axis=1))
        if self._columns is None:
            return [self._frame(self._first, filtered.astype(np.float32), received_s)]
        runs = self._columns.push(self._first, filtered)
        return [self._frame(run.first_index, run.data, received_s) for run in runs]

    def _frame(self, first: int, values: npt.NDArray[np.float32], received_s: float) -> LiveFrame:
        per_step = 1 if self._columns is None else 2
        frame = LiveFrame(
            view=self.view.number,
            kind=SAMPLES if self._columns is None else MINMAX,
            epoch=self.epoch,
            first_index=first,
            count=values.shape[-1] // per_step,
            decimation=self.view.decimation,
            data=values,
            server_s=received_s,
        )
        self.sent_index = frame.end_index
        return frame
