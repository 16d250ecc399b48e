"""Neuromuscular transmission: repetitive stimulation at rest and after exercise."""

import numpy as np
import pytest

from simulators.patient.cases import Junction
from simulators.patient.junction import NeuromuscularJunction

from .one_lead import patient_on


def _train(junction, start_s, rate_hz=3.0, pulses=10):
    return np.array([junction.response(start_s + n / rate_hz) for n in range(pulses)])


def test_healthy_junctions_never_fail():
    """No decrement, no increment, at any rate, rested or tired."""
    junction = NeuromuscularJunction(Junction())
    junction.exercised(1.0, 60.0, 1.0)
    assert (_train(junction, 70.0) == 1.0).all()
    assert (_train(junction, 80.0, rate_hz=30.0) == 1.0).all()


def test_myasthenia_falls_to_the_fourth_response_and_levels():
    """Decrement 30 % at the fourth response of 3 Hz; the tenth is no lower than the fifth."""
    seen = _train(NeuromuscularJunction(Junction(decrement=0.3)), 10.0)
    assert seen[0] == pytest.approx(1.0)
    assert seen[3] == pytest.approx(0.70, abs=0.02)
    assert (np.diff(seen[:4]) < 0.0).all()
    assert seen[9] > seen[3] - 0.06


def test_exercise_repairs_and_then_exhausts_myasthenia():
    """10 s of effort: less decrement at once; a minute of it: more, two minutes later."""
    rested = _train(NeuromuscularJunction(Junction(decrement=0.3)), 10.0)[3]
    fresh = NeuromuscularJunction(Junction(decrement=0.3))
    fresh.exercised(10.0, 10.0, 1.0)
    assert _train(fresh, 21.0)[3] > rested + 0.05
    tired = NeuromuscularJunction(Junction(decrement=0.3))
    tired.exercised(10.0, 60.0, 1.0)
    assert _train(tired, 190.0)[3] < rested - 0.01


def test_lambert_eaton_starts_low_and_more_than_doubles():
    """Low output: 10 s of exercise, or a fast train, bring back over 100 %; a minute later gone."""
    lems = Junction(decrement=0.2, facilitation=0.9, low_output=0.75)
    junction = NeuromuscularJunction(lems)
    before = junction.response(5.0)
    junction.exercised(10.0, 10.0, 1.0)
    after = junction.response(21.0)
    assert before == pytest.approx(0.25, abs=0.02)
    assert after > 2.0 * before
    assert junction.response(140.0) < 1.4 * before
    fast = _train(NeuromuscularJunction(lems), 5.0, rate_hz=50.0, pulses=100)
    assert fast[-1] > 1.5 * fast[0]


def test_the_decrement_shows_in_the_samples():
    """ADM, ten pulses at 3 Hz: heights in the samples fall as the junction's do."""
    patient = patient_on("left ADM", rate_hz=4000.0, junction=Junction(decrement=0.4))
    patient.place("ulnar", "wrist", "left")
    for pulse in range(5):
        patient.stimulate(100.0 + 4000.0 * pulse / 3.0, current_ma=70.0, width_us=200.0)
    line = patient.advance(6200)[0]
    at = [round(100 + 4000 * pulse / 3) for pulse in range(5)]
    height = np.array([-line[n + 8 : n + 80].min() for n in at])
    assert height[3] / height[0] == pytest.approx(0.6, abs=0.04)
