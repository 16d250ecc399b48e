"""Routes of docs/protocols/study.md over the stand-in service. For tests of the page only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, HTTPException, Request, Response

from tests.end_to_end.fake_rows import placed, protocols
from tests.end_to_end.fake_study import FakeService

RESTART = 1012


def add_bedside(app: FastAPI, fake: FakeService, tell: Callable[[dict], Awaitable[None]]) -> None:
    """Protocols, studies, steps, rows and edits."""
    _studies(app, fake)
    _steps(app, fake, tell)
    _rows(app, fake, tell)


def _studies(app: FastAPI, fake: FakeService) -> None:
    def line() -> dict:
        states = [step["state"] for step in fake.steps()]
        return {
            "id": fake.study_id,
            "patient": "P-0412",
            "visit": "2",
            "operator": "KS",
            "protocol": fake.protocol,
            "state": "open",
            "opened_utc": "2026-01-01T10:00:00+00:00",
            "current": True,
            "steps": {x: states.count(x) for x in ("open", "done", "skipped")},
            "sweeps": len(fake.sweeps),
            "recordings": [],
        }

    @app.get("/api/protocols")
    def shipped() -> list[dict]:
        return protocols()

    old = {"id": "old", "patient": "P-0007", "state": "closed", "current": False, "sweeps": 4}

    @app.get("/api/studies")
    def kept() -> list[dict]:
        return [line(), line() | old]

    @app.get("/api/studies/{study}")
    def looked(study: str) -> dict:
        edit = {
            "id": 1,
            "at_utc": "2026-01-01T10:05:00+00:00",
            "by": "KS",
            "what": "distance",
            "target": "motor_response.left.median.elbow.APB.1",
            "from": {"mm": None},
            "to": {"mm": 225.0},
        }
        closed = {"closed_utc": "2026-01-01T11:00:00+00:00"}
        return {
            "study": line() | (old | closed if study == "old" else {}),
            "steps": fake.steps(),
            "sweeps": fake.sweeps,
            "rows": fake.rows(),
            "edits": [edit],
        }

    @app.get("/api/studies/{study}/rows/{row}/sweeps")
    def row_sweeps(study: str, row: str) -> Response:
        content = fake.row_sweeps(row).astype("<f4").tobytes()
        return Response(content, media_type="application/octet-stream")

    @app.post("/api/studies/{study}/open")
    async def reopen(study: str) -> dict:
        fake.study_id = study
        for socket in list(fake.sockets):
            await socket.close(RESTART)
        return line()

    @app.post("/api/studies")
    async def create(request: Request) -> dict:
        fake.begin((await request.json())["protocol"])
        for socket in list(fake.sockets):
            await socket.close(RESTART)
        return line()


def _steps(app: FastAPI, fake: FakeService, tell: Callable[[dict], Awaitable[None]]) -> None:
    async def told(step: dict) -> dict:
        await tell({"type": "step", "step": step})
        return step

    def find(step_id: str) -> dict:
        for step in fake.listed:
            if step["id"] == step_id:
                return step
        raise HTTPException(404, f"there is no step {step_id!r}")

    async def start(step: dict) -> dict:
        for other in fake.steps():
            if other["rows"] and other["id"] != step["id"] and other["state"] == "open":
                find(other["id"])["state"] = "done"
                await told(find(other["id"]))
        fake.step, fake.armed, fake.train = step, "safe", None
        await tell(fake.stimulator())
        await tell({"type": "study", **fake.study()})
        return step

    @app.post("/api/steps")
    async def add(request: Request) -> dict:
        body = await request.json()
        step = placed(body["nerve"], body["site"], body["muscle"], body["measure"])
        known = next((one for one in fake.listed if one["id"] == step["id"]), None)
        if known is None:
            known = {**step, "added": True}
            fake.listed.append(known)
        known["channel"] = body.get("channel") or known["channel"]
        return known

    @app.post("/api/steps/{step_id}/{what}")
    async def change(step_id: str, what: str, request: Request) -> dict:
        step, body = find(step_id), await request.json()
        if what == "start":
            return await start(step)
        if what == "repeat":
            step |= {"run": step["run"] + 1, "state": "open"}
            return await start(step)
        if what == "sweep":
            step |= {"record_ms": body["ms"]}
            return await told(step)
        step |= {"state": "skipped" if what == "skip" else what, "reason": body.get("reason")}
        return await told(step)


def _rows(app: FastAPI, fake: FakeService, tell: Callable[[dict], Awaitable[None]]) -> None:
    async def told(row: str) -> dict:
        line = fake.row(row)
        await tell({"type": "row", "row": line})
        return line

    @app.get("/api/rows/{row}/trace")
    def trace(row: str) -> Response:
        return Response(fake.trace(row).tobytes(), media_type="application/octet-stream")

    @app.get("/api/rows/{row}/halves")
    def halves(row: str) -> Response:
        return Response(fake.halves(row).tobytes(), media_type="application/octet-stream")

    @app.post("/api/rows/{row}/correct")
    async def correct(row: str, request: Request) -> dict:
        body = await request.json()
        moved = [sweep for sweep in fake.sweeps if sweep["row"] == row]
        for sweep in moved:
            was = {name: sweep[name] for name in ("nerve", "site", "side", "muscle")}
            sweep |= {name: body[name] for name in was if name in body}
            at = placed(sweep["nerve"], sweep["site"], sweep["muscle"], sweep["measure"])
            sweep["row"] = f"{at['id']}.{sweep['run']}"
            at_utc = "2026-01-01T10:05:00+00:00"
            sweep["corrected"] = {"from": was, "by": body["by"], "at_utc": at_utc}
            await tell(sweep)
        await tell({"type": "row_gone", "id": row})
        await told(moved[-1]["row"])
        return {"row": moved[-1]["row"], "sweeps": [sweep["id"] for sweep in moved]}

    @app.post("/api/rows/{row}/markers")
    async def marker(row: str, request: Request) -> dict:
        body = await request.json()
        fake.table.edit(row, markers={body["name"]: (body["latency_ms"], body["by"])})
        return await told(row)

    @app.post("/api/rows/{row}/markers/reset")
    async def reset(row: str, request: Request) -> dict:
        fake.table.hand[row]["markers"].pop((await request.json())["name"], None)
        return await told(row)

    @app.post("/api/rows/{row}/{what}")
    async def said(row: str, what: str, request: Request) -> dict:
        assert what in {"absent", "distance", "condition"}
        fake.table.edit(row, **await request.json())
        return await told(row)

    @app.post("/api/temperature")
    async def temperature(request: Request) -> dict:
        fake.table.celsius = (await request.json())["celsius"]
        await tell({"type": "study", **fake.study()})
        for row in fake.rows():
            await tell({"type": "row", "row": row})
        return {}

    @app.post("/api/sweeps/{sweep_id}")
    async def include(sweep_id: str, request: Request) -> dict:
        sweep = next(one for one in fake.sweeps if one["id"] == sweep_id)
        sweep |= await request.json()
        await tell(sweep)
        await told(sweep["row"])
        return sweep
