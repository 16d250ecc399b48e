"""What every route is given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from pydantic import JsonValue

from service.bedside.session import Session


def _session(request: Request) -> Session:
    session: Session = request.app.state.session
    return session


SessionHere = Annotated[Session, Depends(_session)]

# the service's Json, in the form that FastAPI can describe
Answer = dict[str, JsonValue]
