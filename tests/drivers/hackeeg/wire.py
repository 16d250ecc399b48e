"""A HackEEG's sample frames, built for tests: conversion n carries n in its channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HEADER = bytes.fromhex("82A143CCC8A144C423")
VECTORS = Path(__file__).parents[2] / "vectors" / "hackeeg.hex"


def vectors() -> dict[str, bytes]:
    """The literal frames, by name."""
    lines = [line for line in VECTORS.read_text().splitlines() if line and line[0] != "#"]
    return {name: bytes.fromhex(text) for name, text in (line.split(":") for line in lines)}


def frames(conversions, numbers, micros, gpio=0) -> np.ndarray:
    """uint8, shape (n, 44): channel c of conversion n holds n + c, modulo 2**23."""
    conversions = np.asarray(conversions, np.int64)
    count = len(conversions)
    out = np.zeros((count, 44), np.uint8)
    out[:, :9] = np.frombuffer(HEADER, np.uint8)
    for at, values in ((9, micros), (13, numbers)):
        words = (np.asarray(values, np.int64) % 2**32).astype("<u4")
        out[:, at : at + 4] = words.view(np.uint8).reshape(count, 4)
    out[:, 17] = 0xC0
    out[:, 19] = gpio
    for channel in range(8):
        value = (conversions + channel) % 2**23
        for byte, shift in enumerate((16, 8, 0)):
            out[:, 20 + 3 * channel + byte] = value >> shift & 0xFF
    return out


def stamps(conversions, period_us, *, start_us=1000, jitter=None) -> np.ndarray:
    """micros() at each conversion; jitter in periods."""
    off = 0 if jitter is None else np.asarray(jitter) * period_us
    return np.floor(start_us + np.asarray(conversions) * period_us + off).astype(np.int64)
