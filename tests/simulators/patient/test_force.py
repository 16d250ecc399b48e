"""Force from twitches, ramps, fatigue; what a person makes of a task."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.cases import Behaviour, Dials, read_case
from simulators.patient.force import Forces, twitch_gain
from simulators.patient.front_end import STEP_S
from simulators.patient.patient import Patient
from simulators.patient.pool import PoolProperties
from simulators.patient.streams import random_stream

from .exam import patient_with

RATE = 2000.0
FDI, BB, TB = "left FDI", "left BB", "left TB"
SEEDS = [pytest.param(seed, marks=() if seed <= 3 else pytest.mark.soak) for seed in range(1, 21)]
FEW = [pytest.param(seed, marks=() if seed == 1 else pytest.mark.soak) for seed in range(1, 21)]


def person(
    seed: int,
    keys: tuple[str, ...] = (FDI, f"force {FDI}"),
    behaviour: Behaviour | None = None,
    **dials: float,
) -> Patient:
    """A healthy person but for these dials and this behaviour."""
    healthy = read_case("healthy")
    muscles = tuple(dict.fromkeys(key.removeprefix("force ") for key in keys))
    case = replace(
        healthy,
        montage=muscles,
        dials={**healthy.dials, muscles[0]: Dials(**dials)},
        behaviour=behaviour or healthy.behaviour,
    )
    return patient_with(case, list(keys), seed=seed, rate_hz=RATE)


def held(patient: Patient, task: str, level: float, seconds: float) -> np.ndarray:
    """Both leads while the patient does this; the first second is not shown."""
    patient.set_task(task, level)
    patient.advance(int(RATE))
    return patient.advance(int(seconds * RATE))


def median_hz(emg: np.ndarray) -> float:
    """Median frequency between 15 and 500 Hz, from windows of half a second."""
    n = int(0.5 * RATE)
    windows = emg[: emg.size // n * n].reshape(-1, n) * np.hanning(n)
    power = (np.abs(np.fft.rfft(windows)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    power[(frequency < 15.0) | (frequency > 500.0)] = 0.0
    whole = np.cumsum(power)
    return float(np.interp(0.5 * whole[-1], whole, frequency))


def test_one_discharge_is_one_twitch_and_fast_ones_fuse():
    """Against Fuglevand's own formula: P t / T exp(1 - t / T); at 40 per second force stands
    still at e * 0.4 / (1 - exp(-2 * 0.4³)) twitches, and the gain is 1 for slow trains."""
    pool = PoolProperties.draw(60, random_stream(1, "test"))
    unit, rested = 40, np.ones(60)
    forces = Forces()
    forces.join(pool)
    forces.add(0, np.array([unit]), np.array([0.010]))
    line = np.concatenate([forces.step(n * STEP_S, rested)[0] for n in range(int(0.5 / STEP_S))])
    times = 0.004 * np.arange(1, line.size + 1) - 0.022
    shape = np.maximum(times, 0.0) / pool.contraction_s[unit]
    twitch = shape * np.exp(1.0 - shape)
    scale = line.max() / twitch.max()
    assert np.allclose(line, scale * twitch, atol=1e-3 * line.max())
    forces = Forces()
    forces.join(pool)
    for at in np.arange(0.0, 1.0, 0.025):
        forces.add(0, np.array([unit]), np.array([at]))
    train = [forces.step(n * STEP_S, rested)[0] for n in range(int(1.0 / STEP_S))]
    steady = np.concatenate(train)[150:]
    assert steady.mean() == pytest.approx(9.05 * scale, rel=0.02)
    assert np.ptp(steady) < 0.15 * steady.mean()
    assert twitch_gain(np.array([0.1, 0.4]))[0] == pytest.approx(1.0)


@pytest.mark.parametrize("seed", FEW)
def test_the_force_lead_shows_the_effort_that_is_asked_for(seed: int):
    """10 µV per per cent: 10, 30 and 60 % within 3 % of maximal, maximal above 85 %; the truth
    says the same."""
    patient = person(seed)
    for level in (0.1, 0.3, 0.6):
        lead = held(patient, "hold", level, 2.0)[1]
        assert lead.mean() / 10.0 == pytest.approx(100.0 * level, abs=3.0)
        now = patient.sample_index
        rows = np.array(patient.truth(now - int(RATE), now)["force_percent"][FDI])
        assert rows[:, 1].mean() == pytest.approx(lead[-int(RATE) :].mean() / 10.0, abs=1.0)
    assert held(patient, "maximal", 0.0, 1.0)[1].mean() / 10.0 > 85.0


@pytest.mark.parametrize("seed", FEW)
def test_a_ramp_goes_up_and_down_and_recruits_in_order(seed: int):
    """Five seconds each way to 40 %: force follows, small units come first and go last."""
    patient = person(seed)
    patient.set_task("ramp", 0.4, seconds=5.0)
    lead = patient.advance(int(11 * RATE))[1] / 10.0
    middle = lead[int(4.8 * RATE) : int(5.2 * RATE)].mean()
    assert middle == pytest.approx(40.0, abs=6.0)
    assert lead[int(2.4 * RATE) : int(2.6 * RATE)].mean() == pytest.approx(20.0, abs=5.0)
    assert abs(lead[int(10.7 * RATE) :].mean()) < 3.0
    fired = patient.truth(0, patient.sample_index)["firings"][FDI]
    units = sorted(fired, key=int)
    begins = np.array([fired[unit][0] for unit in units])
    ends = np.array([fired[unit][-1] for unit in units])
    rank = np.arange(len(units))
    assert np.corrcoef(rank, begins)[0, 1] > 0.8
    assert np.corrcoef(rank, ends)[0, 1] < -0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_the_median_frequency_falls_in_a_strong_hold(seed: int):
    """70 % for 35 s: by a tenth or more, on a line, while the force is still held for a while."""
    patient = person(seed)
    leads = held(patient, "hold", 0.7, 35.0)
    course = [median_hz(part) for part in np.array_split(leads[0], 5)]
    assert course[-1] < 0.92 * course[0]
    assert np.polyfit(np.arange(5), course, 1)[0] < 0.0
    assert leads[1][: int(8 * RATE)].mean() / 10.0 == pytest.approx(70.0, abs=5.0)


@pytest.mark.parametrize("seed", FEW)
def test_force_and_rate_fall_in_a_maximal_effort_and_not_in_a_light_one(seed: int):
    """Half a minute of it, against a hold of 10 %."""
    fresh = person(seed)
    first = held(fresh, "maximal", 0.0, 2.0)
    begun = fresh.truth(int(RATE), fresh.sample_index)["firings"][FDI]
    fresh.advance(int(30 * RATE))
    then = fresh.sample_index
    last = fresh.advance(int(2 * RATE))
    tired = fresh.truth(then, fresh.sample_index)["firings"][FDI]
    assert last[1].mean() < 0.85 * first[1].mean()
    assert sum(map(len, tired.values())) < 0.9 * sum(map(len, begun.values()))
    light = held(person(seed), "hold", 0.1, 20.0)[1]
    halves = np.array_split(light, 2)
    assert halves[1].mean() == pytest.approx(halves[0].mean(), rel=0.1)


@pytest.mark.parametrize("seed", FEW)
def test_effort_pain_and_functional_weakness_are_seen_in_the_force(seed: int):
    """Maximal effort: a quarter is a quarter; pain withholds; functional effort is there and gone
    within seconds, and varies far more than an honest one."""
    usual = held(person(seed), "maximal", 0.0, 3.0)[1] / 10.0
    lazy = held(person(seed, behaviour=Behaviour(effort=0.25)), "maximal", 0.0, 3.0)[1] / 10.0
    assert lazy.mean() == pytest.approx(25.0, abs=4.0)
    sore = held(person(seed, behaviour=Behaviour(pain=0.8)), "maximal", 0.0, 3.0)[1] / 10.0
    assert sore.mean() < 0.6 * usual.mean()
    gives = held(person(seed, behaviour=Behaviour(functional=0.8)), "maximal", 0.0, 12.0)[1] / 10.0
    assert gives.std() / gives.mean() > 4.0 * usual.std() / usual.mean()
    assert gives.min() < 0.5 * gives.max()


@pytest.mark.parametrize("seed", FEW)
def test_rest_is_silent_unless_one_cannot_relax_or_is_rigid(seed: int):
    """Few units on and off with poor relaxation; some all the time with rigidity."""
    counts = {}
    for name, task, behaviour in (
        ("well", "rest", Behaviour()),
        ("badly", "poor_relaxation", Behaviour()),
        ("tense", "rest", Behaviour(relaxation=0.2)),
        ("rigid", "rest", Behaviour(rigidity=0.6)),
    ):
        patient = person(seed, (FDI,), behaviour)
        held(patient, task, 0.0, 4.0)
        fired = patient.truth(int(RATE), patient.sample_index)["firings"].get(FDI, {})
        counts[name] = len(fired)
    assert counts["well"] == 0
    assert all(1 <= counts[name] < 70 for name in ("badly", "tense", "rigid"))


def rhythm(emg: np.ndarray) -> tuple[float, float]:
    """Frequency of the strongest modulation between 3 and 14 Hz of the rectified trace, and its
    height over the median of that band."""
    n = int(4 * RATE)
    windows = np.abs(emg[: emg.size // n * n]).reshape(-1, n)
    windows = (windows - windows.mean(axis=1, keepdims=True)) * np.hanning(n)
    power = (np.abs(np.fft.rfft(windows)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(n, 1 / RATE)
    band = (frequency > 3.0) & (frequency < 14.0)
    top = int(np.argmax(power[band]))
    return float(frequency[band][top]), float(power[band][top] / np.median(power[band]))


@pytest.mark.parametrize("seed", FEW)
def test_tremors_beat_at_their_own_frequency_and_in_their_own_task(seed: int):
    """Parkinsonian at rest, alternating, and gone in action; essential in posture; physiological
    at 8-12 Hz hardly to be seen."""
    shaking = Behaviour(tremor_hz=5.0, tremor=0.5)
    patient = person(seed, (BB, TB), shaking)
    flexor, extensor = held(patient, "rest", 0.0, 8.0)
    at_hz, height = rhythm(flexor)
    assert at_hz == pytest.approx(5.0, abs=0.3)
    assert height > 10.0
    n = int(0.05 * RATE)
    power = [np.abs(one).reshape(-1, n).mean(axis=1) for one in (flexor, extensor)]
    assert np.corrcoef(*power)[0, 1] < -0.2
    assert rhythm(held(patient, "hold", 0.2, 4.0)[0])[1] < 0.4 * height
    essential = person(seed, (BB,), Behaviour(tremor_hz=9.0, tremor=0.7))
    at_hz, _ = rhythm(held(essential, "posture", 0.15, 8.0)[0])
    assert at_hz == pytest.approx(9.0, abs=0.3)
    first = essential.sample_index
    held(essential, "rest", 0.0, 1.0)
    assert essential.truth(first + int(RATE), essential.sample_index)["firings"] == {}


@pytest.mark.parametrize("seed", FEW)
def test_rigidity_does_not_depend_on_the_speed_of_a_stretch(seed: int):
    """Activity while the muscle lengthens: about the same at 40 and 200 degrees a second."""
    patient = person(seed, (BB,), Behaviour(rigidity=0.8))
    levels = []
    for velocity in (40.0, 200.0):
        patient.set_task("stretch", velocity_deg_s=velocity)
        moving = []
        for _ in range(2):
            first = patient.sample_index
            emg = patient.advance(int((2.0 + 90.0 / velocity + 3.64) * RATE))[0]
            course = np.array(patient.truth(first, patient.sample_index)["angle_deg"][BB])
            for at, _, speed in course:
                if speed > 0.8 * velocity and at - first + 0.06 * RATE < emg.size:
                    moving.append(emg[int(at - first) :][: int(0.04 * RATE)].std())
        levels.append(np.mean(moving))
        patient.set_task("rest")
        patient.advance(int(RATE))
    assert 0.6 < levels[1] / levels[0] < 1.6


def test_the_angle_lead_is_the_truth():
    """10 µV per degree, both ways; muscles across the joint see opposite angles."""
    patient = person(1, (BB, TB))
    patient.set_montage({1: f"angle {BB}", 2: f"angle {TB}"})
    patient.set_task("stretch", velocity_deg_s=60.0)
    first = patient.sample_index
    leads = patient.advance(int(6 * RATE)) / 10.0
    course = np.array(patient.truth(first, patient.sample_index)["angle_deg"][BB])
    inside = course[course[:, 0] - first < leads.shape[1] - 1]
    seen = leads[0][(inside[:, 0] - first).astype(int)]
    assert np.abs(seen - inside[:, 1]).max() < 2.5
    assert np.abs(leads[0] + leads[1] - 100.0).max() < 5.0
    assert 85.0 < np.ptp(inside[:, 1]) < 92.0
