"""The protocols that ship say what they promise; a wrong file is refused with its place."""

from __future__ import annotations

from importlib.resources import files

import pytest

from drivers.config import load_stimulator_limits
from service.evidence.anatomy import MUSCLES
from service.protocols.loading import protocols, read_protocol, read_setups

SETUP = """
[median_apb]
title = "Median motor"
measure = "motor_response"
nerve = "median"
record = "APB"
e1 = "belly"
e2 = "tendon"
ground = "hand"
filter_hz = [2, 10000]
sweep_ms = 50
gain_uv = 5000
width_us = 200
[median_apb.site.wrist]
stimulate = "wrist"
distance_mm = 80
"""
PROTOCOL = """
title = "One"
about = "one step"
sides = ["left", "right"]
step = [{ setup = "median_apb", sites = ["wrist"] }]
"""


def test_every_protocol_of_the_issue_ships_and_is_complete() -> None:
    """Seven, each with a title, steps on its sides, electrodes and a place in words."""
    found = protocols()
    assert set(found) == {
        "mnd", "upper_limb", "lower_limb", "carpal_tunnel", "polyneuropathy",
        "neuromuscular_junction", "tetraplegia",
    }  # fmt: skip
    for protocol in found.values():
        assert {step.side for step in protocol.steps} == set(protocol.sides)
        for step in protocol.steps:
            assert step.electrodes.e1
            assert step.stimulate
            assert step.muscle.startswith(f"{step.side} ")


def test_the_motor_neuron_screen_holds_what_the_issue_asks() -> None:
    """Both sides, two sensory nerves or more, F, axilla and Erb if weak with bulk, phrenic."""
    for side in ("left", "right"):
        steps = protocols()["mnd"].on((side,))
        assert len({s.nerve for s in steps if s.measure == "sensory_response"}) >= 2
        assert {s.nerve for s in steps if s.measure == "f_wave"} >= {"median", "ulnar", "tibial"}
        search = [s for s in steps if s.site in ("axilla", "erb")]
        assert {s.site for s in search} == {"axilla", "erb"}
        assert all("preserved bulk" in s.needs for s in search)
        assert any(s.nerve == "phrenic" for s in steps)


def test_nerves_agree_with_the_anatomy() -> None:
    """A motor step of a muscle in the table names the nerve that feeds it."""
    for protocol in protocols().values():
        for step in protocol.steps:
            if step.measure == "motor_response" and step.record in MUSCLES:
                assert step.nerve == MUSCLES[step.record].nerve, step.id


def test_pulses_and_trains_are_within_the_stimulators_limits() -> None:
    """No protocol suggests what the stimulator would refuse."""
    limits = load_stimulator_limits()
    for protocol in protocols().values():
        for step in protocol.steps:
            assert step.width_us <= limits.max_us
            if step.train is not None:
                assert step.train.rate_hz <= limits.max_rate_hz


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        ('measure = "motor_response"', 'measure = "mood"', "mood"),
        ("gain_uv = 5000", "gain_uv = 0", "above 0"),
        ("filter_hz = [2, 10000]", "filter_hz = [20, 2]", "above 0"),
        ('e2 = "tendon"\n', "", "e2 is missing"),
        ('e2 = "tendon"', 'e2 = "tendon"\ncolour = "red"', "colour"),
        ("distance_mm = 80", "distance_mm = 8000", "1500"),
        ("width_us = 200", 'width_us = 200\nlike = "ulnar"', "ulnar"),
        (
            "width_us = 200",
            'width_us = 200\ntrain = { kind = "rns", count = 50, rate_hz = 3, ceiling_count = 50 }',
            "not allowed",
        ),
        ("width_us = 200", 'width_us = 200\ntrain = { kind = "rns", count = 5 }', "train"),
        (
            "width_us = 200",
            'width_us = 200\ntrain = { kind = "f", count = 20, rate_hz = 0.5, ceiling_count = 20 }',
            "same phase",
        ),
    ],
)
def test_a_wrong_setup_is_refused_with_its_name(find: str, put: str, said: str) -> None:
    """One sentence that names the setup and what is wrong."""
    with pytest.raises(ValueError, match=said) as refused:
        read_setups(SETUP.replace(find, put))
    assert "median_apb" in str(refused.value)


@pytest.mark.parametrize(
    ("find", "put", "said"),
    [
        ('"median_apb"', '"nobody"', "known setup"),
        ('sites = ["wrist"]', 'sites = ["ankle"]', "no site 'ankle'"),
        ('sites = ["wrist"]', 'sites = ["wrist", "wrist"]', "more than once"),
        ('"right"]', '"middle"]', "expected left and right"),
        ('about = "one step"', 'about = "one"\nnotes = "x"', "notes"),
    ],
)
def test_a_wrong_protocol_is_refused_with_its_name(find: str, put: str, said: str) -> None:
    """One sentence that names the protocol and what is wrong."""
    with pytest.raises(ValueError, match=said) as refused:
        read_protocol("one", PROTOCOL.replace(find, put), read_setups(SETUP))
    assert "'one'" in str(refused.value)


def test_a_setup_like_another_takes_what_it_does_not_say_itself() -> None:
    """`like` for the F-wave study of the same nerve."""
    setups = read_setups(SETUP + '[median_f]\nlike = "median_apb"\nmeasure = "f_wave"\n')
    assert setups["median_f"]["site"] == setups["median_apb"]["site"]
    assert setups["median_f"]["measure"] == "f_wave"


def test_protocol_files_lie_inside_the_package() -> None:
    """So that they travel in the wheel with it."""
    names = {one.name for one in files("service.protocols").iterdir()}
    assert {"setups.toml", "mnd.toml"} <= names
