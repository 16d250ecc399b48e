"""HackEEG's sample packets. Source: hackeeg_driver.ino v0.3.0; ADS1299 data sheet SBAS499."""

from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt

from .ads1299 import int24_bytes

HEADER = bytes.fromhex("82A143CCC8A144C423")
PAYLOAD_LENGTH = 35
STATUS_CONSTANT = 0xC00000


def status_words(off_p: int, off_n: int, gpio: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(n, 3) status bytes: 1100, lead-off P and N flags, GPIO4..1. gpio: (n,) nibbles."""
    word = STATUS_CONSTANT | off_p << 12 | off_n << 4
    status = np.empty((len(gpio), 3), dtype=np.uint8)
    status[:] = (word >> 16, word >> 8 & 0xFF, word & 0xFF)
    status[:, 2] |= gpio
    return status


def payloads(
    micros: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.int64],
    status: npt.NDArray[np.uint8],
    counts: npt.NDArray[np.int32],
) -> npt.NDArray[np.uint8]:
    """(n, 35) sample payloads; micros and numbers wrap at 2**32. counts: (n, 8)."""
    payload = np.empty((len(counts), PAYLOAD_LENGTH), dtype=np.uint8)
    for start, words in ((0, micros), (4, numbers)):
        little_endian = (words & 0xFFFFFFFF).astype("<u4")
        payload[:, start : start + 4] = little_endian.view(np.uint8).reshape(-1, 4)
    payload[:, 8:11] = status
    payload[:, 11:] = int24_bytes(counts)
    return payload


def message_pack(payload: npt.NDArray[np.uint8]) -> bytes:
    """Payloads as MessagePack maps {"C": 200, "D": bin}."""
    frames = np.empty((len(payload), len(HEADER) + PAYLOAD_LENGTH), dtype=np.uint8)
    frames[:, : len(HEADER)] = np.frombuffer(HEADER, dtype=np.uint8)
    frames[:, len(HEADER) :] = payload
    return frames.tobytes()


def json_lines(payload: npt.NDArray[np.uint8]) -> bytes:
    """Payloads as one JSON line each, base64."""
    lines = (b'{"C":200,"D":"' + base64.b64encode(row.tobytes()) for row in payload)
    return b"".join(line + b'"}\n' for line in lines)


def text_lines(payload: npt.NDArray[np.uint8], *, as_hex: bool) -> bytes:
    """Payloads as one text line each, base64 or hexadecimal."""
    if as_hex:
        return b"".join(row.tobytes().hex().upper().encode() + b"\r\n" for row in payload)
    return b"".join(base64.b64encode(row.tobytes()) + b"\r\n" for row in payload)
