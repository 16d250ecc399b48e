"""A real session with no device, for tests of the routes."""

from __future__ import annotations

import time

from service.api.access import Gate
from service.bedside.plan import Plan
from service.bedside.session import Session

TOKEN = "test-token-0123456789"  # noqa: S105 - of a service that lives for one test
PORT = 8760
HOST = f"127.0.0.1:{PORT}"
GATE = Gate(TOKEN, (PORT,))
COOKIE = {"cookie": f"{GATE.cookie_name}={GATE.cookie_value}"}
OURS = {"origin": f"http://{HOST}"}


def quiet_session() -> Session:
    """Nothing connected, nothing recorded."""
    plan = Plan(mode="simulated", devices=(), patient="nobody", study="s", version="test")
    return Session(plan, now=time.monotonic)
