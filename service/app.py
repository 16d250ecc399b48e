"""The HTTP application around one bed; made by a function, there is none at import."""

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

from service.api import demo, health, live, metrics, stimulator, studies, study, sweeps, table
from service.api.access import Access, Gate
from service.bedside.bed import Bed, NoStoreError
from service.bedside.session import Session
from service.bedside.voluntary import NotNowError
from service.bedside.workflow import UnknownError
from service.simulated import ControlLink, SimulatorError
from service.store.errors import StoreError

NO_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Myotome</title>"
    "<h1>The page is not built</h1><p>Run <code>make page</code> and start the service again. "
    "The service itself is running: see <a href=/api/health>/api/health</a>."
)


def create_app(
    bed: Bed | Session,
    gate: Gate,
    *,
    page: Path | None,
    control: ControlLink | None = None,
) -> ASGIApp:
    """The application, behind its access rules; a session alone is a bed that keeps nothing.

    control: only in a demo, adds `/api/demo/*`.
    """
    app = make_routes(bed, page=page, control=control)
    return Access(app, gate)


def make_routes(
    bed: Bed | Session, *, page: Path | None, control: ControlLink | None = None
) -> FastAPI:
    """Every route, without the access rules: for `create_app` and for tests of the routes."""
    bed = bed if isinstance(bed, Bed) else Bed.of(bed)
    app = FastAPI(
        title="Myotome",
        version=bed.session.plan.version,
        description="Research use only. Not a diagnosis. Not a medical device.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.bed = bed
    app.state.control = control
    for module in (health, study, studies, table, sweeps, stimulator, metrics, live):
        app.include_router(module.router)
    if control is not None:
        app.include_router(demo.router)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValueError, _refused)
    app.add_exception_handler(SimulatorError, _unavailable)
    app.add_exception_handler(UnknownError, _unknown)
    app.add_exception_handler(NoStoreError, _not_now)
    app.add_exception_handler(NotNowError, _not_now)
    app.add_exception_handler(StoreError, _not_kept)
    if page is not None:
        app.mount("/", StaticFiles(directory=page, html=True), name="page")
    else:
        app.add_route("/", _no_page)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    bed: Bed = app.state.bed
    await bed.start()
    if app.state.control is not None:
        await study.introduce(bed.session, app.state.control)
    try:
        yield
    finally:
        await bed.close()
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


async def _unknown(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - as above
    return _error(404, str(error))


async def _not_now(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - as above
    return _error(409, str(error))


async def _not_kept(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - as above
    full = isinstance(error, StoreError) and error.cause == "full"
    return _error(507 if full else 503, str(error))
