"""Motor nerves: sites, block, dispersion, ways around, cold, thresholds, F- and A-waves."""

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulators.patient.cases import NerveCondition, read_case
from simulators.patient.subject import Person

from .one_lead import RATE_HZ, answer_uv, negative_phase, patient_on, rows_of

WRIST, ELBOW = ("median", "wrist", "left"), ("median", "elbow", "left")
REAL = Path(os.environ.get("MYOTOME_REAL_DATA", "../shared/data")) / "cmapscan_visit1"


def _sick(**condition):
    """Conditions of the left median nerve, as a case holds them."""
    return {"nerves": {"left median": NerveCondition(**condition)}}


@pytest.mark.parametrize("seed", range(3))
def test_amplitude_latency_and_velocity_are_those_of_the_truth(seed):
    """Measured in the samples: within 2 %, 0.1 ms and 1 m/s of what the patient says of itself."""
    seen = {}
    for place in (WRIST, ELBOW):
        wave = answer_uv(lambda: patient_on("left APB", seed=seed), place)[0]
        onset_ms, height_mv, _, _ = negative_phase(wave[28:], RATE_HZ)
        seen[place[1]] = onset_ms + 28 / 16.0, height_mv
    rows = rows_of(patient_on("left APB", seed=seed), "left APB")
    for site, (onset_ms, height_mv) in seen.items():
        truth = rows["median", site]
        assert height_mv == pytest.approx(truth["amplitude_mv"], rel=0.02)
        assert onset_ms == pytest.approx(truth["onset_latency_ms"], abs=0.1)
    way_mm = rows["median", "elbow"]["distance_mm"] - rows["median", "wrist"]["distance_mm"]
    late_ms = [rows["median", site]["onset_latency_ms"] for site in ("elbow", "wrist")]
    velocity = way_mm / (seen["elbow"][0] - seen["wrist"][0])
    assert velocity == pytest.approx(way_mm / (late_ms[0] - late_ms[1]), abs=1.0)


def test_block_lowers_the_response_from_above_only():
    """60 % block in the forearm: area falls by half to 70 % at the elbow, nothing at the wrist; a
    voluntary effort loses as much, since blocked axons bring no discharge down either."""
    well, ill = (patient_on("left APB", **more) for more in ({}, _sick(block={"forearm": 0.6})))
    healthy, sick = rows_of(well, "left APB"), rows_of(ill, "left APB")
    assert sick["median", "wrist"]["waveform_uv"] == healthy["median", "wrist"]["waveform_uv"]
    above = [rows["median", "elbow"]["waveform_uv"] for rows in (sick, healthy)]
    area = [negative_phase(wave, 32000.0)[3] for wave in above]
    assert 0.5 < 1.0 - area[0] / area[1] < 0.7
    power = []
    for patient in (well, ill):
        patient.set_task("hold", 0.6)
        patient.advance(int(1.2 * RATE_HZ))
        power.append(patient.advance(int(0.6 * RATE_HZ))[0].var())
    assert 0.2 < power[1] / power[0] < 0.7


def test_dispersion_lengthens_and_hardly_shrinks_the_area():
    """The negative phase from above grows by over 30 % while the area keeps more than half."""
    wave = {
        name: rows_of(patient_on("left APB", **more), "left APB")["median", "elbow"]["waveform_uv"]
        for name, more in (("well", {}), ("ill", _sick(dispersion={"forearm": 1.4})))
    }
    _, _, well_ms, well_area = negative_phase(wave["well"], 32000.0)
    _, _, ill_ms, ill_area = negative_phase(wave["ill"], 32000.0)
    assert ill_ms > 1.3 * well_ms
    assert ill_area > 0.5 * well_area


def test_slowing_slows_its_own_segment():
    """A fifth of the forearm's velocity is lost; arm and distal latency keep theirs."""
    slow = patient_on("left APB", **_sick(slowing={"forearm": 0.2}))
    before, after = (rows_of(p, "left APB") for p in (patient_on("left APB"), slow))
    now, then = (rows["median", "axilla"]["segment_velocity_m_s"] for rows in (after, before))
    assert now["forearm"] == pytest.approx(0.8 * then["forearm"])
    assert now["arm"] == pytest.approx(then["arm"])
    late = [rows["median", "wrist"]["onset_latency_ms"] for rows in (before, after)]
    assert late[0] == late[1]


def test_martin_gruber_fibres_are_missed_at_the_ulnar_elbow_and_found_at_the_median():
    """FDI: a drop from wrist to below elbow; the median elbow answers, the median wrist not."""
    nerves = {"left ulnar": NerveCondition(martin_gruber=0.4)}
    rows = rows_of(patient_on("left FDI", nerves=nerves), "left FDI")
    high, low = (rows["ulnar", site]["amplitude_mv"] for site in ("wrist", "below_elbow"))
    assert 0.45 < low / high < 0.75
    assert 0.25 < rows["median", "elbow"]["amplitude_mv"] / high < 0.55
    assert ("median", "wrist") not in rows
    make = lambda: patient_on("left FDI", nerves=nerves)  # noqa: E731 - one line, used twice
    assert -answer_uv(make, ELBOW, current_ma=30.0)[0, 60:].min() > 1000.0
    assert -answer_uv(make, WRIST, current_ma=30.0)[0, 60:].min() < 100.0


def test_accessory_fibular_fibres_make_the_knee_larger_than_the_ankle():
    """EDB: less from the ankle than from the knee; the rest comes from behind the malleolus."""
    nerves = {"right fibular": NerveCondition(accessory_fibular=0.35)}
    rows = rows_of(patient_on("right EDB", nerves=nerves), "right EDB")
    ankle, knee, behind = (
        rows["fibular", site]["amplitude_mv"]
        for site in ("ankle", "below_fibular_head", "lateral_malleolus")
    )
    assert knee > 1.2 * ankle
    assert ankle + behind == pytest.approx(knee, rel=0.25)


def test_cold_slows_delays_and_enlarges():
    """24 °C instead of 33: distal latency +0.2 ms per °C (0.13-0.27), the forearm slower by 1-2.4
    m/s per °C and more so the colder it is, the response a little larger."""
    rows = {}
    for warmth in (33.0, 28.5, 24.0):
        person = replace(read_case("healthy").person, hand_temperature_c=warmth)
        rows[warmth] = rows_of(patient_on("left ADM", person=person), "left ADM")
    wrist = {c: rows[c]["ulnar", "wrist"] for c in rows}
    later = wrist[24.0]["onset_latency_ms"] - wrist[33.0]["onset_latency_ms"]
    assert 0.13 < later / 9.0 < 0.27
    forearm = {c: rows[c]["ulnar", "below_elbow"]["segment_velocity_m_s"]["forearm"] for c in rows}
    first, second = (forearm[33.0] - forearm[28.5]) / 4.5, (forearm[28.5] - forearm[24.0]) / 4.5
    assert 0.7 < first < second < 2.6
    assert 1.0 < wrist[24.0]["amplitude_mv"] / wrist[33.0]["amplitude_mv"] < 1.2


def test_tall_people_have_late_f_waves():
    """25 cm of height cost the ulnar F-wave more than 3 ms; the distal latency hardly moves."""
    small, tall = (
        rows_of(patient_on("left ADM", person=Person(45.0, "M", cm)), "left ADM")["ulnar", "wrist"]
        for cm in (165.0, 190.0)
    )
    assert 3.0 < tall["f_first_ms"] - small["f_first_ms"] < 8.0
    assert abs(tall["onset_latency_ms"] - small["onset_latency_ms"]) < 0.3


def _late(patient, kind, key, shots=40):
    """Events of one kind after a train of pulses: list of (pulse number, unit, delay ms)."""
    patient.place("ulnar", "wrist", "left")
    rate, first = RATE_HZ / 4, patient.sample_index
    for shot in range(shots):
        at = first + 100.0 + 600 * shot
        patient.stimulate(at, current_ma=60.0, width_us=200.0)
    patient.advance(600 * shots + 100)
    told = patient.truth(first, patient.sample_index)[kind]
    since = [
        (each["sample"] - first - 100.0, each["unit"]) for each in told if each["muscle"] == key
    ]
    return [(int(s // 600), unit, (s % 600) / rate * 1e3) for s, unit in since]


def test_f_waves_differ_by_unit_and_repeat_when_few_units_are_left():
    """Health: most sweeps have one, of many units; after severe loss they are rare and the same."""
    seen = {}
    for lmn in (0.0, 1.0):
        patient = patient_on("left ADM", rate_hz=RATE_HZ / 4, seed=2)
        patient.set_dial("left ADM", lmn=lmn)
        patient.advance(5000)
        waves = _late(patient, "f_waves", "left ADM")
        seen[lmn] = len({n for n, _, _ in waves}), [unit for _, unit, _ in waves]
        by_unit = {unit: [ms for _, u, ms in waves if u == unit] for unit in seen[lmn][1]}
        assert all(np.ptp(delays) < 0.05 for delays in by_unit.values())
    (sweeps, units), (few_sweeps, few_units) = seen[0.0], seen[1.0]
    assert sweeps > 20
    assert few_sweeps < 0.6 * sweeps
    assert len(set(units)) > 12
    assert len(set(few_units)) <= 6 < len(few_units)


def test_a_waves_come_at_every_pulse_at_one_latency():
    """A sick nerve: some axons branch; each such unit answers all 20 pulses, between M and F."""
    nerves = {"left ulnar": NerveCondition(slowing={"forearm": 0.4}, dispersion={"forearm": 0.5})}
    waves = []
    for seed in range(4):
        patient = patient_on("left ADM", rate_hz=RATE_HZ / 4, seed=seed, nerves=nerves)
        waves += [(seed, *each) for each in _late(patient, "a_waves", "left ADM", shots=20)]
    assert waves
    for seed, unit in {(seed, unit) for seed, _, unit, _ in waves}:
        delays = [ms for s, _, u, ms in waves if (s, u) == (seed, unit)]
        assert len(delays) == 20
        assert np.ptp(delays) < 0.05
        assert 3.0 < delays[0] < 60.0


def _scan_shape(current_ma, height):
    """S95 / S5 and the five largest steps in % of the maximum, of scan points in any order."""
    order = np.argsort(current_ma)
    current, height = np.asarray(current_ma)[order], np.asarray(height)[order] / np.max(height)
    padded = np.pad(height, 4, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
    rising = np.maximum.accumulate(smooth)
    low, high = (current[np.argmax(rising >= level)] for level in (0.05, 0.95))
    steps = np.sort(np.abs(np.diff(height)))[::-1]
    return high / low, 100.0 * steps[4]


def _simulated_scan(seed):
    """A CMAP scan of ADM: 500 pulses of 0.1 ms, noise 8 µV, heights from the units' own sizes."""
    patient = patient_on("left ADM", seed=seed, rate_hz=RATE_HZ / 4)
    low, _, high = rows_of(patient, "left ADM")["ulnar", "wrist"]["threshold_ma"]
    current = np.linspace(1.75 * high, 1.3 * low, 500)
    patient.place("ulnar", "wrist", "left")
    for shot, ma in enumerate(current):
        patient.stimulate(50.0 + 160 * shot, current_ma=float(ma), width_us=100.0)
    line = patient.advance(160 * 501)[0]
    return current, [-line[62 + 160 * n : 130 + 160 * n].min() for n in range(500)]


def test_cmap_scans_have_the_shape_of_real_ones():
    """S95/S5 and the fifth largest step lie within the range of the 27 real scans of nine people
    (1.31-2.86 and 3-7.3 %), and differ between subjects."""
    shapes = np.array([_scan_shape(*_simulated_scan(seed)) for seed in range(3)])
    assert (shapes[:, 0] > 1.2).all()
    assert (shapes[:, 0] < 2.9).all()
    assert 1.35 < np.median(shapes[:, 0]) < 2.0
    assert (shapes[:, 1] > 2.5).all()
    assert (shapes[:, 1] < 8.0).all()
    assert np.ptp(shapes[:, 0]) > 0.03


@pytest.mark.skipif(not REAL.is_dir(), reason="the real CMAP scans are not on this machine")
def test_the_range_that_simulated_scans_are_held_to_is_that_of_the_real_ones():
    """The same measure on the 27 recordings: the numbers that the test above uses."""
    shapes = []
    for path in sorted(REAL.glob("*.MEM")):
        text = path.read_text("latin-1")
        points = re.findall(r"^\s*MS\.\d+\s+([\d.]+)\s+(-?[\d.]+)", text, re.MULTILINE)
        current, height = np.array(points, dtype=float).T
        shapes.append(_scan_shape(current, height))
    ratio, step = np.array(shapes).T
    assert len(shapes) == 27
    assert 1.25 < ratio.min() < ratio.max() < 3.0
    assert 1.5 < np.median(ratio) < 1.8
    assert 2.5 < step.min() < step.max() < 8.0
