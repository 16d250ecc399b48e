"""`myotome record`: a device straight into a record, without the rest of the service."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from drivers.errors import DeviceLost
from drivers.types import Epoch, LinkState, SampleBlock, WorkerReport
from service.model import Json

from .continuity import Continuity
from .reader import read_recording
from .recorder import Recorder, RecordingStatus

_POLL_S = 0.1
_PATIENCE_S = 15.0  # from asking a device to its first sample, and between samples
_BEHIND_S = 5.0


class Source(Protocol):
    """What a capture needs of `drivers.worker.Worker`."""

    def poll(self, timeout_s: float) -> Epoch | SampleBlock | WorkerReport | None:
        """The next thing the device's process says, None if nothing within the time."""
        ...

    def stop(self) -> None:
        """End the device's process."""
        ...


@dataclass(frozen=True, slots=True)
class Captured:
    """What a capture wrote. seconds: of samples of the device's first stream."""

    path: Path
    seconds: float
    blocks: int
    epochs: int
    gaps: int
    lost: int
    status: RecordingStatus


def capture(
    url: str,
    seconds: float,
    out: Path,
    *,
    now: Callable[[], float] = time.monotonic,
    source: Callable[[str], Source] | None = None,
    header: Mapping[str, Json] | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Captured:
    """Record `seconds` of samples of the device at `url` to `out`.

    stopping: asked ten times a second; true ends the capture early and well. Raises RecordingError
    (file), DeviceError (no sample for 15 s, with what the device's process said last; what came
    before is in the closed file).
    """
    device = url.partition(":")[0]
    recorder = Recorder(out, header={"url": url, **(header or {})}, now=now)
    run = _Run(device, recorder, seconds, now)
    try:
        worker = (source or _worker)(url)
        try:
            while not run.done and not stopping():
                run.take(worker.poll(_POLL_S))
        finally:
            worker.stop()
    finally:
        status = recorder.close()
    return Captured(out, run.seconds, run.blocks, run.epochs, run.gaps, run.lost, status)


def is_simulated(url: str) -> bool:
    """Whether a device is a recording of a simulated patient, by the recording's own header."""
    scheme, _, rest = url.partition(":")
    path = Path(rest.partition("?")[0])
    if scheme != "file" or not path.is_file():
        return False
    with read_recording(path) as recording:
        return bool(recording.header.study.get("simulated", False))


def _worker(url: str) -> Source:
    from drivers.worker import Worker  # noqa: PLC0415 - starts a process machinery only if needed

    return Worker(url, first_epoch=1)


class _Run:
    """The account of one capture while it goes on."""

    def __init__(
        self, device: str, recorder: Recorder, wanted_s: float, now: Callable[[], float]
    ) -> None:
        self.blocks = self.epochs = self.gaps = self.lost = 0
        self._device = device
        self._recorder = recorder
        self._wanted_s = wanted_s
        self._now = now
        self._heard_s = now()
        self._continuity = Continuity()
        self._rates: dict[str, float] = {}
        self._samples: dict[str, int] = {}
        self._said = ""
        self._state: LinkState | None = None

    @property
    def seconds(self) -> float:
        """Samples of the first stream, in seconds."""
        for stream, rate_hz in self._rates.items():
            return self._samples.get(stream, 0) / rate_hz
        return 0.0

    @property
    def done(self) -> bool:
        """Whether enough has been recorded. Rounding must not ask for one more block."""
        return self.seconds >= self._wanted_s - 1e-9

    def take(self, item: Epoch | SampleBlock | WorkerReport | None) -> None:
        """Record what the device's process said. Raises DeviceLost when it is silent too long."""
        match item:
            case Epoch():
                self.epochs += 1
                self._rates = self._rates or {s.name: s.rate_hz for s in item.info.streams}
                self._recorder.epoch(self._device, item)
            case SampleBlock():
                self._block(item)
            case WorkerReport():
                self._report(item)
        if self._now() - self._heard_s > _PATIENCE_S:
            raise DeviceLost(
                f"no sample from {self._device} for {_PATIENCE_S:.0f} s"
                + (f": {self._said}" if self._said else "; check that it is on and connected")
            )

    def _block(self, block: SampleBlock) -> None:
        gap = self._continuity.follow(self._device, block)
        self._recorder.block(self._device, block)
        if gap is not None:
            self.gaps += 1
            self.lost += gap.count
            self._recorder.gap(
                self._device,
                gap.stream,
                epoch=gap.epoch,
                first_missing=gap.first_missing,
                count=gap.count,
                at_s=gap.at_s,
            )
        for trigger in block.triggers:
            self._recorder.trigger(self._device, trigger, block.received_s)
        self.blocks += 1
        self._samples[block.stream] = self._samples.get(block.stream, 0) + block.data.shape[-1]
        self._heard_s = self._now()
        if self._recorder.behind_s > _BEHIND_S:
            # Only a source faster than real time gets here; it can wait for the disk.
            self._recorder.flush()

    def _report(self, report: WorkerReport) -> None:
        if report.state is not self._state or report.sentence != self._said:
            self._state, self._said = report.state, report.sentence
            at_s = report.at_s or self._now()
            self._recorder.state(self._device, report.state, report.sentence, at_s)
