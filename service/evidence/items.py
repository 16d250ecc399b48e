"""The lines of a card: what speaks for, what against, what is missing and what it would change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from service.model import Axis, Evidence, Finding, FindingState, Item, Tier

from .families import (
    CLONUS,
    FAMILIES,
    FIBRILLATION_GRADE,
    INDEPENDENT_UNITS,
    MUP_COUNT,
    NEEDLE_FASCICULATION,
    REST_SITES,
    VALID_MINUTES,
    WINDOWS,
    counted,
    number,
)

# What an examination not yet done would be, at its strongest: used to ask whether it could matter.
_TIERS: dict[str, Tier] = {
    "L1": "A", "L2": "C", "L3": "A", "L4": "A", "L5": "B", "L6": "B", "L7": "A", "L8": "C",
    "U1": "A", "U2": "A", "U3": "B", "U4": "C", "U5": "B", "U6": "B", "U7": "C",
}  # fmt: skip
_NUMBERS: dict[str, tuple[tuple[str, float], ...]] = {
    "L1": ((FIBRILLATION_GRADE, 2.0), (REST_SITES, 10.0)),
    "L2": ((NEEDLE_FASCICULATION, 4.0),),
    "L3": ((MUP_COUNT, 20.0),),
    "L6": ((INDEPENDENT_UNITS[0], 40.0),),
    "U3": ((CLONUS, 12.0),),
}
_ASKED: dict[Axis, tuple[str, ...]] = {
    "lmn": ("L5", "L1", "L2", "L3", "L4", "L6", "L7"),
    "umn": ("U1", "U2", "U3", "U5", "U6"),
}

# what counts up while it is not settled: the quantity, and how much is wanted
_PROGRESS: dict[str, tuple[str, int]] = {"L2": (VALID_MINUTES, 10), "U5": (WINDOWS, 200)}

Changes = Callable[[Sequence[Evidence]], bool]


def items_of(evidence: Sequence[Evidence], state: FindingState) -> tuple[Item, ...]:
    """One line per piece of evidence in a state, with the measurement that it stands on."""
    return tuple(_item(entry) for entry in evidence if entry.state == state)


def missing_items(axis: Axis, evidence: Sequence[Evidence], changes: Changes) -> tuple[Item, ...]:
    """What is unknown or borderline, then what nobody has looked for.

    `changes` tells whether further evidence would move the grade; each line says so, judged by the
    strongest abnormal result that the examination could give.
    """
    open_ones = [entry for entry in evidence if entry.state in {"unknown", "borderline"}]
    lines = [_item(entry, would=_would(axis, entry.family, changes)) for entry in open_ones]
    seen = {entry.family for entry in evidence}
    for family in _ASKED[axis]:
        if family not in seen:
            lines.append(
                Item(
                    family=family,
                    state="unknown",
                    sentence=f"Not tested: {FAMILIES[family]}",
                    would_change_grade=_would(axis, family, changes),
                )
            )
    return tuple(lines)


def severity(evidence: Sequence[Evidence]) -> str:
    """How much is lost, apart from how sure it is: the CMAP in per cent of its limit, or empty."""
    for entry in evidence:
        for finding in entry.findings:
            if entry.family != "L5" or finding.limit is None or finding.value is None:
                continue
            if finding.quantity == "amplitude_mv" and finding.state == "abnormal":
                return f"CMAP {100 * finding.value / finding.limit.value:.0f} % of limit"
    return ""


def strongest(axis: Axis, family: str) -> Evidence:
    """The evidence an examination would give if it came out clearly abnormal."""
    findings = tuple(
        Finding("", quantity, "abnormal", value, "", None)
        for quantity, value in _NUMBERS.get(family, ())
    )
    return Evidence(axis, family, _TIERS.get(family, "C"), "abnormal", "", findings)


def _would(axis: Axis, family: str, changes: Changes) -> bool:
    return family in FAMILIES and family != "dual" and changes([strongest(axis, family)])


def _item(entry: Evidence, *, would: bool = False) -> Item:
    measurement = next((f.measurement_id for f in entry.findings if f.measurement_id), None)
    return Item(
        family=entry.family,
        state=entry.state,
        sentence=entry.sentence,
        measurement_id=measurement,
        progress=_progress(entry),
        would_change_grade=would,
        counted=counted(entry),
    )


def _progress(entry: Evidence) -> tuple[int, int] | None:
    """`(have, need)` of an unsettled item that counts up, else None."""
    quantity, need = _PROGRESS.get(entry.family, ("", 0))
    have = number(entry, quantity)
    if have is None or entry.state != "unknown" or have >= need:
        return None
    return int(have), need
