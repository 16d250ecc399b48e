"""docs/patient.md says what the simulated patient is now, not what it once was."""

import re

import numpy as np
import pytest

from .population import LIMITS, MEANS, SHAPES
from .table import MANY, committed, limits_table, means_table, needle_table, shapes_table
from .test_population import FEW, subjects


def _first_number(cell: str) -> float:
    return float(re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", cell)[0])


def test_the_page_has_a_row_for_every_mean_and_limit():
    """Quantity or limit by name, in the committed table."""
    told = committed()
    assert {f"{row.id}, {row.unit}" for row in MEANS} <= set(told)
    assert {row.id for row in LIMITS} <= set(told)


@pytest.mark.parametrize("row", MEANS, ids=[row.id for row in MEANS])
def test_the_committed_mean_is_that_of_people_drawn_now(row):
    """Within three standard errors of few people and 3 %."""
    mean, sd = row.found(subjects(FEW))
    said = _first_number(committed()[f"{row.id}, {row.unit}"])
    assert abs(mean - said) < 3.0 * sd / np.sqrt(FEW / 2) + 0.03 * said


@pytest.mark.parametrize("row", SHAPES, ids=[row.muscle for row in SHAPES])
def test_the_committed_duration_is_that_of_people_drawn_now(row):
    """Negative phase of the distal response: within three standard errors of few people and 3 %."""
    mean, sd = row.duration(subjects(FEW))
    said = _first_number(committed()[f"{row.muscle} negative phase, ms"])
    assert abs(mean - said) < 3.0 * sd / np.sqrt(FEW / 2) + 0.03 * said


@pytest.mark.soak
def test_the_committed_conduction_tables_are_not_stale():
    """The same people give the same numbers: means within 2 %, crossings within one point."""
    people = list(subjects(MANY))
    told = committed()
    tables = means_table, limits_table, shapes_table
    for line in (line for table in tables for line in table(people)[2:]):
        name, _, found, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        said, now = _first_number(told[name.strip("`")]), _first_number(found)
        assert abs(now - said) <= max(0.02 * abs(said), 1.0 if "%" in found else 0.0), name


@pytest.mark.soak
def test_the_committed_needle_table_is_not_stale():
    """The same people give the same potentials and patterns: every number within 2 %."""
    told = committed()
    for line in needle_table()[2:]:
        name, _, found, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        said, now = (
            [float(number) for number in re.findall(r"\d+\.?\d*", cell)]
            for cell in (told[name], found)
        )
        assert now == pytest.approx(said, rel=0.02), name
