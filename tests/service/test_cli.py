"""The `myotome` command: exit codes, one line of reason, and a real demo from start to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from service.api.wire import Header
from service.cli import app
from service.places import PlaceError, claim
from service.ports import PortTakenError, holder, is_loopback, listen, listen_from

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str):
    """The command in this process."""
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize(
    "arguments", [("nothing",), ("verify",), ("record", "x:1"), ("serve", "--port", "many")]
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    """Usage errors are apart from failures."""
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("serve", "--host", "0.0.0.0", "--device", "sim:hackeeg"), "127.0.0.1"),  # noqa: S104
        (("serve", "--host", "192.0.2.1", "--device", "sim:hackeeg"), "TLS"),
        (("serve", "--port", "0"), "--device"),
        (("serve", "--port", "0", "--device", "sim:hackeeg?seed=x"), "seed"),
        (("replay", "missing.mcap"), "missing.mcap"),
        (("verify", "missing.mcap"), "missing.mcap"),
        (("record", "nosuch:/dev/x", "--seconds", "1", "--out", "/proc/x.mcap"), "x.mcap"),
    ],
)
def test_a_failed_job_says_why_in_one_line_and_exits_1(
    arguments: tuple[str, ...], word: str, tmp_path, monkeypatch
) -> None:
    """One sentence on stderr, nothing on stdout."""
    monkeypatch.setenv("MYOTOME_DATA_DIR", str(tmp_path))
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1
    assert lines[0].startswith("myotome: ")
    assert word in lines[0]


def test_a_busy_port_names_who_holds_it() -> None:
    """`serve` fails with the holder's name; `demo` takes the next free one."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"process {os.getpid()}"):
            listen("127.0.0.1", port)
        with listen_from("127.0.0.1", port) as other:
            assert other.getsockname()[1] > port
        assert str(os.getpid()) in str(holder(port))


@pytest.mark.parametrize(
    ("host", "ours"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False),  # noqa: S104
     ("example.org", False), ("::", False), ("127.0.0.1.example.org", False)],
)  # fmt: skip
def test_loopback_is_known_by_address(host: str, ours: bool) -> None:
    """Names that only look like loopback are not."""
    assert is_loopback(host) is ours


def test_a_folder_serves_one_service(tmp_path) -> None:
    """The second is told who holds it; the lock goes with its holder."""
    first = claim(tmp_path / "data")
    first.__enter__()
    with pytest.raises(PlaceError, match=str(os.getpid())), claim(tmp_path / "data"):
        pass
    first.__exit__(None, None, None)
    with claim(tmp_path / "data"):
        pass


def test_devices_prints_json() -> None:
    """A list, whatever is connected."""
    result = run("devices", "--json")
    assert result.exit_code == 0
    assert isinstance(json.loads(result.stdout), list)


class Demo:
    """`myotome demo` as a process."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "service", "demo", "--no-browser", "--port", "0"]
        with (folder / "log").open("w") as errors:
            self.process = subprocess.Popen(
                [*command, *arguments],
                cwd=ROOT,
                env={**os.environ, "MYOTOME_DATA_DIR": str(folder), "DISPLAY": ":0"},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.url = self.process.stdout.readline().strip()
        self.address, _, self.token = self.url.partition("/?token=")

    def ask(self, path: str, body: dict | None = None) -> dict:
        """A request with the token."""
        request = urllib.request.Request(
            f"{self.address}{path}",
            None if body is None else json.dumps(body).encode(),
            {"authorization": f"Bearer {self.token}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def socket(self):
        """The live socket."""
        address = self.address.replace("http", "ws")
        return connect(f"{address}/api/live?token={self.token}", max_size=None, compression=None)

    def recordings(self) -> list[Path]:
        """What it recorded."""
        return sorted(self.folder.rglob("*.mcap"))


@pytest.fixture
def demo(tmp_path):
    """A running demo, ended after the test whatever happens."""
    made = Demo(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    made.process.stdout.close()


async def listen_for(client, wanted, deadline_s: float):
    """The first message that `wanted` accepts; pings as an armed page does."""
    async with asyncio.timeout(deadline_s):
        pinged = 0.0
        while True:
            if time.monotonic() - pinged > 0.25:
                pinged = time.monotonic()
                await client.send('{"type": "ping", "t": 1}')
            with contextlib.suppress(TimeoutError):
                message = await asyncio.wait_for(client.recv(), 0.25)
                found = wanted(json.loads(message) if isinstance(message, str) else message)
                if found:
                    return found


def text(kind: str):
    """Accepts a text of that type."""
    return lambda m: m if isinstance(m, dict) and m["type"] == kind else None


async def test_demo_streams_stimulates_and_ends_whole(demo: Demo) -> None:
    """URL, hello, frames, a pulse that becomes a sweep, STOP; SIGTERM ends it within 5 s with a
    whole record, sockets closed with 1001."""
    assert demo.url.startswith("http://127.0.0.1:")
    opened = time.monotonic()
    async with demo.socket() as client:
        hello = await listen_for(client, text("hello"), 5)
        assert time.monotonic() - opened < 5
        assert hello["mode"] == "simulated"
        frame = await listen_for(client, lambda m: m if isinstance(m, bytes) else None, 15)
        assert Header.decode(frame).channels == 8
        await listen_for(client, lambda m: isinstance(m, dict) and _is_live(m), 15)

        def post(path: str, body: dict) -> asyncio.Future:
            return asyncio.get_running_loop().run_in_executor(None, demo.ask, path, body)

        step = {"nerve": "ulnar", "site": "wrist", "side": "left", "muscle": "left FDI"}
        await post("/api/step", step)
        for current_ma in (5, 10, 15, 20, 25, 30):
            pulse = {"current_ma": current_ma, "width_us": 200}
            await post("/api/stimulator/configure", pulse)
        await post("/api/stimulator/implant", {"answer": "none", "by": "AB"})
        armed = await post("/api/stimulator/arm", {"client": hello["client"], "operator": "AB"})
        assert armed["state"] == "armed"
        await post("/api/stimulator/fire", {"client": hello["client"], "nonce": "n1"})
        sweep = await listen_for(client, text("sweep"), 5)
        assert (sweep["nerve"], sweep["muscle"], sweep["current_ma"]) == ("ulnar", "left FDI", 30)
        await client.send('{"type": "stop"}')
        stopped = await listen_for(
            client, lambda m: isinstance(m, dict) and m.get("state") == "stopped" and m, 2
        )
        assert stopped["type"] == "stimulator"

        ended = time.monotonic()
        demo.process.send_signal(signal.SIGTERM)
        assert await close_code(client) == 1001
    assert await asyncio.to_thread(demo.process.wait, 8) == 0
    assert time.monotonic() - ended < 5
    (recording,) = demo.recordings()
    assert run("verify", str(recording)).exit_code == 0


async def close_code(client) -> int:
    """Read to the end of the socket."""
    try:
        while True:
            await asyncio.wait_for(client.recv(), 5)
    except ConnectionClosed as closed:
        return closed.rcvd.code


def _is_live(message: dict) -> bool:
    return message["type"] == "state" and message["device"]["state"] == "live"


def test_killed_demo_leaves_no_process_behind(demo: Demo) -> None:
    """Even SIGKILL takes the simulator and the device's process with it."""
    deadline = time.monotonic() + 20
    while len(_children(demo.process.pid)) < 2:
        assert time.monotonic() < deadline, "simulator and device process did not start"
        time.sleep(0.05)
    children = _children(demo.process.pid)
    demo.process.kill()
    demo.process.wait()
    while any(_alive(pid) for pid in children):
        assert time.monotonic() < deadline + 5, "a child outlived its service"
        time.sleep(0.05)


def test_a_second_signal_ends_at_once(demo: Demo) -> None:
    """Whoever presses Ctrl-C twice does not want to wait."""
    for _ in range(2):
        demo.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    started = time.monotonic()
    demo.process.wait(5)
    assert time.monotonic() - started < 3


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if (
                int(fields[1]) == pid
                and b"resource_tracker" not in (path.parent / "cmdline").read_bytes()
            ):
                found.append(int(path.parent.name))
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_page_shows_login_hint_and_assets_are_closed(demo: Demo) -> None:
    """Without the cookie `/` explains itself."""
    with socket.create_connection(("127.0.0.1", int(demo.address.rpartition(":")[2]))) as raw:
        host = demo.address.removeprefix("http://")
        raw.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert b" 401 " in answer.splitlines()[0]
    assert b"Open the address" in answer
    assert b"server:" not in answer.lower()
