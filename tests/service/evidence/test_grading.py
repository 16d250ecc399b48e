"""The ladders of both axes: every worked case of the clinical reference, and what must not be."""

from __future__ import annotations

from itertools import product

import pytest

from service.evidence.circumstances import Circumstances
from service.evidence.crossaxis import cross_axis, grade_muscle
from service.evidence.grading import grade_lmn, grade_umn
from service.model import Evidence, Finding, Grade, Muscle

FDI = Muscle("FDI", "left")
ORDER = [Grade.INSUFFICIENT, Grade.NONE, Grade.POSSIBLE, Grade.PROBABLE, Grade.DEFINITE]


def ev(family, state="abnormal", tier=None, confounded=(), **numbers):
    """Evidence of a family with the numbers its rule asks for."""
    usual = {"L1": "A", "L2": "C", "L3": "A", "L4": "A", "L5": "B", "L6": "B", "L7": "A"}
    usual |= {"U1": "A", "U2": "A", "U3": "B", "U4": "C", "U5": "B", "U6": "B"}
    findings = tuple(Finding("m", key, state, float(v), "", None) for key, v in numbers.items())
    axis = "lmn" if family[0] == "L" else "umn"
    return Evidence(
        axis, family, tier or usual.get(family, "C"), state, family, findings, tuple(confounded)
    )


FIB2 = ev("L1", fibrillation_grade=2)
REST_CLEAN = ev("L1", "normal", rest_site_count=10)
BIG_MUPS = ev("L3", mup_count=20)
MUPS = ev("L3", "normal", mup_count=20)
FEW_MUPS = ev("L3", "normal", mup_count=14)
REDUCED, RECRUITMENT = ev("L4"), ev("L4", "normal")
CMAP_LOW, CMAP = ev("L5"), ev("L5", "normal")
MUNIX_LOW, MUNIX = ev("L6", munix=40), ev("L6", "normal", munix=150)
SCAN_LOW, SCAN = ev("L6", mscanfit_unit_count=30), ev("L6", "normal", mscanfit_unit_count=110)
QUIET = ev("L2", "normal", surface_fasciculation_per_min=0, valid_min=12)
TWITCHES = ev("L2", surface_fasciculation_per_min=20, valid_min=12)
SIGN, NO_SIGN, WEAK_SIGN = ev("U1"), ev("U1", "normal"), ev("U1", tier="C")
TMS_LONG, TMS = ev("U2"), ev("U2", "normal")
CLONUS = ev("U3", clonus_burst_count=12)
IMC_ABSENT, IMC = ev("U5"), ev("U5", "normal")
SLOW, RATES = ev("U6", poor_activation=1), ev("U6", "normal")
BLUNTED = ev("U6")
HM_RAISED = ev("U4")

GENUINE = Circumstances(effort_verified=True)
NEEDLE_CLEAN = [REST_CLEAN, MUPS, RECRUITMENT, CMAP]

# evidence, circumstances, LMN, UMN, LMN attribution (None: not asked)
ORACLES = {
    "ALS hand": (
        [FIB2, BIG_MUPS, REDUCED, CMAP_LOW, SIGN, IMC_ABSENT],
        Circumstances(cmap_mv=3.0), "definite", "definite", None,
    ),
    "PMA": (
        [FIB2, BIG_MUPS, REDUCED, CMAP_LOW, NO_SIGN, IMC, TMS, RATES],
        Circumstances(cmap_mv=3.0, effort_verified=True), "definite", "none", None,
    ),
    "PLS": (
        [*NEEDLE_CLEAN, BLUNTED, IMC_ABSENT, SIGN, TMS_LONG], GENUINE, "none", "definite", None,
    ),
    "chronic SCI, C6": ([CMAP, SIGN, CLONUS], Circumstances(), "insufficient", "definite", None),
    "fibrillations below the level": (
        [FIB2, CMAP], Circumstances(below_lesion=True), "possible", "insufficient", "uncertain",
    ),
    "SCI, partial denervation": (
        [CMAP_LOW, MUNIX_LOW, FIB2, WEAK_SIGN, CLONUS],
        Circumstances(few_and_slow=True, below_lesion=True, cmap_mv=2.0),
        "probable", "probable", None,
    ),
    "SCI, partial denervation, sign entered": (
        [CMAP_LOW, MUNIX_LOW, FIB2, SIGN, CLONUS],
        Circumstances(few_and_slow=True, below_lesion=True, cmap_mv=2.0),
        "probable", "definite", None,
    ),
    "carpal tunnel": (
        [CMAP_LOW], Circumstances(neuropathy=("median nerve at the wrist",)),
        "possible", "insufficient", "uncertain",
    ),
    "carpal tunnel with needle": (
        [CMAP_LOW, FIB2, BIG_MUPS], Circumstances(neuropathy=("median nerve at the wrist",)),
        "probable", "insufficient", "uncertain",
    ),
    "benign fasciculations": (
        [TWITCHES, *NEEDLE_CLEAN], Circumstances(), "possible", "insufficient", "clear",
    ),
    "slow device alone": (
        [ev("L2", confounded=["hardware: 250 Hz"], surface_fasciculation_per_min=4, valid_min=12)],
        Circumstances(), "insufficient", "insufficient", None,
    ),
    "nothing done": ([], Circumstances(), "insufficient", "insufficient", None),
    "effort refused": (
        [CMAP, SLOW], Circumstances(pain=8, effort_verified=False), "insufficient", "insufficient",
        None,
    ),
    "H/M raised, CMAP low": ([HM_RAISED, CMAP_LOW], Circumstances(), "possible", "insufficient",
                             None),
    "low CMAP and MUNIX": ([CMAP_LOW, MUNIX_LOW], Circumstances(), "possible", None, None),
    "low CMAP and MScanFit": ([CMAP_LOW, SCAN_LOW], Circumstances(), "probable", None, None),
    "normal CMAP and MUNIX": ([CMAP, MUNIX], Circumstances(), "insufficient", None, None),
    "normal CMAP, MScanFit, 12 quiet minutes": (
        [CMAP, SCAN, QUIET], Circumstances(), "none", None, None,
    ),
    "surface only, verified effort": (
        [CMAP, SCAN, QUIET, IMC_ABSENT, SLOW], GENUINE, "none", "probable", None,
    ),
    "14 potentials": (
        [REST_CLEAN, FEW_MUPS, RECRUITMENT, CMAP], Circumstances(), "insufficient", None, None,
    ),
    "brisk everywhere": ([*NEEDLE_CLEAN, WEAK_SIGN], Circumstances(), "none", "insufficient", None),
    "fibrillations in AH alone": (
        [ev("L1", tier="C", fibrillation_grade=1), MUPS, RECRUITMENT, CMAP], Circumstances(),
        "insufficient", None, None,
    ),
    "myopathy": (
        [FIB2, CMAP_LOW], Circumstances(myopathy=True), "possible", None, "uncertain",
    ),
    "coherence absent in pain": (
        [IMC_ABSENT, SLOW], Circumstances(pain=6), "insufficient", "insufficient", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ORACLES))
def test_worked_cases(name):
    """Each worked case of clinical reference 6.8 gets the grades written there."""
    evidence, known, lmn, umn, attribution = ORACLES[name]
    status = grade_muscle(FDI, evidence, known)
    assert status.lmn.grade == lmn
    if umn is not None:
        assert status.umn.grade == umn
    if attribution is not None:
        assert status.lmn.attribution == attribution


def test_measurements_alone_never_make_umn_definite():
    """Over all 324 mixes of the measured families, with and without verified effort: at most
    probable."""
    states = ("abnormal", "normal", None)
    for picks in product(states, repeat=4):
        for known in (
            Circumstances(),
            GENUINE,
            Circumstances(few_and_slow=True),
            Circumstances(effort_verified=True, cmap_mv=5.0),
        ):
            named = zip(("U3", "U4", "U5", "U6"), picks, strict=True)
            evidence = [
                ev(family, state, **({"clonus_burst_count": 9} if family == "U3" else {}))
                for family, state in named
                if state
            ]
            grade = grade_muscle(FDI, [*evidence, CMAP_LOW], known).umn.grade
            assert ORDER.index(grade) <= ORDER.index(Grade.PROBABLE)


@pytest.mark.uncounted
def test_taking_an_abnormal_item_away_never_raises_the_lmn_grade():
    """Over 3^7 mixes of LMN evidence, and each abnormal item taken out of each."""
    pick = {
        "L1": (FIB2, REST_CLEAN), "L2": (TWITCHES, QUIET), "L3": (BIG_MUPS, MUPS),
        "L4": (REDUCED, RECRUITMENT), "L5": (CMAP_LOW, CMAP), "L6": (SCAN_LOW, SCAN),
        "L7": (ev("L7"), ev("L7", "normal")),
    }  # fmt: skip
    for choice in product((0, 1, None), repeat=7):
        evidence = [pair[c] for pair, c in zip(pick.values(), choice, strict=True) if c is not None]
        whole = ORDER.index(grade_lmn(evidence).grade)
        for item in evidence:
            if item.state == "abnormal":
                without = [other for other in evidence if other is not item]
                assert ORDER.index(grade_lmn(without).grade) <= whole


def test_an_axis_does_not_look_at_the_other():
    """The grade of one axis is the same whatever is known of the other."""
    lower = [FIB2, REDUCED, CMAP_LOW]
    upper = [SIGN, CLONUS, IMC_ABSENT]
    assert grade_lmn(lower) == grade_lmn([*upper, *lower])
    assert grade_umn(upper) == grade_umn([*lower, *upper])


def test_both_axes_can_be_definite_at_once():
    """One muscle can carry strong evidence of both; nothing averages them."""
    status = grade_muscle(FDI, [FIB2, BIG_MUPS, SIGN, CLONUS])
    assert (status.umn.grade, status.lmn.grade) == (Grade.DEFINITE, Grade.DEFINITE)


def test_unknown_is_never_counted_as_normal_or_abnormal():
    """Evidence of unknown or borderline state leaves the grade alone, and is shown missing."""
    for state in ("unknown", "borderline"):
        shrugs = [ev(family, state) for family in ("L1", "L3", "L4", "L5", "L6", "L7")]
        indicator = grade_lmn(shrugs)
        assert indicator.grade == Grade.INSUFFICIENT
        assert {item.family for item in indicator.missing} >= {"L1", "L3", "L4", "L5", "L6", "L7"}
        assert not indicator.items_for
        assert not indicator.items_against


def test_munix_is_shown_and_not_counted():
    """A low MUNIX beside a low CMAP stays on the card, marked as not counted."""
    indicator = grade_lmn([CMAP_LOW, MUNIX_LOW])
    assert {(item.family, item.counted) for item in indicator.items_for} == {
        ("L5", True),
        ("L6", False),
    }


def test_reviewed_surface_fasciculations_need_the_needle_for_definite():
    """Surface events that an examiner has reviewed count as denervation only beside L3 or L4."""
    seen = ev("L2", surface_fasciculation_per_min=5, valid_min=12, examiner_reviewed=1)
    assert grade_lmn([seen]).grade == Grade.POSSIBLE
    assert grade_lmn([seen, CMAP_LOW, SCAN_LOW]).grade == Grade.PROBABLE
    assert grade_lmn([seen, BIG_MUPS]).grade == Grade.DEFINITE
    assert grade_lmn([TWITCHES, BIG_MUPS]).grade != Grade.DEFINITE


def test_absent_coherence_with_poor_activation_needs_verified_effort():
    """Fatigue and pain show both: without verified effort it is one kind of evidence at most."""
    pair = [IMC_ABSENT, BLUNTED]
    assert grade_umn(pair).grade == Grade.POSSIBLE
    assert grade_umn(pair, GENUINE).grade == Grade.PROBABLE
    assert grade_umn([IMC_ABSENT, CLONUS]).grade == Grade.PROBABLE


def test_sensory_loss_and_a_wasted_muscle_take_coherence_away():
    """Absent coherence is unknown in neuropathy unless SNAPs are normal, and without a CMAP."""
    numb = Circumstances(neuropathy=("block",))
    well = Circumstances(neuropathy=("block",), snaps_normal=True)
    wasted = Circumstances(cmap_mv=0.2)
    states = [cross_axis([IMC_ABSENT], known)[0].state for known in (numb, well, wasted)]
    assert states == ["unknown", "abnormal", "unknown"]
    assert cross_axis([NO_SIGN], numb)[0].state == "unknown"


def test_lmn_loss_weakens_ratios_and_drive_doubt_takes_maximal_measures():
    """H/M beside LMN loss becomes weak; MUNIX beside UMN evidence becomes unknown."""
    fair = cross_axis([ev("U4", tier="B"), CMAP_LOW], Circumstances())
    assert (fair[0].tier, fair[0].confounded_by) == ("C", ("LMN loss in this muscle",))
    assert cross_axis([MUNIX_LOW, SIGN], Circumstances())[0].state == "unknown"
    assert cross_axis([SCAN_LOW, SIGN], Circumstances())[0].state == "abnormal"


def test_a_shared_root_leaves_the_attribution_open():
    """If every abnormal muscle shares a root, the grade stays and the pattern is named."""
    indicator = grade_lmn([FIB2, BIG_MUPS], Circumstances(shared_pattern="C8 root"))
    assert (indicator.grade, indicator.attribution) == (Grade.DEFINITE, "uncertain")
    assert "C8 root" in indicator.rule


def test_missing_lines_tell_what_would_change_the_grade():
    """With nothing done, a CMAP or a clinical sign would change the grade; after a definite grade
    nothing would."""
    empty = grade_lmn([])
    assert {i.family for i in empty.missing if i.would_change_grade} >= {"L1", "L3", "L4", "L5"}
    done = grade_lmn([FIB2, BIG_MUPS])
    assert not [item for item in done.missing if item.would_change_grade]
    assert {i.family for i in grade_umn([]).missing if i.would_change_grade} >= {"U1", "U2", "U5"}


def test_progress_counts_up():
    """Windows and minutes that are still too few carry (have, need)."""
    windows = grade_umn([ev("U5", "unknown", window_count=34)]).missing
    assert next(item for item in windows if item.family == "U5").progress == (34, 200)
    minutes = grade_lmn([ev("L2", "unknown", valid_min=3.7)]).missing
    assert next(item for item in minutes if item.family == "L2").progress == (3, 10)
