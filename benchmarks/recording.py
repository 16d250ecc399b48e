"""Recording 64 channels at 20 kHz: CPU of our recorder against a raw write of the same data.

Both get blocks of 10 ms and write and sync in a thread of their own every 0.2 s of signal; time is
not waited for. In turns in one run; all threads count, making the blocks does not.
"""

from __future__ import annotations

import os
import queue
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from drivers.types import Capability, Channel, DeviceInfo, Epoch, SampleBlock, StreamInfo
from service.recording.recorder import FLUSH_S, Recorder

CHANNELS, RATE_HZ, BLOCK = 64, 20000.0, 200
SECONDS = 20.0
ROUNDS = 5
BUDGET = 2.0


def blocks() -> list[SampleBlock]:
    """Blocks of 10 ms of random counts."""
    rng = np.random.default_rng(1)
    data = [rng.integers(-(2**23), 2**23, (CHANNELS, BLOCK), np.int32) for _ in range(50)]
    count = int(SECONDS * RATE_HZ / BLOCK)
    return [
        SampleBlock("main", 1, n * BLOCK, data[n % 50], n * BLOCK / RATE_HZ) for n in range(count)
    ]


def epoch() -> Epoch:
    """Of a device with that one stream."""
    channels = tuple(Channel(f"emg {n}", "emg", "uV", 0.1, 0.0) for n in range(CHANNELS))
    info = StreamInfo("main", RATE_HZ, "int32", channels, 0.0)
    capability = Capability(5000.0, 20000.0, 0.1, "counter", "sample", False, "benchmark")
    device = DeviceInfo("benchmark", "made up", "", "1", (info,), capability)
    return Epoch(1, device, {}, datetime(2026, 1, 1, tzinfo=UTC), 0.0, 0, "start")


def slices(made: list[SampleBlock]) -> Iterator[list[SampleBlock]]:
    """What comes between two syncs."""
    count = round(FLUSH_S * RATE_HZ / BLOCK)
    for at in range(0, len(made), count):
        yield made[at : at + count]


def ours(path: Path, made: list[SampleBlock]) -> None:
    """The record of truth, from its creation to its footer."""
    recorder = Recorder(path, header={})
    recorder.epoch("device", epoch())
    for part in slices(made):
        for block in part:
            recorder.block("device", block)
        assert recorder.flush()
    status = recorder.close()
    assert status.state == "off", status.sentence
    assert status.lost_samples == 0


def raw(path: Path, made: list[SampleBlock]) -> None:
    """The arrays as they are."""
    waiting: queue.SimpleQueue[list[SampleBlock] | None] = queue.SimpleQueue()
    synced: queue.SimpleQueue[None] = queue.SimpleQueue()

    def run() -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        while (part := waiting.get()) is not None:
            for block in part:
                os.write(descriptor, block.data.data)
            os.fdatasync(descriptor)
            synced.put(None)
        os.close(descriptor)

    thread = threading.Thread(target=run)
    thread.start()
    for part in slices(made):
        waiting.put(part)
        synced.get()
    waiting.put(None)
    thread.join()


def main() -> int:
    """Print the ratio; 1 if the budget is missed."""
    made = blocks()
    rivals = {"raw write": raw, "recorder": ours}
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    with tempfile.TemporaryDirectory() as folder:
        for n in range(ROUNDS):
            for name, run in rivals.items():
                path = Path(folder) / f"{name} {n}"
                begun_s = time.process_time()
                run(path, made)
                taken[name].append(time.process_time() - begun_s)
                path.unlink()
    share = {name: statistics.median(times) / SECONDS for name, times in taken.items()}
    for name, value in share.items():
        print(f"{name:10} {100 * value:6.2f} % of a core")
    ratio = share["recorder"] / share["raw write"]
    print(f"recorder / raw write = {ratio:.2f}, budget {BUDGET:g}")
    return int(ratio > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
