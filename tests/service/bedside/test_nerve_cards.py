"""What the rows of the table put on the cards: for, against and missing, and named doubts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drivers.types import Channel, Pulse, StreamInfo
from service.bedside.assessment import Assessment
from service.bedside.montage import default_montage
from service.bedside.row_key import MOTOR, RowKey, Taken
from service.evidence.crossaxis import grade_muscle
from service.evidence.limits import LimitRow, LimitTable, default_table
from service.evidence.nerve_evidence import munix_evidence, unit_count_evidence
from service.model import Limit, Measurement, Muscle
from tests.service.analysis.late_truth import Nerve, f_run
from tests.service.analysis.scan_simulation import scan, units
from tests.service.analysis.test_h_reflex import ramp
from tests.service.analysis.test_rns import course, trains
from tests.service.bedside.test_derived import Hand

LABELS = ("left APB", "left FDI", "left ADM", "left EDC", "left SOL")
OWN = (
    ("ulnar", "ADM", "f_wave", "persistence_percent", "min", 60.0),
    ("ulnar", "ADM", "f_wave", "f_m_all_percent", "max", 1.0),
    ("tibial", "SOL", MOTOR, "amplitude_mv", "min", 4.0),
    ("tibial", "SOL", "h_reflex", "h_m_ratio", "max", 0.45),
    ("ulnar", "ADM", "cmap_scan", "scan_unit_count", "min", 60.0),
)


def laboratory() -> LimitTable:
    """The table that ships, with limits of our own in front."""
    rows = tuple(
        LimitRow(Limit(f"own_{n}", op, value, "", "Laboratory", True), nerve, muscle, measure, name)
        for n, (nerve, muscle, measure, name, op, value) in enumerate(OWN)
    )
    table = default_table()
    kept = [r for r in table.rows if (r.muscle, r.measure) not in {(o[1], o[2]) for o in OWN}
            or r.measure == MOTOR]  # fmt: skip
    return replace(table, rows=(*rows, *kept))


class Bedside(Hand):
    """A table and the cards that rest on it."""

    def __init__(self) -> None:
        super().__init__(limits=laboratory())
        channels = tuple(Channel(label, "emg", "uV", 1.0) for label in LABELS)
        montage = default_montage(StreamInfo("emg", 16_000.0, "int32", channels, 0.0))
        limits = self.table.circumstances.limits.rows
        self.study = Assessment(montage, limits=limits, table=self.table)

    def series(self, row_id, sweeps_uv, zero, currents, times_s=None):
        """Every sweep of a series into its row."""
        key = RowKey.from_id(row_id)
        times = np.arange(len(currents)) * 2.0 if times_s is None else times_s
        for samples, current, at_s in zip(sweeps_uv, currents, times, strict=True):
            one = self.sweep(key, float(current), 3.0, 0.0, 5.0)
            told = replace(one.stimulus, pulse=Pulse(float(current), 200.0))
            one = replace(one, stimulus=told, samples_uv=samples[None, :], zero_index=zero,
                          start_index=1_000_000 + round(at_s * 16_000.0))  # fmt: skip
            self.table.rows.add(
                one, Taken(key.measure, key.nerve, key.site, key.side, key.muscle, "", key.run)
            )
        return key

    def card(self, muscle, **told):
        """Of one muscle."""
        return next(c for c in self.study.cards(**told) if c.muscle.key == muscle)

    def adm(self, size_uv=9000.0):
        """The distal response of ADM, proven."""
        return self.motor("wrist", "ADM", latency_ms=2.8, size_uv=size_uv)

    def f_waves(self, seed=3, **drawn):
        """40 stimuli of the ulnar nerve."""
        rng = np.random.default_rng(seed)
        run = f_run(rng, Nerve.drawn(rng, **drawn), stimuli=40)
        return self.series("f_wave.left.ulnar.wrist.ADM.1", run.sweeps_uv, run.zero, [40.0] * 40)


def lines(items, family):
    """Lines of one family."""
    return [one for one in items if one.family == family]


def test_few_f_waves_speak_for_lmn_loss_and_many_against_it() -> None:
    """L8 in words with its limit; on the UMN axis F/M is missing until the CMAP is known."""
    bed = Bedside()
    bed.f_waves(mean_backfiring=0.4)
    card = bed.card("left ADM")
    (found,) = lines(card.lmn.items_for, "L8")
    assert "persistence" in found.sentence
    assert "limit ≥ 60" in found.sentence
    many = Bedside()
    many.f_waves(mean_backfiring=3.0)
    assert lines(many.card("left ADM").lmn.items_against, "L8")
    (ratio,) = lines(many.card("left ADM").umn.missing, "U4")
    assert "not proven normal" in ratio.sentence
    many.adm()
    (ratio,) = lines(many.card("left ADM").umn.items_for, "U4")
    assert "F/M" in ratio.sentence


def test_a_large_f_m_with_a_low_cmap_is_kept_and_marked_as_confounded() -> None:
    """It stays on the card, and cannot raise the UMN axis alone."""
    bed = Bedside()
    bed.f_waves(mean_backfiring=3.0)
    bed.adm(size_uv=1500.0)
    card = bed.card("left ADM")
    (ratio,) = lines(card.umn.items_for, "U4")
    assert "LMN-confounded, CMAP low" in ratio.sentence
    assert card.umn.grade == "insufficient"


def test_a_train_under_way_leaves_the_card_as_it_was() -> None:
    """Pending: what it said before stands; a row that never said anything is not there yet."""
    bed = Bedside()
    key = bed.f_waves(mean_backfiring=0.4)
    pending = frozenset([key])
    assert not lines(bed.card("left ADM", pending=pending).lmn.items_for, "L8")
    before = lines(bed.card("left ADM").lmn.items_for, "L8")
    bed.f_waves(seed=4, mean_backfiring=3.0)
    assert lines(bed.card("left ADM", pending=pending).lmn.items_for, "L8") == before
    assert lines(bed.card("left ADM").lmn.items_for, "L8") != before


def test_an_h_reflex_beyond_the_laboratorys_limit_is_umn_evidence_if_the_cmap_is_normal() -> None:
    """H/M 0.6 against 0.45: for; and missing, not counted, without the CMAP."""
    bed = Bedside()
    sweeps, zero, currents, *_ = ramp(np.random.default_rng(5), share=0.9)
    bed.series("h_reflex.left.tibial.knee.SOL.1", sweeps, zero, currents)
    (found,) = lines(bed.card("left SOL").umn.missing, "U4")
    assert "not proven normal" in found.sentence
    bed.motor("knee", "SOL", nerve="tibial", latency_ms=4.0, size_uv=9000.0)
    (found,) = lines(bed.card("left SOL").umn.items_for, "U4")
    assert "H/M" in found.sentence
    assert "limit ≤ 0.45" in found.sentence


def repeated(bed: Bedside, current_ma: float = 36.0) -> None:
    """Two trains of ADM that fall by a quarter."""
    sizes = [course(0.25), course(0.25)]
    sweeps, zero, times = trains(np.random.default_rng(6), sizes)
    bed.series("rns.left.ulnar.wrist.ADM.1", sweeps, zero, [current_ma] * len(sweeps), times)


def test_a_decrement_on_the_plateau_is_a_named_doubt_of_the_lmn_axis_of_its_muscle() -> None:
    """Attribution uncertain on ADM, and not on FDI; a train below the plateau says nothing."""
    bed = Bedside()
    bed.adm(size_uv=1500.0)
    bed.motor("wrist", "FDI", latency_ms=3.8, size_uv=1500.0)
    repeated(bed)
    card = bed.card("left ADM")
    assert card.lmn.attribution == "uncertain"
    assert "left ADM: decrement" in card.lmn.rule
    assert "decrement" not in bed.card("left FDI").lmn.rule
    weak = Bedside()
    weak.adm(size_uv=1500.0)
    repeated(weak, current_ma=20.0)
    assert "decrement" not in weak.card("left ADM").lmn.rule


def test_the_sentences_of_a_train_follow_response_and_temperature() -> None:
    """Proven by the response it repeats, and warm: neither `submaximal` nor `no_temperature`."""
    bed = Bedside()
    repeated(bed)
    key = RowKey.from_id("rns.left.ulnar.wrist.ADM.1")
    assert any(one.startswith("submaximal") for one in bed.table.rows.measurement(key).reasons)
    bed.adm()
    assert bed.table.rows.measurement(key).reasons == ()
    bed.table.set_temperature("left hand", None)
    assert any(one.startswith("no_temp") for one in bed.table.rows.measurement(key).reasons)


def test_a_reduced_snap_of_the_region_makes_the_attribution_uncertain() -> None:
    """Ulnar little finger at 3 µV: FDI (C8 T1) is in doubt, EDC (C7) is not."""
    bed = Bedside()
    bed.motor("wrist", "FDI", latency_ms=3.8, size_uv=1500.0)
    assert bed.card("left FDI").lmn.attribution == "clear"
    bed.snap("ulnar", "wrist", "D5", 2.6, 140.0, size_uv=3.0)
    card = bed.card("left FDI")
    assert card.lmn.attribution == "uncertain"
    assert "reduced sensory response, left ulnar D5" in card.lmn.rule
    assert "reduced sensory" not in bed.card("left EDC").lmn.rule


def test_a_normal_snap_never_clears_a_root() -> None:
    """Two low muscles of one nerve: a normal little finger changes nothing."""
    bed = Bedside()
    bed.adm(size_uv=1500.0)
    bed.motor("wrist", "FDI", latency_ms=3.8, size_uv=1500.0)
    before = bed.card("left ADM").lmn
    assert before.attribution == "uncertain"
    assert "share the ulnar nerve" in before.rule
    bed.snap("ulnar", "wrist", "D5", 2.6, 140.0, size_uv=40.0)
    after = bed.card("left ADM").lmn
    assert (after.rule, after.attribution) == (before.rule, "uncertain")


def test_block_and_demyelinating_slowing_are_named_with_nerve_and_site() -> None:
    """Forearm of 20 m/s, half lost on the way: both in the rule of the ulnar muscles."""
    bed = Bedside()
    bed.motor("wrist", "ADM", latency_ms=2.8, size_uv=4000.0)
    bed.motor("below_elbow", "ADM", latency_ms=12.8, size_uv=1200.0, mm=200.0)
    card = bed.card("left ADM")
    assert card.lmn.attribution == "uncertain"
    assert "conduction block, left ulnar at the below elbow" in card.lmn.rule
    slow = Bedside()
    slow.motor("wrist", "ADM", latency_ms=6.0, size_uv=4000.0)
    assert "distal latency" in slow.card("left ADM").lmn.rule


def test_a_scan_counts_units_as_a_family_of_its_own() -> None:
    """15 units against 60, with the interval; with a low CMAP the grade is probable."""
    bed = Bedside()
    rng = np.random.default_rng(8)
    currents, responses = scan(rng, units(rng, 15), step=0.007)
    shape = bed.sweep(RowKey.from_id("cmap_scan.left.ulnar.wrist.ADM.1"), 10, 2.8, 1000.0, 6.0)
    zero = shape.zero_index
    sweeps = []
    for number, size in enumerate(responses):
        quiet = np.random.default_rng(number).normal(0.0, 1.0, shape.samples_uv.shape[1])
        sweeps.append(shape.samples_uv[0] * (size / 1000.0) + quiet)
    bed.series("cmap_scan.left.ulnar.wrist.ADM.1", sweeps, zero, currents)
    bed.adm(size_uv=1500.0)
    card = bed.card("left ADM")
    (found,) = lines(card.lmn.items_for, "L6")
    assert "CMAP scan" in found.sentence
    assert "limit ≥ 60" in found.sentence
    assert found.counted
    assert card.lmn.grade == "probable"


def counted(measure, **values) -> Measurement:
    """A finished measurement."""
    return Measurement("m", measure, "1", "left ADM", (), {}, "measured", (), values)


@pytest.mark.parametrize(
    ("ends", "state"),
    [((30.0, 50.0), "abnormal"), ((40.0, 90.0), "borderline"), ((80.0, 99.0), "normal")],
)
def test_a_count_is_only_as_sure_as_its_interval(ends, state) -> None:
    """A limit of 60 inside the interval settles nothing."""
    table = Bedside().table
    low, high = ends
    choice = table.choice(RowKey.from_id("cmap_scan.left.ulnar.wrist.ADM.1"), "scan_unit_count")
    says = counted(
        "cmap_scan", scan_unit_count=(low + high) / 2, scan_unit_low_count=low,
        scan_unit_high_count=high,
    )  # fmt: skip
    assert unit_count_evidence(says, choice).state == state


def test_munix_is_shown_and_never_counted() -> None:
    """Below a laboratory's limit: on the card, marked as not counted, and the grade stays."""
    key = RowKey.from_id("munix.left.ulnar.wrist.ADM.1")
    choice = Bedside().table.choice(key, "munix")
    assert choice.limit is None
    own = replace(choice, limit=Limit("own", "min", 100.0, "", "Laboratory", True), reason="")
    found = munix_evidence(counted("munix", munix=40.0), own)
    card = grade_muscle(Muscle("ADM", "left"), [found])
    (line,) = lines(card.lmn.items_for, "L6")
    assert (line.counted, "not counted beside the CMAP" in line.sentence) == (False, True)
    assert card.lmn.grade == "insufficient"
