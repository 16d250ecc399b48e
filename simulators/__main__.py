"""python -m simulators DEVICE: a simulated patient on a simulated amplifier.

The first line of stdout is JSON with the ports (docs/protocols/control.md). It runs until
SIGINT, SIGTERM or the control request `stop`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drivers.config import load_stimulator_limits
from drivers.errors import ConfigError

from .assembly import DEVICES, Subject, load_subject, make_firmware
from .bench import TICK_S, Bench
from .control import Control, ControlServer
from .faults import Fault, parse_fault
from .port import USB_BUFFER_BYTES, PtyPort
from .truth import TruthFile


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m simulators`."""
    made = argparse.ArgumentParser("python -m simulators", description=__doc__)
    made.add_argument("device", choices=DEVICES)
    made.add_argument("--patient", default="healthy", help="a case of simulators/patient/cases")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--electrodes", default="", help="left APB,left AH,…: from channel 1 on")
    made.add_argument("--link", type=Path, help="symlink that follows the port through replugs")
    made.add_argument("--speed", type=float, default=1.0, help="device seconds per second")
    made.add_argument("--fault", action="append", default=[], help="name[:key=value[,key=value]]")
    made.add_argument("--truth", type=Path, help="write the truth there as JSON lines, each second")
    made.add_argument("--micros-start", type=int, default=0, help="hackeeg: micros() at power-on")
    return made


def checked_faults(arguments: argparse.Namespace) -> list[Fault]:
    """The faults asked for. Raises ValueError for these and for a speed that cannot be."""
    if not 0 < arguments.speed < math.inf:
        raise ValueError(f"--speed must be above 0; got {arguments.speed}.")
    return [parse_fault(spec) for spec in arguments.fault]


def lay_electrodes(subject: Subject, wanted: str) -> None:
    """Recording electrodes of the first channels, by the names of muscles and sensory recordings,
    with commas between; the other channels stay as the case has them, empty: all.

    Raises ValueError for a place that nobody has, a channel that is not there, or one place twice.
    """
    if not wanted:
        return
    leads = [lead.strip() for lead in wanted.split(",")]
    subject.set_montage(dict(enumerate(leads, start=1)))
    told: dict[str, str | None] = subject.patient.describe()["montage"]
    everywhere = list(told.values())
    twice = [lead for lead in leads if everywhere.count(lead) > 1]
    if twice:
        raise ValueError(f"--electrodes: two channels lie on '{twice[0]}'; name one electrode each")


def make_bench(arguments: argparse.Namespace, subject: Subject, faults: Sequence[Fault]) -> Bench:
    """Device, stimulator and ports for a subject. Raises ConfigError or OSError."""
    is_hackeeg = arguments.device == "hackeeg"
    options = {"micros_start": arguments.micros_start} if is_hackeeg else {}
    bench = Bench(
        make_firmware(arguments.device, subject, arguments.seed, **options),
        subject,
        PtyPort(arguments.link, buffer_bytes=USB_BUFFER_BYTES if is_hackeeg else 0),
        PtyPort(hold=False),
        load_stimulator_limits(),
        seed=arguments.seed,
        now=time.monotonic,
        speed=arguments.speed,
        self_powered=not is_hackeeg,
        trigger_box_port=PtyPort(),
    )
    bench.power_on()
    for fault in faults:
        bench.set_fault(fault)
    return bench


@contextmanager
def stop_signals(bench: Bench) -> Iterator[int]:
    """SIGINT and SIGTERM end the bench; gives the descriptor that wakes the loop.

    Installed explicitly: a process started in the background begins with SIGINT ignored.
    """
    read_end, write_end = os.pipe()
    for end in (read_end, write_end):
        os.set_blocking(end, False)

    def stop(*_: object) -> None:
        bench.stopped = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    try:
        yield read_end
    finally:
        signal.set_wakeup_fd(-1)
        os.close(read_end)
        os.close(write_end)


def run(bench: Bench, arguments: argparse.Namespace) -> None:
    """Serve until stopped."""
    # poll, not epoll: a port that comes back may reuse the descriptor number of the old one
    selector = selectors.PollSelector()
    identity = {
        "device": arguments.device,
        "patient": arguments.patient,
        "seed": arguments.seed,
    }
    server = ControlServer(Control(bench, identity), selector)
    truth = TruthFile(arguments.truth, bench.firmware, time.monotonic)
    with stop_signals(bench) as wake:
        selector.register(wake, selectors.EVENT_READ, None)
        ports = {
            "device": arguments.device,
            "port": bench.port.name,
            "stimulator": bench.stimulator_port.name,
            "trigger_box": bench.trigger_box_port.name if bench.trigger_box_port else "",
            "control": server.address,
            "montage": bench.subject.patient.describe().get("montage", {}),
        }
        print(json.dumps(ports | identity), flush=True)
        while not bench.stopped:
            bench.step()
            truth.step()
            bench.wait_on(selector)
            for key, events in selector.select(TICK_S):
                if isinstance(key.fileobj, socket.socket):
                    server.serve(key.fileobj, events)
        truth.close()
        server.close()
        bench.close()


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 the job failed, 2 wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        faults = checked_faults(arguments)
        subject = load_subject(arguments.device, arguments.patient, arguments.seed)
        lay_electrodes(subject, arguments.electrodes)
        bench = make_bench(arguments, subject, faults)
    except (ValueError, ConfigError, OSError) as error:
        print(f"python -m simulators: {error}", file=sys.stderr)
        return 1
    run(bench, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
