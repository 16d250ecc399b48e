"""Every patient on file lives: starts soon, runs, is the same again, and has its file's dials."""

import time
from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.cases import cases, read_case
from simulators.patient.front_end import FrontEnd
from simulators.patient.patient import Lead, Patient, load_patient

FRONT_END = FrontEnd(4000.0, "sinc3")
SECONDS = 1.6


def few_leads(name: str, count: int = 2) -> Patient:
    """The first leads of a case that are muscles, and its first sensory lead: less to grow."""
    case = read_case(name)
    muscles = [key for key in case.montage if not key.endswith("SNAP")][:count]
    chosen = (*muscles, *[key for key in case.montage if key.endswith("SNAP")][:1])
    leads = tuple(Lead(number, key) for number, key in enumerate(chosen, start=1))
    return Patient(replace(case, montage=chosen), seed=4, front_end=FRONT_END, leads=leads)


def a_short_visit(patient: Patient, blocks: list[int]) -> np.ndarray:
    """Rest, a hold, a maximal effort, a stretch and a pulse, fetched in these blocks in turn."""
    plan = [("rest", 0.0), ("hold", 0.2), ("maximal", 1.0), ("stretch", 0.0)]
    whole, out = int(SECONDS * FRONT_END.rate_hz), []
    done = turn = told = 0
    patient.place("ulnar", "wrist", "left")
    while done < whole:
        if done >= told * whole // 4 and told < 4:
            patient.set_task(*plan[told])
            told += 1
            patient.stimulate(patient.sample_index + 50.25, current_ma=30.0, width_us=200.0)
        count = min(blocks[turn % len(blocks)], whole * min(told, 4) // 4 - done)
        out.append(patient.advance(count))
        done += count
        turn += 1
    return np.concatenate(out, axis=1)


@pytest.mark.parametrize("name", cases())
def test_a_patient_runs_and_is_the_same_again(name: str):
    """Rest, efforts, stretch and pulses give finite microvolts, twice the same ones."""
    first, again = (a_short_visit(few_leads(name, 1), [1600]) for _ in range(2))
    assert np.isfinite(first).all()
    assert np.abs(first).max() < 1e5
    assert (first.std(axis=1) > 0.1).all()
    assert np.array_equal(first, again)


@pytest.mark.parametrize("name", ["healthy_75", "als_early", "cidp", "lems", "parkinson", "pls"])
def test_samples_do_not_depend_on_how_they_are_fetched(name: str):
    """One sample, 33, 160 or 1600 at a time."""
    whole = a_short_visit(few_leads(name), [1600])
    assert np.array_equal(whole, a_short_visit(few_leads(name), [33, 160, 7, 1]))


@pytest.mark.parametrize("name", ["als_hand", "c6_tetraplegia", "kennedy", "stroke"])
def test_dials_are_those_of_the_file(name: str):
    """As described, for every lead, and as logged in the truth from the first sample."""
    patient, case = few_leads(name), read_case(name)
    patient.advance(1)
    described, logged = patient.describe()["dials"], patient.truth(0, 1)["dials"]
    for lead in patient.leads:
        if lead.muscle not in case.dials:
            continue
        dials = case.dials[lead.muscle]
        assert described[lead.muscle]["umn"] == dials.umn
        assert described[lead.muscle]["lmn"] == dials.lmn
        told = [row for row in logged if row["muscle"] == lead.muscle]
        assert [(row["umn"], row["lmn"]) for row in told] == [(dials.umn, dials.lmn)]


def test_a_patient_says_that_it_is_simulated_and_who_it_is():
    """Name, code, age, sex, height, and the word."""
    told = few_leads("kennedy").describe()
    assert told["simulated"] is True
    assert (told["patient"], told["code"], told["sex"]) == ("kennedy", "P-0022", "M")
    assert (told["age_years"], told["height_cm"]) == (52.0, 174.0)


def test_two_people_of_one_case_differ():
    """The seed is the person: another seed, another hand."""
    case = read_case("healthy")
    leads = (Lead(1, "left ADM"),)
    one, other = (
        Patient(replace(case, montage=("left ADM",)), seed=seed, front_end=FRONT_END, leads=leads)
        for seed in (1, 2)
    )
    here, there = (p.templates()["m_waves"][0]["amplitude_mv"] for p in (one, other))
    assert abs(here - there) > 0.05 * here


@pytest.mark.timed
@pytest.mark.parametrize("name", ["healthy", "cidp", "als_bulbar"])
def test_a_case_starts_within_two_seconds(name: str):
    """All eight leads, 16 kHz, of processor time."""
    began = time.process_time()
    load_patient(name, seed=91, front_end=FrontEnd(16000.0, "sinc3"))
    assert time.process_time() - began < 2.0


@pytest.mark.soak
@pytest.mark.parametrize("name", cases())
def test_every_whole_case_starts_soon_and_runs(name: str):
    """Eight leads at 16 kHz, 2 s of them."""
    began = time.process_time()
    patient = load_patient(name, seed=93, front_end=FrontEnd(16000.0, "sinc3"))
    assert time.process_time() - began < 2.0
    assert np.isfinite(patient.advance(32000)).all()
