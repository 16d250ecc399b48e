"""What may be asked of a patient is what a patient takes."""

from __future__ import annotations

from simulators.patient.choices import choices
from simulators.patient.front_end import FrontEnd
from simulators.patient.patient import load_patient


def test_every_choice_is_taken_by_a_patient():
    """Places, leads, tasks, errors and dial parts as told are none that the patient refuses."""
    told = choices()
    patient = load_patient("healthy", seed=1, front_end=FrontEnd(250.0, "sinc3"))
    for nerve, sites in told["nerves"].items():
        for site in sites:
            patient.place(nerve, site, "left")
    for task in told["tasks"]:
        patient.set_task(task["name"], 0.5 if task["effort"] else 0.0)
    for error in told["technique"]:
        patient.set_technique(
            error["name"], error["highest"] / 2, 1 if error["per_channel"] else None
        )
        patient.set_technique(error["name"], 0.0)
    patient.set_montage({1: told["muscles"][-1], 2: told["sensory"][-1], 3: None})
    patient.set_dial("all", **dict.fromkeys(told["dial_parts"], 0.5))
    for kind in told["needle"]["electrodes"]:
        for action in told["needle"]["actions"]:
            patient.needle("left FDI", action, 3.0, kind)


def test_templates_of_one_muscle_are_those_of_all():
    """The short answer holds the same rows."""
    patient = load_patient("als_hand", seed=1, front_end=FrontEnd(1000.0, "sinc3"))
    every, one = patient.templates(), patient.templates("left FDI")
    for kind in ("m_waves", "reflexes"):
        assert one[kind] == [row for row in every[kind] if row["muscle"] == "left FDI"] != []


def test_brief_truth_keeps_events_and_settings():
    """Only firings and courses are left out."""
    patient = load_patient("als_hand", seed=1, front_end=FrontEnd(1000.0, "sinc3"))
    patient.set_task("hold", 0.3)
    patient.advance(5000)
    full, brief = patient.truth(0, 5000), patient.truth(0, 5000, brief=True)
    left_out = ("firings", "force_percent", "angle_deg")
    assert all(full[name] for name in ("firings", "force_percent", "dials", "task"))
    kept = {kind: told for kind, told in full.items() if kind not in left_out}
    assert brief == {"firings": {}, **kept}
