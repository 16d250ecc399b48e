"""`GET /api/health`, no login: is it alive, and how are the devices."""

from __future__ import annotations

from fastapi import APIRouter

from service.model import Json

from .context import Answer, SessionHere

router = APIRouter(tags=["service"])


@router.get("/api/health")
async def health(session: SessionHere) -> Answer:
    """Nothing here names a patient."""
    devices: list[Json] = [
        {
            "id": state.device,
            "state": state.state.value,
            "rate_hz": state.rate_hz,
            "received": state.received,
            "lost": state.lost,
            "rejected": state.rejected,
        }
        for state in session.study.states.values()
    ]
    return {"status": "ok", "version": session.plan.version, "devices": devices}
