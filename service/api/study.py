"""The study under way: subject, task, step, temperature, cards."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.bedside.placement import Placement
from service.bedside.row_key import MOTOR
from service.bedside.session import Session
from service.evidence.limits import Sex, Subject
from service.model import Json, Task
from service.simulated import ControlLink, SimulatorError

from .context import Answer, SessionHere

router = APIRouter(prefix="/api", tags=["study"])
Word = Annotated[str, Field(max_length=40)]


class TaskBody(BaseModel):
    """What the patient was asked to do; `level` is a fraction of maximal effort."""

    model_config = ConfigDict(frozen=True)
    task: Task
    level: float = Field(default=0.0, ge=0, le=1)


class StepBody(BaseModel):
    """The study now under the electrodes."""

    model_config = ConfigDict(frozen=True)
    nerve: Word
    site: Word
    side: Literal["left", "right"]
    muscle: Word
    measure: Word = MOTOR


class TemperatureBody(BaseModel):
    """Skin temperature."""

    model_config = ConfigDict(frozen=True)
    celsius: float = Field(ge=10, le=45)
    where: Word = ""


class SubjectBody(BaseModel):
    """Who is examined, as far as known: None is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    age_years: float | None = Field(default=None, ge=0, le=120)
    sex: Sex | None = None
    height_cm: float | None = Field(default=None, ge=40, le=250)


@router.get("/study")
async def study(session: SessionHere) -> Answer:
    """Hello without its transport fields."""
    return session.describe()


@router.post("/task")
async def set_task(request: Request, session: SessionHere, body: TaskBody) -> Answer:
    """From now on the patient does this; the simulated one obeys."""
    await session.workflow.set_task(body.task, body.level)
    if body.task is not Task.UNKNOWN:
        await _follow(request, {"do": "task", "name": body.task.value, "level": body.level})
    return session.study.message()


@router.post("/step")
async def set_step(request: Request, session: SessionHere, body: StepBody) -> Answer:
    """Another nerve, site, side or muscle; disarms."""
    placement = Placement(body.nerve, body.site, body.side, body.muscle)
    await session.workflow.place(placement, body.measure)
    await follow_placement(request, placement)
    return session.study.message()


@router.post("/temperature")
async def set_temperature(session: SessionHere, body: TemperatureBody) -> Answer:
    """Skin temperature as measured."""
    await session.workflow.set_temperature(body.celsius, body.where)
    return session.study.message()


@router.post("/subject")
async def set_subject(session: SessionHere, body: SubjectBody) -> Answer:
    """Age, sex and height: the whole of what is known."""
    await session.workflow.set_subject(Subject(body.age_years, body.sex, body.height_cm))
    return session.study.message()


@router.get("/cards")
async def cards(session: SessionHere) -> list[JsonValue]:
    """Both axes of every muscle."""
    return list(session.study.cards.values())


async def introduce(session: Session, link: ControlLink) -> None:
    """In a demo, who the simulated patient says it is; without an answer nothing is known of it."""
    try:
        told = await link.ask({"do": "describe"})
    except SimulatorError as error:
        session.alarm("note", f"age, sex and height of the simulated patient: {error}")
        return
    body = SubjectBody.model_validate({name: told.get(name) for name in SubjectBody.model_fields})
    await session.workflow.set_subject(Subject(body.age_years, body.sex, body.height_cm))


async def follow_placement(request: Request, placement: Placement) -> None:
    """In a demo the stimulating electrodes of the simulated patient lie where the step says."""
    asked: dict[str, Json] = {
        "do": "placement",
        "nerve": placement.nerve,
        "site": placement.site,
        "side": placement.side,
    }
    await _follow(request, asked)


async def _follow(request: Request, asked: dict[str, Json]) -> None:
    """In a demo the simulated patient does as it is told."""
    link: ControlLink | None = request.app.state.control
    if link is not None:
        await link.ask(asked)
