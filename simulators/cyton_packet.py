"""Cyton's 33-byte frames. Source: the Cyton data format page; OpenBCI_32bit_Library.cpp v3.1.2."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .ads1299 import int24_bytes

FRAME_LENGTH = 33
START_BYTE, END_BYTE = 0xA0, 0xC0
ACCELEROMETER, RAW_WORDS = 0, 1  # low nibble of the footer
TIME_ACCELEROMETER, TIME_RAW = 4, 6  # one less on the first stamped frame
GRAVITY_COUNTS = 8000  # 1 g in 0.002/16 g per count: the board lies flat


def blank_frames(
    numbers: npt.NDArray[np.int64], counts: npt.NDArray[np.int32]
) -> npt.NDArray[np.uint8]:
    """(n, 33) frames with sample number and channels; auxiliary bytes 0, footer C0."""
    frames = np.zeros((len(counts), FRAME_LENGTH), dtype=np.uint8)
    frames[:, 0] = START_BYTE
    frames[:, 1] = numbers & 0xFF
    frames[:, 2:26] = int24_bytes(counts)
    frames[:, 32] = END_BYTE
    return frames


def put_acceleration(frames: npt.NDArray[np.uint8]) -> None:
    """X, Y, Z of a board at rest at 25 Hz, zeros in between."""
    fresh = frames[:, 1] % 10 == 0
    frames[fresh, 30] = GRAVITY_COUNTS >> 8
    frames[fresh, 31] = GRAVITY_COUNTS & 0xFF
    frames[:, 32] = END_BYTE | ACCELEROMETER


def put_words(frames: npt.NDArray[np.uint8], first_word: npt.NDArray[np.int64]) -> None:
    """Raw auxiliary words, of which only the first carries something here."""
    frames[:, 26] = first_word >> 8
    frames[:, 27] = first_word & 0xFF
    frames[:, 32] = END_BYTE | RAW_WORDS


def put_time(
    frames: npt.NDArray[np.uint8], times_ms: npt.NDArray[np.float64], *, announce: bool
) -> None:
    """Bytes 29 to 32 become milliseconds. With the accelerometer, one axis at a time is in bytes 27
    and 28, on sample numbers ending in 7, 8 and 9. announce: the first frame says it is the first.
    """
    accelerometer = frames[0, 32] == END_BYTE | ACCELEROMETER
    if accelerometer:
        frames[:, 26:28] = 0
        frames[frames[:, 1] % 10 == 9, 26:28] = (GRAVITY_COUNTS >> 8, GRAVITY_COUNTS & 0xFF)
    stamps = (times_ms.astype(np.int64) & 0xFFFFFFFF).astype(">u4")
    frames[:, 28:32] = stamps.view(np.uint8).reshape(-1, 4)
    frames[:, 32] = END_BYTE | (TIME_ACCELEROMETER if accelerometer else TIME_RAW)
    if announce:
        frames[0, 32] -= 1
