"""The signs of each lesion: coherence, clonus, fasciculations; present with their dial, not with
the other. The statistics are this test's own."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from simulators.patient import FrontEnd, load_patient

from .exam import patient_with

pytestmark = pytest.mark.uncounted

WINDOWS, WINDOW_S = 200, 0.8
MORE_SEEDS = range(4, 24)
CLONUS_SEEDS = [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.soak) for seed in MORE_SEEDS)]


def _spectra(signal, rate):
    """(windows, frequencies) of one rectified signal, 15-30 Hz only."""
    n = int(WINDOW_S * rate)
    windows = (signal[: WINDOWS * n] - signal.mean()).reshape(WINDOWS, n)
    frequency = np.fft.rfftfreq(n, 1 / rate)
    return np.fft.rfft(windows * np.hanning(n))[:, (frequency >= 15) & (frequency <= 30)]


def _band_coherence(x, y):
    """Mean coherence over the band."""
    cross = np.abs((x * y.conj()).mean(axis=0)) ** 2
    return (cross / ((np.abs(x) ** 2).mean(axis=0) * (np.abs(y) ** 2).mean(axis=0))).mean()


def _pairs(seed, rate=1000.0, **dials):
    """Band coherence and its shuffled 95th centile for EDC-FDI and FDS-FDI."""
    keys = ("left FDI", "left EDC", "left FDS")
    patient = patient_with("healthy", keys, seed=seed, rate_hz=rate, kind="sinc3")
    patient.set_dial("all", **dials)
    patient.set_task("hold", 0.15)
    patient.advance(int(2 * rate))
    emg = patient.advance(int((WINDOWS + 1) * WINDOW_S * rate))
    high_pass = butter(4, 30.0, "highpass", fs=rate, output="sos")
    fdi, *others = (_spectra(one, rate) for one in np.abs(sosfiltfilt(high_pass, emg)))
    rng = np.random.default_rng(0)
    return [
        (
            _band_coherence(other, fdi),
            np.quantile(
                [_band_coherence(other, fdi[rng.permutation(WINDOWS)]) for _ in range(300)], 0.95
            ),
        )
        for other in others
    ]


def test_corticospinal_coherence_is_there_in_pure_lmn_loss():
    """Both pairs above their null with LMN 0.6; of the published order of size."""
    for value, limit in _pairs(1, lmn=0.6):
        assert value > 1.3 * limit
        assert 0.01 < value < 0.10


def test_corticospinal_coherence_is_gone_without_the_tract():
    """UMN 1: of two pairs at most one above its 95th centile, and none well above."""
    pairs = _pairs(1, umn=1.0)
    assert sum(value > limit for value, limit in pairs) <= 1
    assert all(value < 1.3 * limit for value, limit in pairs)


@pytest.mark.soak
def test_coherence_is_there_with_the_tract_and_found_by_chance_alone_without():
    """Twenty people: healthy, at most one shows none in both pairs; with the coherence part of the
    dial, and that alone, about one pair in twenty lies above its 95th centile."""
    there = [_pairs(seed) for seed in MORE_SEEDS]
    shown = [any(value > limit for value, limit in pairs) for pairs in there]
    assert sum(shown) >= len(shown) - 1
    gone = [pair for seed in MORE_SEEDS for pair in _pairs(seed, coherence=1.0)]
    assert sum(value > limit for value, limit in gone) <= 6


def _beats(muscle="left FDS", seconds=7.5, seed=2, rate=250.0, **dials):
    patient = patient_with("healthy", [muscle], seed=seed, rate_hz=rate, kind="sinc3")
    patient.set_dial("all", **dials)
    patient.advance(int(2 * rate))
    patient.set_task("stretch")
    first = patient.sample_index
    emg = patient.advance(int(seconds * rate))[0]
    truth = patient.truth(first, patient.sample_index)
    beats = [b["sample"] / rate for b in truth["clonus_beats"] if b["muscle"] == muscle]
    return np.array(beats), emg, first / rate


@pytest.mark.parametrize("seed", CLONUS_SEEDS)
def test_clonus_beats_regularly_at_four_to_eight_per_second(seed):
    """Sustained at a high dial; period CV below 0.1; the samples beat at the same frequency."""
    beats, emg, _ = _beats(seed=seed, umn=0.9)
    periods = np.diff(beats)
    assert 4.0 < 1 / periods.mean() < 8.0
    assert periods.std() / periods.mean() < 0.1
    assert beats.size > 25
    envelope = np.abs(emg - emg.mean())
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean(), n=8192))
    frequency = np.fft.rfftfreq(8192, 1 / 250.0)
    band = (frequency > 3) & (frequency < 9)
    assert frequency[band][np.argmax(spectrum[band])] == pytest.approx(1 / periods.mean(), abs=0.3)


def test_clonus_dies_away_at_a_middling_dial_and_starts_again_with_the_next_stretch():
    """UMN 0.5, its reflex part too: beats end within the stretch, shrink, come back after 8 s."""
    beats, emg, start = _beats(umn=0.5, reflex=0.5, seconds=10.0)
    within = beats[beats < start + 7.0] - start
    assert 5 <= within.size < 25
    assert within.max() < 5.0
    assert (beats > start + 8.0).any()
    assert np.abs(emg[:250]).max() > 2 * np.abs(emg[300:500]).max()


@pytest.mark.parametrize("dials", [{"lmn": 0.0}, {"lmn": 0.9}, {"umn": 0.2}])
def test_no_clonus_without_a_marked_umn_lesion(dials):
    """Health, LMN loss and a slight UMN lesion stay without beats."""
    assert _beats(**dials)[0].size == 0


def test_fasciculations_are_irregular_and_come_from_several_units():
    """LMN 0.6 for five minutes at rest: 20-60 per minute, interval CV about 1, some doublets."""
    patient = patient_with("healthy", ["left FDI"], seed=3, rate_hz=250.0)
    patient.set_dial("all", lmn=0.6)
    patient.advance(75000)
    events = [e for e in patient.truth(500, 75000)["fasciculations"] if e["muscle"] == "left FDI"]
    gaps = np.diff([e["sample"] for e in events])
    assert 20 < len(events) / 5 < 60
    assert 0.8 < gaps.std() / gaps.mean() < 1.25
    assert 3 <= len({e["unit"] for e in events}) <= 8
    doublets = [e["doublet_ms"] for e in events if e["doublet_ms"] > 0]
    assert 0.02 < len(doublets) / len(events) < 0.2
    assert all(4.0 <= gap <= 10.0 for gap in doublets)


@pytest.mark.parametrize("rate", [250.0, 2000.0])
def test_fasciculations_stand_out_of_the_noise(rate):
    """Most are more than 5 times the noise on the surface, also at 250 Hz."""
    patient = patient_with("healthy", ["left FDI"], seed=3, rate_hz=rate, kind="sinc3")
    patient.set_dial("all", lmn=0.6)
    patient.advance(int(2 * rate))
    first = patient.sample_index
    emg = patient.advance(int(60 * rate))[0]
    sigma = 1.4826 * np.median(np.abs(emg - np.median(emg)))
    events = patient.truth(first, first + int(59 * rate))["fasciculations"]
    heights = []
    for event in events:
        if event["muscle"] == "left FDI":
            begin = int(event["sample"]) - first
            heights.append(np.ptp(emg[begin : begin + int(0.03 * rate)]))
    assert np.mean(np.array(heights) > 10 * sigma) > 0.8


@pytest.mark.parametrize("umn", [0.0, 0.5, 0.8])
def test_no_fasciculations_and_no_tone_from_the_umn_dial(umn):
    """A relaxed muscle stays silent with an UMN lesion short of spastic dystonia."""
    patient = load_patient("healthy", seed=3, front_end=FrontEnd(250.0, "sinc3"))
    patient.set_dial("all", umn=umn)
    patient.advance(15000)
    truth = patient.truth(0, 15000)
    assert truth["fasciculations"] == []
    assert truth["firings"] == {}


def test_spastic_dystonia_keeps_a_few_units_firing_at_rest():
    """UMN 1 at rest: some small units, at five or more per second, without pause."""
    patient = patient_with("healthy", ["left FDI"], seed=3, rate_hz=250.0)
    patient.set_dial("all", umn=1.0)
    patient.advance(750)
    patient.advance(2500)
    firing = patient.truth(750, 3250)["firings"]["left FDI"]
    rates = [len(at) / 10 for at in firing.values()]
    assert 2 <= len(rates) <= 25
    assert np.median(rates) > 5.0


def test_a_muscle_that_is_reached_late_has_not_saved_up_its_fasciculations():
    """Electrodes moved after a minute and a half: nothing of before, and then the usual rate."""
    patient = patient_with("als_hand", ["left APB"], seed=4, rate_hz=250.0)
    patient.advance(90 * 250)
    patient.set_montage({1: "left AH"})
    first = patient.sample_index
    patient.advance(60 * 250)
    told = patient.truth(0, patient.sample_index)["fasciculations"]
    times = np.array([row["sample"] for row in told if row["muscle"] == "left AH"])
    assert times.min() >= first
    assert 1 <= times.size <= 60
