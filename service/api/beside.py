"""The simulated truth beside what was measured: one muscle, line by line. Demo mode only.

Nothing here measures or grades: the measured side is read from the rows and the surface
measurements, the true side from the simulator's answers (docs/protocols/control.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.model import Json, Measurement

LATEST_F_S = 0.15  # after the stimulus: no F-wave comes later
SPAN_KEPT_S = 600.0  # what the simulator remembers of events
UNITS = {
    "amplitude_mv": "mV", "onset_latency_ms": "ms", "velocity_m_s": "m/s", "f_min_ms": "ms",
    "persistence_percent": "%", "onset_to_peak_uv": "µV", "h_m_ratio": "", "h_latency_ms": "ms",
    "fasciculations_per_min": "1/min", "clonus_burst_count": "", "shared_drive_share": "",
    "unit_count": "",
}  # fmt: skip
COUNTED_UNITS = {
    "munix": "munix", "mune": "mune_unit_count", "cmap_scan": "scan_unit_count",
}  # fmt: skip
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Clock:
    """The device's own counter: `zero` at stream index 0 of `epoch`, `now` at its newest sample."""

    epoch: int
    zero: int
    now: int
    rate_hz: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What the study says of one muscle. stimuli: counter of every used stimulus by row id, as far
    as it fell into the present epoch. site: where the stimulating electrodes lie."""

    muscle: str
    nerve: str
    rows: Sequence[Row]
    surface: Sequence[Measurement]
    stimuli: Mapping[str, Sequence[float]] = field(default_factory=dict)
    site: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity. place: where, and by which method. measured, truth: None with why in `note`."""

    quantity: str
    place: str
    measured: float | None
    truth: float | None
    note: str = ""

    def told(self) -> dict[str, Json]:
        """As the page reads it; the difference is measured - truth where both are one quantity."""
        alike = self.quantity != "shared_drive_share"
        both = self.measured is not None and self.truth is not None and alike
        return {
            "quantity": self.quantity,
            "unit": UNITS[self.quantity],
            "place": self.place,
            "measured": self.measured,
            "truth": self.truth,
            "difference": (self.measured or 0.0) - (self.truth or 0.0) if both else None,
            "note": self.note,
        }


def lines(
    seen: Seen, templates: Mapping[str, Any], truth: Mapping[str, Any], clock: Clock
) -> list[Line]:
    """The table of one muscle. templates, truth: the simulator's answers; `truth` of at least the
    last ten minutes up to `clock.now`."""
    moved = _last_move(seen.muscle, truth)
    newest = {kind: _newest(seen, kind) for kind in ("f_wave", "h_reflex", *COUNTED_UNITS)}
    return [
        *_motor(seen, templates, moved),
        *_f_waves(seen, newest["f_wave"], templates, truth, clock, moved),
        *_h_reflex(newest["h_reflex"], seen.muscle, templates),
        *_sensory(seen, templates),
        *_counts(seen.muscle, newest, templates),
        _fasciculations(seen, truth, clock),
        _clonus(seen, truth, clock),
        *_coherence(seen, truth),
    ]


def _last_move(muscle: str, truth: Mapping[str, Any]) -> float | None:
    """Counter at which a dial of the muscle last moved; None: never since the start."""
    moves = [one["sample"] for one in truth["dials"] if one["muscle"] == muscle]
    return moves[-1] if len(moves) > 1 else None


def _newest(seen: Seen, measure: str) -> Row | None:
    """The newest run of a measure on this muscle."""
    rows = [r for r in seen.rows if r["measure"] == measure and r["muscle"] == seen.muscle]
    return max(rows, key=lambda row: int(row["run"]), default=None)


def _newest_runs(rows: Sequence[Row]) -> list[Row]:
    """The newest run at each place."""
    latest = {}
    for row in sorted(rows, key=lambda row: int(row["run"])):
        latest[row["nerve"], row["site"], row["side"], row["muscle"]] = row
    return list(latest.values())


def _value(row: Row, quantity: str) -> float | None:
    found = [one["value"] for one in row["values"] if one["quantity"] == quantity]
    number = found[0] if found else row["measurement"]["values"].get(quantity)
    return None if number is None else float(number)


def _reasons(row: Row) -> str:
    """Why a row has no number."""
    if row["measurement"]["state"] == "absent":
        return "absent: no response seen"
    return "; ".join(row["measurement"]["reasons"]) or "the row does not carry it"


def _since(row: Row, seen: Seen, moved: float | None) -> str:
    """Said of a measurement older than the last turn of a dial."""
    stimuli = seen.stimuli.get(row["id"], ())
    if moved is None:
        return ""
    if not stimuli:
        return "measured in an earlier epoch, the truth is as the dials are now"
    return "a dial moved since this was measured" if max(stimuli) < moved else ""


def _line(row: Row, quantity: str, place: str, truth: float | None, note: str = "") -> Line:
    measured = _value(row, quantity)
    why = _reasons(row) if measured is None else note
    if truth is None:
        why = f"{why}; no truth for it here" if why else "no truth for it here"
    return Line(quantity, place, measured, truth, why)


def _motor(seen: Seen, templates: Mapping[str, Any], moved: float | None) -> list[Line]:
    """Amplitude, onset and velocity of every place stimulated; the distal one when none was."""
    waves = {(w["nerve"], w["site"]): w for w in templates["m_waves"] if w["muscle"] == seen.muscle}
    rows = [r for r in seen.rows if r["measure"] == "motor_response" and r["muscle"] == seen.muscle]
    told = []
    for row in _newest_runs(rows):
        place, wave = f"{row['nerve']}, {row['site']}", waves.get((row["nerve"], row["site"]), {})
        note = _since(row, seen, moved)
        told += [
            _line(row, quantity, place, wave.get(quantity), note)
            for quantity in ("amplitude_mv", "onset_latency_ms")
        ]
        below = waves.get((row["nerve"], row.get("distance_to") or ""))
        if below is not None and wave:
            between = f"{row['nerve']}, {row['site']} to {below['site']}"
            told.append(_line(row, "velocity_m_s", between, _velocity(wave, below), note))
    if told or not waves:
        return told
    wave = _here(seen, list(waves.values()))
    place = f"{wave['nerve']}, {wave['site']}"
    missing = "not measured yet: no motor row of this muscle"
    return [
        Line(quantity, place, None, wave[quantity], missing)
        for quantity in ("amplitude_mv", "onset_latency_ms")
    ]


def _here(seen: Seen, waves: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The response from under the electrodes, or from the most distal site."""
    under = (w for w in waves if (w["nerve"], w["site"]) == (seen.nerve, seen.site))
    return next(under, waves[0])


def _velocity(wave: Mapping[str, Any], below: Mapping[str, Any]) -> float | None:
    """Between two sites, by the true distance and the noise-free onsets."""
    if wave["onset_latency_ms"] is None or below["onset_latency_ms"] is None:
        return None
    later = float(wave["onset_latency_ms"]) - float(below["onset_latency_ms"])
    further = float(wave["distance_mm"]) - float(below["distance_mm"])
    return further / later if later > 0.0 else None


def _f_waves(
    seen: Seen,
    row: Row | None,
    templates: Mapping[str, Any],
    truth: Mapping[str, Any],
    clock: Clock,
    moved: float | None,
) -> list[Line]:
    """Shortest latency against the fastest axon's; persistence against what backfired after the
    very same stimuli."""
    waves = [w for w in templates["m_waves"] if w["muscle"] == seen.muscle]
    if row is None:
        first = _here(seen, waves).get("f_first_ms") if waves else None
        missing = "not measured yet: no F-waves of this muscle"
        return [
            Line("f_min_ms", "F-waves", None, first, missing),
            Line("persistence_percent", "F-waves", None, None, missing),
        ]
    here = (w for w in waves if (w["nerve"], w["site"]) == (row["nerve"], row["site"]))
    wave: Mapping[str, Any] = next(here, {})
    place = f"F-waves, {row['nerve']}, {row['site']}"
    note = _since(row, seen, moved)
    stimuli = [s for s in seen.stimuli.get(row["id"], ()) if s >= _remembered(clock)]
    fired = sorted(e["sample"] for e in truth["f_waves"] if e["muscle"] == seen.muscle)
    shortest = _line(row, "f_min_ms", place, wave.get("f_first_ms"), note)
    if not stimuli:
        why = "its stimuli are older than the ten minutes of truth that are kept"
        return [shortest, Line("persistence_percent", place, _value(row, "persistence_percent"),
                               None, why)]  # fmt: skip
    reach = LATEST_F_S * clock.rate_hz
    backfired = sum(bisect_left(fired, s) < bisect_left(fired, s + reach) for s in stimuli)
    same = f"truth: a unit backfired after {backfired} of the same {len(stimuli)} stimuli"
    share = 100.0 * backfired / len(stimuli)
    return [shortest, _line(row, "persistence_percent", place, share, same)]


def _h_reflex(row: Row | None, muscle: str, templates: Mapping[str, Any]) -> list[Line]:
    """Only of a muscle whose H-reflex was looked for."""
    if row is None:
        return []
    known = [one["h_curve"] for one in templates["reflexes"] if one["muscle"] == muscle]
    curve = (known[0] if known else None) or {}
    place = f"H-reflex, {row['nerve']}, {row['site']}"
    return [_line(row, name, place, curve.get(name)) for name in ("h_m_ratio", "h_latency_ms")]


def _sensory(seen: Seen, templates: Mapping[str, Any]) -> list[Line]:
    """SNAPs of the muscle's own nerve and side."""
    side = seen.muscle.partition(" ")[0]
    snaps = {(s["recording"], s["site"]): s for s in templates["snaps"]}
    rows = [
        r for r in seen.rows
        if r["measure"] == "sensory_response" and (r["nerve"], r["side"]) == (seen.nerve, side)
    ]  # fmt: skip
    told = []
    for row in _newest_runs(rows):
        snap = snaps.get((f"{row['muscle'].removesuffix(' SNAP')} SNAP", row["site"]), {})
        place = f"SNAP, {row['muscle'].partition(' ')[2]}, {row['site']}"
        told.append(_line(row, "onset_to_peak_uv", place, snap.get("amplitude_uv")))
    missing = "not measured yet: no sensory row of this nerve"
    return told or [Line("onset_to_peak_uv", f"SNAP, {seen.nerve}", None, None, missing)]


def _counts(
    muscle: str, newest: Mapping[str, Row | None], templates: Mapping[str, Any]
) -> list[Line]:
    """Motor units: every method that was used, against the living ones."""
    waves = [w for w in templates["m_waves"] if w["muscle"] == muscle]
    alive = float(waves[0]["unit_count"]) if waves else None
    told = []
    for measure, quantity in COUNTED_UNITS.items():
        row = newest[measure]
        if row is not None:
            number = _value(row, quantity)
            note = "an index, not a count" if measure == "munix" else ""
            why = note if number is not None else _reasons(row)
            told.append(Line("unit_count", measure.replace("_", " "), number, alive, why))
    missing = "not measured yet: needs MUNIX, a unit count or a CMAP scan"
    return told or [Line("unit_count", "motor units", None, alive, missing)]


def _spans(measurement: Measurement, epoch: int) -> list[tuple[int, int]]:
    """Stream indices of an epoch that a measurement rests on: `device/stream/epoch:first-end`."""
    spans = []
    for name in measurement.inputs:
        head, _, span = name.rpartition(":")
        first, _, end = span.partition("-")
        if head.rpartition("/")[2] == str(epoch) and first.isdecimal() and end.isdecimal():
            spans.append((int(first), int(end)))
    return spans


def _remembered(clock: Clock) -> float:
    return clock.now - SPAN_KEPT_S * clock.rate_hz


def _true_events(
    measurement: Measurement, kind: str, muscle: str, truth: Mapping[str, Any], clock: Clock
) -> tuple[int, float] | None:
    """Events of the muscle within the samples measured, and their seconds; None if those are not
    all within what is remembered."""
    spans = [(f + clock.zero, e + clock.zero) for f, e in _spans(measurement, clock.epoch)]
    if not spans or len(spans) < len(measurement.inputs) or spans[0][0] < _remembered(clock):
        return None
    samples = [e["sample"] for e in truth[kind] if e["muscle"] == muscle]
    count = sum(any(f <= s < e for f, e in spans) for s in samples)
    return count, sum(e - f for f, e in spans) / clock.rate_hz


def _of(seen: Seen, measure: str) -> list[Measurement]:
    return [one for one in seen.surface if one.measure == measure]


def _fasciculations(seen: Seen, truth: Mapping[str, Any], clock: Clock) -> Line:
    """Counted and true per minute over the same rest."""
    place, found = "at rest", _of(seen, "fasciculation")
    if not found:
        return Line("fasciculations_per_min", place, None, None, "no surface EMG of this muscle")
    measured = found[0].values.get("rate_per_min")
    happened = _true_events(found[0], "fasciculations", seen.muscle, truth, clock)
    why = "" if measured is not None else "; ".join(found[0].reasons) or "no rest recorded yet"
    if happened is None or happened[1] <= 0.0:
        why = why or "rest reaches beyond the ten minutes of truth that are kept, or another epoch"
        return Line("fasciculations_per_min", place, measured, None, why)
    count, seconds = happened
    counted = int(found[0].values.get("event_count", 0.0))
    same = f"{counted} counted, {count} happened in the same {seconds:.0f} s of rest"
    note = f"{why}; {same}" if why else same
    return Line("fasciculations_per_min", place, measured, 60.0 * count / seconds, note)


def _clonus(seen: Seen, truth: Mapping[str, Any], clock: Clock) -> Line:
    """Beats of the longest run seen against those that happened in the same seconds."""
    place, found = "passive", _of(seen, "clonus")
    if not found:
        missing = "not measured yet: ask for rest or stretch the muscle"
        return Line("clonus_burst_count", place, None, None, missing)
    measured = found[0].values.get("burst_count")
    happened = _true_events(found[0], "clonus_beats", seen.muscle, truth, clock)
    if happened is None:
        why = "older than the ten minutes of truth that are kept, or another epoch"
        return Line("clonus_burst_count", place, measured, None, why)
    note = f"the longest run, in {happened[1]:.0f} s"
    return Line("clonus_burst_count", place, measured, float(happened[0]), note)


def _coherence(seen: Seen, truth: Mapping[str, Any]) -> list[Line]:
    """15-30 Hz coherence of every pair beside the share of the common drive that is left."""
    pairs = _of(seen, "coherence") or _of(seen, "intermuscular_coherence")
    left = _shared(truth, seen.muscle)
    if not pairs:
        missing = "not recorded: no pair of this montage contains the muscle"
        return [Line("shared_drive_share", "15-30 Hz coherence", None, left, missing)]
    told = []
    for one in pairs:
        names = one.target.split(" + ")
        shares = [share for share in (_shared(truth, name) for name in names) if share is not None]
        p = one.values.get("p_value")
        windows = int(one.values.get("window_count", 0.0))
        said = "; ".join(one.reasons) or "no windows of a hold yet"
        note = f"p = {p:.3f} in {windows} windows" if p is not None else said
        least = min(shares, default=None)
        value = one.values.get("band_mean_coherence")
        told.append(Line("shared_drive_share", f"15-30 Hz, {one.target}", value, least,
                         f"{note}; truth: share of the common drive left"))  # fmt: skip
    return told


def _shared(truth: Mapping[str, Any], muscle: str) -> float | None:
    told = [one["coherence"] for one in truth["dials"] if one["muscle"] == muscle]
    return 1.0 - float(told[-1]) if told else None
