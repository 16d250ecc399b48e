"""The ulnar nerve at the elbow: velocity across it against the forearm, and inching along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from service.model import Json, Measurement

from .conduction import conduction
from .result import build

VERSION = "1"


@dataclass(frozen=True, slots=True)
class ElbowSettings:
    """flexion_deg: of the elbow while distance was measured and nerve stimulated, 0 is straight;
    None is not recorded. least_flexion_deg: below it the nerve is slack and the tape too short."""

    flexion_deg: float | None = None
    least_flexion_deg: float = 45.0


def across_elbow(
    wrist: Measurement,
    below: Measurement,
    above: Measurement,
    *,
    forearm_mm: float | None,
    across_mm: float | None,
    settings: ElbowSettings,
    supramaximal: tuple[bool, bool, bool] = (True, True, True),
    target: str = "",
) -> Measurement:
    """Ulnar motor conduction to ADM or FDI: wrist, below and above the elbow.

    wrist, below, above: `motor_response` of the same muscle. forearm_mm: wrist to below the elbow;
    across_mm: below to above. Values: forearm_velocity_m_s and across_velocity_m_s, each with its
    95 % `_low_m_s` and `_high_m_s`, velocity_drop_m_s (forearm minus across),
    across_amplitude_drop_percent, flexion_deg. Items: block and dispersion of both segments.
    Without a recorded flexion of the elbow there is no velocity across it: on a straight arm the
    slack nerve is longer than the skin over it and seems slow. Not assessable: no segment could be
    had.
    Source: AANEM practice parameter for ulnar neuropathy at the elbow, Muscle Nerve 1999;22 (S8)
    (flexion 70-90°) [M]; Buschbacher 1999 S9 for the drop.
    """
    angle = settings.flexion_deg
    forearm = conduction(
        wrist, below, nerve="ulnar", distance_mm=forearm_mm, supramaximal=supramaximal[:2]
    )
    over = conduction(
        below, above, nerve="ulnar", distance_mm=None if angle is None else across_mm,
        supramaximal=supramaximal[1:],
    )  # fmt: skip
    values: dict[str, float] = {} if angle is None else {"flexion_deg": angle}
    reasons = []
    if angle is None:
        reasons.append("enter the flexion of the elbow: without it there is no velocity across it")
    elif angle < settings.least_flexion_deg:
        reasons.append(
            f"elbow flexed {angle:.0f}°: the nerve is slack and the skin too short, which slows a "
            f"healthy nerve; flex to 70-90°"
        )
    for name, segment in (("forearm", forearm), ("across", over)):
        reasons += [f"{name}: {reason}" for reason in segment.reasons]
        for key in ("velocity_m_s", "velocity_low_m_s", "velocity_high_m_s"):
            if key in segment.values:
                values[f"{name}_{key}"] = segment.values[key]
    if "forearm_velocity_m_s" in values and "across_velocity_m_s" in values:
        values["velocity_drop_m_s"] = values["forearm_velocity_m_s"] - values["across_velocity_m_s"]
    if "amplitude_drop_percent" in over.values:
        values["across_amplitude_drop_percent"] = over.values["amplitude_drop_percent"]
    measured = any(segment.state == "measured" for segment in (forearm, over))
    return build(
        "across_elbow", VERSION, target=target, inputs=(wrist.id, below.id, above.id),
        settings=settings, state="measured" if measured else "not_assessable",
        values=values if measured else {}, reasons=reasons,
        items=[
            {"segment": name} | dict(item)
            for name, segment in (("forearm", forearm), ("across", over))
            for item in segment.items
        ],
    )  # fmt: skip


def inching(
    responses: Sequence[Measurement], places_mm: Sequence[float], *, target: str = ""
) -> Measurement:
    """Stimulation in short steps along a nerve: where the latency jumps, or the amplitude falls.

    responses: `motor_response` or `sensory_response`, from distal to proximal. places_mm: of each
    cathode along the nerve, rising. Values: step_count, largest_step_ms, largest_excess_ms (over
    the step that the median velocity of all would give), largest_step_mm (middle of that step),
    largest_drop_percent (of amplitude, over one step), largest_drop_mm (its middle). Items: every
    step, with what is missing left out.
    Not assessable: fewer than three steps with both latencies. Errors: ValueError if the two lists
    differ in length or the places do not rise.
    Source: Campbell et al., Muscle Nerve 1992;15:1050 (short segments at the elbow) [M].
    """
    if len(responses) != len(places_mm) or any(b <= a for a, b in pairwise(places_mm)):
        raise ValueError(
            f"inching: expected one rising place per response, got {len(places_mm)} places for "
            f"{len(responses)} responses"
        )
    steps = [_step(*pair) for pair in pairwise(zip(responses, places_mm, strict=True))]
    timed = [step for step in steps if "latency_ms" in step]
    values: dict[str, float] = {"step_count": float(len(timed))}
    reasons = [
        f"{place:.0f} mm {one.state.replace('_', ' ')}: {'; '.join(one.reasons)}"
        for one, place in zip(responses, places_mm, strict=True)
        if one.state != "measured"
    ]
    if len(timed) < 3:
        reasons.append("fewer than three steps have both latencies")
    else:
        usual = median(step["latency_ms"] / step["length_mm"] for step in timed)
        worst = max(timed, key=lambda step: step["latency_ms"] - usual * step["length_mm"])
        values |= {
            "largest_step_ms": worst["latency_ms"],
            "largest_excess_ms": worst["latency_ms"] - usual * worst["length_mm"],
            "largest_step_mm": worst["middle_mm"],
        }
    falls = [step for step in steps if "drop_percent" in step]
    if falls and len(timed) >= 3:
        deepest = max(falls, key=lambda step: step["drop_percent"])
        values |= {
            "largest_drop_percent": deepest["drop_percent"],
            "largest_drop_mm": deepest["middle_mm"],
        }
    items: list[dict[str, Json]] = [dict(step) for step in steps]
    return build(
        "inching", VERSION, target=target, inputs=[one.id for one in responses],
        settings=ElbowSettings(), state="measured" if len(timed) >= 3 else "not_assessable",
        values=values, reasons=reasons, items=items,
    )  # fmt: skip


def _step(near: tuple[Measurement, float], far: tuple[Measurement, float]) -> dict[str, float]:
    """Length, middle, and what could be had of latency and amplitude between two cathodes."""
    (distal, from_mm), (proximal, to_mm) = near, far
    step = {"length_mm": to_mm - from_mm, "middle_mm": (from_mm + to_mm) / 2}
    latencies = [one.values.get("onset_latency_ms") for one in (distal, proximal)]
    if latencies[0] is not None and latencies[1] is not None:
        step["latency_ms"] = latencies[1] - latencies[0]
    key = "amplitude_mv" if distal.measure == "motor_response" else "onset_to_peak_uv"
    if key in distal.values and proximal.state != "not_assessable":
        step["drop_percent"] = 100 * (1 - proximal.values.get(key, 0.0) / distal.values[key])
    return step
