"""What the driver refuses before a byte is sent."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.config import load_stimulator_limits
from drivers.errors import StimulatorRefused
from drivers.stimulator.limits import PulseGuard
from drivers.types import Pulse

LIMITS = load_stimulator_limits()


@pytest.mark.parametrize(
    ("current_ma", "width_us", "word"),
    [
        (100.1, 100, "mA"),
        (10, 1001, "µs"),
        (60, 1000, "µC"),
        (-1, 100, "mA"),
        (10, -1, "µs"),
        (float("nan"), 100, "mA"),
        (float("inf"), 100, "mA"),
    ],
)
def test_a_pulse_beyond_a_limit_is_refused_and_named(current_ma, width_us, word):
    """Current, width, charge; negative and undefined numbers too."""
    with pytest.raises(StimulatorRefused, match=word) as caught:
        PulseGuard(LIMITS).check_pulse(Pulse(current_ma, width_us))
    assert caught.value.cause == "above_limit"


@given(current_ma=st.floats(0, 100), width_us=st.floats(0, 1000))
@settings(max_examples=100, deadline=None)
def test_what_passes_is_within_every_limit(current_ma, width_us):
    """The arithmetic once more, written differently."""
    try:
        PulseGuard(LIMITS).check_pulse(Pulse(current_ma, width_us))
    except StimulatorRefused:
        assert current_ma * width_us > 50_000
    else:
        assert current_ma * width_us <= 50_000 * (1 + 1e-12)
        assert current_ma**2 * width_us * 1e-6 <= LIMITS.max_energy_mj


def test_pulses_too_close_or_too_many_are_refused():
    """5 Hz at most, 10 in a train, then a pause."""
    guard, pulse = PulseGuard(LIMITS), Pulse(10.0, 100.0)
    now_s = 100.0
    guard.count(pulse, now_s)
    with pytest.raises(StimulatorRefused, match="after the pulse before"):
        guard.check_rate(pulse, now_s + 0.199)
    for _ in range(9):
        now_s += 0.3
        guard.check_rate(pulse, now_s)
        guard.count(pulse, now_s)
    with pytest.raises(StimulatorRefused, match="10 pulses without a pause"):
        guard.check_rate(pulse, now_s + 0.3)
    guard.check_rate(pulse, now_s + 1.0)


def test_a_lowered_mean_current_limit_is_kept():
    """Four pulses of 50 µC in a second are 0.2 mA; the fifth is too much for such a site."""
    guard, pulse = PulseGuard(replace(LIMITS, max_avg_ma=0.2)), Pulse(50.0, 1000.0)
    now_s = 0.0
    for _ in range(4):
        guard.check_rate(pulse, now_s)
        guard.count(pulse, now_s)
        now_s += 0.21
    with pytest.raises(StimulatorRefused, match="mean current"):
        guard.check_rate(pulse, now_s)
