"""Which studies a device may be used for: the table of what hardware can honestly measure.

What the hardware cannot measure is *not assessable*, with the reason; it is never approximated.
Source: requirements per measure family (sampling rate, pass-band, step, trigger, needle input) as
collected for this project from AANEM/IFCN practice, and a simulation of sampled CMAP and SNAP
shapes: a 10 mV CMAP keeps its amplitude from 4 kHz up, 0.58 of it at 250 Hz; a SNAP keeps 0.97
from 10 kHz, 0.67 at 2 kHz, 0.06 at 250 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .types import Allowance, Capability, Permission, Study


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one study needs.

    rate_hz, bandwidth_hz, lsb_uv: for an unrestricted yes. limited_rate_hz: from here up the study
    is allowed with the restriction `limited`; None means never. trigger: time zero must be a line
    in every sample. needle: an input meant for needle electrodes.
    """

    study: Study
    rate_hz: float
    bandwidth_hz: float = 0.0
    lsb_uv: float = 2.0
    limited_rate_hz: float | None = None
    limited: str = ""
    trigger: bool = False
    needle: bool = False


REQUIREMENTS: Final = (
    Requirement(
        Study.MOTOR_NCS, 10_000, 3_000, 1.0, 2_000, "amplitude only, as screening", trigger=True
    ),
    Requirement(
        Study.SENSORY_NCS, 10_000, 10_000, 0.1, 10_000, "peaks are slightly rounded", trigger=True
    ),
    Requirement(Study.F_WAVE, 10_000, 3_000, 1.0, 2_000, "persistence only", trigger=True),
    Requirement(
        Study.H_REFLEX, 2_000, 0, 2.0, 1_000, "recruitment curve and coarse latency", trigger=True
    ),
    Requirement(Study.RNS, 5_000, 0, 1.0, 2_000, "marginal", trigger=True),
    Requirement(Study.CMAP_SCAN, 10_000, 3_000, 1.0, trigger=True),
    Requirement(Study.MUNIX, 5_000, 0, 2.0, 2_000, "marginal", trigger=True),
    Requirement(
        Study.NEEDLE, 20_000, 10_000, 0.5, 10_000, "reduced bandwidth, own limits only", needle=True
    ),
    Requirement(
        Study.SURFACE_FASCICULATION, 1_000, 0, 2.0, 250, "event counts only, low sensitivity"
    ),
    Requirement(Study.COHERENCE, 1_000, 0, 2.0, 250, "exploratory only"),
    Requirement(Study.SURFACE_ENVELOPE, 1_000, 0, 2.0, 125, "envelope and onset only"),
    Requirement(Study.CLONUS, 1_000, 0, 2.0, 125, "timing of bursts only"),
    Requirement(Study.FATIGUE, 1_000),
)


def permissions(capability: Capability) -> tuple[Permission, ...]:
    """One Permission per study, in the order of `Study`."""
    return tuple(_judge(requirement, capability) for requirement in REQUIREMENTS)


def permit(capability: Capability, study: Study) -> Permission:
    """May this device do this study?"""
    return next(p for p in permissions(capability) if p.study is study)


def _judge(need: Requirement, have: Capability) -> Permission:
    refusal = _refusal(need, have)
    if refusal:
        return Permission(need.study, Allowance.NO, f"not assessable: {refusal}")
    restrictions = _restrictions(need, have)
    if restrictions:
        return Permission(need.study, Allowance.LIMITED, "; ".join(restrictions))
    return Permission(need.study, Allowance.YES)


def _refusal(need: Requirement, have: Capability) -> str:
    lowest = need.rate_hz if need.limited_rate_hz is None else need.limited_rate_hz
    if have.rate_hz < lowest:
        return f"{hertz(have.rate_hz)}; needs ≥ {hertz(need.rate_hz)}"
    if need.trigger and have.trigger != "sample":
        return "no stimulus line in the samples; needs one, exact to the sample"
    if need.needle and not have.needle_input:
        return "no input for needle electrodes"
    return ""


def _restrictions(need: Requirement, have: Capability) -> list[str]:
    found = []
    if have.rate_hz < need.rate_hz:
        found.append(f"{need.limited}: {hertz(have.rate_hz)}, full use needs {hertz(need.rate_hz)}")
    elif have.bandwidth_hz < need.bandwidth_hz:
        wanted = hertz(need.bandwidth_hz)
        words = need.limited or "reduced bandwidth"
        found.append(f"{words}: bandwidth {hertz(have.bandwidth_hz)}, full use needs {wanted}")
    if have.lsb_uv is None:
        found.append("uncalibrated: no amplitude in microvolts")
    elif have.lsb_uv > need.lsb_uv:
        found.append(f"coarse: one step is {have.lsb_uv:.2g} µV, full use needs {need.lsb_uv:g} µV")
    return found


def hertz(value: float) -> str:
    """`250 Hz`, `10 kHz`, `4.19 kHz`: three digits at most."""
    return f"{value / 1000:.3g} kHz" if value >= 1000 else f"{value:.3g} Hz"
