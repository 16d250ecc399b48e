"""The makers' literal frames through BrainFlow and our driver: counts and lines as stated."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import tty
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "tests" / "vectors" / "cyton.hex"

CHILD = """
import json, sys, time
from drivers.openbci.device import Cyton
device = Cyton.open(sys.argv[1], {})
device.start()
blocks, end = [], time.monotonic() + 10
while sum(b.data.shape[1] for b in blocks) < 3 and time.monotonic() < end:
    block = device.read(0.1)
    if block is not None:
        blocks.append(block)
device.close()
print(json.dumps({
    "data": [b.data.T.tolist() for b in blocks],
    "starts": [b.start_index for b in blocks],
    "suspect": [list(b.suspect) for b in blocks],
    "edges": [[t.sample_index, t.edge] for b in blocks for t in b.triggers],
}))
"""


def vectors() -> dict[str, bytes]:
    """Name → frame."""
    lines = (line for line in VECTORS.read_text().splitlines() if line and line[0] != "#")
    return {name: bytes.fromhex(hexa) for name, hexa in (line.split(":") for line in lines)}


def board(master: int, frames: bytes) -> None:
    """The least that answers like a Cyton: resets, confirms, lists registers, sends the frames."""
    registers = "".join(f"CH{n}SET, {n + 4:02X}, 40, 0\r\n" for n in range(1, 9))
    answers = {b"v": "$$$", b"d": "updating channel settings to default$$$", b"V": "v3.1.2$$$"}
    answers |= {b"?": f"Board ADS Registers\r\n{registers}$$$", b"3": "Success: digital$$$"}
    setting = b""
    while True:
        try:
            byte = os.read(master, 1)
        except OSError:
            return
        if byte == b"b":
            os.write(master, frames)
        elif setting or byte == b"x":
            setting += byte
            if byte == b"X":
                os.write(master, f"Success: Channel set for {chr(setting[1])}$$$".encode())
                setting = b""
        elif byte in answers:
            os.write(master, answers[byte].encode())


def test_literal_frames_give_the_counts_and_lines_of_the_makers_document():
    """Numbers 254, 255, 0: one unbroken block over the wrap, D11 falls after the first."""
    known = vectors()
    names = ("digital_d11", "before_wrap", "after_wrap")
    master, slave = pty.openpty()
    tty.setraw(slave)
    thread = threading.Thread(
        target=board, args=(master, b"".join(known[name] for name in names)), daemon=True
    )
    thread.start()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, os.ttyname(slave)],
        capture_output=True,
        text=True,
        timeout=40,
        check=True,
        cwd=ROOT,
    )
    os.close(slave)
    thread.join(10)
    os.close(master)
    told = json.loads(done.stdout)
    samples = [sample for block in told["data"] for sample in block]
    rising, falling = list(range(1, 9)), [-n for n in range(1, 9)]
    # eight channels; D11, D12, D13, D17, D18; packet number
    assert samples == [
        [*rising, 1, 0, 0, 0, 0, 254],
        [*falling, 0, 0, 0, 1, 1, 255],
        [*falling, 0, 0, 0, 0, 0, 0],
    ]
    assert told["starts"][0] == 0
    assert np.concatenate([[], *told["suspect"]]).size == 0
    assert told["edges"] == [[0.5, "fall"]]
