"""Units lost and taken over: what the CMAP hides, what the needle does not, and for how long."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.body import delayed_sum, grown_body
from simulators.patient.cases import Dials, read_case
from simulators.patient.effects import effect
from simulators.patient.front_end import FrontEnd, Grid
from simulators.patient.leads import Lead
from simulators.patient.motor_units import MotorUnits, remodelled, sprouting
from simulators.patient.patient import Patient
from simulators.patient.streams import random_stream

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


def test_sprouting_hides_the_loss_until_half_of_the_units_are_gone():
    """Slow disease: the CMAP keeps four fifths while half the units go, and falls after that; with
    the same loss in one month it has already fallen. Means over four people."""
    bodies = [grown_body(KEY, seed, GRID) for seed in (3, 4, 5, 6)]

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


def test_munix_halves_with_the_units_and_does_not_see_reinnervation():
    """Half the units: half the index. Half the units whose neighbours took over their fibres: most
    of the index is back, as CMAP and index rise together (its published weakness)."""
    case = read_case("healthy")
    full = _munix(case, Dials())
    halved = _munix(case, Dials(lmn=0.526, reinnervation=0.0))
    grown = _munix(case, Dials(lmn=0.526, reinnervation=1.0))
    assert halved / full == pytest.approx(0.5, abs=0.1)
    assert grown > 1.5 * halved


def _munix(case, dials):
    """MUNIX of one muscle: power-law of the ideal case motor unit count over area, at 20 mV ms."""
    rate = 2000.0
    sick = replace(case, montage=(KEY,), dials={**case.dials, KEY: dials})
    points, cmap = [], None
    for seed in (3,):
        patient = Patient(sick, seed=seed, front_end=FrontEnd(rate, "none"), leads=(Lead(1, KEY),))
        (wave,) = [row for row in patient.templates()["m_waves"] if row["site"] == "wrist"]
        response = -1e-3 * np.array(wave["waveform_uv"])
        peak = int(response.argmax())
        first = peak - int(np.argmax(response[peak::-1] <= 0.0)) + 1
        last = peak + int(np.argmax(response[peak:] <= 0.0))
        per_ms = wave["rate_hz"] / 1e3
        area, power = (((response[first:last]) ** k).sum() / per_ms for k in (1, 2))
        cmap = (area, power)
        for level in (0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0):
            patient.set_task("hold", level)
            patient.advance(1000)
            epochs = 1e-3 * patient.advance(6000).reshape(10, 600)
            epochs = epochs - epochs.mean(axis=1, keepdims=True)
            a_s, p_s = np.abs(epochs).sum(1) / 2.0, (epochs**2).sum(1) / 2.0
            count = cmap[1] * a_s / (cmap[0] * p_s)
            ok = (a_s > 20.0) & (count < 100.0) & (a_s / cmap[0] > 1.0)
            points += list(zip(np.log(a_s[ok]), np.log(count[ok]), strict=True))
    area, count = np.array(points).T
    slope, offset = np.polyfit(area, count, 1)
    return float(np.exp(offset + slope * np.log(20.0)))
