"""A pool of motor units, its CMAP and its interference patterns at stated efforts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE_HZ = 5000.0
EPOCH = 2500
ZERO = 100
DELAY = 20  # samples from the stimulus to the response


def unit_shape() -> np.ndarray:
    """One unit at the surface, 1 high, negative up: a negative phase of 6 ms, then a longer one."""
    t = np.arange(round(0.02 * RATE_HZ)) / RATE_HZ * 1000.0
    negative = np.where(t < 6, np.sin(np.pi * t / 6), 0.0)
    positive = np.where((t >= 6) & (t < 18), -0.5 * np.sin(np.pi * (t - 6) / 12), 0.0)
    return negative + positive


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """amplitude_uv: (n_units,), in the order of recruitment."""

    amplitude_uv: np.ndarray

    @classmethod
    def of(cls, count: int, *, mean_uv: float = 57.0, ratio: float = 20.0) -> Pool:
        """Exponentially growing units, the last `ratio` times the first."""
        size = ratio ** (np.arange(count) / max(count - 1, 1))
        return cls(mean_uv * size / size.mean())

    def cmap_uv(self) -> np.ndarray:
        """One sweep, the physical sign (negative phase below zero), without noise."""
        sweep = np.zeros(600)
        shape = unit_shape()
        begin = ZERO + DELAY
        sweep[begin : begin + shape.size] -= self.amplitude_uv.sum() * shape
        return sweep

    def epochs_uv(
        self, rng: np.random.Generator, drives: np.ndarray, *, noise_uv: float = 3.0
    ) -> np.ndarray:
        """(n_drives, EPOCH) µV of voluntary activity; drive 1 is maximal effort."""
        return np.stack([self._epoch(rng, drive) for drive in drives]) + noise_uv * (
            rng.standard_normal((len(drives), EPOCH))
        )

    def _epoch(self, rng: np.random.Generator, drive: float) -> np.ndarray:
        count = self.amplitude_uv.size
        threshold = 0.6 * np.exp(np.log(60.0) * (np.arange(count) / count - 1))
        rates = np.where(drive >= threshold, np.minimum(8 + 30 * (drive - threshold), 30), 0.0)
        spikes = np.zeros(EPOCH + 200)
        for rate, amplitude in zip(rates, self.amplitude_uv, strict=True):
            if not rate:
                continue
            mean = RATE_HZ / rate
            gaps = mean * (1 + 0.15 * rng.standard_normal(int(rate) + 8))
            times = np.cumsum(gaps) - rng.uniform(0, 2) * mean
            np.add.at(spikes, times[(times >= 0) & (times < spikes.size)].astype(int), amplitude)
        return -np.convolve(spikes, unit_shape())[200 : 200 + EPOCH]
