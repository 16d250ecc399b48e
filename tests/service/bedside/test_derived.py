"""Rows made of rows: there when their inputs are, gone with them, silent where a gate falsifies."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.types import Pulse, Stimulus, Trigger
from service.bedside import edits
from service.bedside.assessor import Assessor, Findings
from service.bedside.derived import derived_lines, plans
from service.bedside.row_key import MOTOR, RowKey, Taken
from service.bedside.table import Circumstances, Table
from service.evidence.limits import Subject
from service.model import Sweep
from service.store.types import KeptEdit
from tests.service.bedside.test_table import NOON

RATE_HZ, ZERO, COUNT = 16_000.0, 320.25, 1120
WARM = {f"{side} {part}": 34.0 for side in ("left", "right") for part in ("hand", "foot")}


class Hand:
    """A table into which responses of known latency and size are put, one channel per recording."""

    def __init__(self, **known) -> None:
        told = {"subject": Subject(40.0, "M", 180.0), "temperatures": WARM} | known
        self.table, self.count = Table(Circumstances(**told)), 0

    def row(self, row_id, *, latency_ms, size_uv, currents=(30.0, 36.0), width_ms=6.0, mm=None):
        """One row, every current once; sensory ones ten times."""
        key = RowKey.from_id(row_id)
        times = 10 if key.measure == "sensory_response" else 1
        for current in currents:
            for _ in range(times):
                sweep = self.sweep(key, current, latency_ms, size_uv, width_ms)
                taken = Taken(key.measure, key.nerve, key.site, key.side, key.muscle, "", key.run)
                self.table.rows.add(sweep, taken)
        if mm is not None:
            self.table.rows.set_distance(key, mm)
        return key

    def sweep(self, key, current_ma, latency_ms, size_uv, width_ms):
        """A smooth negative wave in a little noise."""
        self.count += 1
        rng = np.random.default_rng(self.count)
        noise_uv = 0.3 if key.measure == "sensory_response" else 1.0
        samples = rng.normal(0.0, noise_uv, (1, COUNT))
        phase = np.clip(((np.arange(COUNT) - ZERO) / 16.0 - latency_ms) / width_ms, 0.0, 2.0)
        wave = np.where(phase < 1, np.sin(np.pi * phase), 0.4 * np.sin(np.pi * phase))
        samples[0] -= size_uv * wave
        edge = Trigger("emg", 1, 4000.0 * self.count + 0.5, "stimulator", "rise", 3e-5)
        pulse = Pulse(current_ma, 200.0)
        told = Stimulus(f"p{self.count}", pulse, key.nerve, key.site, key.side, 0.0, 0.0, edge)
        return Sweep(
            f"r:emg:1:{self.count}", "r", "d", "emg", 1, edge, told, (key.muscle,),
            4000 * self.count - 320, RATE_HZ, ZERO, samples, False, True, 0.0,
        )  # fmt: skip

    def motor(self, site, record, side="left", nerve="ulnar", run=1, **told):
        """A motor row."""
        return self.row(f"{MOTOR}.{side}.{nerve}.{site}.{record}.{run}", **told)

    def snap(self, nerve, site, record, latency_ms, mm, size_uv=30.0):
        """A sensory row."""
        record = f"{nerve}_{record}"
        return self.row(f"sensory_response.left.{nerve}.{site}.{record}.1", latency_ms=latency_ms,
                        size_uv=size_uv, currents=(12.0,), width_ms=1.2, mm=mm)  # fmt: skip

    def line(self, measure):
        """The one derived row of a measure."""
        found = [line for _, line, _ in derived_lines(self.table) if line["measure"] == measure]
        assert len(found) == 1
        return found[0]

    def value(self, measure, quantity):
        """One value of it."""
        return next(v for v in self.line(measure)["values"] if v["quantity"] == quantity)


def edit(what, target, to):
    """By KS at noon."""
    return KeptEdit(NOON, "KS", what, target, None, to)


def compared() -> Hand:
    """Median 0.6 ms later than its neighbour at ring finger, palm and thumb."""
    hand = Hand()
    for nerve, late in (("median", 0.6), ("ulnar", 0.0)):
        hand.snap(nerve, "wrist", "D4", 2.6 + late, 140.0)
        hand.snap(nerve, "palm", "wrist", 1.5 + late, 80.0)
    hand.snap("median", "wrist", "D1", 2.5, 100.0)
    hand.snap("radial", "forearm", "D1", 1.9, 100.0)
    return hand


def test_the_combined_index_is_the_sum_of_three_comparisons_and_names_its_rows() -> None:
    """0.6 ms each, 1.8 ms together; six inputs by id."""
    hand = compared()
    for pair in ("ring_finger", "palm", "thumb"):
        found = hand.value("median_comparison", f"{pair}_difference_ms")["value"]
        assert found == pytest.approx(0.6, abs=0.05)
    index = hand.value("median_comparison", "combined_sensory_index_ms")
    assert (index["value"], index["unit"]) == (pytest.approx(1.8, abs=0.12), "ms")
    line = hand.line("median_comparison")
    assert line["derived"]
    assert len(line["inputs"]) == 6
    assert "sensory_response.left.radial.forearm.radial_D1.1" in line["inputs"]


def test_unequal_distances_take_one_comparison_and_the_index_away() -> None:
    """A tape that differs says nothing of the other two pairs."""
    hand = compared()
    key = RowKey.from_id("sensory_response.left.median.wrist.median_D4.1")
    edits.apply(hand.table, edit("distance", key.id, {"mm": 120.0}))
    line = hand.line("median_comparison")
    names = {one["quantity"] for one in line["values"]}
    assert names == {"palm_difference_ms", "thumb_difference_ms"}
    assert any("distances differ" in hint for hint in line["hints"])
    assert any("no combined index" in hint for hint in line["hints"])


def whole_hand(hand: Hand, **apb) -> None:
    """APB, FDI and ADM at the wrist."""
    hand.motor("wrist", "APB", nerve="median", **{"latency_ms": 3.5, "size_uv": 4000.0} | apb)
    hand.motor("wrist", "FDI", latency_ms=3.8, size_uv=6000.0)
    hand.motor("wrist", "ADM", latency_ms=2.8, size_uv=8000.0)


def test_the_split_hand_index_needs_three_proven_responses() -> None:
    """4 · 6 / 8 mV; with one current alone the APB is not proven, and the row says so."""
    hand = Hand()
    whole_hand(hand)
    index = hand.value("split_hand", "split_hand_index_mv")
    assert index["value"] == pytest.approx(3.0, abs=0.1)
    assert (index["state"], index["limit"]) == ("unknown", None)
    assert "no limit of the healthy" in index["reasons"][0]
    single = Hand()
    whole_hand(single, currents=(30.0,))
    line = single.line("split_hand")
    assert (line["values"], line["measurement"]["state"]) == ([], "not_assessable")
    assert "APB: the stimulus is not proven" in " ".join(line["hints"])


def elbow(hand: Hand, **above) -> RowKey:
    """Forearm at 50 m/s, across the elbow at 25."""
    hand.motor("wrist", "ADM", latency_ms=2.8, size_uv=8000.0)
    hand.motor("below_elbow", "ADM", latency_ms=6.8, size_uv=7800.0, mm=200.0)
    told = {"latency_ms": 10.8, "size_uv": 7600.0, "mm": 100.0} | above
    return hand.motor("elbow", "ADM", **told)


def test_no_velocity_across_the_elbow_without_the_angle_and_a_drop_with_it() -> None:
    """The row asks for the flexion; once entered the drop of 25 m/s is beyond 15."""
    hand = Hand()
    above = elbow(hand)
    before = hand.line("across_elbow")
    assert "across_velocity_m_s" not in {one["quantity"] for one in before["values"]}
    assert any("enter the flexion" in hint for hint in before["hints"])
    to = {"flexion_deg": 90.0, "after_exercise_s": None}
    edits.apply(hand.table, edit("condition", above.id, to))
    drop = hand.value("across_elbow", "velocity_drop_m_s")
    assert drop["value"] == pytest.approx(25.0, abs=1.5)
    assert (drop["state"], drop["limit"]["value"]) == ("abnormal", 15)
    across = hand.value("across_elbow", "across_velocity_m_s")
    assert across["low"] < across["value"] < across["high"]
    assert hand.line("across_elbow")["flexion_deg"] == 90.0
    assert hand.table.line(above)["flexion_deg"] == 90.0


def test_a_submaximal_shock_above_the_elbow_leaves_no_drop_of_amplitude() -> None:
    """The row names the gate and the row it is of; the velocities stay."""
    hand = Hand()
    above = elbow(hand, currents=(30.0,), size_uv=3000.0)
    hand.table.rows.set_condition(above, flexion_deg=90.0, after_exercise_s=None)
    line = hand.line("across_elbow")
    names = {one["quantity"] for one in line["values"]}
    assert "velocity_drop_m_s" in names
    assert "across_amplitude_drop_percent" not in names
    assert any(hint.startswith(f"{above.id}: submaximal") for hint in line["hints"])


def test_sides_are_held_against_their_own_limits_whichever_is_worse() -> None:
    """Right 1.2 ms later and 75 % smaller: abnormal both, though left minus right is negative."""
    hand = Hand()
    hand.motor("wrist", "APB", nerve="median", latency_ms=3.4, size_uv=9000.0)
    hand.motor("wrist", "APB", "right", "median", latency_ms=4.6, size_uv=2250.0)
    late = hand.value("side_to_side", "onset_latency_difference_ms")
    assert late["value"] == pytest.approx(-1.2, abs=0.06)
    assert (late["state"], late["limit"]["value"]) == ("abnormal", 0.7)
    drop = hand.value("side_to_side", "amplitude_drop_percent")
    assert drop["value"] == pytest.approx(75.0, abs=1.0)
    assert (drop["state"], drop["limit"]["value"]) == ("abnormal", 54)
    assert hand.line("side_to_side")["inputs"] == [
        f"{MOTOR}.left.median.wrist.APB.1", f"{MOTOR}.right.median.wrist.APB.1",
    ]  # fmt: skip


def test_late_responses_of_both_sides_make_a_row_with_the_limit_of_their_own() -> None:
    """F-waves and H-reflexes apart; what has no latency says on which side."""
    hand = Hand()
    for side in ("left", "right"):
        hand.row(f"f_wave.{side}.median.wrist.APB.1", latency_ms=28.0, size_uv=200.0)
    line = hand.line("f_side_to_side")
    assert line["inputs"] == ["f_wave.left.median.wrist.APB.1", "f_wave.right.median.wrist.APB.1"]
    assert line["measurement"]["state"] == "not_assessable"
    assert [hint.partition(" ")[0] for hint in line["hints"]] == ["left", "right"]
    key = RowKey("f_side_to_side", "median", "wrist", "both", "both APB")
    assert hand.table.choice(key, "f_min_difference_ms").limit.value == 2.2
    reflex = RowKey("h_side_to_side", "tibial", "knee", "both", "both SOL")
    assert hand.table.choice(reflex, "h_latency_difference_ms").limit.value == 2.0


def test_a_hand_of_unknown_temperature_leaves_no_side_difference_of_latency() -> None:
    """One cold hand is late by itself; the amplitudes are still compared."""
    hand = Hand(temperatures={"left hand": 34.0})
    hand.motor("wrist", "APB", nerve="median", latency_ms=3.4, size_uv=9000.0)
    hand.motor("wrist", "APB", "right", "median", latency_ms=4.6, size_uv=2250.0)
    names = {one["quantity"] for one in hand.line("side_to_side")["values"]}
    assert names == {"amplitude_ratio", "amplitude_drop_percent"}
    hand.table.set_temperature("right hand", 33.0)
    assert hand.value("side_to_side", "onset_latency_difference_ms")["state"] == "abnormal"


def test_a_run_after_exercise_is_compared_with_the_one_at_rest_and_does_not_replace_it() -> None:
    """1 mV at rest, 3 mV after ten seconds of force: + 200 %; the muscle still stands at 1 mV."""
    hand = Hand()
    rest = hand.motor("wrist", "ADM", latency_ms=2.8, size_uv=1000.0)
    after = hand.motor("wrist", "ADM", latency_ms=2.8, size_uv=3000.0, run=2)
    assert not [plan for plan in plans(hand.table) if plan.key.measure == "exercise_increment"]
    to = {"flexion_deg": None, "after_exercise_s": 10.0}
    edits.apply(hand.table, edit("condition", after.id, to))
    found = hand.value("exercise_increment", "amplitude_increment_percent")
    assert found["value"] == pytest.approx(200.0, abs=3.0)
    assert hand.line("exercise_increment")["inputs"] == [rest.id, after.id]
    assert hand.table.rows.newest_run(after) == rest


def test_a_derived_row_is_pushed_when_an_input_changes_and_is_gone_with_it() -> None:
    """Told by the assessor: new, again with the edit of an input, and as gone; not otherwise."""
    hand, told = Hand(), []
    findings = Findings(
        sweep=lambda *_: None,
        card=lambda *_: None,
        row=lambda row, line, _: told.append((row, line)),
        trouble=pytest.fail,
    )
    assessor = Assessor(findings, lambda: 0.0, hand.table.circumstances)
    name = "side_to_side.both.median.wrist.APB.1"
    assessor.start()
    try:
        hand.table = assessor.on_table(lambda table: table).result(5.0)
        wrist = hand.motor("wrist", "APB", nerve="median", latency_ms=3.4, size_uv=9000.0)
        right = hand.motor("wrist", "APB", "right", "median", latency_ms=3.5, size_uv=8000.0)
        assessor.on_table(lambda table: table).result(5.0)
        assert [row for row, _ in told].count(name) == 1
        to = {"name": "onset", "latency_ms": 2.0}
        assessor.on_table(lambda t: edits.apply(t, edit("marker", wrist.id, to))).result(5.0)
        assert [row for row, _ in told].count(name) == 2
        again = next(line for row, line in reversed(told) if row == name)
        late = next(v for v in again["values"] if v["quantity"] == "onset_latency_difference_ms")
        assert late["value"] == pytest.approx(-1.5, abs=0.06)
        assert not again["automatic"]
        elsewhere = hand.sweep(right, 30.0, 3.5, 8000.0, 6.0)
        other = Taken(MOTOR, "femoral", "groin", "right", "right APB")
        assessor.on_table(lambda t: t.rows.add(elsewhere, other)).result(5.0)
        assert [row for row, _ in told].count(name) == 2

        def moved(table: Table) -> None:
            place = Taken(MOTOR, "median", "elbow", "right", "right APB")
            for entry in table.rows.entries(right):
                table.rows.correct(entry.sweep.id, place)

        assessor.on_table(moved).result(5.0)
        assert (name, None) in told
    finally:
        assessor.close()
