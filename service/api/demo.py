"""The simulated patient's dials, faults and truth. These routes exist in demo mode only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import JsonValue

from service.simulated import ControlLink

from .context import Answer

router = APIRouter(prefix="/api/demo", tags=["demo"])
Body = dict[str, JsonValue]


def _control(request: Request) -> ControlLink:
    link: ControlLink = request.app.state.control
    return link


Control = Annotated[ControlLink, Depends(_control)]


@router.post("/dial")
async def dial(link: Control, body: Body) -> Answer:
    """`{"muscle", "umn" or "lmn"}`."""
    return await link.ask({**body, "do": "dial"})


@router.post("/task")
async def task(link: Control, body: Body) -> Answer:
    """What the patient really does, whatever was asked."""
    return await link.ask({**body, "do": "task"})


@router.post("/fault")
async def fault(link: Control, body: Body) -> Answer:
    """A fault on the wire."""
    return await link.ask({**body, "do": "fault"})


@router.post("/placement")
async def placement(link: Control, body: Body) -> Answer:
    """Where the stimulating electrodes really lie."""
    return await link.ask({**body, "do": "placement"})


@router.post("/montage")
async def montage(link: Control, body: Body) -> Answer:
    """Where the recording electrodes really lie: `{"leads": {"4": "left AH"}}`."""
    return await link.ask({**body, "do": "montage"})


@router.get("/truth")
async def truth(
    link: Control, first: Annotated[int, Query(ge=0)], last: Annotated[int, Query(ge=0)]
) -> Answer:
    """Truth of the device's samples [first, last), on its own counter."""
    return await link.ask({"do": "truth", "first": first, "last": last})


@router.get("/templates")
async def templates(link: Control) -> Answer:
    """Noise-free M-waves."""
    return await link.ask({"do": "templates"})


@router.get("/patients")
async def patients(link: Control) -> Answer:
    """Every case that `myotome demo --patient` takes: name, code, title."""
    return await link.ask({"do": "patients"})


@router.get("/describe")
async def describe(link: Control) -> Answer:
    """Patient, dials, task."""
    return await link.ask({"do": "describe"})
