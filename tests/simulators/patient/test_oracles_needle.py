"""Fibrillations and fatigue of the simulated patient, read from its samples by this test's own
code against the truth: no measure of the service's reads them (the clinical reference's list of
acceptance oracles). The first seed runs with every test, the rest in the long runs.
"""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.cases import Dials, read_case
from simulators.patient.patient import Patient

from .exam import patient_with
from .spikes import kinds
from .test_force import FDI, RATE, held, median_hz, person

TA = "left TA"
RATE_HZ = 8000.0
SETTLED_S, SECONDS = 0.6, 6.0
DEPTHS_MM = (9.0, 6.0, 12.0)
PLACES = [pytest.param(3, 1, id="3 quick")] + [
    pytest.param(seed, 6, marks=pytest.mark.soak) for seed in range(1, 21)
]
SEEDS = [pytest.param(seed, marks=() if seed == 1 else pytest.mark.soak) for seed in range(1, 21)]


def at_rest(seed: int, denervation: float) -> Patient:
    """Someone whose left TA may be losing its nerve, without any voluntary activity."""
    case = read_case("healthy")
    dials = Dials(denervation=denervation, fasciculation=0.0)
    case = replace(case, dials={**case.dials, TA: dials})
    return patient_with(case, [f"needle {TA}"], seed=seed, rate_hz=RATE_HZ)


def seen(patient: Patient, **where: float):
    """One place: its kinds of spikes after the insertion, and the true events by source."""
    patient.needle(TA, "insert", **where)
    patient.advance(int(SETTLED_S * RATE_HZ))
    first = patient.sample_index
    found = kinds(patient.advance(int(SECONDS * RATE_HZ))[0], RATE_HZ)
    true: dict[tuple[str, int], list[float]] = {}
    for row in patient.truth(first, patient.sample_index)["needle_events"]:
        at_s = (row["sample"] - first) / RATE_HZ
        true.setdefault((row["activity"], row["source"]), []).append(at_s)
    return found, true


def source_of(times_s: np.ndarray, true: dict) -> tuple[str, int]:
    """The true source that most of these spikes follow by a few milliseconds."""

    def shared(events: list[float]) -> int:
        events = np.array(events)
        after = np.searchsorted(events, times_s) - 1
        late = times_s - events[np.maximum(after, 0)]
        return int(((after >= 0) & (late < 0.012)).sum())

    return max(true, key=lambda source: (shared(true[source]), -len(true[source])))


@pytest.mark.parametrize(("seed", "places"), PLACES)
def test_fibrillations_are_told_from_end_plate_spikes_by_their_rhythm(seed: int, places: int):
    """Denervated: regular trains of an initial positive shape, each of one true fibrillating fibre
    or sharp wave and at its rate. In health, in the end-plate zone and away from it: end-plate
    spikes at most, and no such train."""
    ill, trains = at_rest(seed, 0.6), 0
    for _ in range(places):
        found, true = seen(ill)
        for kind in found:
            if kind.fibrillates:
                activity, source = source_of(kind.times_s, true)
                assert activity in {"fibrillation", "positive_sharp_wave", "complex_repetitive"}
                rate = 1.0 / np.median(np.diff(true[activity, source]))
                assert kind.rate_hz == pytest.approx(rate, rel=0.1)
                trains += 1
    assert trains >= 1
    well = at_rest(seed, 0.0)
    zone = [{"mm": depth, "along_mm": 0.0} for depth in DEPTHS_MM[:places]]
    elsewhere = [{}] * (places // 2)
    for where in (*elsewhere, *zone):
        found, true = seen(well, **where)
        assert not any(kind.fibrillates for kind in found)
        assert {activity for activity, _ in true} <= {"end_plate_spike"}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_median_frequency_falls_with_the_speed_of_the_fibres_and_somewhat_more(seed: int):
    """A hold of 70 % for 30 s, in per cent of the first value and second. The fibres slow down by
    0.3-0.7, the median frequency by one half to three times that (in people by more than the
    velocity: Merletti, Knaflitz & De Luca 1990); a hold of 10 % tires nobody."""
    strong = person(seed)
    held(strong, "hold", 0.7, 2.0)
    fibres = strong._muscles[FDI].fatigue
    frequency, velocity = [], []
    for _ in range(14):
        before = fibres.velocity
        frequency.append(median_hz(strong.advance(int(2 * RATE))[0]))
        velocity.append(0.5 * (before + fibres.velocity))
    heard, true = (per_second(course) for course in (frequency, velocity))
    assert -0.7 < true < -0.3
    assert 3.0 * true < heard < 0.5 * true
    light = person(seed)
    held(light, "hold", 0.1, 10.0)
    assert light._muscles[FDI].fatigue.velocity == 1.0


def per_second(course: list[float]) -> float:
    """Slope of a course of values 2 s apart, per cent of its beginning and second."""
    slope, start = np.polyfit(2.0 * np.arange(len(course)), course, 1)
    return float(100.0 * slope / start)


@pytest.mark.soak
def test_over_many_people_frequency_falls_faster_than_velocity():
    """Twelve people together: 1.2 to 2.2 times as fast."""
    ratios = []
    for seed in range(30, 42):
        tired = person(seed)
        held(tired, "hold", 0.7, 2.0)
        fibres, frequency, velocity = tired._muscles[FDI].fatigue, [], []
        for _ in range(14):
            frequency.append(median_hz(tired.advance(int(2 * RATE))[0]))
            velocity.append(fibres.velocity)
        ratios.append(per_second(frequency) / per_second(velocity))
    assert 1.2 < np.mean(ratios) < 2.2
