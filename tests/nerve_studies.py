"""A whole study of median, ulnar and tibial nerve as a technician does it, in virtual time, and the
rows that the truth of the simulated patient calls for.

Runs in processes of its own: `study_of` takes a case and a seed and gives plain values. What should
be abnormal comes from the patient's noise-free templates and the table of limits alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from service.analysis.f_wave import WINDOWS_MS
from service.analysis.sensory import UNSURE_ONSET
from service.bedside import edits
from service.bedside.row_key import MOTOR, Taken
from service.evidence.findings import against
from service.evidence.limits import Subject, choose_limit, default_limits
from service.model import Task
from service.protocols.loading import StepPlan, protocols
from service.store.types import KeptEdit
from simulators.assembly import FIRST_RATE_HZ, make_firmware
from simulators.assembly import Subject as SimulatedSubject
from simulators.patient import FrontEnd, Lead, Patient
from simulators.patient.cases import read_case
from tests.f_truth import noise_free
from tests.virtual_bench import UTC0, VirtualStudy

SIDE = "left"
RECORDED = ("APB", "ADM", "median D2", "ulnar D5", "AH", "sural")
HAND, FOOT = RECORDED[:4], RECORDED[4:]
F_TRAIN = 24  # four more than are needed, for those that a twitch falls into
AVERAGED, MOST_AVERAGED = 20, 60
FIRST_MA, STEP, MOST_MA = 8.0, 1.25, 100.0
SENSORY_MA = (10.0, 15.0, 22.0, 33.0, 40.0)
WIDER_US = (200.0, 500.0, 1000.0)
LEAST_SNAP_UV = 4.0  # a smaller one need not stand out of the noise of 60 sweeps
TAPE_SD_MM = 2.0
F_NEEDED = 20  # stimuli that count


@dataclass(frozen=True, slots=True)
class Value:
    """A number of the table, its state and its limit; what is said of it."""

    value: float | None
    state: str
    limit: float | None
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class Result:
    """One study: `told` (row without its run, quantity) -> Value; the truth of the same; states of
    each row; gates that tripped; what the segments' items said; and the patient's circumstances."""

    told: dict[tuple[str, str], Value] = field(default_factory=dict)
    truth: dict[tuple[str, str], float | None] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    proven: dict[str, bool] = field(default_factory=dict)
    gates: dict[str, list[str]] = field(default_factory=dict)
    items: dict[str, dict[str, str]] = field(default_factory=dict)
    subject: Subject = field(default_factory=Subject)

    @property
    def abnormal(self) -> set[tuple[str, str]]:
        """Row and quantity of every abnormal number."""
        return {place for place, one in self.told.items() if one.state == "abnormal"}


def steps() -> list[StepPlan]:
    """The upper and the lower limb's own steps of these nerves, the left ones."""
    every = [*protocols()["upper_limb"].steps, *protocols()["lower_limb"].steps]
    return [step for step in every if step.side == SIDE and step.record in RECORDED]


def lead_of(record: str) -> str:
    """What the simulated patient calls the place of E1."""
    return f"{SIDE} {record}" if record in ("APB", "ADM", "AH") else f"{SIDE} {record} SNAP"


class Technician:
    """Places electrodes, stimulates, measures distances, and reads what the table says."""

    def __init__(self, case: str, seed: int) -> None:
        on_file = replace(read_case(case), montage=())

        def load(rate_hz: float) -> Patient:
            leads = tuple(Lead(channel, None) for channel in range(1, 9))
            return Patient(on_file, seed=seed, front_end=FrontEnd(rate_hz, "sinc3"), leads=leads)

        subject = SimulatedSubject(load, FIRST_RATE_HZ["hackeeg"])
        firmware = make_firmware("hackeeg", subject, seed)
        labels = ",".join(f"{SIDE} {record}" for record in RECORDED)
        self.study = VirtualStudy(firmware, "hackeeg-ncs-16k", seed=seed, labels=labels)
        self.table = self.study.assessment.table
        self._tape = np.random.default_rng([seed, 5])
        self._strong_ma: dict[tuple[str, str], tuple[float, float]] = {}
        self.shots: dict[str, list[float]] = {}
        self.left_out: dict[str, list[str]] = {}

    @property
    def patient(self) -> Patient:
        """At the amplifier's rate."""
        return self.study.patient

    def begin(self) -> None:
        """Ask for age, sex and height, and measure the temperature of hand and foot."""
        told = self.patient.describe()
        self.table.set_subject(Subject(told["age_years"], told["sex"], told["height_cm"]))
        for part in ("hand", "foot"):
            self.table.set_temperature(f"{SIDE} {part}", told[f"{part}_temperature_c"])
        self.study.task(Task.REST)
        self.study.run(0.5)

    def record_from(self, records: tuple[str, ...]) -> None:
        """Electrodes here, and nowhere else."""
        self.patient.set_montage(
            {
                channel: lead_of(record) if record in records else None
                for channel, record in enumerate(RECORDED, start=1)
            }
        )
        self.study.run(0.3)

    def do(self, step: StepPlan) -> None:
        """One step of the protocol."""
        taken = Taken(step.measure, step.nerve, step.site, step.side, step.muscle)
        self.study.assessment.set_step(taken)
        self.study.pipeline.sweep_for(step.recorded_ms / 1000.0)
        first = self.patient.sample_index
        if step.measure == MOTOR:
            self._ramp(step)
        elif step.measure == "f_wave":
            ma, width_us = self._strong_ma[step.nerve, step.site]
            for _ in range(F_TRAIN):
                self._shock(step, min(STEP * ma, MOST_MA), width_us)
            self._leave_out_twitches(step)
        else:
            for ma in SENSORY_MA:
                self._shock(step, ma, step.width_us)
            self._average(step)
        self.shots[step.id] = [first, self.patient.sample_index]
        self._measure_tape(step)

    def _shock(self, step: StepPlan, current_ma: float, width_us: float) -> None:
        self.study.shock(current_ma, step.nerve, step.site, step.side, width_us)

    def _ramp(self, step: StepPlan) -> None:
        """Up by a quarter until proven supramaximal, and once more; else with a longer pulse."""
        for width_us in WIDER_US:
            ma = FIRST_MA
            while ma <= MOST_MA:
                self._shock(step, ma, width_us)
                line = self.line(step)
                if line["measurement"]["state"] == "measured" and line["supramaximal"]["proven"]:
                    self._shock(step, STEP * ma, width_us)
                    if self.line(step)["supramaximal"]["proven"]:
                        self._strong_ma[step.nerve, step.site] = (STEP * ma, width_us)
                        return
                    ma *= STEP
                ma *= STEP
        self._strong_ma[step.nerve, step.site] = (MOST_MA / STEP, WIDER_US[-1])

    def _average(self, step: StepPlan) -> None:
        """Until the response and its onset are clear, or as many as a patient bears."""
        for count in range(1, MOST_AVERAGED):
            self._shock(step, SENSORY_MA[-1], step.width_us)
            enough = count + 1 >= AVERAGED and (count + 1) % AVERAGED == 0
            if not enough:
                continue
            told = self.line(step)["measurement"]
            unsure = any(why.startswith(UNSURE_ONSET) for why in told["reasons"])
            if told["state"] != "not_assessable" and not unsure:
                return

    def _leave_out_twitches(self, step: StepPlan) -> None:
        """What the row says comes alone, before all others, in sweeps that can be spared."""
        for _ in range(F_TRAIN - F_NEEDED):
            line = self.line(step)
            alone = [one["sweep"] for one in line["measurement"]["items"] if one.get("alone")]
            if not alone:
                return
            self.left_out.setdefault(step.id, []).append(line["used"][alone[0]])
            self.table.rows.include(line["used"][alone[0]], False)

    def line(self, step: StepPlan) -> dict[str, Any]:
        """What the table says of a step."""
        key = next(key for key in self.table.rows.all_keys() if key.step_id == step.id)
        return self.table.line(key)

    def _measure_tape(self, step: StepPlan) -> None:
        """From cathode to E1, or to the site below, as well as a tape can."""
        if step.measure == "f_wave":
            return
        line = self.line(step)
        mm = _distance(self.truth_rows(), step)
        if line["distance_to"] != "E1":
            below = replace(step, site=line["distance_to"])
            mm -= _distance(self.truth_rows(), below)
        read = round(mm + TAPE_SD_MM * float(self._tape.standard_normal()))
        to = {"mm": float(read)}
        now = datetime.fromtimestamp(UTC0.timestamp() + self.study.now_s, UTC)
        edits.apply(self.table, KeptEdit(now, "E1", "distance", line["id"], None, to))

    def f_min_ms(self, step: StepPlan) -> float | None:
        """The earliest noise-free F-wave of the sweeps that count; None without any."""
        out = self.left_out.get(step.id, [])
        ids = [*self.line(step)["used"], *out]
        kept = [one not in out for one in sorted(ids, key=lambda one: float(one.split(":")[-1]))]
        told = noise_free(self.patient, lead_of(step.record), *map(int, self.shots[step.id]))
        return told.earliest_ms(kept)

    def truth_rows(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """(lead, nerve, site) -> noise-free template."""
        told = self.patient.templates()
        rows = [*told["m_waves"], *told["snaps"]]
        return {(row.get("muscle", row.get("recording")), row["nerve"], row["site"]): row
                for row in rows}  # fmt: skip


def _distance(rows: Mapping[tuple[str, str, str], dict[str, Any]], step: StepPlan) -> float:
    """Cathode to E1 along the nerve."""
    return float(rows[lead_of(step.record), step.nerve, step.site]["distance_mm"])


def study_of(case: str, seed: int) -> Result:
    """All steps, hand first, then foot; and what the truth says of each."""
    technician = Technician(case, seed)
    technician.begin()
    result = Result(subject=technician.table.circumstances.subject)
    for records in (HAND, FOOT):
        technician.record_from(records)
        for step in steps():
            if step.record in records:
                technician.do(step)
    _read(technician, result)
    fill_in_truth(technician, result)
    return result


def _read(technician: Technician, result: Result) -> None:
    for key in technician.table.rows.all_keys():
        line, row = technician.table.line(key), key.step_id
        result.states[row] = line["measurement"]["state"]
        result.gates[row] = [one["gate"] for one in line["gates"]]
        if line["supramaximal"] is not None:
            result.proven[row] = line["supramaximal"]["proven"]
        if line["segment"] is not None:
            result.items[row] = {one["name"]: one["state"] for one in line["segment"]["items"]}
        for one in line["values"]:
            limit = None if one["limit"] is None else one["limit"]["value"]
            result.told[row, one["quantity"]] = Value(
                one["value"], one["state"], limit, tuple(one["reasons"])
            )


def fill_in_truth(technician: Technician, result: Result) -> None:
    """The same numbers from the patient itself."""
    rows = technician.truth_rows()
    motor: dict[str, list[tuple[StepPlan, dict[str, Any]]]] = {}
    for step in steps():
        true = rows[lead_of(step.record), step.nerve, step.site]
        if step.measure == MOTOR:
            motor.setdefault(step.record, []).append((step, true))
            for name in ("amplitude_mv", "onset_latency_ms"):
                result.truth[step.id, name] = true[name]
        elif step.measure == "f_wave":
            result.truth[step.id, "f_min_ms"] = technician.f_min_ms(step)
        else:
            result.truth[step.id, "onset_to_peak_uv"] = true["amplitude_uv"]
            result.truth[step.id, "peak_to_peak_uv"] = true.get("peak_to_peak_uv", 0.0)
            for name in ("onset_latency_ms", "peak_latency_ms"):
                result.truth[step.id, name] = true[name]
    for sites in motor.values():
        for (_, below), (step, here) in pairwise(sites):
            result.truth |= {(step.id, name): value for name, value in _segment(below, here)}


def _segment(
    below: Mapping[str, Any], here: Mapping[str, Any]
) -> Iterator[tuple[str, float | None]]:
    """Velocity and fall of the amplitude between two sites; None: one of them does not answer."""
    if None in (below["onset_latency_ms"], here["onset_latency_ms"]):
        yield "velocity_m_s", None
        return
    way_mm = here["distance_mm"] - below["distance_mm"]
    yield "velocity_m_s", way_mm / (here["onset_latency_ms"] - below["onset_latency_ms"])
    yield "amplitude_drop_percent", 100.0 * (1.0 - here["amplitude_mv"] / below["amplitude_mv"])


@dataclass(frozen=True, slots=True)
class Expected:
    """What may be said of one number. states: one, or two where the truth lies at the edge."""

    row: str
    quantity: str
    true: float
    limit: float
    states: frozenset[str]


# how far the number of one study may lie from the truth: tape, noise, the sweeps that F-waves need
_WITHIN = {
    "amplitude_mv": (0.03, 0.0),
    "onset_latency_ms": (0.0, 0.12),
    "peak_latency_ms": (0.0, 0.12),
    "velocity_m_s": (0.05, 0.0),
    "amplitude_drop_percent": (0.0, 4.0),
    "onset_to_peak_uv": (0.10, 0.5),
    "peak_to_peak_uv": (0.10, 0.8),
    "f_min_ms": (0.0, 0.5),
}

# a SNAP's onset in the truth is the top of its first positive phase, of 1-2 µV: where the noise
# hides it, the first negative departure is read instead, later and from a lower level
_AS_READ = {**_WITHIN, "onset_latency_ms": (0.0, 0.4), "onset_to_peak_uv": (0.3, 0.5)}


def expected_of(result: Result) -> list[Expected]:
    """Every number that a verified limit holds for, by the truth of the patient."""
    found = []
    last_site: dict[tuple[str, str], str] = {}
    for step in steps():
        below = last_site.get((step.nerve, step.record))
        if step.measure == MOTOR:
            last_site[step.nerve, step.record] = step.site
        for (row, quantity), true in result.truth.items():
            if row != step.id or true is None:
                continue
            changes = quantity in ("velocity_m_s", "amplitude_drop_percent")
            if step.measure == MOTOR and below is not None and not changes:
                continue  # limits of a motor response hold at its distal site
            choice = choose_limit(
                default_limits(), nerve=step.nerve, muscle=step.record, measure=step.measure,
                quantity=quantity, subject=result.subject,
                segment=f"{step.site}-{below}" if changes else "",
            )  # fmt: skip
            if choice.limit is None:
                continue
            share, off = _WITHIN[quantity]
            away = share * abs(true) + off
            states = {against(true + side * away, choice.limit) for side in (-1.0, 0.0, 1.0)}
            limit = choice.limit.value
            found.append(Expected(row, quantity, true, limit, frozenset(states)))
    return found


def wrong(result: Result) -> list[str]:
    """Abnormal rows that the truth does not know, and those of the truth that are not told."""
    known = {(one.row, one.quantity): one for one in expected_of(result)}
    said = []
    for place, one in known.items():
        told = result.told.get(place)
        state = "missing" if told is None else told.state
        missed = one.states == {"abnormal"} and state != "abnormal" and not hidden(one)
        missed |= one.states == {"normal"} and state not in {"normal", "borderline"}
        if missed or (state == "abnormal" and "abnormal" not in one.states):
            said.append(
                f"{one.row} {one.quantity}: {told}, truth {one.true:.3g}, limit {one.limit:g}, "
                f"expected {' or '.join(sorted(one.states))}"
            )
    said += [f"{row} {quantity}: abnormal, and the truth has no limit for it"
             for row, quantity in sorted(result.abnormal - known.keys())]  # fmt: skip
    return said


def hidden(one: Expected) -> bool:
    """A response so small or so late that a study may say it cannot be assessed."""
    if one.row.startswith("sensory_response"):
        return one.quantity.endswith("latency_ms") or one.true < LEAST_SNAP_UV
    latest = WINDOWS_MS["leg" if ".tibial." in one.row else "arm"][1]
    return one.quantity == "f_min_ms" and one.true > latest


def misread(result: Result) -> list[str]:
    """Numbers that lie further from the truth than a study of this kind may."""
    said = []
    for place, true in result.truth.items():
        told = result.told.get(place)
        if true is None or told is None or told.value is None:
            continue
        sensory = place[0].startswith("sensory_response")
        if sensory and (result.truth[place[0], "onset_to_peak_uv"] or 0.0) < LEAST_SNAP_UV:
            continue
        share, off = (_AS_READ if sensory else _WITHIN)[place[1]]
        if abs(told.value - true) > share * abs(true) + off:
            said.append(f"{' '.join(place)}: {told.value:.3g}, truth {true:.3g}")
    return said
