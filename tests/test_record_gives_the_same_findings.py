"""A study and its recording say the same, to the bit: cards, measurements, their ids and values."""

from __future__ import annotations

import asyncio
import time

import pytest

from drivers.types import LinkState, Stimulus
from service.acquisition.pipeline import Pipeline
from service.acquisition.supervisor import Supervisor
from service.bedside.assessment import Assessment
from service.bedside.directing import follow
from service.bedside.messages import card_json
from service.bedside.plan import DevicePlan, Plan
from service.bedside.session import Session
from service.model import Task
from service.recording.directions import Directions
from service.recording.playback import play
from service.recording.reader import read_recording
from service.recording.recorder import Recorder
from service.recording.verify import verify
from simulators.faults import parse_fault
from tests.simulators.process import until
from tests.virtual_bench import StudyOutlets, VirtualStudy, few_muscles

MUSCLES = ("left FDI", "left EDC", "left FDS")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Rest with fasciculations, a ramp of shocks, an exclusion, a stretch with clonus, a hold; and
    a wire that loses samples now and then."""
    path = tmp_path_factory.mktemp("study") / "study.mcap"
    made = VirtualStudy(
        few_muscles("hackeeg", 4, MUSCLES),
        "hackeeg-emg-4k",
        seed=4,
        open_recorder=lambda: Recorder(path, header={"study": "study"}),
    )
    made.run(0.5)
    made.patient.set_dial("left FDI", lmn=0.7, umn=0.7)
    made.task(Task.REST)
    made.run(8.0)
    for current_ma in (10.0, 20.0, 24.0, 24.0):
        made.shock(current_ma, "ulnar", "wrist")
    made.forget_sweep(1)
    made.task(Task.STRETCH)
    made.run(5.0)
    made.wire.set(parse_fault("drop:count=37"))
    made.task(Task.HOLD, 0.15)
    made.run(9.0)
    made.wire.set(parse_fault("drop:p=0.001"))
    made.run(1.0)
    assert made.recorder.close().state == "off"
    return made, path


def findings(assessment: Assessment) -> tuple[list, list]:
    """Everything that the assessment says."""
    return assessment.cards(), assessment.measurements()


def test_the_study_is_worth_recording(study):
    """Sweeps, gaps, bursts, fasciculations and windows are all there to be compared."""
    made, path = study
    by_measure = {}
    for measurement in made.assessment.measurements():
        by_measure.setdefault(measurement.measure, []).append(measurement)
    assert set(by_measure) == {"motor_response", "fasciculation", "clonus", "coherence"}
    assert any(m.values.get("event_count", 0) > 0 for m in by_measure["fasciculation"])
    assert any(m.values.get("burst_count", 0) >= 5 for m in by_measure["clonus"])
    assert len(made.outlets.sweeps) == 4
    report = verify(path)
    assert report.whole
    assert report.lost == made.outlets.lost > 37
    assert report.samples == made.outlets.samples


def test_playing_the_recording_gives_the_same_cards_and_measurements(study):
    """Through a pipeline and an assessment of its own; dataclass equality compares every float."""
    made, path = study
    again = StudyOutlets(Assessment(made.montage))
    with read_recording(path) as recording:
        play(
            recording, again, lambda key, value, at_s: follow(again.assessment, (key, value), at_s)
        )
    assert findings(again.assessment) == findings(made.assessment)
    for (sweep, result), (copy, same) in zip(made.outlets.sweeps, again.sweeps, strict=True):
        assert sweep.samples_uv.tobytes() == copy.samples_uv.tobytes()
        assert result == same
        assert sweep.stimulus == copy.stimulus


class AsRecorded(StudyOutlets):
    """Outlets of a replayed device; what the technician did comes from the record."""

    def __init__(self, assessment: Assessment, directions: Directions) -> None:
        super().__init__(assessment)
        self.directions = directions
        self.pipeline: Pipeline
        self.last = LinkState.CONNECTING

    def block(self, device, block) -> None:
        """First what was done before it."""
        for done in self.directions.before(block):
            if isinstance(done, Stimulus):
                self.pipeline.expect(done)
            else:
                follow(self.assessment, (done.key, done.value), done.at_s)
        super().block(device, block)

    def state(self, device, state) -> None:
        """How the device is doing."""
        self.last = state.state


def test_the_recording_as_a_device_gives_the_same_findings(study):
    """`file:` through the driver, its child process, supervisor and pipeline, without waiting."""
    made, path = study
    outlets = AsRecorded(Assessment(made.montage), Directions(path))
    outlets.pipeline = Pipeline("dev", outlets=outlets, recording="study")
    supervisor = Supervisor("dev", f"file:{path}?speed=0", outlets.pipeline)
    supervisor.start()
    try:
        until(lambda: outlets.last is LinkState.LOST, 60.0, "the end of the recording")
    finally:
        supervisor.stop()
    assert (outlets.samples, outlets.lost) == (made.outlets.samples, made.outlets.lost)
    assert findings(outlets.assessment) == findings(made.assessment)
    for (sweep, result), (copy, same) in zip(made.outlets.sweeps, outlets.sweeps, strict=True):
        assert sweep.samples_uv.tobytes() == copy.samples_uv.tobytes()
        assert (sweep.id, sweep.stimulus, result) == (copy.id, copy.stimulus, same)


async def test_a_bedside_on_the_recording_shows_the_same_cards(study):
    """What `myotome replay` runs: the whole session, told by the record what was done."""
    made, path = study
    directions = Directions(path)
    plan = Plan(
        mode="replay",
        devices=(DevicePlan(directions.device, f"file:{path}?speed=0"),),
        patient="",
        study=str(directions.study["study"]),
        version="test",
        directions=directions,
    )
    session = Session(plan, now=time.monotonic)
    await session.start()
    try:
        async with asyncio.timeout(60.0):
            while session.study.states["dev"].state is not LinkState.LOST:
                await asyncio.sleep(0.05)
        said = []
        await session._assess(lambda assessment: said.append(findings(assessment)))
        # and the page: its last card of each muscle says what the study's own would
        async with asyncio.timeout(10.0):
            while told(session) != [card_json(card, 0) for card in made.assessment.cards()]:
                await asyncio.sleep(0.05)
    finally:
        await session.close()
    assert said == [findings(made.assessment)]
    assert session.study.task is Task.HOLD
    included = [entry.included for entry in session.study.book.entries]
    assert included == [True, False, True, True]


def told(session: Session) -> list:
    """The cards as pages have them, without their revision."""
    return [{**card, "revision": 0} for card in session.study.cards.values()]
