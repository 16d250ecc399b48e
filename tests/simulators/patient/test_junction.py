"""Neuromuscular transmission: repetitive stimulation at rest and after exercise."""

import numpy as np
import pytest

from simulators.patient.cases import Junction
from simulators.patient.junction import NeuromuscularJunction

from .one_lead import patient_on

UNITS = 10
MYASTHENIA = Junction(decrement=0.4, facilitation=0.6)
LEMS = Junction(decrement=0.2, facilitation=0.9, low_output=0.75)


def _train(junction, start_s, rate_hz=3.0, pulses=10):
    return np.array([junction.response(start_s + n / rate_hz) for n in range(pulses)])


def test_healthy_junctions_never_fail():
    """No decrement, no increment, at any rate, rested or tired."""
    junction = NeuromuscularJunction(Junction(), UNITS)
    junction.exercised(1.0, 60.0, 1.0)
    assert (_train(junction, 70.0) == 1.0).all()
    assert (_train(junction, 80.0, rate_hz=30.0) == 1.0).all()


def test_myasthenia_falls_to_the_fourth_response_and_levels():
    """Decrement 30 % at the fourth response of 3 Hz; the tenth is no lower than the fifth."""
    seen = _train(NeuromuscularJunction(Junction(decrement=0.3), UNITS), 10.0)
    assert seen[0] == pytest.approx(1.0)
    assert seen[3] == pytest.approx(0.70, abs=0.02)
    assert (np.diff(seen[:4]) < 0.0).all()
    assert seen[9] > seen[3] - 0.06


def test_exercise_repairs_and_then_exhausts_myasthenia():
    """10 s of effort: less decrement at once; a minute of it: more, two minutes later."""
    rested = _train(NeuromuscularJunction(Junction(decrement=0.3), UNITS), 10.0)[3]
    fresh = NeuromuscularJunction(Junction(decrement=0.3), UNITS)
    fresh.exercised(10.0, 10.0, 1.0)
    assert _train(fresh, 21.0)[3] > rested + 0.05
    tired = NeuromuscularJunction(Junction(decrement=0.3), UNITS)
    tired.exercised(10.0, 60.0, 1.0)
    assert _train(tired, 190.0)[3] < rested - 0.01


def test_lambert_eaton_starts_low_and_more_than_doubles():
    """Low output: 10 s of exercise, or a fast train, bring back over 100 %; a minute later gone."""
    lems = Junction(decrement=0.2, facilitation=0.9, low_output=0.75)
    junction = NeuromuscularJunction(lems, UNITS)
    before = junction.response(5.0)
    junction.exercised(10.0, 10.0, 1.0)
    after = junction.response(21.0)
    assert before == pytest.approx(0.25, abs=0.02)
    assert after > 2.0 * before
    assert junction.response(140.0) < 1.4 * before
    fast = _train(NeuromuscularJunction(lems, UNITS), 5.0, rate_hz=50.0, pulses=100)
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


def test_an_f_wave_is_as_small_as_the_m_wave_that_it_follows():
    """Lambert-Eaton, the same subject and pulse: F keeps a quarter, as M does."""
    seen = {}
    for name, junction in (("well", Junction()), ("ill", LEMS)):
        pair = []
        for current in (70.0, 0.01):
            patient = patient_on("left ADM", rate_hz=4000.0, junction=junction)
            patient.place("ulnar", "wrist", "left")
            patient.stimulate(100.0, current_ma=current, width_us=200.0)
            pair.append(patient.advance(400)[0])
            told = patient.truth(0, 400)["f_waves"]
            if current > 1.0:
                late = slice(int(told[0]["sample"]) - 4, int(told[0]["sample"]) + 60)
        answer = pair[0] - pair[1]
        seen[name] = np.ptp(answer[105:180]), np.ptp(answer[late])
    assert seen["ill"][0] / seen["well"][0] == pytest.approx(0.25, abs=0.02)
    assert 0.15 < seen["ill"][1] / seen["well"][1] < 0.26


def _effort(junction, seconds=8.0, rate_hz=1000.0):
    """Surface EMG (rms) and force of one hand muscle, second by second of a hold from rest on."""
    patient = patient_on("left FDI", "force left FDI", rate_hz=rate_hz, junction=junction)
    patient.advance(int(rate_hz))
    patient.set_task("hold", 0.3)
    patient.advance(int(0.5 * rate_hz))
    lines = patient.advance(int(seconds * rate_hz)).reshape(2, int(seconds), -1)
    return lines[0].std(axis=1), lines[1].mean(axis=1), patient.truth(0, patient.sample_index)


def test_efforts_tire_in_myasthenia_and_gain_strength_in_lambert_eaton():
    """As many discharges as in health (a weaker muscle tires less); less of each is seen, and
    pulls."""
    well, ill, lems = (_effort(junction) for junction in (Junction(), MYASTHENIA, LEMS))
    fired = [sum(map(len, one[2]["firings"]["left FDI"].values())) for one in (well, ill, lems)]
    assert fired == pytest.approx([fired[0]] * 3, rel=0.01)
    for row in (0, 1):
        tired, strengthened = ill[row] / well[row], lems[row] / well[row]
        assert 0.5 < tired[1] < 0.9
        assert strengthened[0] < 0.45
        assert strengthened[-1] > 1.3 * strengthened[0]


def test_a_unit_falls_while_it_fires_and_recovers_at_rest():
    """Myasthenia, ten per second: the first of a train is whole, the next ones lose up to what 3 Hz
    takes, each unit by its own history; after 3 s of rest they are whole again."""
    junction = NeuromuscularJunction(MYASTHENIA, UNITS)
    times = 5.0 + 0.1 * np.arange(8)
    seen = junction.discharged(np.full(8, 3), times)
    assert seen[0] == pytest.approx(1.0)
    assert (np.diff(seen) <= 1e-12).all()
    assert seen[-1] == pytest.approx(0.6, abs=0.01)
    assert junction.discharged(np.array([4]), np.array([5.8]))[0] == pytest.approx(1.0)
    assert junction.discharged(np.array([3]), np.array([9.0]))[0] > 0.99
    assert NeuromuscularJunction(Junction(), UNITS).discharged(np.array([3]), times[:1]) is None
