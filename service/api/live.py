"""`WS /api/live`: one page's socket. STOP and ping are answered at once; what may take a while
(subscribe, resume) is done in order by a second task, so that nothing ever waits before STOP."""

from __future__ import annotations

import asyncio
import secrets

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError

from service.bedside.session import Session
from service.model import Json

from .carriers import AsgiWire, DirectWire
from .hub import Viewer, Wire
from .live_messages import INBOUND, Ping, Resume, Stop, Subscribe, Unsubscribe
from .socket import EXTENSION, LiveProtocol
from .viewing import Wanted
from .wire import text_body

router = APIRouter()
WAITING_REQUESTS = 64

Slow = Subscribe | Unsubscribe | Resume


@router.websocket("/api/live")
async def live(websocket: WebSocket) -> None:
    """Hello, the default view, and whatever is asked for."""
    session: Session = websocket.app.state.bed.session
    await websocket.accept()
    protocol = websocket.scope.get("extensions", {}).get(EXTENSION)
    wire: Wire
    if isinstance(protocol, LiveProtocol):
        wire = DirectWire(protocol, websocket)
        viewer = Viewer(secrets.token_urlsafe(9), wire)
        protocol.on_ready = viewer.drain
    else:
        wire = asgi = AsgiWire(websocket)
        viewer = Viewer(secrets.token_urlsafe(9), wire)
        asgi.on_ready = viewer.drain
    requests: asyncio.Queue[Slow] = asyncio.Queue(WAITING_REQUESTS)
    worker = asyncio.get_running_loop().create_task(_work(session, viewer, requests))
    try:
        await _listen(websocket, session, viewer, requests)
    finally:
        worker.cancel()
        session.hub.leave(viewer)
        if isinstance(wire, AsgiWire):
            wire.abort()


async def _listen(
    websocket: WebSocket, session: Session, viewer: Viewer, requests: asyncio.Queue[Slow]
) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        session.stimulation.heard(viewer.client)
        try:
            asked = INBOUND.validate_json(message.get("text") or "")
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in detail["loc"])
            _complain(viewer, None, f"the message was not understood: {where} {detail['msg']}")
            continue
        if isinstance(asked, Stop):
            session.stop_stimulation("a viewer")
        elif isinstance(asked, Ping):
            pong: dict[str, Json] = {"type": "pong", "t": asked.t, "server_s": session.now()}
            viewer.tell(text_body(pong))
        elif requests.full():
            _complain(viewer, asked.request, "too many requests at once; wait for the answers")
        else:
            requests.put_nowait(asked)


async def _work(session: Session, viewer: Viewer, requests: asyncio.Queue[Slow]) -> None:
    await session.join(viewer)
    while True:
        asked = await requests.get()
        try:
            await _do(session, viewer, asked)
        except ValueError as error:
            _complain(viewer, asked.request, str(error))


async def _do(session: Session, viewer: Viewer, asked: Slow) -> None:
    viewing = session.viewing
    if isinstance(asked, Subscribe):
        wanted = Wanted(
            asked.device, asked.stream, asked.channels, asked.preset, asked.columns_per_s
        )
        await viewing.subscribe(viewer, wanted, asked.request)
    elif isinstance(asked, Unsubscribe):
        await viewing.unsubscribe(viewer, asked.view)
        viewer.tell(text_body({"type": "ack", "request": asked.request, "view": asked.view}))
    else:
        await viewing.resume(viewer, asked.view, asked.epoch, asked.next_index)


def _complain(viewer: Viewer, request: Json, sentence: str) -> None:
    viewer.tell(text_body({"type": "error", "request": request, "sentence": sentence}))
