"""Descending drive: what the patient is asked to do, the shared 15-30 Hz input, and the stretch.

Source of the shared input: Farmer SF et al. 1993, J Physiol 470:127 (15-30 Hz coherence between
muscles needs an intact corticospinal tract); Fisher KM 2012, Brain 135:2849.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .effects import effect
from .front_end import FloatArray
from .pool import STEP_S

TASKS = ("rest", "hold", "maximal", "stretch")
STRETCH_EVERY_S = 8.0
STRETCH_LASTS_S = 7.0
REFLEX_DELAY_S = 0.06
AHEAD = 500  # values of the shared input made at once
BAND_HZ = (15.0, 30.0)
TAPS = 512  # what is cut off is below 1e-11 of the largest tap


def band_taps(rate_hz: float) -> FloatArray:
    """Impulse response of a Butterworth band-pass of 2nd order, (TAPS,), of unit energy.

    In numpy, because importing scipy.signal takes longer than everything else at the start.
    """
    z = np.exp(2j * np.pi * np.fft.rfftfreq(8 * TAPS)[:-1])
    s = 2.0 * rate_hz * (z - 1.0) / (z + 1.0)
    low, high = (2.0 * rate_hz * np.tan(np.pi * hz / rate_hz) for hz in BAND_HZ)
    width, centre = (high - low) * s, s * s + low * high
    gain = width**2 / (centre**2 + np.sqrt(2.0) * width * centre + width**2)
    taps = np.fft.irfft(np.append(gain, 0.0))[:TAPS]
    return taps / float(np.linalg.norm(taps))


class CorticospinalInput:
    """One 15-30 Hz noise of unit variance for the whole limb, on steps of STEP_S."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._taps = band_taps(1 / STEP_S)
        self._before = np.zeros(TAPS - 1)
        self._ready: FloatArray = np.empty(0)

    def next(self, steps: int) -> FloatArray:
        """The next `steps` values."""
        while self._ready.size < steps:
            white = np.concatenate((self._before, self._rng.standard_normal(AHEAD)))
            self._before = white[AHEAD:]
            shaped = np.convolve(white, self._taps, "valid")
            self._ready = np.concatenate((self._ready, shaped))
        now, self._ready = self._ready[:steps], self._ready[steps:]
        return now


@dataclass(frozen=True, slots=True)
class Beat:
    """One clonic oscillation of the limb: its time, and its number within the stretch."""

    at_s: float
    number: int


class ClonusClock:
    """The mechanical oscillation of a stretched limb; each muscle decides how strongly it answers.

    The examiner stretches for 7 s, lets go for 1 s, and stretches again, as long as the task lasts.
    """

    def __init__(self, rng: np.random.Generator, frequency_hz: float) -> None:
        self._rng = rng
        self.frequency_hz = float(np.clip(frequency_hz, 4.5, 7.5))
        self._began_s: float | None = None
        self._next = Beat(0.0, 0)

    def beats(self, start_s: float, end_s: float, stretching: bool) -> list[Beat]:
        """Beats in [start_s, end_s)."""
        if not stretching:
            self._began_s = None
            return []
        if self._began_s is None or start_s >= self._began_s + STRETCH_EVERY_S - 1e-9:
            self._began_s = start_s
            self._next = Beat(start_s + REFLEX_DELAY_S, 0)
        found: list[Beat] = []
        while self._next.at_s < min(end_s, self._began_s + STRETCH_LASTS_S):
            found.append(self._next)
            scatter = 1.0 + effect("clonus.period_cv") * self._rng.standard_normal()
            period = np.clip(scatter, 0.85, 1.15) / self.frequency_hz
            self._next = Beat(self._next.at_s + float(period), self._next.number + 1)
        return found


def clonus_share(umn: float, beat_number: int) -> float:
    """Share of the excitation range that a beat reaches in a muscle; 0 is silence.

    It decays over the beats of a stretch, the slower the higher the dial, and not at all from
    `clonus.sustained`.
    """
    threshold, sustained = effect("clonus.threshold"), effect("clonus.sustained")
    if umn < threshold:
        return 0.0
    depth = min((umn - threshold) / (1.0 - threshold), 1.0)
    first = effect("clonus.gain") * (0.4 + 0.6 * depth)
    if umn >= sustained:
        return first
    beats = 3.0 + 30.0 * ((umn - threshold) / (sustained - threshold)) ** 2
    share = first * float(np.exp(-beat_number / beats))
    return share if share >= 0.08 else 0.0
