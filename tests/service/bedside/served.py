"""The whole service as a process, a simulator beside it, and a page that pings."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from websockets.sync.client import connect

from tests.simulators.process import Running, simulator, until

ROOT = Path(__file__).resolve().parents[3]
STEP = {"nerve": "ulnar", "site": "wrist", "side": "left", "muscle": "left FDI"}


class Served:
    """`myotome serve` on a simulated amplifier; the simulator's own log is the oracle."""

    def __init__(self, board: Running, folder: Path, stimulator: str) -> None:
        self.board = board
        command = [sys.executable, "-m", "service", "serve", "--port", "0"]
        command += ["--data-dir", str(folder), "--device", f"hackeeg:{board.ports['port']}"]
        self.process = subprocess.Popen(
            [*command, "--stimulator", stimulator],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        url = self.process.stdout.readline().strip()
        address, _, self.token = url.partition("/?token=")
        self.port = int(address.rpartition(":")[2])
        try:
            self._begin()
        except BaseException:
            self.end()
            raise

    def _begin(self) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self._open = contextlib.ExitStack()
        self.page = self._open.enter_context(self.socket())
        self.client = json.loads(self.page.recv())["client"]
        self._ended = threading.Event()
        for work in (self._ping, self._read):
            threading.Thread(target=work, daemon=True).start()
        until(self.live, 20, "the device is live")
        self.ask("/api/step", STEP)
        self.ask("/api/stimulator/implant", {"answer": "none", "by": "AB"})

    def socket(self):
        """Another viewer."""
        address = f"ws://127.0.0.1:{self.port}/api/live?token={self.token}"
        return connect(address, max_size=None, compression=None)

    def _ping(self) -> None:
        while not self._ended.wait(0.2):
            with contextlib.suppress(Exception):
                self.page.send('{"type": "ping", "t": 1}')

    def _read(self) -> None:
        with contextlib.suppress(Exception):
            for _ in self.page:
                pass

    def live(self) -> bool:
        """The amplifier sends data."""
        return self.ask("/api/health")["devices"][0]["state"] == "live"

    def ask(self, path: str, body: dict | None = None, *, login: bool = True) -> dict:
        """GET, or POST with a body; the answer, with its status."""
        headers = {"content-type": "application/json"}
        if login:
            headers["authorization"] = f"Bearer {self.token}"
        how = "GET" if body is None else "POST"
        self._http.request(how, path, None if body is None else json.dumps(body), headers)
        answer = self._http.getresponse()
        body = json.loads(answer.read())
        told = {"status": answer.status, **(body if isinstance(body, dict) else {"list": body})}
        self._http.close()  # else the service closes it when nothing was asked for 5 s
        return told

    def state_current(self, current_ma: float) -> dict:
        """Up to a current, in steps that the rules allow."""
        told = {"current_ma": 0.0}
        while told["current_ma"] < current_ma:
            pulse = {"current_ma": min(current_ma, told["current_ma"] + 5), "width_us": 200}
            told = self.ask("/api/stimulator/configure", pulse)
            assert told["status"] == 200, told
        return told

    def arm(self) -> dict:
        """As the page does it."""
        return self.ask("/api/stimulator/arm", {"client": self.client, "operator": "AB"})

    def be_armed(self) -> None:
        """Arm, as soon as the amplifier is live again and the service trusts itself."""
        until(lambda: self.arm()["status"] == 200 and self.hardware_armed(), 20, "arming")

    def fire(self, nonce: str) -> dict:
        """As the page does it."""
        return self.ask("/api/stimulator/fire", {"client": self.client, "nonce": nonce})

    def hardware_armed(self) -> bool:
        """By the stimulator's own word."""
        return self.board.ask(do="stimulator")["state"]["armed"]

    def emitted(self) -> int:
        """Pulses that left the stimulator."""
        return self.board.ask(do="stimulator")["state"]["delivered_count"]

    def close(self) -> None:
        """End it."""
        os.kill(self.process.pid, signal.SIGCONT)
        self._ended.set()
        self._open.close()
        self._http.close()
        self.end()

    def end(self) -> None:
        """SIGTERM; SIGKILL after 10 s."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def served(folder: Path, stimulator: str = "sim") -> Iterator[Served]:
    """stimulator: `sim`, `ttl` (the simulated trigger box) or `manual`."""
    with simulator("hackeeg") as board:
        ports = {"sim": f"sim:{board.ports['stimulator']}",
                 "ttl": f"ttl:{board.ports['trigger_box']}", "manual": "manual"}  # fmt: skip
        made = Served(board, folder, ports[stimulator])
        try:
            yield made
        finally:
            made.close()
