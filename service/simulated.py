"""A simulated device as a child process, and its control socket. The service imports no simulator.

`sim:DEVICE?patient=P&seed=N&electrodes=E` stands for: start `python -m simulators DEVICE`, open
its port with the real driver.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from drivers.config import load_config
from drivers.registry import driver
from service.model import Json

START_S = 20.0
STOP_S = 2.0
ANSWER_S = 5.0
LONGEST_ANSWER = 64 * 1024 * 1024
_PR_SET_PDEATHSIG = 1


class SimulatorError(Exception):
    """A simulator that could not be started or does not answer; one sentence."""


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """Parts of a `sim:` URL. electrodes: what the first channels lie on, with commas between;
    empty: as the patient's case has them."""

    device: str
    patient: str = "healthy"
    seed: int = 1
    electrodes: str = ""


def parse_sim_url(url: str) -> SimulatedDevice:
    """`sim:hackeeg?patient=als&seed=3`. Raises ValueError with a sentence."""
    rest = url.removeprefix("sim:")
    device, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = set(options) - {"patient", "seed", "electrodes"}
    if not url.startswith("sim:") or not device or unknown:
        raise ValueError(f"{url!r} is not sim:DEVICE?patient=P&seed=N&electrodes=E")
    seed = options.get("seed", "1")
    if not seed.isdecimal():
        raise ValueError(f"the seed in {url!r} must be a whole number")
    patient, electrodes = options.get("patient", "healthy"), options.get("electrodes", "")
    return SimulatedDevice(device, patient, int(seed), electrodes)


class SimulatorProcess:
    """`python -m simulators …`; ends with this process, however this process ends.

    It starts at once; `ready` waits for it.
    """

    def __init__(self, wanted: SimulatedDevice) -> None:
        self.wanted = wanted
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "simulators", wanted.device,
                "--patient", wanted.patient, "--seed", str(wanted.seed),
                "--electrodes", wanted.electrodes,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads yet; PDEATHSIG needs it
        )  # fmt: skip
        self.port = self.stimulator = self.control = ""
        self.montage: dict[str, str | None] = {}

    def ready(self) -> None:
        """Wait for its ports. Raises SimulatorError."""
        told = self._first_line()
        self.port = str(told["port"])
        self.stimulator = str(told["stimulator"])
        self.control = str(told["control"])
        self.montage = dict(told.get("montage", {}))

    @property
    def url(self) -> str:
        """What the real driver opens; once it is ready. Channels that its configuration calls by
        another name than the patient's lead are called after the lead."""
        usual = load_config(driver(self.wanted.device).default_config).channels
        leads = {int(number): lead for number, lead in self.montage.items() if lead}
        labels = [leads.get(channel.index, channel.label) for channel in usual]
        if labels == [channel.label for channel in usual]:
            return f"{self.wanted.device}:{self.port}"
        return f"{self.wanted.device}:{self.port}?{urlencode({'labels': ','.join(labels)})}"

    def stop(self) -> None:
        """End it; kill it after 2 s. Idempotent."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _first_line(self) -> dict[str, Any]:
        stdout = self._process.stdout
        if stdout is None:
            raise SimulatorError("the simulator has no output")
        deadline, line = time.monotonic() + START_S, b""
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise SimulatorError(f"the simulator did not start within {START_S:.0f} s")
                part = os.read(stdout.fileno(), 4096)
                if not part:
                    code = self._process.wait()
                    raise SimulatorError(
                        f"the simulator of {self.wanted.device!r} ended at once with code {code}; "
                        "its own message is above"
                    )
                line += part
        told: dict[str, Any] = json.loads(line)
        return told


class Simulators:
    """Every simulator that some device URLs ask for; as a context, ends them."""

    def __init__(self, urls: Sequence[str]) -> None:
        wanted = [parse_sim_url(url) if url.startswith("sim:") else None for url in urls]
        self._urls = tuple(urls)
        self._processes = [None if one is None else SimulatorProcess(one) for one in wanted]

    def __enter__(self) -> Simulators:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.stop()

    @property
    def running(self) -> list[SimulatorProcess]:
        """In the order of the URLs."""
        return [process for process in self._processes if process is not None]

    def urls(self) -> tuple[str, ...]:
        """URLs that drivers can open. Waits for the simulators. Raises SimulatorError."""
        for process in self.running:
            process.ready()
        return tuple(
            url if process is None else process.url
            for url, process in zip(self._urls, self._processes, strict=True)
        )


class ControlLink:
    """The control socket of one simulator (docs/protocols/control.md); one request at a time."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host, int(port)
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: dict[str, Any]) -> dict[str, Json]:
        """Raises ValueError with the simulator's own sentence, SimulatorError if it is gone."""
        async with self._lock:
            try:
                answer = await asyncio.wait_for(self._exchange(request), ANSWER_S)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                self.close()
                raise SimulatorError("the simulator does not answer") from error
        if not answer.get("ok"):
            raise ValueError(str(answer.get("error", "the simulator refused")))
        return answer

    def close(self) -> None:
        """Let go; the next request connects again."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: dict[str, Any]) -> dict[str, Json]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._host, self._port, limit=LONGEST_ANSWER
            )
        reader, writer = self._streams
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        answer: dict[str, Json] = json.loads(await reader.readuntil(b"\n"))
        return answer


def _die_with_parent() -> None:
    # in a session of its own: Ctrl-C reaches it through us, in our order; and the kernel ends it
    # if we are killed
    os.setsid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
