"""Every gate with the fault that trips it, what it can fake, and clean runs that trip none."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from service.analysis import gates
from service.analysis.conduction import conduction
from service.analysis.gates import Direction
from service.analysis.motor import MotorSettings, motor_response
from service.analysis.quality import QualitySettings, quality
from service.analysis.steps import co_stimulation

from .responses import further, response
from .traces import interference, shapes, sweep

RATE = 16_000.0


def clean(seed=1, shape=0, amplitude_mv=6.0, **more):
    """One ordinary sweep."""
    return sweep(
        np.random.default_rng(seed), shapes()[shape], rate_hz=RATE, amplitude_mv=amplitude_mv,
        **more,
    )  # fmt: skip


def measured(trace, zero, **more):
    """The gates that the detector itself reports for a sweep."""
    return {
        flag.gate: flag for flag in gates.of_measurement(motor_response(trace, RATE, zero, **more))
    }


def test_faults_of_the_sweep_trip_their_gates():
    """Off the motor point, artefact at the onset, rail, gap, mains: named, with what to do."""
    trace, zero = clean()
    at = round(zero + 16 * motor_response(trace, RATE, zero).values["onset_latency_ms"])
    late_ms = (np.arange(trace.size) - zero) / 16
    off = trace.copy()
    off[at - 24 : at] += 700.0 * np.hanning(24)
    decaying = np.where(late_ms > 0, 4000.0 * np.exp(-np.maximum(late_ms, 0) / 2.5), 0.0)
    humming, its_zero = clean(amplitude_mv=1.0, mains_uv=200.0)
    found = {
        "initial_positivity": measured(off, zero),
        "artifact": measured(trace + decaying, zero),
        "saturated": measured(np.maximum(trace, -4000.0), zero),
        "gap": measured(trace, zero, gap=True),
        "mains": measured(humming, its_zero),
    }
    for gate, flags in found.items():
        assert gate in flags, gate
        assert flags[gate].action
    assert Direction.LATENCY in found["artifact"]["artifact"].falsifies
    assert Direction.LOW not in found["artifact"]["artifact"].falsifies


def test_a_lead_that_is_off_is_named_by_the_channel():
    """A flat channel hides every loss and every discharge."""
    flat = quality(np.zeros(4000), 2000.0, settings=QualitySettings())
    (flag,) = gates.of_measurement(flat)
    assert flag.gate == "lead_off"
    assert Direction.QUIET in flag.falsifies


@pytest.mark.parametrize(
    ("flag", "fakes", "never"),
    [
        (gates.submaximal(False, "not proven"), Direction.LOW, Direction.NORMAL),
        (gates.cold("hand", 30.0), Direction.NORMAL, Direction.LOW),
        (gates.cold("foot", 29.0), Direction.SLOW, Direction.LOW),
        (gates.cold("hand", None), Direction.SLOW, Direction.NORMAL),
        (gates.oedema(True), Direction.SENSORY, Direction.LOW),
        (gates.distance(60.0), Direction.SLOW, Direction.LATENCY),
        (gates.distance(None), Direction.SLOW, Direction.LATENCY),
        (gates.baseline_noise(12.0, needle=False), Direction.QUIET, Direction.LOW),
        (gates.baseline_noise(6.0, needle=True), Direction.QUIET, Direction.LOW),
        (gates.not_relaxed(8.0, 2.0), Direction.QUIET, Direction.EFFORT),
        (gates.effort_unknown(False, False), Direction.EFFORT, Direction.LOW),
        (gates.too_fast(80.0), Direction.FAST, Direction.SLOW),
    ],
)
def test_a_gate_blocks_its_own_direction_alone(flag, fakes, never):
    """What it can fake becomes unknown with a sentence and an action; the opposite stands."""
    (sentence,) = gates.blocked([flag], fakes)
    assert flag.sentence in sentence
    assert flag.action in sentence
    assert gates.blocked([flag], never) == ()


def test_what_is_in_order_trips_nothing():
    """Each gate at the good side of its edge."""
    assert gates.tripped(
        [
            gates.submaximal(True, ""), gates.cold("hand", 32.0), gates.cold("foot", 30.0),
            gates.oedema(False), gates.distance(80.0), gates.baseline_noise(10.0, needle=False),
            gates.baseline_noise(5.0, needle=True), gates.not_relaxed(6.0, 2.0),
            gates.effort_unknown(True, False), gates.effort_unknown(False, True),
            gates.too_fast(75.0), gates.too_fast(None), gates.turned_cathode(response(), 55.0, 4.5),
            gates.turned_cathode(response(), None, None),
        ]
    ) == ()  # fmt: skip


def both_ways(trace, zero):
    """The sweep as wired and turned over."""
    return [
        motor_response(trace, RATE, zero, settings=MotorSettings(negative_up=up))
        for up in (False, True)
    ]


def test_swapped_electrodes_are_seen():
    """The same sweep upside down; and the right way round it is not."""
    trace, zero = clean(tail_uv=20.0)
    assert gates.swapped_electrodes(*both_ways(-trace, zero)).gate == "swapped_electrodes"
    assert gates.swapped_electrodes(*both_ways(trace, zero)) is None


def test_a_turned_cathode_lengthens_the_distal_latency_alone():
    """30 mm of cathode and anode at the wrist: long there, in order above, the segment too fast."""
    late = response(onset_latency_ms=4.8)
    segment = conduction(late, further(latency=7.9), nerve="median", distance_mm=220.0)
    speed = segment.values["velocity_m_s"]
    assert gates.turned_cathode(late, speed, 4.5).gate == "turned_cathode"
    carpal = conduction(late, further(latency=8.9), nerve="median", distance_mm=220.0)
    assert gates.turned_cathode(late, carpal.values["velocity_m_s"], 4.5) is None


@pytest.mark.parametrize(
    ("nerve", "proven", "word"),
    [
        ("fibular", True, "malleolus"), ("ulnar", True, "Martin-Gruber"),
        ("median", False, "raise the distal current"), ("tibial", True, "lower the proximal"),
    ],
)  # fmt: skip
def test_a_larger_proximal_response_has_its_usual_causes(nerve, proven, word):
    """By nerve: accessory fibular, Martin-Gruber, or a submaximal wrist."""
    flag = gates.proximal_larger(
        response(amplitude_mv=5.0), further(amplitude=7.0), nerve=nerve, distal_proven=proven
    )
    assert word in flag.action
    assert Direction.NO_DROP in flag.falsifies
    same = gates.proximal_larger(response(), further(), nerve=nerve, distal_proven=proven)
    assert same is None
    gone = gates.proximal_larger(response("absent"), further(), nerve=nerve, distal_proven=proven)
    assert gone is None


@cache
def ramp(seed, neighbour_mv, *, levels=8):
    """Sweeps at rising currents: a plateau from the fifth, then perhaps another muscle, later."""
    rng = np.random.default_rng(seed)
    own = shapes()[rng.integers(len(shapes()))]
    current = np.linspace(10.0, 24.0, levels)
    sweeps, zeros = [], []
    for step in range(levels):
        seed_of = int(rng.integers(1 << 30))
        share = min((step + 1) / 5, 1.0)
        trace, zero = sweep(
            np.random.default_rng([seed, 1]), own, rate_hz=RATE, amplitude_mv=6.0 * share
        )
        if neighbour_mv and step >= levels - 2:
            late_ms = (np.arange(trace.size) - zero) / 16 - own.onset_ms - 5.0
            wave = np.where(late_ms > 0, late_ms * np.exp(-late_ms / 1.5), 0.0)
            trace = trace - 1000.0 * neighbour_mv * (step - levels + 3) * wave / wave.max()
        noise = np.random.default_rng(seed_of).standard_normal(trace.size)
        sweeps.append(trace + 5.0 * noise)
        zeros.append(zero)
    return np.stack(sweeps), zeros[0], current


def test_another_nerve_that_joins_in_is_seen():
    """After the plateau the response grows again, in another shape: lower the current."""
    for seed in range(5):
        sweeps, zero, current = ramp(seed, 2.0)
        flag = co_stimulation(sweeps, RATE, zero, current)
        assert flag is not None
        assert "lower the current" in flag.action
    assert co_stimulation(sweeps[:2], RATE, zero, current[:2]) is None
    with pytest.raises(ValueError, match="current per sweep"):
        co_stimulation(sweeps, RATE, zero, current[:3])


def test_clean_runs_trip_next_to_nothing():
    """200 clean segments, both sites through the detector: at most 2 % trip any of the gates."""
    rng = np.random.default_rng(9)
    tripped = 0
    for number in range(200):
        pair = [shapes()[index] for index in rng.integers(len(shapes()), size=2)]
        mv = float(rng.uniform(3.0, 12.0))
        found = []
        for shape, share in zip(pair, (1.0, float(rng.uniform(0.85, 1.0))), strict=True):
            trace, zero = sweep(
                rng, shape, rate_hz=RATE, amplitude_mv=mv * share, tail_uv=float(rng.uniform(0, 60))
            )
            found.append((motor_response(trace, RATE, zero), trace, zero))
        speed = float(rng.uniform(45, 66))
        rest = quality(interference(rng, 4000, 2000.0, 2.0), 2000.0)
        (distal, trace, zero), (proximal, _, _) = found
        turned = motor_response(trace, RATE, zero, settings=MotorSettings(negative_up=True))
        steps, at, current = ramp(100 + number % 40, 0.0)
        flags = [
            *gates.of_measurement(distal), *gates.of_measurement(proximal),
            *gates.of_measurement(rest),
            gates.swapped_electrodes(distal, turned),
            gates.proximal_larger(distal, proximal, nerve="median", distal_proven=True),
            gates.baseline_noise(rest.values["rms_uv"], needle=False),
            gates.not_relaxed(rest.values["rms_uv"], 2.0),
            gates.too_fast(speed), gates.turned_cathode(distal, speed, pair[0].onset_ms + 0.5),
            co_stimulation(steps, RATE, at, current),
        ]  # fmt: skip
        tripped += bool(gates.tripped(flags))
    assert tripped <= 4
