"""M-waves: what the samples show is what the templates say, and it follows from the units."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient import FrontEnd, Lead, Patient
from simulators.patient.cases import read_case
from simulators.patient.evoked import m_wave_truth
from simulators.patient.front_end import Grid
from simulators.patient.growing import grown_muscle

from .evoked_alone import evoked, measured, truth_of
from .exam import patient_with

APB = ("left APB",)


@pytest.mark.parametrize(
    ("nerve", "site", "muscle"),
    [
        ("median", "wrist", "left APB"),
        ("median", "elbow", "left APB"),
        ("ulnar", "wrist", "left FDI"),
        ("ulnar", "below_elbow", "left ADM"),
        ("radial", "elbow", "left EDC"),
        ("musculocutaneous", "erb", "left BB"),
    ],
)
@pytest.mark.parametrize("lmn", [0.0, 0.6])
def test_samples_agree_with_the_templates(nerve, site, muscle, lmn):
    """Amplitude within 1 %, onset within 0.03 ms after the group delay, for any dial."""
    at = 100.63
    seen, patient = evoked(nerve, site, at=at, lmn=lmn, current_ma=90.0, keys=(muscle,))
    amplitude, onset = measured(seen[0, :700], at + 1.5, 16000.0)
    truth = truth_of(patient, muscle, site)
    assert amplitude == pytest.approx(truth["amplitude_mv"], rel=0.01)
    assert onset == pytest.approx(truth["onset_latency_ms"], abs=0.03)
    assert truth["first_arrival_ms"] < truth["onset_latency_ms"]


def test_only_the_muscles_of_the_nerve_at_that_site_answer():
    """Ulnar wrist moves FDI and ADM; everything else shows no more than the artefact."""
    seen, _ = evoked("ulnar", "wrist", samples=400)
    height = np.abs(seen[:, 130:]).max(axis=1)
    assert (height[[1, 2]] > 3000.0).all()
    assert (height[[0, 3, 4, 5, 6, 7]] < 60.0).all()


def test_current_recruits_units_from_none_to_all():
    """The response grows with current and width and is complete at 30 mA, 0.2 ms."""
    height = [
        -evoked("median", "wrist", current_ma=ma, samples=400, keys=APB)[0][0, 130:].min()
        for ma in (3.0, 8.0, 11.0, 14.0, 30.0, 60.0)
    ]
    assert height[0] < 60.0
    assert (np.diff(height) > -1e-6).all()
    assert 0.1 * height[-1] < height[2] < 0.9 * height[-1]
    assert height[-2] == pytest.approx(height[-1], rel=1e-3)
    wide = evoked("median", "wrist", current_ma=8.0, width_us=1000.0, samples=400, keys=APB)[0]
    wide = -wide[0].min()
    assert wide > 1.5 * height[1]


def test_healthy_values_lie_where_they_were_published():
    """Means over subjects: ADM 11.6 mV and 3.0 ms (Buschbacher 1999), APB and FDI, CV 57 m/s, with
    the spread between people that the lower limits (49 m/s, 1 in 40) ask for."""
    grid, case, waves = Grid.of(FrontEnd(4000.0, "sinc3")), read_case("healthy"), []
    names = {"APB": "median", "FDI": "ulnar", "ADM": "ulnar"}
    for seed in range(24):
        told = {}
        for name, nerve in names.items():
            muscle = grown_muscle(case, case.person, f"left {name}", seed, grid)
            for site in ("wrist", "elbow") if name == "APB" else ("wrist",):
                told[name, site] = m_wave_truth(muscle, nerve, site, grid)
        waves.append(told)
    amplitude = {n: np.array([w[n, "wrist"]["amplitude_mv"] for w in waves]) for n in names}
    latency = {n: np.array([w[n, "wrist"]["onset_latency_ms"] for w in waves]) for n in names}
    far = np.array([w["APB", "elbow"]["onset_latency_ms"] for w in waves])
    velocity = 230.0 / (far - latency["APB"])
    assert np.mean(amplitude["ADM"]) == pytest.approx(11.6, abs=1.3)
    assert np.std(amplitude["ADM"]) == pytest.approx(2.1, rel=0.45)
    assert np.mean(latency["ADM"]) == pytest.approx(3.0, abs=0.2)
    assert np.mean(amplitude["APB"]) == pytest.approx(10.0, abs=1.8)
    assert np.mean(latency["APB"]) == pytest.approx(3.55, abs=0.25)
    assert np.mean(amplitude["FDI"]) == pytest.approx(14.0, abs=1.6)
    assert np.mean(velocity) == pytest.approx(57.3, abs=2.5)
    assert np.std(velocity) == pytest.approx(4.3, rel=0.4)


def test_lost_units_take_the_cmap_down_and_lost_drive_does_not():
    """LMN 0.5 keeps 50-80 %, LMN 1 under 45 % (survivors grow); UMN 1 changes nothing at all."""

    def height(**dials):
        return -evoked("ulnar", "wrist", samples=400, keys=("left ADM",), **dials)[0].min()

    healthy = height()
    assert 0.5 < height(lmn=0.5) / healthy < 0.8
    assert height(lmn=1.0) / healthy < 0.45
    assert height(umn=1.0) == pytest.approx(healthy, rel=1e-9)


def test_carpal_tunnel_delays_the_median_nerve_only():
    """DML to APB rises by the 2.4 ms of the case; the ulnar nerve keeps its latency."""
    front, sick = FrontEnd(1000.0, "sinc3"), read_case("cts")
    leads = (Lead(1, "left APB"), Lead(2, "left ADM"))
    well, ill = (
        Patient(case, seed=4, front_end=front, leads=leads)
        for case in (replace(sick, nerves={}, montage=()), replace(sick, montage=()))
    )
    delay = {
        muscle: truth_of(ill, muscle, "wrist")["onset_latency_ms"]
        - truth_of(well, muscle, "wrist")["onset_latency_ms"]
        for muscle in ("left APB", "left ADM")
    }
    assert delay["left APB"] == pytest.approx(2.4, abs=0.2)
    assert delay["left ADM"] == pytest.approx(0.0, abs=1e-9)


def test_f_waves_come_late_now_and_then_and_differ():
    """20 stimuli: persistence 60-100 %, latencies 22-34 ms, several units."""
    patient = patient_with("healthy", ["left ADM"], rate_hz=2000.0)
    patient.place("ulnar", "wrist", "left")
    for shot in range(20):
        patient.stimulate(1000.0 * shot + 100.0, current_ma=40.0, width_us=200.0)
    patient.advance(20000)
    truth = patient.truth(0, 20000)
    waves = [w for w in truth["f_waves"] if w["muscle"] == "left ADM"]
    late_ms = [(w["sample"] - 100.0) % 1000.0 / 2.0 for w in waves]
    sweeps = {int((w["sample"] - 100.0) // 1000) for w in waves}
    assert 12 <= len(sweeps) <= 20
    assert 22.0 < min(late_ms) < max(late_ms) < 36.0
    assert len({w["unit"] for w in waves}) > 8
