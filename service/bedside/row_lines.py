"""What a line of the table, as it was told, says of itself: for edits that refer to it."""

from __future__ import annotations

from collections.abc import Mapping

from service.model import Json


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


def was_of(line: Mapping[str, Json], what: str, to: Mapping[str, Json]) -> Json:
    """What an edit replaces."""
    if what == "distance":
        return {"mm": line["distance_mm"]}
    if what == "condition":
        return {name: line[name] for name in ("flexion_deg", "after_exercise_s")}
    says = line["measurement"]
    if not isinstance(says, dict):
        return None
    markers = says["markers"] if isinstance(says["markers"], list) else []
    named = [one for one in markers if isinstance(one, dict) and one["name"] == to.get("name")]
    return {"measurement": says["id"], "marker": named[0] if named else None}
