"""Protocols, studies and their steps (docs/protocols/study.md)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.bedside.bed import Bed, NewStudy
from service.bedside.messages import plain, plan_json
from service.bedside.placement import Placement
from service.bedside.review import reviewed, row_sweeps
from service.bedside.row_key import MOTOR
from service.bedside.table import Table
from service.bedside.workflow import UnknownError
from service.model import Json
from service.protocols.loading import protocols
from service.store.types import StudyLine

from .context import Answer, BedHere, SessionHere
from .study import follow_placement, introduce

router = APIRouter(prefix="/api", tags=["studies"])
Id = Annotated[str, Field(max_length=200)]
Initials = Annotated[str, Field(max_length=20)]
CURRENT = "current"
BINARY = "application/octet-stream"


class StudyBody(BaseModel):
    """A new study. patient: a code."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    patient: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")
    visit: str = Field(default="", max_length=80)
    operator: Initials = ""
    protocol: str = Field(default="montage", max_length=80)
    sides: tuple[Literal["left", "right"], ...] = ()


class By(BaseModel):
    """Who does it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    by: Initials | None = None


class SkipBody(By):
    """Why a step is not done."""

    reason: str = Field(min_length=1, max_length=400, pattern=r"\S")


class SweepBody(By):
    """Length of the sweeps of a step, ms after the stimulus."""

    ms: float = Field(gt=0, le=10_000, allow_inf_nan=False)


class AddBody(BaseModel):
    """A step that the protocol does not have. after: id of the step it stands behind."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    measure: str = Field(default=MOTOR, max_length=40)
    nerve: str = Field(min_length=1, max_length=40)
    site: str = Field(min_length=1, max_length=40)
    side: Literal["left", "right"]
    muscle: str = Field(min_length=1, max_length=80)
    channel: str | None = Field(default=None, max_length=200)
    label: str | None = Field(default=None, max_length=200)
    after: Id | None = None


@router.get("/protocols")
async def list_protocols() -> list[JsonValue]:
    """Those that ship, with every step."""
    return [
        {
            "id": one.id,
            "title": one.title,
            "about": one.about,
            "sides": list(one.sides),
            "steps": [plan_json(step) for step in one.steps],
        }
        for one in protocols().values()
    ]


@router.get("/studies")
async def list_studies(
    bed: BedHere,
    patient: Annotated[str | None, Query(max_length=80)] = None,
    state: Literal["open", "closed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[JsonValue]:
    """Newest first."""
    return [_told(bed, one) for one in await bed.lines(patient=patient, state=state, limit=limit)]


@router.post("/studies")
async def create_study(request: Request, bed: BedHere, body: StudyBody) -> Answer:
    """A new study at this bed; every socket is asked to connect again."""
    new = NewStudy(body.patient, body.visit, body.operator, body.protocol, body.sides)
    line = await bed.create(new)
    if request.app.state.control is not None:
        await introduce(bed.session, request.app.state.control)
    return _told(bed, line)


@router.get("/studies/{study_id}")
async def get_study(bed: BedHere, study_id: Id) -> Answer:
    """All of a study; of any but the current one to be looked at only."""
    study_id = _id(bed, study_id)
    line, content = await bed.line(study_id), await bed.content(study_id)
    told = await reviewed(content, bed.session)
    return {"study": _told(bed, line), **told}


@router.post("/studies/{study_id}/open")
async def open_study(bed: BedHere, study_id: Id) -> Answer:
    """Reopen, or go on, at the step where it was."""
    return _told(bed, await bed.go_on(_id(bed, study_id)))


@router.post("/studies/{study_id}/close")
async def close_study(bed: BedHere, study_id: Id, body: By) -> Answer:
    """Nothing more can be changed until it is reopened."""
    by = body.by or bed.session.study.operator
    return _told(bed, await bed.finish(_id(bed, study_id), by))


@router.get("/studies/{study_id}/sweeps/{sweep_id}/samples", response_class=Response)
async def study_samples(bed: BedHere, study_id: Id, sweep_id: Id) -> Response:
    """float32 little-endian µV, channel after channel; a missing sample is NaN."""
    content = await bed.content(_id(bed, study_id))
    for kept in content.sweeps:
        if kept.sweep.id == sweep_id:
            data = kept.sweep.samples_uv.astype("<f4").tobytes()
            return Response(data, media_type=BINARY)
    raise UnknownError(f"there is no sweep {sweep_id!r} in study {study_id!r}")


@router.get("/studies/{study_id}/rows/{row_id}/sweeps", response_class=Response)
async def study_row(bed: BedHere, study_id: Id, row_id: Id) -> Response:
    """float32 little-endian µV on the row's channel: its average, then each of its sweeps."""
    content = await bed.content(_id(bed, study_id))
    table = Table(bed.session.plan.circumstances)
    told = await asyncio.to_thread(row_sweeps, content, table, row_id)
    return Response(told.astype("<f4").tobytes(), media_type=BINARY)


@router.get("/steps")
async def list_steps(session: SessionHere) -> list[JsonValue]:
    """In order, as they stand."""
    return [session.study.step_told(step) for step in session.study.list.steps]


@router.post("/steps")
async def add_step(session: SessionHere, body: AddBody) -> Answer:
    """One more step; not started."""
    step = await session.workflow.add(
        Placement(body.nerve, body.site, body.side, body.muscle),
        body.measure,
        channel=body.channel or "",
        label=body.label or "",
        after=body.after,
    )
    return session.study.step_told(step)


@router.post("/steps/{step_id}/start")
async def start_step(request: Request, session: SessionHere, step_id: Id) -> Answer:
    """Under the electrodes; disarms."""
    step = await session.workflow.start(step_id)
    await follow_placement(request, step.placement)
    return session.study.step_told(step)


@router.post("/steps/{step_id}/sweep")
async def lengthen_sweep(session: SessionHere, step_id: Id, body: SweepBody) -> Answer:
    """How long its sweeps last from the next stimulus on; nothing is disarmed by it."""
    session.workflow.step(step_id)
    step = await session.workflow.sweep_length.set(step_id, body.ms, body.by)
    return session.study.step_told(step)


@router.post("/steps/{step_id}/repeat")
async def repeat_step(request: Request, session: SessionHere, step_id: Id) -> Answer:
    """Once more under a new run, and started."""
    step = await session.workflow.repeat(step_id)
    await follow_placement(request, step.placement)
    return session.study.step_told(step)


@router.post("/steps/{step_id}/skip")
async def skip_step(session: SessionHere, step_id: Id, body: SkipBody) -> Answer:
    """Not done, and why; what to do next."""
    return await _marked(session, step_id, "skipped", reason=body.reason, by=body.by)


@router.post("/steps/{step_id}/done")
async def finish_step(session: SessionHere, step_id: Id) -> Answer:
    """Done; what to do next."""
    return await _marked(session, step_id, "done")


@router.post("/steps/{step_id}/reopen")
async def reopen_step(session: SessionHere, step_id: Id) -> Answer:
    """To be done after all."""
    return await _marked(session, step_id, "open")


async def _marked(
    session: SessionHere,
    step_id: str,
    state: Literal["open", "done", "skipped"],
    *,
    reason: str = "",
    by: str | None = None,
) -> Answer:
    step, after = await session.workflow.mark(step_id, state, reason=reason, by=by)
    told = session.study.step_told(step)
    return {**told, "next": None if after is None else session.study.step_told(after)}


def _id(bed: Bed, study_id: str) -> str:
    return bed.session.study.id if study_id == CURRENT else study_id


def _told(bed: Bed, line: StudyLine) -> dict[str, Json]:
    """STUDY."""
    study = line.study
    told = plain(study)
    steps: dict[str, Json] = {
        "open": line.open_count, "done": line.done_count, "skipped": line.skipped_count
    }  # fmt: skip
    return {
        **(told if isinstance(told, dict) else {}),
        "current": study.id == bed.session.study.id,
        "steps": steps,
        "sweeps": line.sweep_count,
        "recordings": [plain(one) for one in line.recordings],
    }
