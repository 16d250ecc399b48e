"""F-waves, H-reflex and repetitive stimulation as evidence.

One F-wave study speaks on both axes: fewer, repeating and scattered F-waves for loss of motor
neurons (L8), large ones for excitability of the segment (U4). An H/M or F/M is read as UMN evidence
only where the CMAP is normal, since both shrink and grow with the pool; `crossaxis.py` lowers what
remains. A decrement speaks on neither axis: it confounds the LMN one.
Source: clinical reference 1.5, 1.6, 1.8, 6.2, 6.4, 6.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.model import Evidence, Finding, FindingState, Measurement, Tier

from .families import LMN_LOSS
from .limits import Choice
from .quantities import judge

CHRONODISPERSION_STIMULI = 32  # of the studies that its limits come from
# An H-reflex is not seen in these at rest. From memory of the literature (trust M): weak evidence.
SILENT = frozenset({"TA", "EDC", "APB", "FDI", "ADM", "EDB", "AH"})
# Conservative: a confounder only ever lowers a claim. From memory of the literature (trust M).
DECREMENT_PERCENT = 10.0
INCREMENT_PERCENT = 60.0

_L8 = ("persistence_percent", "repeater_index_percent", "chronodispersion_ms")
_WORDS = {
    "persistence_percent": "persistence",
    "repeater_index_percent": "repeaters",
    "chronodispersion_ms": "chronodispersion",
    "f_m_all_percent": "F/M, absent ones as 0,",
    "h_m_ratio": "H/M",
}
_NO_LIMIT = Choice(None, "no limit")


def f_wave_evidence(
    measurement: Measurement,
    choices: Mapping[str, Choice],
    *,
    cmap_state: FindingState,
    skin_c: float | None = None,
    least_skin_c: float = 32.0,
) -> tuple[Evidence, Evidence]:
    """L8 and U4 of one study, in this order.

    choices: the limit of each quantity that has one. cmap_state: of the CMAP of the same muscle;
    anything but normal leaves F/M uncounted. A chronodispersion of fewer than 32 stimuli is
    unknown, since it grows with their number.
    """
    findings = []
    for quantity in _L8:
        choice = choices.get(quantity, _NO_LIMIT)
        few = measurement.values.get("sweep_count", 0.0) < CHRONODISPERSION_STIMULI
        if quantity == "chronodispersion_ms" and few:
            choice = Choice(None, f"{CHRONODISPERSION_STIMULI} stimuli are needed")
        findings.append(
            judge(measurement, quantity, choice, skin_c=skin_c, least_skin_c=least_skin_c)
        )
    lmn = Evidence(
        "lmn", "L8", "C", _together(findings), _sentence("F-waves", measurement, findings),
        tuple(findings),
    )  # fmt: skip
    quantity = "f_m_all_percent"
    choice = choices.get(quantity, _NO_LIMIT)
    ratio = judge(measurement, quantity, choice, skin_c=skin_c, least_skin_c=least_skin_c)
    return lmn, _segmental("F-waves", measurement, ratio, cmap_state)


def h_reflex_evidence(
    measurement: Measurement, choice: Choice, *, muscle: str, cmap_state: FindingState
) -> Evidence:
    """U4. choice: a laboratory's limit of `h_m_ratio`; no universal one is trustworthy.

    Any H-reflex in a muscle that is silent at rest in health is weak evidence without a limit. An
    absent one is unknown: root, nerve, sensory loss and age take it away too.
    """
    ratio = judge(measurement, "h_m_ratio", choice, skin_c=None, least_skin_c=0.0)
    if measurement.state == "measured" and muscle in SILENT and ratio.state != "abnormal":
        text = f"H-reflex in {muscle}, which is silent at rest in health"
        found = replace(
            ratio, quantity="h_max_mv", state="abnormal", value=measurement.values.get("h_max_mv"),
            unit="mV", limit=None, reasons=(),
        )  # fmt: skip
        return _confounded(Evidence("umn", "U4", "C", "abnormal", text, (found,)), cmap_state)
    if measurement.state == "absent":
        text = "H-reflex absent: says nothing here (root, nerve, sensory loss and age take it too)"
        return Evidence("umn", "U4", "C", "unknown", text, (ratio,))
    return _segmental("H-reflex", measurement, ratio, cmap_state)


def junction_confounders(measurement: Measurement) -> tuple[str, ...]:
    """What a study by repetitive stimulation puts against the attribution to LMN loss; empty if
    nothing, or if the study cannot say.

    A decrement counts from 10 % in amplitude and area, in every baseline train of two or more, on a
    smooth course; an increment after exercise from 60 %. One that is there counts in a cold limb,
    but not if the stimulus was not proven or the limb moved.
    """
    values = measurement.values
    doubtful = ("submaximal", "movement", "uneven")
    if measurement.state != "measured" or any(
        reason.startswith(doubtful) for reason in measurement.reasons
    ):
        return ()
    found = []
    trains = [row for row in measurement.items if row.get("phase") == "baseline"]
    falls = [_fall(row) for row in trains]
    if len(falls) >= 2 and min(falls) >= DECREMENT_PERCENT:
        found.append(
            f"decrement {values['decrement_max_percent']:.0f} % (junction; unstable reinnervation "
            "shows it too)"
        )
    rise = values.get("exercise_increment_percent", 0.0)
    if rise >= INCREMENT_PERCENT:
        found.append(f"increment {rise:.0f} % after exercise (presynaptic junction)")
    return tuple(found)


def _fall(row: Mapping[str, object]) -> float:
    """The smaller of the largest decrements of amplitude and area; without an area, none counts."""
    sizes = [row.get("decrement_max_percent"), row.get("area_decrement_max_percent")]
    return min(float(one) if isinstance(one, int | float) else 0.0 for one in sizes)


def _segmental(
    what: str, measurement: Measurement, ratio: Finding, cmap_state: FindingState
) -> Evidence:
    """A ratio to the M-wave as U4: tier B only with a normal CMAP and a verified limit."""
    verified = ratio.limit is not None and ratio.limit.verified
    tier: Tier = "B" if verified and cmap_state == "normal" else "C"
    item = Evidence("umn", "U4", tier, ratio.state, _sentence(what, measurement, [ratio]), (ratio,))
    return _confounded(item, cmap_state)


def _confounded(item: Evidence, cmap_state: FindingState) -> Evidence:
    """Abnormal with a low CMAP: kept, marked, tier C; with one not known to be normal: unknown."""
    if item.state != "abnormal" or cmap_state == "normal":
        return item
    if cmap_state == "abnormal":
        return Evidence(
            item.axis, item.family, "C", item.state, f"{item.sentence}; LMN-confounded, CMAP low",
            item.findings, (*item.confounded_by, LMN_LOSS),
        )  # fmt: skip
    text = f"{item.sentence}; not counted: the CMAP of this muscle is not proven normal"
    return Evidence(
        item.axis, item.family, "C", "unknown", text, item.findings,
        (*item.confounded_by, "CMAP not proven normal"),
    )  # fmt: skip


def _together(findings: Sequence[Finding]) -> FindingState:
    """Abnormal if one is; normal if the first, the leading one, is and none is more."""
    states = [finding.state for finding in findings]
    for state in ("abnormal", "borderline"):
        if state in states:
            return "abnormal" if state == "abnormal" else "borderline"
    return states[0]


def _sentence(what: str, measurement: Measurement, findings: Sequence[Finding]) -> str:
    """What was found, with its limits; or why it cannot be said."""
    if measurement.state == "not_assessable":
        return f"{what} not assessable: " + "; ".join(measurement.reasons)
    count = measurement.values.get("sweep_count", 0.0)
    parts = []
    for finding in findings:
        if finding.value is None:
            continue
        text = f"{_WORDS[finding.quantity]} {finding.value:.3g} {finding.unit}".rstrip()
        if finding.limit is not None:
            sign = "≥" if finding.limit.op == "min" else "≤"
            text += f" (limit {sign} {finding.limit.value:g})"
        parts.append(text)
    return f"{what}, {count:.0f} stimuli: " + ("; ".join(parts) or "no value")
