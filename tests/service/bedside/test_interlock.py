"""When a stimulator may fire: the rules one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.types import Pulse, StimulatorKind
from service.bedside.interlock import SILENT_S, Interlock, Phase
from service.bedside.placement import Placement, StepPulse

from .interlock_rig import LIMITS, armed, refusal


def test_it_starts_disarmed_and_unknown() -> None:
    """Nothing is believed of a stimulator that has not answered."""
    lock = Interlock(LIMITS, present=True)
    assert lock.phase is Phase.UNKNOWN
    assert not lock.armed
    assert refusal(lock.check_arm, "a", "AB", 0.0) == "unknown_state"


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (lambda lock: lock.place(Placement()), "no_step"),
        (lambda lock: lock.configured(Pulse(0.0, 200.0)), "no_current"),
        (lambda lock: lock.amplifier(False, 1), "no_signal"),
        (lambda lock: lock.gone("a"), "silent_client"),
        (lambda lock: lock.link_lost("cable"), "unknown_state"),
    ],
)
def test_each_condition_of_arming_is_needed(spoil, cause: str) -> None:
    """Without any one of them there is no arming."""
    lock = armed()
    lock.disarm()
    spoil(lock)
    assert refusal(lock.check_arm, "a", "AB", 0.5) == cause


def test_arming_needs_initials() -> None:
    """A pulse has a name to it."""
    lock = armed()
    lock.disarm()
    assert refusal(lock.check_arm, "a", "  ", 0.5) == "no_operator"


@pytest.mark.parametrize(
    "event",
    [
        lambda lock: lock.amplifier(False, 1),
        lambda lock: lock.amplifier(True, 2),
        lambda lock: lock.place(Placement("ulnar", "below_elbow", "left", "left FDI")),
        lambda lock: lock.configured(Pulse(6.0, 200.0)),
        lambda lock: lock.gone("a"),
        lambda lock: lock.stop(),
        lambda lock: lock.disarm(),
        lambda lock: lock.link_lost("cable"),
        lambda lock: lock.refused("said no"),
        lambda lock: lock.tick(SILENT_S + 0.01),
    ],
)
def test_everything_unexpected_disarms(event) -> None:
    """After it no pulse goes out."""
    lock = armed()
    event(lock)
    assert not lock.armed
    assert refusal(lock.fire, "a", "n", 0.1) == "not_armed"


def test_new_side_or_nerve_starts_from_zero_but_another_site_keeps_the_current() -> None:
    """The first pulse at a new nerve is never at the old intensity."""
    lock = armed(current_ma=5.0)
    lock.place(Placement("ulnar", "below_elbow", "left", "left FDI"))
    assert lock.pulse.current_ma == 5.0
    lock.place(Placement("ulnar", "wrist", "right", "right FDI"))
    assert lock.pulse.current_ma == 0.0


def test_a_step_brings_its_own_width_and_a_wider_one_never_does_more() -> None:
    """A standing current at a wider pulse gives the same charge; at a narrower one it stays."""
    lock = armed(current_ma=5.0)
    here = lock.placement
    lock.place(here, StepPulse("h_reflex", 1000.0))
    assert not lock.armed
    assert lock.pulse == Pulse(1.0, 1000.0)
    assert "1 mA instead of 5 mA" in lock.sentence
    lock.configured(Pulse(5.9, 1000.0))
    lock.place(here, StepPulse("motor", 200.0))
    assert lock.pulse == Pulse(5.9, 200.0)
    assert "200 µs" in lock.sentence
    lock.place(Placement("ulnar", "wrist", "right", "right FDI"), StepPulse("other", 100.0))
    assert lock.pulse == Pulse(0.0, 100.0)


def test_a_width_that_was_set_holds_for_its_step_alone() -> None:
    """The same step told again changes nothing; another one at the same place does, and disarms."""
    lock = armed()
    here = lock.placement
    lock.place(here, StepPulse("motor", 200.0))
    lock.configured(Pulse(5.0, 500.0))
    lock.check_arm("a", "AB", 0.1)
    lock.armed_by("a", "AB", 0.1)
    lock.place(here, StepPulse("motor", 200.0))
    assert lock.armed
    assert lock.pulse == Pulse(5.0, 500.0)
    lock.place(here, StepPulse("f_wave", 200.0))
    assert not lock.armed
    assert lock.pulse == Pulse(5.0, 200.0)


def test_no_step_is_wider_than_the_limits_allow() -> None:
    """A site that lowers the longest pulse lowers what steps bring."""
    lock = Interlock(replace(LIMITS, max_us=500.0), present=True)
    lock.place(Placement("tibial", "knee", "left", "left SOL"), StepPulse("h", 1000.0))
    assert lock.pulse.width_us == 500.0


def test_a_front_panel_keeps_its_own_width() -> None:
    """Nothing here sets it, so a step does not say what it is."""
    lock = Interlock(LIMITS, present=True, kind=StimulatorKind.TRIGGERED)
    lock.place(Placement("tibial", "knee", "left", "left SOL"), StepPulse("h", 1000.0))
    assert lock.pulse.width_us == 200.0


def test_idle_for_a_minute_disarms_and_a_pulse_starts_it_again() -> None:
    """60 s after the last pulse, not after arming."""
    lock = armed()
    lock.heard("a", 50.0)
    lock.fire("a", "n", 50.0)
    lock.delivered("s", 50.0)
    lock.seen("s")
    lock.heard("a", 109.0)
    lock.tick(109.0)
    assert lock.armed
    lock.heard("a", 110.0)
    lock.tick(110.0)
    assert not lock.armed


def test_two_pulses_without_an_edge_disarm_and_one_seen_forgives_one() -> None:
    """Sent but not seen, twice in a row."""
    lock = armed()
    for at_s, seen in ((1.0, False), (2.0, True), (3.0, False), (4.0, False)):
        lock.heard("a", at_s)
        lock.fire("a", f"n{at_s}", at_s)
        lock.delivered(f"s{at_s}", at_s)
        (lock.seen if seen else lock.unseen)(f"s{at_s}")
        lock.tick(at_s)
        assert lock.armed == (at_s < 4.0)


def test_stop_stays_until_armed_again() -> None:
    """Neither time, nor a reconnect, nor a new current ends STOP."""
    lock = armed()
    lock.stop()
    lock.tick(5.0)
    lock.ready()
    lock.configured(Pulse(6.0, 200.0))
    lock.place(Placement("median", "wrist", "left", "left APB"))
    assert lock.phase is Phase.STOPPED


def test_only_one_page_controls() -> None:
    """A second page can neither arm nor fire."""
    lock = armed()
    lock.heard("b", 0.0)
    assert refusal(lock.check_arm, "b", "CD", 0.1) == "other_controller"
    assert refusal(lock.fire, "b", "n", 0.1) == "other_controller"


def test_a_nonce_fires_once_even_after_a_refusal() -> None:
    """A repeated request never becomes a second shock."""
    lock = armed()
    lock.fire("a", "n", 0.1)
    lock.delivered("s", 0.1)
    assert refusal(lock.fire, "a", "n", 0.5) == "replayed"


@pytest.mark.parametrize(
    ("pulse", "cause"),
    [
        (Pulse(LIMITS.max_ma + 0.1, 100.0), "above_limit"),
        (Pulse(5.0, LIMITS.max_us + 1), "above_limit"),
        (Pulse(5.0, 0.0), "above_limit"),
        (Pulse(-1.0, 100.0), "above_limit"),
        (Pulse(10.1, 200.0), "step_too_large"),
        (Pulse(float("nan"), 200.0), "above_limit"),
    ],
)
def test_limits_and_steps_are_kept(pulse: Pulse, cause: str) -> None:
    """From 5 mA: nothing above a limit, and at most 5 mA more."""
    assert refusal(armed().check_configure, pulse) == cause


def test_charge_and_energy_are_limited_where_current_and_width_are_not() -> None:
    """Large and long together is too much."""
    lock = armed(current_ma=95.0)
    assert refusal(lock.check_configure, Pulse(95.0, 900.0)) == "above_limit"
    lock = armed(current_ma=95.0)
    energy_mj = 100.0**2 * LIMITS.load_ohm * 499.0 * 1e-9
    assert energy_mj < LIMITS.max_energy_mj
    lock.check_configure(Pulse(100.0, 499.0))


def test_arming_waits_for_the_answer_about_implanted_devices() -> None:
    """Asked once per study, in one of three words; another answer disarms."""
    lock = armed()
    lock.asked("present")
    assert not lock.armed
    lock.implant = ""
    assert refusal(lock.check_arm, "a", "AB", 0.1) == "not_asked"
    assert refusal(lock.asked, "perhaps") == "no_answer"


def test_the_ceiling_can_be_lowered_and_never_raised() -> None:
    """Lowering disarms, and a current above it goes back to the start."""
    lock = armed(current_ma=40.0)
    lock.lower_ceiling(30.0)
    assert not lock.armed
    assert lock.pulse.current_ma == 0.0
    assert refusal(lock.lower_ceiling, 31.0) == "above_limit"
    assert refusal(lock.check_configure, Pulse(30.5, 200.0)) == "above_limit"


def test_a_bouncing_pedal_is_one_pulse() -> None:
    """A second press within 150 ms is refused, whatever its nonce."""
    lock = armed()
    lock.fire("a", "n1", 0.1)
    lock.delivered("s1", 0.1)
    lock.seen("s1")
    assert refusal(lock.fire, "a", "n2", 0.249) == "too_soon"


def test_a_stimulator_that_comes_back_says_why_it_was_gone() -> None:
    """Whoever was armed or in a train reads the cause, not an empty line."""
    lock = armed()
    lock.link_lost("no answer to 'fire' within 0.3 s")
    lock.ready()
    assert lock.phase is Phase.SAFE
    assert "no answer to 'fire'" in lock.sentence
