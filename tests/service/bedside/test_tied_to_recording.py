"""What the store holds of a sweep is what the recording holds, sample for sample."""

from __future__ import annotations

import asyncio
import time

import numpy as np

from drivers.types import Pulse
from service.bedside.assessment import Assessment
from service.bedside.bed import Bed, NewStudy, read_store
from service.bedside.directing import follow
from service.bedside.interlock import Phase
from service.bedside.plan import DevicePlan, Plan
from service.bedside.row_key import RowKey
from service.recording.playback import play
from service.recording.reader import BlockReceived, read_recording
from service.store.opening import open_store
from service.store.studies import load_study
from tests.service.bedside.test_session import Bedside, ObedientStimulator, until
from tests.virtual_bench import StudyOutlets


class FedBed(Bedside):
    """The session of a bed, fed by the test."""

    def __init__(self, bed: Bed) -> None:
        self.session = bed.session
        self.pipeline = self.session.pipelines["synthetic"]
        self.index = 0
        self.epoch = 1


async def test_a_sweep_is_tied_to_its_samples(tmp_path, monkeypatch) -> None:
    """File, stream, epoch and index lead to the same µV, to the bit; a new study, a new file.
    Played again, the recording gives the same row: its markers by hand and distance are in it."""
    plan = Plan(
        mode="simulated", devices=(DevicePlan("synthetic", "none:"),), patient="unnamed",
        study="s1", version="test", open_stimulator=ObedientStimulator,
    )  # fmt: skip
    # the device is the test's to feed
    monkeypatch.setattr("service.acquisition.supervisor.Supervisor.start", lambda _: None)
    bed = Bed(plan, now=time.monotonic, engine=open_store(tmp_path), folder=tmp_path)
    bed.session._supervisors.clear()
    await bed.start()
    await bed.create(NewStudy("P-1", operator="KS"))
    bed.session._supervisors.clear()
    fed = FedBed(bed)
    session = bed.session
    await fed.open()
    await fed.feed(20)
    await fed.page()
    await until(lambda: session.stimulation.status.state is Phase.SAFE)
    session.stimulation.heard("a")
    answer = getattr(session.stimulation, "ask", None)
    if answer is not None:
        await asyncio.wrap_future(answer("none", "KS"))
    await asyncio.wrap_future(session.stimulation.configure(Pulse(5.0, 200.0)))
    await asyncio.wrap_future(session.stimulation.arm("a", "KS"))
    await asyncio.wrap_future(session.stimulation.fire("a", "n1"))
    await fed.feed(1, trigger_at=fed.index + 10.5)
    deadline = time.monotonic() + 10
    while not session.study.book.entries:
        assert time.monotonic() < deadline, "the sweep did not come"
        await fed.feed(1)
        await asyncio.sleep(0.01)
    await until(lambda: session.study.rows)
    row = next(iter(session.study.rows))
    await session.workflow.change_row(row, "marker", {"name": "onset", "latency_ms": 3.0}, None)
    await session.workflow.change_row(row, "distance", {"mm": 80.0}, None)
    await session.workflow.set_temperature(31.5, "left hand")
    await fed.feed(2)
    line = await asyncio.wrap_future(
        session._assessor.on_table(lambda table: table.line(RowKey.from_id(row)))
    )
    study = session.study.id
    await bed.close()
    again = Assessment(session.study.montage)
    with read_recording(tmp_path / f"{study}.mcap") as record:
        play(record, StudyOutlets(again), lambda k, v, at_s: follow(again, (k, v), at_s))
    assert again.table.line(RowKey.from_id(row)) == line
    assert (line["distance_mm"], line["temperature_c"], line["automatic"]) == (80.0, 31.5, False)
    engine = open_store(tmp_path)
    content = read_store(engine, lambda db: load_study(db, study))
    engine.dispose()
    (kept,) = content.sweeps
    assert (kept.nerve, kept.site, kept.muscle) == ("ulnar", "wrist", "left FDI")
    (recording,) = content.recordings
    assert recording.file == f"{study}.mcap"
    counts = {}
    with read_recording(tmp_path / recording.file) as record:
        for told in record.events():
            if isinstance(told, BlockReceived) and told.block.epoch == kept.sweep.epoch:
                for column, values in enumerate(told.block.data.T):
                    counts[told.block.start_index + column] = values * 0.1
    first = kept.sweep.start_index
    wanted = range(first, first + kept.sweep.samples_uv.shape[1])
    np.testing.assert_array_equal(
        kept.sweep.samples_uv, np.stack([counts[index] for index in wanted], axis=1)
    )
