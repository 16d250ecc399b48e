"""Rows of the table, and what a person says of them (docs/protocols/study.md)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field, JsonValue

from service.model import Json

from .context import Answer, BedHere, SessionHere
from .studies import BINARY, By, Id
from .sweeps import PlaceBody

router = APIRouter(prefix="/api", tags=["table"])
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]


class MarkerBody(By):
    """A place: a sample of the average, or ms after the stimulus."""

    name: str = Field(max_length=40)
    index: Finite | None = None
    latency_ms: Finite | None = None


class ResetBody(By):
    """One marker, or null: all."""

    name: str | None = Field(default=None, max_length=40)


class AbsentBody(By):
    """ "No response", or not so after all."""

    absent: bool
    electrode_checked: bool = False


class DistanceBody(By):
    """As measured on the skin; null: not."""

    mm: float | None = Field(ge=10, le=1500)


class ConditionBody(By):
    """How a row was taken. flexion_deg: of the elbow, 0 is straight. after_exercise_s: directly
    after so many seconds of maximal exercise. null: not recorded, and at rest."""

    flexion_deg: float | None = Field(default=None, ge=0, le=150)
    after_exercise_s: float | None = Field(default=None, gt=0, le=120)


class ExerciseBody(By):
    """That maximal exercise has ended just now, between two trains; false: there was none."""

    ended: bool


class EffortBody(By):
    """Whether maximal effort was reached; null: nobody says."""

    maximal: bool | None


@router.get("/rows")
async def rows(session: SessionHere) -> list[JsonValue]:
    """The table."""
    return list(session.study.rows.values())


@router.get("/limits")
async def limits(session: SessionHere) -> Answer:
    """Which limits of normal hold here."""
    known = session.plan.circumstances
    table = known.limits
    return {
        "table": {"name": table.name, "version": table.version, "source": table.source},
        "use_unverified": known.use_unverified,
        "rows": len(table.rows),
        "problem": known.problem or None,
    }


@router.post("/rows/{row_id}/markers")
async def place_marker(session: SessionHere, row_id: Id, body: MarkerBody) -> Answer:
    """A new measurement supersedes the old one."""
    to: dict[str, Json] = {"name": body.name, "index": body.index, "latency_ms": body.latency_ms}
    return await session.workflow.change_row(row_id, "marker", to, body.by)


@router.post("/rows/{row_id}/markers/reset")
async def reset_markers(session: SessionHere, row_id: Id, body: ResetBody) -> Answer:
    """Back to automatic."""
    return await session.workflow.change_row(row_id, "reset", {"name": body.name}, body.by)


@router.post("/rows/{row_id}/absent")
async def call_absent(session: SessionHere, row_id: Id, body: AbsentBody) -> Answer:
    """ "No response" by the operator."""
    to: dict[str, Json] = {"absent": body.absent, "electrode_checked": body.electrode_checked}
    return await session.workflow.change_row(row_id, "absent", to, body.by)


@router.post("/rows/{row_id}/distance")
async def set_distance(session: SessionHere, row_id: Id, body: DistanceBody) -> Answer:
    """Of this row alone; never carried over."""
    return await session.workflow.change_row(row_id, "distance", {"mm": body.mm}, body.by)


@router.post("/rows/{row_id}/condition")
async def set_condition(session: SessionHere, row_id: Id, body: ConditionBody) -> Answer:
    """Of this row alone; both are set, what is absent is taken back."""
    to: dict[str, Json] = {
        "flexion_deg": body.flexion_deg, "after_exercise_s": body.after_exercise_s,
    }  # fmt: skip
    return await session.workflow.change_row(row_id, "condition", to, body.by)


@router.post("/rows/{row_id}/exercise")
async def exercise_ended(session: SessionHere, row_id: Id, body: ExerciseBody) -> Answer:
    """The trains of the row from now on follow exercise; those before are the baseline."""
    return await session.workflow.change_row(row_id, "exercise", {"ended": body.ended}, body.by)


@router.post("/rows/{row_id}/effort")
async def maximal_effort(session: SessionHere, row_id: Id, body: EffortBody) -> Answer:
    """The examiner's word on a row of voluntary efforts."""
    return await session.workflow.change_row(row_id, "effort", {"maximal": body.maximal}, body.by)


@router.post("/rows/{row_id}/correct")
async def correct_row(session: SessionHere, row_id: Id, body: PlaceBody) -> Answer:
    """All sweeps of a row into the row where they were taken; answers with that row's id."""
    place = body.model_dump(exclude={"by"}, exclude_none=True)
    if not place:
        raise ValueError("nothing to change: give nerve, site, side, muscle or measure")
    moved = await session.workflow.correct_row(row_id, place, body.by)
    return {"row": moved[-1].row or None, "sweeps": [one.sweep.id for one in moved]}


@router.get("/rows/{row_id}/history")
async def history(bed: BedHere, row_id: Id) -> list[JsonValue]:
    """What the row has said, newest first, each with what it supersedes."""
    return [dict(one) for one in await bed.history(row_id)]


@router.get("/rows/{row_id}/trace", response_class=Response)
async def trace(session: SessionHere, row_id: Id) -> Response:
    """float32 little-endian µV of the average on the row's channel."""
    return Response(await session.workflow.trace(row_id), media_type=BINARY)


@router.get("/rows/{row_id}/halves", response_class=Response)
async def halves(session: SessionHere, row_id: Id) -> Response:
    """float32 little-endian µV: the average of every odd sweep in use, then of every even one."""
    return Response(await session.workflow.halves(row_id), media_type=BINARY)
