"""Declared trains: armed once, ended by anything."""

from __future__ import annotations

import itertools

import pytest

from service.bedside.interlock import Interlock, RefusedError
from service.bedside.train import Declared

from .interlock_rig import armed, refusal
from .stimulation_desk import Desk


def train(declared: Declared, current_ma: float = 20.0) -> Interlock:
    """An interlock armed for a declared train."""
    lock = armed(current_ma=current_ma)
    lock.check_arm("a", "AB", 0.0, declared)
    lock.armed_by("a", "AB", 0.0, declared)
    return lock


def run(lock: Interlock, until_s: float, tick_s: float = 0.02) -> list[tuple[float, float]]:
    """(time, current) of the pulses of a train while the page is there, each of them seen."""
    sent, steps = [], round(until_s / tick_s)
    for step in range(1, steps):
        now = step * tick_s
        lock.heard("a", now)
        pulse = lock.train_pulse(now)
        if pulse is not None:
            sent.append((now, pulse.current_ma))
            lock.delivered(str(step), now)
            lock.seen(str(step))
    return sent


def test_a_declared_train_is_armed_once_and_ends_at_its_count() -> None:
    """Nothing before the press; ten pulses at 3 Hz; then disarmed."""
    lock = train(Declared("rns", 10, 3.0))
    assert run(lock, 0.5) == []
    lock.heard("a", 0.5)
    lock.fire("a", "n", 0.5)
    lock.delivered("first", 0.5)
    lock.seen("first")
    times = [0.5] + [at for at, _ in run(lock, 6.0) if at > 0.5]
    assert len(times) == 10
    assert all(1 / 3 <= b - a <= 1 / 3 + 0.021 for a, b in itertools.pairwise(times))
    assert not lock.armed
    assert "complete" in lock.sentence


def test_a_scan_goes_down_in_equal_steps_and_never_above_its_ceiling() -> None:
    """600 pulses at 2 Hz from 20 mA to 2 mA: more than any undeclared train."""
    lock = train(Declared("scan", 600, 2.0, to_ma=2.0))
    lock.heard("a", 0.0)
    lock.fire("a", "n", 0.0)
    lock.delivered("first", 0.0)
    lock.seen("first")
    currents = [20.0] + [current for _, current in run(lock, 320.0)]
    assert len(currents) == 600
    assert currents == sorted(currents, reverse=True)
    assert currents[-1] == 2.0


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (Declared("scan", 601, 2.0), "outside 1 to 600"),
        (Declared("scan", 600, 2.1), "up to 2 Hz"),
        (Declared("rns", 11, 3.0), "outside 1 to 10"),
        (Declared("rns", 10, 50.0), "up to 5 Hz"),
        (Declared("f", 101, 0.5), "outside 1 to 100"),
        (Declared("h", 151, 0.5), "outside 1 to 150"),
        (Declared("scan", 10, 1.0, to_ma=21.0), "only goes down"),
        (Declared("tetanus", 10, 1.0), "no train"),
    ],
)
def test_a_train_beyond_its_kind_is_not_armed(declared: Declared, words: str) -> None:
    """Each kind has its count and its rate."""
    lock = armed(current_ma=20.0)
    with pytest.raises(RefusedError, match=words) as refused:
        lock.check_arm("a", "AB", 0.0, declared)
    assert refused.value.cause == "train_refused"


@pytest.mark.parametrize(
    "event",
    [
        lambda lock: refusal(lock.fire, "a", "another", 3.0),
        lambda lock: lock.end_train("pedal"),
        lambda lock: lock.stop(),
        lambda lock: lock.gone("a"),
        lambda lock: lock.amplifier(False, 1),
    ],
)
def test_anything_ends_a_train(event) -> None:
    """A press, the pedal let go, STOP, the page closed, the amplifier silent: no pulse after it."""
    lock = train(Declared("f", 100, 1.0))
    lock.heard("a", 0.0)
    lock.fire("a", "n", 0.0)
    lock.delivered("first", 0.0)
    lock.seen("first")
    assert len(run(lock, 2.9)) == 2
    event(lock)
    assert run(lock, 30.0) == []
    assert not lock.armed


def test_a_train_of_changing_current_does_not_arm_again_what_has_disarmed_itself() -> None:
    """The service stood still for longer than the dead-man; its own clock and loop seem well."""
    desk = Desk()
    assert desk.prepare(8.0, Declared("rns", 4, 5.0, 1.0)) == ""
    desk.run(1.2)
    assert desk.do(desk.unit.fire("a", "n")) == ""
    desk.now += 0.31
    desk.turn()
    desk.run(2.0)
    assert len(desk.pulses) == 1
    assert not desk.firmware.state()["armed"]
    assert "disarmed itself" in desk.unit.status.sentence
