"""Sensory nerves: SNAPs on their leads, by distance, loss and cold."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.cases import NerveCondition, read_case
from simulators.patient.conduction import sensory_truth
from simulators.patient.subject import REFERENCE_PERSON

from .one_lead import answer_uv, patient_on, rows_of

SURAL, CALF = "left sural SNAP", ("sural", "calf", "left")


def test_a_snap_is_triphasic_and_what_the_truth_says():
    """Positive, negative, positive; peak latency within 0.05 ms and height within 3 % of truth."""
    wave = answer_uv(lambda: patient_on(SURAL), CALF, samples=300)[0]
    truth = rows_of(patient_on(SURAL), SURAL)["sural", "calf"]
    quiet = wave[28:]  # 1.75 ms: the artefact has gone
    peak = int(np.argmin(quiet))
    before, after = quiet[:peak].max(), quiet[peak:].max()
    assert 0.05 * -quiet[peak] < before < after
    assert (peak + 28) / 16.0 == pytest.approx(truth["peak_latency_ms"], abs=0.05)
    assert before - quiet[peak] == pytest.approx(truth["amplitude_uv"], rel=0.03)
    assert 2.2 < truth["onset_latency_ms"] < 3.8


def test_distance_cancels_sensory_potentials_more_than_it_delays_them():
    """Median D2 from wrist to elbow: lower and longer; velocity of a healthy forearm."""
    rows = rows_of(patient_on("left median D2 SNAP"), "left median D2 SNAP")
    palm, wrist, elbow = (rows["median", site] for site in ("palm", "wrist", "elbow"))
    assert palm["amplitude_uv"] > wrist["amplitude_uv"] > 1.3 * elbow["amplitude_uv"]
    way_mm = elbow["distance_mm"] - wrist["distance_mm"]
    assert 48.0 < way_mm / (elbow["onset_latency_ms"] - wrist["onset_latency_ms"]) < 75.0


def test_lost_fibres_lower_the_snap_and_a_lost_motor_neuron_does_not():
    """60 % of the fibres lost keep 25-55 %; the LMN dial changes no SNAP."""
    nerves = {"left sural": NerveCondition(sensory_loss=0.6)}
    well, ill = (patient_on(SURAL, **more) for more in ({}, {"nerves": nerves}))
    height = [rows_of(p, SURAL)["sural", "calf"]["amplitude_uv"] for p in (well, ill)]
    assert 0.25 < height[1] / height[0] < 0.55
    patient = patient_on("left AH", SURAL)
    patient.set_dial("left AH", lmn=1.0)
    patient.advance(20000)
    assert rows_of(patient, SURAL)["sural", "calf"]["amplitude_uv"] == height[0]


def test_a_weak_pulse_excites_some_fibres_and_a_weaker_one_none():
    """Submaximal stimulation: less than half of the height, at the same place."""
    full, part, none = (
        -answer_uv(lambda: patient_on(SURAL), CALF, current_ma=ma, samples=300)[0, 36:].min()
        for ma in (60.0, 6.0, 1.0)
    )
    assert full > 5.0
    assert none < 0.05 * full
    assert part < 0.9 * full


def test_cold_slows_and_enlarges_the_snap():
    """A foot of 24 instead of 31 °C: at least 0.5 ms later, and higher."""
    cold = replace(REFERENCE_PERSON, foot_temperature_c=24.0)
    warm, chilled = (sensory_truth(SURAL, person, 3) for person in (REFERENCE_PERSON, cold))
    assert chilled["peak_ms"] - warm["peak_ms"] > 0.4
    assert chilled["op_uv"] > 1.02 * warm["op_uv"]


def test_carpal_tunnel_spares_the_palm_and_the_ulnar_finger():
    """Delay between palm and wrist only."""
    case = read_case("cts")
    key = "left median D2 SNAP"
    ill = rows_of(patient_on(key, nerves=case.nerves), key)
    well = rows_of(patient_on(key), key)
    late = {
        site: ill["median", site]["peak_latency_ms"] - well["median", site]["peak_latency_ms"]
        for site in ("palm", "wrist")
    }
    assert late["wrist"] > late["palm"] + 1.5
    assert late["palm"] < 0.8
