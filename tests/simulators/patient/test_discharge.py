"""Voluntary discharge: sizes, recruitment, rates, regularity; what each dial does to it alone."""

import numpy as np
import pytest

from simulators.patient.pool import PoolProperties
from simulators.patient.streams import random_stream

from .exam import patient_with

RATE = 250.0


def _trains(patient, muscle, seconds):
    """Discharge times (s) of each unit over the next seconds."""
    first = patient.sample_index
    patient.advance(int(seconds * RATE))
    units = patient.truth(first, patient.sample_index)["firings"].get(muscle, {})
    return {int(unit): np.array(at) / RATE for unit, at in units.items()}


def _patient(task, level=0.0, *, keys=("left FDI",), rate_hz=RATE, **dials):
    patient = patient_with("healthy", keys, rate_hz=rate_hz)
    if dials:
        patient.set_dial("all", **dials)
    patient.set_task(task, level)
    patient.advance(int(2 * rate_hz))
    return patient


def _rates(trains, seconds):
    return np.array([at.size / seconds for at in trains.values()])


def test_sizes_grow_exponentially_with_rank():
    """Log size is a straight line on rank, about tenfold from first to last: the spread of the unit
    amplitudes fitted to 27 healthy CMAP scans, CV 0.4-1.0."""
    pool = PoolProperties.draw(120, random_stream(1, "test"))
    rank = np.arange(120)
    slope, intercept = np.polyfit(rank, np.log(pool.size), 1)
    residual = np.log(pool.size) - slope * rank - intercept
    assert 7 < np.exp(slope * 119) < 14
    assert 0.5 < pool.size.std() < 0.75
    assert residual.std() < 0.15
    assert (np.diff(pool.threshold) > 0).all()


def test_units_begin_at_five_to_eight_per_second():
    """At the force that has just recruited them, units fire slowly."""
    pool = PoolProperties.draw(120, random_stream(1, "test"))
    at_threshold = pool.rates_hz(pool.threshold)
    begun = np.array([at_threshold[unit, unit] for unit in range(120)])
    assert ((begun >= 5.0) & (begun <= 8.0)).all()
    trains = _trains(_patient("hold", 0.05), "left FDI", 10)
    assert 5.0 < np.percentile(_rates(trains, 10), 10) < 8.0


def test_maximal_effort_drives_all_units_at_twenty_to_forty_per_second():
    """Everyone fires; early units faster than late ones (onion skin)."""
    trains = _trains(_patient("maximal", keys=("left ADM",)), "left ADM", 5)
    rates = np.array([trains[unit].size / 5 for unit in sorted(trains)])
    assert len(trains) == 130
    assert 20.0 < np.median(rates) < 40.0
    assert rates.min() > 18.0
    assert rates[:40].mean() > rates[-40:].mean() + 2.0


@pytest.mark.parametrize("level", [0.05, 0.15, 0.4])
def test_intervals_scatter_as_in_people(level):
    """The interval CV of steady units lies between 0.10 and 0.25."""
    trains = _trains(_patient("hold", level), "left FDI", 15)
    cvs = [np.std(np.diff(at)) / np.mean(np.diff(at)) for at in trains.values() if at.size > 60]
    assert len(cvs) > 20
    assert 0.10 < np.percentile(cvs, 5) < np.percentile(cvs, 95) < 0.25
    shortest = min(np.diff(at).min() for at in trains.values() if at.size > 2)
    assert shortest > 0.008


def test_fewer_units_fire_faster_when_units_are_lost():
    """LMN loss: at the same force fewer units, and the early ones faster."""
    healthy = _trains(_patient("hold", 0.15), "left FDI", 8)
    ill = _trains(_patient("hold", 0.15, lmn=0.8), "left FDI", 8)
    assert len(ill) < 0.5 * len(healthy)
    assert np.max(_rates(ill, 8)) > np.max(_rates(healthy, 8)) + 2.0


def test_fewer_units_fire_slower_when_drive_is_lost():
    """UMN loss: at attempted maximum fewer units than healthy, none above 12 per second."""
    ill = _trains(_patient("maximal", umn=1.0), "left FDI", 8)
    assert 10 < len(ill) < 0.85 * 120
    assert np.percentile(_rates(ill, 8), 99) < 12.0


def test_a_dial_of_one_muscle_leaves_the_others_untouched():
    """Firings of FDI are the same to the last digit whatever happens to ADM."""
    one, other = (_patient("hold", 0.2, keys=("left FDI", "left ADM")) for _ in range(2))
    other.set_dial("left ADM", umn=0.9, lmn=0.7)
    a, b = (_trains(p, "left FDI", 3) for p in (one, other))
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[unit], b[unit]) for unit in a)


def test_dials_turn_within_two_seconds_and_are_remembered():
    """The dial's history is in the truth, and its effect complete after 1 s of signal."""
    patient = _patient("rest")
    turned = patient.sample_index
    patient.set_dial("left FDI", lmn=0.8)
    patient.advance(int(1.2 * RATE))
    muscles = {row["muscle"]: row["units"] for row in patient.describe()["muscles"]}
    assert muscles["left FDI"] == 120 - round(0.95 * 0.8 * 120)
    history = [d for d in patient.truth(0, turned + 1000)["dials"] if d["muscle"] == "left FDI"]
    assert [d["lmn"] for d in history] == [0.0, 0.8]
    assert history[-1]["sample"] - turned <= 0.04 * RATE


def test_truth_tells_every_firing_once_at_its_fraction_of_a_sample():
    """Ranges join without loss or repeat, and the trains do not depend on the device's rate."""
    patient = _patient("hold", 0.2, keys=("left BB",))
    start = patient.sample_index
    patient.advance(500)
    whole = patient.truth(start, start + 500)["firings"]["left BB"]
    halves = [patient.truth(start + a, start + a + 250)["firings"]["left BB"] for a in (0, 250)]
    for unit, at in whole.items():
        assert at == halves[0].get(unit, []) + halves[1].get(unit, [])
    fast = _patient("hold", 0.2, keys=("left BB",), rate_hz=4 * RATE)
    fast.advance(2000)
    again = fast.truth(4 * start, 4 * start + 2000)["firings"]["left BB"]
    assert all(np.allclose(np.array(again[u]) / 4, at) for u, at in whole.items())
