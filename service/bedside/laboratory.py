"""The laboratory's own limits of normal: a file in the data folder, instead of those that ship."""

from __future__ import annotations

from pathlib import Path

from service.evidence.limits import LimitTable, default_table, read_table

FILE_NAME = "limits.toml"


def laboratory_limits(folder: Path) -> tuple[LimitTable, str]:
    """The table that holds, and why there is none: a file that cannot be read leaves no limits.

    Other limits than the laboratory meant would be worse than none.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return default_table(), ""
    try:
        return read_table(path.read_text(encoding="utf-8"), name=FILE_NAME), ""
    except (OSError, ValueError) as error:
        return LimitTable(FILE_NAME, "", "", ()), f"the laboratory's limits cannot be read: {error}"
