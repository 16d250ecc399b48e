"""The truth beside the measurement: what is compared with what, and why a number is missing."""

from __future__ import annotations

import pytest

from service.api.beside import Clock, Seen, lines
from service.model import Measurement

FDI = "left FDI"
CLOCK = Clock(epoch=2, zero=1000, now=101_000, rate_hz=1000.0)
WAVES = [
    {"muscle": FDI, "nerve": "ulnar", "site": "wrist", "amplitude_mv": 10.0, "unit_count": 60,
     "onset_latency_ms": 3.0, "distance_mm": 80.0, "f_first_ms": 27.0},
    {"muscle": FDI, "nerve": "ulnar", "site": "elbow", "amplitude_mv": 9.5, "unit_count": 60,
     "onset_latency_ms": 7.0, "distance_mm": 280.0, "f_first_ms": 23.0},
]  # fmt: skip
SNAPS = [{"recording": "left ulnar D5 SNAP", "site": "wrist", "amplitude_uv": 9.0}]
TEMPLATES = {"m_waves": WAVES, "snaps": SNAPS, "reflexes": [{"muscle": FDI, "h_curve": None}]}


def truth(**events):
    """The simulator's answer: nothing happened but `events`."""
    dials = [{"sample": 0.0, "muscle": FDI, "umn": 0.5, "coherence": 0.4}]
    nothing = {"fasciculations": [], "clonus_beats": [], "f_waves": [], "dials": dials}
    return nothing | events


def row(measure, values, **more):
    """A row of the table, as the service tells it."""
    told = {
        "id": f"{measure}.{more.get('site', 'wrist')}.{more.get('run', 1)}", "measure": measure,
        "nerve": "ulnar", "site": "wrist", "side": "left", "muscle": FDI, "run": 1,
        "distance_to": "E1", "values": [{"quantity": k, "value": v} for k, v in values.items()],
        "measurement": {"state": "measured", "reasons": [], "values": values},
    }  # fmt: skip
    return told | more


def table(rows=(), surface=(), stimuli=None, happened=None):
    """quantity -> line as told, the last of its kind."""
    seen = Seen(FDI, "ulnar", rows, surface, stimuli or {})
    told = [line.told() for line in lines(seen, TEMPLATES, happened or truth(), CLOCK)]
    return {line["quantity"]: line for line in told}


def watched(measure, values, inputs=("hackeeg/emg/2:0-60000",), target=FDI):
    """What a surface watch measured over samples of epoch 2."""
    return Measurement("m", measure, "1", target, tuple(inputs), {}, "measured", values=values)


def test_what_was_not_measured_says_so_beside_its_truth():
    """No row, no surface: every measured cell is empty and says why."""
    told = table()
    assert all(line["measured"] is None and line["note"] for line in told.values())
    assert told["amplitude_mv"]["truth"] == 10.0
    assert told["unit_count"]["truth"] == 60.0
    assert told["shared_drive_share"]["truth"] == pytest.approx(0.6)


def test_without_a_row_the_truth_is_that_from_under_the_electrodes():
    """Where they lie on the muscle's nerve; else from the most distal site."""
    for site, onset in (("elbow", 7.0), ("knee", 3.0)):
        told = [line.told() for line in lines(Seen(FDI, "ulnar", (), (), {}, site), TEMPLATES,
                                              truth(), CLOCK)]  # fmt: skip
        assert next(x for x in told if x["quantity"] == "onset_latency_ms")["truth"] == onset


def test_a_row_stands_beside_the_template_of_its_own_place():
    """Amplitude and onset of the same nerve and site; the velocity by true distance and onsets."""
    rows = [
        row("motor_response", {"amplitude_mv": 9.8, "onset_latency_ms": 3.1}),
        row(
            "motor_response",
            {"amplitude_mv": 9.0, "onset_latency_ms": 7.2, "velocity_m_s": 48.0},
            site="elbow",
            distance_to="wrist",
        ),
    ]
    told = table(rows, stimuli={"motor_response.elbow.1": [5000.0]})
    assert told["amplitude_mv"]["difference"] == pytest.approx(-0.5)
    assert told["velocity_m_s"]["truth"] == pytest.approx(50.0)
    assert told["velocity_m_s"]["difference"] == pytest.approx(-2.0)


def test_a_newer_run_takes_the_place_of_the_older():
    """Only the newest of each place is compared."""
    rows = [row("motor_response", {"amplitude_mv": a}, run=r) for a, r in ((8.0, 2), (5.0, 1))]
    assert table(rows)["amplitude_mv"]["measured"] == 8.0


def test_what_cannot_be_assessed_gives_the_rows_own_reason():
    """A Cyton's motor row has no number; its reason stands there."""
    refused = {"state": "not_assessable", "reasons": ["250 Hz; needs 10 kHz"], "values": {}}
    told = table([row("motor_response", {}, measurement=refused)])
    assert told["amplitude_mv"]["measured"] is None
    assert told["amplitude_mv"]["difference"] is None
    assert told["amplitude_mv"]["note"].startswith("250 Hz; needs 10 kHz")


def test_persistence_is_compared_over_the_very_same_stimuli():
    """A stimulus counts when a unit of this muscle backfired within 150 ms of it."""
    fired = [{"sample": 50_030.0, "muscle": FDI}, {"sample": 50_032.0, "muscle": FDI},
             {"sample": 51_500.0, "muscle": FDI},
             {"sample": 52_030.0, "muscle": "left APB"}]  # fmt: skip
    rows = [row("f_wave", {"f_min_ms": 27.4, "persistence_percent": 50.0})]
    stimuli = {"f_wave.wrist.1": [50_000.0, 51_000.0, 52_000.0, 53_000.0]}
    told = table(rows, stimuli=stimuli, happened=truth(f_waves=fired))
    assert told["persistence_percent"]["truth"] == pytest.approx(25.0)
    assert told["f_min_ms"]["difference"] == pytest.approx(0.4)
    assert "same 4 stimuli" in told["persistence_percent"]["note"]


def test_a_dial_moved_since_is_said():
    """A row older than the last turn of a dial does not pass for an error of measurement."""
    dials = [{"sample": s, "muscle": FDI, "umn": 0.0, "coherence": 0.0} for s in (0.0, 60_000.0)]
    rows = [row("motor_response", {"amplitude_mv": 9.8})]
    for at, said in ((50_000.0, "a dial moved since this was measured"), (70_000.0, "")):
        told = table(rows, stimuli={rows[0]["id"]: [at]}, happened=truth(dials=dials))
        assert told["amplitude_mv"]["note"] == said


def test_fasciculations_are_counted_over_the_same_samples():
    """Truth within the samples that were watched (here 60 s), on the device's own counter."""
    twitches = ((10, FDI), (59_999, FDI), (60_001, FDI), (20, "left APB"))
    happened = [{"sample": 1000.0 + after, "muscle": muscle} for after, muscle in twitches]
    surface = [watched("fasciculation", {"rate_per_min": 1.0, "event_count": 1.0})]
    told = table(surface=surface, happened=truth(fasciculations=happened))
    line = told["fasciculations_per_min"]
    assert (line["measured"], line["truth"], line["difference"]) == (1.0, 2.0, -1.0)
    assert line["note"] == "1 counted, 2 happened in the same 60 s of rest"


def test_truth_that_is_no_longer_kept_is_not_made_up():
    """Rest of an earlier epoch has no place on the present counter."""
    surface = [
        watched("fasciculation", {"rate_per_min": 1.0}, ["hackeeg/emg/1:0-9", "hackeeg/emg/2:0-9"])
    ]
    line = table(surface=surface)["fasciculations_per_min"]
    assert line["truth"] is None
    assert "another epoch" in line["note"]


def test_clonus_and_coherence_stand_beside_what_was_there():
    """Beats of the same seconds; the share of the common drive is no coherence: no difference."""
    beats = [{"sample": 2000.0 + 150 * k, "muscle": FDI} for k in range(6)]
    values = {"band_mean_coherence": 0.02, "p_value": 0.4, "window_count": 150.0}
    pair = watched("coherence", values, target=f"left EDC + {FDI}")
    surface = [watched("clonus", {"burst_count": 5.0}), pair]
    told = table(surface=surface, happened=truth(clonus_beats=beats))
    assert told["clonus_burst_count"]["difference"] == -1.0
    assert told["shared_drive_share"]["difference"] is None
    assert told["shared_drive_share"]["note"].startswith("p = 0.400 in 150 windows")
