"""The two axes of a muscle: how strong the evidence is, by which rule, on which items.

Each axis is graded by its own ladder of rules, first match wins. Nothing here averages the two, and
nothing reads as a diagnosis: a grade is the strength of evidence, not the severity of a disease.
Source: clinical reference 6.3 (LMN) and 6.5 (UMN), a proposal built on Awaji and Gold Coast; the
cross-axis rules of 6.6 are in `crossaxis.py` and are applied before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from service.model import Axis, Evidence, Grade, Indicator

from .circumstances import Circumstances
from .families import (
    CLONUS,
    EXAMINER_REVIEWED,
    FIBRILLATION_GRADE,
    LMN_LOSS,
    MUP_COUNT,
    NEEDLE_FASCICULATION,
    REST_SITES,
    VALID_MINUTES,
    Families,
    at_least,
    independent,
    number,
)
from .items import items_of, missing_items, severity

NEEDED_MUPS = 20
NEEDED_REST_SITES = 10
NEEDED_SURFACE_MIN = 10
_ORDER = (Grade.INSUFFICIENT, Grade.NONE, Grade.POSSIBLE, Grade.PROBABLE, Grade.DEFINITE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A grade, the rule that gave it, and whether it may be due to something else."""

    grade: Grade
    rule: str
    attribution: Literal["clear", "uncertain"] = "clear"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rung of a ladder: if `holds`, the grade is this one."""

    grade: Grade
    text: str
    holds: Callable[[Families, Circumstances], bool]


def grade_lmn(
    evidence: Sequence[Evidence], circumstances: Circumstances | None = None
) -> Indicator:
    """The lower motor neuron axis of one muscle. Evidence of the other axis is not looked at."""
    return _indicator("lmn", evidence, circumstances or Circumstances(), lmn_verdict)


def grade_umn(
    evidence: Sequence[Evidence], circumstances: Circumstances | None = None
) -> Indicator:
    """The upper motor neuron axis of one muscle. Measurements alone never reach `definite`."""
    return _indicator("umn", evidence, circumstances or Circumstances(), umn_verdict)


def lmn_verdict(evidence: Sequence[Evidence], circumstances: Circumstances) -> Verdict:
    """Rules 6.3, then the caps: neuropathy, myopathy, a central lesion above, a shared pattern."""
    found = Families.of(evidence, "lmn")
    verdict = _first(LMN_RULES, found, circumstances, "LMN 5: too little was examined")
    confounders = {*circumstances.neuropathy, *circumstances.junction}
    confounders |= {name for item in found.evidence for name in item.confounded_by
                    if item.state == "abnormal" and not name.startswith("hardware")}  # fmt: skip
    if confounders and _above(verdict, Grade.NONE):
        verdict = _capped(verdict, Grade.PROBABLE, "confounded: " + ", ".join(sorted(confounders)))
    if circumstances.myopathy and _above(verdict, Grade.NONE):
        verdict = _capped(verdict, Grade.POSSIBLE, "myopathic potentials")
    trans_synaptic = circumstances.below_lesion and found.abnormal("L1")
    if trans_synaptic and not (found.abnormal("L5") or found.abnormal("L6")):
        verdict = _capped(verdict, Grade.POSSIBLE, "below a central lesion: may be trans-synaptic")
    if circumstances.shared_pattern and _above(verdict, Grade.NONE):
        rule = f"{verdict.rule}; all abnormal muscles share the {circumstances.shared_pattern}"
        verdict = Verdict(verdict.grade, rule, "uncertain")
    return verdict


def _first(
    rules: Sequence[Rule], found: Families, circumstances: Circumstances, otherwise: str
) -> Verdict:
    """The first rule that holds; otherwise too little was examined."""
    for rule in rules:
        if rule.holds(found, circumstances):
            return Verdict(rule.grade, rule.text)
    return Verdict(Grade.INSUFFICIENT, otherwise)


def _active_and_chronic(found: Families, _: Circumstances) -> bool:
    """Fibrillations, or fasciculations by needle or by reviewed surface recording, together with
    large potentials (20 or more measured) or reduced recruitment."""
    reviewed = any(
        number(item, NEEDLE_FASCICULATION) is not None or at_least(item, EXAMINER_REVIEWED, 1)
        for item in found.having("L2", "abnormal")
    )
    chronic = found.any_at_least("L3", "abnormal", MUP_COUNT, NEEDED_MUPS)
    active = found.abnormal("L1", tiers="AB") or reviewed
    return active and (chronic or found.abnormal("L4"))


def _marked_fibrillations(found: Families, _: Circumstances) -> bool:
    marked = found.having("L1", "abnormal", tiers="AB")
    return any(at_least(item, FIBRILLATION_GRADE, 2) for item in marked)


def _axons_and_units(found: Families, _: Circumstances) -> bool:
    units = any(independent(item) for item in found.having("L6", "abnormal"))
    return found.abnormal("L5") and units


def _weak_and_measured(found: Families, _: Circumstances) -> bool:
    strong = found.abnormal_families(tiers="AB")
    return "L7" in strong and len(strong) > 1


def _needle_negative(found: Families, _: Circumstances) -> bool:
    """An adequate needle examination and a CMAP, nothing abnormal in either."""
    rest = found.any_at_least("L1", "normal", REST_SITES, NEEDED_REST_SITES)
    potentials = found.any_at_least("L3", "normal", MUP_COUNT, NEEDED_MUPS)
    clean = all(found.normal(name) for name in ("L1", "L4", "L5"))
    return rest and potentials and clean


def _surface_negative(found: Families, _: Circumstances) -> bool:
    """CMAP, an independent unit count and ten quiet minutes, all normal."""
    units = any(independent(item) for item in found.having("L6", "normal"))
    quiet = found.any_at_least("L2", "normal", VALID_MINUTES, NEEDED_SURFACE_MIN)
    return found.normal("L5") and units and quiet


LMN_RULES: tuple[Rule, ...] = (
    Rule(
        Grade.DEFINITE,
        "LMN 1: active and chronic denervation in one muscle",
        _active_and_chronic,
    ),
    Rule(
        Grade.PROBABLE,
        "LMN 2: large potentials and reduced recruitment",
        lambda found, _: found.abnormal("L3") and found.abnormal("L4"),
    ),
    Rule(Grade.PROBABLE, "LMN 2: fibrillations of grade 2+ or more", _marked_fibrillations),
    Rule(Grade.PROBABLE, "LMN 2: low CMAP and a low independent unit count", _axons_and_units),
    Rule(Grade.PROBABLE, "LMN 2: weakness, wasting and a measurement", _weak_and_measured),
    Rule(
        Grade.POSSIBLE,
        "LMN 3: one kind of evidence",
        lambda found, _: bool(found.abnormal_families(tiers="AB")),
    ),
    Rule(
        Grade.POSSIBLE,
        "LMN 3: isolated fasciculations; benign forms are common",
        lambda found, _: found.abnormal("L2"),
    ),
    Rule(
        Grade.POSSIBLE,
        "LMN 3: two kinds of weak evidence",
        lambda found, _: len(found.abnormal_families(tiers="C")) >= 2,
    ),
    Rule(Grade.NONE, "LMN 4: none found with needle and nerve conduction", _needle_negative),
    Rule(
        Grade.NONE,
        "LMN 4: none found (no needle; subclinical change is not excluded)",
        _surface_negative,
    ),
)


def umn_verdict(evidence: Sequence[Evidence], circumstances: Circumstances) -> Verdict:
    """Rules 6.5, first match wins."""
    found = Families.of(evidence, "umn")
    return _first(UMN_RULES, found, circumstances, "UMN 5: too little was examined")


def _sign_and_measured(found: Families, _: Circumstances) -> bool:
    measured = any(found.abnormal(name) for name in ("U2", "U3", "U5"))
    return found.abnormal("U1", tiers="A") and measured


def _stimulated_and_measured(found: Families, _: Circumstances) -> bool:
    return found.abnormal("U2") and any(found.abnormal(name) for name in ("U3", "U5", "U6"))


def _two_measurements(found: Families, circumstances: Circumstances) -> bool:
    """Two different measured families, clonus or absent coherence among them; absent coherence with
    poor activation alone only under verified effort, since fatigue and pain show both."""
    measured = found.abnormal_families(tiers="AB") & {"U3", "U5", "U6"}
    if len(measured) < 2:
        return False
    if measured == {"U5", "U6"}:
        return circumstances.effort_verified is True
    clonus = any(number(item, CLONUS) is not None for item in found.having("U3", "abnormal"))
    return clonus or "U5" in measured


def _two_weak(found: Families, _: Circumstances) -> bool:
    """Two families of weak evidence, at least one of them not moved by LMN loss."""
    weak = found.abnormal_families(tiers="C")
    free = {item.family for item in found.evidence
            if item.family in weak and LMN_LOSS not in item.confounded_by}  # fmt: skip
    return len(weak) >= 2 and bool(free)


def _umn_negative(found: Families, _: Circumstances) -> bool:
    tested = found.normal("U2") or found.normal("U5")
    more = found.normal("U3") or found.normal("U6")
    return found.normal("U1") and tested and more


UMN_RULES: tuple[Rule, ...] = (
    Rule(Grade.DEFINITE, "UMN 1: a strong clinical sign and a measurement", _sign_and_measured),
    Rule(
        Grade.DEFINITE,
        "UMN 1: magnetic stimulation and a measurement",
        _stimulated_and_measured,
    ),
    Rule(
        Grade.PROBABLE,
        "UMN 2: a strong clinical sign alone",
        lambda found, _: found.abnormal("U1", tiers="A"),
    ),
    Rule(
        Grade.PROBABLE,
        "UMN 2: magnetic stimulation alone",
        lambda found, _: found.abnormal("U2"),
    ),
    Rule(
        Grade.PROBABLE,
        "UMN 2: two kinds of measurement (the ceiling without a clinical sign)",
        _two_measurements,
    ),
    Rule(
        Grade.POSSIBLE,
        "UMN 3: one kind of measurement",
        lambda found, _: bool(found.abnormal_families(tiers="AB")),
    ),
    Rule(Grade.POSSIBLE, "UMN 3: two kinds of weak evidence", _two_weak),
    Rule(Grade.NONE, "UMN 4: none found with examination and measurement", _umn_negative),
)


def _above(verdict: Verdict, grade: Grade) -> bool:
    return _ORDER.index(verdict.grade) > _ORDER.index(grade)


def _capped(verdict: Verdict, ceiling: Grade, why: str) -> Verdict:
    """No higher than the ceiling, and attribution uncertain."""
    grade = ceiling if _above(verdict, ceiling) else verdict.grade
    return Verdict(grade, f"{verdict.rule}; {why}", "uncertain")


def _indicator(
    axis: Axis,
    evidence: Sequence[Evidence],
    circumstances: Circumstances,
    judge: Callable[[Sequence[Evidence], Circumstances], Verdict],
) -> Indicator:
    verdict = judge(evidence, circumstances)
    own = [item for item in evidence if item.axis == axis]
    return Indicator(
        axis=axis,
        grade=verdict.grade,
        attribution=verdict.attribution,
        items_for=items_of(own, "abnormal"),
        items_against=items_of(own, "normal"),
        missing=missing_items(
            axis, own, lambda more: judge([*evidence, *more], circumstances).grade != verdict.grade
        ),
        rule=verdict.rule,
        severity=severity(own) if axis == "lmn" else "",
    )
