"""What is wrong with a channel right now: flags for a window of unfiltered µV.

A flag says what must not be read from the signal; it never says that the signal is good. Limits:
clinical reference 0.3 (saturated, mains, baseline noise) and reliability reference 6 (flat).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import signal

Flag = Literal["saturated", "lead_off", "mains", "baseline_noise"]

RAIL_FRACTION = 0.99
RAIL_RUN = 2
FLAT_SD_UV = 0.5
FLAT_S = 0.2
MAINS_HZ = (50.0, 60.0)
MAINS_HALF_WIDTH_HZ = 0.5
MAINS_FRACTION = 0.2
BAND_HZ = (20.0, 450.0)
REST_RMS_UV = 10.0


@dataclass(frozen=True, slots=True)
class ChannelQuality:
    """Flags of one channel. rms_uv: of the band 20-450 Hz; mains_fraction: the part of that band's
    power at 50 or at 60 Hz, whichever is larger; None where the window is shorter than 2 s or the
    rate too low."""

    flags: tuple[Flag, ...]
    rms_uv: float
    mains_fraction: float | None


def window_quality(
    data_uv: npt.NDArray[np.float64], rate_hz: float, *, rail_uv: float | None, resting: bool
) -> list[ChannelQuality]:
    """Flags per channel of (n_channels, n_samples) µV without a gap.

    rail_uv: full scale, None if unknown (then `saturated` cannot be seen). resting: the patient was
    asked to relax, so activity above 10 µV RMS is flagged as baseline noise. Raises ValueError for
    a window shorter than 0.2 s: nothing can be said from it.
    """
    if data_uv.shape[-1] < FLAT_S * rate_hz:
        raise ValueError(
            f"expected at least {FLAT_S} s of signal to judge its quality, got "
            f"{data_uv.shape[-1] / rate_hz:.3f} s; take a longer window"
        )
    return [_judge(row, rate_hz, rail_uv, resting=resting) for row in data_uv]


def _judge(
    row: npt.NDArray[np.float64], rate_hz: float, rail_uv: float | None, *, resting: bool
) -> ChannelQuality:
    rms_uv, mains = _spectrum(row, rate_hz)
    flags: list[Flag] = []
    if rail_uv is not None and _longest_run(np.abs(row) >= RAIL_FRACTION * rail_uv) >= RAIL_RUN:
        flags.append("saturated")
    if _flat(row, rate_hz):
        flags.append("lead_off")
    if mains is not None and mains > MAINS_FRACTION:
        flags.append("mains")
    if resting and rms_uv > REST_RMS_UV:
        flags.append("baseline_noise")
    return ChannelQuality(tuple(flags), rms_uv, mains)


def _flat(row: npt.NDArray[np.float64], rate_hz: float) -> bool:
    """True if any 0.2 s stretch has a standard deviation below 0.5 µV."""
    length = max(2, int(FLAT_S * rate_hz))
    pieces = row[: row.size // length * length].reshape(-1, length)
    return bool((pieces.std(axis=1) < FLAT_SD_UV).any())


def _longest_run(hit: npt.NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], hit.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _spectrum(row: npt.NDArray[np.float64], rate_hz: float) -> tuple[float, float | None]:
    """(RMS of the band in µV, mains' part of the band's power or None)."""
    window = signal.windows.hann(row.size, sym=False)
    power = np.abs(np.fft.rfft((row - row.mean()) * window)) ** 2
    power *= 2.0 / (row.size * np.sum(window**2))
    frequency = np.fft.rfftfreq(row.size, 1.0 / rate_hz)
    band = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    total = float(power[band].sum())
    if row.size / rate_hz < 1.0 / MAINS_HALF_WIDTH_HZ or total == 0.0 or rate_hz / 2 < MAINS_HZ[1]:
        return float(np.sqrt(total)), None
    half = MAINS_HALF_WIDTH_HZ + rate_hz / row.size
    lines = [float(power[band & (abs(frequency - hz) <= half)].sum()) for hz in MAINS_HZ]
    return float(np.sqrt(total)), max(lines) / total
