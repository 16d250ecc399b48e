"""Healthy people in closed form: the same as the grown body, published spread, sides alike."""

import numpy as np
import pytest

from simulators.patient.anatomy import body_plan
from simulators.patient.cases import read_case
from simulators.patient.conduction import conduction_truth
from simulators.patient.subject import REFERENCE_PERSON, Person, drawn, norms

from .one_lead import patient_on, rows_of


@pytest.mark.parametrize(
    ("key", "nerve", "sites"),
    [
        ("left APB", "median", ("wrist", "elbow")),
        ("left ADM", "ulnar", ("wrist", "elbow")),
        ("right AH", "tibial", ("ankle", "knee")),
        ("left EDB", "fibular", ("ankle", "knee")),
    ],
)
def test_the_closed_form_agrees_with_the_grown_body(key, nerve, sites):
    """Distal: to 1 % and 0.05 ms; from above: to 12 % and 0.25 ms, for three subjects."""
    for seed in range(3):
        rows = rows_of(patient_on(key, seed=seed, rate_hz=1000.0), key)
        told = conduction_truth(read_case("healthy").person, seed, keys=[key])[key]
        for site, height, late in zip(sites, (0.01, 0.12), (0.05, 0.25), strict=True):
            row = rows[nerve, site]
            assert told[f"{site}_amplitude_mv"] == pytest.approx(row["amplitude_mv"], rel=height)
            assert told[f"{site}_latency_ms"] == pytest.approx(row["onset_latency_ms"], abs=late)


def test_people_spread_as_published():
    """60 adults: ADM 11.6 ± 2.1 mV and 3.0 ± 0.3 ms, ulnar 61 m/s, F 26.5 ± 2.1 ms (within 15 %,
    and the error of a sample of 60)."""
    rng = np.random.default_rng(5)
    found = [
        conduction_truth(
            Person(rng.uniform(20, 80), "FM"[n % 2], rng.normal(*((163, 6.5), (176, 7))[n % 2])),
            n,
            keys=["left ADM"],
        )["left ADM"]
        for n in range(60)
    ]
    for quantity, mean, sd in (
        ("wrist_amplitude_mv", 11.6, 2.1),
        ("wrist_latency_ms", 3.0, 0.3),
        ("forearm_m_s", 61.0, 4.8),
        ("f_min_ms", 26.5, 2.1),
        ("f_persistence_pct", 83.0, 19.0),
        ("f_chronodispersion_ms", 3.9, 0.9),
    ):
        values = np.array([row[quantity] for row in found])
        assert values.mean() == pytest.approx(mean, rel=0.15)
        assert values.std() == pytest.approx(sd, rel=0.45)


def test_age_and_height_do_what_they_do():
    """Old people have smaller responses and slower nerves; tall ones late F-waves."""
    young, old, tall = (
        conduction_truth(Person(age, "M", cm), 4, keys=["left AH", "left sural SNAP"])
        for age, cm in ((25.0, 170.0), (75.0, 170.0), (25.0, 195.0))
    )
    assert old["left AH"]["ankle_amplitude_mv"] < young["left AH"]["ankle_amplitude_mv"]
    assert old["left AH"]["leg_m_s"] < young["left AH"]["leg_m_s"] - 2.0
    assert old["left sural SNAP"]["op_uv"] < 0.75 * young["left sural SNAP"]["op_uv"]
    assert tall["left AH"]["f_min_ms"] > young["left AH"]["f_min_ms"] + 5.0


def test_the_two_sides_are_alike_but_not_the_same():
    """Correlation of ADM amplitudes between sides near the 0.7 of its row, over 300 subjects."""
    both = np.array(
        [
            [drawn(REFERENCE_PERSON, n, "amplitude_mv", "ADM", side) for side in ("left", "right")]
            for n in range(300)
        ]
    )
    assert np.corrcoef(both.T)[0, 1] == pytest.approx(0.7, abs=0.1)


def test_every_muscle_and_recording_has_its_norms_with_source_and_trust():
    """No row without origin; no muscle, recording or nerve without rows."""
    table, plan = norms(), body_plan()
    assert set(table["amplitude_mv"]) == set(table["latency_ms"]) == set(plan.muscles)
    assert set(table["sensory_uv"]) == set(table["sensory_latency_ms"]) == set(plan.sensory)
    assert set(table["velocity_m_s"]) == {muscle.nerve for muscle in plan.muscles.values()}
    for kind, rows in table.items():
        for name, row in rows.items():
            assert row.trust in ("V", "V2", "M", "P"), (kind, name)
            assert row.source
            assert row.sd >= 0.0
            assert 0.0 <= row.side_r <= 1.0
