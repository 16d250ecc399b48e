"""Errors of electrodes and operator: each does what it is called, and mending undoes it."""

import numpy as np
import pytest

from simulators.assembly import Subject
from simulators.patient.technique import ERRORS

from .one_lead import RATE_HZ, answer_uv, negative_phase, patient_on, rows_of

WRIST = ("ulnar", "wrist", "left")


def _spoilt(*keys, **errors):
    patient = patient_on(*(keys or ("left ADM",)))
    for name, value in errors.items():
        patient.set_technique(name, value)
    return patient


def _answer(place=WRIST, current_ma=60.0, keys=(), **errors):
    return answer_uv(lambda: _spoilt(*keys, **errors), place, current_ma=current_ma)


def test_swapped_electrodes_turn_the_response_over():
    """Sample by sample."""
    assert np.allclose(_answer(recording_swapped=1)[0, 60:], -_answer()[0, 60:], atol=1e-6)


def test_swapped_poles_cost_latency_and_not_shape():
    """Onset 0.3-0.6 ms later, same height."""
    early, late = (negative_phase(wave[0, 28:], RATE_HZ) for wave in (
        _answer(), _answer(stimulator_swapped=1)))  # fmt: skip
    assert 0.3 < late[0] - early[0] < 0.6
    assert late[1] == pytest.approx(early[1], rel=0.01)


def test_a_cathode_beside_the_nerve_is_submaximal_until_the_current_rises():
    """15 mm off: 20 mA no longer suffice, 90 mA do."""
    full = -_answer(current_ma=60.0)[0, 60:].min()
    assert -_answer(current_ma=20.0, cathode_offset_mm=15)[0, 60:].min() < 0.9 * full
    assert -_answer(current_ma=90.0, cathode_offset_mm=15)[0, 60:].min() > 0.98 * full


def test_costimulation_brings_the_neighbour():
    """60 mA at the ulnar wrist move APB only if the current spreads."""
    right, wrong = (
        -_answer(keys=("left APB",), costimulation=spread)[0, 60:].min() for spread in (0.0, 1.0)
    )
    assert right < 100.0
    assert wrong > 2000.0


@pytest.mark.parametrize(
    ("name", "value", "least", "most"),
    [("gel_bridge", 0.8, 0.1, 0.4), ("lead_off", 1.0, 0.0, 0.001)],
)
def test_shorted_and_lost_leads_lose_the_signal(name, value, least, most):
    """The response keeps this share of its height."""
    share = np.ptp(_answer(**{name: value})[0, 60:]) / np.ptp(_answer()[0, 60:])
    assert least <= share <= most


def test_surroundings_add_what_they_are_called():
    """Mains with harmonics at its own frequency, heartbeats, movement, dry electrode, rails."""
    rest = _spoilt("left ADM").advance(32000)[0]
    line = _spoilt("left ADM", mains_uv=50.0, mains_hz=60.0).advance(32000)[0]
    spectrum = np.abs(np.fft.rfft(line)) / 16000.0
    assert spectrum[120] == pytest.approx(50.0, abs=4.0)
    assert spectrum[360] == pytest.approx(15.0, abs=2.0)
    beats = _spoilt("left ADM", ecg_uv=400.0).advance(64000)[0]
    assert 4 <= 1 + np.count_nonzero(np.diff(np.flatnonzero(beats > 250.0)) > 3200) <= 6
    assert np.ptp(_spoilt("left ADM", movement_uv=2000.0).advance(64000)[0]) > 500.0
    assert _spoilt("left ADM", dry_electrode=1.0).advance(32000)[0].std() > 4.0 * rest.std()
    railed = _spoilt("left ADM", mains_uv=900.0, saturation_uv=300.0).advance(3200)[0]
    assert railed.max() == 300.0 == -railed.min()


def test_crosstalk_shows_the_other_channel():
    """A tenth of FDI's response appears on a lead over TA, which the pulse does not reach."""
    waves = _answer(keys=("left FDI", "left TA"), crosstalk=0.1)
    assert np.ptp(waves[1, 60:]) == pytest.approx(0.1 * np.ptp(waves[0, 60:]), rel=0.1)


def test_the_tape_errs_by_5_mm_and_the_truth_stays():
    """True distances are the same; stated ones scatter with the SD asked for."""
    slips = []
    for seed in range(12):
        patient = patient_on("left ADM", seed=seed, rate_hz=1000.0)
        before = rows_of(patient, "left ADM")
        patient.set_technique("tape_error_mm", 5.0)
        for place, row in rows_of(patient, "left ADM").items():
            assert row["distance_mm"] == before[place]["distance_mm"] == before[place]["tape_mm"]
            slips.append(row["tape_mm"] - row["distance_mm"])
    assert np.std(slips) == pytest.approx(5.0, rel=0.3)


def test_a_mended_error_leaves_no_trace():
    """Set and set back before the first sample: the same samples to the bit; told meanwhile."""
    plain, mended = patient_on("left ADM"), patient_on("left ADM")
    for name, error in ERRORS.items():
        mended.set_technique(name, error.highest)
    assert set(mended.describe()["technique"]) == set(ERRORS)
    for name in ERRORS:
        mended.set_technique(name, 0.0)
    assert mended.describe()["technique"] == {}
    assert np.array_equal(plain.advance(3000), mended.advance(3000))


def test_one_channel_can_be_spoilt_alone_and_nonsense_is_refused():
    """The other channel keeps its samples; unknown errors, values and channels change nothing."""
    plain, spoilt = (patient_on("left ADM", "left FDI") for _ in range(2))
    spoilt.set_technique("mains_uv", 500.0, 2)
    a, b = plain.advance(3000), spoilt.advance(3000)
    assert np.array_equal(a[0], b[0])
    assert np.ptp(b[1]) > 900.0
    for name, value, channel, words in (
        ("hope", 1.0, None, "unknown"),
        ("gel_bridge", 2.0, None, "must lie in 0 to 1"),
        ("gel_bridge", 1.0, 9, "no lead is on channel 9"),
        ("stimulator_swapped", 1.0, 1, "leave channel out"),
    ):
        with pytest.raises(ValueError, match=words):
            spoilt.set_technique(name, value, channel)


def test_leads_can_be_moved_and_a_change_of_rate_keeps_them():
    """From the hand to the foot; a place nobody has is refused; a new rate finds the same hands."""
    subject = Subject(lambda rate: patient_on("left ADM", None, rate_hz=rate), 1000.0)
    subject.set_montage({1: "right AH", 2: "right sural SNAP"})
    subject.set_technique("gel_bridge", 0.5, 1)
    subject.place("tibial", "ankle", "right")
    moved = subject.at(4000.0)
    about = moved.describe()
    assert about["montage"] == {"1": "right AH", "2": "right sural SNAP"}
    assert about["technique"] == {"gel_bridge": [0.5, 0.0]}
    moved.stimulate(100.0, current_ma=90.0, width_us=200.0)
    assert -moved.advance(300)[0].min() > 1000.0
    with pytest.raises(ValueError, match="left tail"):
        subject.set_montage({1: "left tail"})
    with pytest.raises(ValueError, match="channel 7"):
        subject.set_montage({7: None})
    assert moved.describe()["montage"]["1"] == "right AH"


def test_shoulder_leads_show_the_heart_and_hand_leads_do_not():
    """Upper trapezius at rest has a QRS complex with each beat, about every 0.8 s; a lead moved
    from there to the hand loses it, and one moved there shows it."""
    patient = patient_on("left trapezius", "left APB")

    def slow_uv():
        """(2, n) µV, 20 ms means of 4 s."""
        seen = patient.advance(int(4 * RATE_HZ))
        return seen.reshape(2, -1, int(0.02 * RATE_HZ)).mean(axis=2)

    shoulder, hand = slow_uv()
    beats = np.flatnonzero(shoulder - np.median(shoulder) > 9.0)
    apart_s = 0.02 * np.diff(beats)
    assert apart_s[apart_s > 0.1] == pytest.approx(0.82, abs=0.12)
    assert np.ptp(shoulder) > 2.0 * np.ptp(hand)
    patient.set_montage({1: "left FDI", 2: "left trapezius"})
    hand, shoulder = slow_uv()
    assert np.ptp(shoulder) > 2.0 * np.ptp(hand)
