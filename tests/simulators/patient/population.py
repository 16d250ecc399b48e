"""Healthy adults, simulated, and what the literature says about real ones.

Limits and means are those that were read in their source or in a summary of it (tags V and V2 of
the clinical reference); a limit from memory judges nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulators.patient.conduction import Values, conduction_truth
from simulators.patient.subject import Person

MUSCLES = ("APB", "FDI", "ADM", "EDC", "FCR", "PT", "BB", "deltoid", "EDB", "TA", "AH")
BOTH_SIDES = ("APB", "ADM", "EDB")
SENSORY = (
    "median D2", "ulnar D5", "radial", "lateral antebrachial", "sural", "superficial fibular",
)  # fmt: skip
STIMULI = 32  # as many as Nobrega gave
Visit = dict[str, Values]
Quantity = Callable[[Visit], float | None]


@dataclass(frozen=True, slots=True)
class Subject:
    """One healthy adult and the findings of a full nerve conduction study."""

    person: Person
    seed: int
    visit: Visit


def people(count: int, seed: int) -> list[Person]:
    """Women and men in turn, 20-79 years, heights as in central Europe, limbs as warm as a
    laboratory keeps them."""
    rng = np.random.default_rng([seed, 20, 79])
    drawn = []
    for number in range(count):
        sex = "F" if number % 2 else "M"
        height = rng.normal(163.0, 6.5) if sex == "F" else rng.normal(177.0, 7.0)
        drawn.append(
            Person(
                age_years=float(rng.uniform(20.0, 80.0)),
                sex=sex,
                height_cm=float(np.clip(height, 145.0, 202.0)),
                hand_temperature_c=float(np.clip(rng.normal(33.2, 0.8), 32.0, 35.5)),
                foot_temperature_c=float(np.clip(rng.normal(31.2, 0.7), 30.0, 33.5)),
            )
        )
    return drawn


def examined(count: int, seed: int) -> list[Subject]:
    """That many healthy adults after their study, about 0.1 s of processor time each."""
    keys = [f"left {name}" for name in MUSCLES]
    keys += [f"right {name}" for name in BOTH_SIDES]
    keys += [f"left {name} SNAP" for name in SENSORY]
    return [
        Subject(person, number, conduction_truth(person, number, keys=keys, stimuli=STIMULI))
        for number, person in enumerate(people(count, seed), start=1000 * seed)
    ]


# --- quantities ---------------------------------------------------------------------------------


def of(key: str, name: str) -> Quantity:
    """One number of one lead."""
    return lambda visit: visit[key][name]


def _pair(first: Quantity, second: Quantity, join: Callable[[float, float], float]) -> Quantity:
    def joined(visit: Visit) -> float | None:
        a, b = first(visit), second(visit)
        return None if a is None or b is None else join(a, b)

    return joined


def drop_pct(key: str, near: str, far: str) -> Quantity:
    """Fall of the amplitude from a near to a far stimulation site."""
    return _pair(
        of(key, f"{near}_amplitude_mv"),
        of(key, f"{far}_amplitude_mv"),
        lambda a, b: 100.0 * (a - b) / a,
    )


def slower(key: str, usual: str, here: str) -> Quantity:
    """By how many m/s one segment is slower than another."""
    return _pair(of(key, f"{usual}_m_s"), of(key, f"{here}_m_s"), lambda a, b: a - b)


def slower_pct(key: str, usual: str, here: str) -> Quantity:
    """The same in per cent."""
    return _pair(of(key, f"{usual}_m_s"), of(key, f"{here}_m_s"), lambda a, b: 100 * (a - b) / a)


def sides_apart(muscle: str, name: str) -> Quantity:
    """Difference of the two sides."""
    return _pair(of(f"left {muscle}", name), of(f"right {muscle}", name), lambda a, b: abs(a - b))


def sides_apart_pct(muscle: str, name: str) -> Quantity:
    """By how much the smaller side is below the larger."""
    return _pair(
        of(f"left {muscle}", name),
        of(f"right {muscle}", name),
        lambda a, b: 100.0 * abs(a - b) / max(a, b),
    )


def ratio(first: Quantity, second: Quantity) -> Quantity:
    """The first over the second."""
    return _pair(first, second, lambda a, b: a / b)


# --- published one-sided limits ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """op `min`: abnormal below value; `max`: abnormal above. why: if no crossing is expected, the
    source that says so against this one."""

    id: str
    op: str
    value: float
    quantity: Quantity
    source: str
    against: str = ""

    def crossed(self, subjects: Sequence[Subject]) -> float:
        """Share of the subjects in whom the quantity can be had that lie beyond, 0-1."""
        values = [self.quantity(subject.visit) for subject in subjects]
        known = np.array([value for value in values if value is not None])
        beyond = known < self.value if self.op == "min" else known > self.value
        return float(beyond.mean())


MED, ULN, RAD, FIB, TIB = "left APB", "left ADM", "left EDC", "left EDB", "left AH"
D2, D5, SUR = "left median D2 SNAP", "left ulnar D5 SNAP", "left sural SNAP"
RSN, LAC, SFN = (
    "left radial SNAP",
    "left lateral antebrachial SNAP",
    "left superficial fibular SNAP",
)
MANUAL = "Buschbacher, Kumbhare, Robinson, Manual of Nerve Conduction Studies, 3rd ed."
B1999 = "Buschbacher 1999, Am J Phys Med Rehabil 78(6 Suppl)"
IZZO = "Izzo et al., as summarised in the Manual"

LIMITS = (
    Limit("med_apb_dml", "max", 4.5, of(MED, "wrist_latency_ms"), B1999),
    Limit("med_apb_amp", "min", 4.1, of(MED, "wrist_amplitude_mv"), B1999),
    Limit("med_apb_cv", "min", 49.0, of(MED, "forearm_m_s"), B1999),
    Limit("med_apb_f", "max", 31.6, of(MED, "f_min_ms"), MANUAL),
    Limit("med_apb_ampdrop", "max", 24.0, drop_pct(MED, "wrist", "elbow"), MANUAL),
    Limit("med_apb_s2s_amp", "max", 54.0, sides_apart_pct("APB", "wrist_amplitude_mv"), MANUAL),
    Limit("med_apb_s2s_dml", "max", 0.7, sides_apart("APB", "wrist_latency_ms"), MANUAL),
    Limit("med_apb_s2s_f", "max", 2.2, sides_apart("APB", "f_min_ms"), MANUAL),
    Limit("uln_adm_dml", "max", 3.7, of(ULN, "wrist_latency_ms"), B1999),
    Limit("uln_adm_amp", "min", 7.9, of(ULN, "wrist_amplitude_mv"), B1999),
    Limit("uln_adm_cv_be", "min", 52.0, of(ULN, "forearm_m_s"), B1999),
    Limit("uln_adm_cv_ae", "min", 43.0, of(ULN, "elbow_m_s"), B1999),
    Limit("uln_adm_cv_ax", "min", 50.0, of(ULN, "arm_m_s"), MANUAL),
    Limit("uln_adm_cvdrop", "max", 15.0, slower(ULN, "forearm", "elbow"), B1999),
    Limit("uln_adm_f", "max", 31.5, of(ULN, "f_min_ms"), MANUAL),
    Limit("uln_adm_s2s_dml", "max", 0.6, sides_apart("ADM", "wrist_latency_ms"), B1999),
    Limit("uln_adm_s2s_ampmv", "max", 3.6, sides_apart("ADM", "wrist_amplitude_mv"), B1999),
    Limit("uln_fdi_amp", "min", 9.2, of("left FDI", "wrist_amplitude_mv"), MANUAL),
    Limit("uln_fdi_dml", "max", 4.0, of("left FDI", "wrist_latency_ms"), MANUAL),
    Limit("rad_edc_amp", "min", 4.3, of(RAD, "elbow_amplitude_mv"), MANUAL),
    Limit("rad_edc_dml", "max", 3.5, of(RAD, "elbow_latency_ms"), MANUAL),
    Limit("rad_edc_cv", "min", 54.0, of(RAD, "arm_m_s"), MANUAL),
    Limit("med_fcr_amp", "min", 2.3, of("left FCR", "elbow_amplitude_mv"), MANUAL),
    Limit("med_pt_amp", "min", 2.9, of("left PT", "elbow_amplitude_mv"), MANUAL),
    Limit("mcn_bic_amp", "min", 4.0, of("left BB", "erb_amplitude_mv"), MANUAL),
    Limit("mcn_bic_lat", "max", 5.6, of("left BB", "erb_latency_ms"), MANUAL),
    Limit("ax_del_amp", "min", 4.6, of("left deltoid", "erb_amplitude_mv"), MANUAL),
    Limit("ax_del_lat", "max", 5.4, of("left deltoid", "erb_latency_ms"), MANUAL),
    Limit("fib_edb_dml", "max", 6.5, of(FIB, "ankle_latency_ms"), B1999),
    Limit("fib_edb_amp", "min", 1.3, of(FIB, "ankle_amplitude_mv"), B1999),
    Limit("fib_edb_cv", "min", 38.0, of(FIB, "leg_m_s"), B1999),
    Limit("fib_edb_cvdrop_pct", "max", 12.0, slower_pct(FIB, "leg", "knee"), B1999),
    Limit("fib_edb_ampdrop", "max", 25.0, drop_pct(FIB, "below_fibular_head", "knee"), B1999),
    Limit("fib_edb_s2s_amp", "max", 61.0, sides_apart_pct("EDB", "ankle_amplitude_mv"), B1999),
    Limit("fib_edb_f", "max", 61.2, of(FIB, "f_min_ms"), MANUAL),
    Limit("fib_ta_amp", "min", 1.7, of("left TA", "below_fibular_head_amplitude_mv"), MANUAL),
    Limit("fib_ta_dml", "max", 4.9, of("left TA", "below_fibular_head_latency_ms"), MANUAL),
    Limit("fib_ta_cv", "min", 43.0, of("left TA", "knee_m_s"), MANUAL),
    Limit("tib_ah_dml", "max", 6.1, of(TIB, "ankle_latency_ms"), B1999),
    Limit("tib_ah_amp", "min", 4.4, of(TIB, "ankle_amplitude_mv"), B1999),
    Limit("tib_ah_cv", "min", 39.0, of(TIB, "leg_m_s"), B1999),
    Limit("tib_ah_f", "max", 61.4, of(TIB, "f_min_ms"), MANUAL),
    Limit("med_d23_on", "max", 3.2, of(D2, "onset_ms"), MANUAL),
    Limit("med_d23_pk", "max", 4.0, of(D2, "peak_ms"), MANUAL),
    Limit("med_d23_op", "min", 10.0, of(D2, "op_uv"), MANUAL),
    Limit("med_d23_pp", "min", 12.0, of(D2, "pp_uv"), MANUAL),
    Limit("uln_d5_on", "max", 3.1, of(D5, "onset_ms"), MANUAL),
    Limit("uln_d5_pk", "max", 4.0, of(D5, "peak_ms"), MANUAL),
    Limit("uln_d5_op", "min", 6.0, of(D5, "op_uv"), MANUAL),
    Limit(
        "uln_d5_pp", "min", 4.0, of(D5, "pp_uv"), MANUAL,
        "the same Manual: 6 µV onset to peak, and peak to peak is never less",
    ),
    Limit("rad_dors_on", "max", 2.2, of(RSN, "onset_ms"), MANUAL),
    Limit("rad_dors_pk", "max", 2.8, of(RSN, "peak_ms"), MANUAL),
    Limit("rad_dors_op", "min", 7.0, of(RSN, "op_uv"), MANUAL),
    Limit("rad_dors_pp", "min", 11.0, of(RSN, "pp_uv"), MANUAL),
    Limit("lac_op", "min", 5.0, of(LAC, "op_uv"), MANUAL),
    Limit("lac_pk", "max", 2.5, of(LAC, "peak_ms"), MANUAL),
    Limit("sur_on", "max", 3.6, of(SUR, "onset_ms"), "Buschbacher 2003, Am J Phys Med Rehabil 82"),
    Limit("sur_pk", "max", 4.5, of(SUR, "peak_ms"), "Buschbacher 2003, Am J Phys Med Rehabil 82"),
    Limit("sur_op", "min", 4.0, of(SUR, "op_uv"), "Buschbacher 2003, Am J Phys Med Rehabil 82"),
    Limit("sur_rad_ratio", "min", 0.40, ratio(of(SUR, "op_uv"), of(RSN, "op_uv")), MANUAL),
    Limit("sfib_on", "max", 3.4, of(SFN, "onset_ms"), IZZO),
    Limit("sfib_pk", "max", 4.2, of(SFN, "peak_ms"), IZZO),
    Limit("sfib_op", "min", 4.0, of(SFN, "op_uv"), IZZO),
)  # fmt: skip


# --- published means and SDs --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mean:
    """mean and sd as published; sd None: only the mean is. who: the subjects it is of. loose: why
    the spread need not be met within 15 %."""

    id: str
    unit: str
    mean: float
    sd: float | None
    quantity: Quantity
    source: str
    who: Callable[[Person], bool] = lambda _: True
    loose: str = ""

    def found(self, subjects: Sequence[Subject]) -> tuple[float, float]:
        """Mean and SD in the simulated ones."""
        values = [self.quantity(s.visit) for s in subjects if self.who(s.person)]
        known = np.array([value for value in values if value is not None])
        return float(known.mean()), float(known.std(ddof=1))


NOBREGA = "Nobrega et al. 2004, Clin Neurophysiol (n = 100)"

MEANS = (
    Mean("ADM amplitude", "mV", 11.6, 2.1, of(ULN, "wrist_amplitude_mv"), B1999),
    Mean(
        "ADM distal latency", "ms", 3.0, 0.3, of(ULN, "wrist_latency_ms"), B1999,
        loose="an SD of 0.3 ms and the same source's limit of 3.7 ms do not fit a normal curve",
    ),
    Mean("ulnar velocity, forearm", "m/s", 61.0, None, of(ULN, "forearm_m_s"), B1999),
    Mean("EDB distal latency", "ms", 4.8, 0.8, of(FIB, "ankle_latency_ms"), B1999),
    Mean(
        "EDB amplitude under 40 y", "mV", 6.8, 2.5, of(FIB, "ankle_amplitude_mv"), B1999,
        lambda person: person.age_years < 40.0,
    ),
    Mean(
        "EDB amplitude from 40 y", "mV", 5.1, 2.5, of(FIB, "ankle_amplitude_mv"), B1999,
        lambda person: person.age_years >= 40.0,
    ),
    Mean("ulnar F persistence", "%", 83.0, 19.0, of(ULN, "f_persistence_pct"), NOBREGA),
    Mean(
        "tibial F persistence", "%", 97.0, 5.0, of(TIB, "f_persistence_pct"), NOBREGA,
        loose="bounded by 100 %",
    ),
    Mean(
        "ulnar F chronodispersion", "ms", 3.9, 0.9, of(ULN, "f_chronodispersion_ms"), NOBREGA,
        loose="a range of few answers",
    ),
    Mean("tibial F chronodispersion", "ms", 5.5, 1.4, of(TIB, "f_chronodispersion_ms"), NOBREGA),
    Mean("ulnar F minimum", "ms", 26.5, 2.1, of(ULN, "f_min_ms"), NOBREGA),
    Mean("tibial F minimum", "ms", 47.0, 4.1, of(TIB, "f_min_ms"), NOBREGA),
)  # fmt: skip


# --- shapes of distal motor responses ------------------------------------------------------------

TWO_PEAKS = 0.02  # of the higher peak: notches that an eye sees on a trace without noise
EFNS = "upper limit of the EFNS/PNS criteria, PMC8108415, of traces filtered from 5-20 Hz"


@dataclass(frozen=True, slots=True)
class Shape:
    """The negative phase of one muscle's distal response. longest_ms: published upper limit."""

    muscle: str
    site: str
    longest_ms: float

    def duration(self, subjects: Sequence[Subject]) -> tuple[float, float]:
        """Mean and SD of the negative phase, ms."""
        found = [s.visit[f"left {self.muscle}"][f"{self.site}_duration_ms"] for s in subjects]
        known = np.array([value for value in found if value is not None])
        return float(known.mean()), float(known.std(ddof=1))

    def two_peaks(self, subjects: Sequence[Subject]) -> float:
        """Share of the subjects whose response has two negative peaks, 0-1."""
        found = [s.visit[f"left {self.muscle}"][f"{self.site}_notch"] for s in subjects]
        return float(np.mean([value is not None and value > TWO_PEAKS for value in found]))


SHAPES = (
    Shape("APB", "wrist", 6.6),
    Shape("ADM", "wrist", 6.7),
    Shape("EDB", "ankle", 7.6),
    Shape("AH", "ankle", 8.8),
)
