"""What acquisition hands to the rest of the service: views, frames, signals, device states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from drivers.types import Epoch, LinkState, SampleBlock, Stimulus, Trigger
from service.model import Sweep


@dataclass(slots=True)
class View:
    """One way to look at one stream, shared by all who asked for the same.

    columns_per_s 0: samples. decimation: samples per min/max column, 1 for samples (also where the
    rate is lower than the columns asked for). settling_samples: how many samples after the start, a
    gap or an epoch the filter needs; they are shown as settling. `rate_hz`, `decimation` and
    `settling_samples` follow the stream when a new epoch changes its rate.
    """

    number: int
    device: str
    stream: str
    channels: tuple[str, ...]
    preset: str
    columns_per_s: float
    rate_hz: float
    decimation: int
    settling_samples: int


FrameKind = Literal[1, 2]
SAMPLES: FrameKind = 1
MINMAX: FrameKind = 2


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """Consecutive samples (kind 1) or min/max columns (kind 2) of one view.

    data: float32, µV for emg channels, else the channel's unit; (n_channels, count) samples, or
    (n_channels, 2 * count): min and max of each column in turn. Column i covers `decimation`
    samples from `first_index + i * decimation` on. A jump of `first_index` is a gap.
    server_s: when the last byte of the frame was read from the device, service monotonic seconds.
    """

    view: int
    kind: FrameKind
    epoch: int
    first_index: int
    count: int
    decimation: int
    data: npt.NDArray[np.float32]
    server_s: float

    @property
    def end_index(self) -> int:
        """Index just past the last sample the frame covers."""
        return self.first_index + self.count * self.decimation


@dataclass(frozen=True, slots=True)
class GapNotice:
    """A hole in what `Pipeline.history` can give. cause `gap`: never received; `too_old`: no longer
    in the ring."""

    device: str
    stream: str
    epoch: int
    first_missing: int
    count: int
    at_s: float
    cause: Literal["gap", "too_old"]


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """The emg channels of one block in µV, unfiltered but for the front end.

    data_uv: (n_channels, n_samples) float64, rows as `channels` (labels). A jump of `start_index`
    against the end of the signal before, or another epoch, is a gap. Never written to again.
    """

    stream: str
    epoch: int
    start_index: int
    rate_hz: float
    channels: tuple[str, ...]
    data_uv: npt.NDArray[np.float64]
    received_s: float


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How a device is doing, derived from the age of its data.

    rate_hz: measured against this machine's clock, None until 10 s of an epoch were seen. received,
    lost, rejected: samples of all its streams since the service started. age_s: of the newest
    sample, None if there is none. since_s: monotonic time at which `state` began.
    """

    device: str
    state: LinkState
    sentence: str
    rate_hz: float | None
    received: int
    lost: int
    rejected: int
    age_s: float | None
    since_s: float
    epoch: int | None


class Outlets(Protocol):
    """Everything the pipeline tells. Called from the device's thread, in stream order; must not
    block: hand over and return. An exception here ends the device's thread."""

    def epoch(self, device: str, epoch: Epoch) -> None:
        """A new epoch begins; the blocks that follow belong to it."""
        ...

    def block(self, device: str, block: SampleBlock) -> None:
        """A block as it came, before anything else is done with it: the record's."""
        ...

    def gap(
        self, device: str, stream: str, *, epoch: int, first_missing: int, count: int, at_s: float
    ) -> None:
        """`count` samples from `first_missing` on were never received."""
        ...

    def trigger(self, device: str, trigger: Trigger) -> None:
        """An edge the stream showed."""
        ...

    def frame(self, frame: LiveFrame) -> None:
        """The next frame of a view."""
        ...

    def sweep(self, sweep: Sweep) -> None:
        """A sweep that is complete, or that never will be (`gap`)."""
        ...

    def unseen(self, device: str, stimulus: Stimulus) -> None:
        """A stimulus that was sent, and whose edge did not show in the stream within 0.5 s."""
        ...

    def signal(self, device: str, signal: Signal) -> None:
        """The block's emg channels in µV, for the assessment."""
        ...

    def state(self, device: str, state: DeviceState) -> None:
        """The device's state: at each change and once a second."""
        ...
