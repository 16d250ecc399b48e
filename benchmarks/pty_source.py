"""`python -m benchmarks.pty_source hackeeg|bare SECONDS`: 1 ms of samples into a pty, on time.

`hackeeg`: the simulated firmware on a silent patient, so that the real driver reads it; `bare`:
blocks of the same size that hold only the time at which they were written. First line of stdout:
the port. The hackeeg source ends early when its stdin
is closed, with JSON: [[device samples sent, monotonic s], …].
"""

from __future__ import annotations

import json
import os
import select
import struct
import sys
import time
import tty

import numpy as np

from simulators.hackeeg import HackEEGFirmware

BLOCK = 16
PERIOD_S = 0.001  # a USB frame
BARE_BYTES = 640
STAMP = struct.Struct("<d")


class Silence:
    """A patient of zeros."""

    def __init__(self) -> None:
        self.sample_index = 0

    def advance(self, n: int) -> np.ndarray:
        self.sample_index += n
        return np.zeros((8, n))

    def reset_clock(self) -> None:
        self.sample_index = 0


def hackeeg(master: int, seconds: float) -> None:
    """Obey the driver; send on time once it streams."""
    patient = Silence()
    firmware = HackEEGFirmware(lambda _: patient)
    os.write(master, firmware.boot())
    written, sent, due_s, end_s = [], 0, None, time.monotonic() + seconds
    while (now_s := time.monotonic()) < end_s:
        wait_s = 0.005 if due_s is None else max(0.0, due_s - now_s)
        readable = select.select([master, sys.stdin], [], [], wait_s)[0]
        if sys.stdin in readable:
            break
        if master in readable:
            os.write(master, firmware.receive(os.read(master, 4096)))
        firmware.tick(0.005)
        if not firmware.streaming:
            due_s, sent = None, 0
        elif due_s is None:
            due_s = time.monotonic()
        elif time.monotonic() >= due_s:
            due_s += PERIOD_S
            data = firmware.produce(BLOCK)
            sent += BLOCK
            written.append((sent, time.monotonic()))
            os.write(master, data)
    print(json.dumps(written), flush=True)


def bare(master: int, seconds: float) -> None:
    """Nothing but the time, padded to the size of a block."""
    due_s, end_s = time.monotonic(), time.monotonic() + seconds
    while due_s < end_s:
        due_s += PERIOD_S
        time.sleep(max(0.0, due_s - time.monotonic()))
        os.write(master, bytes(BARE_BYTES - STAMP.size) + STAMP.pack(time.monotonic()))


def main() -> None:
    """See the module."""
    master, slave = os.openpty()
    tty.setraw(slave)
    print(os.ttyname(slave), flush=True)
    {"hackeeg": hackeeg, "bare": bare}[sys.argv[1]](master, float(sys.argv[2]))


if __name__ == "__main__":
    main()
