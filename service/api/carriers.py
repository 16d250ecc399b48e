"""What carries parcels to a viewer, as the hub asks for it (`hub.Wire`): the buffer of our own
socket, or any ASGI server's `send`. Knows no session, so that a benchmark can take it alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from fastapi import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from .socket import WRITE_CAP_BYTES, LiveProtocol
from .wire import Parcel

CLOSE_FLUSH_S = 0.5


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
