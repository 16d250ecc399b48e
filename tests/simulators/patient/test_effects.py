"""What each dial does, how people differ: every row has value, unit, trust and source."""

import ast
import math
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from simulators.patient.effects import effect, effects
from simulators.patient.subject import norms

FOLDER = Path("simulators/patient")
TABLE = tomllib.loads((FOLDER / "effects.toml").read_text("utf-8"))
FIELDS = {"value", "sd", "unit", "trust", "source"}
ROWS = [(f"{group}.{name}", row) for group, rows in TABLE.items() for name, row in rows.items()]
CODE = {path: path.read_text("utf-8") for path in sorted(FOLDER.rglob("*.py"))}


def _names_used() -> set[str]:
    """Rows that the code asks for by a literal name; `f"{group}.…"` names count by their start."""
    used = set()
    for text in CODE.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
    return used


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_a_row_has_value_unit_trust_and_source_and_nothing_else(name: str, row: dict):
    """Finite numbers, a unit in words, V (read), M (memory) or P (ours), a source that says more
    than a word; a row that was read names a year."""
    assert set(row) - {"sd"} == FIELDS - {"sd"}, name
    for key in ("value", "sd"):
        number = row.get(key, 0.0)
        assert isinstance(number, int | float)
        assert not isinstance(number, bool)
        assert math.isfinite(number)
    assert row.get("sd", 0.0) >= 0.0
    assert row["unit"].strip() == row["unit"] != ""
    assert row["trust"] in {"V", "M", "P"}
    assert len(row["source"]) >= 20
    if row["trust"] == "V":
        assert re.search(r"(19|20)\d\d|PMC\d+", row["source"]), f"{name}: read where?"


def test_no_row_says_the_same_as_another():
    """The last word of a name, the unit and the value together are said once."""
    same = Counter((name.split(".")[1], row["value"], row["unit"]) for name, row in ROWS)
    assert [what for what, count in same.items() if count > 1] == []


def test_every_row_is_used_and_every_row_asked_for_is_there():
    """A number nobody reads would be believed and mean nothing."""
    used = _names_used()
    groups = set(TABLE)
    unread = [name for name, _ in ROWS if name not in used]
    assert unread == []
    asked = {word for word in used if re.fullmatch(rf"({'|'.join(groups)})\.[a-z0-9_]+", word)}
    assert asked - {name for name, _ in ROWS} == set()


def test_a_row_that_is_not_there_is_an_error():
    """Never a silent 0."""
    with pytest.raises(KeyError):
        effect("umn.nothing")


def test_rows_are_read_as_they_stand():
    """Value, sd, unit, trust, source."""
    for name, row in ROWS:
        read = effects()[name]
        assert (read.value, read.sd) == (row["value"], row.get("sd", 0.0))
        assert (read.unit, read.trust, read.source) == (row["unit"], row["trust"], row["source"])


def test_norms_have_positive_spread_trust_and_a_source_that_says_something():
    """How healthy people differ: mean, sd, correlation of sides, V, V2, M or P."""
    for kind, rows in norms().items():
        for name, norm in rows.items():
            assert norm.trust in {"V", "V2", "M", "P"}, (kind, name)
            assert norm.sd >= 0.0
            assert 0.0 <= norm.side_r <= 1.0
            assert len(norm.source) >= 20
