"""MUNIX in a study: epochs marked while the patient pulls, kept, left out, and measured again."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from drivers.types import Pulse, SampleBlock, Trigger
from service.analyse import analyse_record
from service.analysis.munix import closed_form
from service.bedside.assessment import Assessment
from service.bedside.bed import Bed, NewStudy, read_store
from service.bedside.directing import follow
from service.bedside.interlock import Phase
from service.bedside.placement import Placement
from service.bedside.plan import DevicePlan, Plan
from service.bedside.restoring import restore
from service.bedside.row_key import RowKey
from service.bedside.session import Session
from service.bedside.table import Table
from service.bedside.voluntary import NotNowError
from service.recording.directions import Directions
from service.recording.playback import play
from service.recording.reader import read_recording
from service.store.opening import open_store
from service.store.studies import load_study
from tests.service.bedside.test_session import RATE_HZ, ObedientStimulator, until
from tests.service.bedside.test_tied_to_recording import FedBed
from tests.virtual_bench import StudyOutlets

HALF_SECOND = 8000
BLOCK = 400
CMAP_UV, CMAP_MS, ONSET_MS = 8000.0, 6.0, 3.5
ROW = "munix.left.ulnar.wrist.FDI.1"


class Pulling(FedBed):
    """A bed whose patient pulls as hard as `sd_uv` says: a full, Gaussian interference pattern."""

    def __init__(self, bed: Bed) -> None:
        super().__init__(bed)
        self.sd_uv = 1.0
        self.rng = np.random.default_rng(8)

    async def run(self, samples: int, shock_at: float | None = None) -> None:
        """Samples in blocks; a shock answers with a half sine."""
        await asyncio.to_thread(self._run, samples, shock_at)

    def _run(self, samples: int, shock_at: float | None) -> None:
        for _ in range(samples // BLOCK):
            at = self.index + np.arange(BLOCK)
            data = self.rng.normal(0.0, self.sd_uv, (2, BLOCK))
            triggers = ()
            if shock_at is not None:
                since_ms = (at - shock_at) / RATE_HZ * 1000.0 - ONSET_MS
                inside = (since_ms > 0) & (since_ms < CMAP_MS)
                data -= np.where(inside, CMAP_UV * np.sin(np.pi * since_ms / CMAP_MS), 0.0)
                if self.index <= shock_at < self.index + BLOCK:
                    triggers = (Trigger("emg", 1, shock_at, "stimulator", "rise", 0.5 / RATE_HZ),)
            block = np.round(data / 0.1).astype(np.int32)
            self.pipeline.accept(
                SampleBlock("emg", 1, self.index, block, time.monotonic(), triggers)
            )
            self.index += BLOCK

    async def pull(self, sd_uv: float) -> str:
        """Half a second of effort, and the key."""
        self.sd_uv = sd_uv
        await self.run(HALF_SECOND)
        return (await self.session.workflow.voluntary.mark()).sweep.id


async def at_the_bed(tmp_path, monkeypatch) -> tuple[Bed, Pulling]:
    """A MUNIX step under the electrodes and one CMAP of it."""
    plan = Plan(
        mode="simulated", devices=(DevicePlan("synthetic", "none:"),), patient="unnamed",
        study="s1", version="test", open_stimulator=ObedientStimulator,
    )  # fmt: skip
    monkeypatch.setattr("service.acquisition.supervisor.Supervisor.start", lambda _: None)
    bed = Bed(plan, now=time.monotonic, engine=open_store(tmp_path), folder=tmp_path)
    bed.session._supervisors.clear()
    await bed.start()
    await bed.create(NewStudy("P-1", operator="KS"))
    bed.session._supervisors.clear()
    fed, session = Pulling(bed), bed.session
    await fed.open()
    await fed.page()
    with pytest.raises(NotNowError, match="belong to a MUNIX step"):
        await session.workflow.voluntary.mark()
    await session.workflow.place(Placement("ulnar", "wrist", "left", "left FDI"), "munix")
    await until(lambda: session.stimulation.status.state is Phase.SAFE)
    session.stimulation.heard("a")
    await asyncio.wrap_future(session.stimulation.ask("none", "KS"))
    await asyncio.wrap_future(session.stimulation.configure(Pulse(5.0, 200.0)))
    await asyncio.wrap_future(session.stimulation.arm("a", "KS"))
    await asyncio.wrap_future(session.stimulation.fire("a", "n1"))
    # the first samples come now: what was armed slowly does not put the edge long before its pulse
    await fed.run(4000, 500.5)
    await until(lambda: session.study.book.entries)
    await fed.run(4000)
    with pytest.raises(NotNowError, match="a stimulus lies in the last 500 ms"):
        await session.workflow.voluntary.mark()
    await fed.run(HALF_SECOND)
    return bed, fed


async def test_munix_is_measured_live_kept_and_measured_again_from_store_and_recording(
    tmp_path, monkeypatch
) -> None:
    """Twenty epochs from slight to maximal: the closed form of a full pattern; one taken out and
    the examiner's word are edits; the store and the recording give the same row to the bit."""
    bed, fed = await at_the_bed(tmp_path, monkeypatch)
    session = bed.session
    marked = [await fed.pull(sd_uv) for sd_uv in np.geomspace(30.0, 900.0, 20)]
    beside = open_store(tmp_path)
    on_disk = read_store(beside, lambda db: load_study(db, session.study.id)).sweeps
    beside.dispose()
    assert [one.sweep.id for one in on_disk[1:]] == marked  # answered is kept, whatever comes
    await fed.run(BLOCK)
    with pytest.raises(NotNowError, match=r"in the epoch before: wait 0\.5 s more"):
        await session.workflow.voluntary.mark()
    line = session.study.rows[ROW]
    values = line["measurement"]["values"]
    assert line["measurement"]["state"] == "measured", line["measurement"]["reasons"]
    assert line["epochs"] == marked
    assert [item["left_out"] for item in line["measurement"]["items"][:2]] == ["area too small"] * 2
    power, area = values["cmap_power_mv2_ms"], values["cmap_area_mv_ms"]
    assert area == pytest.approx(2 / np.pi * CMAP_UV / 1000 * CMAP_MS, rel=0.02)
    assert values["munix"] == pytest.approx(closed_form(power, area, 500.0), rel=0.03)
    assert any("effort_unknown" in hint for hint in line["hints"])
    assert "submaximal" in {gate["gate"] for gate in line["gates"]}

    await session.workflow.include(marked[-1], included=False)
    told = await session.workflow.change_row(ROW, "effort", {"maximal": True}, "KS")
    assert told["maximal_effort"] is True
    assert not any("effort_unknown" in hint for hint in told["hints"])
    assert told["measurement"]["items"][-1]["left_out"] == "taken out by the reviewer"
    fewer = told["measurement"]["values"]["accepted_count"]
    assert fewer == values["accepted_count"] - 1
    with pytest.raises(ValueError, match="mark it again"):
        await session.workflow.correct(marked[0], {"muscle": "left APB"}, "KS")

    await fed.run(BLOCK)
    line = await asyncio.wrap_future(
        session._assessor.on_table(lambda table: table.line(RowKey.from_id(ROW)))
    )
    study = session.study.id
    await bed.close()
    again = Assessment(session.study.montage)
    with read_recording(tmp_path / f"{study}.mcap") as record:
        play(record, StudyOutlets(again), lambda k, v, at_s: follow(again, (k, v), at_s))
    assert again.table.line(RowKey.from_id(ROW)) == line
    engine = open_store(tmp_path)
    content = read_store(engine, lambda db: load_study(db, study))
    engine.dispose()
    table = Table()
    restore(table, content)
    assert table.line(RowKey.from_id(ROW))["measurement"] == line["measurement"]
    by_file = analyse_record(tmp_path / f"{study}.mcap", "munix", ("left FDI",), ())
    assert by_file.values["munix"] == values["munix"]


async def test_what_cannot_be_an_epoch_is_refused_in_one_sentence(tmp_path, monkeypatch) -> None:
    """Lost samples, a device that has stopped; nothing is added to the row."""
    bed, fed = await at_the_bed(tmp_path, monkeypatch)
    session = bed.session
    fed.index += 10
    await fed.run(4000)
    with pytest.raises(NotNowError, match="are not whole"):
        await session.workflow.voluntary.mark()
    await fed.run(HALF_SECOND)
    session.study.states.clear()
    with pytest.raises(NotNowError, match="no samples are coming in"):
        await session.workflow.voluntary.mark()
    assert session.study.rows[ROW]["epochs"] == []
    assert (
        "no epoch of voluntary effort yet" in session.study.rows[ROW]["measurement"]["reasons"][0]
    )
    await bed.close()


@pytest.mark.soak
async def test_a_replay_marks_the_same_epochs(tmp_path, monkeypatch) -> None:
    """The recording as a device, in a session of its own: the row is the same to the bit."""
    with monkeypatch.context() as held:
        bed, fed = await at_the_bed(tmp_path, held)
        for sd_uv in np.geomspace(40.0, 900.0, 12):
            await fed.pull(sd_uv)
        await fed.run(HALF_SECOND)
        session = bed.session
        line, study = session.study.rows[ROW], session.study.id
        await bed.close()
    path = tmp_path / f"{study}.mcap"
    plan = Plan(
        mode="replay", devices=(DevicePlan("synthetic", f"file:{path}?speed=0"),), patient="again",
        study="s2", version="test", directions=Directions(path), run=study,
    )  # fmt: skip
    again = Session(plan, now=time.monotonic)
    await again.start()
    try:
        await until(lambda: len(again.study.rows.get(ROW, {}).get("epochs", ())) == 12)
        await again.workflow.voluntary._director.settled()
        told = again.study.rows[ROW]
    finally:
        await again.close()
    assert told["epochs"] == line["epochs"]
    assert told["measurement"] == line["measurement"]
