"""H-reflex, repetitive stimulation, clonus and tremor of the simulated patient as the service's own
measures read them, against the truth (the clinical reference's list of acceptance oracles).

The first seed runs with every test, the rest in the long runs.
"""

from dataclasses import replace

import numpy as np
import pytest

from service.analysis.clonus import ClonusSettings, clonus
from service.analysis.h_reflex import h_reflex
from service.analysis.rns import rns
from simulators.patient.cases import Behaviour, Dials, read_case
from simulators.patient.patient import Patient

from .exam import STRONG_MA, patient_with, scan_currents, stimulated

SOL, ADM, TA = "left SOL", "left ADM", "left TA"
RATE_HZ = 4000.0
SLOW_HZ = 1000.0
BEFORE_S = 0.01
SEEDS = [pytest.param(seed, marks=() if seed == 1 else pytest.mark.soak) for seed in range(1, 21)]


@pytest.mark.parametrize("seed", SEEDS)
def test_h_rises_before_m_and_its_ratio_is_that_of_the_truth(seed: int):
    """Long pulses every 8 s, two of each current: measured, half its way up before M's, and H/M
    within a fifth of the noise-free curve after long rest (some depression is left after 8 s, and
    excitability wavers from pulse to pulse)."""
    patient = patient_with("healthy", [SOL], seed=seed, rate_hz=RATE_HZ)
    told = next(row for row in patient.templates()["reflexes"] if row["muscle"] == SOL)["h_curve"]
    top = scan_currents(patient, SOL, "knee", 2)[0]
    currents = np.repeat(np.append(np.linspace(0.12, 0.45, 14), [0.7, 0.85]) * top, 2)
    sweeps = stimulated(
        patient, SOL, "knee", currents, width_us=1000.0, every_s=8.0, before_s=BEFORE_S
    )
    found = h_reflex(
        sweeps.samples_uv, RATE_HZ, sweeps.zero, current_ma=currents,
        stimulus_s=8.0 * np.arange(currents.size),
    )  # fmt: skip
    assert found.state == "measured"
    assert found.values["h_m_ratio"] == pytest.approx(told["h_m_ratio"], rel=0.2)
    assert found.values["h_half_ma"] < found.values["m_half_ma"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_decrement_is_read_as_the_case_has_it(seed: int):
    """Ten pulses at 3 Hz: 28 % at the fourth in myasthenia, within 3; below 4 % in health."""
    seen = {}
    for name in ("myasthenia", "healthy"):
        patient = patient_with(name, [ADM], seed=seed, rate_hz=RATE_HZ)
        sweeps = stimulated(
            patient, ADM, "wrist", [STRONG_MA] * 10, every_s=1 / 3, before_s=BEFORE_S
        )
        times = np.arange(10) / 3.0
        found = rns(sweeps.samples_uv, RATE_HZ, sweeps.zero, stimulus_s=times)
        seen[name] = found.values["decrement_4_percent"]
    assert seen["myasthenia"] == pytest.approx(28.0, abs=3.0)
    assert abs(seen["healthy"]) < 4.0


def _stretched(seed: int, reflex: float) -> tuple[Patient, np.ndarray]:
    """6 s of a stretched calf without tone of its own: spastic dystonia would fill the gaps."""
    case = read_case("healthy")
    case = replace(case, dials={**case.dials, SOL: Dials(reflex=reflex)})
    patient = patient_with(case, [SOL], seed=seed, rate_hz=SLOW_HZ)
    patient.advance(int(SLOW_HZ))
    patient.set_task("stretch")
    return patient, patient.advance(int(6 * SLOW_HZ))[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_clonus_is_read_at_its_own_frequency_and_not_in_health(seed: int):
    """Within 0.3 Hz of the truth's beats, five or more in a row; absent in health; unknown where
    the task is not known to be passive."""
    patient, emg = _stretched(seed, 0.9)
    beats = [row["sample"] for row in patient.truth(0, patient.sample_index)["clonus_beats"]]
    true_hz = SLOW_HZ / float(np.mean(np.diff(beats)))
    passive = ClonusSettings(passive=True)
    found = clonus(emg, SLOW_HZ, settings=passive)
    assert found.state == "measured"
    assert found.values["frequency_hz"] == pytest.approx(true_hz, abs=0.3)
    assert found.values["burst_count"] >= 5
    assert clonus(emg, SLOW_HZ).state == "not_assessable"
    _, quiet = _stretched(seed, 0.0)
    assert clonus(quiet, SLOW_HZ, settings=passive).state == "absent"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tremor_in_a_voluntary_task_is_no_clonus(seed: int):
    """A tremor of 7.5 Hz while a posture is held beats as regularly: unknown, never clonus."""
    case = replace(read_case("healthy"), behaviour=Behaviour(tremor=1.0, tremor_hz=7.5))
    patient = patient_with(case, [TA], seed=seed, rate_hz=SLOW_HZ)
    patient.set_task("posture", 0.15)
    patient.advance(int(SLOW_HZ))
    emg = patient.advance(int(6 * SLOW_HZ))[0]
    found = clonus(emg, SLOW_HZ, settings=ClonusSettings(passive=False))
    assert found.state == "not_assessable"
    assert any("passive" in reason for reason in found.reasons)
    assert "frequency_hz" not in found.values
