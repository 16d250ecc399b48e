"""Decoding HackEEG frames in batches of 160: our protocol against a plain Python loop.

Two comparisons (docs/decisions/0004): bytes to counts against a loop that checks nothing either;
and the whole `feed`, with its checks, timeline, triggers and account, against a loop that checks
header, status, number and micros. The loops are peers for speed only.
"""

from __future__ import annotations

import struct

import numpy as np

from benchmarks.timing import Budget, cpu_seconds, judge
from drivers.config import load_config
from drivers.hackeeg.frame import decode
from drivers.hackeeg.protocol import HackEEGProtocol

BATCH = 160
BATCHES = 50
HEADER = bytes.fromhex("82A143CCC8A144C423")


def frames(count: int) -> bytes:
    """A clean stream of 16 kSPS frames with random counts, composed here."""
    rng = np.random.default_rng(1)
    out = bytearray()
    for n in range(count):
        out += HEADER + struct.pack("<II", round(n * 62.5), n) + b"\xc0\x00\x00"
        out += rng.integers(0, 256, 24, np.uint8).tobytes()
    return bytes(out)


def values(frame: bytes) -> list[int]:
    """Eight channels, gpio, lead-off of one frame."""
    row = []
    for channel in range(8):
        value = int.from_bytes(frame[20 + 3 * channel : 23 + 3 * channel], "big", signed=True)
        row.append(value)
    return [*row, frame[19] & 0xF, (frame[17] << 12 | frame[18] << 4 | frame[19] >> 4) & 0xFFFF]


def bare_loop(data: bytes) -> np.ndarray:
    """A frame at a time, a channel at a time, whatever the frame looks like."""
    return np.array([values(data[at : at + 44]) for at in range(0, len(data), 44)], np.int32).T


def checked_loop(data: bytes) -> np.ndarray:
    """The same, for frames that are right and follow each other."""
    number = micros = None
    rows = []
    for at in range(0, len(data), 44):
        frame = data[at : at + 44]
        if frame[:9] != HEADER or frame[17] >> 4 != 0xC:
            continue
        new_micros, new_number = struct.unpack_from("<II", frame, 9)
        if number is not None and (new_number != number + 1 or not 28 < new_micros - micros < 91):
            continue
        number, micros = new_number, new_micros
        rows.append(values(frame))
    return np.array(rows, np.int32).T


def main() -> int:
    """Print the ratio; 1 if the budget is missed."""
    data = frames(BATCH * BATCHES)
    batches = [data[at : at + 44 * BATCH] for at in range(0, len(data), 44 * BATCH)]
    config = load_config("hackeeg-ncs-16k")

    def feed() -> None:
        protocol = HackEEGProtocol(config)
        for batch in batches:
            protocol.feed(batch, 0.0)

    protocol = HackEEGProtocol(config)
    fed = [*batches, HEADER]  # the last frame waits for the header after it
    decoded = np.concatenate([b.data for p in fed for b in protocol.feed(p, 0.0)], axis=1)
    assert np.array_equal(decoded, checked_loop(data)), "feed and loop disagree"
    assert np.array_equal(decode(data), bare_loop(data)), "decode and loop disagree"
    seconds = cpu_seconds(
        {
            "loop, no checks": lambda: [bare_loop(batch) for batch in batches],
            "decode": lambda: [decode(batch) for batch in batches],
            "loop, checks": lambda: [checked_loop(batch) for batch in batches],
            "feed": feed,
        }
    )
    return judge(
        f"HackEEG, {BATCHES} batches of {BATCH} frames",
        seconds,
        [
            Budget("decode", "loop, no checks", 1 / 50, "design: decode ≥ 50x"),
            Budget("feed", "loop, checks", 1 / 10, "decision 0004: no check left out"),
        ],
    )


if __name__ == "__main__":
    raise SystemExit(main())
