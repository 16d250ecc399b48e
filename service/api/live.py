"""`WS /api/live`: one page's socket. STOP and ping are answered at once; what may take a while
(subscribe, resume) is done in order by a second task, so that nothing ever waits before STOP."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.websockets import WebSocketState

from service.bedside.session import Session
from service.model import Json

from .hub import Viewer, Wire
from .live_messages import INBOUND, Ping, Resume, Stop, Subscribe, Unsubscribe
from .socket import EXTENSION, WRITE_CAP_BYTES, LiveProtocol
from .viewing import Wanted
from .wire import Parcel, text_body

router = APIRouter()
WAITING_REQUESTS = 64
CLOSE_FLUSH_S = 0.5

Slow = Subscribe | Unsubscribe | Resume


class DirectWire:
    """A socket of our own server class: frames go straight into its buffer."""

    def __init__(self, protocol: LiveProtocol, websocket: WebSocket) -> None:
        self._protocol = protocol
        self._websocket = websocket
        self._closing: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """See hub.Wire."""
        return self._protocol.ready

    def send(self, parcel: Parcel) -> None:
        """See hub.Wire."""
        self._protocol.write_frame(parcel.frame)

    def close(self, code: int, reason: str) -> None:
        """See hub.Wire."""
        self._closing = asyncio.get_running_loop().create_task(
            _close(self._websocket, code, reason)
        )

    def abort(self) -> None:
        """See hub.Wire."""
        self._protocol.transport.abort()


class AsgiWire:
    """Any other server: a task of ours awaits ASGI `send`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._queue: deque[Parcel] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._pump = asyncio.get_running_loop().create_task(self._run())
        self.on_ready: Callable[[], None] = _nothing

    @property
    def ready(self) -> bool:
        """See hub.Wire."""
        return self._bytes < WRITE_CAP_BYTES

    def send(self, parcel: Parcel) -> None:
        """See hub.Wire."""
        self._queue.append(parcel)
        self._bytes += len(parcel.payload)
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """See hub.Wire."""
        self._pump.cancel()
        self._pump = asyncio.get_running_loop().create_task(_close(self._websocket, code, reason))

    def abort(self) -> None:
        """See hub.Wire."""
        self._pump.cancel()

    async def _run(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    parcel = self._queue.popleft()
                    if parcel.text:
                        await self._websocket.send_text(parcel.payload.decode())
                    else:
                        await self._websocket.send_bytes(parcel.payload)
                    self._bytes -= len(parcel.payload)
                    self.on_ready()


def _nothing() -> None:
    return


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        # a peer that takes nothing cannot be told; the hub cuts it off
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            await asyncio.wait_for(websocket.close(code, reason), CLOSE_FLUSH_S)


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
