"""Examinations of a simulated patient, as pictures and acceptance tests need them: no analysis of
the service's, only the patient, its samples and its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from simulators.patient.anatomy import body_plan, split_key
from simulators.patient.cases import Case, read_case
from simulators.patient.front_end import FrontEnd
from simulators.patient.patient import Lead, Patient

RATE_HZ = 16000.0
STRONG_MA = 100.0
WIDTH_US = 200.0


def patient_with(
    case: Case | str,
    keys: Sequence[str],
    *,
    seed: int = 1,
    rate_hz: float = RATE_HZ,
    kind: Literal["sinc3", "none"] = "none",
) -> Patient:
    """The patient with a lead on each of these muscles, needles (`needle left FDI`) or sensory
    recordings, and nothing else grown: the same signals as with all leads, for less time."""
    chosen = read_case(case) if isinstance(case, str) else case
    bare = [key.removeprefix("needle ") for key in keys]
    only = replace(chosen, montage=tuple(dict.fromkeys(bare)))
    leads = tuple(Lead(number, key) for number, key in enumerate(keys, start=1))
    return Patient(only, seed=seed, front_end=FrontEnd(rate_hz, kind), leads=leads)


def worst_muscle(case: Case) -> str:
    """The muscle under the case's leads with the largest dials; of equals the first."""

    def burden(key: str) -> float:
        dials = case.dials[key]
        return dials.lmn + dials.umn + dials.myopathy + (dials.denervation or 0.0)

    return max((key for key in case.montage if key in case.dials), key=burden)


def during(patient: Patient, task: str, level: float, seconds: float) -> np.ndarray:
    """(n_leads, n) µV while the patient does this; the first 0.6 s, in which effort rises, are not
    shown."""
    rate = patient.describe()["rate_hz"]
    patient.set_task(task, level)
    patient.advance(int(0.6 * rate))
    return patient.advance(int(seconds * rate))


@dataclass(frozen=True, slots=True, eq=False)
class Sweeps:
    """(n_sweeps, n) µV of one lead, the mean of the time before the stimulus taken off; zero: the
    sample of the stimulus; current_ma of each; units that answered, by the truth."""

    samples_uv: np.ndarray
    current_ma: np.ndarray
    units: np.ndarray
    rate_hz: float
    zero: int

    @property
    def times_ms(self) -> np.ndarray:
        """Of every sample, from the stimulus."""
        return 1e3 * (np.arange(self.samples_uv.shape[1]) - self.zero) / self.rate_hz

    def window(self, from_ms: float, to_ms: float) -> np.ndarray:
        """The sweeps between two times after the stimulus."""
        here = (self.times_ms >= from_ms) & (self.times_ms < to_ms)
        return self.samples_uv[:, here]

    def negative_mv(self, from_ms: float = 2.0, to_ms: float = 30.0) -> np.ndarray:
        """Base to negative peak of each sweep."""
        return -1e-3 * self.window(from_ms, to_ms).min(axis=1)


def stimulated(
    patient: Patient,
    key: str,
    site: str,
    currents_ma: Sequence[float],
    *,
    nerve: str | None = None,
    width_us: float = WIDTH_US,
    every_s: float = 0.12,
    sweep_s: float = 0.08,
    before_s: float = 0.0,
) -> Sweeps:
    """One pulse of each current to the nerve of a muscle or sensory lead, one after the other."""
    side, name = split_key(key)
    plan = body_plan()
    own = plan.muscles[name].nerve if name in plan.muscles else plan.sensory[name].nerve
    patient.place(nerve or own, site, side)
    rate = patient.describe()["rate_hz"]
    first = patient.sample_index
    rows, zero = [], int(before_s * rate)
    before = max(zero, int(0.005 * rate))
    for current in currents_ma:
        patient.stimulate(patient.sample_index + before, current_ma=current, width_us=width_us)
        got = patient.advance(int(every_s * rate))[0]
        sweep = got[before - zero : before + int(sweep_s * rate)]
        rows.append(sweep - got[:before].mean())
    told = patient.truth(first, patient.sample_index)["stimuli"]
    units = [sum(row["units"].values()) for row in told]
    return Sweeps(np.array(rows), np.asarray(currents_ma, float), np.array(units), rate, zero)


def scan_currents(patient: Patient, key: str, site: str, count: int) -> np.ndarray:
    """From above the highest threshold down to below the lowest, by the patient's own truth."""
    rows = patient.templates()["m_waves"]
    mine = next(row for row in rows if row["muscle"] == key and row["site"] == site)
    if mine["first_arrival_ms"] is None:
        return np.linspace(40.0, 1.0, count)
    low, _, high = mine["threshold_ma"]
    return np.linspace(1.12 * high, 0.88 * low, count)
