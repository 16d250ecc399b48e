"""One HackEEG sample frame: its fields, and the decoding of many at once."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.config import DeviceConfig, TriggerConfig
from drivers.types import Channel, StreamInfo

HEADER: Final = bytes.fromhex("82 A1 43 CC C8 A1 44 C4 23")
FRAME_BYTES: Final = 44
_FIELDS = struct.Struct("<9sIIB")
_GPIO = 19  # the status byte whose low nibble is GPIO4..GPIO1
_STATUS = 17
_DIGITAL_SHIFT = np.array([[0], [4]], np.int32)
_DIGITAL_MASK = np.array([[0xF], [0xFFFF]], np.int32)


class Frame(NamedTuple):
    """What identifies a frame. `whole`: header and the status word's prefix 1100 are right."""

    whole: bool
    micros: int
    number: int

    @classmethod
    def at(cls, data: bytes, slot: int) -> Frame:
        """The frame in a slot of the stride."""
        header, micros, number, status = _FIELDS.unpack_from(data, FRAME_BYTES * slot)
        return cls(header == HEADER and status & 0xF0 == 0xC0, micros, number)


def stream_info(config: DeviceConfig) -> StreamInfo:
    """Analogue channels, then the digital words: `gpio` (4 bits) and `lead_off` (16 bits, positive
    inputs in the high byte). An input that is powered down is `aux`: it shows no muscle."""
    analogue = tuple(
        Channel(c.label, "emg" if c.powered else "aux", "uV", c.uv_per_count)
        for c in config.channels
    )
    digital = tuple(Channel(label, "digital", "", 1.0) for label in ("gpio", "lead_off"))
    return StreamInfo(
        config.stream, config.rate_hz, "int32", analogue + digital, config.group_delay_s
    )


def decode(frames: bytes) -> npt.NDArray[np.int32]:
    """Accepted frames → int32, shape (10, n_frames): eight channels, gpio, lead_off."""
    count = len(frames) // FRAME_BYTES
    # status and channels are nine 24-bit fields in a row: each is the top of a 32-bit word, of
    # which the last one reaches into the next frame
    words = np.ndarray((9, count), ">i4", frames + b"\0", _STATUS, (3, FRAME_BYTES))
    rows = np.empty((11, count), np.int32)
    rows[:9] = words
    rows[:9] >>= 8
    np.right_shift(rows[0], _DIGITAL_SHIFT, out=rows[9:])
    rows[9:] &= _DIGITAL_MASK
    return rows[1:]


def levels(frames: bytes, trigger: TriggerConfig) -> bytes:
    """Level of the trigger line in each frame: 1 while the line is active, else 0."""
    return frames[_GPIO::FRAME_BYTES].translate(_LEVELS[trigger.bit or 0, trigger.active])


_LEVELS: Final = {
    (bit, active): bytes(bool(byte >> bit & 1) == (active == "high") for byte in range(256))
    for bit in range(4)
    for active in ("high", "low")
}
