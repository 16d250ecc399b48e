"""A simulated patient's two dials, each seen on its own side of the card and not on the other."""

from __future__ import annotations

import pytest

from service.acquisition.types import Signal
from service.bedside.assessment import Assessment
from service.bedside.montage import Montage, MontageLead
from service.evidence.anatomy import muscle_from_label
from service.model import Task
from simulators.patient import FrontEnd, load_patient

pytestmark = pytest.mark.uncounted

RATE = 2000.0


def examined(*, umn, lmn, seed):
    """Forty seconds of rest, ten of stretch; the study, and how often the FDI fasciculated."""
    patient = load_patient("healthy", seed=seed, front_end=FrontEnd(RATE, "none"))
    patient.set_dial("all", umn=umn, lmn=lmn)
    labels = tuple(lead.muscle for lead in patient.leads)
    study = Assessment(
        Montage(tuple(MontageLead(label, muscle_from_label(label)) for label in labels))
    )
    index = 0
    for task, seconds in ((Task.REST, 40), (Task.STRETCH, 10)):
        patient.set_task(task.value, 0.0)
        study.set_task(task, index / RATE)
        for _ in range(seconds * 10):
            data = patient.advance(200)
            study.signal("d", Signal("emg", 0, index, RATE, labels, data, 0.0))
            index += 200
    twitches = patient.truth(0, int(40 * RATE))["fasciculations"]
    return study, sum(event["muscle"] == "left FDI" for event in twitches)


def lines(study, family):
    """State and sentence of one family in the FDI."""
    card = next(card for card in study.cards() if card.muscle.key == "left FDI")
    side = card.lmn if family.startswith("L") else card.umn
    every = [*side.items_for, *side.items_against, *side.missing]
    return next((line.state, line.sentence) for line in every if line.family == family)


def count(study):
    """Fasciculations the FDI is said to have shown."""
    found = [m for m in study.measurements() if m.measure == "fasciculation"]
    return next(m.values.get("event_count", 0.0) for m in found if m.target == "left FDI")


@pytest.mark.parametrize("seed", [32])
def test_the_umn_dial_brings_clonus_and_no_fasciculations(seed):
    """Clonus within ten seconds of stretch; tonic activity at rest is not LMN evidence."""
    study, truth = examined(umn=1.0, lmn=0.0, seed=seed)
    assert truth == 0
    assert lines(study, "U3")[0] == "abnormal"
    assert count(study) <= 2 or "not relaxed" in lines(study, "L2")[1]
    assert lines(study, "L2")[0] == "unknown"


@pytest.mark.parametrize("seed", [33, 34])
def test_the_lmn_dial_brings_fasciculations_and_no_clonus(seed):
    """The count grows with the truth; the stretch stays silent."""
    study, truth = examined(umn=0.0, lmn=1.0, seed=seed)
    assert truth > 10
    assert 0.4 * truth <= count(study) <= 1.1 * truth
    assert lines(study, "U3") == ("normal", "No clonus during passive stretch")


def test_without_a_lesion_neither_side_speaks():
    """No event, no burst."""
    study, truth = examined(umn=0.0, lmn=0.0, seed=35)
    assert (truth, count(study)) == (0, 0)
    assert lines(study, "U3")[0] == "normal"
