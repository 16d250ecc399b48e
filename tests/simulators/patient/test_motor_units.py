"""Units lost and taken over: what the CMAP hides, what the needle does not, and for how long."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.anatomy import body_plan
from simulators.patient.body import delayed_sum, grown_body
from simulators.patient.cases import Dials, read_case
from simulators.patient.effects import effect
from simulators.patient.front_end import FrontEnd, Grid
from simulators.patient.leads import Lead
from simulators.patient.motor_units import MotorUnits, remodelled, sprouting
from simulators.patient.patient import Patient
from simulators.patient.streams import random_stream
from tests.service.analysis.real import RECORDINGS

GRID = Grid.of(FrontEnd(2000.0, "none"))
KEY = "left ADM"


@pytest.fixture(scope="module")
def body():
    """One healthy muscle."""
    return grown_body(KEY, 3, GRID)


def _cmap_mv(body, **dials):
    """Base to negative peak of the distal response, and the units that give it."""
    units = MotorUnits(body, GRID, random_stream(3, KEY, "sprouts"))
    units.settle(**dials)
    latency = body.axons.latency_s("wrist")
    waveform = GRID.waveform(delayed_sum(units.spectra, latency, GRID))
    return -1e-3 * waveform.min(), units


@pytest.mark.parametrize("seeds", [(3,), pytest.param(range(3, 9), marks=pytest.mark.soak)])
def test_sprouting_hides_the_loss_until_half_of_the_units_are_gone(seeds):
    """Slow disease: the CMAP keeps four fifths while half the units go, and falls after that; with
    the same loss in one month it has already fallen. Means over people."""
    bodies = [grown_body(KEY, seed, GRID) for seed in seeds]

    def kept(**dials):
        return np.mean([_cmap_mv(one, **dials)[0] / _cmap_mv(one, lmn=0.0)[0] for one in bodies])

    slow = [kept(lmn=lmn, months=36.0) for lmn in (0.25, 0.5, 0.8, 0.95)]
    assert slow[0] > 0.85
    assert slow[1] > 0.75
    assert slow == sorted(slow, reverse=True)
    assert slow[3] < 0.45
    assert kept(lmn=0.5, months=1.0) < slow[1] - 0.2


def test_fibres_are_shared_out_and_never_invented(body):
    """Own, taken over and orphaned fibres add up to the healthy number; no unit passes the cap;
    nobody takes from the living."""
    size = body.properties.size
    for lost in (20, 65, 110, 128):
        state = remodelled(body, lost=lost, share=0.8, young=0.5)
        total = (state.growth * size).sum() + (state.orphaned * size).sum()
        assert total == pytest.approx(size.sum(), rel=1e-9)
        assert state.growth.max() <= effect("lmn.reinnervation_cap") + 1e-9
        assert (state.growth[~state.alive] == 0.0).all()
        assert not state.taken[:, state.alive].any()
        assert (state.taken.sum(axis=0) <= 0.8 + 1e-9).all()


def test_neighbours_take_over_before_strangers(body):
    """The mean distance from taker to taken, weighted by fibres, is well below that of any pair."""
    state = remodelled(body, lost=60, share=0.8, young=0.5)
    centre = body.bundle.centre_mm
    apart = np.hypot(*(centre[:, None] - centre[None]).transpose(2, 0, 1))
    pairs = np.ix_(state.alive, ~state.alive)
    weight = (state.taken * body.properties.size)[pairs]
    assert (apart[pairs] * weight).sum() / weight.sum() < 0.6 * apart[pairs].mean()


@pytest.mark.parametrize("months", [0.5, 3.0, 12.0, 60.0])
def test_the_course_follows_its_two_time_constants(months):
    """The closed form against a sum over losses spread evenly over the months."""
    age = (np.arange(20000) + 0.5) / 20000 * months
    fast, slow = effect("lmn.sprouting_months"), effect("lmn.maturing_months")
    taken = 1.0 - np.exp(-age / fast)
    young = slow / (slow - fast) * (np.exp(-age / slow) - np.exp(-age / fast))
    share, fresh = sprouting(months)
    assert share == pytest.approx(effect("lmn.sprouting_share") * taken.mean(), rel=1e-4)
    assert fresh == pytest.approx(young.sum() / taken.sum(), rel=1e-3)


def test_the_surface_potential_of_a_grown_unit_is_larger_and_longer(body):
    """Amplitude by a fifth and more, and most of them more spread in time than in health."""
    _, units = _cmap_mv(body, lmn=0.7, months=24.0)
    grown = np.flatnonzero(units.growth > 2.0)
    before, after = (GRID.waveform(one[grown]) for one in (body.spectra, units.spectra))
    assert (np.ptp(after, axis=1) / np.ptp(before, axis=1)).mean() > 1.2
    times = np.arange(before.shape[1])
    spread = [
        np.sqrt(
            (w**2 * times**2).sum(1) / (w**2).sum(1) - ((w**2 * times).sum(1) / (w**2).sum(1)) ** 2
        )
        for w in (before, after)
    ]
    assert (spread[1] > spread[0]).mean() > 0.6


@pytest.mark.parametrize("seed", [3, *(pytest.param(n, marks=pytest.mark.soak) for n in (4, 5, 6))])
def test_munix_halves_with_the_units_and_is_what_the_cmap_alone_says(seed):
    """Half the units: half the index. Half the units grown to twice the size: the index is back as
    far as the CMAP is (its published weakness; what is missing, the late branches cost the CMAP).
    All three near the closed form for a Gaussian interference pattern, which knows the CMAP only.
    """
    case = read_case("healthy")
    full, full_form = _munix(case, Dials(), seed)
    halved, halved_form = _munix(case, Dials(lmn=0.526, reinnervation=0.0), seed)
    grown, grown_form = _munix(case, Dials(lmn=0.526, reinnervation=1.0), seed)
    assert halved / full == pytest.approx(0.5, abs=0.1)
    assert grown > 1.5 * halved
    assert grown / full == pytest.approx(grown_form / full_form, rel=0.1)
    for index, form in ((full, full_form), (halved, halved_form), (grown, grown_form)):
        assert index == pytest.approx(form, rel=0.15)


def _munix(case, dials, seed):
    """MUNIX of one muscle: power law of the ideal case motor unit count over area, at 20 mV ms; and
    its closed form (2 / pi) T (P / A) / 20 with power P and area A of the CMAP, epochs of T."""
    rate, epoch_ms = 2000.0, 300.0
    sick = replace(case, montage=(KEY,), dials={**case.dials, KEY: dials})
    patient = Patient(sick, seed=seed, front_end=FrontEnd(rate, "none"), leads=(Lead(1, KEY),))
    (wave,) = [row for row in patient.templates()["m_waves"] if row["site"] == "wrist"]
    response = -1e-3 * np.array(wave["waveform_uv"])
    peak = int(response.argmax())
    first = peak - int(np.argmax(response[peak::-1] <= 0.0)) + 1
    last = peak + int(np.argmax(response[peak:] <= 0.0))
    per_ms = wave["rate_hz"] / 1e3
    area, power = (((response[first:last]) ** k).sum() / per_ms for k in (1, 2))
    points = []
    for level in (0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0):
        patient.set_task("hold", level)
        patient.advance(1000)
        epochs = 1e-3 * patient.advance(6000).reshape(10, 600)
        epochs = epochs - epochs.mean(axis=1, keepdims=True)
        a_s, p_s = np.abs(epochs).sum(1) / 2.0, (epochs**2).sum(1) / 2.0
        count = power * a_s / (area * p_s)
        ok = (a_s > 20.0) & (count < 100.0) & (a_s / area > 1.0)
        points += list(zip(np.log(a_s[ok]), np.log(count[ok]), strict=True))
    over, count = np.array(points).T
    slope, offset = np.polyfit(over, count, 1)
    form = 2.0 / np.pi * epoch_ms * power / area / 20.0
    return float(np.exp(offset + slope * np.log(20.0))), form


MUSCLES = ("left APB", "left ADM", "left TA")


@pytest.mark.parametrize("people", [3, pytest.param(9, marks=pytest.mark.soak)])
def test_unit_amplitudes_spread_as_those_fitted_to_real_scans(people):
    """Median coefficient of variation and largest share of the CMAP, against the models stored with
    27 real scans (0.59, 3.3 %). The fit merges the smallest units: truth may spread a third more.
    """
    spread, largest = [], []
    for key in MUSCLES:
        for seed in range(people):
            body = grown_body(key, seed, GRID)
            height = -GRID.waveform(body.spectra).min(axis=1)
            spread.append(height.std() / height.mean())
            largest.append(height.max() / height.sum())
    assert 0.55 < np.median(spread) < 0.90
    assert 0.025 < np.median(largest) < 0.045


@pytest.mark.skipif(RECORDINGS is None, reason="the recordings are not on this machine")
def test_unit_amplitudes_of_real_scans_spread_as_said():
    """The figures that the test above compares with."""
    models = [fitted_units(file) for file in sorted((RECORDINGS / "cmapscan_visit1").glob("*.MEM"))]
    assert len(models) == 27
    assert np.median([one.std() / one.mean() for one in models]) == pytest.approx(0.59, abs=0.01)
    assert np.median([one.max() / one.sum() for one in models]) == pytest.approx(0.033, abs=0.001)


def fitted_units(file):
    """Unit amplitudes (% of the CMAP) of the model at the end of a scan's file."""
    rows = file.read_text("latin-1").split("!MScan Model")[1].splitlines()
    rows = [row.split() for row in rows]
    return np.array([float(row[2]) for row in rows if len(row) == 4 and row[0].isdigit()])


@pytest.mark.parametrize("key", ["left APB", "left FDI", "left ADM", "left EDB", "left TA"])
def test_last_phase_of_a_cmap_is_shallow_long_and_smooth(key):
    """Positive peak well below the negative one, the phase half as long again and more, with one
    maximum: no plateau, no hump at the tendon."""
    body = grown_body(key, 1, GRID)
    site = body_plan().muscles[key.split(" ")[1]].distal_site
    wave = GRID.waveform(delayed_sum(body.spectra, body.axons.latency_s(site), GRID))
    height = -wave.min()
    peak = int(wave.argmin())
    onset = peak - int(np.argmax(wave[peak::-1] > -0.02 * height))
    crossing = peak + int(np.argmax(wave[peak:] >= 0.0))
    positive = wave[crossing:]
    faded = int(positive.argmax()) + int(np.argmax(positive[positive.argmax() :] < 0.05 * height))
    assert 0.2 < positive.max() / height < 0.7
    assert crossing + faded - onset > 2.0 * (crossing - onset)
    falling = np.diff(positive[positive.argmax() : faded])
    assert falling.max() < 0.002 * height
