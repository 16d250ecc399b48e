"""What is always on the leads: amplifier and electrode noise, slow drift, and the mains.

Sources: Texas Instruments SBAS499 (input-referred noise of the ADS1299 by rate and gain; gain 8
from memory); Huigen E et al. 2002, Med Biol Eng Comput 40:332 (electrode noise exceeds the
amplifier's, and rises below 20 Hz); `background.drift` was measured on real people at rest.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from .effects import effect
from .front_end import STEP_S, FloatArray, FrontEnd

AMPLIFIER_RATES_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
AMPLIFIER_NOISE_UV = (0.19, 0.27, 0.38, 0.54, 0.77, 1.15, 3.05)
ELECTRODE_NOISE_UV_PER_SQRT_HZ = 0.040
SINC3_NOISE_BANDWIDTH = 0.275  # of the output rate: the integral of sinc^6
MAINS_UV = (2.5, 0.8, 0.5)  # 50, 100, 150 Hz
DRIFT_POINT_S = 0.010  # between points of the drift, straight lines between them
DRIFT_CORNER_HZ = 0.5  # below which it grows no further
DRIFT_AHEAD = 64  # points drawn at once
# White noise through three moving averages has, at the output rate, the autocorrelation
# (66, 26, 1) / 66; these taps are its minimum-phase factor.
SINC3_COLOUR = np.convolve((1.0, 0.4305753470999737), (1.0, 0.0430962882032647))


def noise_rms_uv(rate_hz: float) -> float:
    """Total noise at the amplifier's output, referred to the input."""
    amplifier = np.exp(
        np.interp(np.log(rate_hz), np.log(AMPLIFIER_RATES_HZ), np.log(AMPLIFIER_NOISE_UV))
    )
    electrode = ELECTRODE_NOISE_UV_PER_SQRT_HZ * np.sqrt(SINC3_NOISE_BANDWIDTH * rate_hz)
    return float(np.hypot(amplifier, electrode))


class Drift:
    """Slow noise of half-cells and skin, of every electrode its own: its density falls with the
    frequency from DRIFT_CORNER_HZ on (a relaxing random walk), in consecutive stretches."""

    def __init__(self, channels: int, rate_hz: float, rng: np.random.Generator) -> None:
        self._rng, self._points_per_sample = rng, 1.0 / (rate_hz * DRIFT_POINT_S)
        fade = 2.0 * np.pi * DRIFT_CORNER_HZ
        level = effect("background.drift") * rng.uniform(0.5, 1.5, (channels, 1))
        sd = level * np.sqrt(0.5 * np.pi / DRIFT_CORNER_HZ)
        self._kept = float(np.exp(-fade * DRIFT_POINT_S))
        self._fresh = sd * np.sqrt(1.0 - self._kept**2)
        self._points = sd * rng.standard_normal((channels, 1))
        self._first = 0
        self._shares: dict[tuple[float, int], FloatArray] = {}

    def next(self, first: int, count: int) -> FloatArray:
        """(n_channels, count) µV; `first` is the index of the first sample since power-on."""
        begin, part = divmod(first * self._points_per_sample, 1.0)
        key = round(part, 9), count
        if key not in self._shares:
            self._shares = {key: self._between(part, count)}
        shares = self._shares[key]
        self._points = self._points[:, int(begin) - self._first :]
        self._first = int(begin)
        missing = shares.shape[0] - self._points.shape[1]
        if missing > 0:
            self._points = self._longer(max(missing, DRIFT_AHEAD))
        return np.asarray(self._points[:, : shares.shape[0]] @ shares)

    def _between(self, part: float, count: int) -> FloatArray:
        """(n_points, count) share of every point in each sample of a stretch that begins `part`
        after the first of them."""
        place = part + np.arange(count) * self._points_per_sample
        points = np.arange(int(place[-1]) + 2)
        return np.asarray(np.maximum(1.0 - np.abs(place - points[:, None]), 0.0))

    def _longer(self, missing: int) -> FloatArray:
        fresh = self._fresh * self._rng.standard_normal((missing, self._points.shape[0])).T
        before = self._points[:, -1]
        for number in range(missing):
            fresh[:, number] += self._kept * before
            before = fresh[:, number]
        return np.concatenate((self._points, fresh), axis=1)


class Background:
    """Noise, drift and mains of all channels, in consecutive stretches of a time step or less."""

    def __init__(
        self,
        channels: int,
        front_end: FrontEnd,
        mains_hz: float,
        rng: np.random.Generator,
        slow: np.random.Generator,
    ) -> None:
        self._rng = rng
        self._drift = Drift(channels, front_end.rate_hz, slow)
        self._channels = channels
        colour = SINC3_COLOUR if front_end.kind == "sinc3" else np.ones(1)
        rms = noise_rms_uv(front_end.rate_hz)
        self._taps: FloatArray = colour * (rms / float(np.linalg.norm(colour)))
        self._state = np.zeros((channels, self._taps.size - 1))
        orders = np.arange(1.0, len(MAINS_UV) + 1)
        frequencies: FloatArray = mains_hz * orders[mains_hz * orders < front_end.rate_hz / 2]
        self._step = 2 * np.pi * frequencies / front_end.rate_hz
        longest = np.arange(ceil(STEP_S * front_end.rate_hz) + 1)
        turned = np.exp(1j * self._step[:, None] * longest)
        self._turned = np.concatenate((turned.real, -turned.imag))
        gain = np.abs(front_end.transfer(frequencies)) * np.array(MAINS_UV[: frequencies.size])
        level = gain * rng.uniform(0.5, 1.5, (channels, frequencies.size))
        angle = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.3, (channels, frequencies.size))
        self._cosine, self._sine = level * np.cos(angle), level * np.sin(angle)

    def next(self, first: int, count: int, drift: FloatArray | float = 1.0) -> FloatArray:
        """(n_channels, count) µV; `first` is the index of the first sample since power-on. drift:
        of each electrode, (n_channels, 1), relative to that on unprepared skin."""
        white = self._rng.standard_normal((self._channels, count))
        line = np.concatenate((self._state, white), axis=1)
        past = self._state.shape[1]
        self._state = line[:, line.shape[1] - past :]
        seen: FloatArray = self._taps[0] * white
        for delay, tap in enumerate(self._taps[1:].tolist(), start=1):
            seen += tap * line[:, past - delay : past - delay + count]
        begun = (self._sine - 1j * self._cosine) * np.exp(1j * self._step * first)
        seen += np.concatenate((begun.real, begun.imag), axis=1) @ self._turned[:, :count]
        seen += drift * self._drift.next(first, count)
        return seen
