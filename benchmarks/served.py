"""The real service as a process, fed by `benchmarks.board`, with one viewer on its websocket."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.crowd import Reader, join

TICK = os.sysconf("SC_CLK_TCK")


class Viewer(Reader):
    """One viewer; `seen(head, now_s)` is called for every binary frame."""

    def __init__(self, url: str, seen: Callable[[bytes, float], None]) -> None:
        super().__init__()
        self._seen = seen
        parts = urlsplit(url)
        self.socket, rest = join(int(parts.port or 0), 0, f"/api/live?{parts.query}")
        self.feed(rest, 0.0, counted=False)

    def _frame(self, head: bytes, now_s: float, counted: bool) -> None:
        if counted:
            self._seen(head, now_s)

    def watch(self, seconds: float, also: dict[int, Callable[[float], None]] | None = None) -> None:
        """Take what comes for so long; `also`: descriptors to read, each by its own call."""
        selector = selectors.DefaultSelector()
        selector.register(self.socket, selectors.EVENT_READ, None)
        for descriptor, call in (also or {}).items():
            selector.register(descriptor, selectors.EVENT_READ, call)
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            for key, _ in selector.select(left_s):
                if key.data is not None:
                    key.data(time.monotonic())
                    continue
                data = self.socket.recv(1 << 18)
                self.feed(data, time.monotonic(), counted=True)
                if not data:
                    raise RuntimeError("the service closed the viewer's socket")


@contextlib.contextmanager
def board(block_ms: float) -> Iterator[tuple[dict[str, str], Callable[[], list[list[float]]]]]:
    """(its terminals, a call that ends it and gives its log)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.board", str(block_ms)], stdout=subprocess.PIPE
    )

    def end() -> list[list[float]]:
        process.terminate()
        log: list[list[float]] = json.loads(process.communicate(timeout=10)[0])
        return log

    try:
        yield json.loads(process.stdout.readline()), end
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def service(device_url: str, folder: Path | None = None) -> Iterator[tuple[int, str]]:
    """(pid, URL with token) of `python -m service serve`."""
    with contextlib.ExitStack() as stack:
        here = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", "0", "--device", device_url,
             "--data-dir", str(here)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    return found


def cpu_s(pid: int) -> dict[tuple[int, int, str], float]:
    """CPU seconds of every thread of a process tree, by (pid, thread id, its name)."""
    taken = {}
    for process in tree(pid):
        for task in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError):
                name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
                nanoseconds = int((task / "schedstat").read_text().split()[0])
                taken[process, int(task.name), name] = nanoseconds / 1e9 or (
                    sum(int(field) for field in fields.split()[11:13]) / TICK
                )
    return taken
