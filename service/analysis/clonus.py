"""Clonus: rhythmic bursts in the envelope of a muscle that is stretched and otherwise passive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import signal

from service.model import Json, Measurement

from .result import build
from .streaming import SosFilter, band_pass

MEASURE = "clonus"
VERSION = "1"

Samples = npt.NDArray[np.float64]
ENVELOPE_HZ = 200.0
SETTLING_S = 0.25


@dataclass(frozen=True, slots=True)
class ClonusSettings:
    """passive: the muscle was asked to do nothing (rest, or a stretch by the examiner). rest_uv:
    level of the envelope at rest, None to take the quietest fifth of the stretch itself."""

    band_hz: tuple[float, float] = (70.0, 200.0)
    slow_band_hz: tuple[float, float] = (20.0, 110.0)
    smooth_hz: float = 20.0
    times_rest: float = 4.0
    least_uv: float = 2.0
    interval_s: tuple[float, float] = (0.100, 0.350)
    rate_hz: tuple[float, float] = (3.0, 8.0)
    least_bursts: int = 5
    sustained_bursts: int = 10
    interval_cv: float = 0.2
    autocorrelation: float = 0.5
    passive: bool = False
    rest_uv: float | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive bursts, as places in the envelope."""

    peaks: tuple[int, ...]
    cv: float
    frequency_hz: float


class Envelope:
    """The envelope of several channels: band-pass, rectify, 20 Hz low pass, thinned to `rate_hz`.

    push: (n_channels, n) µV, unfiltered. Do not trust the first `SETTLING_S` after a reset.
    """

    def __init__(self, rate_hz: float, settings: ClonusSettings | None = None) -> None:
        chosen = settings or ClonusSettings()
        band = chosen.band_hz if rate_hz >= 2.2 * chosen.band_hz[1] else chosen.slow_band_hz
        smooth = signal.butter(4, chosen.smooth_hz, fs=rate_hz, output="sos")
        self._filters = (
            SosFilter(band_pass(*band, rate_hz)),
            SosFilter(np.asarray(smooth)),
        )
        self._factor = max(int(rate_hz // ENVELOPE_HZ), 1)
        self._seen = 0
        self.rate_hz = rate_hz / self._factor

    def reset(self) -> None:
        """A gap: filters and phase start anew."""
        self._seen = 0
        for part in self._filters:
            part.reset()

    def push(self, data: Samples) -> Samples:
        """The envelope samples that fall due, (n_channels, m) µV, never below zero."""
        smooth = self._filters[1].push(np.abs(self._filters[0].push(data)))
        first = -self._seen % self._factor
        self._seen += data.shape[1]
        return np.maximum(smooth[:, first :: self._factor], 0.0)


def clonus(
    samples_uv: npt.ArrayLike,
    rate_hz: float,
    *,
    settings: ClonusSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """Clonus in one channel over one stretch; see `clonus_in_envelope`.

    samples_uv: (n_samples,) µV, unfiltered. Errors: ValueError for a shape that is not one channel.
    """
    samples = np.asarray(samples_uv, dtype=np.float64)
    if samples.ndim != 1:
        raise ValueError(f"clonus: expected one channel (n_samples,), got shape {samples.shape}")
    make = Envelope(rate_hz, settings)
    envelope = make.push(samples[None, :])[0, round(SETTLING_S * make.rate_hz) :]
    return clonus_in_envelope(
        envelope, make.rate_hz, settings=settings, target=target, inputs=inputs
    )


def clonus_in_envelope(
    envelope_uv: Samples,
    rate_hz: float,
    *,
    settings: ClonusSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """The longest run of regular bursts in an envelope.

    envelope_uv: (n_samples,) as `Envelope` gives it. Values: burst_count (0 if no run),
    frequency_hz, interval_cv, autocorrelation, run_s, sustained_count (1 from ten bursts on),
    duration_s, detection_floor_uv,
    rest_uv. Items: one per burst, with its time. Absent: fewer than five regular bursts. Not
    assessable: the task is not passive (tremor and tapping look the same) or less than two seconds.
    Source: envelope after Mummidisetty 2012 (J Neurosci Methods 204:35); burst rule: clinical
    reference 3.4.
    """
    chosen = settings or ClonusSettings()
    duration_s = envelope_uv.size / rate_hz
    values = {"duration_s": duration_s}
    if not chosen.passive or duration_s < 2.0:
        why = "less than two seconds" if chosen.passive else "the task is not passive"
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values=values, reasons=[why],
        )  # fmt: skip
    quiet = float(np.quantile(envelope_uv, 0.2))
    rest_uv = min(chosen.rest_uv, quiet) if chosen.rest_uv is not None else quiet
    floor_uv = max(chosen.times_rest * rest_uv, chosen.least_uv)
    values |= {"rest_uv": rest_uv, "detection_floor_uv": floor_uv}
    run = _longest_run(_bursts(envelope_uv, rate_hz, floor_uv, chosen), rate_hz, chosen)
    likeness = 0.0 if run is None else _autocorrelation(envelope_uv, run, rate_hz)
    if run is None or likeness < chosen.autocorrelation:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="absent", values=values | {"burst_count": 0.0},
            reasons=["no run of five regular bursts at 3-8 Hz"],
        )  # fmt: skip
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen, state="measured",
        values=values | _values(run, likeness, rate_hz, chosen),
        items=[_item(peak, envelope_uv, rate_hz) for peak in run.peaks],
    )  # fmt: skip


def _values(
    run: _Run, likeness: float, rate_hz: float, settings: ClonusSettings
) -> dict[str, float]:
    return {
        "burst_count": float(len(run.peaks)),
        "frequency_hz": run.frequency_hz,
        "interval_cv": run.cv,
        "autocorrelation": likeness,
        "run_s": (run.peaks[-1] - run.peaks[0]) / rate_hz,
        "sustained_count": float(len(run.peaks) >= settings.sustained_bursts),
    }


def _item(peak: int, envelope_uv: Samples, rate_hz: float) -> dict[str, Json]:
    return {"time_s": round(peak / rate_hz, 4), "envelope_uv": round(float(envelope_uv[peak]), 3)}


def _bursts(
    envelope_uv: Samples, rate_hz: float, floor_uv: float, settings: ClonusSettings
) -> npt.NDArray[np.intp]:
    """Peaks above the floor that the envelope falls between to half their height."""
    if envelope_uv.max() < floor_uv:  # a muscle at rest, nearly always
        return np.empty(0, dtype=np.intp)
    spacing = max(round(0.8 * settings.interval_s[0] * rate_hz), 1)
    peaks, found = signal.find_peaks(
        envelope_uv, height=floor_uv, distance=spacing, prominence=0.5 * floor_uv
    )
    deep = found["prominences"] >= 0.5 * found["peak_heights"]
    return np.asarray(peaks[deep], dtype=np.intp)


def _longest_run(
    peaks: npt.NDArray[np.intp], rate_hz: float, settings: ClonusSettings
) -> _Run | None:
    """The longest stretch of bursts with admissible intervals whose variation stays in bounds."""
    intervals = np.diff(peaks) / rate_hz
    low, high = settings.interval_s
    slow, fast = settings.rate_hz
    best: _Run | None = None
    least = settings.least_bursts - 1  # intervals that a longer run must have
    for first in range(intervals.size):
        outside = np.flatnonzero((intervals[first:] < low) | (intervals[first:] > high))
        part = intervals[first : first + int(outside[0])] if outside.size else intervals[first:]
        if part.size < least:
            continue
        count = np.arange(1, part.size + 1)
        mean = np.cumsum(part) / count
        centred = part - part[0]
        square = np.cumsum(centred**2) - np.cumsum(centred) ** 2 / count
        cv = np.sqrt(np.maximum(square, 0.0) / np.maximum(count - 1, 1)) / mean
        fits = (cv <= settings.interval_cv) & (mean >= 1 / fast) & (mean <= 1 / slow)
        good = np.flatnonzero(fits[least - 1 :])
        if good.size:
            end = least - 1 + int(good[-1])
            bursts = tuple(int(peak) for peak in peaks[first : first + end + 2])
            best = _Run(bursts, float(cv[end]), 1.0 / float(mean[end]))
            least = len(bursts)
    return best


def _autocorrelation(envelope_uv: Samples, run: _Run, rate_hz: float) -> float:
    """Highest autocorrelation of the run's envelope around its mean interval."""
    lag = rate_hz / run.frequency_hz
    half = round(lag / 2)
    part = envelope_uv[max(run.peaks[0] - half, 0) : run.peaks[-1] + half + 1]
    part = part - part.mean()
    best = 0.0
    for shift in range(max(round(0.85 * lag), 1), round(1.15 * lag) + 1):
        early, late = part[:-shift], part[shift:]
        scale = float(np.sqrt(np.sum(early**2) * np.sum(late**2)))
        best = max(best, float(np.sum(early * late)) / scale if scale > 0 else 0.0)
    return best
