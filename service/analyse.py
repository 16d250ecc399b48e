"""`myotome analyse`: one measure on a recording, through the same pipeline as live."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from drivers.types import Epoch, SampleBlock, Stimulus, Trigger
from service.acquisition.pipeline import Pipeline
from service.acquisition.types import DeviceState, LiveFrame, Signal
from service.analysis.registry import MEASURES
from service.model import Json, Measurement, Sweep
from service.recording.reader import BlockReceived, EpochOpened, read_recording

CHANNELS_OF = {"coherence": 2}


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
        """Keep."""
        self.sweeps.append(sweep)

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


def analyse_record(
    path: Path, measure: str, channels: Sequence[str], given: Sequence[str]
) -> Measurement:
    """The measure on the named channels (the first ones, if none is named).

    `motor_response` takes the sweeps around every edge; the others the longest stretch without a
    gap. given: `key=value` settings. Raises ValueError (one sentence) or RecordingError.
    """
    if measure not in MEASURES:
        raise ValueError(f"there is no measure {measure!r}; there are {', '.join(MEASURES)}")
    settings = read_settings(measure, given)
    found = _collect(path)
    if measure == "motor_response":
        return _on_sweeps(found.sweeps, channels, settings)
    if not found.stretches:
        raise ValueError(f"{path} holds no emg samples")
    stretch = max(found.stretches, key=lambda s: s.end_index - s.first.start_index)
    wanted = _channels(measure, channels, stretch.first.channels)
    rows = np.concatenate(stretch.parts, axis=-1)[
        [stretch.first.channels.index(one) for one in wanted]
    ]
    return MEASURES[measure](
        rows if len(wanted) > 1 else rows[0],
        stretch.first.rate_hz,
        settings=settings,
        target=" + ".join(wanted),
        inputs=(stretch.name,),
    )


def read_settings(measure: str, given: Sequence[str]) -> Any:
    """The measure's settings from `key=value` words; None when nothing is given."""
    if not given:
        return None
    hint = get_type_hints(MEASURES[measure])["settings"]
    kinds: tuple[Any, ...] = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind: Any = next(one for one in kinds if is_dataclass(one))
    known = {one.name for one in fields(kind)}
    values: dict[str, Any] = {}
    for word in given:
        key, sign, text = word.partition("=")
        if not sign or key not in known:
            raise ValueError(f"--set {word}: {measure} has the settings {', '.join(sorted(known))}")
        value: Any = json.loads(text) if _is_json(text) else text
        values[key] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def measurement_line(measurement: Measurement) -> Mapping[str, Json]:
    """What `analyse --json` prints."""
    return {
        "measure": measurement.measure,
        "version": measurement.version,
        "target": measurement.target,
        "state": measurement.state,
        "reasons": list(measurement.reasons),
        "values": dict(measurement.values),
        "items": [dict(item) for item in measurement.items],
        "provenance": {**measurement.provenance, "inputs": list(measurement.inputs)},
    }


def _collect(path: Path) -> Collector:
    collector = Collector()
    pipelines: dict[str, Pipeline] = {}
    with read_recording(path) as recording:
        for event in recording.events():
            if isinstance(event, EpochOpened):
                pipeline = pipelines.setdefault(
                    event.device, Pipeline(event.device, outlets=collector, recording=path.stem)
                )
                pipeline.open(event.epoch)
            elif isinstance(event, BlockReceived):
                pipelines[event.device].accept(event.block)
    return collector


def _on_sweeps(sweeps: list[Sweep], channels: Sequence[str], settings: Any) -> Measurement:
    whole = [sweep for sweep in sweeps if not sweep.gap]
    if not whole:
        raise ValueError("the recording holds no complete sweep: no stimulator edge was recorded")
    first = whole[0]
    (channel,) = _channels("motor_response", channels, first.channels)
    alike = [
        sweep
        for sweep in whole
        if (sweep.stream, sweep.rate_hz, sweep.samples_uv.shape, sweep.zero_index % 1)
        == (first.stream, first.rate_hz, first.samples_uv.shape, first.zero_index % 1)
    ]
    rows = np.stack([sweep.samples_uv[sweep.channels.index(channel)] for sweep in alike])
    return MEASURES["motor_response"](
        rows,
        first.rate_hz,
        first.zero_index,
        settings=settings,
        target=channel,
        inputs=tuple(sweep.id for sweep in alike),
    )


def _channels(measure: str, asked: Sequence[str], there: tuple[str, ...]) -> tuple[str, ...]:
    count = CHANNELS_OF.get(measure, 1)
    wanted = tuple(asked) or there[:count]
    unknown = [one for one in wanted if one not in there]
    if unknown or len(wanted) != count:
        raise ValueError(
            f"{measure} takes {count} of the channels {', '.join(there)}; "
            f"asked for {', '.join(wanted) or 'none'}"
        )
    return wanted


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
