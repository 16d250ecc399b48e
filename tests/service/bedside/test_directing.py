"""What is directed while samples stream: recorded where it was followed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from drivers.types import Pulse, Stimulus, Trigger
from service.acquisition.sweeps import HOLD_S
from service.bedside.assessment import Assessment
from service.bedside.directing import follow, subject_of
from service.bedside.montage import Montage, MontageLead
from service.evidence.anatomy import muscle_from_label
from service.evidence.limits import Subject
from service.model import Measurement, Task
from service.recording.directions import Directions
from service.recording.playback import play
from service.recording.reader import read_recording
from service.recording.recorder import Recorder
from tests.service.bedside.test_session import LABELS, RATE_HZ, Bedside, until
from tests.service.recording import making
from tests.virtual_bench import StudyOutlets


async def test_a_direction_lies_in_the_record_between_the_blocks_between_which_it_was_followed(
    tmp_path,
) -> None:
    """Tasks change while blocks stream; played from the record, every measurement stands on the
    same samples."""
    bedside = Bedside(tmp_path)
    session = bedside.session
    await session.start()
    await bedside.open()
    await bedside.feed(1)
    directed = []
    for turn in range(30):  # 1500 blocks in all: fewer than the assessor ever refuses
        feeding = asyncio.create_task(bedside.feed(50))
        directed.append((Task.REST, Task.HOLD, Task.STRETCH)[turn % 3])
        await session.workflow.set_task(directed[-1], 0.0)
        await feeding
    live: list[list[Measurement]] = []
    await session._assess(lambda assessment: live.append(assessment.measurements()))
    await session.close()

    again = Assessment(session.study.montage)
    with read_recording(bedside.path) as recording:
        play(
            recording,
            StudyOutlets(again),
            lambda key, value, at_s: follow(again, (key, value), at_s),
        )
    assert again.measurements() == live[0]
    assert [task for task, _ in again.tasks[-len(directed) :]] == directed


@pytest.mark.parametrize(
    ("told", "subject"),
    [
        ({"age_years": 61.5, "sex": "F", "height_cm": 170}, Subject(61.5, "F", 170)),
        ({"age_years": None, "sex": None, "height_cm": None}, Subject()),
        ({"age_years": "old", "sex": "X"}, Subject()),
    ],
)
def test_a_recorded_subject_is_read_back(told, subject) -> None:
    """What is no number or sex is not known."""
    assert subject_of(told) == subject


def test_every_direction_of_a_record_is_followed_and_others_are_passed_over() -> None:
    """Task, muscle, temperature, subject; the stimulator's log concerns no measurement."""
    leads = tuple(MontageLead(label, muscle_from_label(label)) for label in LABELS)
    assessment = Assessment(Montage(leads))
    follow(assessment, ("task", {"task": "hold", "level": 0.15}), 4.0)
    follow(assessment, ("subject", {"age_years": 50.0, "sex": None, "height_cm": None}), 5.0)
    follow(assessment, ("step", {"muscle": "left FDI"}), 6.0)
    follow(assessment, ("step", {"muscle": None}), 7.0)
    follow(assessment, ("temperature_c", 31), 8.0)
    follow(assessment, ("stimulation", {"what": "arm"}), 9.0)
    assert assessment.tasks[-1] == (Task.HOLD, 4.0)
    assert assessment.subject == Subject(50.0)


def test_directions_come_before_the_block_before_which_they_were_given(tmp_path) -> None:
    """Settings and seen stimuli by epoch, stream and index; what came before the device, what was
    withdrawn and what was never seen is left out."""
    path = tmp_path / "s.mcap"
    seen = making.trigger(420.5, epoch=7)
    asked = [
        Stimulus(name, Pulse(20.0, 200.0), "ulnar", "wrist", "left", 2.0, 2.1, None)
        for name in ("seen", "unseen", "withdrawn")
    ]
    recorder = Recorder(path, header={"study": "s"}, utc_now=lambda: making.UTC0)
    recorder.setting("task", "too early", 1.0)
    recorder.epoch("dev", making.epoch(3))  # it brought no samples: no opening of a replay has it
    recorder.epoch("dev", making.epoch(7))
    recorder.setting("task", "first", 2.0)
    recorder.block("dev", making.block(0, epoch=7))
    for stimulus in asked:
        recorder.stimulus(stimulus)
    recorder.stimulus(replace(asked[2], sent_s=None))
    recorder.setting("task", "second", 3.0)
    recorder.block("dev", making.block(400, epoch=7))
    recorder.stimulus(replace(asked[0], seen=seen))
    recorder.close()
    directions = Directions(path)
    assert (directions.device, directions.study) == ("dev", {"study": "s"})
    (first,) = directions.before(making.block(0, epoch=1))
    assert (first.key, first.value, first.at_s) == ("task", "first", 2.0)
    stimulus, second = directions.before(making.block(400, epoch=1))
    assert (stimulus.id, stimulus.seen) == ("seen", making.trigger(420.5, epoch=1))
    assert second.value == "second"
    assert directions.before(making.block(400, epoch=2)) == ()


async def test_a_lengthened_sweep_is_cut_the_same_from_the_record(tmp_path) -> None:
    """Of two stimuli, the second after the technician asked for longer sweeps."""
    bedside = Bedside(tmp_path)
    session = bedside.session
    await session.start()
    await bedside.open()
    await bedside.feed(20)
    step = session.study.step()
    assert step is not None
    for ms in (100.0, 250.0):
        if ms != step.plan.recorded_ms:
            await session.workflow.sweep_length.set(step.id, ms, "AB")
        at = bedside.index + 10.5
        seen = Trigger("emg", 1, at, "stimulator", "rise", 0.5 / RATE_HZ)
        pulse = Stimulus(f"p{ms:g}", Pulse(20.0, 200.0), "ulnar", "wrist", "left", 2.0, 2.1, seen)
        session.pipelines["synthetic"].expect(pulse)
        await bedside.feed(1, trigger_at=at)
        await bedside.feed(60)
        await asyncio.sleep(1.5 * HOLD_S)  # the record has no word of these stimuli
        await bedside.feed(1)
    await until(lambda: len(session.study.book.entries) == 2)
    await session.close()
    live = [one.sweep for one in session.study.book.entries]
    assert [round(1000 * one.samples_uv.shape[1] / one.rate_hz) for one in live] == [120, 270]
    outlets = StudyOutlets(Assessment(session.study.montage))
    with read_recording(bedside.path) as recording:
        play(recording, outlets)
    again = [sweep for sweep, _ in outlets.sweeps]
    assert [one.start_index for one in again] == [one.start_index for one in live]
    for before, after in zip(live, again, strict=True):
        assert before.samples_uv.tobytes() == after.samples_uv.tobytes()
    with pytest.raises(ValueError, match="1000 ms"):
        await session.workflow.sweep_length.set(step.id, 2000.0, "AB")
