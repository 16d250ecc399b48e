"""The velocity that the window of F-waves follows: of the segment above, and of no other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from service.bedside.f_velocity import rests_on, velocity_above
from service.bedside.row_key import MOTOR, RowKey

WAVES = RowKey("f_wave", "ulnar", "wrist", "left", "left ADM")
WRIST = replace(WAVES, measure=MOTOR)
BELOW, ABOVE = replace(WRIST, site="below_elbow"), replace(WRIST, site="elbow")


@dataclass
class Table:
    """Latency (ms) and distance (mm) of every motor row."""

    told: dict[RowKey, tuple[float | None, float | None]] = field(default_factory=dict)

    def all_keys(self):
        """Every row."""
        return tuple(self.told)

    def newest_run(self, key):
        """Of the same study; None without one."""
        runs = [one for one in self.told if one.same_study(key)]
        return max(runs, key=lambda one: one.run, default=None)

    def measurement(self, key):
        """Its latency alone."""
        at_ms = self.told[key][0]
        return SimpleNamespace(values={} if at_ms is None else {"onset_latency_ms": at_ms})

    def hand(self, key):
        """Its distance alone."""
        return SimpleNamespace(distance_mm=self.told[key][1])


def test_the_next_site_above_gives_the_velocity():
    """Its newest run, over its own distance: not the elbow's, which is measured from there."""
    rows = Table({WRIST: (3.0, 80.0), ABOVE: (9.0, 100.0), BELOW: (11.0, 200.0)})
    assert velocity_above(rows, WAVES) == pytest.approx(25.0)
    rows.told[replace(BELOW, run=2)] = (7.0, 200.0)
    assert velocity_above(rows, WAVES) == pytest.approx(50.0)


def test_what_was_not_measured_gives_none():
    """No row, no second site, no distance, no latency, another nerve or side."""
    assert velocity_above(Table(), WAVES) is None
    assert velocity_above(Table({WRIST: (3.0, 80.0)}), WAVES) is None
    assert velocity_above(Table({WRIST: (3.0, 80.0), BELOW: (7.0, None)}), WAVES) is None
    assert velocity_above(Table({WRIST: (3.0, 80.0), BELOW: (None, 200.0)}), WAVES) is None
    assert velocity_above(Table({WRIST: (7.0, 80.0), BELOW: (7.0, 200.0)}), WAVES) is None
    other = replace(BELOW, side="right", muscle="right ADM")
    assert velocity_above(Table({WRIST: (3.0, 80.0), other: (7.0, 200.0)}), WAVES) is None


def test_a_motor_row_renews_the_nerves_f_waves_and_the_trains_of_its_place():
    """F-waves by any site of the nerve; a train by its own; nothing of another muscle or side."""
    train = replace(WRIST, measure="rns", run=3)
    assert rests_on(WAVES, ABOVE)
    assert rests_on(replace(WAVES, run=2), WRIST)
    assert rests_on(train, WRIST)
    assert not rests_on(train, ABOVE)
    assert not rests_on(WAVES, replace(ABOVE, muscle="left FDI"))
    assert not rests_on(WRIST, ABOVE)
