"""`myotome serve --stimulator ttl:… | manual` as a process, on the simulated patient."""

from __future__ import annotations

import pytest

from tests.simulators.process import until

from .served import Served, served


def sweeps(bedside: Served) -> list[dict]:
    """Those with a pulse that is known."""
    listed = bedside.ask("/api/sweeps")["list"]
    return [sweep for sweep in listed if sweep["current_ma"] is not None]


def edges(bedside: Served) -> list[int]:
    """What the trigger box has put on its line."""
    log = bedside.board.ask(do="front_panel")["log"]
    return [entry["byte"] for entry in log if entry["emitted"]]


def by_trigger_box(bedside: Served) -> None:
    """Stated step by step, armed, fired; the box's own log has one edge."""
    bedside.state_current(10)
    until(lambda: bedside.arm()["status"] == 200, 10, "arming")
    assert bedside.fire("one")["status"] == 200
    assert until(lambda: edges(bedside), 10, "the edge") == [1]


def at_the_device(bedside: Served) -> None:
    """Nothing is armed or fired here; the operator presses at the device."""
    pulse = {"current_ma": 10, "width_us": 200}
    assert bedside.ask("/api/stimulator/configure", pulse)["status"] == 200
    for refused in (bedside.arm(), bedside.fire("one")):
        assert refused["status"] == 409
        assert "front panel" in str(refused)
    assert bedside.board.ask(do="pulse", current_ma=9.2, width_us=200)["ok"]


@pytest.mark.parametrize(
    ("stimulator", "stimulates", "kind"),
    [("ttl", by_trigger_box, "triggered"), ("manual", at_the_device, "manual")],
)
def test_the_sweep_carries_the_stated_current(stimulator, stimulates, kind, tmp_path) -> None:
    """The edge comes in by the amplifier; 10 mA were stated, whatever the knobs gave."""
    with served(tmp_path, stimulator) as bedside:
        bedside.board.ask(do="front_panel", current_ma=9.2, width_us=200)
        stimulates(bedside)
        (sweep,) = until(lambda: sweeps(bedside), 10, "the sweep")
        assert (sweep["current_ma"], sweep["current_stated"]) == (10, True)
        assert (sweep["nerve"], sweep["side"]) == ("ulnar", "left")
        told = bedside.ask("/api/stimulator")
        assert (told["kind"], told["stated"]) == (kind, "stated, not measured")
        assert told["delivered_count"] == 1
