"""Edits of the table as words: recorded, kept and followed alike, live, in replay and when a study
is opened again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from service.model import Json
from service.store.types import KeptEdit

from .corrections import corrected, moved_sweeps
from .row_key import RowKey
from .subject import subject_of
from .table import Table

Words = tuple[str, Json]
# what nobody does without a name
NAMED = frozenset(
    ["marker", "reset", "absent", "distance", "condition", "correction", "exercise", "effort"]
)
ROW = NAMED - {"correction"}  # what is said of a row
RESAYS = frozenset(["marker", "reset", "absent", "exercise", "effort"])  # a row says another thing


def words_of(edit: KeptEdit) -> Words:
    """As it is recorded."""
    return (
        "edit",
        {
            "what": edit.what,
            "target": edit.target,
            "to": edit.to,
            "by": edit.by,
            "at_utc": edit.at_utc.isoformat(),
        },
    )


def edit_of(told: Mapping[str, Json]) -> KeptEdit:
    """What was recorded. Raises KeyError or ValueError if a word is missing."""
    return KeptEdit(
        datetime.fromisoformat(str(told["at_utc"])),
        str(told["by"]),
        str(told["what"]),
        str(told["target"]),
        None,
        told["to"],
    )


def apply(table: Table, edit: KeptEdit) -> None:
    """Do to the table what an edit says. Raises ValueError if it cannot be done."""
    rows, to = table.rows, edit.to
    told: Mapping[str, Any] = to if isinstance(to, dict) else {}
    if edit.what == "included":
        rows.include(edit.target, bool(told["included"]))
    elif edit.what == "kept":
        rows.keep(edit.target, bool(told["kept"]))
    elif edit.what == "correction":
        for sweep, _ in moved_sweeps(edit):
            taken = rows.taken(sweep)
            if taken is not None:
                rows.correct(sweep, corrected(taken, told))
    elif edit.what == "temperature":
        table.set_temperature(str(told.get("where") or ""), told["celsius"])
    elif edit.what in ROW:
        _row_edit(table, RowKey.from_id(edit.target), edit, told)


def check(table: Table, edit: KeptEdit) -> None:
    """Raises ValueError if `apply` would; changes nothing."""
    key = RowKey.from_id(edit.target)
    if not table.rows.entries(key):
        raise ValueError(f"row {key.id} has no sweeps")
    if edit.what == "marker" and isinstance(edit.to, dict):
        place = str(edit.to["name"]), float(str(edit.to["latency_ms"]))
        table.rows.check_place(key, *place, by=edit.by, at_utc=edit.at_utc)


def follow(table: Table, words: Words) -> None:
    """The same for recorded words; what no longer fits these sweeps is passed over."""
    match words:
        case ("edit", dict(told)):
            with suppress(ValueError, KeyError):
                apply(table, edit_of(told))
        case ("sweep_included", {"sweep": str(sweep), "included": bool(included)}):
            table.rows.include(sweep, included)
        case ("temperature_c", None | int() | float() as celsius):
            table.set_temperature("", celsius)
        case ("subject", dict(told)):
            table.set_subject(subject_of(told))


def _row_edit(table: Table, key: RowKey, edit: KeptEdit, told: Mapping[str, Any]) -> None:
    rows = table.rows
    if not rows.entries(key):
        raise ValueError(f"row {key.id} has no sweeps")
    if edit.what == "marker":
        rows.place(
            key, str(told["name"]), float(told["latency_ms"]), by=edit.by, at_utc=edit.at_utc
        )
    elif edit.what == "reset":
        rows.reset(key, told["name"])
    elif edit.what == "distance":
        rows.set_distance(key, told["mm"])
    elif edit.what == "effort":
        rows.say(key, maximal_effort=told["maximal"])
    elif edit.what == "exercise":
        ended = told.get("sweep") is not None
        at = (str(told["sweep"]), float(told["since_s"])) if ended else None
        rows.say(key, exercise_ended=at)
    elif edit.what == "condition":
        rows.set_condition(
            key, flexion_deg=told["flexion_deg"], after_exercise_s=told["after_exercise_s"]
        )
    elif told["absent"]:
        rows.call_absent(key, edit.by, electrode_checked=bool(told["electrode_checked"]))
    else:
        rows.reset(key, None)
