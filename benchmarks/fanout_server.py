"""One frame to all viewers: `python -m benchmarks.fanout_server MODE BYTES FRAMES_PER_S SNDBUF`.

MODE: `hub` (ours: prebuilt frame into uvicorn's transport), `fastapi` (`send_bytes` per viewer, one
after the other), `broadcast` (websockets' own). First line of stdout: the port. From SIGUSR1
on it counts; at SIGUSR2 it prints JSON with the CPU seconds and the frames handed over, and ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from websockets.asyncio.server import broadcast, serve

from service.api.carriers import DirectWire
from service.api.hub import Hub, Viewer
from service.api.socket import EXTENSION, LiveProtocol
from service.api.wire import HEADER, Header, Kind, binary_parcel


class Source:
    """A frame of the asked size at the asked rate, and what handing it over has cost."""

    def __init__(self, frame_bytes: int, frames_per_s: float) -> None:
        self.values = np.zeros((1, (frame_bytes - HEADER.size) // 4), np.float32)
        self.period_s = 1.0 / frames_per_s
        self.frames = 0

    async def run(self, send: Callable[[bytes, int], Awaitable[int]]) -> None:
        """Call `send(payload, number)` on time for ever; it returns how many viewers took it."""
        number, due_s = 0, time.monotonic()
        while True:
            due_s += self.period_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            count = self.values.shape[1]
            header = Header(Kind.SAMPLES, 1, 1, number * count, count, 1, 1, time.monotonic())
            self.frames += await send(binary_parcel(header, self.values).payload, number)
            number += 1


def ours(source: Source) -> FastAPI:
    """Our hub and our socket."""
    app = FastAPI()
    hub = Hub(time.monotonic, lambda _: None)

    @app.websocket("/")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        protocol = websocket.scope["extensions"][EXTENSION]
        viewer = Viewer(str(id(websocket)), DirectWire(protocol, websocket))
        protocol.on_ready = viewer.drain
        hub.join(viewer)
        hub.watch(viewer, 1)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.receive_text()
        hub.leave(viewer)

    async def send(payload: bytes, number: int) -> int:  # noqa: ARG001 - one shape for all modes
        header = Header.decode(payload)
        hub.frame(1, binary_parcel(header, source.values), header.count)
        return len(hub.viewers)

    app.state.send = send
    return app


def naive(source: Source) -> FastAPI:  # noqa: ARG001 - one shape for all modes
    """FastAPI's `send_bytes`, viewer after viewer."""
    app = FastAPI()
    sockets: set[WebSocket] = set()

    @app.websocket("/")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        sockets.add(websocket)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.receive_text()
        sockets.discard(websocket)

    async def send(payload: bytes, number: int) -> int:  # noqa: ARG001 - as above
        for websocket in tuple(sockets):
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await websocket.send_bytes(payload)
        return len(sockets)

    app.state.send = send
    return app


async def run_uvicorn(app: FastAPI, listener: socket.socket, source: Source) -> None:
    """Serve until cancelled."""
    config = uvicorn.Config(
        app, ws=LiveProtocol, ws_per_message_deflate=False, log_level="error", lifespan="off",
        ws_ping_interval=None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    await asyncio.gather(server._serve([listener]), source.run(app.state.send))


async def run_broadcast(listener: socket.socket, source: Source) -> None:
    """The websockets package's own server and broadcast."""
    connections = set()

    async def handler(connection: object) -> None:
        connections.add(connection)
        await connection.wait_closed()
        connections.discard(connection)

    async def send(payload: bytes, number: int) -> int:  # noqa: ARG001 - as above
        broadcast(connections, payload)
        return len(connections)

    async with serve(handler, sock=listener, compression=None, ping_interval=None):
        await source.run(send)


async def main() -> None:
    """See the module."""
    mode, frame_bytes, frames_per_s, sndbuf = sys.argv[1:]
    listener = socket.socket()
    if int(sndbuf):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, int(sndbuf))
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    source = Source(int(frame_bytes), float(frames_per_s))
    work = (
        run_broadcast(listener, source)
        if mode == "broadcast"
        else run_uvicorn({"hub": ours, "fastapi": naive}[mode](source), listener, source)
    )
    loop, started = asyncio.get_running_loop(), {"cpu_s": 0.0, "frames": 0}

    def begin() -> None:
        started.update(cpu_s=time.process_time(), frames=source.frames)

    def end() -> None:
        cpu_s, frames = time.process_time() - started["cpu_s"], source.frames - started["frames"]
        print(json.dumps({"cpu_s": cpu_s, "frames": frames}), flush=True)
        os._exit(0)

    loop.add_signal_handler(signal.SIGUSR1, begin)
    loop.add_signal_handler(signal.SIGUSR2, end)
    print(listener.getsockname()[1], flush=True)
    await work


if __name__ == "__main__":
    asyncio.run(main())
