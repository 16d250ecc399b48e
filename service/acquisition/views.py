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
    """The state of one view within one epoch: filter, column under way, frame under way."""

    def __init__(self, view: View, scale: Scale, epoch: int, *, frame_s: float = FRAME_S) -> None:
        self.view = view
        self.scale = scale
        self.epoch = epoch
        self.next_index: int | None = None  # the next sample expected
        self.sent_index = 0  # just past the newest sample given out in a frame
        self._filter = StreamFilter(design(view.preset, view.rate_hz), len(view.channels))
        self._columns = MinMax(len(view.channels), view.decimation) if view.decimation > 1 else None
        per_frame = math.ceil(round(frame_s * view.rate_hz / view.decimation, 6))
        self._frame_length = max(1, per_frame) * view.decimation
        self._parts: list[npt.NDArray[np.float32]] = []
        self._first = 0  # stream index of the first sample in _parts
        self._held = 0  # samples in _parts, or covered by its columns

    def prime(self, start_index: int, data: npt.NDArray[np.float64]) -> None:
        """Let the filter settle on (n_channels, n) samples before the first `push`."""
        if self.next_index is not None and start_index != self.next_index:
            self._filter.reset()
        self._filter.push(data)
        self.next_index = start_index + data.shape[-1]

    def push(
        self, start_index: int, data: npt.NDArray[np.float64], received_s: float
    ) -> list[LiveFrame]:
        """Take (n_channels, n) samples; the frames that they complete."""
        frames: list[LiveFrame] = []
        if self.next_index is not None and start_index != self.next_index:
            frames = self.flush(received_s)
            self._filter.reset()
        self.next_index = start_index + data.shape[-1]
        filtered = self._filter.push(data)
        if self._columns is None:
            frames += self._gather(start_index, filtered.astype(np.float32), received_s)
        else:
            for columns in self._columns.push(start_index, filtered):
                frames += self._gather(columns.first_index, columns.data, received_s)
        return frames

    def flush(self, received_s: float) -> list[LiveFrame]:
        """The frame under way, as far as it has come: at a gap, at the end, when data stop."""
        if not self._held:
            return []
        view, data = self.view, np.concatenate(self._parts, axis=1)
        frame = LiveFrame(
            view=view.number,
            kind=SAMPLES if self._columns is None else MINMAX,
            epoch=self.epoch,
            first_index=self._first,
            count=self._held // view.decimation,
            decimation=view.decimation,
            data=data,
            server_s=received_s,
        )
        self.sent_index = frame.end_index
        self._parts, self._held = [], 0
        return [frame]

    def _gather(
        self, first: int, values: npt.NDArray[np.float32], received_s: float
    ) -> list[LiveFrame]:
        """Cut `values` (samples or columns from `first` on) at multiples of the frame length."""
        step = self.view.decimation
        per_step = 1 if self._columns is None else 2
        frames: list[LiveFrame] = []
        while values.shape[-1]:
            steps = (self._frame_length - first % self._frame_length) // step
            part, values = values[:, : steps * per_step], values[:, steps * per_step :]
            if not self._held:
                self._first = first
            self._parts.append(part)
            taken = part.shape[-1] // per_step * step
            self._held += taken
            first += taken
            if first % self._frame_length == 0:
                frames += self.flush(received_s)
        return frames
