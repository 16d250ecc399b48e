"""BrainFlow's rows of a Cyton → int32 counts, digital lines, and what is not to be believed.

Pure. BrainFlow gives microvolts by the gains that it was told; divided by the step of each channel
they must be whole numbers again, which also proves that it scaled with the gains we set. Aux bytes
are raw; with Daisy they and the sample are made of two frames, and the bytes are their mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.ads1299 import uv_per_count
from drivers.config import DeviceConfig
from drivers.errors import SettingsMismatch
from drivers.types import Channel, StreamInfo

_WHOLE: Final = 0.01  # counts; double precision leaves less than 1e-8
_SPIKE_UV: Final = 30_000.0  # no surface EMG moves so far from one sample to the next
_DIGITAL_FOOTER: Final = 0xC1
_FIRST_AUX_BYTE: Final = 27


@dataclass(frozen=True, slots=True)
class Layout:
    """Which row of BrainFlow's array holds what. frames: of the wire in one row."""

    rows: int
    emg: slice
    footer: int
    aux: slice
    frames: int


CYTON: Final = Layout(rows=24, emg=slice(1, 9), footer=12, aux=slice(13, 19), frames=1)
DAISY: Final = Layout(rows=32, emg=slice(1, 17), footer=20, aux=slice(21, 27), frames=2)


def stream_info(config: DeviceConfig, layout: Layout) -> StreamInfo:
    """Analogue channels, the digital pins of the configuration, the packet number. A pin counts
    frames in which it was high: 0 or 1, with Daisy up to 2."""
    analogue = tuple(
        Channel(c.label, "emg" if c.powered else "aux", "uV", uv_per_count(c.gain))
        for c in config.channels
    )
    pins = tuple(Channel(pin, "digital", "", 1.0 / layout.frames) for pin in config.digital)
    number = Channel("packet_number", "counter", "", 1.0)
    return StreamInfo(
        config.stream, config.rate_hz, "int32", (*analogue, *pins, number), config.group_delay_s
    )


def decode(
    rows: npt.NDArray[np.float64], config: DeviceConfig, layout: Layout
) -> npt.NDArray[np.int32]:
    """(layout.rows, n) of BrainFlow → (n_channels, n) counts in the order of `stream_info`.

    Raises SettingsMismatch when microvolts are no whole number of steps.
    """
    steps = np.array([[uv_per_count(channel.gain)] for channel in config.channels])
    exact = rows[layout.emg] / steps
    counts = np.rint(exact)
    wrong = np.abs(exact - counts).max(axis=1, initial=0.0) > _WHOLE
    if wrong.any():
        channel = config.channels[int(np.flatnonzero(wrong)[0])]
        raise SettingsMismatch(
            f"channel {channel.index} is not scaled with gain {channel.gain} as it was set: its "
            "microvolts are no whole number of steps; reset the board and connect again"
        )
    first = layout.aux.start - _FIRST_AUX_BYTE
    pins = rows[[first + byte for byte in config.digital.values()]] * layout.frames
    return np.vstack([counts, np.rint(pins), rows[:1]]).astype(np.int32)


def plausible(rows: npt.NDArray[np.float64], layout: Layout) -> npt.NDArray[np.bool_]:
    """(n,): footer and aux bytes are what digital mode sends: six bytes, each 0 or 1, the fifth 0.

    Frames have no checksum; misaligned or random bytes fail this but for 1 in 10^7.
    """
    high = rows[layout.aux] * layout.frames
    whole = ((high == np.rint(high)) & (high >= 0) & (high <= layout.frames)).all(axis=0)
    good: npt.NDArray[np.bool_] = whole & (high[4] == 0) & (rows[layout.footer] == _DIGITAL_FOOTER)
    return good


def spikes(
    counts: npt.NDArray[np.int32], before: npt.NDArray[np.int32] | None, config: DeviceConfig
) -> npt.NDArray[np.bool_]:
    """(n,): some channel jumps by more than 30 mV and does not stay there, as a flipped high bit
    does. before: the last sample of the block before, None if there is none. The last sample is
    judged by its jump alone."""
    n_emg = len(config.channels)
    steps = np.array([[uv_per_count(channel.gain)] for channel in config.channels])
    uv = counts[:n_emg] * steps
    first = uv[:, :1] if before is None else before[:n_emg, None] * steps
    jump = np.diff(uv, axis=1, prepend=first)
    far = np.abs(jump) > _SPIKE_UV
    back = np.ones_like(far)
    back[:, :-1] = np.abs(np.diff(uv, axis=1)) > _SPIKE_UV
    back[:, :-1] &= np.sign(jump[:, :-1]) != np.sign(jump[:, 1:])
    found: npt.NDArray[np.bool_] = (far & back).any(axis=0)
    return found
