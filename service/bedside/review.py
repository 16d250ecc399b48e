"""A study as it is looked at: from the store, measured again by the same code as at the bedside."""

from __future__ import annotations

import asyncio

import numpy as np
import numpy.typing as npt

from service.model import Json
from service.store.types import KeptEdit, StudyContent

from .book import SweepBook
from .derived import derived_lines
from .messages import step_json
from .restoring import restore
from .session import Session
from .steps import step_from, step_rows
from .table import Table
from .workflow import UnknownError


async def reviewed(content: StudyContent, session: Session) -> dict[str, Json]:
    """Steps, sweeps, rows and edits. Of the study at the bedside as it stands there."""
    edits: list[Json] = [_edit(one) for one in content.edits]
    if content.study.id == session.study.id:
        study = session.study
        return {
            "steps": [study.step_told(step) for step in study.list.steps],
            "sweeps": [study.book.message(entry) for entry in study.book.entries],
            "rows": list(study.rows.values()),
            "edits": edits,
        }
    told = await asyncio.to_thread(_from_store, content, Table(session.plan.circumstances))
    return {**told, "edits": edits}


def row_sweeps(content: StudyContent, table: Table, row_id: str) -> npt.NDArray[np.float32]:
    """(1 + n, n_samples) µV on the row's channel: its average, then each of its `sweeps`, cut or
    filled with NaN to the length of the average. Raises UnknownError, for a row that is made of
    rows too."""
    restore(table, content)
    key = next((one for one in table.rows.all_keys() if one.id == row_id), None)
    if key is None:
        raise UnknownError(f"there is no row {row_id!r} with sweeps in study {content.study.id!r}")
    mean = table.rows.trace(key)[0]
    entries = table.rows.entries(key)
    told = np.full((1 + len(entries), mean.size), np.nan, dtype=np.float32)
    told[0] = mean
    for line, entry in zip(told[1:], entries, strict=True):
        own = entry.sweep.samples_uv[entry.column][: mean.size]
        line[: own.size] = own
    return told


def _from_store(content: StudyContent, table: Table) -> dict[str, Json]:
    book = SweepBook()
    for kept, result in restore(table, content):
        book.add(kept.sweep, result, at_utc=kept.at_utc, number=kept.number)
    for edit in content.edits:
        book.recall(edit)
    for entry in book.entries:
        result_now = table.rows.result(entry.sweep.id)
        if result_now is not None:
            book.update(entry.sweep.id, result_now)
    rows: list[Json] = [{**table.line(key), "revision": 1} for key in table.rows.all_keys()]
    rows += [{**line, "revision": 1} for _, line, _ in derived_lines(table)]
    ids = [key.id for key in table.rows.all_keys()]
    steps = [step_from(kept) for kept in content.steps]
    return {
        "steps": [step_json(step, step_rows(step, ids)) for step in steps],
        "sweeps": [book.message(entry) for entry in book.entries],
        "rows": rows,
    }


def _edit(edit: KeptEdit) -> Json:
    return {
        "id": edit.number,
        "at_utc": edit.at_utc.isoformat(),
        "by": edit.by,
        "what": edit.what,
        "target": edit.target,
        "from": edit.was,
        "to": edit.to,
    }
