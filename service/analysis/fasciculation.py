"""Fasciculations at the surface: isolated, irregular discharges of a relaxed muscle, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import find_peaks

from service.model import Json, Measurement

from .quality import hums
from .result import build
from .streaming import SosFilter, Windows, band_pass

MEASURE = "fasciculation"
VERSION = "2"

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FasciculationSettings:
    """least_uv: peak to peak; noisy_least_uv where the noise SD exceeds noisy_uv. sds: the event's
    extreme above the noise. busy_per_s, regular_cv: a second of more events, or of regular ones,
    is voluntary activity and not valid; stir_share: so is one with small potentials in this
    share of its time.
    together_ms: one event seen on several channels. mains_uv: RMS above which a second is not
    valid; the mains are taken out, but here they swing wider than the smallest event in noise."""

    band_hz: tuple[float, float] = (20.0, 450.0)
    least_uv: float = 50.0
    noisy_least_uv: float = 100.0
    noisy_uv: float = 10.0
    sds: float = 5.0
    duration_ms: tuple[float, float] = (2.0, 20.0)
    together_ms: float = 20.0
    doublet_ms: tuple[float, float] = (4.0, 10.0)
    pair_ms: tuple[float, float] = (10.0, 110.0)
    busy_per_s: int = 4
    regular_count: int = 3
    regular_cv: float = 0.4
    not_relaxed_uv: float = 25.0
    stir_sds: float = 6.0
    stir_uv: float = 8.0
    stir_share: float = 0.35
    mains_hz: tuple[float, ...] = (50.0, 60.0)
    mains_share: float = 0.2
    mains_uv: float = 35.0
    flat_uv: float = 0.05


@dataclass(frozen=True, slots=True)
class _Event:
    """One discharge: sample in the window, size, and whether a second one followed at once."""

    at: int
    peak_to_peak_uv: float
    doublet: bool


@dataclass(frozen=True, slots=True)
class _Second:
    """One channel in one second. valid: no dead lead, no stimulus; active: it was not at rest;
    fault: what the lead suffers from."""

    valid: bool
    active: bool
    events: tuple[_Event, ...] = ()
    fault: str = ""


@dataclass(slots=True)
class _Tally:
    """What one channel has shown so far. `segments` tell stretches that a gap separates."""

    valid_s: float = 0.0
    rejected_s: float = 0.0
    active_s: float = 0.0
    faulty_s: dict[str, float] = field(default_factory=dict)
    quiet_uv: float = float("inf")
    times_s: list[float] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    sizes_uv: list[float] = field(default_factory=list)
    doublets: int = 0


_FAULTS = {
    "lead_off": "lead_off: the lead is flat; check the electrode",
    "mains": "mains: line interference hides what is sought; check electrodes and ground",
}


class FasciculationWatch:
    """Counts over resting stretches of several channels of one limb. push: (n, m) µV, unfiltered.

    `exclude` names times at which something else happened (a stimulus): the seconds they touch are
    not valid. One second is judged 1.5 s after its end: the exclusion can come late.
    """

    _MARGIN_S = 0.06
    _LATE_S = 0.5

    def __init__(
        self, channels: int, rate_hz: float, settings: FasciculationSettings | None = None
    ) -> None:
        self.settings = settings or FasciculationSettings()
        self.rate_hz = rate_hz
        self._filter = SosFilter(band_pass(*self.settings.band_hz, rate_hz))
        self._margin = round(self._MARGIN_S * rate_hz)
        self._second = round(rate_hz)
        late = round(self._LATE_S * rate_hz)
        self._windows = Windows(channels, self._second, keep=late + 2 * self._margin)
        self._tallies = [_Tally() for _ in range(channels)]
        self._lines = _line_waves(self._second + 2 * self._margin, rate_hz, self.settings)
        self._excluded: list[int] = []
        self._left_out: frozenset[int] = frozenset()
        self._segment = 0
        self._judged = 0
        self._pending: tuple[list[bool], int, list[_Second]] | None = None

    def reset(self) -> None:
        """A gap, or the end of rest: the second under way is dropped."""
        self._filter.reset()
        self._windows.reset()
        self._segment += 1
        self._judged = 0
        self._pending = None
        self._excluded.clear()

    def exclude(self, sample: int) -> None:
        """Something else happened at this sample, counted from the last reset."""
        self._excluded.append(sample)

    def leave_out(self, channels: frozenset[int]) -> None:
        """From the next reset on: of these nothing is counted, neither events nor seconds."""
        self._left_out = channels

    def push(self, data: Samples) -> None:
        """More of every channel."""
        for window in self._windows.push(self._filter.push(data)):
            self._judged += 1
            # the window's core begins one margin in; the first second after a reset also holds the
            # filter's settling and the padding, and is not judged
            if self._judged > 1:
                self._judge(window[:, : self._second + 2 * self._margin])

    def result(
        self, channel: int, *, target: str = "", inputs: Sequence[str] = (), listed: bool = True
    ) -> Measurement:
        """What one channel has shown so far; see `fasciculation`. listed: with every event."""
        tally = self._tallies[channel]
        values = {"valid_min": tally.valid_s / 60.0, "rejected_s": tally.rejected_s}
        restless = ["not_relaxed: discharging more than half of the time"]
        reasons = [
            *(restless if tally.active_s > tally.valid_s else []),
            *(_FAULTS[fault] for fault, s in tally.faulty_s.items() if s > tally.valid_s),
        ]
        if tally.valid_s < 1.0:
            return build(
                MEASURE, VERSION, target=target, inputs=inputs, settings=self.settings,
                state="not_assessable", values=values,
                reasons=[*reasons, "no valid second of rest"],
            )  # fmt: skip
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=self.settings,
            state="measured", values=values | _values(tally, self.settings), reasons=reasons,
            items=_items(tally) if listed else (),
        )  # fmt: skip

    def _start(self) -> int:
        """Sample since the reset at which the core of the window now judged begins."""
        late = round(self._LATE_S * self.rate_hz)
        return (self._judged - 1) * self._second - late - self._margin

    def _judge(self, window: Samples) -> None:
        """Look at one second of all channels, and settle the second before it.

        Tonic and voluntary discharge waxes and wanes: the seconds beside an active one are no rest.
        """
        start = self._start()
        reach = self._margin + round(0.1 * self.rate_hz)
        touched = any(
            start - reach <= sample <= start + self._second + reach for sample in self._excluded
        )
        # the mains as the quiet samples show it: a large potential would leak into every line
        usual = 4.0 / 0.6745 * np.median(np.abs(window), axis=1, keepdims=True)
        line = (np.clip(window, -usual, usual) @ self._lines.T) @ self._lines
        clean = window - line
        humming = hums(
            np.mean(clean**2, axis=1), np.mean(line**2, axis=1),
            self.settings.mains_share, self.settings.mains_uv,
        )  # fmt: skip
        seconds = [
            _Second(valid=False, active=False, fault="" if row in self._left_out else "mains")
            if hum or row in self._left_out
            else self._look(trace, tally, touched=touched)
            for row, (trace, tally, hum) in enumerate(
                zip(clean, self._tallies, humming.tolist(), strict=True)
            )
        ]
        if self._pending is not None:
            before, held_start, held = self._pending
            self._settle(held_start, before, held, [second.active for second in seconds])
            self._pending = ([second.active for second in held], start, seconds)
        else:
            self._pending = ([False] * len(seconds), start, seconds)

    def _settle(
        self, start: int, before: list[bool], seconds: list[_Second], after: list[bool]
    ) -> None:
        """One second of all channels into the tallies: what each saw, what of it is one event."""
        found: dict[int, tuple[_Event, ...]] = {}
        for channel, (second, earlier, later) in enumerate(
            zip(seconds, before, after, strict=True)
        ):
            tally = self._tallies[channel]
            if second.valid and not (second.active or earlier or later):
                tally.valid_s += 1.0
                found[channel] = second.events
            else:
                tally.rejected_s += 1.0
                tally.active_s += second.active or earlier or later
                if second.fault:
                    tally.faulty_s[second.fault] = tally.faulty_s.get(second.fault, 0.0) + 1.0
        for channel, event in _one_each(found, self.rate_hz, self.settings.together_ms):
            tally = self._tallies[channel]
            tally.times_s.append((start + event.at - self._margin) / self.rate_hz)
            tally.segments.append(self._segment)
            tally.sizes_uv.append(event.peak_to_peak_uv)
            tally.doublets += event.doublet

    def _stirs(self, trace: Samples, tally: _Tally) -> bool:
        """Whether small units fire all the time: their chance sums would pass for events.

        The noise between potentials is that of the quietest tenth of 20 ms pieces, in the quietest
        second so far: a lead's own noise does not change, what muscles add to it does.
        """
        piece = round(0.02 * self.rate_hz)
        pieces = trace[: trace.size // piece * piece].reshape(-1, piece)
        quiet_uv = float(np.sqrt(np.quantile(np.mean(pieces**2, axis=1), 0.1)))
        tally.quiet_uv = min(tally.quiet_uv, quiet_uv)
        edge_uv = max(self.settings.stir_sds * tally.quiet_uv, self.settings.stir_uv)
        busy = np.abs(pieces).max(axis=1) > edge_uv
        return bool(busy.mean() > self.settings.stir_share)

    def _look(self, trace: Samples, tally: _Tally, *, touched: bool) -> _Second:
        """The events of one channel whose extreme lies in the core, and whether this is rest."""
        chosen = self.settings
        noise_uv = float(np.median(np.abs(trace)) / 0.6745)
        if touched or noise_uv < chosen.flat_uv:
            return _Second(valid=False, active=False, fault="" if touched else "lead_off")
        if noise_uv > chosen.not_relaxed_uv:
            return _Second(valid=False, active=True)
        events = tuple(
            event
            for event in _detect(trace, noise_uv, self.rate_hz, chosen)
            if self._margin <= event.at < self._margin + self._second
        )
        gaps = np.diff([event.at for event in events])
        regular = len(events) >= chosen.regular_count and np.std(gaps) < (
            chosen.regular_cv * np.mean(gaps)
        )
        active = len(events) > chosen.busy_per_s or bool(regular) or self._stirs(trace, tally)
        return _Second(valid=True, active=active, events=events)


def fasciculation(
    samples_uv: npt.ArrayLike,
    rate_hz: float,
    *,
    settings: FasciculationSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """Fasciculations in one channel of a relaxed muscle.

    samples_uv: (n_samples,) µV, unfiltered. Values: event_count, rate_per_min, valid_min,
    rejected_s, median_amplitude_uv (peak to peak), doublet_count (a second discharge after 4-10 ms,
    counted
    once), pair_count (after 10-110 ms), and from 30 events on interval_median_s and interval_cv (a
    random source is near 1, a voluntary unit 0.1-0.3). Not assessable: no valid second. A second
    of a flat lead, or of one full of mains, is not valid; reasons name the fault that took most.
    Errors: ValueError for a shape that is not one channel.
    Source: thresholds after SPiQE (Bashford 2019, Clin Neurophysiol 130:1083) with our own
    exclusion of voluntary activity; clinical reference 2.2.
    """
    samples = np.asarray(samples_uv, dtype=np.float64)
    if samples.ndim != 1:
        raise ValueError(f"fasciculation: expected (n_samples,), got shape {samples.shape}")
    watch = FasciculationWatch(1, rate_hz, settings)
    watch.push(samples[None, :])
    return watch.result(0, target=target, inputs=inputs)


def _line_waves(count: int, rate_hz: float, settings: FasciculationSettings) -> Samples:
    """Orthonormal waves of the mains and its harmonics, (n_waves, count), to be projected out."""
    top = min(settings.band_hz[1], 0.45 * rate_hz)
    lines = {line * k for line in settings.mains_hz for k in range(1, 5) if line * k < top}
    phase = 2 * np.pi * np.arange(count) / rate_hz
    waves = [wave(line * phase) for line in sorted(lines) for wave in (np.cos, np.sin)]
    return np.asarray(np.linalg.qr(np.stack(waves, axis=1))[0].T)


def _detect(
    trace: Samples, noise_uv: float, rate_hz: float, settings: FasciculationSettings
) -> list[_Event]:
    """Stretches that stand out; a second one within 10 ms makes a doublet of the first."""
    noisy = noise_uv > settings.noisy_uv
    least = settings.noisy_least_uv if noisy else settings.least_uv
    width = max(round(0.010 * rate_hz), 2)
    span = maximum_filter1d(trace, width) - minimum_filter1d(trace, width)
    edge_uv = max(settings.sds * noise_uv, 0.2 * least)
    out = np.flatnonzero(np.abs(trace) > edge_uv)
    if not out.size:
        return []
    breaks = np.flatnonzero(np.diff(out) > 0.004 * rate_hz) + 1
    events: list[_Event] = []
    for part in np.split(out, breaks):
        at = int(part[np.argmax(np.abs(trace[part]))])
        # how long: above 30 % of its own height, since the filter rings after a large one
        high = part[np.abs(trace[part]) > 0.3 * abs(trace[at])]
        long_ms = 1000.0 * (high[-1] - high[0] + 1) / rate_hz
        if span[at] < least or long_ms > settings.duration_ms[1]:
            continue
        if events and 1000.0 * (at - events[-1].at) / rate_hz <= settings.doublet_ms[1]:
            events[-1] = _Event(events[-1].at, events[-1].peak_to_peak_uv, True)
            continue
        doublet = _twice(trace[part[0] : part[-1] + 1], at - int(part[0]), rate_hz, settings)
        events.append(_Event(at, float(span[at]), doublet))
    return events


def _twice(stretch: Samples, at: int, rate_hz: float, settings: FasciculationSettings) -> bool:
    """Whether a second peak of the same sign and half the size lies 4-10 ms beside the largest."""
    signed = stretch * np.sign(stretch[at])
    low, high = (limit * rate_hz / 1000.0 for limit in settings.doublet_ms)
    peaks, _ = find_peaks(signed, height=0.5 * signed[at], prominence=0.5 * signed[at])
    return bool(np.any((np.abs(peaks - at) >= low) & (np.abs(peaks - at) <= high)))


def _one_each(
    found: dict[int, tuple[_Event, ...]], rate_hz: float, together_ms: float
) -> list[tuple[int, _Event]]:
    """Events of several channels within 20 ms are one, on the channel that saw it largest. What all
    of four or more channels see at the same instant is no muscle, and is dropped."""
    order = sorted(
        ((event.at, channel, event) for channel, events in found.items() for event in events),
        key=lambda entry: (entry[0], entry[1]),
    )
    groups: list[list[tuple[int, int, _Event]]] = []
    for entry in order:
        near = groups and 1000.0 * (entry[0] - groups[-1][0][0]) / rate_hz <= together_ms
        if near:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    kept = []
    for group in groups:
        channels = {channel for _, channel, _ in group}
        if len(found) >= 4 and len(channels) == len(found):
            continue
        _, channel, event = max(group, key=lambda entry: entry[2].peak_to_peak_uv)
        kept.append((channel, event))
    return kept


def _values(tally: _Tally, settings: FasciculationSettings) -> dict[str, float]:
    count = len(tally.times_s)
    times, segments = np.array(tally.times_s), np.array(tally.segments)
    gaps = np.diff(times)[np.diff(segments) == 0] if count > 1 else np.array([])
    low, high = (limit / 1000.0 for limit in settings.pair_ms)
    values = {
        "event_count": float(count),
        "rate_per_min": 60.0 * count / tally.valid_s,
        "doublet_count": float(tally.doublets),
        "pair_count": float(np.sum((gaps > low) & (gaps <= high))),
    }
    if count:
        values["median_amplitude_uv"] = float(np.median(tally.sizes_uv))
    if count >= 30 and gaps.size:
        values["interval_median_s"] = float(np.median(gaps))
        values["interval_cv"] = float(np.std(gaps, ddof=1) / np.mean(gaps))
    return values


def _items(tally: _Tally) -> list[dict[str, Json]]:
    """Every event: its time in its uninterrupted stretch of rest, the stretch, its size."""
    return [
        {"time_s": round(time, 4), "stretch": segment, "peak_to_peak_uv": round(size, 2)}
        for time, segment, size in zip(tally.times_s, tally.segments, tally.sizes_uv, strict=True)
    ]
