"""F-waves, H-reflex and decrement on the two axes: what counts, what is confounded."""

from __future__ import annotations

import pytest

from service.evidence.circumstances import Circumstances
from service.evidence.crossaxis import grade_muscle
from service.evidence.families import LMN_LOSS
from service.evidence.late_evidence import (
    f_wave_evidence,
    h_reflex_evidence,
    junction_confounders,
)
from service.evidence.limits import Choice, Subject, choose_limit, default_limits
from service.model import Evidence, Grade, Limit, Measurement, Muscle

FDI = Muscle("FDI", "left")


def limit(op, value, unit="%", verified=True):
    """A laboratory's limit."""
    return Choice(Limit("own", op, value, unit, "Laboratory", verified))


CHOICES = {
    "persistence_percent": limit("min", 45.0),
    "repeater_index_percent": limit("max", 40.0),
    "chronodispersion_ms": limit("max", 5.7, "ms"),
    "f_m_all_percent": limit("max", 5.0),
}
USUAL = {
    "sweep_count": 40.0, "persistence_percent": 80.0, "repeater_index_percent": 10.0,
    "chronodispersion_ms": 4.0, "f_m_all_percent": 1.5,
}  # fmt: skip


def study(state="measured", reasons=(), items=(), measure="f_wave", **values):
    """A finished measurement."""
    told = (USUAL if measure == "f_wave" else {}) | values
    return Measurement("m", measure, "1", "left FDI", (), {}, state, tuple(reasons), told,
                       items=tuple(items))  # fmt: skip


def f_waves(cmap_state="normal", choices=None, **values):
    """States and tiers of L8 and U4."""
    given = CHOICES if choices is None else choices
    return f_wave_evidence(study(**values), given, cmap_state=cmap_state, skin_c=33.0)


def cmap(state):
    """L5 in a state."""
    return Evidence("lmn", "L5", "B", state, "CMAP")


def test_ordinary_f_waves_are_normal_on_both_axes():
    """And the sentence carries numbers and limits."""
    lmn, umn = f_waves()
    assert (lmn.axis, lmn.family, lmn.tier, lmn.state) == ("lmn", "L8", "C", "normal")
    assert (umn.axis, umn.family, umn.state) == ("umn", "U4", "normal")
    assert "persistence 80 % (limit ≥ 45)" in lmn.sentence


@pytest.mark.parametrize(
    "values",
    [{"persistence_percent": 20.0}, {"repeater_index_percent": 70.0}, {"chronodispersion_ms": 9.0}],
)
def test_lost_repeating_or_scattered_f_waves_are_lmn_evidence_only(values):
    """L8 abnormal, tier C; nothing on the UMN axis."""
    lmn, umn = f_waves(**values)
    assert (lmn.state, lmn.tier) == ("abnormal", "C")
    assert umn.state == "normal"
    status = grade_muscle(FDI, [lmn, umn])
    assert status.umn.grade is Grade.INSUFFICIENT
    assert status.lmn.grade is Grade.INSUFFICIENT  # one weak family alone lifts nothing


def test_chronodispersion_needs_its_number_of_stimuli():
    """It grows with the number; from 20 it is shown and not judged."""
    lmn, _ = f_waves(chronodispersion_ms=9.0, sweep_count=20.0)
    assert lmn.state == "normal"
    assert lmn.findings[2].state == "unknown"
    assert "32 stimuli" in lmn.findings[2].reasons[0]


def test_a_long_chronodispersion_in_a_cold_hand_is_unknown():
    """Cold slows."""
    lmn, _ = f_wave_evidence(
        study(chronodispersion_ms=9.0), CHOICES, cmap_state="normal", skin_c=26.0
    )
    assert lmn.findings[2].state == "unknown"


def test_a_large_f_wave_speaks_for_umn_only_where_the_cmap_is_normal():
    """Normal CMAP: U4, tier B by a verified limit, possible at most. Low: confounded, tier C, lifts
    nothing. Unknown: unknown."""
    _, free = f_waves(f_m_all_percent=9.0)
    assert (free.state, free.tier, free.confounded_by) == ("abnormal", "B", ())
    assert grade_muscle(FDI, [cmap("normal"), free]).umn.grade is Grade.POSSIBLE
    _, low = f_waves("abnormal", f_m_all_percent=9.0)
    assert (low.state, low.tier, low.confounded_by) == ("abnormal", "C", (LMN_LOSS,))
    assert "LMN-confounded" in low.sentence
    assert grade_muscle(FDI, [cmap("abnormal"), low]).umn.grade is Grade.INSUFFICIENT
    _, unknown = f_waves("unknown", f_m_all_percent=9.0)
    assert unknown.state == "unknown"
    assert "not proven normal" in unknown.sentence


def test_cross_axis_rules_hold_for_ratios_too():
    """Even a free U4 loses its weight where LMN loss shows elsewhere, or the muscle is wasted."""
    _, free = f_waves(f_m_all_percent=9.0)
    units = Evidence("lmn", "L5", "B", "abnormal", "CMAP side to side")
    assert grade_muscle(FDI, [units, free]).umn.grade is Grade.INSUFFICIENT
    wasted = grade_muscle(FDI, [free], Circumstances(cmap_mv=0.3))
    assert wasted.umn.grade is Grade.INSUFFICIENT
    assert any("wasted" in item.sentence for item in wasted.umn.missing)


def test_no_limit_and_no_study_are_unknown():
    """Missing is never normal; absent F-waves are a persistence of 0."""
    lmn, umn = f_waves(choices={})
    assert (lmn.state, umn.state) == ("unknown", "unknown")
    few = study("not_assessable", ["20 stimuli are needed for F-waves (have 8)"], sweep_count=8.0)
    for item in f_wave_evidence(few, CHOICES, cmap_state="normal"):
        assert item.state == "unknown"
        assert "have 8" in item.sentence
    gone = study("absent", persistence_percent=0.0, f_m_all_percent=0.0)
    assert f_wave_evidence(gone, CHOICES, cmap_state="normal")[0].state == "abnormal"


def h_of(muscle="SOL", cmap_state="normal", choice=None, state="measured", **values):
    """U4 of an H-reflex."""
    told = study(state, measure="h_reflex", **({"h_m_ratio": 0.5, "h_max_mv": 4.0} | values))
    return h_reflex_evidence(
        told, choice or limit("max", 0.7, ""), muscle=muscle, cmap_state=cmap_state
    )


def test_h_to_m_is_read_as_f_to_m_is():
    """Within and beyond a laboratory's limit, confounded by a low CMAP, unknown without a limit."""
    assert h_of().state == "normal"
    assert h_of(h_m_ratio=0.95).state == "abnormal"
    low = h_of(h_m_ratio=0.95, cmap_state="abnormal")
    assert low.confounded_by == (LMN_LOSS,)
    assert h_of(choice=Choice(None, "no limit")).state == "unknown"


def test_an_h_reflex_in_a_silent_muscle_is_weak_evidence_and_an_absent_one_is_none():
    """FDI, TA and others are silent at rest; absence has too many causes."""
    shown = h_of("FDI", choice=Choice(None, "no limit"))
    assert (shown.state, shown.tier) == ("abnormal", "C")
    assert "silent at rest" in shown.sentence
    assert h_of("FDI", "abnormal").confounded_by == (LMN_LOSS,)
    assert h_of(state="absent").state == "unknown"


def trains(*falls, reasons=(), area=None, **values):
    """A repetitive stimulation study with these largest decrements at baseline."""
    rows = [
        {
            "phase": "baseline",
            "decrement_max_percent": fall,
            "area_decrement_max_percent": fall if area is None else area,
        }
        for fall in falls
    ]
    told = {"decrement_max_percent": sum(falls) / len(falls)} | values
    return study(reasons=reasons, items=rows, measure="rns", **told)


def test_a_reproducible_smooth_decrement_confounds_and_nothing_less_does():
    """Two trains or more, amplitude and area, proven stimulus, no movement; cold undoes nothing."""
    assert junction_confounders(trains(14.0, 12.0))[0].startswith("decrement 13 %")
    assert junction_confounders(trains(14.0, 12.0, reasons=["cold: 27.0 °C"]))
    for less in (
        trains(14.0),
        trains(14.0, 6.0),
        trains(14.0, 12.0, area=3.0),
        trains(14.0, 12.0, reasons=["submaximal: …"]),
        trains(14.0, 12.0, reasons=["uneven: train 1"]),
        study("not_assessable", measure="rns"),
    ):
        assert junction_confounders(less) == ()
    rise = junction_confounders(trains(2.0, 1.0, exercise_increment_percent=110.0))
    assert rise[0].startswith("increment 110 %")


def test_a_junction_confounder_makes_a_low_cmap_uncertain_and_leaves_the_umn_axis():
    """LMN attribution uncertain; coherence, which sensory loss would void, is untouched."""
    decrement = Circumstances(junction=junction_confounders(trains(20.0, 22.0)))
    absent = Evidence("umn", "U5", "B", "abnormal", "coherence absent")
    status = grade_muscle(FDI, [cmap("abnormal"), absent], decrement)
    assert status.lmn.grade is Grade.POSSIBLE
    assert status.lmn.attribution == "uncertain"
    assert "decrement 21 %" in status.lmn.rule
    assert status.umn.grade is Grade.POSSIBLE


def test_the_shipped_limits_are_off_where_they_are_proposals():
    """Persistence of the ulnar nerve needs a laboratory's word; the H latency of the calf is on."""

    def choose(nerve, muscle, measure, quantity, **more):
        return choose_limit(
            default_limits(), nerve=nerve, muscle=muscle, measure=measure, quantity=quantity,
            subject=Subject(), **more,
        )  # fmt: skip

    persistence = ("ulnar", "ADM", "f_wave", "persistence_percent")
    assert choose(*persistence).limit is None
    assert choose(*persistence, use_unverified=True).limit.value == 45
    assert choose("tibial", "SOL", "h_reflex", "h_latency_ms").limit.value == 35.0
