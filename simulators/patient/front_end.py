"""The amplifier's own filter, and how waveforms at the electrode become samples behind it.

A waveform lives as a spectrum on a fine grid, so that it can be filtered and moved by any fraction
of a sample exactly; sums, shifts and the filter are then products.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.fft import next_fast_len

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

WINDOW_S = 0.08
SOURCE_RATE_HZ = 32000.0
PHASE_STEP_S = 8e-6


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """What lies between electrode and sample: the output rate, and `sinc3` (ADS1299: three moving
    averages of one output period each, group delay exactly 1.5 output periods) or `none`.

    Source: Texas Instruments SBAS499, digital decimation filter; the modulator runs at least 64
    times faster than the output, so that its averages are taken as continuous.
    """

    rate_hz: float
    kind: Literal["sinc3", "none"]

    @property
    def group_delay_s(self) -> float:
        """Delay of every analogue waveform; digital lines have none."""
        return 1.5 / self.rate_hz if self.kind == "sinc3" else 0.0

    def transfer(self, frequencies_hz: FloatArray) -> ComplexArray:
        """Complex gain at each frequency."""
        if self.kind == "none":
            return np.ones(frequencies_hz.shape, dtype=np.complex128)
        x = frequencies_hz / self.rate_hz
        return np.asarray(np.sinc(x) ** 3 * np.exp(-3j * np.pi * x), dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class Grid:
    """The fine grid of one front end: `factor` source points per output sample, over `length` output
    samples (a power-friendly number covering WINDOW_S)."""

    front_end: FrontEnd
    factor: int
    length: int

    @classmethod
    def of(cls, front_end: FrontEnd) -> Grid:
        """The grid for a front end: at least 32 kHz, covering 80 ms and the filter's own length."""
        factor = max(1, ceil(SOURCE_RATE_HZ / front_end.rate_hz))
        length = next_fast_len(ceil(WINDOW_S * front_end.rate_hz) + 4, real=True)
        return cls(front_end, factor, length)

    @property
    def source_rate_hz(self) -> float:
        """Points per second at the electrode."""
        return self.factor * self.front_end.rate_hz

    @property
    def points(self) -> int:
        """Points of the fine grid."""
        return self.factor * self.length

    @property
    def phases(self) -> int:
        """Sub-sample positions that a prepared template is kept for."""
        return int(np.clip(ceil(1.0 / (self.front_end.rate_hz * PHASE_STEP_S)), 8, 64))

    @property
    def frequencies_hz(self) -> FloatArray:
        """Frequencies of the spectra on this grid."""
        return np.asarray(np.fft.rfftfreq(self.points, 1.0 / self.source_rate_hz))

    def waveform(self, spectrum: ComplexArray) -> FloatArray:
        """The waveform at the electrode, on the fine grid."""
        return np.asarray(np.fft.irfft(spectrum, n=self.points))

    def samples(self, spectrum: ComplexArray, lead: float) -> FloatArray:
        """Output samples 0, 1, … of a waveform that began `lead` (0-1) samples before sample 0."""
        shift = np.exp(2j * np.pi * self.frequencies_hz * (lead / self.front_end.rate_hz))
        fine = np.fft.irfft(
            spectrum * (shift * self.front_end.transfer(self.frequencies_hz)), n=self.points
        )
        return np.asarray(fine[..., :: self.factor])

    def phase_table(self, spectra: ComplexArray, duration_s: float) -> FloatArray:
        """Filtered templates for each sub-sample position.

        spectra: (n_units, n_frequencies). Returns (n_units, phases + 1, n_samples): row p holds the
        samples of a waveform that began p / phases samples before sample 0.
        """
        phases, points = self.phases, self.length * self.phases
        filtered = spectra * self.front_end.transfer(self.frequencies_hz)
        fine = np.fft.irfft(filtered, n=points) * (points / self.points)
        samples = min(ceil(duration_s * self.front_end.rate_hz) + 3, self.length - 1)
        index = np.arange(samples)[None, :] * phases + np.arange(phases + 1)[:, None]
        return np.ascontiguousarray(fine[:, index])
