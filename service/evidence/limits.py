"""Limits of normal: one table with sources, and the choice of the row that holds for a person."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from service.model import Limit

SCHEMA = 1
Sex = Literal["F", "M"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the choice of a limit may need to know. None is not known, and stays so."""

    age_years: float | None = None
    sex: Sex | None = None
    height_cm: float | None = None


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit and the stratum it was measured in.

    segment: of a velocity or a drop, `elbow-wrist`, proximal site first. mean, sd: of the healthy,
    where the source gives them. off: why this row is never chosen, verified or not; empty if it is.
    """

    limit: Limit
    nerve: str
    muscle: str
    measure: str
    quantity: str
    age_years: tuple[float, float] | None = None
    sex: Sex | None = None
    height_cm: tuple[float, float] | None = None
    distance_cm: float | None = None
    segment: str = ""
    mean: float | None = None
    sd: float | None = None
    off: str = ""

    @property
    def specificity(self) -> tuple[int, float]:
        """More strata first, then the narrower span of ages."""
        strata = (self.age_years, self.sex, self.height_cm)
        span = self.age_years[1] - self.age_years[0] if self.age_years else 1000.0
        return sum(stratum is not None for stratum in strata), -span


@dataclass(frozen=True, slots=True)
class Choice:
    """The limit that holds, or None and the sentence that says why there is none."""

    limit: Limit | None
    reason: str = ""
    row: LimitRow | None = None

    def z(self, value: float) -> float | None:
        """Standard deviations from the mean of the healthy, None where neither is known."""
        row = self.row
        if row is None or row.mean is None or not row.sd:
            return None
        return (value - row.mean) / row.sd


def read_limits(text: str, *, name: str = "limits") -> tuple[LimitRow, ...]:
    """The rows of a limits file (TOML). Errors: ValueError naming the file and the row."""
    table = tomllib.loads(text)
    if table.get("schema") != SCHEMA:
        raise ValueError(f"{name}: expected schema {SCHEMA}, got {table.get('schema')!r}")
    sources: Mapping[str, str] = table.get("sources", {})
    rows = []
    for entry in table.get("limit", []):
        try:
            rows.append(_row(entry, sources))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{name}: limit {entry.get('id', '?')!r}: {error}") from error
    twice = {row.limit.id for row in rows if [r.limit.id for r in rows].count(row.limit.id) > 1}
    if twice:
        raise ValueError(f"{name}: ids appear more than once: {', '.join(sorted(twice))}")
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class LimitTable:
    """The limits of one laboratory, with the name and version that every value shown carries."""

    name: str
    version: str
    source: str
    rows: tuple[LimitRow, ...]


def read_table(text: str, *, name: str = "limits") -> LimitTable:
    """A limits file with its [table]: name, version, source. Errors: ValueError naming it."""
    rows = read_limits(text, name=name)
    told = tomllib.loads(text).get("table", {})
    missing = {"name", "version", "source"} - told.keys()
    if missing:
        raise ValueError(f"{name}: [table] needs {', '.join(sorted(missing))}")
    return LimitTable(str(told["name"]), str(told["version"]), str(told["source"]), rows)


@cache
def default_table() -> LimitTable:
    """The table that ships with the service."""
    return LimitTable(
        "Myotome", "1", "published limits, each with its own source", default_limits()
    )


@cache
def default_limits() -> tuple[LimitRow, ...]:
    """The rows that ship with the service."""
    text = files("service.evidence").joinpath("limits.toml").read_text(encoding="utf-8")
    return read_limits(text, name="limits.toml")


def choose_limit(
    rows: Iterable[LimitRow],
    *,
    nerve: str,
    muscle: str,
    measure: str,
    quantity: str,
    subject: Subject,
    use_unverified: bool = False,
    segment: str = "",
) -> Choice:
    """The most specific row that holds for this person, else none and why.

    A row that asks for an age, a sex or a height that is not known is dropped; so is one whose
    range the person lies outside, one that is `off`, and, unless switched on, one that nobody has
    verified.
    Source: clinical reference 7 #8.
    """
    wanted = (nerve, muscle, measure, quantity, segment)
    same = [r for r in rows if (r.nerve, r.muscle, r.measure, r.quantity, r.segment) == wanted]
    if not same:
        return Choice(None, f"no limit for {quantity} of {muscle} from the {nerve} nerve")
    if all(row.off for row in same):
        return Choice(None, f"the limit is switched off: {same[0].off}")
    usable = [row for row in same if not row.off and (row.limit.verified or use_unverified)]
    if not usable:
        return Choice(None, "the limit is unverified and switched off")
    reasons = [reason for row in usable if (reason := _why_not(row, subject))]
    fitting = [row for row in usable if not _why_not(row, subject)]
    if not fitting:
        return Choice(None, reasons[0])
    best = max(fitting, key=lambda row: row.specificity)
    return Choice(best.limit, row=best)


def _why_not(row: LimitRow, subject: Subject) -> str:
    """Why a row does not hold for this person; empty if it does."""
    if row.sex is not None and row.sex != subject.sex:
        return "the limit is for the other sex" if subject.sex else "the limit needs the sex"
    spans = (
        ("age", row.age_years, subject.age_years, "years"),
        ("height", row.height_cm, subject.height_cm, "cm"),
    )
    for what, span, value, unit in spans:
        if span is None:
            continue
        if value is None:
            return f"the limit needs the {what}, which is not entered"
        if not span[0] <= value < span[1] + 1:
            return f"{what} {value:g} {unit} is outside the limit's {span[0]:g} to {span[1]:g}"
    return ""


def _row(entry: Mapping[str, Any], sources: Mapping[str, str]) -> LimitRow:
    """One checked row; its source keys are written out."""
    if entry["op"] not in {"min", "max"}:
        raise ValueError(f"op is {entry['op']!r}, expected min or max")
    limit = Limit(
        id=str(entry["id"]),
        op=entry["op"],
        value=float(entry["value"]),
        unit=str(entry["unit"]),
        source="; ".join(sources[key] for key in entry["source"]),
        verified=bool(entry["verified"]),
        percentile=float(entry["percentile"]) if "percentile" in entry else None,
    )
    return LimitRow(
        limit=limit,
        nerve=str(entry["nerve"]),
        muscle=str(entry["muscle"]),
        measure=str(entry["measure"]),
        quantity=str(entry["quantity"]),
        age_years=_span(entry.get("age_years")),
        sex=entry.get("sex"),
        height_cm=_span(entry.get("height_cm")),
        distance_cm=entry.get("distance_cm"),
        segment=str(entry.get("segment", "")),
        mean=entry.get("mean"),
        sd=entry.get("sd"),
        off=str(entry.get("off", "")),
    )


def _span(value: list[float] | None) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = value
    if low > high:
        raise ValueError(f"range {low} to {high} runs backwards")
    return float(low), float(high)
