"""A recording as a source: through the same pipeline as live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.types import Epoch, SampleBlock, Stimulus, Trigger
from service.acquisition.pipeline import Pipeline
from service.acquisition.types import DeviceState, LiveFrame, Signal
from service.analysis.graded import scan_responses
from service.model import Sweep
from service.recording.playback import mark_again
from service.recording.reader import BlockReceived, EpochOpened, SettingChanged, read_recording

from .shapes import Array, Scan, SweepSet, Traces, pick, strongest


@dataclass(slots=True)
class Stretch:
    """Consecutive signals of one stream, without a gap."""

    first: Signal
    end_index: int
    parts: list[npt.NDArray[np.float64]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """How a measurement names its input."""
        return f"{self.first.stream}:{self.first.epoch}:{self.first.start_index}-{self.end_index}"


class Collector:
    """Outlets that keep stretches and sweeps."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.sweeps: list[Sweep] = []
        self.efforts: list[Sweep] = []

    def epoch(self, device: str, epoch: Epoch) -> None:
        """Not needed."""

    def block(self, device: str, block: SampleBlock) -> None:
        """Not needed."""

    def gap(
        self, device: str, stream: str, *, epoch: int, first_missing: int, count: int, at_s: float
    ) -> None:
        """A stretch ends where the index jumps."""

    def trigger(self, device: str, trigger: Trigger) -> None:
        """Not needed."""

    def frame(self, frame: LiveFrame) -> None:
        """Nobody watches."""

    def sweep(self, sweep: Sweep) -> None:
        """Keep; epochs of voluntary effort apart."""
        (self.efforts if sweep.trigger is None else self.sweeps).append(sweep)

    def unseen(self, device: str, stimulus: Stimulus) -> None:
        """Not needed."""

    def state(self, device: str, state: DeviceState) -> None:
        """Not needed."""

    def signal(self, device: str, signal: Signal) -> None:  # noqa: ARG002 - Outlets' signature
        """Append to the stretch of its stream, or begin another."""
        for stretch in reversed(self.stretches):
            if stretch.first.stream == signal.stream:
                goes_on = (stretch.first.epoch, stretch.end_index) == (
                    signal.epoch,
                    signal.start_index,
                )
                break
        else:
            goes_on = False
        if not goes_on:
            stretch = Stretch(signal, signal.start_index)
            self.stretches.append(stretch)
        stretch.parts.append(signal.data_uv)
        stretch.end_index += signal.data_uv.shape[-1]


class Recorded:
    """The stretches and the sweeps of a recording."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = _collect(path)

    def traces(self, measure: str, channels: Sequence[str], count: int) -> Traces:
        """The longest stretch of any stream."""
        stretch = self._longest()
        wanted = pick(measure, channels, stretch.first.channels, count)
        rows = np.concatenate(stretch.parts, axis=-1)
        rows = rows[[stretch.first.channels.index(one) for one in wanted]]
        return Traces(rows, stretch.first.rate_hz, " + ".join(wanted), (stretch.name,))

    def sweeps(self, measure: str, channels: Sequence[str]) -> SweepSet:
        """Around every edge; currents and sites from the stimuli that were joined to them."""
        return _sweep_set(self._alike(), measure, channels)

    def scan(self, measure: str, channels: Sequence[str]) -> Scan:
        """Negative peaks of the sweeps, with the currents of their stimuli."""
        found = self.sweeps(measure, channels)
        if found.current_ma is None:
            raise ValueError(
                f"{measure} needs the current of every stimulus, which {self._path} does not hold; "
                "record with the stimulator connected, or give a CSV of current_ma and response_mv"
            )
        responses = scan_responses(
            found.samples_uv, found.rate_hz, found.zero_index, found.current_ma
        )
        return Scan(found.current_ma, responses, found.target, found.inputs)

    def epochs(
        self, measure: str, channels: Sequence[str], epoch_ms: float
    ) -> tuple[SweepSet, Array]:
        """The largest CMAP, and the epochs of effort that the technician marked on its channel; if
        none was, all whole epochs of its stream in which nothing was stimulated."""
        alike = self._alike()
        cmap = strongest(_sweep_set(alike, measure, channels))
        length = round(epoch_ms * cmap.rate_hz / 1000.0)
        out: list[Array] = [
            one.samples_uv[0]
            for one in self._found.efforts
            if one.channels == (cmap.target,) and one.samples_uv.shape[1] == length
        ]
        if out:
            return cmap, np.stack(out)
        for stretch in self._found.stretches:
            if stretch.first.stream != alike[0].stream or cmap.target not in stretch.first.channels:
                continue
            row = np.concatenate(stretch.parts, axis=-1)[stretch.first.channels.index(cmap.target)]
            busy = [
                (one.start_index, one.start_index + one.samples_uv.shape[1])
                for one in self._found.sweeps
                if one.epoch == stretch.first.epoch
            ]
            begin = stretch.first.start_index
            for at in range(begin, begin + row.size - length + 1, length):
                if all(end <= at or at + length <= start for start, end in busy):
                    out.append(row[at - begin : at - begin + length])
        if not out:
            raise ValueError(f"{self._path} holds no {epoch_ms:g} ms of effort without a stimulus")
        return cmap, np.stack(out)

    def _longest(self) -> Stretch:
        if not self._found.stretches:
            raise ValueError(f"{self._path} holds no emg samples")
        return max(self._found.stretches, key=lambda s: s.end_index - s.first.start_index)

    def _alike(self) -> list[Sweep]:
        """Complete sweeps of the first one's stream, rate, length and place between samples."""
        whole = [sweep for sweep in self._found.sweeps if not sweep.gap]
        if not whole:
            raise ValueError(
                "the recording holds no complete sweep: no stimulator edge was recorded"
            )
        first = whole[0]
        return [
            sweep
            for sweep in whole
            if (sweep.stream, sweep.rate_hz, sweep.samples_uv.shape, sweep.zero_index)
            == (first.stream, first.rate_hz, first.samples_uv.shape, first.zero_index)
        ]


def _sweep_set(alike: list[Sweep], measure: str, channels: Sequence[str]) -> SweepSet:
    first = alike[0]
    (channel,) = pick(measure, channels, first.channels, 1)
    stimuli = [sweep.stimulus for sweep in alike if sweep.stimulus is not None]
    stated = len(stimuli) == len(alike)
    return SweepSet(
        samples_uv=np.stack([s.samples_uv[s.channels.index(channel)] for s in alike]),
        rate_hz=first.rate_hz,
        zero_index=first.zero_index,
        target=channel,
        inputs=tuple(sweep.id for sweep in alike),
        current_ma=np.array([one.pulse.current_ma for one in stimuli]) if stated else None,
        site=tuple(one.site for one in stimuli) if stated else None,
        time_zero_known=all(sweep.time_zero_known for sweep in alike),
        stimulus_s=_times(alike),
    )


def _times(alike: list[Sweep]) -> Array | None:
    """When each stimulus was given, by the samples; None over several epochs, whose samples are
    counted apart."""
    if len({sweep.epoch for sweep in alike}) > 1:
        return None
    return np.array([(one.start_index + one.zero_index) / one.rate_hz for one in alike])


def _collect(path: Path) -> Collector:
    """All stretches and sweeps; a sweep carries the stimulus that the record joined to its edge."""
    collector = Collector()
    pipelines: dict[str, Pipeline] = {}
    joined: dict[Trigger, Stimulus] = {}
    with read_recording(path) as recording:
        for event in recording.events():
            if isinstance(event, EpochOpened):
                pipeline = pipelines.setdefault(
                    event.device, Pipeline(event.device, outlets=collector, recording=path.stem)
                )
                pipeline.open(event.epoch)
            elif isinstance(event, BlockReceived):
                pipelines[event.device].accept(event.block)
            elif isinstance(event, SettingChanged) and event.key == "effort":
                told = event.value if isinstance(event.value, dict) else {}
                if str(told.get("device")) in pipelines:
                    mark_again(pipelines[str(told["device"])], told)
            elif isinstance(event, Stimulus) and event.seen is not None:
                joined[event.seen] = event
    for pipeline in pipelines.values():
        pipeline.end()
    # the record tells of the joining only after the sweep, so it is looked up at the end
    collector.sweeps = [
        replace(sweep, stimulus=joined.get(sweep.trigger, sweep.stimulus))
        if sweep.trigger is not None
        else sweep
        for sweep in collector.sweeps
    ]
    # what was given to find the place is in no row, here as at the bedside
    collector.sweeps = [
        one for one in collector.sweeps if one.stimulus is None or not one.stimulus.hunting
    ]
    return collector
