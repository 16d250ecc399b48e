"""Surface EMG by task: what rest, stretch and hold let the cards say, and a bad lead does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.bedside.row_key import Taken
from service.model import Task
from tests.service.analysis.traces import interference

from .examined import (
    FAST,
    LABELS,
    RATE,
    SLOW,
    Feed,
    at_rest,
    begun,
    contraction,
    item,
    shocked,
    spoilt,
    stretched,
)


def test_fasciculations_are_counted_at_rest_alone():
    """The count grows during rest and stands still in any other task."""
    study = begun()
    feed = Feed(study)
    twitches = [3.0, 5.5, 9.1, 13.7, 17.0]
    study.set_task(Task.HOLD, 0.0)
    feed.push(at_rest(20.0, 1, twitches=twitches))
    assert "0 in 0.0 of 10" in item(study, "left FDI", "lmn", "L2").sentence
    study.set_task(Task.REST, 20.0)
    feed.push(at_rest(20.0, 2, twitches=twitches))
    line = item(study, "left FDI", "lmn", "L2")
    assert line.sentence.startswith("Surface fasciculations: 5 in 0.3 of 10 valid min")
    assert line.progress == (0, 10)
    assert "Surface fasciculations: 0" in item(study, "left ADM", "lmn", "L2").sentence


def test_shocks_at_rest_are_no_fasciculations():
    """What a stimulus evokes is taken out, though its sweep comes later than its samples."""
    study = begun(replace(FAST, rate_hz=RATE))
    study.set_task(Task.REST, 0.0)
    feed = Feed(study)
    data = at_rest(12.0, 3, twitches=[4.0, 8.005])
    feed.push(data[:, : round(8.2 * RATE)])
    late = shocked(1, 20.0, 12.0)
    study.sweep(replace(late, trigger=replace(late.trigger, sample_index=8.0 * RATE)))
    feed.push(data[:, round(8.2 * RATE) :])
    assert "Surface fasciculations: 1 in" in item(study, "left FDI", "lmn", "L2").sentence


@pytest.mark.parametrize("rate_hz", [2000.0, 250.0])
def test_clonus_is_seen_within_seconds_of_a_stretch(rate_hz):
    """Abnormal in the clonic muscle, normal in the others; also on a slow device."""
    study = begun(SLOW if rate_hz == 250.0 else FAST)
    study.set_task(Task.STRETCH, 0.0)
    feed = Feed(study, rate_hz)
    feed.push(stretched(8.0, 4, rate_hz=rate_hz))
    line = item(study, "left FDI", "umn", "U3")
    assert (line.state, "6.0 Hz" in line.sentence) == ("abnormal", True)
    assert item(study, "left ADM", "umn", "U3").state == "normal"


@pytest.mark.parametrize("rate_hz", [2000.0, 250.0])
@pytest.mark.parametrize(("fault", "said"), [("mains", "mains"), ("dead", "flat")])
def test_what_a_lead_that_is_off_does_not_show_is_not_normal(rate_hz, fault, said):
    """Neither clonus nor fasciculations are denied, and the line says what to do; the neighbour's
    lines stay."""
    study = begun(SLOW if rate_hz == 250.0 else FAST)
    feed = Feed(study, rate_hz)
    study.set_task(Task.REST, 0.0)
    feed.push(spoilt(at_rest(20.0, 7, rate_hz=rate_hz), fault, rate_hz=rate_hz))
    study.set_task(Task.STRETCH, 20.0)
    feed.push(spoilt(at_rest(8.0, 8, rate_hz=rate_hz), fault, rate_hz=rate_hz))
    for axis, family, counted in (("umn", "U3", "0 of 5 s"), ("lmn", "L2", "0.0 of 10 valid min")):
        line = item(study, "left FDI", axis, family)
        assert line.state == "unknown"
        assert counted in line.sentence
        assert said in line.sentence
    assert item(study, "left ADM", "umn", "U3").state == "normal"
    assert "0.3 of 10" in item(study, "left ADM", "lmn", "L2").sentence


def test_a_channel_whose_electrodes_lie_elsewhere_tells_nothing_of_its_muscle():
    """What another place shows on it is not the muscle's; the neighbours' lines stay, and its own
    go on with the next step."""
    study = begun()
    feed = Feed(study)
    away = Taken(
        measure="sensory_response", nerve="median", muscle="left median D2", channel="left FDI"
    )
    study.set_step(away)
    study.set_task(Task.REST, 0.0)
    feed.push(at_rest(20.0, 1, twitches=[3.0, 5.5, 9.1, 13.7, 17.0]))
    study.set_task(Task.STRETCH, 20.0)
    feed.push(stretched(8.0, 4))
    assert study.cards()[LABELS.index("left FDI")].lead == ("elsewhere",)
    twitches = item(study, "left FDI", "lmn", "L2")
    assert twitches.sentence.startswith("Surface fasciculations: 0 in 0.0 of 10 valid min")
    beats = item(study, "left FDI", "umn", "U3")
    assert beats.state == "unknown"
    assert "put them back" in beats.sentence
    assert "0.3 of 10" in item(study, "left ADM", "lmn", "L2").sentence
    assert item(study, "left ADM", "umn", "U3").state == "normal"
    study.set_step(Taken(nerve="ulnar", muscle="left ADM"))
    feed.push(stretched(8.0, 4))
    assert study.cards()[LABELS.index("left FDI")].lead == ()
    assert item(study, "left FDI", "umn", "U3").state == "abnormal"


def test_a_rest_with_the_lead_off_is_no_level_to_compare_a_hold_with():
    """Absent coherence needs a contraction above the resting level, and that level was not seen."""
    study = begun()
    feed = Feed(study)
    study.set_task(Task.REST, 0.0)
    feed.push(spoilt(at_rest(20.0, 2), "dead"))
    study.set_task(Task.HOLD, 20.0)
    feed.push(contraction(128.0, 9, 0.0))
    line = item(study, "left FDI", "umn", "U5")
    assert line.state == "unknown"
    assert "no rest recorded" in line.sentence


def test_a_hold_with_a_lead_off_gives_no_windows():
    """Its pairs stand still, a pair without it goes on."""
    study = begun()
    study.set_task(Task.HOLD, 0.0)
    rng = np.random.default_rng(9)
    data = np.stack([interference(rng, 20 * round(RATE), RATE, 60.0) for _ in LABELS])
    Feed(study).push(spoilt(data, "mains"))
    counts = {
        m.target: m.values.get("window_count", 0.0)
        for m in study.measurements()
        if m.measure == "coherence"
    }
    assert all(count == 0.0 for pair, count in counts.items() if "left FDI" in pair)
    assert any("left FDI" in pair for pair in counts)


def test_the_same_beats_in_a_hold_are_not_clonus():
    """Without a passive task the line stays unknown."""
    study = begun()
    study.set_task(Task.HOLD, 0.0)
    Feed(study).push(stretched(8.0, 5))
    assert item(study, "left FDI", "umn", "U3").state == "unknown"


def test_nothing_reaches_across_a_gap():
    """Beats cut by a gap every second never make a run of five."""
    study = begun()
    study.set_task(Task.STRETCH, 0.0)
    feed = Feed(study)
    for seed in range(10):
        feed.push(stretched(0.8, seed))
        feed.index += 500
    assert item(study, "left FDI", "umn", "U3").state != "abnormal"


@pytest.mark.parametrize(("common", "state"), [(1.0, "normal"), (0.0, "abnormal")])
def test_coherence_counts_windows_and_then_decides(common, state):
    """Unknown with progress below 150 windows; then present is normal and absent is abnormal."""
    study = begun()
    feed = Feed(study)
    study.set_task(Task.REST, 0.0)
    feed.push(at_rest(6.0, 6))
    study.set_task(Task.HOLD, 6.0)
    feed.push(contraction(30.0, 7, common))
    line = item(study, "left EDC", "umn", "U5")
    assert line.state == "unknown"
    assert line.progress is not None
    assert 30 <= line.progress[0] <= 36
    feed.push(contraction(120.0, 8, common))
    assert item(study, "left FDI", "umn", "U5").state == state
    families = {line.family for line in study.cards()[0].umn.missing}
    assert "U5" in families  # APB is in no pair: not tested there, and said


def test_absent_coherence_needs_a_rest_to_compare_with():
    """Without a recorded rest the contraction cannot be said to be one."""
    study = begun()
    study.set_task(Task.HOLD, 0.0)
    Feed(study).push(contraction(128.0, 9, 0.0))
    line = item(study, "left FDI", "umn", "U5")
    assert (line.state, "no rest recorded" in line.sentence) == ("unknown", True)
