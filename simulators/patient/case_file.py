"""Strict reading of a case file: what it may hold, checked value by value, refused in one sentence.

The format is described in docs/protocols/patient_case.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from .anatomy import SIDES, body_plan

EVERYWHERE = "everywhere"
Range = tuple[float, float]
Row = Mapping[str, Any]


@cache
def regions() -> Mapping[str, tuple[str, ...]]:
    """Muscles of each region of one side, by `regions.toml`; the names carry no side."""
    table = tomllib.loads(Path(__file__).with_name("regions.toml").read_text("utf-8"))
    return {name: tuple(row["muscles"]) for name, row in table.items()}


def ranges_of(kind: type) -> dict[str, Range]:
    """The range of each field of a dataclass that states one (`metadata={"range": …}`)."""
    return {each.name: each.metadata["range"] for each in fields(kind) if "range" in each.metadata}


class CaseFile:
    """The table of one file. Every error names the file and the place in it: ValueError."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self.table: Row = tomllib.loads(path.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path.name} is not TOML: {error}") from None

    def fail(self, text: str) -> ValueError:
        """An error that says where."""
        return ValueError(f"{self.name}: {text}")

    def only(self, row: Row, known: Iterable[str], where: str) -> None:
        """Refuse a key that is not known."""
        names = list(known)
        for key in row:
            if key not in names:
                raise self.fail(f"{where} has '{key}'; expected {', '.join(names)}")

    def section(self, name: str) -> Row:
        """A table of the file; empty if absent."""
        row = self.table.get(name, {})
        if not isinstance(row, dict):
            raise self.fail(f"'{name}' must be a table, not {row!r}")
        return row

    def text(self, name: str) -> str:
        """A sentence or word that must be there."""
        value = self.table.get(name)
        if not isinstance(value, str) or not value:
            raise self.fail(f"'{name}' must be a text, not {value!r}")
        return value

    def number(self, value: object, allowed: Range, where: str) -> float:
        """A number within its range."""
        low, high = allowed
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(f"{where} must be a number, not {value!r}")
        if not low <= value <= high:
            raise self.fail(f"{where} must lie in {low:g} to {high:g}, not {value:g}")
        return float(value)

    def numbers(self, row: object, ranges: Mapping[str, Range], where: str) -> dict[str, float]:
        """A table of numbers, each known and within its range."""
        if not isinstance(row, dict):
            raise self.fail(f"{where} must be a table, not {row!r}")
        self.only(row, ranges, where)
        return {key: self.number(row[key], ranges[key], f"{where} {key}") for key in row}

    # --- dials -----------------------------------------------------------------------------------

    def dials(self, ranges: Mapping[str, Range]) -> dict[str, dict[str, float]]:
        """Dials of every muscle of both sides: `[everywhere]`, then the regions in the order of the
        file, then the muscles; a field keeps the wider place's value where the nearer has none."""
        found: dict[str, dict[str, float]] = {key: {} for key in body_plan().muscle_keys}
        wide = self.numbers(self.section(EVERYWHERE), ranges, f"[{EVERYWHERE}]")
        for row in found.values():
            row.update(wide)
        for name, row in self.section("region").items():
            values = self.numbers(row, ranges, f"[region.{name}]")
            for key in self._muscles_of(name):
                found[key].update(values)
        for key, row in self.section("muscle").items():
            if key not in found:
                raise self.fail(f"there is no muscle '{key}'; expected one such as 'left FDI'")
            found[key].update(self.numbers(row, ranges, f'[muscle."{key}"]'))
        return found

    def _muscles_of(self, region: str) -> list[str]:
        sides, name = _sided(region, "_")
        if name not in regions():
            raise self.fail(
                f"there is no region '{region}'; expected {', '.join(regions())}, "
                "each also with left_ or right_ before it"
            )
        return [f"{side} {muscle}" for side in sides for muscle in regions()[name]]

    # --- nerves ----------------------------------------------------------------------------------

    def nerves(
        self, ranges: Mapping[str, Range], by_segment: Iterable[str]
    ) -> dict[str, dict[str, Any]]:
        """What ails each nerve, by side and nerve; only nerves that the file names. The wider place
        counts first: everywhere, a limb, a nerve on both sides, a nerve on one. Fields in
        `by_segment` are tables of segments; a single number stands for every segment."""
        found: dict[str, dict[str, Any]] = {}
        for name, row in sorted(self.section("nerve").items(), key=lambda item: _width(item[0])):
            where = f'[nerve."{name}"]'
            keys = self._nerves_of(name)
            if not isinstance(row, dict):
                raise self.fail(f"{where} must be a table, not {row!r}")
            self.only(row, ranges, where)
            for field, value in row.items():
                place = f"{where} {field}"
                if field in by_segment:
                    self._lay_segments(found, keys, field, value, ranges[field], place)
                    continue
                number = self.number(value, ranges[field], place)
                for key in keys:
                    found.setdefault(key, {})[field] = number
        return found

    def _lay_segments(
        self,
        found: dict[str, dict[str, Any]],
        keys: list[str],
        field: str,
        value: object,
        allowed: Range,
        where: str,
    ) -> None:
        """Values of one field by segment, for each nerve that has the segment."""
        segments = {key: segments_of_nerve(key.partition(" ")[2]) for key in keys}
        known = dict.fromkeys(name for names in segments.values() for name in names)
        if isinstance(value, dict):
            row = self.numbers(value, dict.fromkeys(known, allowed), where)
        else:
            row = dict.fromkeys(known, self.number(value, allowed, where))
        for key in keys:
            into = found.setdefault(key, {}).setdefault(field, {})
            into.update({name: row[name] for name in segments[key] if name in row})

    def _nerves_of(self, name: str) -> list[str]:
        plan = body_plan()
        limbs = tuple(dict.fromkeys(nerve.limb for nerve in plan.nerves_by_name.values()))
        sides, plain = _sided(name, " ")
        if plain == EVERYWHERE:
            nerves = plan.nerves
        elif plain in limbs:
            nerves = tuple(key for key, n in plan.nerves_by_name.items() if n.limb == plain)
        elif plain in plan.nerves:
            nerves = (plain,)
        else:
            raise self.fail(
                f"there is no nerve '{name}'; expected {EVERYWHERE}, {', '.join(limbs)}, "
                f"{', '.join(plan.nerves)}, each also with 'left ' or 'right ' before it"
            )
        return [f"{side} {nerve}" for side in sides for nerve in nerves]


def segments_of_nerve(nerve: str) -> tuple[str, ...]:
    """Names of a nerve's segments, distal first."""
    return tuple(dict.fromkeys(body_plan().nerves_by_name[nerve].segment.values()))


def _width(nerve: str) -> int:
    """Rank of a nerve's name in the file: the wider the place, the earlier it counts."""
    sides, plain = _sided(nerve, " ")
    narrow = 0 if plain == EVERYWHERE else 2 if plain in {"arm", "leg", "trunk"} else 4
    return narrow + (len(sides) == 1)


def _sided(name: str, mark: str) -> tuple[tuple[str, ...], str]:
    """The sides a name speaks of, and the name without them."""
    side, _, rest = name.partition(mark)
    return ((side,), rest) if side in SIDES and rest else (SIDES, name)
