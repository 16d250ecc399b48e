"""Motor conduction between two stimulation sites: velocity with its uncertainty, what happens to
the response on the way, and the distal latency taken apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.model import Measurement

from .block import Judgement, judge_block, judge_dispersion
from .result import build

MEASURE = "conduction"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class VelocitySettings:
    """Standard deviations behind a velocity's interval, each of one measured place or time.

    tape_mm: of a distance along the skin. cathode_mm: of the place where the nerve is excited,
    against the cathode's mark, at each site. latency_ms: of one onset on a clean response, with the
    jitter of stimulus and fibres. noise_ms: added for noise, times noise / amplitude.
    least_distance_mm: below it the tape decides. most_m_s: above it the tape is checked first.
    Source: clinical reference 1.1 (5 mm, 0.05 ms) and 0.3 (distance); cathode_mm is a proposal;
    noise_ms from the detector's own errors on simulated responses at a noise of 1-10 %.
    """

    tape_mm: float = 5.0
    cathode_mm: float = 3.0
    latency_ms: float = 0.05
    noise_ms: float = 3.0
    least_distance_mm: float = 80.0
    most_m_s: float = 75.0


@dataclass(frozen=True, slots=True)
class Velocity:
    """m/s, and the 95 % interval; `high` is None where the times cannot exclude any speed."""

    m_s: float
    low: float
    high: float | None


def velocity(
    distance_mm: float, time_ms: float, distance_sd_mm: float, time_sd_ms: float
) -> Velocity | None:
    """Distance over time, with Fieller's 95 % interval for the ratio of two uncertain numbers.

    None if the time is not positive. Source: Fieller, J R Stat Soc B 1954;16:175.
    """
    if time_ms <= 0 or distance_mm <= 0:
        return None
    z2 = 1.959964**2
    a = time_ms**2 - z2 * time_sd_ms**2
    b = distance_mm * time_ms
    c = distance_mm**2 - z2 * distance_sd_mm**2
    if a <= 0:
        # any fast enough nerve fits: only the lower end is known
        root = math.sqrt(max(b * b - a * c, 0.0))
        return Velocity(distance_mm / time_ms, max(c / (b + root), 0.0), None)
    root = math.sqrt(max(b * b - a * c, 0.0))
    return Velocity(distance_mm / time_ms, max((b - root) / a, 0.0), (b + root) / a)


def latency_sd_ms(response: Measurement, settings: VelocitySettings) -> float:
    """The standard deviation of one onset latency: a clean response's, and what the noise adds."""
    share = response.values["noise_uv"] / 1000.0 / response.values["amplitude_mv"]
    return math.hypot(settings.latency_ms, settings.noise_ms * share)


def conduction(
    distal: Measurement,
    proximal: Measurement,
    *,
    nerve: str,
    distance_mm: float | None,
    distal_distance_mm: float | None = None,
    least_amplitude_mv: float | None = None,
    supramaximal: tuple[bool, bool] = (True, True),
    settings: VelocitySettings | None = None,
    target: str = "",
) -> Measurement:
    """One segment of a motor nerve, from the responses at its distal and its proximal end.

    distal, proximal: `motor_response` of the same muscle. distance_mm: between the cathodes, None
    if not measured. distal_distance_mm: distal cathode to the recording electrode.
    least_amplitude_mv: the lower limit of normal, None if there is none. supramaximal: whether the
    distal and the proximal stimulus were proven.
    Values: latency_difference_ms, distance_mm, velocity_m_s, velocity_low_m_s, velocity_high_m_s
    (95 %), amplitude_drop_percent, area_drop_percent, duration_increase_percent,
    residual_latency_ms, terminal_latency_index. Items: `block` and `dispersion`, each with its
    state (present, possible, none, unknown) and why.
    Absent: never; without the distal response, or without a proximal one, the segment is not
    assessable and the reason says which. Errors: ValueError for a distance that is not positive.
    Source: clinical reference 1.1 (5, 6), 1.2.
    """
    chosen = settings or VelocitySettings()
    for given in (distance_mm, distal_distance_mm):
        if given is not None and not given > 0:
            raise ValueError(f"conduction: expected a distance above 0 mm, got {given:g} mm")
    missing = _missing(distal, proximal)
    if (
        distal.state == "not_assessable"
        or proximal.state == "not_assessable"
        or (distal.state == "absent")
    ):
        return build(
            MEASURE, VERSION, target=target, inputs=(distal.id, proximal.id), settings=chosen,
            state="not_assessable", reasons=missing,
        )  # fmt: skip
    values, reasons = _speed(distal, proximal, distance_mm, chosen)
    values |= _changes(distal, proximal)
    values |= _terminal(distal, values, distal_distance_mm)
    judged = (
        judge_block(
            values, distal, proximal, nerve=nerve, least_amplitude_mv=least_amplitude_mv,
            supramaximal=supramaximal,
        ),
        judge_dispersion(values, distal, nerve=nerve, least_amplitude_mv=least_amplitude_mv),
    )  # fmt: skip
    return build(
        MEASURE, VERSION, target=target, inputs=(distal.id, proximal.id), settings=chosen,
        state="measured", values=values, reasons=[*missing, *reasons], items=_items(judged),
    )  # fmt: skip


def _missing(distal: Measurement, proximal: Measurement) -> list[str]:
    """Which of the two responses cannot be used, and why."""
    return [
        f"{name} response {response.state.replace('_', ' ')}: {'; '.join(response.reasons)}"
        for name, response in (("distal", distal), ("proximal", proximal))
        if response.state != "measured"
    ]


def _speed(
    distal: Measurement,
    proximal: Measurement,
    distance_mm: float | None,
    settings: VelocitySettings,
) -> tuple[dict[str, float], list[str]]:
    """Latency difference and velocity; or why there is none."""
    values = {} if distance_mm is None else {"distance_mm": distance_mm}
    both = [response.values.get("onset_latency_ms") for response in (distal, proximal)]
    if both[0] is None or both[1] is None:
        return values, ["no velocity: an onset latency is missing"]
    values["latency_difference_ms"] = both[1] - both[0]
    if distance_mm is None:
        return values, ["no velocity: the distance between the sites is not measured"]
    sd_ms = math.hypot(*(latency_sd_ms(response, settings) for response in (distal, proximal)))
    sd_mm = math.hypot(settings.tape_mm, settings.cathode_mm, settings.cathode_mm)
    found = velocity(distance_mm, both[1] - both[0], sd_mm, sd_ms)
    if found is None:
        return values, ["no velocity: the proximal response is not later than the distal one"]
    return values | velocity_values(found), velocity_reasons(found, distance_mm, settings)


def velocity_values(found: Velocity) -> dict[str, float]:
    """A velocity under the names that every measure uses."""
    values = {"velocity_m_s": found.m_s, "velocity_low_m_s": found.low}
    if found.high is not None:
        values["velocity_high_m_s"] = found.high
    return values


def velocity_reasons(found: Velocity, distance_mm: float, settings: VelocitySettings) -> list[str]:
    """What makes a velocity doubtful."""
    reasons = []
    if distance_mm < settings.least_distance_mm:
        reasons.append(
            f"distance: {distance_mm:.0f} mm is short; an error of 5 mm alone changes the velocity "
            f"by {500 / distance_mm:.0f} %"
        )
    if found.m_s > settings.most_m_s:
        reasons.append(f"velocity above {settings.most_m_s:.0f} m/s: check the tape")
    if found.high is None:
        reasons.append("the times are too close together to exclude any speed")
    return reasons


def _changes(distal: Measurement, proximal: Measurement) -> dict[str, float]:
    """Loss of amplitude and area, gain of duration, in percent of the distal response."""
    if proximal.state == "absent":
        return {"amplitude_drop_percent": 100.0, "area_drop_percent": 100.0}
    values = {}
    for name, quantity, sign in (
        ("amplitude_drop_percent", "amplitude_mv", -100.0),
        ("area_drop_percent", "area_mv_ms", -100.0),
        ("duration_increase_percent", "duration_ms", 100.0),
    ):
        if quantity in distal.values and quantity in proximal.values:
            base = distal.values[quantity]
            values[name] = sign * (proximal.values[quantity] - base) / base
    return values


def _terminal(
    distal: Measurement, values: dict[str, float], distance_mm: float | None
) -> dict[str, float]:
    """Residual latency and terminal latency index; both need the distal distance and a velocity."""
    latency_ms = distal.values.get("onset_latency_ms")
    speed = values.get("velocity_m_s")
    if distance_mm is None or latency_ms is None or speed is None:
        return {}
    return {
        "residual_latency_ms": latency_ms - distance_mm / speed,
        "terminal_latency_index": distance_mm / (speed * latency_ms),
    }


def _items(judged: Sequence[Judgement]) -> list[dict[str, str]]:
    return [{"name": one.name, "state": one.state, "why": one.why} for one in judged]
