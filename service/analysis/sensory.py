"""The sensory nerve action potential (SNAP): averaged, artefact taken off, and only believed when
both halves of the average show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from service.model import Json, Marker, Measurement

from .background import background
from .conduction import VelocitySettings, velocity, velocity_reasons, velocity_values
from .onset import ONSET_LEVEL, foot_of_rise, last_below, level_of_foot
from .peaks import most_prominent, vertex
from .result import build
from .sensory_onset import half_rise, sensory_onset
from .sensory_spread import spreads
from .smoothing import gaussian
from .sweeps import search_window, trustworthy, unusable

MEASURE = "sensory_response"
VERSION = "4"

Trace = npt.NDArray[np.float64]

_BRIEFER = 3.0  # than a CMAP, whose peak is fitted over 0.4 ms on either side
# of an onset's SD: what no noise explains, from errors on simulated responses without any
_DEFINED_MS = 0.04
_USUAL_RISE_MS = 0.3  # from half the height to the peak, until it is known
# an arriving wave that stands so many noise SDs high is read at its own foot, of any shape
_CLEAR, _SLOWER, _FOOT_MS = 40.0, 1.5, 0.09
_ROUNDS = 2
_LIKELIER = 0.5  # from here on the onset is marked as the top of a positive phase
# a response with its positive phases, in half rises before and after the peak; no less than
_AROUND, _AROUND_MS = (4.5, 9.0), (1.1, 3.0)
UNSURE_ONSET = "onset_uncertain"


@dataclass(frozen=True, slots=True)
class SensorySettings:
    """All that decides a sensory response.

    distance_mm: cathode to the recording electrode, None if not measured. reject_uv: peak-to-peak
    limit of a sweep, None for none. reject_spread: see `sweeps.trustworthy`. always, never: sweeps
    (numbered from 0) that the operator took in or left out. most_width_ms: a wider wave is muscle.
    least_snr, least_agreement: what *present* needs (clinical reference 1.3, a proposal).
    most_onset_sd_ms: an onset known less well gives no latency and no velocity (a proposal: at
    0.4 ms the 95 % interval of 140 mm in 2.8 ms already reaches from 39 to 70 m/s).
    """

    distance_mm: float | None = None
    blank_ms: float = 0.6
    search_from_ms: float = 1.0
    search_to_ms: float = 12.0
    negative_up: bool = False
    rail_uv: float | None = None
    reject_uv: float | None = None
    reject_spread: float = 4.0
    always: tuple[int, ...] = ()
    never: tuple[int, ...] = ()
    detection_sds: float = 5.0
    least_width_ms: float = 0.25
    most_width_ms: float = 2.5
    least_snr: float = 3.0
    least_agreement: float = 0.8
    most_onset_sd_ms: float = 0.4


@dataclass(frozen=True, slots=True)
class _Potential:
    """Places in samples, levels in µV, on the average with baseline and artefact taken off."""

    onset: float | None
    onset_sd: float
    first_positive: float | None
    first_positive_uv: float
    peak: float
    peak_uv: float
    rise: float
    trough: float
    trough_uv: float
    artefact_uv: float
    agreement: float
    snr: float
    stable: bool

    def moved(self, by: int) -> _Potential:
        """The same with its places counted from an earlier sample."""

        def later(place: float | None) -> float | None:
            return None if place is None else place + by

        return replace(
            self, onset=later(self.onset), first_positive=later(self.first_positive),
            peak=self.peak + by, trough=self.trough + by,
        )  # fmt: skip


def sensory_response(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    settings: SensorySettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
    gap: bool = False,
    time_zero_known: bool = True,
) -> Measurement:
    """Onset and peak latency, amplitude, signal-to-noise ratio and velocity of a SNAP.

    sweeps_uv: (n_sweeps, n_samples) µV, averaged after artefact rejection. zero_index: column of
    the stimulus for analogue samples.
    Values: onset_latency_ms (first negative departure, where the response reaches 2 % of its
    negative peak; with a positive phase before it, that phase's peak; weighed where the noise hides
    which, `sensory_onset`), onset_sd_ms (its SD, from the spread of the rises that the noise
    allows), peak_latency_ms, onset_to_peak_uv (from the
    level at the onset), peak_to_peak_uv (negative peak to the lower of the positive ones), the SDs
    of these three (peak_sd_ms, onset_to_peak_sd_uv, peak_to_peak_sd_uv: `sensory_spread`), noise_uv
    (SD in the average), signal_to_noise_ratio, halves_correlation (odd against even sweeps),
    detection_floor_uv, sweep_count, rejected_count, distance_mm,
    velocity_m_s with its 95 % interval. Markers onset, peak, trough, and
    initial_positive_peak if there is one. Items: one per sweep, whether kept, and why not.
    Absent: no peak above the floor in the window. Not assessable: a gap, saturation, fewer than two
    sweeps kept, or a peak that the halves do not both show.
    Errors: ValueError for a wrong shape or a rate that is not positive.
    Source: clinical reference 1.3; odd and even halves: Schimmel, Science 1967;157:92.
    """
    chosen = settings or SensorySettings()
    sweeps = np.atleast_2d(np.asarray(sweeps_uv, dtype=np.float64))
    if sweeps.ndim != 2 or not rate_hz > 0:
        raise ValueError(
            f"sensory_response: expected (n_sweeps, n_samples) and a positive rate, got shape "
            f"{sweeps.shape} at {rate_hz} Hz"
        )
    per_ms = rate_hz / 1000.0
    window = search_window(
        sweeps.shape[1], per_ms, zero_index, chosen.blank_ms, chosen.search_to_ms
    )
    why = [""] * sweeps.shape[0]
    blocked = unusable(sweeps, window, gap=gap, rail_uv=chosen.rail_uv)
    if not blocked:
        why = trustworthy(
            sweeps, window, limit_uv=chosen.reject_uv, spread=chosen.reject_spread,
            always=chosen.always, never=chosen.never,
        )  # fmt: skip
    kept = sweeps[[not reason for reason in why]]
    if not blocked and kept.shape[0] < 2:
        blocked = [f"{kept.shape[0]} of {len(why)} sweeps kept: two are needed to compare"]
    values = {"sweep_count": float(kept.shape[0]), "rejected_count": float(len(why) - len(kept))}
    if blocked:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values=values, reasons=blocked, items=_items(why),
        )  # fmt: skip
    mean = _Average(kept, rate_hz, window, chosen)
    peak = mean.peak()
    values |= {"noise_uv": mean.noise_uv, "detection_floor_uv": mean.floor_uv}
    if peak is None:
        told = f"no response above {mean.floor_uv:.1f} µV in the average of {len(kept)}"
        if mean.muscle_ms is not None:
            told += f", looked at up to {mean.muscle_ms:.1f} ms: a muscle's wave begins there"
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen, state="absent",
            values=values, reasons=[told], items=_items(why),
        )  # fmt: skip
    found = mean.measure(*peak)
    values |= {"signal_to_noise_ratio": found.snr, "halves_correlation": found.agreement}
    doubts = _doubts(found, chosen)
    if not doubts:
        latency, reasons = _latency(found, mean, timed=time_zero_known)
        values |= _values(found, latency, zero_index, per_ms, timed=time_zero_known)
        more, less = _velocity(values, chosen.distance_mm)
        values |= more
        reasons += less
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
        state="not_assessable" if doubts else "measured", values=values,
        reasons=doubts or reasons, markers=() if doubts else _markers(found), items=_items(why),
    )  # fmt: skip


class _Average:
    """The average of the kept sweeps, negative up, and the noise that is left in it."""

    def __init__(
        self, kept: Trace, rate_hz: float, window: tuple[int, int], settings: SensorySettings
    ) -> None:
        sign = 1.0 if settings.negative_up else -1.0
        self.settings, self.per_ms = settings, rate_hz / 1000.0
        self.window, self._width = window, 0.12 * self.per_ms
        inside = sign * kept[:, window[0] : window[1]]
        self.halves = inside[0::2].mean(axis=0), inside[1::2].mean(axis=0)
        self.trace_uv = inside.mean(axis=0)
        # what the halves differ by is noise alone; slow parts of it move no peak of a nerve's width
        apart = (self.halves[0] - self.halves[1]) / 2
        apart = apart - gaussian(apart, self.per_ms)
        self.noise_uv = max(float(np.sqrt(np.mean(apart**2))), 1e-6)
        white = self.noise_uv / math.sqrt(2 * math.sqrt(math.pi) * self._width)
        left = max(float(np.std(gaussian(apart, self._width))), 1.25 * white)
        self.floor_uv = settings.detection_sds * left
        self.muscle_ms: float | None = None
        self._end_before_muscle()

    def _end_before_muscle(self) -> None:
        """A wave too wide for a nerve is muscle: the window then ends where it begins."""
        smooth = gaussian(self.trace_uv, 0.3 * self.per_ms)
        widths = (self.settings.most_width_ms * self.per_ms, np.inf)
        wave = most_prominent(smooth, 3 * self.floor_uv, widths)
        if wave is None:
            return
        bottom = float(smooth[:wave].min()) if wave else 0.0
        foot = last_below(smooth, bottom + 0.03 * (float(smooth[wave]) - bottom), wave, 0)
        if foot is not None and foot > 2.0 * self.per_ms:
            self.muscle_ms = self.settings.blank_ms + foot / self.per_ms
            self.trace_uv = self.trace_uv[:foot]
            self.halves = self.halves[0][:foot], self.halves[1][:foot]

    def peak(self) -> tuple[int, float] | None:
        """The negative peak, the most prominent of a nerve's width: its sample in the window and
        its height over a background fitted without knowing where it is; None if there is none."""
        level, _ = background(self.trace_uv, 1 / self.per_ms)
        smooth = gaussian(self.trace_uv - level, self._width)
        widths = (
            self.settings.least_width_ms * self.per_ms,
            self.settings.most_width_ms * self.per_ms,
        )
        early = round((self.settings.search_from_ms - self.settings.blank_ms) * self.per_ms)
        top = most_prominent(smooth, self.floor_uv, widths, earliest=max(early, 0))
        return None if top is None else (top, float(smooth[top]))

    def measure(self, peak: int, rough_uv: float) -> _Potential:
        """Background off, then the places and levels of a potential with its peak near here."""
        per_ms = self.per_ms
        rise = _USUAL_RISE_MS * per_ms
        for _ in range(_ROUNDS):
            level, artefact = background(self.trace_uv, 1 / per_ms, self._aside(peak, rise))
            clean = self.trace_uv - level
            place, peak_uv = vertex(clean, peak, per_ms / _BRIEFER)
            rise = half_rise(clean, place, peak_uv, per_ms) or rise
        found = sensory_onset(clean, place, peak_uv, per_ms, self.noise_uv)
        onset = None if found is None else found.place
        onset_sd = 0.0 if found is None else found.sd
        passing = 0.0 if found is None else found.passing
        if passing <= _LIKELIER and peak_uv >= _CLEAR * self.noise_uv:
            brief = per_ms / _BRIEFER
            foot, _ = foot_of_rise(clean, 0, round(place), brief, self.noise_uv, clear=False)
            if foot is not None:
                at, spread = level_of_foot(foot, ONSET_LEVEL * peak_uv)
                onset, onset_sd = at * brief, max(_SLOWER * spread * brief, _FOOT_MS * per_ms)
        positive_uv = 0.0 if onset is None else passing * _level_near(clean, onset, rise)
        trough, trough_uv = _trough(clean, place, rise, per_ms)
        at = place if onset is None else max(onset, 0.0)
        slope = np.interp([at, place], np.arange(clean.size), artefact)
        return _Potential(
            onset=onset,
            onset_sd=math.hypot(onset_sd, _DEFINED_MS * per_ms),
            first_positive=onset if passing > _LIKELIER else None,
            first_positive_uv=min(positive_uv, 0.0),
            peak=place,
            peak_uv=peak_uv,
            rise=rise,
            trough=trough,
            trough_uv=min(trough_uv, 0.0),
            artefact_uv=abs(float(slope[0] - slope[1])),
            agreement=self._agreement(level, place),
            snr=peak_uv / self.noise_uv,
            stable=abs(peak_uv - rough_uv) <= max(0.5 * rough_uv, 4 * self.noise_uv),
        ).moved(self.window[0])

    def _aside(self, peak: int, rise: float) -> npt.NDArray[np.bool_]:
        """Samples outside a response with this peak and half rise."""
        before, after = (
            max(many * rise, least_ms * self.per_ms)
            for many, least_ms in zip(_AROUND, _AROUND_MS, strict=True)
        )
        sample = np.arange(self.trace_uv.size)
        return np.asarray((sample < peak - before) | (sample > peak + after))

    def _agreement(self, level: Trace, peak: float) -> float:
        """Correlation of the odd and the even average around the peak, background taken off."""
        near = slice(max(int(peak - 1.2 * self.per_ms), 0), int(peak + 1.8 * self.per_ms))
        odd, even = (gaussian((half - level)[near], 0.1 * self.per_ms) for half in self.halves)
        odd, even = odd - odd.mean(), even - even.mean()
        size = math.sqrt(float(odd @ odd) * float(even @ even))
        return float(odd @ even) / size if size > 0 else 0.0


def _level_near(trace: Trace, place: float, rise: float) -> float:
    """The mean of a quarter of the half rise on either side: no single sample decides."""
    reach = rise / 4
    first = max(math.ceil(place - reach), 0)
    return float(trace[first : max(math.floor(place + reach) + 1, first + 1)].mean())


def _trough(trace: Trace, peak: float, rise: float, per_ms: float) -> tuple[float, float]:
    """Place and level of the positive phase after the peak: the top of a parabola there, since the
    lowest of many samples is mostly noise."""
    first = int(peak) + 1
    near = trace[first : max(min(int(peak + 3.0 * per_ms), trace.size), first + 1)]
    lowest = first + int(gaussian(near, 0.5 * rise).argmin())
    reach = max(round(0.6 * rise), 2)
    around = np.arange(max(lowest - reach, 0), min(lowest + reach + 1, trace.size))
    bend, slope, level = np.polyfit((around - lowest) / reach, trace[around], 2)
    if bend <= 0:
        return float(lowest), float(level)
    shift = min(max(-slope / (2 * bend), -1.0), 1.0)
    return lowest + reach * shift, float(level + slope * shift + bend * shift**2)


def _doubts(found: _Potential, settings: SensorySettings) -> list[str]:
    """Why a peak may not be called a response."""
    doubts = []
    if found.onset is None or not found.stable:
        doubts.append("artifact: a response cannot be told from the stimulus artefact's tail")
    if found.snr < settings.least_snr:
        doubts.append(
            f"signal to noise {found.snr:.1f}, {settings.least_snr:g} is needed: average more"
        )
    if found.agreement < settings.least_agreement:
        doubts.append(
            f"odd and even sweeps do not show the same response (r = {found.agreement:.2f}, "
            f"{settings.least_agreement:g} is needed): average more"
        )
    return doubts


def _latency(found: _Potential, mean: _Average, *, timed: bool) -> tuple[float | None, list[str]]:
    """The place of the onset, or why there is none."""
    if not timed:
        return None, ["time zero is host time only: latencies are not assessable"]
    if found.artefact_uv > max(0.5 * found.peak_uv, 2 * mean.noise_uv):
        return None, ["artifact: the stimulus artefact still falls steeply under the response"]
    unsure_ms, most_ms = found.onset_sd / mean.per_ms, mean.settings.most_onset_sd_ms
    if unsure_ms > most_ms:
        return None, [
            f"{UNSURE_ONSET}: the onset is known to {unsure_ms:.2f} ms (SD), {most_ms:g} is needed "
            "for a latency and a velocity: average more, or place it by hand"
        ]
    return found.onset, []


def _values(
    found: _Potential, latency: float | None, zero: float, per_ms: float, *, timed: bool
) -> dict[str, float]:
    """Quantities of a response that is there, in µV and ms."""
    values = {
        "onset_to_peak_uv": found.peak_uv - found.first_positive_uv,
        "peak_to_peak_uv": found.peak_uv - min(found.first_positive_uv, found.trough_uv),
    }
    known = spreads(
        noise_uv=found.peak_uv / found.snr, snr=found.snr, rise_ms=found.rise / per_ms, **values
    )
    values |= known
    if timed:
        values["peak_latency_ms"] = (found.peak - zero) / per_ms
    else:
        del values["peak_sd_ms"]
    if latency is not None:
        values["onset_latency_ms"] = (latency - zero) / per_ms
        values["onset_sd_ms"] = found.onset_sd / per_ms
    return values


def _velocity(
    values: dict[str, float], distance_mm: float | None
) -> tuple[dict[str, float], list[str]]:
    """Distance over onset latency; one tape, one cathode, one latency are uncertain."""
    latency_ms = values.get("onset_latency_ms")
    if distance_mm is None or latency_ms is None:
        return {}, []
    chosen = VelocitySettings()
    found = velocity(
        distance_mm,
        latency_ms,
        math.hypot(chosen.tape_mm, chosen.cathode_mm),
        math.hypot(chosen.latency_ms, values["onset_sd_ms"]),
    )
    if found is None:
        return {"distance_mm": distance_mm}, ["no velocity: the onset is not after the stimulus"]
    told = velocity_reasons(found, distance_mm, chosen)
    return velocity_values(found) | {"distance_mm": distance_mm}, told


def _markers(found: _Potential) -> tuple[Marker, ...]:
    placed = [
        ("initial_positive_peak", found.first_positive), ("onset", found.onset),
        ("peak", found.peak), ("trough", found.trough),
    ]  # fmt: skip
    return tuple(Marker(name, at, at) for name, at in placed if at is not None)


def _items(why: Sequence[str]) -> list[dict[str, Json]]:
    """One per sweep: numbered from 0 in the order given."""
    return [{"sweep": row, "kept": not reason, "reason": reason} for row, reason in enumerate(why)]
