"""Repetitive stimulation before and after exercise in one row: its end is an edit of the row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.bedside import edits
from service.bedside.book import SweepBook
from service.bedside.row_lines import exercise_end, was_of
from service.bedside.table import Table
from service.store.types import KeptEdit
from tests.service.bedside.shocks import RATE_HZ, ZERO, shock, taken

UTC0 = datetime(2026, 1, 1, 10, tzinfo=UTC)
APART_S, SECOND_S, SINCE_S = 1 / 3, 40.0, 5.0


def trains() -> tuple[Table, SweepBook]:
    """Five responses at rest, five 40 s later: the first of them is 20 % larger."""
    table, book = Table(), SweepBook()
    for number in range(10):
        at_s = (number % 5) * APART_S + (SECOND_S if number >= 5 else 0.0)
        size_uv = 8000.0 * (1.2 if number >= 5 else 1.0) * (1.0 - 0.04 * (number % 5))
        made = shock(number, size_uv=size_uv)
        sweep = replace(made, start_index=round(at_s * RATE_HZ - ZERO), received_s=number + 0.3)
        result = table.rows.add(sweep, taken(sweep, measure="rns"))
        book.add(sweep, result, at_utc=UTC0 + timedelta(seconds=at_s))
    return table, book


def test_trains_after_the_exercise_are_held_against_those_before_it() -> None:
    """Until it is told all are baseline; told, the increment is there; taken back, as before."""
    table, _ = trains()
    (key,) = table.rows.all_keys()
    before = table.rows.measurement(key)
    assert before.values["baseline_train_count"] == 2
    assert "exercise_increment_percent" not in before.values
    told = {"sweep": "r:emg:1:4", "since_s": SINCE_S}
    edits.apply(table, KeptEdit(UTC0, "KS", "exercise", key.id, None, told))
    after = table.rows.measurement(key)
    assert after.values["baseline_train_count"] == 1
    assert after.values["exercise_increment_percent"] == pytest.approx(20.0, abs=1.0)
    since = SECOND_S - 4 * APART_S - SINCE_S
    assert [one["after_s"] for one in after.items] == [None, pytest.approx(since, abs=0.01)]
    assert table.line(key)["exercise_ended"] == told
    assert was_of(table.line(key), "exercise", {}) == told
    edits.apply(table, KeptEdit(UTC0, "KS", "exercise", key.id, told, {"sweep": None}))
    assert table.rows.measurement(key).values == before.values
    assert table.line(key)["exercise_ended"] is None


def test_the_end_is_told_from_the_newest_stimulus_and_of_trains_alone() -> None:
    """12 s after the sweep came, which came 0.3 s after its pulse; a motor row has no such end."""
    table, book = trains()
    (key,) = table.rows.all_keys()
    now = book.entries[-1].at_utc + timedelta(seconds=12)
    line = table.line(key)
    told = exercise_end(line, {"ended": True}, book, now)
    assert told == {"sweep": "r:emg:1:9", "since_s": 12.3}
    assert exercise_end(line, {"ended": False}, book, now) == {"sweep": None}
    with pytest.raises(ValueError, match="has no trains"):
        exercise_end(line | {"measure": "motor_response"}, {"ended": True}, book, now)
