"""Studies at a bed: begun, left, killed, closed and reopened, with nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.api.hub import Viewer
from service.bedside.bed import Bed, NewStudy, NoStoreError, read_store
from service.bedside.laboratory import laboratory_limits
from service.bedside.plan import Plan
from service.bedside.workflow import UnknownError
from service.store.errors import StoreError
from service.store.opening import open_store
from service.store.studies import unfinished
from tests.service.api.fake_wire import FakeWire
from tests.service.api.quiet import quiet_session
from tests.service.bedside.shocks import shock, taken

WRIST = "motor_response.left.median.wrist.APB"


def a_bed(folder: Path) -> Bed:
    """As the service makes it: it goes on with what was left open. No device."""
    engine = open_store(folder)
    left = read_store(engine, unfinished)
    study = "first" if left is None else left.id
    plan = Plan(mode="simulated", devices=(), patient="unnamed", study=study, version="test")
    return Bed(plan, now=time.monotonic, engine=engine, folder=folder)


async def give(bed: Bed, *sweeps, record: str = "APB", run: int = 1) -> None:
    """Sweeps as the assessment would hand them over."""
    session = bed.session
    for one in sweeps:
        place = taken(one, record, run=run)
        answer = session._assessor.on_table(lambda t, o=one, p=place: t.rows.add(o, p))
        session._swept(one, await asyncio.wrap_future(answer))
    await asyncio.sleep(0)


def standing(bed: Bed) -> dict:
    """What a page would see of the study."""
    study = bed.session.study
    rows = {row: dict(line) for row, line in study.rows.items()}
    for line in rows.values():
        line.pop("revision")
        line["measurement"].pop("supersedes")
    told = study.message()
    return {
        "rows": rows,
        "sweeps": [
            {k: v for k, v in study.book.message(entry).items() if k != "average"}
            for entry in study.book.entries
        ],
        "study": {k: told[k] for k in ("patient", "visit", "operator", "protocol", "id", "subject",
                                       "temperatures")},
        "step": study.current,
        "steps": [(one.id, one.state, one.reason, one.run) for one in study.list.steps],
    }  # fmt: skip


async def work(bed: Bed) -> None:
    """A technician's quarter of an hour."""
    await bed.create(NewStudy("P-7", "second", "KS", "upper_limb", ("left",)))
    flow = bed.session.workflow
    await flow.set_temperature(33.5, "left hand")
    await flow.start(WRIST)
    await give(bed, shock(1), shock(2, current_ma=36.0), shock(3, current_ma=50.0, size_uv=2000.0))
    await flow.include("r:emg:1:3", False)
    await flow.change_row(f"{WRIST}.1", "marker", {"name": "onset", "latency_ms": 3.1}, None)
    elbow = WRIST.replace("wrist", "elbow")
    await flow.start(elbow)
    await give(bed, shock(4, site="elbow", latency_ms=7.8, current_ma=40.0))
    await flow.change_row(f"{elbow}.1", "distance", {"mm": 220.0}, "AB")
    await flow.mark("f_wave.left.median.wrist.APB", "skipped", reason="pain")
    await give(bed, shock(5, nerve="ulnar", record="FDI"), record="FDI")
    await flow.correct("r:emg:1:5", {"nerve": "median", "muscle": "left APB"}, "KS")
    await flow.repeat(WRIST)


async def test_a_study_goes_on_where_it_was(tmp_path) -> None:
    """Ended and begun again: the same rows, sweeps, markers, steps, and the step under way."""
    bed = a_bed(tmp_path)
    await bed.start()
    await work(bed)
    before = standing(bed)
    await bed.close()
    again = a_bed(tmp_path)
    await again.start()
    await asyncio.sleep(0)
    try:
        assert standing(again) == before
        assert before["step"] == WRIST
        states = {step: state for step, state, _, _ in before["steps"]}
        assert states["f_wave.left.median.wrist.APB"] == "skipped"
        row = before["rows"][f"{WRIST}.1"]
        assert row["used"] == ["r:emg:1:1", "r:emg:1:2"]
        assert row["sweeps"] == ["r:emg:1:1", "r:emg:1:2", "r:emg:1:3", "r:emg:1:5"]
        line = await again.line(again.session.study.id)
        assert len(line.recordings) == 2
        history = await again.history(f"{WRIST}.1")
        assert len(history) >= 4
        ids = [one["id"] for one in history]
        assert [one["supersedes"] for one in history] == [*ids[1:], None]
    finally:
        await again.close()


async def test_a_corrected_row_is_where_it_was_put_when_its_study_goes_on(tmp_path) -> None:
    """One edit moved its sweeps; each still knows what it was at first."""
    bed = a_bed(tmp_path)
    await bed.start()
    await work(bed)
    flow = bed.session.workflow
    moved = await flow.correct_row(f"{WRIST}.1", {"site": "palm"}, "KS")
    before = standing(bed)
    told = {one.sweep.id: one.correction for one in bed.session.study.book.entries}
    await bed.close()
    again = a_bed(tmp_path)
    await again.start()
    await asyncio.sleep(0)
    try:
        assert standing(again) == before
        entries = again.session.study.book.entries
        assert {one.sweep.id: one.correction for one in entries} == told
        firsts = [told[one.sweep.id]["from"] for one in moved]
        assert [one["nerve"] for one in firsts] == ["median", "median", "median", "ulnar"]
        assert [one["site"] for one in firsts] == ["wrist"] * 4
    finally:
        await again.close()


async def test_studies_are_listed_closed_reopened_and_kept_apart(tmp_path) -> None:
    """Another patient sees nothing of the first; sockets are told to connect again."""
    bed = a_bed(tmp_path)
    await bed.start()
    try:
        await work(bed)
        first = bed.session.study.id
        before = standing(bed)
        viewer = FakeWire()
        bed.session.hub.join(Viewer("page", viewer))
        await bed.create(NewStudy("P-8"))
        assert viewer.closed == [1012]
        assert bed.session.study.rows == {}
        assert bed.session.study.book.entries == ()
        listed = await bed.lines(patient=None, state=None, limit=9)
        assert [one.study.patient for one in listed] == ["P-8", "P-7"]
        closed = await bed.finish(first, "KS")
        assert (closed.study.state, closed.sweep_count) == ("closed", 5)
        assert bed.session.study.patient == "P-8"
        await bed.finish(bed.session.study.id, "KS")
        assert bed.session.study.patient == "unnamed"
        await bed.go_on(first)
        await asyncio.sleep(0)
        assert standing(bed) == before
        with pytest.raises(UnknownError, match="no study 'nobody'"):
            await bed.go_on("nobody")
        with pytest.raises(ValueError, match="no protocol 'magic'"):
            await bed.create(NewStudy("P-9", protocol="magic"))
    finally:
        await bed.close()


async def test_a_study_that_cannot_be_recorded_does_not_begin(tmp_path) -> None:
    """The file is there already (or the disk refuses): one sentence, and the old study goes on."""
    bed = a_bed(tmp_path)
    await bed.start()
    try:
        await work(bed)
        before, study = standing(bed), bed.session.study.id
        await bed.create(NewStudy("P-8"))
        (tmp_path / f"{study}-2.mcap").write_bytes(b"in the way")
        other = bed.session
        with pytest.raises(StoreError, match="mcap"):
            await bed.go_on(study)
        assert bed.session is other
        await bed.go_on(study)  # the next name is free
        await asyncio.sleep(0)
        assert standing(bed) == before
    finally:
        await bed.close()


async def test_a_run_without_a_store_says_so() -> None:
    """One sentence, no guess."""
    bed = Bed.of(quiet_session())
    with pytest.raises(NoStoreError, match="keeps no studies"):
        await bed.create(NewStudy("P-1"))


_TECHNICIAN = """
import asyncio, json, sys
from pathlib import Path
from tests.service.bedside.test_bed import a_bed, give, standing, work
from tests.service.bedside.shocks import shock

async def main():
    bed = a_bed(Path(sys.argv[1]))
    await bed.start()
    await work(bed)
    number = 100
    while True:
        await give(bed, shock(number, current_ma=5.0 + number), run=2)
        edit = {"name": "onset", "latency_ms": 3.0 + number / 10_000}
        await bed.session.workflow.change_row(
            "motor_response.left.median.wrist.APB.2", "marker", edit, "KS")
        print(json.dumps({"number": number, **edit}), flush=True)
        number += 1

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "edits", [4, *(pytest.param(n, marks=pytest.mark.soak) for n in range(1, 20, 2))]
)
async def test_sigkill_in_the_middle_of_an_examination_loses_nothing_answered(
    tmp_path, edits: int
) -> None:
    """A real process: sweeps, the newest answered marker and the step are there after the kill."""
    process = subprocess.Popen(
        [sys.executable, "-c", _TECHNICIAN, str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        lines = (one for one in process.stdout if one.startswith("{"))
        said = [json.loads(next(lines)) for _ in range(edits)]
    finally:
        os.kill(process.pid, signal.SIGKILL)
    said += [json.loads(one) for one in process.stdout.read().splitlines() if one.startswith("{")]
    process.stdout.close()
    assert process.wait(5) == -signal.SIGKILL
    bed = a_bed(tmp_path)
    await bed.start()
    await asyncio.sleep(0)
    try:
        study = bed.session.study
        assert (study.patient, study.visit, study.current) == ("P-7", "second", WRIST)
        line = study.rows[f"{WRIST}.2"]
        assert {f"r:emg:1:{one['number']}" for one in said} <= set(line["sweeps"])
        markers = {one["name"]: one for one in line["measurement"]["markers"]}
        onset_ms = (markers["onset"]["index"] - line["zero_index"]) / line["rate_hz"] * 1000.0
        assert onset_ms >= said[-1]["latency_ms"] - 1e-9
        assert markers["onset"]["by"] == "KS"
    finally:
        await bed.close()


def test_a_laboratory_has_limits_of_its_own(tmp_path) -> None:
    """Its file replaces the table, by name and version; one that cannot be read leaves none."""
    assert laboratory_limits(tmp_path)[0].name == "Myotome"
    head = 'schema = 1\n[table]\nname = "Our lab"\nversion = "3"\nsource = "120 healthy"\n'
    (tmp_path / "limits.toml").write_text(
        head + '[sources]\nOUR = "ours"\n[[limit]]\nid = "a"\nnerve = "median"\nmuscle = "APB"\n'
        'measure = "motor_response"\nquantity = "amplitude_mv"\nop = "min"\nvalue = 5\n'
        'unit = "mV"\nmean = 9.0\nsd = 2.0\nsource = ["OUR"]\nverified = true\n'
    )
    table, problem = laboratory_limits(tmp_path)
    assert (table.name, table.version, len(table.rows), problem) == ("Our lab", "3", 1, "")
    assert table.rows[0].mean == 9.0
    (tmp_path / "limits.toml").write_text(head.replace("schema = 1", "schema = 9"))
    table, problem = laboratory_limits(tmp_path)
    assert table.rows == ()
    assert "schema" in problem
