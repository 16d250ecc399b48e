"""What rows take from the motor rows of their nerve: the velocity, for F-waves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .efforts import EFFORT
from .row_key import MOTOR, RowKey
from .sites import proximal_order

if TYPE_CHECKING:
    from .rows import Rows


def velocity_above(rows: Rows, waves: RowKey) -> float | None:
    """m/s of the segment from the place of F-waves to the next motor site above it.

    None if that is not known: no such rows, no distance, no latency. Only the next site counts,
    since a row's distance is the one to the site below it.
    """
    distal = rows.newest_run(replace(waves, measure=MOTOR))
    if distal is None:
        return None
    above = [
        one
        for one in rows.all_keys()
        if replace(one, site=distal.site, run=distal.run) == distal
        and proximal_order(one.site) > proximal_order(distal.site)
    ]
    next_one = rows.newest_run(min(above, key=lambda one: proximal_order(one.site), default=distal))
    if next_one is None or next_one == distal:
        return None
    mm = rows.hand(next_one).distance_mm
    here_ms, there_ms = (
        rows.measurement(one).values.get("onset_latency_ms") for one in (distal, next_one)
    )
    if mm is None or here_ms is None or there_ms is None or there_ms <= here_ms:
        return None
    return mm / (there_ms - here_ms)


def rests_on(row: RowKey, motor: RowKey) -> bool:
    """Whether a row changes with a motor row: a train at the same place, whose plateau it shows;
    F-waves of the nerve, whose window follows its velocity; efforts, held against its CMAP."""
    if row.measure == "f_wave":
        return replace(row, measure=MOTOR, site=motor.site, run=motor.run) == motor
    same_place = replace(row, measure=MOTOR, run=motor.run) == motor
    return same_place and row.measure in ("rns", EFFORT)
