"""Grades in words that describe measurements and name no disease (clinical reference 6.9)."""

from __future__ import annotations

from types import MappingProxyType

from service.model import Axis, Grade, Indicator, MuscleStatus

from .families import FAMILIES

WORDS = MappingProxyType(
    {
        Grade.INSUFFICIENT: "cannot tell",
        Grade.NONE: "none found",
        Grade.POSSIBLE: "weak",
        Grade.PROBABLE: "moderate",
        Grade.DEFINITE: "strong",
    }
)
AXES: MappingProxyType[Axis, str] = MappingProxyType({"umn": "UMN", "lmn": "LMN"})
DISCLAIMER = "This describes measurements, not a disease."


def sentences(status: MuscleStatus) -> tuple[str, str]:
    """The UMN and the LMN axis of a muscle, one paragraph each."""
    name = status.muscle.key
    return paragraph(name, status.umn), paragraph(name, status.lmn)


def paragraph(muscle: str, indicator: Indicator) -> str:
    """`LMN evidence in left FDI: weak. CMAP 5.1 mV (…). Not settled: …. …`"""
    doubt = ", attribution uncertain" if indicator.attribution == "uncertain" else ""
    parts = [f"{AXES[indicator.axis]} evidence in {muscle}: {WORDS[indicator.grade]}{doubt}."]
    parts += [_stop(item.sentence) for item in indicator.items_for]
    if indicator.items_against:
        against = "; ".join(item.sentence for item in indicator.items_against)
        parts.append(_stop(f"Against: {against}"))
    names = list(dict.fromkeys(_name(item.family) for item in indicator.missing))
    if names:
        parts.append(_stop(f"Not settled: {', '.join(names)}"))
    would = list(dict.fromkeys(_name(i.family) for i in indicator.missing if i.would_change_grade))
    if would:
        parts.append(_stop(f"Could change the grade: {', '.join(would)}"))
    return " ".join([*parts, DISCLAIMER])


def _name(family: str) -> str:
    return FAMILIES.get(family, family)


def _stop(text: str) -> str:
    return text if text.endswith(".") else text + "."
