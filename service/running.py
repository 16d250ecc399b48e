"""Running the service: socket, folder, simulators, session, server; and ending in the right order.

The first SIGINT or SIGTERM ends well within 5 s: stimulator off, devices stopped, record closed
with its footer, sockets closed with 1001. A second one ends at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import threading
import time
import webbrowser
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import structlog
import uvicorn

from drivers.registry import parse_url
from drivers.stimulator import open_stimulator, stimulator_kind
from drivers.types import Stimulator, StimulatorKind
from service.api.access import Gate
from service.api.socket import LiveProtocol
from service.app import create_app
from service.bedside.bed import UNNAMED, Bed, read_store, write_store
from service.bedside.laboratory import laboratory_limits
from service.bedside.plan import DevicePlan, Plan
from service.bedside.table import Circumstances
from service.places import PlaceError, claim, forget_old_demos, page_folder
from service.recording.directions import Directions
from service.settings import Settings
from service.simulated import ControlLink, SimulatorProcess, Simulators
from service.store.errors import StoreError
from service.store.opening import open_store
from service.store.studies import set_state, unfinished

EXIT_S = 4.8
GRACE_S = 1
WS_MESSAGE_BYTES = 64 * 1024
SIM_STIMULATOR = "sim"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run. keep: whether it is recorded. show: open a browser."""

    mode: Literal["live", "replay", "simulated"]
    simulators: Simulators
    folder: Path
    demo: bool = False
    keep: bool = True
    show: bool = False


def run_service(launch: Launch, settings: Settings, listener: socket.socket) -> None:
    """Until a signal. Raises PlaceError, SimulatorError, RecordingError or ValueError."""
    _exit_on_signals()
    with claim(launch.folder) as folder:
        if launch.demo:
            forget_old_demos(folder)
        urls, simulators = launch.simulators.urls(), launch.simulators.running
        limits, problem = laboratory_limits(folder)
        opener, kind = _stimulator(settings.stimulator, simulators)
        plan = _as_recorded(
            Plan(
                mode=launch.mode,
                devices=tuple(DevicePlan(name, url) for name, url in _named(urls)),
                patient=settings.patient,
                study=_study_id(),
                version=software_version(),
                open_stimulator=opener,
                stimulator_kind=kind,
                circumstances=Circumstances(
                    limits=limits, problem=problem, use_unverified=settings.unverified_limits
                ),
            )
        )
        bed = _bed(plan, folder if launch.keep and settings.record else None, demo=launch.demo)
        port = listener.getsockname()[1]
        token = settings.token.get_secret_value() if settings.token else secrets.token_urlsafe(24)
        app = create_app(
            bed,
            Gate(token, (port,)),
            page=page_folder(settings.page_dir),
            control=ControlLink(simulators[0].control) if launch.demo else None,
        )
        config = uvicorn.Config(
            app,
            ws=LiveProtocol,
            ws_max_size=WS_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            forwarded_allow_ips="",
            timeout_graceful_shutdown=GRACE_S,
            lifespan="on",
        )
        url = f"http://127.0.0.1:{port}/?token={token}"
        asyncio.run(_serve(_Server(config), bed, listener, partial(_ready, url, launch.show)))


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: ours know what must end first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def _serve(
    server: _Server, bed: Bed, listener: socket.socket, ready: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()

    def first(number: signal.Signals) -> None:
        bed.session.stimulation.stop()
        server.should_exit = True
        log.info("stopping", signal=number.name)
        for again in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(again)
            signal.signal(again, lambda *_: os._exit(1))
        late = threading.Timer(EXIT_S, _give_up)
        late.daemon = True
        late.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first, number)
    serving = loop.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if not serving.done():
        ready()
    await serving


def _give_up() -> None:
    sys.stderr.write("myotome: something did not end within 5 s and was abandoned\n")
    sys.stderr.flush()
    os._exit(1)


def _exit_on_signals() -> None:
    """Until the loop runs. Explicitly: a job started in the background has SIGINT ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def _ready(url: str, show: bool) -> None:
    print(url, flush=True)
    screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if show and screen:
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _stimulator(
    asked: str | None, simulators: list[SimulatorProcess]
) -> tuple[Callable[[], Stimulator] | None, StimulatorKind]:
    """What opens the stimulator, and its kind: the one asked for, else that of the simulator, else
    none. Raises ValueError or ConfigError."""
    if asked in (None, SIM_STIMULATOR):
        if asked and not simulators:
            raise ValueError("--stimulator sim needs a simulated device: --device sim:hackeeg")
        if not simulators:
            return None, StimulatorKind.CONTROLLED
        asked = f"{SIM_STIMULATOR}:{simulators[0].stimulator}"
    return partial(open_stimulator, asked), stimulator_kind(asked)


def _named(urls: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Devices by their scheme; a second one of a kind is `hackeeg-2`."""
    seen: Counter[str] = Counter()
    for url in urls:
        scheme = url.partition(":")[0]
        seen[scheme] += 1
        yield (scheme if seen[scheme] == 1 else f"{scheme}-{seen[scheme]}"), url


def _bed(plan: Plan, folder: Path | None, *, demo: bool) -> Bed:
    """The bed with its store: it goes on with the study that was left open, by a crash or by the
    end of the service. A demo begins anew. Raises PlaceError."""
    if folder is None or plan.mode == "replay":
        return Bed(plan, now=time.monotonic)
    try:
        engine = open_store(folder)
        left = read_store(engine, unfinished)
        if left is not None and (demo or plan.patient not in (UNNAMED, left.patient)):
            ended = partial(set_state, study_id=left.id, state="closed", closed_utc=left.opened_utc)
            write_store(engine, ended)
            left = None
        if left is not None:
            log.info("going on", study=left.id)
            plan = replace(plan, study=left.id)
        return Bed(plan, now=time.monotonic, engine=engine, folder=folder)
    except StoreError as error:
        raise PlaceError(str(error)) from error


def _as_recorded(plan: Plan) -> Plan:
    """A replay under the names of its recording, so that sweeps and measurements have theirs."""
    if plan.mode != "replay":
        return plan
    first = plan.devices[0]
    directions = Directions(Path(parse_url(first.url)[1]))
    return replace(
        plan,
        devices=(replace(first, id=directions.device or first.id), *plan.devices[1:]),
        patient=str(directions.study.get("patient", plan.patient)),
        study=str(directions.study.get("study", plan.study)),
        run=str(directions.study.get("run", directions.study.get("study", plan.study))),
        directions=directions,
    )


def _study_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def software_version() -> str:
    """The installed version; `unknown` in a checkout that was never installed."""
    try:
        return version("myotome")
    except PackageNotFoundError:
        return "unknown"
