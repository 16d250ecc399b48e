"""From the write into a pty to a websocket client, against a bare pty → read hop in the same run.

Age of the newest sample of a frame when the client has it: driver process, pipe, ring, filter, hub
and socket are all in it; recording and assessment run beside. No UART or USB time is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from pathlib import Path

from websockets.asyncio.client import connect

from benchmarks.pty_source import BARE_BYTES, STAMP
from service.api.wire import HEADER, Header, Kind

SOURCE_S = 60.0
MEASURE_S = 3.0
CROWD = 49
BUDGET_HOP, BUDGET_CROWD = 5.0, 2.0
TOKEN = "benchmark-token-0123456789"  # noqa: S105 - of a service that lives for one benchmark


def bare_hop_s() -> float:
    """Median age of a block just read from a pty, written by another process."""
    source = start("pty_source", "bare", 60)
    ages = []
    with open(source.stdout.readline().strip(), "rb", buffering=0) as port:  # noqa: PTH123 - a tty
        deadline, block = time.monotonic() + 1.8, b""
        while time.monotonic() < deadline:
            block += port.read(65536)
            now_s = time.monotonic()
            while len(block) >= BARE_BYTES:
                ages.append(now_s - STAMP.unpack_from(block, BARE_BYTES - STAMP.size)[0])
                block = block[BARE_BYTES:]
    source.kill()  # it may wait for a reader
    source.communicate()
    return statistics.median(ages)


def start(module: str, *arguments: object) -> subprocess.Popen:
    """A process of this folder."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def arrivals(url: str) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """(end index, time) of each frame, alone and with a crowd beside."""
    async with connect(f"{url}?token={TOKEN}", max_size=None, compression=None) as client:
        view, zero = None, 0
        while view is None:
            told = json.loads(await client.recv())
            if told["type"] == "hello":
                zero = told["devices"][0]["device_counter_at_zero"]
            if told["type"] == "view":
                view = told
        wanted = {key: view[key] for key in ("device", "stream", "channels")}
        asked = {"type": "subscribe", "request": 1, **wanted, "preset": "raw", "columns_per_s": 0}
        await client.send(json.dumps(asked))
        alone = await read(client, zero)
        port = url.split(":")[2].partition("/")[0]
        crowd = start("crowd", port, CROWD, MEASURE_S + 1, 0, f"/api/live?token={TOKEN}")
        await asyncio.to_thread(crowd.stdout.readline)
        beside = await read(client, zero)
        crowd.communicate()
    return alone, beside


async def read(client, zero: int) -> list[tuple[int, float]]:
    """Frames of samples for some seconds; indices on the device's own counter."""
    found, since_read, end_s = [], [], time.monotonic() + MEASURE_S
    while time.monotonic() < end_s:
        message = await client.recv()
        now_s = time.monotonic()
        if isinstance(message, bytes):
            header = Header.decode(message[: HEADER.size])
            if header.kind is Kind.SAMPLES:
                found.append((zero + header.first_index + header.count, now_s))
                since_read.append(now_s - header.server_s)
    print(f"    of it in the service: {statistics.median(since_read) * 1e6:.0f} µs")
    return found


def ages_s(frames: list[tuple[int, float]], written: list[list[float]]) -> list[float]:
    """Time since the write of the block that holds each frame's last sample."""
    ends = [int(end) for end, _ in written]
    return [at_s - written[bisect_left(ends, end)][1] for end, at_s in frames]


def main() -> bool:
    """Print the medians and their ratios; True if a budget is missed."""
    hop_s = bare_hop_s()
    source = start("pty_source", "hackeeg", SOURCE_S)
    device = f"hackeeg:{source.stdout.readline().strip()}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MYOTOME_DATA_DIR": folder, "MYOTOME_TOKEN": TOKEN}
        with (Path(folder) / "log").open("w") as errors:
            service = subprocess.Popen(
                [sys.executable, "-m", "service", "serve", "--port", "0", "--device", device],
                stdout=subprocess.PIPE, stderr=errors, text=True, env=environment,
            )  # fmt: skip
        try:
            url = service.stdout.readline().partition("/?")[0].replace("http", "ws") + "/api/live"
            alone, beside = asyncio.run(asyncio.wait_for(arrivals(url), SOURCE_S))
        finally:
            service.terminate()
            service.wait(10)
    written = json.loads(source.communicate()[0])
    one_s = statistics.median(ages_s(alone, written))
    many_s = statistics.median(ages_s(beside, written))
    print(f"bare pty -> read   {hop_s * 1e6:8.0f} µs\npty -> one client  {one_s * 1e6:8.0f} µs")
    print(f"pty -> one of {CROWD + 1}   {many_s * 1e6:8.0f} µs")
    print(f"one / bare {one_s / hop_s:.2f} (budget {BUDGET_HOP})")
    print(f"{CROWD + 1} viewers / one {many_s / one_s:.2f} (budget {BUDGET_CROWD})")
    return one_s > BUDGET_HOP * hop_s or many_s > BUDGET_CROWD * one_s


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
