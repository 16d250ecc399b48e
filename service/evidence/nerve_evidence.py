"""What the nerve conduction rows of a person say beside the CMAP: unit counts as evidence, and what
puts the attribution to LMN loss in doubt.

A confounder only ever lowers a claim, so its limits may be wide; each is named, so that it can be
looked at. Source: clinical reference 1.1, 1.2, 1.3, 2.6, 6.2, 6.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from service.model import Evidence, Finding, FindingState, Measurement

from .anatomy import MuscleAnatomy
from .findings import against
from .limits import Choice

# In motor neuron loss velocity is rarely below 75 % of its limit, a distal latency rarely above
# 125 % of it. From memory of the literature (trust M); clinical reference 1.1.
SLOW_SHARE = 0.75
LATE_SHARE = 1.25
# F-waves: 30 % above the limit, 50 % if the distal CMAP is below 80 % of its own. EFNS/PNS criteria
# as tabulated in PMC8108415 (clinical reference 1.2).
F_SHARE, F_SHARE_LOW_CMAP, LOW_CMAP_SHARE = 1.3, 1.5, 0.8

# Roots whose ganglia hold the cells of a sensory recording; from memory of anatomy (trust M).
SENSORY_ROOTS = MappingProxyType(
    {
        "median D1": "C6", "median D2": "C6 C7", "median D3": "C7", "median D4": "C7 C8",
        "median wrist": "C6 C7", "ulnar D4": "C8", "ulnar D5": "C8", "ulnar wrist": "C8",
        "radial": "C6", "radial D1": "C6", "sural": "S1", "superficial fibular": "L5",
        "saphenous": "L4",
    }
)  # fmt: skip
_MOTOR_NERVE = {"sural": "tibial", "superficial_fibular": "fibular", "saphenous": "femoral"}
_COUNTS = {"cmap_scan": "scan_unit_count", "mune": "mune_unit_count"}
_NAMES = {"cmap_scan": "CMAP scan", "mune": "MUNE"}


def unit_count_evidence(measurement: Measurement, choice: Choice) -> Evidence:
    """L6 of a `cmap_scan` or a `mune`: the count against a laboratory's limit.

    A count with an interval is abnormal or normal only if the whole interval is; else borderline.
    Without a limit it is unknown, and shown.
    """
    name = _NAMES[measurement.measure]
    quantity = _COUNTS[measurement.measure]
    value = measurement.values.get(quantity)
    if value is None:
        why = "; ".join(measurement.reasons) or "no count"
        state_words = "absent" if measurement.state == "absent" else "no unit count"
        found = Finding(measurement.id, quantity, "unknown", None, "", None, (), (why,))
        return Evidence("lmn", "L6", "B", "unknown", f"{name}: {state_words}: {why}", (found,))
    stem = quantity.removesuffix("_count")
    low = measurement.values.get(f"{stem}_low_count", value)
    high = measurement.values.get(f"{stem}_high_count", value)
    state: FindingState = "unknown"
    text = f"{name}: {value:.0f} units"
    if high > low:
        text += f" ({low:.0f} to {high:.0f})"
    if choice.limit is None:
        text += f"; {choice.reason}"
    else:
        ends = {against(end, choice.limit) for end in (low, value, high)}
        state = ends.pop() if len(ends) == 1 else "borderline"
        text += f" (limit {'≥' if choice.limit.op == 'min' else '≤'} {choice.limit.value:g})"
    reasons = (choice.reason,) if choice.limit is None else ()
    found = Finding(
        measurement.id, quantity, state, value, "", choice.limit, measurement.reasons, reasons
    )
    return Evidence("lmn", "L6", "B", state, text, (found,))


def munix_evidence(measurement: Measurement, choice: Choice) -> Evidence:
    """L6 of a MUNIX: shown, never counted (`families.counted`): the CMAP decides most of it."""
    value = measurement.values.get("munix")
    if value is None:
        why = "; ".join(measurement.reasons) or "no index"
        return Evidence("lmn", "L6", "B", "unknown", f"MUNIX not assessable: {why}")
    state: FindingState = "unknown" if choice.limit is None else against(value, choice.limit)
    text = f"MUNIX {value:.0f}"
    if choice.limit is None:
        text += f"; {choice.reason}"
    found = Finding(
        measurement.id, "munix", state, value, "", choice.limit, measurement.reasons,
        (choice.reason,) if choice.limit is None else (),
    )  # fmt: skip
    return Evidence(
        "lmn", "L6", "B", state, f"{text}; shown, not counted beside the CMAP", (found,)
    )


def same_region(sensory_nerve: str, record: str, muscle: MuscleAnatomy) -> bool:
    """Whether a sensory recording shares nerve or roots with a muscle. record: `median D2`."""
    if _MOTOR_NERVE.get(sensory_nerve, sensory_nerve) == muscle.nerve:
        return True
    return bool(set(SENSORY_ROOTS.get(record, "").split()) & set(muscle.roots))


def snap_state(findings: Sequence[Finding]) -> FindingState:
    """Of one sensory row by its amplitudes: abnormal if one is reduced, normal only if at least one
    was held against a limit and none is below or near it. Unverified limits do not count."""
    states = {
        one.state
        for one in findings
        if one.quantity in ("onset_to_peak_uv", "peak_to_peak_uv") and verified(one)
    }
    for state in ("abnormal", "borderline", "normal"):
        if state in states:
            return state
    return "unknown"


def slowing(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Demyelinating slowing of one motor row, in words; empty if there is none.

    A latency or velocity must already be abnormal, in a warm limb, against a verified limit.
    """
    found = []
    for one in findings:
        if one.state != "abnormal" or one.value is None or one.limit is None or not verified(one):
            continue
        share = one.value / one.limit.value
        if one.quantity == "velocity_m_s" and share < SLOW_SHARE:
            found.append(f"velocity {one.value:.0f} m/s, {100 * share:.0f} % of its limit")
        elif one.quantity == "onset_latency_ms" and share > LATE_SHARE:
            found.append(f"distal latency {one.value:.1f} ms, {100 * share:.0f} % of its limit")
    return tuple(found)


def late_f_waves(f_min: Finding, cmap: Finding | None) -> str:
    """Demyelinating slowing by the shortest F-wave, in words; empty if there is none. cmap: the
    distal amplitude against its limit; without one the wider margin holds."""
    if f_min.state != "abnormal" or f_min.value is None or f_min.limit is None:
        return ""
    if not verified(f_min):
        return ""
    share = f_min.value / f_min.limit.value
    full = (
        cmap is not None
        and cmap.value is not None
        and cmap.limit is not None
        and cmap.value >= LOW_CMAP_SHARE * cmap.limit.value
    )
    if share < (F_SHARE if full else F_SHARE_LOW_CMAP):
        return ""
    return f"shortest F-wave {f_min.value:.1f} ms, {100 * share:.0f} % of its limit"


def blocked(segment: Measurement) -> tuple[str, ...]:
    """Block and dispersion of one `conduction`, in words; empty if there is neither."""
    words = {
        ("block", "present"): "conduction block",
        ("block", "possible"): "possible conduction block",
        ("dispersion", "present"): "temporal dispersion",
    }
    pairs = [(str(item.get("name")), str(item.get("state"))) for item in segment.items]
    return tuple(words[pair] for pair in pairs if pair in words)


def verified(finding: Finding) -> bool:
    """Whether a finding stands on a verified limit."""
    return finding.limit is not None and finding.limit.verified
