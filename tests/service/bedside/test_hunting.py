"""Stimulating to find the place: pulses are given and recorded, sweeps are shown and not kept."""

from __future__ import annotations

from dataclasses import replace

from service.bedside.assessment import Assessment
from service.bedside.hunting import look
from service.bedside.montage import Montage, MontageLead
from service.bedside.placement import Placement
from service.bedside.row_key import Taken
from service.bedside.train import Declared
from service.evidence.anatomy import muscle_from_label
from service.recording.messages import stimulus_from_json, stimulus_to_json
from tests.service.bedside.shocks import LABELS, shock, taken
from tests.service.bedside.test_bed import WRIST, a_bed, give

from .interlock_rig import armed, refusal
from .stimulation_desk import Desk


def hunted(number: int, **more):
    """A sweep whose pulse was given to find the place."""
    sweep = shock(number, **more)
    return replace(sweep, stimulus=replace(sweep.stimulus, hunting=True))


def test_pulses_say_that_they_are_hunting_and_every_other_rule_holds() -> None:
    """The flag goes with each pulse that leaves; arming, current and caps are as without it."""
    desk = Desk()
    assert desk.prepare() == ""
    assert desk.do(desk.unit.hunt(True)) == ""
    assert desk.unit.status.state == "armed", "hunting neither arms nor disarms"
    assert desk.unit.status.hunting
    assert desk.press("n1") == ""
    assert desk.do(desk.unit.hunt(False)) == ""
    assert desk.press("n1") == "replayed"
    desk.run(2.0)
    assert desk.press("n2") == ""
    assert [one.hunting for one in desk.expected] == [True, False]
    assert len(desk.pulses) == 2
    desk.close()


def test_hunting_ends_at_the_next_step_and_never_meets_a_declared_train() -> None:
    """What is to be kept cannot be lost by a key that was forgotten."""
    lock = armed(current_ma=20.0)
    lock.hunt(True)
    train = Declared("f", 20, 0.5)
    assert refusal(lock.check_arm, "a", "AB", 0.0, train) == "hunting"
    lock.place(Placement("ulnar", "elbow", "left", "left FDI"))
    assert not lock.hunting
    lock.armed_by("a", "AB", 0.0, train)
    assert refusal(lock.hunt, True) == "train"
    assert not lock.hunting


def test_a_hunting_sweep_is_measured_and_in_no_row() -> None:
    """The same numbers as it would have in a row; the table does not change."""
    montage = Montage(tuple(MontageLead(one, muscle_from_label(one)) for one in LABELS[:3]))
    one = Assessment(montage)
    one.set_step(taken(shock(1)))
    before = one.rows.changes
    shown = one.sweep(hunted(1))
    assert (shown.row, shown.muscle, shown.average_sweeps) == ("", "left APB", 0)
    assert one.rows.all_keys() == ()
    assert one.rows.changes == before
    kept = one.sweep(shock(1))
    assert shown.measurement.values == kept.measurement.values
    unknown = look(hunted(2), Taken(muscle="left TA", side="left"))
    assert unknown.measurement.state == "not_assessable"
    assert "not recorded" in unknown.measurement.reasons[0]


async def test_a_hunting_sweep_is_told_and_neither_in_the_book_nor_on_the_disk(tmp_path) -> None:
    """A page that is there sees it with its samples; the study does not have it."""
    bed = a_bed(tmp_path)
    await bed.start()
    try:
        session = bed.session
        told: list[dict] = []
        session.hub.tell = told.append
        sweep = hunted(7)
        session._swept(sweep, look(sweep, taken(sweep)))
        keep = shock(8)
        await give(bed, keep)
        sweeps = [one for one in told if one["type"] == "sweep"]
        assert [(one["hunting"], one["row"]) for one in sweeps] == [
            (True, None),
            (False, f"{WRIST}.1"),
        ]
        assert sweeps[0]["number"] != sweeps[1]["number"]
        assert [entry.sweep.id for entry in session.study.book.entries] == [keep.id]
        await session.workflow.voluntary._journal.settled()
        content = await bed.content(session.study.id)
        assert [one.sweep.id for one in content.sweeps] == [keep.id]
    finally:
        await bed.close()


def test_the_record_keeps_that_a_pulse_was_hunting() -> None:
    """And an older record, which does not say, was not."""
    told = stimulus_to_json(hunted(1).stimulus)
    assert stimulus_from_json(told).hunting
    del told["hunting"]
    assert not stimulus_from_json(told).hunting
