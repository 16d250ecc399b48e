"""What every route is given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from pydantic import JsonValue

from service.bedside.bed import Bed
from service.bedside.session import Session


def _bed(request: Request) -> Bed:
    bed: Bed = request.app.state.bed
    return bed


def _session(request: Request) -> Session:
    return _bed(request).session


BedHere = Annotated[Bed, Depends(_bed)]
SessionHere = Annotated[Session, Depends(_session)]

# the service's Json, in the form that FastAPI can describe
Answer = dict[str, JsonValue]
