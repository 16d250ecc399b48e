"""The amplifier's own filter, and how waveforms at the electrode become samples behind it.

A waveform lives as a spectrum on a fine grid, so that it can be filtered and moved by any fraction
of a sample exactly; sums, shifts and the filter are then products.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil, isqrt
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

WINDOW_S = 0.08
SOURCE_RATE_HZ = 32000.0
DRAWING_RATE_HZ = 4000.0
STEP_S = 0.080  # everything is generated in time steps of this length
PHASE_STEP_S = 8e-6
FADED = 1e-4


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


@cache
def fast_length(least: int) -> int:
    """The smallest length of factors 2, 3 and 5, from `least` on: Fourier transforms are fast."""
    best, five = 2 * least, 1
    while five < best:
        odd = five
        while odd < best:
            doublings = (-(-least // odd) - 1).bit_length()
            best = min(best, odd << doublings)
            odd *= 3
        five *= 5
    return best


@cache
def _frequencies_hz(points: int, rate_hz: float) -> FloatArray:
    """Frequencies of the spectrum of so many points; never to be written to."""
    frequencies = np.asarray(np.fft.rfftfreq(points, 1.0 / rate_hz), dtype=np.float64)
    frequencies.flags.writeable = False
    return frequencies


@cache
def _gains(front_end: FrontEnd, points: int, rate_hz: float) -> ComplexArray:
    """The front end's gain at these frequencies; never to be written to."""
    gains = front_end.transfer(_frequencies_hz(points, rate_hz))
    gains.flags.writeable = False
    return gains


def turns(delay_s: FloatArray | float, step_hz: float, count: int) -> ComplexArray:
    """exp(-2πi f t), (..., count) for delays t (...) and the frequencies 0, step_hz, …

    Of evenly spaced frequencies it is a product of two short rows, which takes a fraction of the
    time of one long one.
    """
    block = isqrt(count) + 1
    step = (-2j * np.pi * step_hz) * np.asarray(delay_s)[..., None]
    coarse = np.exp(step * (block * np.arange(-(-count // block))))
    fine = np.exp(step * np.arange(block))
    each = coarse[..., :, None] * fine[..., None, :]
    return np.asarray(each.reshape(*each.shape[:-2], -1)[..., :count])


@dataclass(frozen=True, slots=True)
class Grid:
    """The fine grid of one front end: `factor` source points per output sample, over `length`
    output samples (which cover WINDOW_S and suit the Fourier transform).

    decimation: output samples per drawn sample. Surface potentials of single units hold nothing
    above 2 kHz, so their sum is drawn at 4 kHz or more and then brought to the output rate.
    phases: positions between drawn samples that a prepared template is kept for.
    """

    front_end: FrontEnd
    factor: int
    length: int
    decimation: int
    phases: int

    @classmethod
    def of(cls, front_end: FrontEnd) -> Grid:
        """The grid for a front end: at least 32 kHz, covering 80 ms and the filter's own length."""
        rate = front_end.rate_hz
        length = 16 * fast_length(ceil((ceil(WINDOW_S * rate) + 4) / 16))
        whole = int(rate // DRAWING_RATE_HZ)
        aligned = whole > 1 and length % whole == 0 and STEP_S * rate % whole == 0.0
        decimation = whole if aligned else 1
        phases = min(max(ceil(decimation / (PHASE_STEP_S * rate)), 8), 64)
        return cls(front_end, max(1, ceil(SOURCE_RATE_HZ / rate)), length, decimation, phases)

    @property
    def source_rate_hz(self) -> float:
        """Points per second at the electrode."""
        return self.factor * self.front_end.rate_hz

    @property
    def points(self) -> int:
        """Points of the fine grid."""
        return self.factor * self.length

    @property
    def frequencies_hz(self) -> FloatArray:
        """Frequencies of the spectra on this grid."""
        return _frequencies_hz(self.points, self.source_rate_hz)

    @property
    def gains(self) -> ComplexArray:
        """The front end's complex gain at each of them."""
        return _gains(self.front_end, self.points, self.source_rate_hz)

    def turns(self, delay_s: FloatArray | float) -> ComplexArray:
        """Factors that delay spectra by so many seconds, (..., n_frequencies) for delays (...)."""
        return turns(delay_s, self.source_rate_hz / self.points, self.points // 2 + 1)

    def waveform(self, spectrum: ComplexArray) -> FloatArray:
        """The waveform at the electrode, on the fine grid."""
        return np.asarray(np.fft.irfft(spectrum, n=self.points))

    def samples(self, spectrum: ComplexArray, lead: float) -> FloatArray:
        """Output samples 0, 1, … of a waveform that began `lead` (0-1) samples before sample 0."""
        shift = self.turns(-lead / self.front_end.rate_hz)
        fine = np.fft.irfft(spectrum * (shift * self.gains), n=self.points)
        return np.asarray(fine[..., :: self.factor])

    def _heard(self, spectra: ComplexArray) -> ComplexArray:
        """What the front end, and the drawing after it, lets through."""
        heard = self.frequencies_hz.size
        if self.decimation > 1:
            limit_hz = self.front_end.rate_hz / (2 * self.decimation)
            heard = int(np.searchsorted(self.frequencies_hz, limit_hz))
        return np.asarray(spectra[..., :heard] * self.gains[:heard])

    def sampled_uv(self, spectra: ComplexArray) -> FloatArray:
        """(n_units,) peak to peak of each waveform in drawn samples, begun at one of them."""
        every = self.phases if self.decimation == 1 else 1
        points = self.length // self.decimation * every
        fine = np.fft.irfft(self._heard(spectra), n=points) * (points / self.points)
        return np.asarray(np.ptp(fine[:, ::every], axis=1))

    def phase_table(self, spectra: ComplexArray, duration_s: float) -> FloatArray:
        """Filtered templates for each position between drawn samples.

        spectra: (n_units, n_frequencies). Returns (n_units, phases + 1, n_drawn): row p holds the
        drawn samples of a waveform that began p / phases drawn samples before sample 0. Ends where
        all of them have faded to a ten-thousandth, at the latest after `duration_s`.
        """
        points = self.length * self.phases // self.decimation
        fine = np.fft.irfft(self._heard(spectra), n=points)
        fine *= points / self.points
        longest = ceil(duration_s * self.front_end.rate_hz / self.decimation) + 3
        longest = min(longest, self.length // self.decimation - 1)
        height = np.abs(fine[:, : longest * self.phases]).max(axis=0)
        lasting = int(np.flatnonzero(height > FADED * height.max())[-1])
        drawn = min(longest, lasting // self.phases + 2)
        index = np.arange(drawn)[None, :] * self.phases + np.arange(self.phases + 1)[:, None]
        return np.ascontiguousarray(fine[:, index])

    def slowed(self, table: FloatArray, velocity: float) -> FloatArray:
        """A phase table, rows as `phase_table` gives them for each unit in turn, of the same
        potentials under fibres that conduct at `velocity` times their speed (at most 1)."""
        width = table.shape[-1]
        rows = table.reshape(-1, (self.phases + 1) * width)
        drawn = ceil(width / velocity) + 1
        index = np.arange(drawn)[None, :] * self.phases + np.arange(self.phases + 1)[:, None]
        place, last = index.ravel() * velocity, width * self.phases - 1.001
        whole = np.minimum(place, last).astype(np.int64)
        part = np.minimum(place, last) - whole
        before, after = (n % self.phases * width + n // self.phases for n in (whole, whole + 1))
        here, there = (np.where(place > last, 0.0, share) for share in (1.0 - part, part))
        slow = np.empty((rows.shape[0], place.size))
        for number, row in enumerate(rows):  # one at a time stays in fast memory
            np.multiply(row[before], here, out=slow[number])
            slow[number] += row[after] * there
        return slow.reshape(-1, drawn)

    def drawn_to_samples(self, drawn: FloatArray) -> FloatArray:
        """A drawn stretch that begins and ends in silence, at the output rate."""
        if self.decimation == 1:
            return drawn
        return np.asarray(
            np.fft.irfft(np.fft.rfft(drawn), n=drawn.size * self.decimation) * self.decimation
        )
