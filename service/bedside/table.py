"""The table as the page and the report show it: each row's numbers, limits, the other side and the
segment to the next distal site. Pure; the same rows and circumstances give the same lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.analysis.conduction import conduction
from service.analysis.gates import Flag, of_measurement
from service.evidence.anatomy import MUSCLES
from service.evidence.limits import Choice, LimitTable, Subject, choose_limit, default_table
from service.evidence.quantities import judge, unit_of
from service.model import Finding, Json, Limit, Measurement

from . import efforts
from .measuring import measure
from .messages import measurement_json, plain
from .rejection import rejected_json
from .row_gates import RowFacts, flags_of, gates_json
from .row_key import MOTOR, RowKey
from .row_lines import exercise_json
from .rows import Rows
from .sites import f_wave_end, least_c, place_of, proximal_order

# what says how well was measured, not what; it stays in the measurement
_NOT_SHOWN = frozenset(
    ["noise_uv", "detection_floor_uv", "sweep_count", "distance_mm", "latency_difference_ms"]
)
_INTERVALS = {"velocity_m_s": ("velocity_low_m_s", "velocity_high_m_s")}
_CHANGES = ("velocity_m_s", "amplitude_drop_percent", "area_drop_percent",
            "duration_increase_percent")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of whom, in which state, and by which limits. temperatures: place (`left hand`, or empty:
    everywhere) -> °C. problem: why there are no limits at all, empty if there are."""

    subject: Subject = field(default_factory=Subject)
    temperatures: Mapping[str, float] = field(default_factory=dict)
    limits: LimitTable = field(default_factory=default_table)
    use_unverified: bool = False
    problem: str = ""

    def celsius(self, place: str) -> float | None:
        """Measured there, else for the whole patient, else not known."""
        return self.temperatures.get(place, self.temperatures.get(""))


class Table:
    """The rows of a study with all that is said of them."""

    def __init__(self, circumstances: Circumstances | None = None) -> None:
        self.rows = Rows()
        self.circumstances = circumstances or Circumstances()
        self.rows.set_skin(self.circumstances.temperatures)

    def set_subject(self, subject: Subject) -> None:
        """Who is examined decides which limits hold: every row may change."""
        self.circumstances = replace(self.circumstances, subject=subject)
        self.rows.touch_all()

    def set_temperature(self, place: str, celsius: float | None) -> None:
        """Of one place, or of the whole patient (empty); None: not measured."""
        known = {k: v for k, v in self.circumstances.temperatures.items() if k != place}
        told = known if celsius is None else {**known, place: celsius}
        self.circumstances = replace(self.circumstances, temperatures=told)
        self.rows.set_skin(told)

    def line(self, key: RowKey) -> dict[str, Json]:
        """ROW of docs/protocols/study.md, but for its revision."""
        rows, hand = self.rows, self.rows.hand(key)
        measurement, entries, used = rows.measurement(key), rows.entries(key), rows.used(key)
        newest = next(one for one in reversed(entries) if one.sweep.id in used)
        stimulus, place = efforts.stimulus_of(rows, key, newest), place_of(key.nerve, key.side)
        below, proof = self.below(key), rows.proof(key)
        segment = None if below is None else self._segment(below, key)
        _, rate_hz, zero = rows.trace(key)
        return {
            "id": key.id,
            "step": key.step_id,
            "measure": key.measure,
            "nerve": key.nerve,
            "site": key.site,
            "side": key.side,
            "muscle": key.muscle,
            "channel": newest.sweep.channels[newest.column],
            "run": key.run,
            "derived": False,
            "inputs": [],
            "sweeps": [one.sweep.id for one in entries],
            "used": list(used),
            "rejected": rejected_json(rows.rejected(key)),
            "current_ma": None if stimulus is None else stimulus.pulse.current_ma,
            "width_us": None if stimulus is None else stimulus.pulse.width_us,
            "current_stated": stimulus is not None and stimulus.stated,
            "rate_hz": rate_hz,
            "zero_index": zero,
            "measurement": measurement_json(measurement),
            "automatic": not hand.placed and hand.absent is None,
            "edit_note": _edit_note(hand.placed_on if hand.placed else (), used),
            "supramaximal": None if proof is None else plain(proof),
            "distance_mm": hand.distance_mm,
            "distance_to": far_end(key, below),
            "flexion_deg": hand.flexion_deg,
            "after_exercise_s": hand.after_exercise_s,
            "exercise_ended": exercise_json(hand),
            "maximal_effort": hand.maximal_effort,
            "epochs": [one.sweep.id for one in efforts.epochs(rows, key)],
            "temperature_c": self.circumstances.celsius(place),
            "temperature_where": place,
            "segment": None if segment is None else measurement_json(segment),
            "values": [
                *self._values(key, measurement, tuple(measurement.values)),
                *([] if segment is None or below is None
                  else self._values(key, segment, _CHANGES, f"{key.site}-{below.site}")),
            ],
            "gates": gates_json(self.flags(key)),
            "hints": _hints(measurement, segment),
        }  # fmt: skip

    def findings(self, key: RowKey) -> list[Finding]:
        """Every quantity of a row, and of its segment to the next distal site, against its limit.

        Of a sensory row that is absent also its amplitudes, as 0.
        """
        measurement, below = self.rows.measurement(key), self.below(key)
        names = tuple(measurement.values)
        if measurement.state == "absent" and key.measure == "sensory_response":
            names = (*names, "onset_to_peak_uv", "peak_to_peak_uv")
        found = [self.judged(key, measurement, name) for name in names if name not in _NOT_SHOWN]
        if below is not None:
            segment, name = self._segment(below, key), f"{key.site}-{below.site}"
            shown = [one for one in _CHANGES if one in segment.values]
            found += [self.judged(key, segment, one, name) for one in shown]
        return found

    def judged(
        self, key: RowKey, measurement: Measurement, quantity: str, segment: str = ""
    ) -> Finding:
        """One quantity of what a row (or its segment) says, against the limit that holds."""
        place = place_of(key.nerve, key.side)
        return judge(
            measurement,
            quantity,
            self.choice(key, quantity, segment),
            skin_c=self.circumstances.celsius(place),
            least_skin_c=least_c(place),
            proof=self.rows.proof(key),
        )

    def flags(self, key: RowKey) -> tuple[Flag, ...]:
        """The gates of a row that tripped."""
        below = self.below(key)
        segment = None if below is None else self._segment(below, key)
        return flags_of(self._facts(key, self.rows.measurement(key), below, segment))

    def segment(self, key: RowKey) -> Measurement | None:
        """The `conduction` from the next distal site to this one; None if there is no such site."""
        below = self.below(key)
        return None if below is None else self._segment(below, key)

    def _values(
        self, key: RowKey, measurement: Measurement, names: tuple[str, ...], segment: str = ""
    ) -> list[Json]:
        told: list[Json] = []
        inside = {end for ends in _INTERVALS.values() for end in ends}
        for quantity in names:
            if quantity in _NOT_SHOWN or quantity in inside or quantity not in measurement.values:
                continue
            finding = self.judged(key, measurement, quantity, segment)
            choice = self.choice(key, quantity, segment)
            told.append(self._value(key, measurement, finding, choice, segment))
        return told

    def _value(
        self, key: RowKey, measurement: Measurement, finding: Finding, choice: Choice, segment: str
    ) -> Json:
        low, high = _INTERVALS.get(finding.quantity, ("", ""))
        value = measurement.values[finding.quantity]
        return {
            "quantity": finding.quantity,
            "value": value,
            "unit": unit_of(finding.quantity),
            "low": measurement.values.get(low),
            "high": measurement.values.get(high),
            "state": finding.state,
            "limit": self.limit_json(choice.limit),
            "z": choice.z(value),
            "reasons": list(finding.reasons),
            "other_side": self._other_side(key, finding.quantity, value, segment),
        }

    def choice(self, key: RowKey, quantity: str, segment: str = "") -> Choice:
        """The limit of one quantity of a row for this person, or why there is none."""
        known = self.circumstances
        record = key.muscle.removeprefix(f"{key.side} ")
        if known.problem:
            return Choice(None, known.problem)
        own = MUSCLES.get(record)
        if key.measure == MOTOR and not segment and own is not None and own.distal_site != key.site:
            return Choice(None, f"limits hold at the {own.distal_site.replace('_', ' ')}")
        return choose_limit(
            known.limits.rows,
            nerve=key.nerve,
            muscle=record,
            measure=key.measure,
            quantity=quantity,
            subject=known.subject,
            use_unverified=known.use_unverified,
            segment=segment,
        )

    def limit_json(self, limit: Limit | None) -> Json:
        """A limit with the table that it is from; null if there is none."""
        if limit is None:
            return None
        table = self.circumstances.limits
        told = plain(limit)
        assert isinstance(told, dict)  # noqa: S101 - a dataclass is told as an object
        return {**told, "table": f"{table.name} {table.version}"}

    def _other_side(self, key: RowKey, quantity: str, value: float, segment: str) -> Json:
        """The same quantity of the other side's newest run; null if it has none."""
        other = self.rows.newest_run(key.on_other_side())
        if other is None:
            return None
        if segment:
            below = self.below(other)
            told = None if below is None else self._segment(below, other)
        else:
            told = self.rows.measurement(other)
        there = None if told is None else told.values.get(quantity)
        if there is None:
            return None
        percent = 100.0 * (value - there) / abs(there) if there else None
        return {
            "row": other.id, "value": there, "difference": value - there, "percent": percent
        }  # fmt: skip

    def below(self, key: RowKey) -> RowKey | None:
        """The newest run at the next distal site of the same nerve, side and muscle."""
        if key.measure != MOTOR:
            return None
        own = MUSCLES.get(key.muscle.removeprefix(f"{key.side} "))
        # a nerve stimulated beyond the branch to its muscle is no distal end of a segment
        first = "palm" if own is None or own.distal_site == "wrist" else own.distal_site
        sites = {
            one.site: one
            for one in self.rows.all_keys()
            if replace(one, site=key.site, run=key.run) == key
            and proximal_order(first) <= proximal_order(one.site) < proximal_order(key.site)
        }
        if not sites:
            return None
        return self.rows.newest_run(sites[max(sites, key=proximal_order)])

    def _segment(self, below: RowKey, key: RowKey) -> Measurement:
        least = self.choice(below, "amplitude_mv", "").limit
        return conduction(
            self.rows.measurement(below),
            self.rows.measurement(key),
            nerve=key.nerve,
            distance_mm=self.rows.hand(key).distance_mm,
            distal_distance_mm=self.rows.hand(below).distance_mm,
            least_amplitude_mv=None if least is None else least.value,
            supramaximal=(self._proven(below), self._proven(key)),
            target=key.muscle,
        )

    def _proven(self, key: RowKey) -> bool:
        proof = self.rows.proof(key)
        return proof is not None and proof.proven

    def _facts(
        self,
        key: RowKey,
        measurement: Measurement,
        below: RowKey | None,
        segment: Measurement | None,
    ) -> RowFacts:
        place = place_of(key.nerve, key.side)
        latest = None if below is None else self.choice(below, "onset_latency_ms", "").limit
        return RowFacts(
            key.nerve,
            measurement,
            self.rows.proof(key),
            place,
            self.circumstances.celsius(place),
            turned=self._turned(key),
            below=None if below is None else (self.rows.measurement(below), self._proven(below)),
            segment=segment,
            latest_ms=None if latest is None else latest.value,
            distance_mm=self.rows.hand(key).distance_mm,
        )

    def _turned(self, key: RowKey) -> Measurement | None:
        """A motor row as it would be with E1 and E2 exchanged; None for other measures."""
        if key.measure != MOTOR:
            return None
        pairs = self.rows.pairs(key)
        return measure(MOTOR, pairs, site=key.site, target=key.muscle, turned=True)


def _hints(measurement: Measurement, segment: Measurement | None) -> list[Json]:
    """What else the measurements said that no gate says."""
    told = [one.sentence for one in of_measurement(measurement)]
    reasons = [*measurement.reasons, *(() if segment is None else segment.reasons)]
    return list(dict.fromkeys(reason for reason in reasons if reason not in told))


def far_end(key: RowKey, below: RowKey | None) -> str:
    """Where the tape ends that begins at the cathode: `E1`, a site of the nerve, or the spine."""
    if key.measure == "f_wave":
        return f_wave_end(key.nerve)
    return "E1" if below is None else below.site


def _edit_note(placed_on: tuple[str, ...], used: tuple[str, ...]) -> str | None:
    if not placed_on or set(placed_on) == set(used):
        return None
    return (
        f"the markers were placed on {len(placed_on)} sweeps; {len(set(used) - set(placed_on))} "
        f"came and {len(set(placed_on) - set(used))} went since: look at them again"
    )
