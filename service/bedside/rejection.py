"""Artefact rejection as the table tells it: sweeps that a measure left out of its average."""

from __future__ import annotations

from collections.abc import Sequence

from service.model import Json, Measurement

from .row_entries import Entry

AVERAGED = "sensory_response"  # the measure that looks through its sweeps before it averages them


def rejected(says: Measurement, entries: Sequence[Entry]) -> dict[str, str]:
    """Id of a sweep -> why it is not in the average. entries: what was measured, in order."""
    return {
        entries[int(str(item["sweep"]))].sweep.id: str(item["reason"])
        for item in says.items
        if not item["kept"]
    }


def rejected_json(found: dict[str, str]) -> list[Json]:
    """`rejected` of a row."""
    return [{"sweep": sweep, "why": why} for sweep, why in found.items()]
