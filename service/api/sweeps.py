"""Sweeps, samples and the two-cursor readout."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.acquisition.ring import GapInside, NotYet, Overrun, RingError
from service.bedside.session import Session
from service.model import Json

from .context import Answer, SessionHere

router = APIRouter(prefix="/api", tags=["signal"])
MOST_SAMPLES = 2_000_000
BINARY = "application/octet-stream"


class Span(BaseModel):
    """Which samples: of one channel of one stream in one epoch, through a preset."""

    model_config = ConfigDict(frozen=True)
    device: str
    stream: str
    epoch: int
    channel: str
    preset: str = "surface"


class PlaceBody(BaseModel):
    """Where sweeps were taken after all; what is absent stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    measure: str | None = Field(default=None, max_length=40)
    nerve: str | None = Field(default=None, max_length=40)
    site: str | None = Field(default=None, max_length=40)
    side: Literal["left", "right"] | None = None
    muscle: str | None = Field(default=None, max_length=80)
    by: str | None = Field(default=None, max_length=20)


class SweepBody(PlaceBody):
    """The same of one sweep; whether it counts in its row; or whether artefact rejection is to
    leave it in its average whatever it finds."""

    included: bool | None = None
    kept: bool | None = None


Index = Annotated[int, Query(ge=0, le=2**53)]


@router.get("/sweeps")
async def sweeps(session: SessionHere) -> list[JsonValue]:
    """All, newest last."""
    book = session.study.book
    return [book.message(entry) for entry in book.entries]


@router.post("/voluntary")
async def mark_effort(session: SessionHere) -> Answer:
    """The last 500 ms of the channel under the electrodes are an epoch of voluntary effort."""
    return session.study.book.message(await session.workflow.voluntary.mark())


@router.get("/sweeps/{sweep_id}/samples", response_class=Response)
async def sweep_samples(session: SessionHere, sweep_id: str) -> Response:
    """float32 little-endian µV, channel after channel; a missing sample is NaN."""
    entry = session.study.book.get(sweep_id)
    if entry is None:
        raise HTTPException(404, f"there is no sweep {sweep_id!r}")
    return Response(entry.sweep.samples_uv.astype("<f4").tobytes(), media_type=BINARY)


@router.post("/sweeps/{sweep_id}")
async def change_sweep(session: SessionHere, sweep_id: str, body: SweepBody) -> Answer:
    """Into or out of its average, or into the row where it belongs."""
    place = body.model_dump(exclude={"included", "kept", "by"}, exclude_none=True)
    if body.included is None and body.kept is None and not place:
        raise ValueError(
            "nothing to change: give included, kept, or nerve, site, side, muscle, measure"
        )
    if place:
        entry = await session.workflow.correct(sweep_id, place, body.by)
    if body.kept is not None:
        entry = await session.workflow.keep(sweep_id, body.kept, body.by)
    if body.included is not None:
        entry = await session.workflow.include(sweep_id, body.included, body.by)
    return session.study.book.message(entry)


@router.get("/samples", response_class=Response)
async def samples(
    session: SessionHere,
    span: Annotated[Span, Query()],
    first: Index,
    count: Annotated[int, Query(ge=1, le=MOST_SAMPLES)],
) -> Response:
    """float32 little-endian µV. 410: no longer in the ring. 409: a gap lies inside, or not yet."""
    try:
        data = await _read(session, span, first, count)
    except Overrun as error:
        raise HTTPException(410, str(error)) from error
    except (GapInside, NotYet) as error:
        raise HTTPException(409, str(error)) from error
    return Response(data.astype("<f4").tobytes(), media_type=BINARY)


@router.get("/readout")
async def readout(
    session: SessionHere, span: Annotated[Span, Query()], first: Index, last: Index
) -> Answer:
    """Between two cursors, `last` included: time, peak to peak, RMS; null with the reason where
    a sample is missing."""
    first, last = min(first, last), max(first, last)
    count = last - first + 1
    if count > MOST_SAMPLES:
        raise HTTPException(400, f"the cursors are more than {MOST_SAMPLES} samples apart")
    told: dict[str, Json] = {
        "dt_ms": (last - first) / _rate_hz(session, span) * 1000.0,
        "peak_to_peak_uv": None,
        "rms_uv": None,
        "reasons": [],
    }
    try:
        data = await _read(session, span, first, count)
    except RingError as error:
        return {**told, "reasons": [str(error)]}
    return {
        **told,
        "peak_to_peak_uv": float(np.ptp(data)),
        "rms_uv": float(np.sqrt(np.mean(np.square(data)))),
    }


def _rate_hz(session: Session, span: Span) -> float:
    epoch = session.study.epochs.get(span.device)
    for stream in () if epoch is None else epoch.info.streams:
        if stream.name == span.stream:
            return stream.rate_hz
    raise HTTPException(404, f"there is no stream {span.stream!r} of {span.device!r}")


async def _read(session: Session, span: Span, first: int, count: int) -> npt.NDArray[np.float64]:
    pipeline = session.pipelines.get(span.device)
    if pipeline is None:
        raise HTTPException(404, f"there is no device {span.device!r}")
    try:
        read = partial(
            pipeline.samples,
            span.stream,
            span.channel,
            span.preset,
            epoch=span.epoch,
            first=first,
            count=count,
        )
        return await asyncio.to_thread(read)
    except ValueError as error:
        raise HTTPException(404, str(error)) from error
