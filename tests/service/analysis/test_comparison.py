"""Responses against each other: differences only over equal distances, ratios only of what is
proven, and every missing part named."""

from __future__ import annotations

import pytest

from service.analysis.comparison import (
    Pair,
    exercise_increment,
    f_side_to_side,
    fibular_muscle,
    h_side_to_side,
    median_comparison,
    side_to_side,
    split_hand,
)

from .responses import equal, late, response, snap_of


def test_the_combined_index_is_the_sum_of_three():
    """Ring finger, palm and thumb; the lumbrical pair stands apart."""
    values = median_comparison(
        {
            "ring_finger": equal(snap_of(3.6), snap_of(3.1)),
            "palm": equal(snap_of(2.2), snap_of(1.9), 80.0),
            "thumb": equal(snap_of(2.9), snap_of(2.5), 100.0),
            "lumbrical_interosseous": equal(
                response(onset_latency_ms=4.0), response(onset_latency_ms=3.2), 90.0
            ),
        }
    ).values
    assert values["ring_finger_difference_ms"] == pytest.approx(0.5)
    assert values["combined_sensory_index_ms"] == pytest.approx(0.5 + 0.3 + 0.4)
    assert values["lumbrical_interosseous_difference_ms"] == pytest.approx(0.8)


def test_two_of_three_make_no_index_and_the_third_says_why():
    """An absent median response is no difference; the floor it was looked for with is told."""
    gone = response("absent", measure="sensory_response", reasons=["no response above 2.0 µV"])
    result = median_comparison(
        {
            "ring_finger": equal(gone, snap_of()),
            "palm": equal(snap_of(2.2), snap_of(1.9), 80.0),
            "thumb": equal(snap_of(2.9), snap_of(2.5), 100.0),
        }
    )
    assert "combined_sensory_index_ms" not in result.values
    assert "ring_finger_difference_ms" not in result.values
    assert any("2.0 µV" in reason for reason in result.reasons)
    assert any("all three" in reason for reason in result.reasons)


@pytest.mark.parametrize(("median_mm", "other_mm"), [(140.0, 130.0), (None, 140.0)])
def test_unequal_or_unmeasured_distances_give_no_difference(median_mm, other_mm):
    """The comparison lives on the equal distance."""
    pair = Pair(snap_of(3.6), snap_of(3.0), median_mm, other_mm)
    result = median_comparison({"ring_finger": pair})
    assert result.state == "not_assessable"
    assert "distances" in result.reasons[0]


def test_a_pair_that_is_none_is_refused():
    """A misspelt pair would be silently left out otherwise."""
    with pytest.raises(ValueError, match="ring_fingr"):
        median_comparison({"ring_fingr": equal(snap_of(), snap_of())})


def test_side_to_side_names_the_smaller_side():
    """Left 10, right 4 mV: a drop of 60 % on the right."""
    result = side_to_side(response(), response(amplitude_mv=4.0, onset_latency_ms=3.5))
    assert result.values["amplitude_drop_percent"] == pytest.approx(60.0)
    assert result.values["onset_latency_difference_ms"] == pytest.approx(-0.5)
    assert result.items[0]["smaller"] == "right"
    sensory = side_to_side(snap_of(onset_to_peak_uv=8.0), snap_of())
    assert sensory.values["amplitude_ratio"] == pytest.approx(0.4)


def test_an_absent_side_is_a_ratio_of_zero_and_an_unknown_one_none():
    """Absent is a finding; not assessable is not; and two absent sides compare to nothing."""
    gone = response("absent")
    assert side_to_side(response(), gone).values["amplitude_drop_percent"] == 100
    unknown = response("not_assessable", reasons=["gap: samples are missing"])
    told = side_to_side(unknown, response())
    assert told.state == "not_assessable"
    assert "gap" in told.reasons[0]
    assert side_to_side(gone, gone).state == "not_assessable"
    with pytest.raises(ValueError, match="cannot be held against"):
        side_to_side(response(), snap_of())


def test_late_responses_are_held_against_the_other_side_by_latency():
    """Left minus right; a side without an F-wave makes no difference and says why."""
    told = f_side_to_side(late("f_wave", 31.0), late("f_wave", 28.5))
    assert told.values == {"f_min_difference_ms": pytest.approx(2.5)}
    told = h_side_to_side(late("h_reflex", 29.0), late("h_reflex", 30.0))
    assert told.values == {"h_latency_difference_ms": pytest.approx(-1.0)}
    gone = response("absent", measure="f_wave", reasons=["no F-wave in 20 stimuli"])
    told = f_side_to_side(late("f_wave"), gone)
    assert (told.state, told.values) == ("not_assessable", {})
    assert told.reasons == ("right absent: no F-wave in 20 stimuli",)
    with pytest.raises(ValueError, match="right is h_reflex"):
        f_side_to_side(late("f_wave"), late("h_reflex"))


def test_split_hand_needs_three_proven_stimuli_and_an_adm():
    """8 x 9 / 12 mV; an absent APB is 0; without ADM or proof there is no index."""
    proven = (True, True, True)
    apb, fdi, adm = (response(amplitude_mv=mv) for mv in (8.0, 9.0, 12.0))
    got = split_hand(apb, fdi, adm, supramaximal=proven)
    assert got.values["split_hand_index_mv"] == pytest.approx(6.0)
    gone = response("absent")
    zero = split_hand(gone, fdi, adm, supramaximal=proven)
    assert zero.values["split_hand_index_mv"] == 0
    assert "divide" in split_hand(apb, fdi, gone, supramaximal=proven).reasons[0]
    unsure = split_hand(apb, fdi, adm, supramaximal=(True, False, True))
    assert unsure.state == "not_assessable"
    assert unsure.reasons[0].startswith("FDI")
    lost = response("not_assessable", reasons=["saturated: at its rail"])
    assert "saturated" in split_hand(apb, lost, adm, supramaximal=proven).reasons[0]


def test_exercise_increment_tells_junction_from_step():
    """+120 % in amplitude and area is an increment; higher, briefer and equal in area is not."""
    after = response(amplitude_mv=22.0, area_mv_ms=66.0)
    got = exercise_increment(response(), after)
    assert got.values["amplitude_increment_percent"] == pytest.approx(120.0)
    assert not got.reasons
    step = exercise_increment(
        response(), response(amplitude_mv=12.0, area_mv_ms=30.5, duration_ms=4.2)
    )
    assert "in step" in step.reasons[0]
    assert exercise_increment(response("absent"), after).state == "not_assessable"


def test_ta_is_recorded_when_edb_is_absent_and_only_then():
    """A foot muscle that wasted locally says nothing of the nerve at the knee."""
    assert fibular_muscle(None).muscle == "EDB"
    assert fibular_muscle(response()).muscle == "EDB"
    absent = fibular_muscle(response("absent"))
    assert absent.muscle == "TA"
    assert "ankle" not in absent.sites
    unknown = fibular_muscle(response("not_assessable", reasons=["gap: samples missing"]))
    assert unknown.muscle == "EDB"
    assert "gap" in unknown.why
