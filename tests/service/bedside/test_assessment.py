"""The running assessment: what a technician does, and what the cards then say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from drivers.types import (
    Capability,
    Channel,
    DeviceInfo,
    Epoch,
    Pulse,
    Stimulus,
    StreamInfo,
    Trigger,
)
from service.acquisition.types import Signal
from service.bedside.assessment import Assessment
from service.bedside.montage import default_montage
from service.evidence.limits import Subject
from service.model import Sweep, Task
from tests.service.analysis.traces import interference, potential, shapes, sweep

LABELS = ("left APB", "left FDI", "left ADM", "left EDC", "left FDS")
FAST = Capability(16_000.0, 4_190.0, 0.02, "micros", "sample", False, "")
SLOW = Capability(250.0, 110.0, 0.02, "counter-mod-256", "sample", False, "")
RATE = 2000.0


def stream(rate_hz):
    """The emg stream of the montage."""
    channels = tuple(Channel(label, "emg", "uV", 1.0) for label in LABELS)
    return StreamInfo("emg", rate_hz, "int32", channels, 0.0)


def begun(capability=FAST, *, subject=None):
    """A study on one device, its epoch open."""
    info = DeviceInfo("d", "model", "", "", (stream(capability.rate_hz),), capability)
    study = Assessment(default_montage(info.streams[0]), subject=subject)
    study.open("d", Epoch(1, info, {}, datetime(2026, 1, 1, tzinfo=UTC), 0.0, None, "start"))
    return study


class Feed:
    """Blocks of one stream into a study, with index and epoch kept."""

    def __init__(self, study, rate_hz=RATE):
        self.study, self.rate_hz = study, rate_hz
        self.epoch, self.index = 1, 0

    def push(self, data):
        """(channels, n) µV, in blocks of 20 ms."""
        step = round(0.02 * self.rate_hz)
        for first in range(0, data.shape[1], step):
            part = data[:, first : first + step]
            block = Signal("emg", self.epoch, self.index, self.rate_hz, LABELS, part, 0.0)
            self.study.signal("d", block)
            self.index += part.shape[1]


def shocked(number, current_ma, amplitude_mv, *, muscle="left FDI", nerve="ulnar", site="wrist"):
    """A sweep of every channel; the response is on one of them."""
    rng = np.random.default_rng(number)
    made = [
        sweep(rng, shapes()[0] if label == muscle else None, rate_hz=16_000.0,
              amplitude_mv=amplitude_mv, tail_uv=50.0)
        for label in LABELS
    ]  # fmt: skip
    samples = np.stack([trace for trace, _ in made])
    zero = made[LABELS.index(muscle)][1]
    trigger = Trigger("emg", 1, 320.0 + 100 * number, "stimulator", "rise", 1 / 32_000)
    stimulus = Stimulus(
        f"p{number}", Pulse(current_ma, 200.0), nerve, site, "left", 0.0, 0.0, trigger
    )
    return Sweep(
        f"s{number}", "r", "d", "emg", 1, trigger, stimulus, LABELS, 0, 16_000.0, zero, samples,
        False, True, 0.0,
    )  # fmt: skip


def item(study, muscle, axis, family):
    """One line of a card."""
    card = next(card for card in study.cards() if card.muscle.key == muscle)
    indicator = getattr(card, axis)
    lines = [*indicator.items_for, *indicator.items_against, *indicator.missing]
    return next(line for line in lines if line.family == family)


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


def at_rest(seconds, seed, *, twitches=(), rate_hz=RATE):
    """Quiet muscles; `twitches` are seconds at which the FDI fasciculates."""
    rng = np.random.default_rng(seed)
    data = 2.0 * rng.standard_normal((len(LABELS), round(seconds * rate_hz)))
    for time in twitches:
        wave = potential(rate_hz, 300.0)
        at = round(time * rate_hz)
        data[1, at : at + wave.size] += wave
    return data


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


def stretched(seconds, seed, *, beats_hz=6.0, rate_hz=RATE):
    """Clonus in the FDI, the others silent."""
    rng = np.random.default_rng(seed)
    data = at_rest(seconds, seed, rate_hz=rate_hz)
    at_s = np.arange(data.shape[1]) / rate_hz
    beat = np.exp(-0.5 * (((at_s * beats_hz) % 1 - 0.5) / (0.02 * beats_hz)) ** 2)
    data[1] += beat * interference(rng, at_s.size, rate_hz, 60.0)
    return data


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


def spoilt(data, fault, *, rate_hz=RATE):
    """The FDI's lead is off (mains, no EMG) or dead; the others go on."""
    line = 300.0 * np.sin(2 * np.pi * 50.0 * np.arange(data.shape[1]) / rate_hz)
    data[1] = line if fault == "mains" else 0.0
    return data


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


def contraction(seconds, seed, common):
    """EDC, FDS and FDI contracting, with a shared 15-30 Hz modulation of strength `common`."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    hz = np.fft.rfftfreq(count, 1 / RATE)

    def drive():
        spectrum = rng.standard_normal(hz.size) + 1j * rng.standard_normal(hz.size)
        wave = np.fft.irfft(spectrum * ((hz >= 15) & (hz <= 30)), count)
        return wave / wave.std()

    shared = drive()
    data = 2.0 * rng.standard_normal((len(LABELS), count))
    for row in (1, 3, 4):
        strength = 1 + 0.35 * (common * shared + np.sqrt(1 - common**2) * drive())
        data[row] += interference(rng, count, RATE, 60.0) * np.maximum(strength, 0)
    return data


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
