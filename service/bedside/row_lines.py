"""What a line of the table, as it was told, says of itself: for edits that refer to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.model import Json

from .book import SweepBook
from .row_entries import ByHand


def sweeps_of(line: Mapping[str, Json]) -> list[str]:
    """Ids of the sweeps of a row; none of one that is made of other rows."""
    told = line.get("sweeps")
    return [str(one) for one in told] if isinstance(told, list) else []


def latency_ms_of(line: Mapping[str, Json], index: Json) -> float:
    """A sample of the row's average, in ms after the stimulus."""
    zero, rate = line["zero_index"], line["rate_hz"]
    numbers = (index, zero, rate)
    if not all(isinstance(one, int | float) for one in numbers):
        raise ValueError("a marker needs index (a sample of the average) or latency_ms")
    at, start, per_s = (float(one) for one in numbers if isinstance(one, int | float))
    return (at - start) / per_s * 1000.0


def exercise_end(
    line: Mapping[str, Json], to: Mapping[str, Json], book: SweepBook, now: datetime
) -> dict[str, Json]:
    """That the exercise has ended now, told from the row's newest stimulus; or that there was none.
    Raises ValueError for what is no row of trains."""
    if not to["ended"]:
        return {"sweep": None}
    newest = book.get(sweeps_of(line)[-1]) if line["measure"] == "rns" else None
    if newest is None:
        raise ValueError(f"row {line['id']} has no trains between which there could be exercise")
    stimulus, lag_s = newest.sweep.stimulus, 0.0
    if stimulus is not None and stimulus.sent_s is not None:
        lag_s = max(0.0, newest.sweep.received_s - stimulus.sent_s)  # from the pulse to its sweep
    since_s = (now - newest.at_utc).total_seconds() + lag_s
    return {"sweep": newest.sweep.id, "since_s": round(max(0.0, since_s), 1)}


def exercise_json(hand: ByHand) -> Json:
    """`exercise_ended` of a row."""
    if hand.exercise_ended is None:
        return None
    sweep, since_s = hand.exercise_ended
    return {"sweep": sweep, "since_s": since_s}


def was_of(line: Mapping[str, Json], what: str, to: Mapping[str, Json]) -> Json:
    """What an edit replaces."""
    if what == "distance":
        return {"mm": line["distance_mm"]}
    if what == "exercise":
        return line["exercise_ended"]
    if what == "effort":
        return {"maximal": line["maximal_effort"]}
    if what == "condition":
        return {name: line[name] for name in ("flexion_deg", "after_exercise_s")}
    says = line["measurement"]
    if not isinstance(says, dict):
        return None
    markers = says["markers"] if isinstance(says["markers"], list) else []
    named = [one for one in markers if isinstance(one, dict) and one["name"] == to.get("name")]
    return {"measurement": says["id"], "marker": named[0] if named else None}
