"""`python -m benchmarks.board BLOCK_MS`: a HackEEG on a pseudo-terminal that writes due samples in
blocks, and beside it a bare terminal that gets the time of each write.

First line of stdout: JSON with both terminals. At SIGTERM: JSON lines [first sample, monotonic s]
of the writes. It makes noise from a table, so that it costs little beside what it feeds.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import time
import tty

import numpy as np
import numpy.typing as npt

from simulators.hackeeg import HackEEGFirmware

STAMP = struct.Struct("<d1016x")


class Noise:
    """Electrodes with 20 µV of noise, the same each second."""

    def __init__(self, rate_hz: float) -> None:
        rng = np.random.default_rng(1)
        self._second = rng.normal(0.0, 20.0, (8, 2 * int(rate_hz)))
        self.sample_index = 0

    def advance(self, n: int) -> npt.NDArray[np.float64]:
        """The next n samples, n at most a second."""
        at = self.sample_index % (self._second.shape[1] // 2)
        self.sample_index += n
        return self._second[:, at : at + n]

    def reset_clock(self) -> None:
        """Count from 0."""
        self.sample_index = 0


def terminal() -> tuple[int, str]:
    """(master, path of the slave) of a raw terminal; the slave stays open here."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    return master, os.ttyname(slave)


def write(master: int, data: bytes) -> None:
    """All of it, waiting for the reader."""
    while data:
        try:
            data = data[os.write(master, data) :]
        except BlockingIOError:
            time.sleep(0.0005)


def main() -> None:
    """See the module."""
    block_s = float(sys.argv[1]) / 1000.0
    source = Noise(16000.0)
    firmware = HackEEGFirmware(lambda _: source)
    (device, path), (bare, bare_path) = terminal(), terminal()
    print(json.dumps({"device": path, "bare": bare_path}), flush=True)
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    log: list[tuple[int, float]] = []
    begun_s, done = 0.0, 0
    while not stopping:
        try:
            data = os.read(device, 4096)
            was = firmware.streaming
            reply = firmware.receive(data)
            time.sleep(min(firmware.busy_s, 0.1))
            write(device, reply)
            if firmware.streaming and (not was or b"start" in data):
                begun_s, done = time.monotonic(), 0
                log.clear()
        except BlockingIOError:
            pass
        if firmware.streaming:
            due = int((time.monotonic() - begun_s) * firmware.rate_hz) - done
            done += due
            frames, first = firmware.produce(due), firmware.sample_counter - due
            now_s = time.monotonic()
            with contextlib.suppress(BlockingIOError):  # nobody may be reading it
                os.write(bare, STAMP.pack(now_s))
            log.append((first, time.monotonic()))
            write(device, frames)
            time.sleep(max(0.0, begun_s + done / firmware.rate_hz + block_s - time.monotonic()))
        else:
            time.sleep(0.002)
    print(json.dumps(log), flush=True)


if __name__ == "__main__":
    main()
