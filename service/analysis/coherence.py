"""Intermuscular coherence at 15-30 Hz: a drive common to two muscles, tested against its null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import signal

from service.model import Measurement

from .result import build
from .streaming import SosFilter, Windows, band_pass

MEASURE = "coherence"
VERSION = "1"

Samples = npt.NDArray[np.float64]
Spectra = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class CoherenceSettings:
    """needed: disjoint windows below which a coherence that is not significant says nothing.
    steady: a window whose level leaves this factor around the median of the windows before is not
    used. high_pass_hz: 30, or 20 for slow devices."""

    window_s: float = 0.8
    band_hz: tuple[float, float] = (15.0, 30.0)
    high_pass_hz: float = 30.0
    low_pass_hz: float = 450.0
    tremor_hz: tuple[float, float] = (5.0, 12.0)
    broadband_hz: tuple[float, float] = (45.0, 200.0)
    mains_hz: tuple[float, ...] = (50.0, 60.0)
    null_count: int = 1000
    null_seed: int = 15_30
    needed: int = 150
    steady: float = 2.0


class CrossSpectra:
    """Auto- and cross-spectra of disjoint Hann windows, summed as they come.

    pairs: indices of channels. `coherence` equals scipy.signal.coherence(window="hann", noverlap=0,
    detrend="constant") over the same windows.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], length: int, channels: int) -> None:
        self._hann = signal.get_window("hann", length)
        self._first = np.array([pair[0] for pair in pairs], dtype=np.intp)
        self._second = np.array([pair[1] for pair in pairs], dtype=np.intp)
        bins = length // 2 + 1
        self.power = np.zeros((channels, bins))
        self.cross = np.zeros((len(pairs), bins), dtype=np.complex128)
        self.count = 0

    def spectra(self, window: Samples) -> Spectra:
        """(n_channels, n_bins) of one window, its mean taken off."""
        level = window - window.mean(axis=1, keepdims=True)
        return np.asarray(np.fft.rfft(level * self._hann))

    def add(self, spectra: Spectra) -> None:
        """One window more."""
        self.power += spectra.real**2 + spectra.imag**2
        self.cross += spectra[self._first] * spectra[self._second].conj()
        self.count += 1

    def coherence(self) -> Samples:
        """|Sxy|² / (Sxx Syy), shape (n_pairs, n_bins); zero where a power is zero."""
        below = self.power[self._first] * self.power[self._second]
        above = self.cross.real**2 + self.cross.imag**2
        return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


class CoherenceWatch:
    """Coherence of one pair of muscles, window by window. push: (2, n) µV, unfiltered.

    Windows are taken from the first sample after a reset on. A window whose level is unsteady is
    counted and left out; the filter's settling after a reset is skipped.
    """

    def __init__(self, rate_hz: float, settings: CoherenceSettings | None = None) -> None:
        self.settings = settings or CoherenceSettings()
        self.rate_hz = rate_hz
        chosen = self.settings
        length = round(chosen.window_s * rate_hz)
        self._filter = SosFilter(band_pass(chosen.high_pass_hz, chosen.low_pass_hz, rate_hz))
        self._windows = Windows(2, length)
        self._rectified = CrossSpectra([(0, 1)], length, 2)
        self._plain = CrossSpectra([(0, 1)], length, 2)
        self._hz = np.fft.rfftfreq(length, 1.0 / rate_hz)
        self._band = self._bins(chosen.band_hz)
        self._chance = np.random.default_rng(chosen.null_seed)
        self._drawn = np.zeros((chosen.null_count, int(self._band.sum())), dtype=np.complex128)
        self._levels: list[Samples] = []
        self._accepted: list[Samples] = []
        self._skip = round(0.2 * rate_hz)
        self._settling = self._skip

    @property
    def window_count(self) -> int:
        """Windows in the estimate."""
        return self._rectified.count

    def reset(self) -> None:
        """A gap or a change of task: no window reaches across it."""
        self._filter.reset()
        self._windows.reset()
        self._settling = self._skip

    def push(self, pair_uv: Samples) -> None:
        """More of both channels."""
        clean = self._filter.push(pair_uv)
        skipped = min(self._settling, clean.shape[1])
        self._settling -= skipped
        for window in self._windows.push(clean[:, skipped:]):
            self._take(window)

    def result(self, *, target: str = "", inputs: Sequence[str] = ()) -> Measurement:
        """What the windows so far say; see `coherence`."""
        counts = {
            "window_count": float(self.window_count),
            "rejected_window_count": float(len(self._levels) - self.window_count),
        }
        if self.window_count < 2:
            return build(
                MEASURE, VERSION, target=target, inputs=inputs, settings=self.settings,
                state="not_assessable", values=counts, reasons=["fewer than two windows"],
            )  # fmt: skip
        coherence = self._rectified.coherence()[0]
        null_95th, p_value = self._against_null()
        level = np.array(self._accepted)
        tremor = self._bins(self.settings.tremor_hz)
        values = counts | {
            "band_mean_coherence": float(coherence[self._band].mean()),
            "null_95th_coherence": null_95th,
            "p_value": p_value,
            "zero_lag_coherence": self._zero_lag(),
            "tremor_band_coherence": float(coherence[tremor].mean()),
            "level_cv": float(np.max(level.std(axis=0) / level.mean(axis=0))),
        }
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=self.settings,
            state="measured", values=values,
        )  # fmt: skip

    def _take(self, window: Samples) -> None:
        level = np.sqrt(np.mean(window**2, axis=1))
        self._levels.append(level)
        usual = np.median(self._levels[-15:], axis=0)
        steady = self.settings.steady
        if np.any(level > steady * usual) or np.any(level * steady < usual) or np.any(level <= 0):
            return
        self._accepted.append(level)
        spectra = self._rectified.spectra(np.abs(window))
        self._rectified.add(spectra)
        self._plain.add(self._plain.spectra(window))
        self._draw(spectra[0, self._band] * spectra[1, self._band].conj())

    def _draw(self, cross: Spectra) -> None:
        """One more window of the null: its cross-spectrum turned by a random angle per draw.

        The angle is the same for all bins of a window, so powers and the leakage between
        neighbouring bins stay as they are; only what windows have in common is destroyed.
        """
        angles = np.exp(2j * np.pi * self._chance.random(self.settings.null_count))
        self._drawn += angles[:, None] * cross[None, :]

    def _against_null(self) -> tuple[float, float]:
        """95th centile of the band mean without common drive, and the share of draws above ours."""
        cross, power = self._rectified.cross[0, self._band], self._rectified.power[:, self._band]
        below = power[0] * power[1]
        drawn = np.mean((self._drawn.real**2 + self._drawn.imag**2) / below, axis=1)
        ours = float(np.mean((cross.real**2 + cross.imag**2) / below))
        above = float((1 + np.sum(drawn >= ours)) / (drawn.size + 1))
        return float(np.quantile(drawn, 0.95)), above

    def _zero_lag(self) -> float:
        """In-phase coherence of the unrectified EMG above the beta band: what cross-talk gives."""
        bins = self._bins(self.settings.broadband_hz)
        for line in self.settings.mains_hz:
            bins &= np.abs(self._hz - np.round(self._hz / line) * line) > 2.5
        cross, power = self._plain.cross[0, bins], self._plain.power[:, bins]
        below = power[0] * power[1]
        share = np.divide(cross.real**2, below, out=np.zeros_like(below), where=below > 0)
        return float(share.mean()) if share.size else 0.0

    def _bins(self, span_hz: tuple[float, float]) -> npt.NDArray[np.bool_]:
        return np.asarray((self._hz >= span_hz[0]) & (self._hz <= span_hz[1]))


def coherence(
    pair_uv: npt.ArrayLike,
    rate_hz: float,
    *,
    settings: CoherenceSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """15-30 Hz coherence of the rectified EMG of two muscles in one steady contraction.

    pair_uv: (2, n_samples) µV, unfiltered. Values: band_mean_coherence (mean over the bins of the
    band), null_95th_coherence (of the same statistic without common drive, for as many windows),
    p_value, window_count (disjoint), rejected_window_count, zero_lag_coherence (45-200 Hz, mains
    left out: above 0.1 is cross-talk), tremor_band_coherence, level_cv. Not assessable: fewer than
    two windows. Errors: ValueError for another shape.
    Source: windows and rectification after Fisher 2012 (Brain 135:2849) and Jaiser 2016 (PLoS One
    11:e0149029); the band mean is tested, since a single bin above its limit is found in half of
    all records without any coherence.
    """
    samples = np.asarray(pair_uv, dtype=np.float64)
    if samples.ndim != 2 or samples.shape[0] != 2:
        raise ValueError(f"coherence: expected (2, n_samples), got shape {samples.shape}")
    watch = CoherenceWatch(rate_hz, settings)
    watch.push(samples)
    return watch.result(target=target, inputs=inputs)
