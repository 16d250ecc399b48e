"""A quantity against its limit: each doubt in its own direction, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.evidence.findings import Supramaximal
from service.evidence.limits import Choice
from service.evidence.quantities import judge, unit_of
from service.model import Limit, Measurement

WARM, LEAST = 34.0, 32.0


def limit(op: str, value: float) -> Choice:
    """A verified limit."""
    return Choice(Limit("x", op, value, "", "source", True))


def measured(measure: str, **values: float) -> Measurement:
    """By this measure."""
    return Measurement("id", measure, "1", "left APB", ("a",), {}, "measured", values=values)


@pytest.mark.parametrize(
    ("quantity", "op", "bad", "good"),
    [
        ("velocity_m_s", "min", 30.0, 60.0), ("f_min_ms", "max", 60.0, 20.0),
        ("onset_latency_ms", "max", 60.0, 20.0), ("h_latency_ms", "max", 60.0, 20.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("celsius", [None, 28.0])
def test_slow_in_a_cold_or_unknown_limb_is_unknown_and_fast_stays_normal(
    quantity: str, op: str, bad: float, good: float, celsius: float | None
) -> None:
    """Warm, the same value is abnormal."""
    name = "motor_response" if quantity == "onset_latency_ms" else "f_wave"
    choice = limit(op, 40.0)

    def state(value: float, skin_c: float | None) -> str:
        one = measured(name, **{quantity: value})
        return judge(one, quantity, choice, skin_c=skin_c, least_skin_c=LEAST).state

    assert state(bad, WARM) == "abnormal"
    assert state(bad, celsius) == "unknown"
    assert state(good, celsius) == "normal"


def test_a_low_sensory_amplitude_counts_in_the_cold_and_an_absent_one_is_0() -> None:
    """Cold raises it: low is low. Absent is abnormal, not unknown."""
    choice = limit("min", 10.0)
    low = measured("sensory_response", onset_to_peak_uv=4.0)
    absent = replace(low, state="absent", values={"detection_floor_uv": 2.0})
    for one in (low, absent):
        found = judge(one, "onset_to_peak_uv", choice, skin_c=28.0, least_skin_c=LEAST)
        assert found.state == "abnormal"
    assert found.value == 0.0


@pytest.mark.parametrize(
    ("quantity", "sd", "op", "inside", "beyond", "settled"),
    [
        ("onset_to_peak_uv", "onset_to_peak_sd_uv", "min", 11.5, 8.5, 5.0),
        ("peak_to_peak_uv", "peak_to_peak_sd_uv", "min", 11.5, 8.5, 5.0),
        ("peak_latency_ms", "peak_sd_ms", "max", 8.5, 11.5, 15.0),
    ],
)
def test_a_value_whose_interval_holds_the_limit_is_borderline(
    quantity: str, sd: str, op: str, inside: float, beyond: float, settled: float
) -> None:
    """Neither normal nor abnormal, and what to do is said; a person's mark has no interval."""
    for value in (inside, beyond, settled):
        one = measured("sensory_response", **{quantity: value, sd: 1.0})
        found = judge(one, quantity, limit(op, 10.0), skin_c=WARM, least_skin_c=LEAST)
        if value == settled:
            assert (found.state, found.reasons) == ("abnormal", ())
            continue
        assert found.state == "borderline"
        assert "± 2" in found.reasons[0]
        assert "average more" in found.reasons[0]
        sure = replace(one, values={quantity: value})
        state = judge(sure, quantity, limit(op, 10.0), skin_c=WARM, least_skin_c=LEAST).state
        assert state == ("normal" if value == inside else "abnormal")


def test_a_drop_needs_a_proven_proximal_stimulus() -> None:
    """Not proven: unknown, with the sentence; a drop within the limit stays normal."""
    proof = Supramaximal(False, "raise the current")
    choice = limit("max", 24.0)
    big = measured("conduction", amplitude_drop_percent=60.0)
    doubted = judge(
        big, "amplitude_drop_percent", choice, skin_c=WARM, least_skin_c=LEAST, proof=proof
    )
    assert (doubted.state, doubted.reasons) == ("unknown", ("raise the current",))
    small = measured("conduction", amplitude_drop_percent=5.0)
    shown = Supramaximal(True, "")
    for one, proven, state in ((big, shown, "abnormal"), (small, proof, "normal")):
        found = judge(
            one, "amplitude_drop_percent", choice, skin_c=WARM, least_skin_c=LEAST, proof=proven
        )
        assert found.state == state


def test_without_value_or_limit_it_is_unknown_and_says_why() -> None:
    """Missing is unknown, never normal."""
    nothing = measured("f_wave")
    found = judge(nothing, "f_min_ms", limit("max", 31.0), skin_c=WARM, least_skin_c=LEAST)
    assert (found.state, found.reasons) == ("unknown", ("no f_min_ms",))
    some = measured("f_wave", f_min_ms=25.0)
    found = judge(some, "f_min_ms", Choice(None, "no limit"), skin_c=WARM, least_skin_c=LEAST)
    assert (found.state, found.reasons) == ("unknown", ("no limit",))


def test_units_are_read_off_the_names() -> None:
    """The longest ending wins."""
    told = {one: unit_of(one) for one in ("area_mv_ms", "velocity_m_s", "f_min_ms", "s50_ma",
                                          "unit_count", "persistence_percent", "x")}  # fmt: skip
    assert list(told.values()) == ["mV·ms", "m/s", "ms", "mA", "", "%", ""]
