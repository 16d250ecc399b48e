"""The HTTP application around one session; made by a function, there is none at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp

from service.api import demo, health, live, metrics, stimulator, study, sweeps
from service.api.access import Access, Gate
from service.bedside.session import Session
from service.simulated import ControlLink, SimulatorError

NO_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Myotome</title>"
    "<h1>The page is not built</h1><p>Run <code>make page</code> and start the service again. "
    "The service itself is running: see <a href=/api/health>/api/health</a>."
)


def create_app(
    session: Session,
    gate: Gate,
    *,
    page: Path | None,
    control: ControlLink | None = None,
) -> ASGIApp:
    """The application, behind its access rules. control: only in a demo, adds `/api/demo/*`."""
    app = make_routes(session, page=page, control=control)
    return Access(app, gate)


def make_routes(
    session: Session, *, page: Path | None, control: ControlLink | None = None
) -> FastAPI:
    """Every route, without the access rules: for `create_app` and for tests of the routes."""
    app = FastAPI(
        title="Myotome",
        version=session.plan.version,
        description="Research use only. Not a diagnosis. Not a medical device.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.session = session
    app.state.control = control
    for module in (health, study, sweeps, stimulator, metrics, live):
        app.include_router(module.router)
    if control is not None:
        app.include_router(demo.router)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValueError, _refused)
    app.add_exception_handler(SimulatorError, _unavailable)
    if page is not None:
        app.mount("/", StaticFiles(directory=page, html=True), name="page")
    else:
        app.add_route("/", _no_page)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    session: Session = app.state.session
    await session.start()
    if app.state.control is not None:
        await study.introduce(session, app.state.control)
    try:
        yield
    finally:
        await session.close()
        if app.state.control is not None:
            app.state.control.close()


async def _no_page(request: Request) -> HTMLResponse:  # noqa: ARG001 - Starlette's signature
    return HTMLResponse(NO_PAGE)


def _error(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)


async def _http_error(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - as above
    if not isinstance(error, HTTPException | StarletteHTTPException):
        raise error
    answer = _error(error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _invalid(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - as above
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _error(422, f"{where}: {first['msg']}")


async def _refused(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - as above
    return _error(400, str(error))


async def _unavailable(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - as above
    return _error(503, str(error))
