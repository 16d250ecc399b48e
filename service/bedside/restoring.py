"""A study out of the store into a table: measured again by the same code, edited again in order."""

from __future__ import annotations

from service.store.types import KeptSweep, StudyContent

from . import edits
from .row_key import Taken
from .rows import SweepResult
from .table import Table


def restore(table: Table, content: StudyContent) -> list[tuple[KeptSweep, SweepResult]]:
    """Sweeps in order, then what was done to them, in order."""
    found = []
    for kept in content.sweeps:
        taken = Taken(
            kept.measure, kept.nerve, kept.site, kept.side, kept.muscle, kept.channel, kept.run,
            kept.refusal,
        )  # fmt: skip
        found.append((kept, table.rows.add(kept.sweep, taken)))
    for edit in content.edits:
        edits.follow(table, edits.words_of(edit))
        if edit.what == "subject":
            edits.follow(table, ("subject", edit.to))
    return found
