"""The table: rows, velocities, limits, the other side; markers by hand, corrections, exclusion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.bedside import edits
from service.bedside.row_key import RowKey
from service.bedside.rows import Rows
from service.bedside.sites import f_wave_end
from service.bedside.table import Circumstances, Table, far_end
from service.evidence.limits import Subject
from service.store.types import KeptEdit
from tests.service.bedside.shocks import shock, taken

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WRIST = RowKey("motor_response", "median", "wrist", "left", "left APB")
ELBOW = replace(WRIST, site="elbow")


def studied(**changes) -> Table:
    """Median to APB at wrist and elbow, two proven currents each; a warm man of 40."""
    known = Circumstances(Subject(40.0, "M", 180.0), {"left hand": 34.0, "right hand": 34.0})
    table = Table(known)
    for number, ma in enumerate((30.0, 36.0), start=1):
        one = shock(number, current_ma=ma, **changes)
        table.rows.add(one, taken(one))
    for number, ma in enumerate((40.0, 48.0), start=3):
        one = shock(number, site="elbow", latency_ms=7.7, size_uv=7500.0, current_ma=ma)
        table.rows.add(one, taken(one))
    return table


def value(table: Table, key: RowKey, quantity: str) -> dict:
    """One value of a row."""
    return next(one for one in table.line(key)["values"] if one["quantity"] == quantity)


def edit(what: str, target: str, to, by: str = "KS") -> KeptEdit:
    """By KS at noon."""
    return KeptEdit(NOON, by, what, target, None, to)


def test_a_velocity_appears_with_the_distance_and_carries_its_limit() -> None:
    """Two sites and 215 mm: m/s with a 95 % interval around it, against 49 m/s from the manual."""
    table = studied()
    names = {one["quantity"] for one in table.line(ELBOW)["values"]}
    assert "velocity_m_s" not in names
    assert "amplitude_drop_percent" in names
    edits.apply(table, edit("distance", ELBOW.id, {"mm": 215.0}))
    found = value(table, ELBOW, "velocity_m_s")
    assert found["value"] == pytest.approx(215.0 / 4.2, rel=0.02)
    assert found["low"] < found["value"] < found["high"]
    assert (found["state"], found["unit"]) == ("borderline", "m/s")
    assert found["limit"]["value"] == 49
    assert found["limit"]["table"] == "Myotome 1"
    assert table.line(ELBOW)["distance_to"] == "wrist"
    assert table.line(WRIST)["distance_mm"] is None


def test_the_tape_of_an_f_wave_ends_at_the_spine() -> None:
    """Its velocity is twice that way over the time: 80 mm to E1 would make it absurd."""
    assert f_wave_end("median") == "C7"
    assert f_wave_end("tibial") == "T12"
    late = RowKey("f_wave", "tibial", "ankle", "left", "left AH", 1)
    assert far_end(late, None) == "T12"
    assert far_end(ELBOW, WRIST) == "wrist"
    assert far_end(WRIST, None) == "E1"


def test_slow_in_a_cold_hand_is_unknown_and_normal_stays_normal() -> None:
    """Each gate in its own direction: the latency is long only for a cold hand; amplitude too."""
    table = studied(latency_ms=6.0)
    assert value(table, WRIST, "onset_latency_ms")["state"] == "abnormal"
    assert value(table, WRIST, "amplitude_mv")["state"] == "normal"
    table.set_temperature("left hand", 28.0)
    assert value(table, WRIST, "onset_latency_ms")["state"] == "unknown"
    gates = {one["gate"]: one for one in table.line(WRIST)["gates"]}
    assert gates["cold"]["falsifies"][0] == "slowing"
    table.set_temperature("left hand", None)
    assert "no_temperature" in {one["gate"] for one in table.line(WRIST)["gates"]}
    fast = studied(latency_ms=3.0)
    fast.set_temperature("left hand", 28.0)
    assert value(fast, WRIST, "onset_latency_ms")["state"] == "normal"


def test_a_limit_holds_at_its_site_and_for_its_stratum_or_not_at_all() -> None:
    """No limit at the elbow; none without an age; none when the laboratory's file is broken."""
    table = studied()
    proximal = value(table, ELBOW, "amplitude_mv")
    assert proximal["limit"] is None
    assert "at the wrist" in proximal["reasons"][0]
    table.set_subject(Subject())
    assert value(table, WRIST, "amplitude_mv")["limit"] is None
    assert "age" in value(table, WRIST, "amplitude_mv")["reasons"][0]
    broken = Table(Circumstances(problem="the laboratory's limits cannot be read: line 3"))
    one = shock(1)
    broken.rows.add(one, taken(one))
    assert "line 3" in value(broken, WRIST, "amplitude_mv")["reasons"][0]


def test_the_other_side_is_compared_when_it_is_there() -> None:
    """Difference and percent, from both rows; and the other row is told to have changed."""
    table = studied()
    assert value(table, WRIST, "amplitude_mv")["other_side"] is None
    table.rows.changed()
    one = shock(9, side="right", size_uv=4000.0)
    table.rows.add(one, taken(one))
    assert WRIST in table.rows.changed()
    there = value(table, WRIST, "amplitude_mv")["other_side"]
    assert there["row"] == "motor_response.right.median.wrist.APB.1"
    assert there["difference"] == pytest.approx(4.0, abs=0.1)
    assert there["percent"] == pytest.approx(100.0, abs=2.0)


def test_a_marker_by_hand_supersedes_and_reset_gives_the_same_bits_back() -> None:
    """Latency follows, id changes, the old id is named; reset returns the automatic one."""
    table = studied()
    before = table.rows.measurement(WRIST)
    edits.apply(table, edit("marker", WRIST.id, {"name": "onset", "latency_ms": 3.0}))
    after = table.rows.measurement(WRIST)
    assert after.values["onset_latency_ms"] == pytest.approx(3.0)
    assert after.values["amplitude_mv"] == before.values["amplitude_mv"]
    assert after.supersedes == before.id != after.id
    onset = next(one for one in after.markers if one.name == "onset")
    assert (onset.by, onset.at_utc) == ("KS", NOON)
    assert onset.automatic_index == next(one.index for one in before.markers if one.name == "onset")
    assert not table.line(WRIST)["automatic"]
    edits.apply(table, edit("reset", WRIST.id, {"name": None}))
    again = table.rows.measurement(WRIST)
    assert replace(again, supersedes=None) == before
    assert again.supersedes == after.id


def test_the_same_work_gives_the_same_ids() -> None:
    """Two tables, the same sweeps and edits in the same order."""
    tables = [studied(), studied()]
    for table in tables:
        edits.apply(table, edit("marker", ELBOW.id, {"name": "peak", "latency_ms": 10.0}))
        edits.apply(table, edit("distance", ELBOW.id, {"mm": 215.0}))
        edits.apply(table, edit("included", "r:emg:1:4", {"included": False}))
    first, second = ([table.line(key) for key in (WRIST, ELBOW)] for table in tables)
    assert first == second


def test_sweeps_that_come_after_an_edit_keep_its_markers_and_are_told() -> None:
    """The marker stays where it was put; a note says that the sweeps are others now."""
    table = studied()
    edits.apply(table, edit("marker", WRIST.id, {"name": "onset", "latency_ms": 3.0}))
    one = shock(12, current_ma=43.0)
    table.rows.add(one, taken(one))
    line = table.line(WRIST)
    assert table.rows.measurement(WRIST).values["onset_latency_ms"] == pytest.approx(3.0)
    assert "look at them again" in line["edit_note"]


@pytest.mark.parametrize(
    ("name", "latency_ms", "said"),
    [("onset", 8.0, "cross"), ("end", 500.0, "outside"), ("middle", 4.0, "no marker")],
)
def test_a_marker_that_cannot_stand_there_is_refused_and_nothing_changes(
    name: str, latency_ms: float, said: str
) -> None:
    """One sentence; the row is what it was."""
    table = studied()
    before = table.line(WRIST)
    asked = edit("marker", WRIST.id, {"name": name, "latency_ms": latency_ms})
    for attempt in (edits.check, edits.apply):
        with pytest.raises(ValueError, match=said):
            attempt(table, asked)
    assert table.line(WRIST) == before


def test_no_response_by_the_operator_keeps_the_floor() -> None:
    """State absent, with floor and stimuli; taken back it is measured as before."""
    table = studied()
    before = table.rows.measurement(WRIST)
    edits.apply(table, edit("absent", WRIST.id, {"absent": True, "electrode_checked": True}))
    said = table.rows.measurement(WRIST)
    assert said.state == "absent"
    assert said.values["detection_floor_uv"] > 0
    assert "said by KS; electrodes checked" in said.reasons[0]
    edits.apply(table, edit("absent", WRIST.id, {"absent": False}))
    assert table.rows.measurement(WRIST).values == before.values


def test_a_correction_moves_the_sweep_and_empties_its_old_row() -> None:
    """The wrong site was chosen: the sweeps go where they belong, and nothing is lost."""
    table = studied()
    for sweep in ("r:emg:1:3", "r:emg:1:4"):
        edits.apply(table, edit("correction", sweep, {"site": "axilla"}))
    axilla = replace(WRIST, site="axilla")
    assert table.rows.all_keys() == (WRIST, axilla)
    assert table.line(axilla)["sweeps"] == ["r:emg:1:3", "r:emg:1:4"]
    with pytest.raises(ValueError, match="both together"):
        edits.apply(table, edit("correction", "r:emg:1:3", {"side": "right"}))
    edits.apply(table, edit("correction", "r:emg:1:3", {"side": "right", "muscle": "right APB"}))
    assert table.rows.taken("r:emg:1:3").side == "right"


def test_an_excluded_sweep_leaves_the_average_and_comes_back() -> None:
    """Average and batch follow; the sweep stays in the row."""
    table = studied()
    before = table.rows.measurement(WRIST)
    table.rows.include("r:emg:1:2", False)
    assert table.line(WRIST)["used"] == ["r:emg:1:1"]
    assert table.line(WRIST)["sweeps"] == ["r:emg:1:1", "r:emg:1:2"]
    table.rows.include("r:emg:1:2", True)
    assert table.rows.measurement(WRIST) == before


def test_a_repeat_is_a_row_of_its_own() -> None:
    """Run 2 stands beside run 1; cards and comparisons take the newest."""
    table = studied()
    one = shock(20, size_uv=3000.0)
    table.rows.add(one, taken(one, run=2))
    assert table.line(WRIST)["used"] == ["r:emg:1:1", "r:emg:1:2"]
    assert table.rows.newest_run(WRIST) == replace(WRIST, run=2)


def test_a_sensory_row_has_its_own_velocity_and_its_own_limits() -> None:
    """Recorded over the finger: onset and peak against the manual, velocity with the distance."""
    table = Table(Circumstances(Subject(40.0), {"": 34.0}))
    for number in range(1, 11):
        one = shock(number, record="median D2", latency_ms=2.5, size_uv=30.0, width_ms=1.2)
        table.rows.add(one, taken(one, "median D2", measure="sensory_response"))
    key = table.rows.all_keys()[0]
    assert key.id == "sensory_response.left.median.wrist.median_D2.1"
    assert RowKey.from_id(key.id) == key
    edits.apply(table, edit("distance", key.id, {"mm": 140.0}))
    assert value(table, key, "velocity_m_s")["value"] == pytest.approx(140 / 2.5, rel=0.05)
    assert value(table, key, "onset_to_peak_uv")["state"] == "normal"
    assert value(table, key, "onset_latency_ms")["limit"]["value"] == 3.2


def test_a_series_is_measured_as_one_and_says_what_it_lacks() -> None:
    """F-waves of three stimuli: not assessable, with the reason, not a number."""
    rows = Rows()
    for number in range(1, 4):
        one = shock(number)
        rows.add(one, taken(one, measure="f_wave"))
    key = rows.all_keys()[0]
    found = rows.measurement(key)
    assert (found.measure, found.state) == ("f_wave", "not_assessable")
    assert found.reasons
    assert len(rows.used(key)) == 3


def test_what_is_not_recorded_is_said() -> None:
    """No channel of that name; the sweep is kept and says why."""
    rows = Rows()
    one = shock(1)
    result = rows.add(one, taken(one, "ulnar D5", measure="sensory_response"))
    assert result.measurement.state == "not_assessable"
    assert "left ulnar D5 is not recorded" in result.measurement.reasons[0]


def test_an_id_that_is_none_is_refused() -> None:
    """One sentence."""
    with pytest.raises(ValueError, match="is not the id of a row"):
        RowKey.from_id("median")
    with pytest.raises(ValueError, match="has no sweeps"):
        edits.apply(Table(), edit("distance", WRIST.id, {"mm": 100.0}))
