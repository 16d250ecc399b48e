"""The needle: what the units look like from inside, what rests not, and that it is one muscle."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, lfilter

from simulators.patient import FrontEnd, Lead
from simulators.patient.anatomy import body_plan
from simulators.patient.body import grown_body
from simulators.patient.cases import Dials, read_case
from simulators.patient.front_end import Grid
from simulators.patient.motor_units import remodelled, sprouting
from simulators.patient.needle.electrode import NeedleElectrode, NeedlePlace
from simulators.patient.needle.fibre_map import FibreMap, territory_mm
from simulators.patient.needle.field import Fibres, potentials_uv
from simulators.patient.patient import Patient

from .needle_measured import mean_of, slightly_active, subject

KEY = "left FDI"
GRID = Grid.of(FrontEnd(2000.0, "none"))
PUBLISHED = {  # University of Cyprus: mean and SD over subjects, duration in ms, amplitude in mV
    "healthy": ((9.6, 1.0), (0.37, 0.06)),
    "motor neuron disease": ((13.4, 1.6), (0.83, 0.23)),
    "myopathy": ((7.2, 1.4), (0.24, 0.11)),
}
LESIONS = {
    "healthy": {},
    "motor neuron disease": {"lmn": 0.8, "months": 18.0},
    "myopathy": {"myopathy": 0.7},
}


HELD_OUT = {  # healthy muscles that nothing was set to: mean, SD over subjects (clinical.md 2.3)
    ("TA", "amplitude_mv"): (0.6615, 0.092),
    ("TA", "duration_ms"): (9.35, 0.93),
    ("TA", "phases"): (3.47, 0.36),
    ("TA", "turns"): (3.35, 0.52),
    ("FDI", "amplitude_mv"): (0.752, 0.247),
    ("FDI", "duration_ms"): (9.4, 1.3),
}


def held_out() -> dict[tuple[str, str], np.ndarray]:
    """Means of five people, twelve potentials each, of every quantity held out."""
    people = {
        muscle: [subject(seed, count=12, muscle=f"left {muscle}") for seed in range(5)]
        for muscle in ("TA", "FDI")
    }
    return {
        (muscle, quantity): np.array([mean_of(person, quantity) for person in people[muscle]])
        for muscle, quantity in HELD_OUT
    }


def _patient(dials=None, *, seed=2, rate=16000.0, months=None, muscle=KEY):
    case = read_case("healthy")
    case = replace(
        case,
        montage=(muscle,),
        months=months,
        dials={**case.dials, muscle: dials or Dials()},
    )
    leads = (Lead(1, f"needle {muscle}"),)
    return Patient(case, seed=seed, front_end=FrontEnd(rate, "none"), leads=leads)


def _events(patient, first=0):
    """activity -> list of (sample, source)."""
    found = {}
    for event in patient.truth(first, patient.sample_index)["needle_events"]:
        found.setdefault(event["activity"], []).append((event["sample"], event["source"]))
    return found


def test_small_studies_are_ordered_as_published():
    """Six potentials of one person each: neurogenic longer and higher than healthy."""
    healthy, neurogenic = (
        subject(1, count=6, **LESIONS[name]) for name in ("healthy", "motor neuron disease")
    )
    assert mean_of(neurogenic, "duration_ms") > mean_of(healthy, "duration_ms")
    assert mean_of(neurogenic, "amplitude_mv") > mean_of(healthy, "amplitude_mv")


@pytest.mark.soak
def test_biceps_potentials_lie_within_the_published_spread():
    """Eight subjects with twenty potentials each: the mean of the subjects' means lies within one
    and a half published SD, for duration and amplitude, and the diseases part as published."""
    found = {}
    for name, lesion in LESIONS.items():
        people = [subject(seed, **lesion) for seed in range(8)]
        for row, quantity in enumerate(("duration_ms", "amplitude_mv")):
            mean, sd = PUBLISHED[name][row]
            found[name, row] = np.mean([mean_of(person, quantity) for person in people])
            assert mean - 1.5 * sd <= found[name, row] <= mean + 1.5 * sd, (name, quantity)
    for row, least in enumerate((1.25, 1.6)):
        assert found["motor neuron disease", row] > least * found["healthy", row]
        assert found["myopathy", row] < found["healthy", row]


@pytest.mark.soak
def test_what_was_fitted_to_biceps_predicts_other_muscles():
    """Scatter of end-plates and the examiner's reach were set to healthy biceps.
    Of two other muscles durations, phases and amplitudes come out within two
    published SDs. Turns do not: there are half as many again (docs/patient.md says so)."""
    for (muscle, quantity), found in held_out().items():
        mean, sd = HELD_OUT[muscle, quantity]
        if quantity == "turns":
            assert mean < found.mean() < 2.0 * mean
        else:
            assert abs(found.mean() - mean) < 2.0 * sd, (muscle, quantity)


def test_a_single_fibre_is_as_high_as_single_fibre_needles_see_it():
    """0.3 mm from a point, behind a high-pass at 500 Hz: 0.2 mV, the limit of what single-fibre EMG
    counts (Stalberg & Trontelj); more than half as much again at 0.2 mm."""
    point = NeedleElectrode("point", (-0.0125, 0.0125), 0.0, None)
    times = np.arange(2000) / 64000.0
    heard = []
    for off in (0.3, 0.2):
        one = np.ones(1)
        fibre = Fibres(
            10.0 * one, off * one, 0 * one, 40 * one, 40 * one, 55 * one, 3.7 * one, 0 * one, one
        )
        row, speed = np.array([0]), np.array([3.7])
        shown = potentials_uv(fibre, row, speed, times, point, NeedlePlace(10.0, 0.0, 15.0))
        heard.append(np.ptp(lfilter(*butter(1, 500.0, "high", fs=64000.0), shown[0])))
    assert heard[0] == pytest.approx(200.0, rel=0.05)
    assert heard[1] > 1.5 * heard[0]


def test_neighbouring_fibres_fire_together_and_the_unit_does_not():
    """Spikes of fibres of one unit within 0.3 mm arrive within a millisecond of each other (mean
    interspike interval of single-fibre EMG); those of its whole territory over twice that."""
    body = grown_body("left TA", 2, GRID)
    chart = FibreMap.draw(body, body_plan().muscles["TA"], np.random.default_rng(2))
    fibres = chart.fibres
    arrival_ms = 1e3 * fibres.delay_s + np.abs(15.0 - fibres.endplate_mm) / fibres.velocity_m_s
    near, any_two = [], []
    for unit in range(0, 130, 5):
        mine = np.flatnonzero(chart.unit == unit)
        apart = np.hypot(
            fibres.depth_mm[mine][:, None] - fibres.depth_mm[mine],
            fibres.side_mm[mine][:, None] - fibres.side_mm[mine],
        )
        late = np.abs(arrival_ms[mine][:, None] - arrival_ms[mine])
        pairs = np.triu(np.ones_like(apart, dtype=bool), 1)
        near.append(late[pairs & (apart < 0.3)])
        any_two.append(late[pairs])
    assert 0.3 < np.concatenate(near).mean() < 1.0
    assert np.concatenate(any_two).mean() > 2.0 * np.concatenate(near).mean()


def test_larger_units_are_wider_and_denser():
    """Territories of 5-12 mm across; ten times the fibres in about three times the area."""
    small, large = territory_mm(np.array([0.25, 2.5]), body_plan().muscles["TA"])
    assert 5.0 < 2.0 * small < 2.0 * large < 13.0
    assert 2.5 < (large / small) ** 2 < 4.0


@pytest.mark.parametrize(
    ("dial", "low", "high"),
    [
        (0.0, 1.2, 1.6),  # 1.3-1.6 in young adults (Stalberg & Trontelj)
        (
            0.8,
            2.5,
            5.0,
        ),  # means of 2.5-4 in motor neuron disease, more at single sites (memory)
    ],
)
def test_fibre_density_is_that_of_single_fibre_needles(dial, low, high):
    """Fibres of one unit within a half circle of 0.3 mm around one of its own, of the units that
    work in slight effort, as the needle's examiner has it."""
    body = grown_body("left BB", 1, GRID)
    chart = FibreMap.draw(body, body_plan().muscles["BB"], np.random.default_rng(1))
    share, young = sprouting(18.0)
    lost = round(0.95 * dial * body.loss_order.size)
    state = remodelled(body, lost=lost, share=share, young=young)
    owner = chart.innervated(state, 0.0).owner
    working = np.isin(owner, slightly_active(body, state))
    place = np.stack((chart.fibres.depth_mm, chart.fibres.side_mm), axis=1)
    density = []
    for one in np.flatnonzero(working)[::37]:
        mine = place[owner == owner[one]]
        beside = np.hypot(*(mine - place[one]).T) < 0.3
        density.append(1.0 + 0.5 * (beside.sum() - 1))
    assert low < np.mean(density) < high


def test_a_quiet_muscle_is_silent_after_the_insertion():
    """Healthy, away from the end-plates: a burst of at most 300 ms, then noise alone."""
    patient = _patient()
    patient.advance(1600)
    begin = patient.sample_index
    patient.needle(KEY, "insert")
    signal = patient.advance(32000)[0]
    (told,) = patient.templates()["needles"]
    assert 20.0 < told["insertion_ms"] <= 300.0
    burst = slice(0, int(0.04 * 16000 + 16 * told["insertion_ms"]))
    assert np.ptp(signal[burst]) > 100.0
    assert np.ptp(signal[6000:]) < 0.3 * np.ptp(signal[burst])
    assert set(_events(patient, begin)) == {"insertion"}


def test_the_needle_sees_the_discharges_of_the_surface():
    """Averaged over one unit's true firings, the needle's signal is that unit's template."""
    patient = _patient()
    patient.needle(KEY, "insert")
    patient.set_task("hold", 0.02)
    patient.advance(16000)
    first = patient.sample_index
    signal = patient.advance(16 * 16000)[0]
    firings = patient.truth(first, patient.sample_index)["firings"][KEY]
    (told,) = patient.templates()["needles"]
    firing = [row for row in told["units"] if len(firings.get(str(row["unit"]), [])) > 60]
    best = max(firing, key=lambda row: row["peak_to_peak_uv"])
    step = int(told["rate_hz"] // 16000)
    template = np.array(best["waveform_uv"])[::step][:160]
    at = np.round(np.array(firings[str(best["unit"])]) - first).astype(int)
    at = at[(at > 0) & (at < signal.size - 160)]
    average = np.mean([signal[i : i + 160] for i in at], axis=0)
    assert np.corrcoef(average, template)[0, 1] > 0.95
    assert np.ptp(average) == pytest.approx(best["peak_to_peak_uv"], rel=0.2)


@pytest.mark.parametrize(
    ("places", "seconds"), [(3, 4), pytest.param(8, 8, marks=pytest.mark.soak)]
)
def test_fibrillations_are_regular_slow_down_and_grow_in_number_with_the_dial(places, seconds):
    """Trains of 0.5-15 per second with a mean consecutive difference under a tenth, initial
    positive; none in health; more sources at more denervation."""
    counts, trains, positive = {}, [], []
    for level in (0.0, 0.3, 1.0):
        patient = _patient(Dials(denervation=level), rate=8000.0)
        sources = 0
        for _ in range(places):
            patient.needle(KEY, "insert")
            first = patient.sample_index
            patient.advance(seconds * 8000)
            (told,) = patient.templates()["needles"]
            sources += sum(row["activity"] == "fibrillation" for row in told["sources"])
            for row in told["sources"]:
                if row["activity"] == "fibrillation":
                    wave = np.array(row["waveform_uv"])
                    leading = wave[np.flatnonzero(np.abs(wave) > 0.15 * np.ptp(wave))[0]]
                    positive.append(leading > 0.0)
            by_source = {}
            for sample, source in _events(patient, first).get("fibrillation", []):
                by_source.setdefault(source, []).append(sample / 8000.0)
            trains += [np.diff(at) for at in by_source.values() if len(at) > 12]
        counts[level] = sources
    assert np.mean(positive) > 0.7
    assert counts[0.0] == 0 < counts[0.3] < counts[1.0]
    for intervals in trains:
        within = intervals[intervals < 3.0 * np.median(intervals)]
        assert 0.4 < 1.0 / within.mean() < 16.0
        assert np.abs(np.diff(within)).mean() / within.mean() < 0.1
    assert np.median([np.polyfit(np.arange(i.size), i, 1)[0] > 0.0 for i in trains]) == 1.0


@pytest.mark.parametrize("people", [2, pytest.param(6, marks=pytest.mark.soak)])
def test_end_plates_sputter_and_begin_negative(people):
    """A needle pulled through the end-plate zone of several people: irregular spikes, CV above
    0.5, many intervals below 30 ms, initial negative."""
    intervals, waves = [], []
    for seed in range(people):
        patient = _patient(seed=seed, rate=8000.0)
        for depth in (3.5, 5.0, 6.5, 8.0):
            patient.needle(KEY, "insert", depth, along_mm=0.0)
            first = patient.sample_index
            patient.advance(2 * 8000)
            by_source = {}
            for sample, source in _events(patient, first).get("end_plate_spike", []):
                by_source.setdefault(source, []).append(sample / 8.0)
            intervals += [np.diff(at) for at in by_source.values() if len(at) > 15]
            (told,) = patient.templates()["needles"]
            waves += [
                np.array(row["waveform_uv"])
                for row in told["sources"]
                if row["activity"] == "end_plate_spike"
            ]
    assert len(intervals) >= 3
    every = np.concatenate([one / one.mean() for one in intervals])
    assert every.std() > 0.5
    assert (np.concatenate(intervals) < 30.0).mean() > 0.2
    first_phase = [w[np.flatnonzero(np.abs(w) > 0.3 * np.abs(w).max())[0]] for w in waves]
    assert np.mean(np.array(first_phase) < 0.0) > 0.7
