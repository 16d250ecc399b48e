"""What one lesion does to the measures of the other: applied before either axis is graded.

A measure that LMN loss also moves cannot speak for UMN involvement, and the reverse. Nothing is
hidden: a confounded item stays on the card with the reason, and is not counted or counted less.
Source: clinical reference 6.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from service.model import Evidence, Grade, Muscle, MuscleStatus

from .circumstances import LEAST_CMAP_MV, Circumstances
from .families import AT_MAXIMUM, DRIVE, LMN_LOSS, POOR_ACTIVATION, Families, number
from .grading import grade_lmn, grade_umn, lmn_verdict, umn_verdict

_STRONG = frozenset({Grade.PROBABLE, Grade.DEFINITE})
_RATIOS = frozenset({"U4", "U6", "U7"})  # shrink or grow with the motor unit pool itself
_NEEDS_RESPONSE = frozenset({"U2", "U4", "U5", "U6"})


def grade_muscle(
    muscle: Muscle, evidence: Sequence[Evidence], circumstances: Circumstances | None = None
) -> MuscleStatus:
    """Both axes of one muscle, each after what the other says about its measures."""
    known = circumstances or Circumstances()
    fair = cross_axis(evidence, known)
    return MuscleStatus(muscle=muscle, umn=grade_umn(fair, known), lmn=grade_lmn(fair, known))


def cross_axis(evidence: Sequence[Evidence], known: Circumstances) -> tuple[Evidence, ...]:
    """The same evidence with states, tiers and confounders as the other axis leaves them."""
    evidence = [_trustworthy(item, known) for item in evidence]
    lmn_strong = lmn_verdict(evidence, known).grade in _STRONG
    umn_strong = umn_verdict(evidence, known).grade in _STRONG
    lmn = Families.of(evidence, "lmn")
    fair = [_umn_item(item, known, lost=lmn_strong or lmn.abnormal("L5")) for item in evidence]
    fair = [_lmn_item(item, weak=umn_strong or bool(known.drive_doubt)) for item in fair]
    return (*fair, *_dual(known, lost=any(lmn.abnormal(name) for name in ("L3", "L5", "L6"))))


def _trustworthy(item: Evidence, known: Circumstances) -> Evidence:
    """Doubts that do not depend on the other axis: effort, myopathy."""
    if item.state != "abnormal":
        return item
    if item.family == "L1" and known.myopathy:
        return _unknown(item, "short, small potentials: fibrillations of myopathy are not LMN loss")
    activation = number(item, POOR_ACTIVATION) is not None
    if item.family in {"U5", "U6"} and known.drive_doubt:
        return _unknown(item, known.drive_doubt)
    if activation and known.effort_verified is not True:
        return _unknown(item, "genuine effort is not confirmed")
    return item


def _umn_item(item: Evidence, known: Circumstances, *, lost: bool) -> Evidence:
    """What LMN loss, a wasted muscle or sensory loss leaves of a UMN item."""
    if item.axis != "umn":
        return item
    wasted = known.cmap_mv is not None and known.cmap_mv < LEAST_CMAP_MV
    if wasted and item.family in _NEEDS_RESPONSE and item.state in {"abnormal", "normal"}:
        return _unknown(item, f"CMAP {known.cmap_mv:.2f} mV: not assessable in a wasted muscle")
    if known.neuropathy and item.family == "U5" and item.state == "abnormal":
        if known.snaps_normal is not True:
            return _unknown(item, "sensory loss also removes coherence: sensory responses needed")
    elif known.neuropathy and item.family == "U1" and item.state == "normal":
        return _unknown(item, "reflexes are low in neuropathy: not 'none found'")
    if lost and item.family in _RATIOS and item.state == "abnormal":
        return replace(item, tier="C", confounded_by=_with(item.confounded_by, LMN_LOSS))
    return item


def _lmn_item(item: Evidence, *, weak: bool) -> Evidence:
    """Measures at maximal effort mean nothing when the drive does not reach the muscle."""
    at_maximum = any(number(item, name) is not None for name in AT_MAXIMUM)
    if item.axis == "lmn" and weak and at_maximum and item.state in {"abnormal", "borderline"}:
        return _unknown(item, DRIVE)
    return item


def _dual(known: Circumstances, *, lost: bool) -> Iterable[Evidence]:
    """Few units *and* slow ones, with units lost: a sign of both lesions, on both axes."""
    if not (known.few_and_slow and lost) or known.drive_doubt:
        return ()
    sentence = "Few motor units, firing slowly, and units are lost: both lesions at once"
    return (
        Evidence("lmn", "dual", "B", "abnormal", sentence),
        Evidence("umn", "U6", "B", "abnormal", sentence),
    )


def _unknown(item: Evidence, why: str) -> Evidence:
    sentence = f"{item.sentence}; not counted: {why}" if item.sentence else why
    return replace(
        item, state="unknown", sentence=sentence, confounded_by=_with(item.confounded_by, why)
    )


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, name)))
