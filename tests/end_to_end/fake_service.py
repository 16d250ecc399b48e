"""A stand-in that speaks docs/protocols/live.md: puts the page into states that are hard to bring
about with real parts (lost, stalled, not on disk, not assessable). For tests of the page only."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import numpy as np
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.staticfiles import StaticFiles

from tests.end_to_end.fake_bedside import add_bedside
from tests.end_to_end.fake_simulator import BESIDE, SIMULATED_CHOICES, simulated_person
from tests.end_to_end.fake_study import HEADER, RATE_HZ, FakeService

PAGE = Path(__file__).parents[2] / "web" / "dist"
FRAME_S = 0.02
CSP = "default-src 'self'"


def create_fake_app(fake: FakeService) -> FastAPI:
    """Routes of live.md over `fake`; `POST /test/{what}` changes its state."""
    app = FastAPI()

    async def tell(message: dict) -> None:
        for socket in list(fake.sockets):
            await socket.send_text(json.dumps({"seq": 0, **message}))

    @app.middleware("http")
    async def safe(request: Request, following):
        response = await following(request)
        response.headers["Content-Security-Policy"] = CSP
        return response

    @app.post("/test/{what}")
    async def change(what: str) -> dict:
        fake.what = what
        for message in (fake.hello(), fake.device_state(), fake.recording()):
            await tell(message)
        return {}

    @app.post("/api/stop")
    async def stop() -> dict:
        fake.stopped += 1
        fake.armed = "stopped"
        await tell(fake.stimulator())
        return {"stopped": True}

    @app.get("/api/sweeps")
    def sweeps() -> list[dict]:
        return fake.sweeps

    @app.get("/api/study")
    def study() -> dict:
        return fake.hello()

    @app.get("/api/sweeps/{sweep}/samples")
    def samples(sweep: str) -> Response:
        return Response(fake.data[sweep].tobytes(), media_type="application/octet-stream")

    @app.get("/api/readout")
    def readout(first: int, last: int) -> dict:
        dt = (last - first) / RATE_HZ * 1000
        return {"dt_ms": dt, "peak_to_peak_uv": 312.0, "rms_uv": 44.0, "reasons": []}

    @app.get("/api/demo/describe")
    def describe() -> dict:
        return simulated_person()

    @app.get("/api/demo/choices")
    def choices() -> dict:
        return {"choices": SIMULATED_CHOICES}

    @app.get("/api/demo/beside")
    def beside(muscle: str) -> dict:
        return {"muscle": muscle, "lines": BESIDE, "acting": {"drive": 0.4}}

    @app.get("/api/demo/patients")
    def patients() -> dict:
        return {"patients": [{"name": "healthy", "code": "P-0001", "title": "Healthy adult"}]}

    add_bedside(app, fake, tell)

    @app.post("/api/{path:path}")
    async def post(path: str, request: Request) -> dict:
        body = await request.json()
        if path.startswith("stimulator/"):
            fake.armed = {"arm": "armed", "disarm": "safe", "configure": "safe"}.get(
                path.split("/")[1], fake.armed
            )
            fake.current_ma = body.get("current_ma", fake.current_ma)
            train = body.get("train")
            if train:
                words = f"0 of {train['count']} pulses, {train['rate_hz']:g} Hz"
                fake.train = f"F-waves: {words}, {fake.current_ma:g} mA"
            elif path in {"stimulator/end", "stimulator/disarm"}:
                fake.train, fake.armed = None, "safe"
            elif path == "stimulator/fire" and fake.train:
                fake.train = fake.train.replace(": 0 of", ": 1 of")
            elif path == "stimulator/hunt":
                fake.hunting = body["on"]
            elif path == "stimulator/pain":
                fake.pains.append(body)
            await tell(fake.stimulator())
        if path == "step":
            fake.step, fake.armed = body, "safe"
            await tell(fake.stimulator())
            await tell({"type": "study", "step": body})
        if path == "subject":
            fake.subject = body
            await tell({"type": "study", "subject": body})
        if path == "task":
            fake.task = body["task"]
            await tell({"type": "study", "task": fake.task})
        if path == "stimulator/fire":
            text, data = fake.sweep()
            await tell(text)
            for socket in list(fake.sockets):
                await socket.send_bytes(data)
            if text["row"]:
                await tell({"type": "row", "row": fake.row(text["row"])})
        return {}

    @app.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        fake.sockets.append(socket)
        views: dict[int, int] = {}
        await socket.send_text(json.dumps({"seq": 1, **fake.hello()}))
        await tell({"type": "viewers", "count": len(fake.sockets)})
        sender = asyncio.create_task(_frames(fake, socket, views))
        try:
            while True:
                message = json.loads(await socket.receive_text())
                await _heard(fake, socket, views, message)
        except WebSocketDisconnect:
            fake.sockets.remove(socket)
        finally:
            sender.cancel()

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


async def _heard(
    fake: FakeService, socket: WebSocket, views: dict[int, int], message: dict
) -> None:
    if fake.what == "silent":
        return
    if message["type"] == "ping":
        answer = {"type": "pong", "t": message["t"], "server_s": time.monotonic()}
    elif message["type"] == "subscribe":
        number = max(views, default=0) + 1
        rate = message["columns_per_s"] or RATE_HZ
        views[number] = int(RATE_HZ / rate)
        answer = {
            "type": "view",
            "view": number,
            "request": message["request"],
            "device": "hackeeg",
            "stream": "emg",
            "channels": message["channels"],
            "preset": message["preset"],
            "columns_per_s": message["columns_per_s"],
            "rate_hz": RATE_HZ,
            "decimation": views[number],
            "epoch": 1,
            "next_index": 0,
            "settling_samples": 800,
        }
    elif message["type"] == "unsubscribe":
        views.pop(message["view"], None)
        return
    elif message["type"] == "stop":
        fake.stopped += 1
        return
    else:
        return
    await socket.send_text(json.dumps({"seq": 0, **answer}))


async def _frames(fake: FakeService, socket: WebSocket, views: dict[int, int]) -> None:
    sent: dict[int, int] = {}
    told_s = 0.0
    while True:
        await asyncio.sleep(FRAME_S)
        now = time.monotonic()
        due = int((now - fake.began_s) * RATE_HZ)
        if fake.what == "silent":
            continue
        if now - told_s > 1:
            told_s = now
            await socket.send_text(json.dumps({"seq": 0, **fake.device_state()}))
        if fake.what in {"lost", "stalled"}:
            sent.clear()
            continue
        for view, decimation in list(views.items()):
            first = sent.get(view, due // decimation * decimation)
            count = (due - first) // decimation
            sent[view] = first + count * decimation
            if count == 0:
                continue
            kind, data = (
                (2, fake.columns(count)) if decimation > 1 else (1, fake.columns(count)[..., 0])
            )
            head = HEADER.pack(1, kind, view, 1, first, count, 0, 8, decimation, now, 0)
            await socket.send_bytes(head + np.ascontiguousarray(data).tobytes())
