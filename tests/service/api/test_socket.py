"""The contract with uvicorn 0.54.0: what service/api/socket.py takes from its sansio class."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from service.api.socket import EXTENSION, WRITE_CAP_BYTES, LiveProtocol
from service.api.wire import Parcel


class Running:
    """An application under our protocol on a loopback port."""

    def __init__(self, app) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, ws=LiveProtocol, log_level="warning", lifespan="off", ws_per_message_deflate=False
        )
        config.timeout_graceful_shutdown = 1
        self.server = uvicorn.Server(config)
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}/"

    async def __aenter__(self) -> Running:
        self.task = asyncio.create_task(self.server._serve([self.listener]))
        while not self.server.started:
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(self, *_) -> None:
        self.server.should_exit = True
        await self.task


def test_uvicorn_is_the_version_this_was_written_for() -> None:
    """Another version needs this file read again."""
    assert uvicorn.__version__ == "0.54.0"


async def test_prebuilt_frames_and_asgi_messages_arrive_in_order() -> None:
    """Both ways of sending share one stream."""

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        direct = scope["extensions"][EXTENSION]
        for i in range(50):
            direct.write_frame(Parcel(bytes([i]) * 1000).frame)
            await send({"type": "websocket.send", "text": str(i)})
        await receive()

    async with Running(app) as running, connect(running.url, compression=None) as client:
        for i in range(50):
            assert await client.recv() == bytes([i]) * 1000
            assert await client.recv() == str(i)


async def test_a_full_buffer_is_seen_and_its_end_is_told() -> None:
    """Above the cap `ready` is false; when the peer reads again, `on_ready` is called."""
    seen = asyncio.Queue()

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        direct = scope["extensions"][EXTENSION]
        again = asyncio.Event()
        direct.on_ready = again.set
        frame, written = Parcel(bytes(20_000)).frame, 0
        while direct.ready:
            direct.write_frame(frame)
            written += 1
        seen.put_nowait((written, direct.transport.get_write_buffer_size()))
        await again.wait()
        seen.put_nowait(direct.ready)
        await receive()

    async with Running(app) as running, connect(running.url, compression=None) as client:
        written, held = await asyncio.wait_for(seen.get(), 5)
        assert WRITE_CAP_BYTES < held <= WRITE_CAP_BYTES + 20_010
        for _ in range(written):
            assert len(await client.recv()) == 20_000
        assert await asyncio.wait_for(seen.get(), 5) is True


async def test_shutdown_says_going_away() -> None:
    """The service's end reaches the page as 1001."""

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    async with Running(app) as running:
        client = await connect(running.url)
        running.server.should_exit = True
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd.code == 1001


async def test_a_frame_after_the_close_is_silent() -> None:
    """Writing to a socket that has just closed neither raises nor sends."""
    done = asyncio.Event()

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1013})
        scope["extensions"][EXTENSION].write_frame(Parcel(b"late").frame)
        done.set()

    async with Running(app) as running:
        client = await connect(running.url)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        await asyncio.wait_for(done.wait(), 5)
    assert closed.value.rcvd.code == 1013
