"""A median, ulnar and tibial study of four patients: the right rows are abnormal, no other."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import pytest

from tests.nerve_studies import Result, expected_of, misread, steps, study_of, wrong

CASES = ("healthy", "cts", "cidp", "als_hand")
FIRST = ("cts", "cidp")  # the two that have most to show are seen with every test
STUDIES = [
    pytest.param(case, seed, marks=() if seed == 1 and case in FIRST else pytest.mark.soak)
    for case in CASES
    for seed in range(1, 6)
]
DML = "motor_response.left.median.wrist.APB", "onset_latency_ms"


@cache
def study(case: str, seed: int) -> Result:
    """One study, done once, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(study_of, case, seed).result()


@pytest.mark.parametrize(("case", "seed"), STUDIES)
def test_the_right_rows_are_abnormal_and_no_other(case: str, seed: int) -> None:
    """Against the published limits, by the patient's own noise-free responses."""
    result = study(case, seed)
    assert wrong(result) == []
    assert set(result.states) == {step.id for step in steps()}
    assert len(expected_of(result)) >= 20


@pytest.mark.parametrize(("case", "seed"), STUDIES)
def test_every_number_of_the_table_is_near_the_truth(case: str, seed: int) -> None:
    """Amplitudes, latencies, velocities with a tape's error, the earliest F-wave."""
    assert misread(study(case, seed)) == []


@pytest.mark.parametrize(("case", "seed"), STUDIES)
def test_every_motor_row_is_proven_supramaximal(case: str, seed: int) -> None:
    """The technician's ramp ends on a plateau the table agrees with."""
    result = study(case, seed)
    assert all(result.proven.values()), result.proven
    assert len(result.proven) == 7


def test_carpal_tunnel_is_abnormal_across_the_wrist_alone() -> None:
    """The median nerve in the hand, motor and sensory; ulnar, tibial and sural rows are not."""
    abnormal = study("cts", 1).abnormal
    assert DML in abnormal
    assert ("sensory_response.left.median.wrist.median_D2", "peak_latency_ms") in abnormal
    assert all(".median.wrist." in row for row, _ in abnormal)


def test_demyelination_is_slow_in_three_nerves_with_block_in_two() -> None:
    """Distal latency and velocity of every nerve; block in both forearms, not across the elbow."""
    result = study("cidp", 1)
    slow = {row.split(".")[2] for row, quantity in result.abnormal if quantity == "velocity_m_s"}
    assert slow == {"median", "ulnar", "tibial"}
    block = {row.split(".", 2)[2]: items["block"] for row, items in result.items.items()}
    assert block["median.elbow.APB"] == block["ulnar.below_elbow.ADM"] == "present"
    assert block["ulnar.elbow.ADM"] == "none"


def test_f_waves_of_demyelination_are_found_late_in_arm_and_leg() -> None:
    """In a window that follows the velocity, in sweeps as long as their steps ask for: those of
    the leg come after 100 ms."""
    states = study("cidp", 1).states
    assert states["f_wave.left.median.wrist.APB"] == "measured"
    assert states["f_wave.left.ulnar.wrist.ADM"] == "measured"
    assert states["f_wave.left.tibial.ankle.AH"] == "measured"
