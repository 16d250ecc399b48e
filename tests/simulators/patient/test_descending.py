"""The UMN dial: its parts, what each takes from voluntary discharge, and the antagonist."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.cases import Dials, read_case
from simulators.patient.descending import SUB_DIALS, DescendingTract
from simulators.patient.patient import Patient

from .exam import patient_with

RATE = 250.0
FDI = "left FDI"
SEEDS = [pytest.param(seed, marks=() if seed <= 3 else pytest.mark.soak) for seed in range(1, 21)]
FEW = [pytest.param(seed, marks=() if seed == 1 else pytest.mark.soak) for seed in range(1, 21)]


def person(key: str, seed: int, rate_hz: float = RATE, **dials: float) -> Patient:
    """A healthy person but for these dials of one muscle, with one lead on it."""
    healthy = read_case("healthy")
    case = replace(healthy, dials={**healthy.dials, key: Dials(**dials)})
    return patient_with(case, [key], seed=seed, rate_hz=rate_hz)


def trains(patient: Patient, key: str, seconds: float) -> dict[str, np.ndarray]:
    """Discharge times in seconds of each unit."""
    first, rate = patient.sample_index, patient.describe()["rate_hz"]
    patient.advance(int(seconds * rate))
    fired = patient.truth(first, patient.sample_index)["firings"].get(key, {})
    return {unit: np.array(at) / rate for unit, at in fired.items()}


def mean_rate(patient: Patient, level: float, units: list[str], seconds: float = 6.0) -> float:
    """Mean rate of some units at a level of effort."""
    patient.set_task("hold", level)
    patient.advance(int(2 * RATE))
    fired = trains(patient, FDI, seconds)
    return float(np.mean([fired.get(unit, np.empty(0)).size / seconds for unit in units]))


def interval_cv(fired: dict[str, np.ndarray]) -> float:
    """Median over units of the interval CV, intervals over twice the median left out."""
    cvs = []
    for at in fired.values():
        gaps = np.diff(at)
        if gaps.size > 40:
            gaps = gaps[gaps < 2.0 * np.median(gaps)]
            cvs.append(gaps.std() / gaps.mean())
    return float(np.median(cvs))


@pytest.mark.parametrize("umn", [0.0, 1.0])
def test_the_ends_of_the_dial_mean_the_same_for_every_part(umn: float):
    """No scatter at 0 and 1: whatever was true of the whole dial stays true."""
    for seed in range(20):
        lesion = DescendingTract(Dials(), seed, FDI).lesion(umn)
        assert {getattr(lesion, name) for name in SUB_DIALS} == {umn}


def test_parts_of_the_dial_go_together_but_not_as_one():
    """Over people with any dial the parts correlate, below 1; within one dial they are free."""
    rng = np.random.default_rng(1)
    dials = rng.uniform(0.05, 0.95, 300)
    lesions = [DescendingTract(Dials(), seed, FDI).lesion(umn) for seed, umn in enumerate(dials)]
    parts = np.array([[getattr(one, name) for name in SUB_DIALS] for one in lesions])
    off = np.corrcoef(parts.T)[np.triu_indices(len(SUB_DIALS), 1)]
    assert off.min() > 0.6
    assert off.max() < 0.95
    same = [DescendingTract(Dials(), seed, FDI).lesion(0.5) for seed in range(300)]
    free = np.array([[getattr(one, name) for name in SUB_DIALS] for one in same])
    assert np.abs(np.corrcoef(free.T)[np.triu_indices(len(SUB_DIALS), 1)]).max() < 0.25
    assert free.std(axis=0).min() > 0.08


def test_a_part_that_is_given_does_not_follow_the_dial():
    """By the case, and live; None follows again."""
    tract = DescendingTract(Dials(reflex=0.9), 1, FDI)
    assert tract.lesion(0.0).reflex == tract.lesion(1.0).reflex == 0.9
    patient = person(FDI, 1, umn=0.5)
    patient.set_dial(FDI, coherence=0.1)
    patient.set_dial(FDI, coherence=None, tms=1.0)
    told = patient.truth(0, 1)["dials"] or patient.truth(0, 10)["dials"]
    assert [row["coherence"] == 0.1 for row in told] == [False, True, False]
    assert told[-1]["tms"] == 1.0
    with pytest.raises(ValueError, match="no dial 'spasm'"):
        patient.set_dial(FDI, spasm=0.5)


@pytest.mark.parametrize("seed", SEEDS)
def test_rates_rise_with_force_in_health_and_hardly_with_the_drive_part(seed: int):
    """Units followed from 5 to 15 % effort: about 0.3-1 pps per per cent, or less than half."""
    slopes = []
    for dials in ({}, {"drive": 1.0}):
        patient = person(FDI, seed, **dials)
        patient.set_task("hold", 0.05)
        patient.advance(int(2 * RATE))
        units = [unit for unit, at in trains(patient, FDI, 4).items() if at.size > 16]
        low, high = (mean_rate(patient, level, units) for level in (0.05, 0.15))
        slopes.append((high - low) / 10.0)
    assert 0.2 < slopes[0] < 1.2
    assert slopes[1] < 0.5 * slopes[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quarter_of_the_drive_is_few_and_slow_units(seed: int):
    """Effort capped at 25 %: the last units stay silent, none fires above 20 pps; with the drive
    part the same picture, and the CMAP is whole in both."""
    full = person(FDI, seed)
    full.set_task("maximal")
    full.advance(int(2 * RATE))
    everyone = trains(full, FDI, 4)
    assert max(at.size for at in everyone.values()) / 4 > 25
    lazy = person(FDI, seed, drive=0.9)
    lazy.set_task("maximal")
    lazy.advance(int(2 * RATE))
    few = trains(lazy, FDI, 4)
    assert len(few) < 0.9 * len(everyone)
    assert max(at.size for at in few.values()) / 4 < 20
    amplitudes = [one.templates()["m_waves"][0]["amplitude_mv"] for one in (full, lazy)]
    assert amplitudes[0] == pytest.approx(amplitudes[1])


@pytest.mark.parametrize("seed", FEW)
def test_discharge_is_steadier_or_less_steady_as_the_case_says(seed: int):
    """Interval CV of the same pool: lower, unchanged, higher."""
    cvs = []
    for scatter in (-0.4, 0.0, 0.4):
        patient = person(FDI, seed, drive=0.6, interval_scatter=scatter)
        patient.set_task("hold", 0.2)
        patient.advance(int(2 * RATE))
        cvs.append(interval_cv(trains(patient, FDI, 12)))
    assert cvs[0] < 0.9 * cvs[1] < 0.9 * 0.9 * cvs[2]


def test_neighbouring_intervals_become_positively_correlated():
    """Weakly negative in health, positive without drive: one of the signs of spasticity."""
    means = []
    for dials in ({}, {"drive": 1.0, "interval_scatter": 0.0}):
        patient = person(FDI, 3, **dials)
        patient.set_task("hold", 0.15)
        patient.advance(int(2 * RATE))
        gaps = [np.diff(at) for at in trains(patient, FDI, 30).values() if at.size > 100]
        means.append(np.mean([np.corrcoef(gap[1:], gap[:-1])[0, 1] for gap in gaps]))
    assert means[0] < -0.03
    assert means[1] > 0.03


@pytest.mark.parametrize("seed", FEW)
def test_the_antagonist_joins_in_more_with_the_lesion(seed: int):
    """Biceps asked alone: triceps is nearly still in health, and contracts with the lesion; a
    muscle of another joint stays silent."""
    healthy = read_case("healthy")
    share = []
    for umn in (0.0, 0.7):
        dials = {key: Dials(umn=umn) for key in healthy.dials}
        patient = patient_with(
            replace(healthy, dials=dials), ["left BB", "left TB", FDI], seed=seed, rate_hz=1000.0
        )
        patient.set_task("hold", 0.4, muscle="left BB")
        patient.advance(1000)
        patient.advance(3000)
        told = patient.truth(1000, 4000)
        pull = {key: np.mean(np.array(rows)[:, 1]) for key, rows in told["force_percent"].items()}
        share.append(pull["left TB"] / pull["left BB"])
        assert FDI not in told["firings"]
        assert FDI not in pull
    assert 0.01 < share[0] < 0.12
    assert share[1] > 2.0 * share[0]


def test_a_task_that_makes_no_sense_is_refused_and_changes_nothing():
    """One sentence each."""
    patient = person(FDI, 1)
    patient.set_task("hold", 0.1)
    for words, how in (
        ("no muscle", {"name": "hold", "muscle": "left tail"}),
        ("unknown", {"name": "jump"}),
        ("belongs to the task 'stretch'", {"name": "hold", "velocity_deg_s": 100.0}),
        ("between 1 and 500", {"name": "stretch", "velocity_deg_s": 9999.0}),
        ("belongs to the task 'ramp'", {"name": "rest", "seconds": 5.0}),
        ("level", {"name": "hold", "level": 2.0}),
    ):
        with pytest.raises(ValueError, match=words):
            patient.set_task(**how)
    assert patient.describe()["task"]["name"] == "hold"
