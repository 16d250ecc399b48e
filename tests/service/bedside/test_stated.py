"""Stimulators whose current is only stated: behind a trigger box, or fired at their own panel."""

from __future__ import annotations

import time

import numpy as np
import pytest

from drivers.stimulator import ManualStimulator, TtlStimulator
from drivers.types import Channel, Pulse, StimulatorKind, StreamInfo, Trigger
from service.acquisition.ring import Ring
from service.acquisition.sweeps import HOLD_S, SweepCutter
from service.bedside.interlock import Interlock, Phase, RefusedError
from service.bedside.messages import stimulator_json
from service.bedside.placement import Placement
from service.bedside.stimulation import Stimulation
from service.bedside.stimulator_status import StimulationPorts
from service.bedside.train import Declared
from service.recording.messages import stimulus_from_json, stimulus_to_json
from simulators.trigger_box import TriggerBox
from tests.drivers.stimulator.test_ttl import WireToBox

from .interlock_rig import LIMITS, STEP, refusal


class Bench:
    """Rules and driver on one clock; `box` behind a trigger box, None: manual."""

    def __init__(self, kind: StimulatorKind) -> None:
        self.now = 100.0
        self.given: list[float] = []
        self.expected, self.records, self.said = [], [], []
        self.box = TriggerBox(lambda: self.now, lambda ma, _: self.given.append(ma))
        self.unit = Stimulation(
            lambda: self.device(kind),
            LIMITS,
            StimulationPorts(
                self.expected.append, lambda _: None, self.records.append, lambda: self.now,
                self.said.append,
            ),
            lambda: self.now,
            kind,
        )  # fmt: skip
        self.unit.turn()
        self.unit.amplifier(True, 1)
        self.do(self.unit.place(STEP))
        self.do(self.unit.ask("none", "AB"))

    def device(self, kind: StimulatorKind):
        """As `open_stimulator` makes it."""
        if kind is StimulatorKind.MANUAL:
            return ManualStimulator(LIMITS)
        return TtlStimulator(WireToBox(self.box), LIMITS, high_s=0.0, now=lambda: self.now)

    def do(self, answer) -> str:
        """Turn; the cause of a refusal, or nothing."""
        self.unit.heard("a")
        self.unit.turn()
        error = answer.exception(0)
        return "" if error is None else error.cause

    def wait(self, seconds: float) -> None:
        """Time with the page there."""
        for _ in range(round(seconds / 0.05)):
            self.now += 0.05
            self.unit.heard("a")
            self.unit.turn()


def test_behind_a_trigger_box_the_rules_hold_and_the_current_is_stated() -> None:
    """Step up, arm, one press one edge; record and stimulus say that it was stated."""
    bench = Bench(StimulatorKind.TRIGGERED)
    bench.box.turn(4.5, 200.0)  # what the knobs really say is nobody's but the operator's
    assert bench.do(bench.unit.configure(Pulse(6.0, 200.0))) == "step_too_large"
    assert bench.do(bench.unit.configure(Pulse(5.0, 200.0))) == ""
    assert bench.do(bench.unit.fire("a", "early")) == "not_armed"
    assert bench.do(bench.unit.arm("a", "AB")) == ""
    bench.wait(0.4)
    assert bench.do(bench.unit.fire("a", "n")) == ""
    assert bench.do(bench.unit.fire("a", "n")) == "replayed"
    assert bench.given == [4.5]
    assert (bench.expected[0].stated, bench.expected[0].pulse.current_ma) == (True, 5.0)
    assert [r.sentence for r in bench.records if r.what == "pulse"] == [
        "5 mA 200 µs, stated, not measured"
    ]
    told = stimulator_json(bench.unit.status)
    assert (told["kind"], told["stated"]) == ("triggered", "stated, not measured")


def test_a_train_keeps_its_stated_current_and_a_changing_one_is_refused_in_a_sentence() -> None:
    """Three edges at 5 Hz; a CMAP scan that goes down cannot be."""
    bench = Bench(StimulatorKind.TRIGGERED)
    bench.do(bench.unit.configure(Pulse(5.0, 200.0)))
    scan = bench.unit.arm("a", "AB", Declared("scan", 100, 2.0, to_ma=1.0))
    assert bench.do(scan) == "train_refused"
    assert "front panel" in str(scan.exception())
    assert bench.do(bench.unit.arm("a", "AB", Declared("rns", 3, 5.0))) == ""
    bench.do(bench.unit.fire("a", "n"))
    bench.wait(1.0)
    assert len(bench.given) == 3
    assert bench.unit.status.state is Phase.SAFE


def test_a_statement_that_is_refused_disarms() -> None:
    """The panel may show it all the same."""
    bench = Bench(StimulatorKind.TRIGGERED)
    bench.do(bench.unit.configure(Pulse(5.0, 200.0)))
    bench.do(bench.unit.arm("a", "AB"))
    assert bench.do(bench.unit.configure(Pulse(120.0, 200.0))) == "above_limit"
    assert bench.unit.status.state is Phase.SAFE
    assert "must show 5 mA" in bench.unit.status.sentence
    assert bench.do(bench.unit.fire("a", "n")) == "not_armed"


def test_stop_behind_a_trigger_box_says_where_the_output_is_switched_off() -> None:
    """No edge after it; the rest is the stimulator's own switch."""
    bench = Bench(StimulatorKind.TRIGGERED)
    bench.do(bench.unit.configure(Pulse(5.0, 200.0)))
    bench.do(bench.unit.arm("a", "AB"))
    bench.unit.stop()
    assert bench.do(bench.unit.fire("a", "n")) == "stopped"
    assert bench.unit.status.state is Phase.STOPPED
    assert "at the stimulator itself" in bench.unit.status.sentence
    assert bench.given == []


def test_a_manual_stimulator_is_never_armed_here_and_always_shown_as_if() -> None:
    """Arm and fire are answered in a sentence; STOP says where to switch off."""
    bench = Bench(StimulatorKind.MANUAL)
    assert bench.unit.status.state is Phase.UNKNOWN
    assert bench.do(bench.unit.configure(Pulse(38.0, 200.0))) == ""  # no request, so no step rule
    for asked in (bench.unit.arm("a", "AB"), bench.unit.fire("a", "n")):
        assert bench.do(asked) == "at_device"
        assert "front panel" in str(asked.exception())
    bench.unit.stop()
    bench.unit.turn()
    assert bench.unit.status.state is Phase.UNKNOWN
    assert "at the device" in bench.unit.status.sentence
    assert "at the device" in bench.unit.stop_words


def test_what_a_manual_stimulator_gives_is_told_until_place_or_doubt_changes_it() -> None:
    """Stated current and place; nothing at a new side, and nothing after a refused statement."""
    bench = Bench(StimulatorKind.MANUAL)
    assert bench.said[-1] is None
    bench.do(bench.unit.configure(Pulse(38.0, 200.0)))
    assert (bench.said[-1].pulse.current_ma, bench.said[-1].side) == (38.0, "left")
    bench.do(bench.unit.place(Placement("ulnar", "below_elbow", "left", "left FDI")))
    assert (bench.said[-1].pulse.current_ma, bench.said[-1].site) == (38.0, "below_elbow")
    bench.do(bench.unit.place(Placement("ulnar", "wrist", "right", "right FDI")))
    assert bench.said[-1] is None
    bench.do(bench.unit.configure(Pulse(30.0, 200.0)))
    assert bench.do(bench.unit.configure(Pulse(130.0, 200.0))) == "above_limit"
    assert bench.said[-1] is None


def test_a_pulse_given_at_the_device_is_in_the_log() -> None:
    """Each edge is one line, with what was stated."""
    bench = Bench(StimulatorKind.MANUAL)
    bench.do(bench.unit.configure(Pulse(38.0, 200.0)))
    bench.unit.seen("said:r:emg:1:1000.5")
    bench.unit.turn()
    pulses = [(r.cause, r.sentence) for r in bench.records if r.what == "pulse"]
    assert pulses == [("at_device", "38 mA 200 µs, stated, not measured")]
    assert bench.unit.status.delivered_count == 1


@pytest.fixture
def cutter() -> SweepCutter:
    """One channel at 1 kHz with two seconds of signal."""
    stream = StreamInfo("emg", 1000.0, "int32", (Channel("left FDI", "emg", "µV", 1.0),), 0.0)
    ring = Ring(1, 1000.0, 10.0)
    ring.append(1, 0, np.zeros((1, 2000), np.int32))
    return SweepCutter(stream, ring, pre_s=0.02, post_s=0.1, device="d", recording="r")


def test_an_edge_without_a_pulse_of_ours_is_the_stated_one_of_its_own_moment(cutter) -> None:
    """What is typed afterwards does not change it; it is told as stated and survives the record."""
    bench = Bench(StimulatorKind.MANUAL)
    bench.do(bench.unit.configure(Pulse(38.0, 200.0)))
    edge = Trigger("emg", 1, 500.5, "stimulator", "rise", 0.0005)
    cutter.trigger(edge, 10.0, bench.said[-1])
    cutter.trigger(Trigger("emg", 1, 900.5, "stimulator", "rise", 0.0005), 10.4, None)
    first, second = cutter.ready(10.4 + HOLD_S)
    told = first.stimulus
    assert (told.pulse.current_ma, told.nerve, told.side) == (38.0, "ulnar", "left")
    assert (told.stated, told.seen, told.sent_s) == (True, edge, 10.0)
    assert second.stimulus is None
    assert stimulus_from_json(stimulus_to_json(told)) == told
    older = stimulus_to_json(told)
    del older["stated"]
    assert stimulus_from_json(older).stated is False


def test_without_a_word_about_the_current_it_is_not_known() -> None:
    """0 mA is what a new place starts from: not stated."""
    lock = Interlock(LIMITS, present=True, kind=StimulatorKind.MANUAL)
    lock.ready()
    assert lock.phase is Phase.UNKNOWN
    assert refusal(lock.check_arm, "a", "AB", time.monotonic()) == "at_device"
    with pytest.raises(RefusedError):
        lock.fire("a", "n", 0.0)
