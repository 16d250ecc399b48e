"""What the simulated patient must be able to produce, read by the service's own measures and held
against the truth (the clinical reference's list of acceptance oracles), over many seeds.

The first seed runs with every test, the rest in the long runs.
"""

from dataclasses import replace

import numpy as np
import pytest

from service.analysis.conduction import conduction
from service.analysis.f_wave import FWaveSettings, f_wave
from service.analysis.motor import motor_response
from service.analysis.munix import MunixSettings, munix
from simulators.patient.cases import Case, Dials, NerveCondition, read_case
from simulators.patient.patient import Patient

from .exam import RATE_HZ, STRONG_MA, during, patient_with, stimulated

HEALTHY = read_case("healthy")
FDI, ADM = "left FDI", "left ADM"
BEFORE_S = 0.01
SEEDS = [pytest.param(seed, marks=() if seed == 1 else pytest.mark.soak) for seed in range(1, 21)]
LEVELS = np.linspace(0.08, 1.0, 24)
EPOCH = int(0.5 * RATE_HZ)


def sick(key: str, **dials: float) -> Case:
    """A healthy person with these dials in one muscle."""
    return replace(HEALTHY, dials={**HEALTHY.dials, key: Dials(**dials)})


def response(patient: Patient, key: str, site: str, count: int = 4):
    """`motor_response` of some pulses, and the truth of that site."""
    sweeps = stimulated(patient, key, site, [STRONG_MA] * count, before_s=BEFORE_S)
    found = motor_response(sweeps.samples_uv, RATE_HZ, sweeps.zero)
    told = patient.templates()["m_waves"]
    return found, next(row for row in told if row["muscle"] == key and row["site"] == site)


def segment(case: Case, seed: int, key: str, near: str, far: str):
    """`conduction` between two sites and the truth of both."""
    patient = patient_with(case, [key], seed=seed)
    (distal, here), (proximal, there) = (response(patient, key, site) for site in (near, far))
    way_mm = there["distance_mm"] - here["distance_mm"]
    nerve = here["nerve"]
    return conduction(distal, proximal, nerve=nerve, distance_mm=way_mm), here, there


@pytest.mark.parametrize("seed", SEEDS)
def test_amplitude_latency_and_velocity_are_read_as_they_are(seed: int):
    """Amplitude within 2 %, distal latency within 0.1 ms, velocity within 1 m/s of the truth."""
    patient = patient_with("healthy", [ADM], seed=seed)
    distal, here = response(patient, ADM, "wrist")
    proximal, there = response(patient, ADM, "elbow")
    assert distal.values["amplitude_mv"] == pytest.approx(here["amplitude_mv"], rel=0.02)
    assert distal.values["onset_latency_ms"] == pytest.approx(here["onset_latency_ms"], abs=0.1)
    way_mm = there["distance_mm"] - here["distance_mm"]
    true = way_mm / (there["onset_latency_ms"] - here["onset_latency_ms"])
    found = conduction(distal, proximal, nerve="ulnar", distance_mm=way_mm)
    assert found.values["velocity_m_s"] == pytest.approx(true, abs=1.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_block_of_sixty_per_cent_is_seen_as_block(seed: int):
    """Across the elbow; the forearm below is as healthy as before."""
    ill = NerveCondition(block={"elbow": 0.6})
    case = replace(HEALTHY, nerves={"left ulnar": ill})
    found, _, _ = segment(case, seed, FDI, "below_elbow", "elbow")
    assert 45.0 < found.values["amplitude_drop_percent"] < 78.0
    states = {item["name"]: item["state"] for item in found.items}
    assert states["block"] in {"present", "possible"}
    below, _, _ = segment(case, seed, FDI, "wrist", "below_elbow")
    assert below.values["amplitude_drop_percent"] < 20.0


@pytest.mark.parametrize("seed", SEEDS)
def test_dispersion_prolongs_and_lowers_without_block(seed: int):
    """Axons slowed unequally, just so much that the response lasts 35 % longer: dispersion is
    seen, and no block while the area falls by less than half; (nearly) every axon conducts."""
    for spread in (1.0, 1.4, 1.8, 2.2, 2.6, 3.0):
        ill = NerveCondition(dispersion={"forearm": spread})
        case = replace(HEALTHY, nerves={"left ulnar": ill})
        found, here, there = segment(case, seed, FDI, "wrist", "below_elbow")
        if found.values["duration_increase_percent"] >= 35.0:
            break
    assert there["reached_count"] >= 0.9 * here["reached_count"]
    states = {item["name"]: item["state"] for item in found.items}
    assert states["dispersion"] == "present"
    assert found.values["area_drop_percent"] < 50.0
    assert states["block"] != "present"


@pytest.mark.parametrize("seed", SEEDS)
def test_f_waves_are_as_many_and_as_late_as_in_the_truth(seed: int):
    """Persistence against the number of stimuli after which a unit of 20 µV or more fired back."""
    patient = patient_with("healthy", ["left AH"], seed=seed)
    first = patient.sample_index
    sweeps = stimulated(
        patient, "left AH", "ankle", [STRONG_MA] * 24, every_s=0.2, sweep_s=0.11, before_s=BEFORE_S
    )
    told = patient.truth(first, patient.sample_index)
    shots = np.array([row["sample"] for row in told["stimuli"]])
    back = np.array([row["sample"] for row in told["f_waves"]])
    answered = np.unique(np.searchsorted(shots, back)).size
    leg = FWaveSettings(window_from_ms=36.0, window_to_ms=85.0)
    found = f_wave(sweeps.samples_uv, RATE_HZ, sweeps.zero, settings=leg)
    share = found.values["persistence_percent"] / 100.0
    assert answered / shots.size - 0.35 < share <= answered / shots.size + 0.05
    assert 35.0 < found.values["f_min_ms"] < 65.0


def sip(case: Case, seed: int, key: str = FDI) -> tuple[np.ndarray, object]:
    """Epochs of efforts from slight to maximal, and the CMAP sweeps."""
    patient = patient_with(case, [key], seed=seed)
    sweeps = stimulated(patient, key, "wrist", [STRONG_MA] * 3, before_s=BEFORE_S)
    epochs = [during(patient, "hold", level, 0.5)[0] for level in LEVELS]
    return np.array(epochs), sweeps


def index_of(case: Case, seed: int, *, maximal: bool | None = True):
    """MUNIX of such efforts."""
    epochs, sweeps = sip(case, seed)
    settings = MunixSettings(maximal_effort=maximal)
    return munix(sweeps.samples_uv, RATE_HZ, sweeps.zero, epochs, settings=settings)


@pytest.mark.parametrize("seed", SEEDS)
def test_half_the_units_are_half_the_munix_and_sprouting_hides_it(seed: int):
    """Units lost without reinnervation: MUNIX halves, MSIX stays. The same loss with their fibres
    taken over: CMAP and MUNIX stay, although half of the units are gone."""
    whole = index_of(HEALTHY, seed).values
    half = index_of(sick(FDI, lmn=0.526, reinnervation=0.0, fasciculation=0.0), seed).values
    grown = index_of(sick(FDI, lmn=0.526, reinnervation=1.0, fasciculation=0.0), seed).values
    lost_mv = whole["cmap_amplitude_mv"] / half["cmap_amplitude_mv"]
    assert 1.5 < lost_mv < 2.6
    assert whole["munix"] / half["munix"] == pytest.approx(lost_mv, rel=0.2)
    assert half["msix_uv"] / whole["msix_uv"] == pytest.approx(1.0, abs=0.2)
    kept_mv = grown["cmap_amplitude_mv"] / whole["cmap_amplitude_mv"]
    assert kept_mv > 0.7
    assert grown["munix"] / whole["munix"] == pytest.approx(kept_mv, rel=0.25)


@pytest.mark.soak
def test_over_many_people_munix_follows_the_cmap_and_nothing_else():
    """Mean of ten: half the units, half the index, within 10 % of the CMAP's own fall; with all
    fibres taken over as much of it as of the CMAP, within 10 %."""
    halved, regrown = [], []
    for seed in range(21, 31):
        whole, half, grown = (
            index_of(case, seed).values
            for case in (
                HEALTHY,
                sick(FDI, lmn=0.526, reinnervation=0.0, fasciculation=0.0),
                sick(FDI, lmn=0.526, reinnervation=1.0, fasciculation=0.0),
            )
        )
        for other, into in ((half, halved), (grown, regrown)):
            cmap = other["cmap_amplitude_mv"] / whole["cmap_amplitude_mv"]
            into.append(other["munix"] / whole["munix"] / cmap)
    assert np.mean(halved) == pytest.approx(1.0, abs=0.10)
    assert np.mean(regrown) == pytest.approx(1.0, abs=0.10)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quarter_of_the_drive_gives_no_munix(seed: int):
    """An upper motor neuron lesion that leaves a quarter of the excitation, every unit alive: no
    number, whatever the examiner says of the effort."""
    found = index_of(sick(FDI, umn=0.9, drive=0.9), seed, maximal=None)
    assert found.state == "not_assessable"
    assert "munix" not in found.values


def mean_rates(case: Case, seed: int, levels: tuple[float, ...]) -> list[float]:
    """Mean rate of the units that fire at the lowest level, at each level, pps."""
    patient = patient_with(case, [FDI], seed=seed, rate_hz=2000.0)
    followed: list[str] = []
    means = []
    for level in levels:
        patient.set_task("hold", level)
        patient.advance(3000)
        first = patient.sample_index
        patient.advance(12000)
        fired = patient.truth(first, patient.sample_index)["firings"][FDI]
        followed = followed or [unit for unit, times in fired.items() if len(times) > 20]
        means.append(float(np.mean([len(fired.get(unit, ())) / 6.0 for unit in followed])))
    return means


@pytest.mark.parametrize("seed", SEEDS)
def test_rates_rise_with_effort_in_health_and_hardly_with_an_upper_motor_neuron_lesion(seed: int):
    """Units followed from 5 to 20 % effort, slope in pps per per cent; all beyond recruitment."""
    levels = (0.05, 0.20)
    slope = {
        name: np.diff(mean_rates(case, seed, levels))[0] / 15.0
        for name, case in (("healthy", HEALTHY), ("pls", read_case("pls")))
    }
    assert 0.2 < slope["healthy"] < 1.2
    assert slope["pls"] < 0.5 * slope["healthy"]


@pytest.mark.parametrize("seed", SEEDS)
def test_healthy_firing_is_within_the_published_ranges(seed: int):
    """5-9 pps at recruitment, 20-40 at maximal effort, interval CV 0.10-0.25."""
    patient = patient_with("healthy", [FDI], seed=seed, rate_hz=2000.0)
    slow, fast, variation = [], [], []
    for level, into in ((0.03, slow), (1.0, fast)):
        patient.set_task("hold", level)
        patient.advance(3000)
        first = patient.sample_index
        patient.advance(16000)
        fired = patient.truth(first, patient.sample_index)["firings"][FDI].values()
        for times in fired:
            if len(times) > 24:
                intervals = np.diff(np.array(times)) / 2000.0
                usual = intervals[intervals < 2.0 * np.median(intervals)]
                into.append(1.0 / usual.mean())
                variation.append(usual.std() / usual.mean())
    assert 5.0 <= np.min(slow) <= 9.0
    assert 20.0 <= np.median(fast) <= 40.0
    assert 0.10 <= np.median(variation) <= 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_fasciculations_come_as_often_as_the_dial_says_and_at_random(seed: int):
    """Counted over three minutes; intervals with a CV of random events, several templates."""
    patient = patient_with("benign_fasciculations", ["left MG"], seed=seed, rate_hz=1000.0)
    patient.advance(180_000)
    told = patient.truth(0, patient.sample_index)["fasciculations"]
    at_s = np.array([row["sample"] for row in told]) / 1000.0
    assert 15 < at_s.size < 200
    assert np.diff(at_s).std() / np.diff(at_s).mean() > 0.6
    assert len({row["unit"] for row in told}) >= 2
