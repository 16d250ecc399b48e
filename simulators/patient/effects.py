"""What each lesion dial does, read from `effects.toml`, where every number has its source."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Effect:
    """One row: its value, between-subject SD (0 where unknown), unit, source, and how far it is
    trusted (V read in the source, M from memory, P our choice)."""

    value: float
    sd: float
    unit: str
    source: str
    trust: str


@cache
def effects() -> dict[str, Effect]:
    """Every row of the table by its dotted name, such as `lmn.lost_fraction`."""
    table = tomllib.loads(Path(__file__).with_name("effects.toml").read_text("utf-8"))
    return {
        f"{group}.{name}": Effect(
            float(row["value"]), float(row.get("sd", 0.0)), row["unit"], row["source"], row["trust"]
        )
        for group, rows in table.items()
        for name, row in rows.items()
    }


def effect(name: str) -> float:
    """The value of one row. Raises KeyError for a name that is not in the table."""
    return effects()[name].value
