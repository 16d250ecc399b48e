"""What the technician directs: recorded and followed at one place between two blocks.

The record holds a direction between the blocks between which the assessment followed it, so that a
replay follows it at the same sample and finds the same, to the bit. Live and in replay it is the
recorded value that is followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial

import numpy as np
import numpy.typing as npt

from drivers.types import SampleBlock, Stimulus
from service.acquisition.pipeline import Pipeline
from service.model import Json, Sweep, Task
from service.recording.directions import Directions
from service.recording.playback import lengthen, mark_again
from service.recording.reader import SettingChanged
from service.recording.recorder import Recorder

from . import edits
from .assessment import Assessment
from .assessor import Assessor
from .row_key import MOTOR, Taken
from .subject import subject_of

Words = tuple[str, Json]  # key and value, as recorded
TABLE_WORDS = frozenset(["edit", "sweep_included", "temperature_c", "subject"])
BOTH = frozenset(["temperature_c", "subject"])  # the cards stand on them as well


def follow(assessment: Assessment, words: Words, at_s: float) -> None:
    """Do in the assessment what a direction says; what it does not concern is passed over."""
    if words[0] in TABLE_WORDS:
        edits.follow(assessment.table, words)
    match words:
        case ("task", {"task": str(name)}):
            assessment.set_task(Task(name), at_s)
        case ("step", dict(told)):
            assessment.set_step(step_of(told))
        case ("temperature_c", None | int() | float() as celsius):
            assessment.set_temperature(celsius)
        case ("subject", dict(told)):
            assessment.set_subject(subject_of(told))


def step_of(told: Mapping[str, Json]) -> Taken:
    """A step as it was recorded; records of before steps had a measure are of motor studies."""
    words = {
        one: str(told.get(one) or "") for one in ("nerve", "site", "side", "muscle", "channel")
    }
    run = told.get("run")
    measure = str(told.get("measure") or MOTOR)
    return Taken(measure=measure, run=run if isinstance(run, int) else 1, **words)


class Director:
    """Directs one bedside. pipelines: of its devices, by name, also those still to come."""

    def __init__(
        self,
        pipelines: Mapping[str, Pipeline],
        recorder: Recorder | None,
        assessor: Assessor,
        now: Callable[[], float],
    ) -> None:
        self._pipelines = pipelines
        self._recorder = recorder
        self._assessor = assessor
        self._now = now

    async def direct(self, *words: Words) -> None:
        """Record and follow, one after the other; returns when the assessment has."""
        followed = await asyncio.to_thread(self.at_once, *words)
        for one in followed:
            await asyncio.wrap_future(one)

    def at_once(self, *words: Words) -> list[Future[None]]:
        """The same without waiting for the assessment; waits for the blocks under way."""
        with ExitStack() as stack:
            for pipeline in self._pipelines.values():
                stack.enter_context(pipeline.still())
            at_s = self._now()
            if self._recorder is not None:
                for key, value in words:
                    self._recorder.setting(key, value, at_s)
            for one in words:
                for pipeline in self._pipelines.values():
                    lengthen(pipeline, *one)
            return [self._ask(one, at_s) for one in words]

    def effort(
        self, device: str, stream: str, channel: str, count: int, free_from: tuple[int, int]
    ) -> Sweep:
        """The last `count` samples are an epoch of voluntary effort: cut, recorded, measured.
        Raises ValueError or RingError (see `Pipeline.effort`), and then nothing is recorded."""
        pipeline = self._pipelines[device]
        with pipeline.still():
            sweep = pipeline.effort(stream, channel, count, free_from=free_from)
            told: Json = {
                "device": device, "stream": stream, "channel": channel, "epoch": sweep.epoch,
                "start_index": sweep.start_index, "count": count,
            }  # fmt: skip
            if self._recorder is not None:
                self._recorder.setting("effort", told, self._now())
            return sweep

    def newest(
        self, device: str, stream: str, channel: str, count: int
    ) -> tuple[npt.NDArray[np.float64], float]:
        """(count,) µV of a channel up to now, and its rate. Raises ValueError or RingError."""
        return self._pipelines[device].newest(stream, channel, count)

    async def settled(self) -> None:
        """Returns when the assessment has followed all that it was told."""
        await asyncio.wrap_future(self._assessor.on_table(lambda _: None))

    def _ask(self, words: Words, at_s: float) -> Future[None]:
        if words[0] in TABLE_WORDS:
            followed = self._assessor.on_table(lambda table: edits.follow(table, words))
            if words[0] not in BOTH:
                return followed
        return self._assessor.ask(lambda assessment: follow(assessment, words, at_s))

    def again(
        self, directions: Directions | None, device: str, show: Callable[[Words], None]
    ) -> Callable[[SampleBlock], None] | None:
        """What is called before each block of a replay, on its device's thread with its pipeline
        still: does what was done then, and lets it be shown. None without directions."""
        if directions is None:
            return None

        def before(block: SampleBlock) -> None:
            for done in directions.before(block):
                match done:
                    case Stimulus():
                        self._pipelines[device].expect(done)
                    case SettingChanged("effort", dict(told), _):
                        mark_again(self._pipelines[device], told)
                    case SettingChanged(key, value, at_s):
                        lengthen(self._pipelines[device], key, value)
                        # shown when followed: a sweep it is about has been shown by then
                        followed = self._ask((key, value), at_s)
                        followed.add_done_callback(partial(_then, show, (key, value)))

        return before


def _then(show: Callable[[Words], None], words: Words, _: Future[None]) -> None:
    show(words)
