"""Motor conduction: a velocity whose interval holds the truth as often as it says, and what may be
said of block and dispersion."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from service.analysis.conduction import VelocitySettings, conduction, velocity
from service.analysis.motor import motor_response
from service.model import Measurement

from .responses import further as proximal
from .responses import response
from .traces import shapes, sweep


def judged(near, far, **more):
    """State of block and dispersion."""
    result = conduction(near, far, **({"nerve": "median", "distance_mm": 220.0} | more))
    return {item["name"]: item["state"] for item in result.items}


@cache
def detected():
    """300 sweeps of unseen seeds through the detector: (values, error of the onset in ms)."""
    rng = np.random.default_rng(30)
    out = []
    for _ in range(300):
        rate_hz = float(rng.choice([16_000.0, 20_000.0]))
        shape = shapes()[rng.integers(len(shapes()))]
        mv = float(np.exp(rng.uniform(np.log(0.5), np.log(12.0))))
        trace, zero = sweep(rng, shape, rate_hz=rate_hz, amplitude_mv=mv, tail_uv=30.0)
        values = motor_response(trace, rate_hz, zero).values
        out.append((values, values["onset_latency_ms"] - shape.onset_ms))
    return out


def covered(count, seed, *, tape_sd=5.0, cathode_sd=3.0, jitter_ms=0.05):
    """Share of velocities whose interval holds the truth: the detector's own errors, each site's
    cathode off its mark, the tape misread, the latency jittering."""
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(count):
        true_m_s, true_mm = rng.uniform(20, 65), rng.uniform(90, 300)
        shifts = cathode_sd * rng.standard_normal(2)
        latencies = (3.0, 3.0 + (true_mm + shifts[1] - shifts[0]) / true_m_s)
        found = []
        for latency_ms in latencies:
            values, error_ms = detected()[rng.integers(300)]
            seen_ms = latency_ms + error_ms + jitter_ms * rng.standard_normal()
            found.append(response(**(dict(values) | {"onset_latency_ms": seen_ms})))
        read_mm = true_mm + tape_sd * rng.standard_normal()
        got = conduction(*found, nerve="median", distance_mm=read_mm).values
        held += got["velocity_low_m_s"] <= true_m_s <= got.get("velocity_high_m_s", np.inf)
    return held / count


def test_a_velocity_lies_in_its_interval_as_often_as_stated():
    """93-97 % of 2,500 segments, through the detector, with tape, cathode and jitter at fault."""
    assert 0.93 <= covered(2500, seed=31) <= 0.97


def test_an_error_larger_than_stated_is_not_covered():
    """The check above can fail: a tape three times as bad leaves the interval."""
    assert covered(400, seed=32, tape_sd=15.0) < 0.90


def test_fieller_against_simulation():
    """The interval of a ratio, on 20,000 draws with a short, badly known time."""
    rng = np.random.default_rng(33)
    held = 0
    for _ in range(20_000):
        got = velocity(100 + 6 * rng.standard_normal(), 2 + 0.2 * rng.standard_normal(), 6.0, 0.2)
        held += got.low <= 50.0 <= (np.inf if got.high is None else got.high)
    assert held / 20_000 == pytest.approx(0.95, abs=0.006)


def test_a_time_within_its_own_error_bounds_a_velocity_from_below_only():
    """A difference of 0.1 ± 0.1 ms excludes slow nerves, and no fast one."""
    got = velocity(100.0, 0.1, 6.0, 0.1)
    assert got.high is None
    assert 100 / (0.1 + 0.25) < got.low + 25 < 400
    assert velocity(100.0, 0.0, 6.0, 0.1) is None
    told = conduction(
        response(), proximal(latency=3.05), nerve="ulnar", distance_mm=100.0,
        settings=VelocitySettings(),
    )  # fmt: skip
    assert "velocity_high_m_s" not in told.values
    assert any("exclude any speed" in reason for reason in told.reasons)


def test_velocity_latency_and_index_by_hand():
    """220 mm in 4 ms are 55 m/s; 80 mm of it take 1.45 ms of the 3 ms distal latency."""
    result = conduction(
        response(), proximal(), nerve="median", distance_mm=220.0, distal_distance_mm=80.0
    )
    values = result.values
    assert values["velocity_m_s"] == pytest.approx(55.0)
    assert values["velocity_low_m_s"] < 55 < values["velocity_high_m_s"]
    assert values["residual_latency_ms"] == pytest.approx(3 - 80 / 55)
    assert values["terminal_latency_index"] == pytest.approx(80 / (55 * 3))
    assert values["amplitude_drop_percent"] == 0
    assert not result.reasons


def test_noise_widens_the_interval():
    """A response a tenth as high in the same noise has a less certain latency."""
    clean = conduction(response(), proximal(), nerve="median", distance_mm=220.0).values
    small = conduction(
        response(amplitude_mv=0.1), proximal(amplitude=0.1), nerve="median", distance_mm=220.0
    ).values
    assert small["velocity_low_m_s"] < clean["velocity_low_m_s"]
    assert small["velocity_high_m_s"] > clean["velocity_high_m_s"]


@pytest.mark.parametrize(
    ("far", "block", "dispersion"),
    [
        (proximal(amplitude=8.0, area=25.0), "none", "none"),
        (proximal(amplitude=4.0, area=12.0), "present", "none"),
        (proximal(amplitude=6.5, area=20.0), "possible", "none"),
        (proximal(amplitude=4.5, area=25.0, duration=7.0), "none", "present"),
        (proximal(amplitude=3.0, area=10.0, duration=7.0), "present", "present"),
        (proximal(amplitude=9.0, area=30.0, duration=6.4), "none", "none"),
    ],
)
def test_block_and_dispersion(far, block, dispersion):
    """Half the amplitude is block; with dispersion, only if half the area is lost too."""
    assert judged(response(), far) == {"block": block, "dispersion": dispersion}


def test_a_tibial_nerve_is_never_blocked_by_amplitude_alone():
    """A fall of 75 % to the knee says nothing unless the area falls without dispersion."""
    far = proximal(amplitude=2.5, area=20.0)
    assert judged(response(), far, nerve="tibial")["block"] == "unknown"
    assert judged(response(), far, nerve="fibular")["block"] == "present"
    far = proximal(amplitude=2.5, area=8.0)
    assert judged(response(), far, nerve="tibial")["block"] == "possible"
    far = proximal(amplitude=6.0, area=20.0, duration=8.0)
    assert judged(response(), far, nerve="tibial")["dispersion"] == "unknown"


def test_a_small_distal_response_leaves_block_unknown():
    """Below 1 mV, or below a fifth of the lower limit, a drop means nothing."""
    small = response(amplitude_mv=0.9)
    assert judged(small, proximal(amplitude=0.2))["block"] == "unknown"
    low = response(amplitude_mv=1.5)
    far = proximal(amplitude=0.5, area=3.0)
    assert judged(low, far, least_amplitude_mv=4.1)["block"] == "present"
    assert judged(low, far, least_amplitude_mv=8.0) == {"block": "unknown", "dispersion": "unknown"}


def test_a_stimulus_not_proven_falsifies_only_in_its_direction():
    """A submaximal elbow cannot show block; a submaximal wrist cannot exclude it."""
    drop, same = proximal(amplitude=4.0, area=12.0), proximal()
    assert judged(response(), drop, supramaximal=(True, False))["block"] == "unknown"
    assert judged(response(), same, supramaximal=(True, False))["block"] == "none"
    assert judged(response(), drop, supramaximal=(False, True))["block"] == "present"
    assert judged(response(), same, supramaximal=(False, True))["block"] == "unknown"


def test_missing_is_unknown_and_said():
    """No proximal response with a proven stimulus is block; no distal one is no segment."""
    gone = response("absent", name="p")
    result = conduction(response(), gone, nerve="median", distance_mm=220.0)
    assert result.items[0]["state"] == "present"
    assert "velocity_m_s" not in result.values
    assert judged(response(), gone, supramaximal=(True, False))["block"] == "unknown"
    for near, far in ((gone, response()), (response("not_assessable"), response())):
        assert conduction(near, far, nerve="median", distance_mm=220.0).state == "not_assessable"
    bare = {k: v for k, v in proximal(amplitude=3.0).values.items() if k != "duration_ms"}
    far = Measurement("p", "motor_response", "2", "m", (), {}, "measured", (), bare)
    assert judged(response(), far) == {"block": "unknown", "dispersion": "unknown"}


def test_what_a_velocity_lacks_or_strains_is_said():
    """No distance, a short one, times in the wrong order, a nerve too fast to believe."""
    none = conduction(response(), proximal(), nerve="median", distance_mm=None)
    assert "not measured" in none.reasons[0]
    assert none.values["latency_difference_ms"] == 4.0
    short = conduction(response(), proximal(latency=4.0), nerve="median", distance_mm=60.0)
    assert short.reasons[0].startswith("distance")
    back = conduction(response(), proximal(latency=2.0), nerve="median", distance_mm=200.0)
    assert "not later" in back.reasons[0]
    fast = conduction(response(), proximal(latency=5.0), nerve="median", distance_mm=200.0)
    assert any("tape" in reason for reason in fast.reasons)
    with pytest.raises(ValueError, match="above 0 mm"):
        conduction(response(), proximal(), nerve="median", distance_mm=-1.0)
