"""The control socket's requests, on a bench."""

import json

import pytest

from simulators.patient.cases import cases


def test_control_moves_the_patient(rig):
    """Dial, task, placement and pulse reach the patient; describe and templates answer."""
    assert rig.ask(do="dial", muscle="left FDI", umn=0.6) == {"ok": True}
    assert rig.ask(do="dial", muscle="all", umn=0.1, lmn=0.2)["ok"]
    assert rig.patient.dials == [("left FDI", 0.6, None), ("all", 0.1, 0.2)]
    assert rig.ask(do="task", name="hold", level=0.15)["ok"]
    assert rig.patient.tasks == [("hold", 0.15)]
    assert rig.ask(do="placement", nerve="ulnar", site="wrist", side="left")["ok"]
    assert rig.patient.places == [("ulnar", "wrist", "left")]
    assert rig.ask(do="templates")["templates"]["left FDI"]["ulnar"]["amplitude_mv"] == 10.0
    rig.stream()
    rig.wait(0.1)
    ahead = rig.patient.sample_index + 1000.37
    assert rig.ask(do="pulse", current_ma=30, width_us=200, at_sample=ahead)["at_sample"] == ahead
    assert rig.patient.pulses == [(ahead, 30.0, 200.0)]
    described = rig.ask(do="describe")
    assert described["rate_hz"] == 16000.0
    assert described["counter"] == described["sample_index"] == rig.patient.sample_index
    rig.wait(0.1)
    truth = rig.ask(do="truth", first=0, last=rig.patient.sample_index)
    assert truth["stimuli"] == [[ahead, 30.0, 200.0]]


def test_control_provokes_the_patient(rig):
    """Parts of the dial, a task of one muscle, taps and magnetic pulses, each as it was asked for;
    what makes no sense is refused, and so is everything while the device is still."""
    asked = {"do": "dial", "muscle": "all", "umn": 0.5, "reflex": 0.9, "tms": None}
    assert rig.ask(**asked) == {"ok": True}
    assert rig.patient.parts == {"reflex": 0.9, "tms": None}
    assert not rig.ask(do="dial", muscle="all", drive=2.0)["ok"]
    stretch = {"do": "task", "name": "stretch", "velocity": 120, "muscle": "left BB"}
    assert rig.ask(**stretch)["ok"]
    assert rig.patient.how == {"velocity_deg_s": 120.0, "muscle": "left BB"}
    assert "not streaming" in rig.ask(do="tap", muscle="left BB", force=30)["error"]
    rig.stream()
    rig.wait(0.1)
    ahead = rig.patient.sample_index + 2000.5
    tap = {"do": "tap", "muscle": "left BB", "force": 30, "at_sample": ahead}
    assert rig.ask(**tap) == {"ok": True, "at_sample": ahead}
    assert rig.ask(do="tms", intensity=60, at_sample=ahead + 1)["at_sample"] == ahead + 1
    assert rig.patient.provoked == [("left BB", 30.0, ahead), (None, 60.0, ahead + 1)]
    assert not rig.ask(do="tms", intensity=600)["ok"]


def test_control_moves_the_needle(rig):
    """Muscle, action, distance and electrode reach the patient; the tip is answered."""
    told = rig.ask(do="needle", muscle="left FDI", action="insert", mm=5, electrode="monopolar")
    assert told == {"ok": True, "electrode": "monopolar", "inserted": True, "depth_mm": 5.0}
    assert rig.ask(do="needle", muscle="left FDI", action="withdraw", mm=1)["ok"]
    assert rig.patient.needles == [
        ("left FDI", "insert", 5.0, "monopolar", None),
        ("left FDI", "withdraw", 1.0, "concentric", None),
    ]


def test_control_tells_who_is_on_file(rig):
    """Every case by the name that --patient takes, with code and title."""
    told = rig.ask(do="patients")["patients"]
    assert [row["name"] for row in told] == cases()
    assert all(row["code"].startswith("P-") and row["title"] for row in told)


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        ({}, "expected do"),
        ({"do": "explode"}, "expected do"),
        ({"do": "dial", "muscle": "left FDI"}, "umn, lmn"),
        ({"do": "dial", "muscle": "left FDI", "umn": 2}, "0 to 1"),
        ({"do": "dial", "umn": 0.5}, "muscle as text"),
        ({"do": "needle", "muscle": "left FDI"}, "action as text"),
        ({"do": "needle", "muscle": "left FDI", "action": "insert", "mm": "deep"}, "as a number"),
        ({"do": "task"}, "name as text"),
        ({"do": "task", "name": "hold", "level": "much"}, "level as a number"),
        ({"do": "placement", "nerve": "vagus", "site": "neck", "side": "left"}, "unknown"),
        ({"do": "pulse", "current_ma": 10}, "width_us as a number"),
        ({"do": "pulse", "current_ma": 10, "width_us": 100}, "not streaming"),
        ({"do": "fault", "name": "drop", "p": 3}, "0 to 1"),
        ({"do": "fault", "name": "earthquake"}, "expected a fault"),
        ({"do": "truth", "first": 0, "last": 10**9}, "last must lie"),
        ({"do": "truth", "first": 5}, "first must lie"),
    ],
)
def test_control_refuses_in_one_sentence(rig, request_, part):
    """Every request that cannot be done is answered, not dropped."""
    answer = rig.ask(**request_)
    assert answer["ok"] is False
    assert part in answer["error"]
    assert "\n" not in answer["error"]


def test_control_survives_what_is_no_json(rig):
    """Garbage is answered too."""
    for line in (b"nonsense", b"[1, 2]", b'"x"', b"\xff\xfe"):
        assert json.loads(rig.control.answer(line))["ok"] is False


def test_a_pulse_in_the_past_is_refused(rig):
    """A sample already converted cannot be stimulated."""
    rig.stream()
    rig.wait(0.1)
    answer = rig.ask(do="pulse", current_ma=10, width_us=100, at_sample=3)
    assert "has gone by" in answer["error"]
