"""The simulated patient's dials, faults and truth. These routes exist in demo mode only."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import JsonValue

from service.bedside.session import Session
from service.evidence.anatomy import anatomy, muscle_from_label
from service.simulated import ControlLink, SimulatorError

from .beside import Clock, Seen, lines
from .context import Answer, SessionHere

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


@router.post("/technique")
async def technique(link: Control, body: Body) -> Answer:
    """An error of electrodes or operator: `{"name", "value", "channel"}`."""
    return await link.ask({**body, "do": "technique"})


@router.post("/needle")
async def needle(link: Control, body: Body) -> Answer:
    """`{"muscle", "action", "mm", "electrode"}`; answers where the tip is."""
    return await link.ask({**body, "do": "needle"})


@router.post("/tap")
async def tap(link: Control, body: Body) -> Answer:
    """A reflex hammer: `{"muscle", "force"}`."""
    return await link.ask({**body, "do": "tap"})


@router.post("/tms")
async def tms(link: Control, body: Body) -> Answer:
    """A magnetic pulse: `{"muscle", "intensity"}`."""
    return await link.ask({**body, "do": "tms"})


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


@router.get("/choices")
async def choices(link: Control) -> Answer:
    """Muscles, nerves with sites, sensory recordings, tasks, errors: what any patient has."""
    return await link.ask({"do": "choices"})


@router.get("/beside")
async def beside(
    link: Control, session: SessionHere, muscle: Annotated[str, Query(max_length=40)]
) -> Answer:
    """The truth of one muscle beside what was measured of it, and its dials as they act now."""
    told = await link.ask({"do": "describe"})
    now, rate_hz = int(_number(told["sample_index"])), _number(told["rate_hz"])
    epoch, zero = _epoch_now(session)
    clock = Clock(epoch, zero, now, rate_hz)
    kept = max(0, now - int(600 * rate_hz))
    span = {"do": "truth", "first": kept, "last": now}
    happened: dict[str, Any] = await link.ask({**span, "brief": True})
    known: dict[str, Any] = await link.ask({"do": "templates", "muscle": muscle})
    here = muscle_from_label(muscle)
    rows: list[Any] = list(session.study.rows.values())
    seen = Seen(
        muscle,
        "" if here is None else anatomy(here.name).nerve,
        rows,
        await session.on_surface(muscle),
        {row["id"]: _stimuli(session, row.get("used", ()), clock) for row in rows},
        _site(told["placement"]),
    )
    dials = [one for one in happened["dials"] if one["muscle"] == muscle]
    table = lines(seen, known["templates"], happened, clock)
    return {
        "simulated": True,
        "muscle": muscle,
        "lines": [line.told() for line in table],
        "acting": dials[-1] if dials else None,
    }


def _number(value: JsonValue) -> float:
    if not isinstance(value, int | float):
        raise SimulatorError("the simulator does not tell its sample rate and counter")
    return float(value)


def _site(placement: JsonValue) -> str:
    return str(placement.get("site", "")) if isinstance(placement, dict) else ""


def _epoch_now(session: Session) -> tuple[int, int]:
    """Number of the leading device's epoch and its counter at stream index 0; (0, 0) before."""
    device = session.study.leading_device
    epoch = None if device is None else session.study.epochs.get(device)
    return (0, 0) if epoch is None else (epoch.number, epoch.device_counter_at_zero or 0)


def _stimuli(session: Session, sweeps: Any, clock: Clock) -> list[float]:
    """Counter of the device at the stimulus of each sweep of the present epoch."""
    entries = [session.study.book.get(str(one)) for one in sweeps]
    triggers = [one.sweep.trigger for one in entries if one is not None]
    return [t.sample_index + clock.zero for t in triggers if t and t.epoch == clock.epoch]


@router.get("/patients")
async def patients(link: Control) -> Answer:
    """Every case that `myotome demo --patient` takes: name, code, title."""
    return await link.ask({"do": "patients"})


@router.get("/describe")
async def describe(link: Control) -> Answer:
    """Patient, dials, task."""
    return await link.ask({"do": "describe"})
