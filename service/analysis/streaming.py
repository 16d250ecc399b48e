"""Streams in pieces: filters that keep their state, decimation, and windows of fixed length.

Everything here gives the same bits however a stream was cut into blocks, so that an accumulator fed
live and an analysis of the whole recording agree exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import signal

Samples = npt.NDArray[np.float64]

SURFACE_RATE_HZ = 2000.0
_STOP_DB = 60.0


class SosFilter:
    """A cascade of second-order sections over channels; sample by sample, so blind to block size.

    sos: shape (n_sections, 6). The state starts settled on the first sample, so that an electrode
    offset of many millivolts makes no step; `reset` forgets and starts so again.
    """

    def __init__(self, sos: Samples) -> None:
        self._sos = np.asarray(sos, dtype=np.float64)
        self._settled_on_one = signal.sosfilt_zi(self._sos)
        self._state: Samples | None = None

    def reset(self) -> None:
        """Forget what came before."""
        self._state = None

    def push(self, data: Samples) -> Samples:
        """data: (n_channels, n_samples); the same shape comes back."""
        if not data.shape[1]:
            return data
        if self._state is None:
            self._state = self._settled_on_one[:, None, :] * data[None, :, :1]
        out, self._state = signal.sosfilt(self._sos, data, axis=1, zi=self._state)
        return np.asarray(out)


class Decimator:
    """Every `factor`-th sample after a low pass that keeps 0-500 Hz free of aliases.

    With a factor of 1 (slow devices) samples pass untouched.
    """

    def __init__(self, rate_hz: float, *, least_hz: float = SURFACE_RATE_HZ) -> None:
        self.factor = max(int(rate_hz // least_hz), 1)
        self.rate_hz = rate_hz / self.factor
        self._seen = 0
        self._filter: SosFilter | None = None
        if self.factor > 1:
            stop_hz = self.rate_hz * 0.75  # aliases to a quarter of the rate: 500 Hz at 2 kHz
            sos = signal.cheby2(8, _STOP_DB, stop_hz, fs=rate_hz, output="sos")
            self._filter = SosFilter(sos)

    def reset(self) -> None:
        """A gap: filter and phase start anew."""
        self._seen = 0
        if self._filter is not None:
            self._filter.reset()

    def push(self, data: Samples) -> Samples:
        """data: (n_channels, n) at the full rate; the samples that fall due, (n_channels, m)."""
        if self._filter is None:
            return np.asarray(data, dtype=np.float64)
        smooth = self._filter.push(data)
        first = -self._seen % self.factor
        self._seen += data.shape[1]
        return smooth[:, first :: self.factor]


class Windows:
    """Consecutive disjoint windows of `length` samples, each given once and whole.

    `keep` further samples of the window before are repeated in front, for detectors that need to
    see across the seam.
    """

    def __init__(self, channels: int, length: int, *, keep: int = 0) -> None:
        self._buffer = np.zeros((channels, length + keep))
        self._filled = self._keep = keep
        self._length = length

    def reset(self) -> None:
        """Drop the window under way."""
        self._buffer[:] = 0.0
        self._filled = self._keep

    def push(self, data: Samples) -> list[Samples]:
        """The windows that became whole, (n_channels, keep + length) each."""
        out = []
        used = 0
        whole = self._buffer.shape[1]
        while used < data.shape[1]:
            take = min(whole - self._filled, data.shape[1] - used)
            self._buffer[:, self._filled : self._filled + take] = data[:, used : used + take]
            self._filled += take
            used += take
            if self._filled == whole:
                out.append(self._buffer.copy())
                self._buffer[:, : self._keep] = self._buffer[:, whole - self._keep :]
                self._filled = self._keep
        return out


def band_pass(low_hz: float, high_hz: float, rate_hz: float, *, order: int = 4) -> Samples:
    """Butterworth sections for a pass-band, the upper edge held below 0.9 of Nyquist."""
    top = min(high_hz, 0.45 * rate_hz)
    if not 0 < low_hz < top:
        raise ValueError(f"band {low_hz:g}-{high_hz:g} Hz does not fit a rate of {rate_hz:g} Hz")
    return np.asarray(signal.butter(order, [low_hz, top], "bandpass", fs=rate_hz, output="sos"))
