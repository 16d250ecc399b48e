"""Epochs of voluntary effort through the service as a process, killed without warning."""

from __future__ import annotations

import os
import signal

import pytest

from tests.service.bedside.served import STEP, Served
from tests.simulators.process import simulator, until

ROW = "munix.left.ulnar.wrist.FDI.1"


@pytest.mark.soak
def test_epochs_that_were_answered_for_are_there_after_sigkill(tmp_path) -> None:
    """Eight epochs of a simulated patient who pulls harder and harder, one left out, the examiner's
    word: the service that starts again says the same row, to the bit."""
    with simulator("hackeeg") as board:
        first = Served(board, tmp_path, f"sim:{board.ports['stimulator']}")
        try:
            assert first.ask("/api/voluntary", {})["status"] == 409
            first.ask("/api/step", {**STEP, "measure": "munix"})
            marked = []
            for level in (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0):
                board.ask(do="task", name="hold", level=level, muscle=STEP["muscle"])
                told = until(lambda: _marked(first), 10, f"an epoch at {level}")
                marked.append(told["id"])
            again = first.ask("/api/voluntary", {})
            assert again["status"] == 409
            assert "in the epoch before" in again["error"]
            assert first.ask(f"/api/sweeps/{marked[0]}", {"included": False})["status"] == 200
            said = first.ask(f"/api/rows/{ROW}/effort", {"maximal": True, "by": "KT"})
            assert said["status"] == 200
            line = _row(first)
            assert line["epochs"] == marked
            assert line["measurement"]["items"][0]["left_out"] == "taken out by the reviewer"
            areas = [one["area_mv_ms"] for one in line["measurement"]["items"]]
            assert areas[-1] > 4 * areas[0]
        finally:
            os.kill(first.process.pid, signal.SIGKILL)
            first.close()
        second = Served(board, tmp_path, f"sim:{board.ports['stimulator']}")
        try:
            after = until(lambda: _row(second), 10, "the row")
            for told in ("measurement", "epochs", "used", "maximal_effort", "hints", "gates"):
                assert after[told] == line[told], told
            second.ask("/api/step", {**STEP, "measure": "munix"})
            more = until(lambda: _marked(second), 10, "an epoch of the new recording")
            assert _row(second)["epochs"] == [*marked, more["id"]]
        finally:
            second.close()


def _marked(served: Served) -> dict:
    """The next epoch, as soon as there is half a second of it; {} before."""
    told = served.ask("/api/voluntary", {})
    return told if told["status"] == 200 else {}


def _row(served: Served) -> dict:
    """The MUNIX row, {} before there is one."""
    return next((one for one in served.ask("/api/rows")["list"] if one["id"] == ROW), {})
