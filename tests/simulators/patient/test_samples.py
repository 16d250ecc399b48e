"""Samples: the same however they are fetched, and through the front end's own filter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.patient import FrontEnd, Lead, cases, load_patient
from simulators.patient.front_end import Grid

from .evoked_alone import evoked


def _script(patient, cuts):
    """A short study, fetched in pieces that end at `cuts` (and where something is turned)."""
    rate = patient.describe()["rate_hz"]
    turns = {int(0.31 * rate): "hold", int(0.70 * rate): "stim", int(0.9 * rate): "dial"}
    total, pieces = int(1.6 * rate), []
    for stop in sorted({*cuts, *turns, total}):
        pieces.append(patient.advance(stop - patient.sample_index))
        if turns.get(stop) == "hold":
            patient.set_task("hold", 0.3)
        elif turns.get(stop) == "stim":
            patient.stimulate(stop + 40.3, current_ma=12.0, width_us=200.0)
            patient.stimulate(stop + 0.3 * rate, current_ma=30.0, width_us=200.0)
        elif turns.get(stop) == "dial":
            patient.set_dial("left FDI", lmn=0.8, umn=0.9)
            patient.set_task("stretch")
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize(("rate", "kind"), [(250.0, "sinc3"), (1259.0, "none"), (4000.0, "sinc3")])
def test_any_split_gives_the_same_samples_to_the_bit(rate, kind):
    """However a study is fetched, every sample is the same, also around stimuli and dials."""
    whole = _script(load_patient("als_hand", seed=3, front_end=FrontEnd(rate, kind)), ())

    @settings(max_examples=2, deadline=None)
    @given(st.sets(st.integers(1, int(1.6 * rate) - 1), max_size=30))
    def split(cuts):
        patient = load_patient("als_hand", seed=3, front_end=FrontEnd(rate, kind))
        assert np.array_equal(whole, _script(patient, cuts))

    split()


def test_one_sample_at_a_time_is_the_same_too():
    """The smallest pieces of all, across a time step."""
    a, b = (load_patient("pls", seed=5, front_end=FrontEnd(16000.0, "sinc3")) for _ in range(2))
    whole = a.advance(1500)
    assert np.array_equal(whole, np.concatenate([b.advance(1) for _ in range(1500)], axis=1))


def test_a_stimulus_announced_early_gives_the_same_samples():
    """It does not matter when a future stimulus was asked for."""
    a, b = (load_patient("healthy", seed=5, front_end=FrontEnd(4000.0, "sinc3")) for _ in range(2))
    a.stimulate(500.5, current_ma=30.0, width_us=200.0)
    early = a.advance(1000)
    late = b.advance(490)
    b.stimulate(500.5, current_ma=30.0, width_us=200.0)
    assert np.array_equal(early, np.concatenate((late, b.advance(510)), axis=1))


def test_the_seed_decides_everything():
    """Equal seeds agree to the bit; different seeds are different people."""
    front = FrontEnd(1000.0, "sinc3")
    first, again, other = (load_patient("healthy", seed=s, front_end=front) for s in (7, 7, 8))
    a, b, c = (p.advance(400) for p in (first, again, other))
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)
    assert first.templates() == again.templates() != other.templates()


@pytest.mark.parametrize("rate", [250.0, 1000.0, 16000.0])
def test_sinc3_delays_by_exactly_one_and_a_half_periods(rate):
    """The centre of gravity of any pulse moves by 1.5 output periods."""
    centre_s, width_s = 0.03, 2.0 / rate
    centres = {}
    for kind in ("sinc3", "none"):
        grid = Grid.of(FrontEnd(rate, kind))
        times = np.arange(grid.points) / grid.source_rate_hz
        pulse = np.exp(-0.5 * ((times - centre_s) / width_s) ** 2)
        seen = grid.samples(np.fft.rfft(pulse), 0.25)
        centres[kind] = (np.arange(seen.size) * seen).sum() / seen.sum()
    assert centres["none"] == pytest.approx(centre_s * rate - 0.25, abs=1e-3)
    assert centres["sinc3"] - centres["none"] == pytest.approx(1.5, abs=1e-3)


def test_the_m_wave_comes_one_and_a_half_periods_late():
    """The same holds for a whole M-wave at 16 kHz: 94 µs."""
    behind, _ = evoked("median", "wrist", kind="sinc3", keys=("left APB",))
    direct, _ = evoked("median", "wrist", kind="none", keys=("left APB",))
    late = slice(130, 500)
    index = np.arange(1000)
    tries = np.arange(1.3, 1.7, 0.01)
    errors = [
        np.abs(np.interp(index, index + t, direct[0])[late] - behind[0][late]).max() for t in tries
    ]
    assert tries[int(np.argmin(errors))] == pytest.approx(1.5, abs=0.02)


def test_a_stimulus_between_samples_moves_the_response_by_the_fraction():
    """A pulse 0.37 samples later gives the same wave 0.37 samples later."""
    from scipy.interpolate import CubicSpline

    keys = ("left FDI", "left ADM")
    early, _ = evoked("ulnar", "wrist", at=100.0, keys=keys)
    late, _ = evoked("ulnar", "wrist", at=100.37, keys=keys)
    index = np.arange(140, 400)
    for row in (0, 1):
        moved = CubicSpline(np.arange(1000), early[row])(index - 0.37)
        assert np.abs(moved - late[row, index]).max() < 2e-3 * np.abs(early[row]).max()


def test_the_artefact_is_fast_and_gone_before_the_response():
    """Within 1.5 ms it has fallen below 1 % of the smallest healthy CMAP's 2 % level times ten."""
    seen, _ = evoked("median", "wrist", keys=("left APB",))
    artefact = np.abs(seen[0, 100:110]).max()
    assert artefact > 500.0
    assert np.abs(seen[0, 124:130]).max() < 0.02 * artefact


def test_rest_is_noise_drift_and_mains_only():
    """A healthy relaxed patient shows a few microvolts, mains at 50 Hz, and no discharge; below
    20 Hz, on unprepared skin, what real people show at rest (public OpenBCI Ganglion recordings: µV
    per square root of Hz, lowest and highest of three clean channels), within a half more or less.
    """
    patient = load_patient("healthy", seed=2, front_end=FrontEnd(2000.0, "sinc3"))
    patient.set_technique("unprepared_skin", 1.0)
    spectrum = np.abs(np.fft.rfft(patient.advance(40000), axis=1)) ** 2 * 2 / (2000.0 * 40000)
    frequency = np.fft.rfftfreq(40000, 1 / 2000.0)
    fast = frequency > 20.0
    rms = np.sqrt(spectrum[:, fast].sum(axis=1) * frequency[1])
    assert 0.5 < rms.max() < 6.0
    peak = np.argmax(spectrum.mean(axis=0)[fast])
    assert frequency[fast][peak] == pytest.approx(50.0, abs=0.2)
    for band, low, high in (((1, 3), 0.87, 1.50), ((3, 10), 0.24, 0.56), ((10, 20), 0.22, 0.29)):
        inside = (frequency >= band[0]) & (frequency < band[1])
        assert 0.5 * low < np.sqrt(spectrum[:, inside].mean()) < 1.5 * high
    assert patient.truth(0, 40000)["firings"] == {}


def test_an_unused_input_has_noise_but_no_muscle():
    """A lead on nothing shows the background, whatever the patient does."""
    leads = [Lead(1, "left FDI"), Lead(2, None)]
    front = FrontEnd(2000.0, "sinc3")
    patient = load_patient("healthy", seed=2, front_end=front, leads=leads)
    patient.set_task("maximal")
    fdi, unused = patient.advance(4000)[:, 2000:].std(axis=1)
    assert fdi > 50.0
    assert unused < 6.0


def test_a_reboot_starts_the_count_again_and_truth_follows():
    """After `reset_clock` samples and truth are counted from the boot."""
    patient = load_patient("healthy", seed=2, front_end=FrontEnd(1000.0, "sinc3"))
    patient.advance(777)
    patient.reset_clock()
    assert patient.sample_index == 0
    patient.stimulate(50.25, current_ma=30.0, width_us=200.0)
    patient.advance(100)
    (stimulus,) = patient.truth(0, 100)["stimuli"]
    assert stimulus["sample"] == pytest.approx(50.25)


def test_impossible_requests_are_refused_in_a_sentence():
    """Wrong cases, leads, places, dials, tasks and pulses change nothing and say why."""
    front = FrontEnd(1000.0, "sinc3")
    with pytest.raises(ValueError, match="no patient is called 'nobody'"):
        load_patient("nobody", seed=1, front_end=front)
    with pytest.raises(ValueError, match="left tail"):
        load_patient("healthy", seed=1, front_end=front, leads=[Lead(1, "left tail")])
    patient = load_patient("healthy", seed=1, front_end=front)
    patient.advance(10)
    with pytest.raises(ValueError, match="already left"):
        patient.stimulate(9.5, current_ma=10.0, width_us=200.0)
    with pytest.raises(ValueError, match="no charge"):
        patient.stimulate(20.0, current_ma=0.0, width_us=200.0)
    with pytest.raises(ValueError, match="site 'knee'"):
        patient.place("median", "knee", "left")
    with pytest.raises(ValueError, match="between 0 and 1"):
        patient.set_dial("left FDI", umn=1.2)
    with pytest.raises(ValueError, match="no muscle"):
        patient.set_dial("left TA", umn=0.2)
    with pytest.raises(ValueError, match="task 'dance'"):
        patient.set_task("dance")
    with pytest.raises(ValueError, match="level"):
        patient.set_task("hold", 1.5)


@pytest.mark.parametrize("case", cases())
def test_every_case_loads_and_describes_itself(case):
    """Each patient on file has a code, eight leads, muscles with two dials, and runs."""
    patient = load_patient(case, seed=1, front_end=FrontEnd(250.0, "sinc3"))
    about = patient.describe()
    assert about["code"].startswith("P-")
    assert about["simulated"] is True
    assert len(about["montage"]) == 8
    assert len(about["muscles"]) == len(about["dials"]) >= 4
    assert np.isfinite(patient.advance(50)).all()


@pytest.mark.timed
def test_a_case_loads_within_two_seconds():
    """At 16 kHz, the median of three."""
    from time import perf_counter

    taken = []
    for seed in (1, 2, 3):
        begun = perf_counter()
        load_patient("als_hand", seed=seed, front_end=FrontEnd(16000.0, "sinc3"))
        taken.append(perf_counter() - begun)
    assert sorted(taken)[1] < 2.0
