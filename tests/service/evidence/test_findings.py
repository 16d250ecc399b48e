"""Findings: each gate falsifies in its own direction only."""

from __future__ import annotations

import pytest

from service.evidence.findings import Step, against, cmap_amplitude, onset_latency, supramaximal
from service.evidence.limits import Choice
from service.model import Limit, Measurement

LIMIT = Limit("a", "min", 4.0, "mV", "Author", True)
SLOW = Limit("b", "max", 4.5, "ms", "Author", True)
PROVEN = supramaximal([Step(20, 3.0), Step(25, 3.05)])
UNPROVEN = supramaximal([Step(20, 3.0)])


def measured(state="measured", **values):
    """A motor response with these values."""
    return Measurement("id", "motor_response", "1", "left APB", (), {}, state, (), values)


@pytest.mark.parametrize(
    ("amplitude", "proof", "state"),
    [
        (3.0, PROVEN, "abnormal"),
        (3.0, UNPROVEN, "unknown"),
        (6.0, UNPROVEN, "normal"),
        (6.0, PROVEN, "normal"),
        (4.1, UNPROVEN, "borderline"),
        (3.9, PROVEN, "borderline"),
        (3.9, UNPROVEN, "unknown"),
    ],
)
def test_a_submaximal_stimulus_falsifies_only_a_low_cmap(amplitude, proof, state):
    """A normal amplitude stays normal, however weak the stimulus was."""
    finding = cmap_amplitude(measured(amplitude_mv=amplitude), Choice(LIMIT), proof)
    assert finding.state == state
    assert finding.value == amplitude


def test_an_absent_cmap_needs_the_proof_too():
    """Nothing at two rising intensities is abnormal; nothing at one is unknown."""
    nothing = measured("absent", detection_floor_uv=20.0, sweep_count=2.0)
    assert cmap_amplitude(nothing, Choice(LIMIT), PROVEN).state == "abnormal"
    assert cmap_amplitude(nothing, Choice(LIMIT), UNPROVEN).state == "unknown"


def test_without_limit_or_measurement_the_state_is_unknown():
    """And the finding says which."""
    no_limit = cmap_amplitude(measured(amplitude_mv=1.0), Choice(None, "no limit"), PROVEN)
    refused = cmap_amplitude(measured("not_assessable"), Choice(LIMIT), PROVEN)
    assert (no_limit.state, no_limit.reasons) == ("unknown", ("no limit",))
    assert refused.state == "unknown"


@pytest.mark.parametrize(
    ("latency", "skin_c", "state"),
    [
        (6.0, 33.0, "abnormal"),
        (6.0, 28.0, "unknown"),
        (6.0, None, "unknown"),
        (3.5, 28.0, "normal"),
        (3.5, None, "normal"),
        (None, 33.0, "unknown"),
    ],
)
def test_cold_falsifies_only_a_long_latency(latency, skin_c, state):
    """Cold slows: a latency within the limit stays normal."""
    values = {} if latency is None else {"onset_latency_ms": latency}
    assert onset_latency(measured(**values), Choice(SLOW), skin_c=skin_c).state == state
    assert onset_latency(measured(**values), Choice(None, "none"), skin_c=skin_c).state == "unknown"


def test_the_border_is_five_per_cent_wide_on_both_sides():
    """Within 5 % of the limit nothing is decided."""
    assert [against(v, LIMIT) for v in (3.7, 3.81, 4.19, 4.3)] == [
        "abnormal", "borderline", "borderline", "normal",
    ]  # fmt: skip
    assert [against(v, SLOW) for v in (4.2, 4.4, 4.6, 4.8)] == [
        "normal", "borderline", "borderline", "abnormal",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "proven"),
    [
        ([], False),
        ([(20, 5.0)], False),
        ([(20, 5.0), (25, 5.1)], True),
        ([(20, 5.0), (25, 6.0)], False),
        ([(20, 5.0), (21, 5.0)], False),
        ([(25, 5.1), (20, 5.0), (10, 1.0)], True),
        ([(20, 0.0), (25, 0.0)], True),
        ([(20, 5.0), (25, 5.0), (30, 6.0)], False),
    ],
)
def test_supramaximal_is_proven_by_the_last_step(steps, proven):
    """At least 10 % more current and no more than 5 % change."""
    assert supramaximal([Step(*step) for step in steps]).proven is proven


def test_the_plateau_begins_where_it_began():
    """Equal steps belong to the plateau, the rising part does not."""
    proof = supramaximal([Step(10, 2.0), Step(20, 5.0), Step(25, 5.05), Step(30, 5.0)])
    assert proof.from_ma == 20


def test_cold_falsifies_only_a_normal_amplitude():
    """Cold raises amplitudes: a normal one is not proven, a low one still counts."""
    for amplitude, skin_c, state in (
        (6.0, 28.0, "unknown"),
        (6.0, 33.0, "normal"),
        (6.0, None, "normal"),
        (3.0, 28.0, "abnormal"),
    ):
        found = cmap_amplitude(
            measured(amplitude_mv=amplitude), Choice(LIMIT), PROVEN, skin_c=skin_c
        )
        assert found.state == state
