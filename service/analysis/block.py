"""Conduction block and temporal dispersion of one motor segment, in four states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.model import Measurement

State = Literal["present", "possible", "none", "unknown"]

# EFNS/PNS demyelinating criteria as tabulated in PMC8108415 (clinical reference 1.2)
BLOCK_PERCENT = 50.0
SUPPORTIVE_PERCENT = 30.0
DISPERSION_PERCENT = 30.0
LEAST_SHARE_OF_LIMIT = 0.20
LEAST_DISTAL_MV = 1.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What may be said of one thing, and why."""

    name: Literal["block", "dispersion"]
    state: State
    why: str


def judge_block(
    values: Mapping[str, float],
    distal: Measurement,
    proximal: Measurement,
    *,
    nerve: str,
    least_amplitude_mv: float | None,
    supramaximal: tuple[bool, bool],
) -> Judgement:
    """Block: the amplitude falls by half or more, and dispersion does not explain it.

    values: drops and increases in percent, as `conduction` names them. A response that is longer by
    more than 30 % loses amplitude by phase cancellation alone, so its area must fall by half too.
    The tibial nerve is never judged by amplitude alone: healthy ones lose most of it at the knee.
    Source: EFNS/PNS (as above); Oh, Muscle Nerve 1994;17:489 (area for block, negative-peak
    duration for dispersion).
    """
    drop = values["amplitude_drop_percent"]
    small = _too_small(distal, least_amplitude_mv)
    if small:
        return Judgement("block", "unknown", small)
    if drop >= SUPPORTIVE_PERCENT and not supramaximal[1]:
        why = "the proximal stimulus is not proven supramaximal: raise the current, then judge"
        return Judgement("block", "unknown", why)
    if proximal.state == "absent":
        why = f"the proximal response is absent: no more than a floor of {_floor(proximal)}"
        return Judgement("block", "present", why)
    state, why = _by_drop(values, drop, tibial=nerve == "tibial")
    if state == "none" and not supramaximal[0]:
        why = "the distal stimulus is not proven supramaximal: the drop may be larger"
        return Judgement("block", "unknown", why)
    if state in {"present", "possible"} and nerve == "ulnar":
        why += "; exclude a Martin-Gruber anastomosis by stimulating the median nerve at the elbow"
    return Judgement("block", state, why)


def _by_drop(values: Mapping[str, float], drop: float, *, tibial: bool) -> tuple[State, str]:
    """State and reason from the changes alone."""
    area = values.get("area_drop_percent")
    longer = values.get("duration_increase_percent")
    told = f"amplitude falls by {drop:.0f} %"
    if drop < SUPPORTIVE_PERCENT:
        return "none", told
    if area is None or longer is None:
        return "unknown", f"{told}, but without area and duration dispersion cannot be told apart"
    told += f", area by {area:.0f} %, duration changes by {longer:.0f} %"
    dispersed = longer > DISPERSION_PERCENT
    state: State
    if tibial and (area < BLOCK_PERCENT or dispersed):
        state, told = "unknown", f"{told}: a healthy tibial nerve may lose as much to the knee"
    elif tibial:
        state, told = "possible", f"{told}; tibial, so not by amplitude"
    elif drop >= BLOCK_PERCENT and (area >= BLOCK_PERCENT or not dispersed):
        state = "present"
    elif dispersed:
        state, told = "none", f"{told}: dispersion explains the amplitude"
    else:
        state = "possible"
    return state, told


def judge_dispersion(
    values: Mapping[str, float],
    distal: Measurement,
    *,
    nerve: str,
    least_amplitude_mv: float | None,
) -> Judgement:
    """Dispersion: the negative phase is longer by more than 30 %. Source: EFNS/PNS (as above)."""
    longer = values.get("duration_increase_percent")
    small = _too_small(distal, least_amplitude_mv)
    if small or longer is None:
        return Judgement("dispersion", "unknown", small or "the duration of a response is missing")
    told = f"duration of the negative phase changes by {longer:.0f} %"
    if longer <= DISPERSION_PERCENT:
        return Judgement("dispersion", "none", told)
    if nerve == "tibial":
        return Judgement("dispersion", "unknown", f"{told}: no verified limit for the tibial nerve")
    return Judgement("dispersion", "present", told)


def _too_small(distal: Measurement, least_amplitude_mv: float | None) -> str:
    """Why the distal response is too small for any drop to mean something; empty if it is not."""
    amplitude = distal.values["amplitude_mv"]
    least = max(LEAST_DISTAL_MV, LEAST_SHARE_OF_LIMIT * (least_amplitude_mv or 0.0))
    if amplitude >= least:
        return ""
    return f"the distal response of {amplitude:.2f} mV is below {least:.2f} mV"


def _floor(response: Measurement) -> str:
    return f"{response.values.get('detection_floor_uv', 0.0):.0f} µV would have been missed"
