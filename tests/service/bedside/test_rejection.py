"""Artefact rejection of an average: told by sweep, drawn without it, undone by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.bedside import edits
from service.bedside.table import Table
from service.store.types import KeptEdit
from tests.service.bedside.shocks import COUNT, RATE_HZ, ZERO, shock, taken

from .test_exercise import UTC0

SPOILT = 4


def sensory() -> Table:
    """Eight sweeps of a sensory response of 20 µV, one of them with a movement of 300 µV in it."""
    table = Table()
    for number in range(8):
        sweep = shock(
            number, record="median D2", size_uv=20.0, width_ms=1.2, latency_ms=2.6, current_ma=20.0
        )
        if number == SPOILT:
            since_ms = (np.arange(COUNT) - ZERO) / RATE_HZ * 1000.0
            moved = sweep.samples_uv + 300.0 * np.exp(-(((since_ms - 6.0) / 2.0) ** 2))
            sweep = replace(sweep, samples_uv=moved)
        table.rows.add(sweep, taken(sweep, "median D2", measure="sensory_response"))
    return table


def test_a_rejected_sweep_is_told_and_in_neither_average_nor_picture() -> None:
    """What is drawn and marked is what is measured."""
    table = sensory()
    (key,) = table.rows.all_keys()
    line = table.line(key)
    (out,) = line["rejected"]
    assert out["sweep"] == f"r:emg:1:{SPOILT}"
    assert "artefact" in out["why"]
    assert out["sweep"] in line["sweeps"]
    assert out["sweep"] not in line["used"]
    assert len(line["used"]) == 7
    assert np.abs(table.rows.trace(key)[0]).max() < 40.0


def test_the_operator_takes_a_rejected_sweep_in_and_gives_it_back() -> None:
    """By hand decides, whatever the numbers say; the edit undone, all is as before."""
    table = sensory()
    (key,) = table.rows.all_keys()
    before = table.rows.measurement(key)
    for kept, count in ((True, 8), (False, 7)):
        edit = KeptEdit(UTC0, "KS", "kept", f"r:emg:1:{SPOILT}", None, {"kept": kept})
        edits.apply(table, edit)
        assert len(table.rows.used(key)) == count
        assert table.rows.measurement(key).values["sweep_count"] == count
    assert table.rows.measurement(key).values == pytest.approx(before.values)
