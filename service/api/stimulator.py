"""Configure, arm, fire and STOP, apart from each other."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from drivers.types import Pulse
from service.bedside.interlock import RefusedError
from service.bedside.messages import stimulator_json
from service.bedside.session import Session
from service.bedside.stimulator_status import StimulatorStatus
from service.bedside.train import Declared

from .context import Answer, SessionHere

router = APIRouter(prefix="/api", tags=["stimulator"])
Client = Annotated[str, Field(max_length=64)]
ANSWER_S = 2.0


class PulseBody(BaseModel):
    """The next pulse."""

    model_config = ConfigDict(frozen=True)
    current_ma: float = Field(ge=0, le=1000, allow_inf_nan=False)
    width_us: float = Field(gt=0, le=100_000, allow_inf_nan=False)


class TrainBody(BaseModel):
    """A declared train: kind `f`, `h`, `rns` or `scan`; `to_ma`: current of its last pulse."""

    model_config = ConfigDict(frozen=True)
    kind: str = Field(max_length=10)
    count: int = Field(ge=1, le=10_000)
    rate_hz: float = Field(gt=0, le=1000, allow_inf_nan=False)
    to_ma: float | None = Field(default=None, ge=0, le=1000, allow_inf_nan=False)


class ArmBody(BaseModel):
    """Which page arms, and the initials of who stimulates; `train` absent: single pulses."""

    model_config = ConfigDict(frozen=True)
    client: Client
    operator: str = Field(max_length=20)
    train: TrainBody | None = None


class ImplantBody(BaseModel):
    """Pacemaker, defibrillator or another implanted device: `none`, `present`, `not_known`."""

    model_config = ConfigDict(frozen=True)
    answer: str = Field(max_length=20)
    by: str = Field(min_length=1, max_length=20)


class CeilingBody(BaseModel):
    """A lower limit for this study."""

    model_config = ConfigDict(frozen=True)
    max_ma: float = Field(gt=0, le=1000, allow_inf_nan=False)


class HuntBody(BaseModel):
    """Whether sweeps are only shown."""

    model_config = ConfigDict(frozen=True)
    on: bool


class ClientBody(BaseModel):
    """Which page."""

    model_config = ConfigDict(frozen=True)
    client: Client


class PainBody(BaseModel):
    """What the patient said, 0 (none) to 10, and why the stimulation was stopped if it was."""

    model_config = ConfigDict(frozen=True)
    client: Client
    pain: int | None = Field(default=None, ge=0, le=10)
    reason: str = Field(default="", max_length=200)


class FireBody(BaseModel):
    """`nonce`: the page's own, used once."""

    model_config = ConfigDict(frozen=True)
    client: Client
    nonce: str = Field(min_length=1, max_length=64)


@router.post("/stop")
async def stop(session: SessionHere) -> Answer:
    """The second way to STOP; the live socket is the first. No login."""
    session.stop_stimulation("the stop address")
    return {"stopped": True}


@router.get("/stimulator")
async def state(session: SessionHere) -> Answer:
    """As the `stimulator` message."""
    return stimulator_json(session.stimulation.status)


@router.post("/stimulator/configure")
async def configure(session: SessionHere, body: PulseBody) -> Answer:
    """Set the next pulse; disarms."""
    return await _answer(session.stimulation.configure(Pulse(body.current_ma, body.width_us)))


@router.post("/stimulator/arm")
async def arm(session: SessionHere, body: ArmBody) -> Answer:
    """Arm for a page that is connected."""
    _hear(session, body.client)
    train, declared = body.train, None
    if train is not None:
        declared = Declared(train.kind, train.count, train.rate_hz, train.to_ma)
    return await _answer(session.stimulation.arm(body.client, body.operator, declared))


@router.post("/stimulator/implant")
async def implant(session: SessionHere, body: ImplantBody) -> Answer:
    """The answer that arming waits for, once per study; recorded."""
    return await _answer(session.stimulation.ask(body.answer, body.by))


@router.post("/stimulator/ceiling")
async def ceiling(session: SessionHere, body: CeilingBody) -> Answer:
    """Lower the highest current until the study ends; it cannot be raised again."""
    return await _answer(session.stimulation.lower_ceiling(body.max_ma))


@router.post("/stimulator/hunt")
async def hunt(session: SessionHere, body: HuntBody) -> Answer:
    """Begin or end hunting for the place: pulses are given and recorded, sweeps not kept."""
    return await _answer(session.stimulation.hunt(body.on))


@router.post("/stimulator/end")
async def end(session: SessionHere, body: ClientBody) -> Answer:
    """End a declared train; what was recorded stays."""
    return await _answer(session.stimulation.end_train(body.client))


@router.post("/stimulator/pain")
async def pain(session: SessionHere, body: PainBody) -> Answer:
    """What the patient said, and a reason for stopping: into the record, beside the pulses."""
    said = "" if body.pain is None else f"pain {body.pain} of 10"
    sentence = "; ".join(word for word in (said, body.reason.strip()) if word)
    if not sentence:
        raise HTTPException(400, "give pain from 0 to 10, a reason, or both")
    session.stimulation.note("patient", sentence, body.client)
    return stimulator_json(session.stimulation.status)


@router.post("/stimulator/disarm")
async def disarm(session: SessionHere) -> Answer:
    """Off."""
    return await _answer(session.stimulation.disarm())


@router.post("/stimulator/fire")
async def fire(session: SessionHere, body: FireBody) -> Answer:
    """One pulse."""
    _hear(session, body.client)
    return await _answer(session.stimulation.fire(body.client, body.nonce))


def _hear(session: Session, client: str) -> None:
    """A request in the name of a page shows that it is there, if its socket is open."""
    if session.hub.has(client):
        session.stimulation.heard(client)


async def _answer(asked: Future[StimulatorStatus]) -> Answer:
    try:
        status = await asyncio.wait_for(asyncio.wrap_future(asked), ANSWER_S)
    except RefusedError as refusal:
        raise HTTPException(409, str(refusal)) from refusal
    except TimeoutError as error:
        raise HTTPException(504, "the stimulator does not answer; use its own switch") from error
    return stimulator_json(status)
