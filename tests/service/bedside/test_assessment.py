"""The running assessment: what a technician does, and what the cards then say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.evidence.limits import Subject
from service.model import Task

from .examined import (
    LABELS,
    SLOW,
    Feed,
    at_rest,
    begun,
    item,
    shocked,
    stretched,
)


def test_a_fresh_study_has_a_full_card_for_every_muscle():
    """Both axes cannot tell, and every line says what is missing."""
    cards = begun().cards()
    assert [card.muscle.key for card in cards] == list(LABELS)
    for card in cards:
        assert (card.umn.grade, card.lmn.grade) == ("insufficient", "insufficient")
        assert {"L1", "L2", "L5"} <= {line.family for line in card.lmn.missing}
        assert {"U1", "U3"} <= {line.family for line in card.umn.missing}


def test_a_low_cmap_counts_once_it_is_proven():
    """One shock: unknown, not proven supramaximal; a second, stronger one without change: abnormal,
    with limit and source in the sentence."""
    study = begun()
    first = study.sweep(shocked(1, 20.0, 4.0), muscle="left FDI")
    assert first.measurement.values["amplitude_mv"] == pytest.approx(4.0, rel=0.02)
    line = item(study, "left FDI", "lmn", "L5")
    assert (line.state, "not proven supramaximal" in line.sentence) == ("unknown", True)
    second = study.sweep(shocked(2, 25.0, 4.02), muscle="left FDI")
    assert second.average_sweeps == 2
    line = item(study, "left FDI", "lmn", "L5")
    assert line.state == "abnormal"
    assert line.sentence.startswith("CMAP 4.0 mV (limit ≥ 9.2, Buschbacher")
    assert line.measurement_id == second.average.id
    card = next(card for card in study.cards() if card.muscle.key == "left FDI")
    assert card.lmn.grade == "possible"
    assert "CMAP 44 % of limit" in card.lmn.severity


def test_a_normal_cmap_needs_no_proof():
    """One shock that gives a normal amplitude is normal."""
    study = begun()
    study.sweep(shocked(1, 20.0, 12.0), muscle="left FDI")
    assert item(study, "left FDI", "lmn", "L5").state == "normal"


def test_rising_responses_are_averaged_at_the_top():
    """Sweeps of the ramp are not in the average; the plateau is."""
    study = begun()
    for number, (current, size) in enumerate([(5, 1.0), (10, 6.0), (20, 12.0), (25, 12.1)]):
        result = study.sweep(shocked(number, current, size), muscle="left FDI")
    assert result.average_sweeps == 2
    assert result.average.values["amplitude_mv"] == pytest.approx(12.05, rel=0.02)


def test_a_later_plateau_replaces_an_earlier_one():
    """A second ramp measures anew: its plateau is the row's, and the two are never averaged."""
    study = begun()
    ramps = [(20, 9.0), (30, 12.0), (40, 12.1), (20, 4.0), (30, 5.0), (40, 5.02)]
    for number, (current, size) in enumerate(ramps):
        result = study.sweep(shocked(number, current, size), muscle="left FDI")
    assert result.average_sweeps == 2
    assert result.average.values["amplitude_mv"] == pytest.approx(5.01, rel=0.02)
    assert item(study, "left FDI", "lmn", "L5").state == "abnormal"
    study.sweep(shocked(9, 10.0, 1.0), muscle="left FDI")
    assert item(study, "left FDI", "lmn", "L5").state == "abnormal", "a weak shock proves nothing"


def test_an_excluded_sweep_leaves_its_average_and_can_come_back():
    """Undoable, and the card follows."""
    study = begun()
    study.sweep(shocked(1, 20.0, 12.0), muscle="left FDI")
    study.exclude("s1", False)
    assert "no stimulus" in item(study, "left FDI", "lmn", "L5").sentence
    study.exclude("s1", True)
    assert item(study, "left FDI", "lmn", "L5").state == "normal"


def test_a_limit_that_needs_the_age_waits_for_it():
    """The median limit holds from 19 to 79: unknown until the age is entered."""
    study = begun()
    shock = shocked(1, 20.0, 12.0, muscle="left APB", nerve="median")
    study.sweep(shock, muscle="left APB")
    line = item(study, "left APB", "lmn", "L5")
    assert (line.state, "age" in line.sentence) == ("unknown", True)
    study.set_subject(Subject(age_years=50))
    assert item(study, "left APB", "lmn", "L5").state == "normal"


def test_every_muscle_of_the_nerve_is_measured():
    """An ulnar shock gives FDI and ADM a row each; a sweep without a stimulus none."""
    study = begun()
    result = study.sweep(shocked(1, 20.0, 12.0))
    assert {r.muscle for r in (result, *result.others)} == {"left FDI", "left ADM"}
    unknown = study.sweep(replace(shocked(2, 20.0, 12.0), stimulus=None))
    assert unknown.measurement.state == "not_assessable"


def test_a_gap_in_a_sweep_is_shown_and_never_averaged():
    """The sweep is not assessable and the average stays as it was."""
    study = begun()
    study.sweep(shocked(1, 20.0, 12.0), muscle="left FDI")
    broken = study.sweep(replace(shocked(2, 25.0, 3.0), gap=True), muscle="left FDI")
    assert broken.measurement.state == "not_assessable"
    assert broken.average.values["amplitude_mv"] == pytest.approx(12.0, rel=0.02)


def test_a_slow_device_refuses_the_cmap_with_its_reason():
    """At 250 Hz the CMAP is not assessable: hardware, and the card says so and is not empty."""
    study = begun(SLOW)
    result = study.sweep(shocked(1, 20.0, 4.0), muscle="left FDI")
    assert result.measurement.state == "not_assessable"
    line = item(study, "left FDI", "lmn", "L5")
    assert (line.state, "250 Hz" in line.sentence) == ("unknown", True)


def test_one_side_does_not_move_when_the_other_does():
    """Clonus leaves every LMN line as it was; a low CMAP leaves every UMN line as it was."""
    study = begun()

    def states(axis):
        card = next(card for card in study.cards() if card.muscle.key == "left FDI")
        side = getattr(card, axis)
        lines = [*side.items_for, *side.items_against, *side.missing]
        return {(line.family, line.state) for line in lines}

    lmn_before, umn_before = states("lmn"), states("umn")
    study.sweep(shocked(1, 20.0, 4.0), muscle="left FDI")
    study.sweep(shocked(2, 25.0, 4.0), muscle="left FDI")
    assert states("umn") == umn_before
    assert states("lmn") != lmn_before
    lmn_before = states("lmn")
    study.set_task(Task.STRETCH, 0.0)
    Feed(study).push(stretched(8.0, 10))
    assert states("lmn") == lmn_before
    assert states("umn") != umn_before


def test_measurements_name_the_samples_they_stand_on():
    """Inputs are sweeps, or ranges of device, stream, epoch and samples; ids are all different."""
    study = begun()
    study.sweep(shocked(1, 20.0, 4.0))
    study.set_task(Task.REST, 0.0)
    Feed(study).push(at_rest(5.0, 11, twitches=[3.0]))
    found = study.measurements()
    assert {m.measure for m in found} >= {"motor_response", "fasciculation", "coherence"}
    rest = next(m for m in found if m.measure == "fasciculation" and m.target == "left FDI")
    assert rest.inputs == ("d/emg/1:0-10000",)
    assert len(rest.items) == rest.values["event_count"] == 1


def test_the_same_study_gives_the_same_cards():
    """Two runs over the same signals agree in every word and id."""

    def run():
        study = begun()
        feed = Feed(study)
        study.set_task(Task.REST, 0.0)
        feed.push(at_rest(8.0, 12, twitches=[3.0, 5.0]))
        study.set_task(Task.STRETCH, 8.0)
        feed.push(stretched(6.0, 13))
        study.sweep(shocked(3, 20.0, 4.0))
        return study.cards(), study.measurements()

    assert run() == run()


def test_a_cold_hand_does_not_prove_a_normal_cmap():
    """The temperature that was entered reaches the card."""
    study = begun()
    study.sweep(shocked(1, 20.0, 12.0), muscle="left FDI")
    study.set_temperature(27.5)
    line = item(study, "left FDI", "lmn", "L5")
    assert (line.state, "27.5 °C" in line.sentence) == ("unknown", True)
    study.set_temperature(33.0)
    assert item(study, "left FDI", "lmn", "L5").state == "normal"
