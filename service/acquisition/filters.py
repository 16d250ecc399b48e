"""The filters of live views: a short list of presets, state kept from block to block.

Second-order sections in float64. The output does not depend on how the signal was cut into blocks,
to the bit. The state starts settled on the first sample (`sosfilt_zi`), so an electrode offset of
hundreds of millivolts makes no step; what is left of the start is `settling_samples` long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import signal

Sos = npt.NDArray[np.float64]


def _run_by_sosfilt(sos: Sos, x: Sos, state: Sos) -> None:
    """Filter x (n_channels, n) and advance state (n_channels, n_sections, 2), both in place."""
    x[:], after = signal.sosfilt(sos, x, axis=-1, zi=state.transpose(1, 0, 2))
    state[:] = after.transpose(1, 0, 2)


try:
    # scipy's loop alone: the public function's checks cost 6 times as much (benchmarks/filter.py)
    from scipy.signal._sosfilt import _sosfilt as run_sections
except ImportError:
    run_sections = _run_by_sosfilt

USABLE_NYQUIST = 0.95
SETTLED = 0.01
NOTCH_Q = 20.0


class PresetUnusable(ValueError):
    """The preset has no pass band at this rate, or there is no such preset."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A filter by its use. high_pass_hz, low_pass_hz: -3 dB edges (Butterworth of `order`);
    notch_hz: mains. None for none."""

    id: str
    label: str
    high_pass_hz: float | None = None
    low_pass_hz: float | None = None
    order: int = 2
    notch_hz: float | None = None


PRESETS: Mapping[str, Preset] = {
    preset.id: preset
    for preset in (
        Preset("raw", "raw"),
        Preset("surface", "surface 20-450 Hz, notch", 20.0, 450.0, 4, 50.0),
        Preset("ncs", "NCS 2 Hz-10 kHz", 2.0, 10_000.0),
        Preset("needle", "needle 20 Hz-10 kHz", 20.0, 10_000.0),
        Preset("envelope", "envelope band 20-110 Hz", 20.0, 110.0, 4),
    )
}


def find_preset(name: str) -> Preset:
    """The preset called `name`; with `-n60` appended its notch, if it has one, is at 60 Hz.

    Raises PresetUnusable for an unknown name.
    """
    base = PRESETS.get(name.removesuffix("-n60"))
    if base is None:
        raise PresetUnusable(f"no filter preset is called {name}; there are {', '.join(PRESETS)}")
    if not name.endswith("-n60"):
        return base
    return replace(base, id=name, notch_hz=base.notch_hz and 60.0)


def design(preset: str | Preset, rate_hz: float) -> Sos:
    """Second-order sections (n_sections, 6) of a preset at a rate; (0, 6) passes all.

    An upper edge or a notch above 95 % of half the rate is left out: the device's own front end
    limits the band there. Raises PresetUnusable if the lower edge lies there too.
    Source: Butterworth sections and IIR notch as in scipy.signal (`butter`, `iirnotch`).
    """
    wanted = find_preset(preset) if isinstance(preset, str) else preset
    highest_hz = USABLE_NYQUIST * rate_hz / 2
    sections = [np.empty((0, 6))]
    if wanted.notch_hz is not None and wanted.notch_hz < highest_hz:
        sections.append(signal.tf2sos(*signal.iirnotch(wanted.notch_hz, NOTCH_Q, fs=rate_hz)))
    if wanted.high_pass_hz is not None:
        if wanted.high_pass_hz >= highest_hz:
            raise PresetUnusable(
                f"preset {wanted.id} starts at {wanted.high_pass_hz:g} Hz, but a stream of "
                f"{rate_hz:g} Hz ends at {highest_hz:g} Hz; take raw, or a faster device"
            )
        edge = wanted.high_pass_hz
        sections.append(signal.butter(wanted.order, edge, "highpass", fs=rate_hz, output="sos"))
    if wanted.low_pass_hz is not None and wanted.low_pass_hz < highest_hz:
        edge = wanted.low_pass_hz
        sections.append(signal.butter(wanted.order, edge, "lowpass", fs=rate_hz, output="sos"))
    return np.ascontiguousarray(np.concatenate(sections), dtype=np.float64)


def settling_samples(sos: Sos) -> int:
    """Samples until the slowest part of the response has fallen to 1 %; 0 for no filter."""
    if not len(sos):
        return 0
    slowest = max(float(np.max(np.abs(np.roots(section[3:])))) for section in sos)
    return math.ceil(math.log(SETTLED) / math.log(slowest)) if 0.0 < slowest < 1.0 else 0


class StreamFilter:
    """One filter over the channels of one stream, without a seam between blocks."""

    def __init__(self, sos: Sos, channels: int) -> None:
        self.sos = sos
        self.channels = channels
        self.settling_samples = settling_samples(sos)
        self._settled_on_one = signal.sosfilt_zi(sos) if len(sos) else None
        self._state: npt.NDArray[np.float64] | None = None

    def push(self, data_uv: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Filter the next (n_channels, n) samples; same shape. Without sections: the same array."""
        if self._settled_on_one is None or not data_uv.shape[-1]:
            return data_uv
        if self._state is None:
            self._state = self._settled_on_one * data_uv[:, :1, None]
        filtered = np.array(data_uv, dtype=np.float64, order="C")
        run_sections(self.sos, filtered, self._state)
        return filtered

    def reset(self) -> None:
        """Forget the past: after a gap, and in a new epoch."""
        self._state = None
