"""The `myotome` command. Exit 0: done; 1: it failed, one line on stderr says why and what to do;
2: wrong usage."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import typer
from pydantic import ValidationError

from drivers.capability import permissions
from drivers.config import load_config
from drivers.errors import DeviceError
from drivers.registry import find_all
from service import log
from service.bedside.messages import plain, plain_fields
from service.places import PlaceError, data_folder
from service.ports import PortTakenError, is_loopback, listen, listen_from
from service.recording.capture import capture, is_simulated
from service.recording.layout import RecordingError
from service.recording.verify import verify as verify_record
from service.settings import Settings
from service.simulated import SimulatorError, Simulators

app = typer.Typer(
    name="myotome",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="EMG and nerve conduction, UMN and LMN evidence side by side. Research use only.",
)
EXPECTED = (
    DeviceError, PlaceError, PortTakenError, RecordingError, SimulatorError, OSError, ValueError,
)  # fmt: skip
Port = Annotated[int | None, typer.Option(help="TCP port; 0 lets the system choose.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class JobFailedError(Exception):
    """The job failed; the sentence is for stderr."""


@contextmanager
def one_line() -> Iterator[None]:
    """Turn the errors that can be expected into one line on stderr and exit code 1."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        where = "_".join(str(part) for part in first["loc"])
        _fail(f"MYOTOME_{where.upper()}: {first['msg']}")
    except (JobFailedError, *EXPECTED) as error:
        _fail(str(error))


def _fail(sentence: str) -> None:
    typer.echo(f"myotome: {' '.join(sentence.split())}", err=True)
    raise typer.Exit(1)


def _settings(**given: Any) -> Settings:
    return Settings(**{key: value for key, value in given.items() if value not in (None, ())})


@app.command()
def demo(
    patient: Annotated[str, typer.Option(help="A simulated patient.")] = "healthy",
    device: Annotated[str, typer.Option(help="hackeeg, cyton or daisy.")] = "hackeeg",
    seed: Annotated[int, typer.Option(help="Of everything random in the patient.")] = 1,
    electrodes: Annotated[str, typer.Option(help="left APB,left AH,…: from channel 1 on.")] = "",
    port: Port = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the URL.")] = False,
) -> None:
    """A simulated patient on a simulated amplifier, the service and the page. Prints one URL."""
    log.set_up()
    with one_line():
        settings = _settings(port=port, patient=f"simulated {patient}")
        listener = listen_from("127.0.0.1", settings.port)
        folder = data_folder(settings.data_dir) / f"demo-{listener.getsockname()[1]}"
        wanted = {"patient": patient, "seed": seed, "electrodes": electrodes}
        url = f"sim:{device}?{urlencode(wanted)}"
        with Simulators([url]) as simulators:
            _run(
                "simulated", simulators, folder, settings, listener, demo=True, show=not no_browser
            )


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Loopback only.")] = None,
    port: Port = None,
    data_dir: Annotated[Path | None, typer.Option(help="Recordings and settings.")] = None,
    device: Annotated[list[str] | None, typer.Option(help="Device URL; may be repeated.")] = None,
    stimulator: Annotated[
        str | None, typer.Option(help="sim, ttl:/dev/… (a trigger box) or manual.")
    ] = None,
) -> None:
    """The service."""
    log.set_up()
    with one_line():
        settings = _settings(
            host=host,
            port=port,
            data_dir=data_dir,
            device_urls=tuple(device or ()),
            stimulator=stimulator,
        )
        if not is_loopback(settings.host):
            raise JobFailedError(
                f"--host {settings.host} can be reached by others, which needs accounts and TLS "
                "that do not exist yet; use 127.0.0.1"
            )
        if not settings.device_urls:
            raise JobFailedError(
                "no device was named: give --device URL (`myotome devices` lists what is "
                "connected, `myotome demo` simulates one)"
            )
        simulated = all(url.startswith("sim:") for url in settings.device_urls)
        folder = data_folder(settings.data_dir)
        with (
            listen(settings.host, settings.port) as listener,
            Simulators(settings.device_urls) as simulators,
        ):
            _run("simulated" if simulated else "live", simulators, folder, settings, listener)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A recording.")],
    speed: Annotated[float, typer.Option(help="1: as recorded; 0: without waiting.")] = 1.0,
    port: Port = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the URL.")] = False,
) -> None:
    """A recording as a device, with the page."""
    log.set_up()
    with one_line():
        if not file.is_file():
            raise JobFailedError(f"there is no file {file}")
        settings = _settings(port=port)
        url = f"file:{file.resolve()}?speed={speed:g}"
        with listen_from("127.0.0.1", settings.port) as listener, Simulators([url]) as simulators:
            folder = data_folder(settings.data_dir) / f"replay-{listener.getsockname()[1]}"
            _run("replay", simulators, folder, settings, listener, keep=False, show=not no_browser)


@app.command()
def devices(as_json: AsJson = False) -> None:
    """What is connected, and what each may measure."""
    with one_line():
        found = [(one, permissions(load_config(one.config).capability)) for one in find_all()]
    if as_json:
        told = [{**plain_fields(one), "permissions": plain(may)} for one, may in found]
        typer.echo(json.dumps(told))
        return
    for one, may in found:
        typer.echo(f"{one.url}  {one.label}")
        for permission in may:
            reason = f": {permission.reason}" if permission.reason else ""
            typer.echo(f"    {permission.study}  {permission.allowance}{reason}")
    if not found:
        typer.echo("no device was found; is it on, plugged in, and are you in the group dialout?")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def simulate(context: typer.Context, device: str) -> None:
    """A simulated device; becomes `python -m simulators DEVICE …` and takes its options."""
    arguments = [sys.executable, "-m", "simulators", device, *context.args]
    os.execv(sys.executable, arguments)  # noqa: S606 - replaces this process, no shell


@app.command()
def record(
    url: Annotated[str, typer.Argument(help="Device URL.")],
    seconds: Annotated[float, typer.Option(min=0.01, help="Seconds of samples.")],
    out: Annotated[Path, typer.Option(help="The MCAP file to make.")],
) -> None:
    """Record a device without the rest of the service."""
    log.set_up()
    with one_line(), Simulators([url]) as simulators:
        source = simulators.urls()[0]
        header = {"simulated": bool(simulators.running) or is_simulated(source)}
        captured = capture(source, seconds, out, header=header)
        if captured.status.state == "failed":
            raise JobFailedError(captured.status.sentence)
    typer.echo(
        f"{captured.path}: {captured.seconds:.3f} s, {captured.gaps} gaps, {captured.lost} lost"
    )


@app.command()
def verify(file: Path, as_json: AsJson = False) -> None:
    """Is a recording whole? Exit 0 only then."""
    with one_line():
        report = verify_record(file)
    typer.echo(json.dumps(report.to_json()) if as_json else report.sentence)
    if not report.whole:
        if not as_json:
            typer.echo(f"myotome: {file} is not whole: {report.sentence}", err=True)
        raise typer.Exit(1)


@app.command()
def analyse(
    file: Path,
    measure: str,
    channel: Annotated[list[str] | None, typer.Option(help="Channel label.")] = None,
    given: Annotated[list[str] | None, typer.Option("--set", help="key=value")] = None,
    as_json: AsJson = False,
) -> None:
    """One measure on a recording, or on sweeps or a scan in CSV, NPZ or QTrac MEM."""
    from service.analyse import analyse_record, measurement_line  # noqa: PLC0415 - loads scipy

    with one_line():
        measurement = analyse_record(file, measure, channel or (), given or ())
    if as_json:
        typer.echo(json.dumps(measurement_line(measurement)))
        return
    typer.echo(f"{measurement.measure} of {measurement.target}: {measurement.state}")
    for reason in measurement.reasons:
        typer.echo(f"    {reason}")
    for name, value in measurement.values.items():
        typer.echo(f"    {name}  {value:.6g}")


def _run(
    mode: Literal["live", "replay", "simulated"],
    simulators: Simulators,
    folder: Path,
    settings: Settings,
    listener: socket.socket,
    **options: bool,
) -> None:
    # imported while the simulators start: it takes as long as they do
    from service.running import Launch, run_service  # noqa: PLC0415

    run_service(Launch(mode, simulators, folder, **options), settings, listener)


def main() -> None:
    """Entry point of the installed command."""
    app()
