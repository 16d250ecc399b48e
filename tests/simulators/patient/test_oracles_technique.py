"""What a bad electrode, a weak stimulus, a cold hand or a slow device does to the simulated patient
is noticed by the service's own gates (the clinical reference's list of acceptance oracles).

The first seed runs with every test, the rest in the long runs.
"""

from dataclasses import replace

import numpy as np
import pytest

from drivers.capability import permit
from drivers.types import Allowance, Capability, Study
from service.analysis.gates import Direction, blocked, cold, tripped
from service.analysis.motor import motor_response
from service.analysis.quality import QualitySettings, quality
from service.evidence.findings import Step, supramaximal
from simulators.patient.cases import read_case

from .exam import STRONG_MA, patient_with, stimulated

ADM = "left ADM"
REST_HZ = 2000.0
BEFORE_S = 0.01
BASELINE_UV = 10.0  # RMS at rest, clinical reference 0.3
SEEDS = [pytest.param(seed, marks=() if seed == 1 else pytest.mark.soak) for seed in range(1, 21)]
ERRORS = (
    ({"lead_off": 1.0}, "mains"),
    ({"dry_electrode": 1.0}, "mains"),
    ({"mains_uv": 60.0}, "mains"),
    ({"mains_uv": 900.0, "saturation_uv": 300.0}, "saturated"),
    ({"ecg_uv": 400.0}, "baseline_noise"),
)
SLOW = Capability(250.0, 65.0, 0.02, "counter-mod-256", "sample", needle_input=True,
                  isolation_note="")  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_every_bad_electrode_is_flagged_and_a_good_one_is_not(seed: int):
    """4 s at rest: each error raises its own flag, ECG shows as a noisy baseline. Well prepared
    leads raise none, at rest and in an effort."""
    patient = patient_with("healthy", [ADM], seed=seed, rate_hz=REST_HZ, kind="sinc3")
    assert _flags(patient.advance(int(4 * REST_HZ))) == set()
    patient.set_task("hold", 0.2)
    patient.advance(int(REST_HZ))
    assert _flags(patient.advance(int(4 * REST_HZ)), resting=False, rail_uv=None) == set()
    for errors, flag in ERRORS:
        spoilt = patient_with("healthy", [ADM], seed=seed, rate_hz=REST_HZ, kind="sinc3")
        for name, value in errors.items():
            spoilt.set_technique(name, value)
        assert flag in _flags(spoilt.advance(int(4 * REST_HZ)))


def _flags(
    recorded: np.ndarray, *, resting: bool = True, rail_uv: float | None = 300.0
) -> set[str]:
    """What the service says is wrong with the only channel."""
    found = quality(recorded[0], REST_HZ, settings=QualitySettings(rail_uv=rail_uv))
    noisy = resting and found.values["rms_uv"] > BASELINE_UV
    return {reason.partition(":")[0] for reason in found.reasons} | (
        {"baseline_noise"} if noisy else set()
    )


def _heights(seed: int, currents: list[float]) -> list[float]:
    """Amplitude in mV that the service reads for each current."""
    patient = patient_with("healthy", [ADM], seed=seed)
    sweeps = stimulated(patient, ADM, "wrist", currents, before_s=BEFORE_S)
    read = (motor_response(one, sweeps.rate_hz, sweeps.zero) for one in sweeps.samples_uv)
    return [one.values["amplitude_mv"] for one in read]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stimulus_that_is_too_weak_is_not_taken_for_the_whole_response(seed: int):
    """Steps that end while half of the units answer prove nothing; the same steps, carried on to
    a fifth above the plateau, do."""
    patient = patient_with("healthy", [ADM], seed=seed)
    row = next(row for row in patient.templates()["m_waves"] if row["site"] == "wrist")
    low, middle, high = row["threshold_ma"]
    weak = [low + share * (middle - low) for share in (0.6, 0.8, 1.0)]
    enough = [*weak, 1.2 * high, 1.4 * high]
    for currents, proven in ((weak, False), (enough, True)):
        heights = _heights(seed, currents)
        steps = [Step(ma, mv) for ma, mv in zip(currents, heights, strict=True)]
        assert supramaximal(steps).proven is proven


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hand_of_24_degrees_slows_and_the_slowing_is_not_read(seed: int):
    """Later by more than a millisecond and larger; the gate keeps slowing, and a normal amplitude,
    unknown. A warm hand trips nothing."""
    person = read_case("healthy").person
    late = {}
    for warmth in (24.0, 33.0):
        case = replace(read_case("healthy"), person=replace(person, hand_temperature_c=warmth))
        patient = patient_with(case, [ADM], seed=seed)
        sweeps = stimulated(patient, ADM, "wrist", [STRONG_MA], before_s=BEFORE_S)
        found = motor_response(sweeps.samples_uv, sweeps.rate_hz, sweeps.zero)
        late[warmth] = found.values["onset_latency_ms"]
        flags = tripped([cold("hand", patient.describe()["hand_temperature_c"])])
        for finding in (Direction.SLOW, Direction.NORMAL):
            assert bool(blocked(flags, finding)) is (warmth < 32.0)
    assert late[24.0] > late[33.0] + 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_device_of_250_hz_cannot_measure_a_cmap_and_says_so(seed: int):
    """Behind its filter the same response has lost a tenth of its height and more, so that no nerve
    conduction study, MUNIX or needle is assessable there; fasciculations can be counted."""
    seen = {}
    for rate_hz in (16000.0, 250.0):
        patient = patient_with("healthy", [ADM], seed=seed, rate_hz=rate_hz, kind="sinc3")
        sweeps = stimulated(patient, ADM, "wrist", [STRONG_MA] * 5, every_s=0.2123)
        seen[rate_hz] = float(sweeps.negative_mv(from_ms=6.0).mean())
    assert seen[250.0] < 0.9 * seen[16000.0]
    judged = {study: permit(SLOW, study) for study in Study}
    for study in (
        Study.MOTOR_NCS, Study.SENSORY_NCS, Study.F_WAVE, Study.H_REFLEX, Study.RNS,
        Study.CMAP_SCAN, Study.MUNIX, Study.NEEDLE,
    ):  # fmt: skip
        assert judged[study].allowance is Allowance.NO
        assert "250 Hz" in judged[study].reason
    assert judged[Study.SURFACE_FASCICULATION].allowance is Allowance.LIMITED
