"""The server's end of a live socket: uvicorn's sansio protocol with a way to write a frame that is
already built, so that 500 viewers cost one encoding and 500 `send` calls.

It relies on attributes of uvicorn 0.54.0 (pinned; contract: tests/service/api/test_socket.py).
Under any other server the hub falls back to ASGI `send` (service/api/live.py).
"""

from __future__ import annotations

from asyncio import BaseTransport, Transport
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

EXTENSION = "myotome.direct"
WRITE_CAP_BYTES = 128 * 1024  # above it a viewer is behind: its frames wait, newest wins
GOING_AWAY = 1001


class LiveProtocol(WebSocketsSansIOProtocol):
    """Puts itself in the ASGI scope's extensions as `myotome.direct`."""

    on_ready: Callable[[], None] | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """As uvicorn, with our cap on what may wait in this process for one viewer."""
        super().connection_made(transport)
        cast(Transport, transport).set_write_buffer_limits(high=WRITE_CAP_BYTES)

    def handle_connect(self, event: Request) -> None:
        """As uvicorn; the application task starts later, so the scope may still be added to."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast(dict[str, Any], self.scope)["extensions"][EXTENSION] = self

    @property
    def ready(self) -> bool:
        """True while less than the cap waits to be sent."""
        return self.writable.is_set()

    def write_frame(self, frame: bytes) -> None:
        """Send a complete websocket frame; silent when the socket is closing."""
        if self.handshake_complete and not self.close_sent and not self.transport.is_closing():
            self.transport.write(frame)

    def resume_writing(self) -> None:
        """The viewer has caught up."""
        super().resume_writing()
        if self.on_ready is not None:
            self.on_ready()

    def shutdown(self) -> None:
        """As uvicorn, but with 1001 (going away) instead of 1012."""
        if self.handshake_complete and not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
            self.conn.send_close(GOING_AWAY, "the service is stopping")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        super().shutdown()
