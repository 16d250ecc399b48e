"""Surface measurements as evidence: fasciculations (L2), clonus (U3), coherence (U5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.types import Allowance, Permission
from service.evidence.anatomy import anatomy
from service.evidence.families import (
    CLONUS,
    HARDWARE,
    SURFACE_FASCICULATION,
    VALID_MINUTES,
    WINDOWS,
)
from service.model import Evidence, Finding, FindingState, Measurement, Muscle

from .surface import CoherenceResult

NEEDED_MIN = 10.0
NEEDED_EVENTS = 10
SURE_EVENTS = 30
IRREGULAR_CV = 0.7
NEEDED_STRETCH_S = 5.0
NEEDED_WINDOWS = 150
WANTED_WINDOWS = 200
TIMES_REST = 5.0
CROSS_TALK = 0.1
UNSTEADY_CV = 0.35
ALPHA = 0.05


def fasciculation_evidence(
    muscle: Muscle, measured: Measurement | None, permission: Permission | None
) -> Evidence:
    """L2 from surface events: judged from ten valid minutes on, counted and shown before."""
    if permission is not None and permission.allowance is Allowance.NO:
        return _lmn("unknown", f"Surface fasciculations: {permission.reason}")
    values: Mapping[str, float] = {} if measured is None else measured.values
    minutes = values.get("valid_min", 0.0)
    count = int(values.get("event_count", 0))
    state, why = _fasciculation_state(values)
    words = f"Surface fasciculations: {count} in {minutes:.1f} valid min"
    if minutes < NEEDED_MIN:
        words = f"Surface fasciculations: {count} in {minutes:.1f} of {NEEDED_MIN:.0f} valid min"
    if measured is not None and any(r.startswith("not_relaxed") for r in measured.reasons):
        state, why = "unknown", "muscle not relaxed: ask for rest, change the position"
        words = f"Surface fasciculations: {minutes:.1f} of {NEEDED_MIN:.0f} valid min"
    faults = [] if measured is None else [r.partition(":")[0] for r in measured.reasons]
    why = next((_FAULTS[fault] for fault in faults if fault in _FAULTS), why)
    if anatomy(muscle.name).foot_intrinsic and state == "abnormal":
        state, why = "unknown", "common in health in foot muscles, not counted"
    identity = "" if measured is None else measured.id
    findings = (
        _finding(identity, SURFACE_FASCICULATION, values.get("rate_per_min"), "1/min", state),
        _finding(identity, VALID_MINUTES, minutes, "min", state),
    )
    sentence = f"{words} ({why})" if why else words
    return _lmn(state, *_limited(sentence, permission), findings=findings)


def clonus_evidence(
    measured: Measurement | None,
    stretch_s: float,
    permission: Permission | None,
    *,
    fault: str = "",
) -> Evidence:
    """U3 from the envelope: abnormal once a regular run was seen, normal after enough stretch in
    which the lead could be read. fault: what it suffered from in the rest."""
    if permission is not None and permission.allowance is Allowance.NO:
        return _umn("U3", "unknown", f"Clonus: {permission.reason}")
    count = 0 if measured is None else int(measured.values.get("burst_count", 0))
    if measured is not None and count:
        rate = measured.values["frequency_hz"]
        length = "sustained, " if measured.values["sustained_count"] else ""
        text = f"Clonus: {length}{count} bursts at {rate:.1f} Hz, muscle passive (limit < 5)"
        finding = _finding(measured.id, CLONUS, float(count), "1", "abnormal")
        return _umn("U3", "abnormal", text, findings=(finding,))
    if stretch_s < NEEDED_STRETCH_S or measured is None:
        text = f"Clonus: {stretch_s:.0f} of {NEEDED_STRETCH_S:.0f} s of stretch"
        if fault:
            text = f"{text} ({_FAULTS[fault]})"
        return _umn("U3", "unknown", text)
    finding = _finding(measured.id, CLONUS, 0.0, "1", "normal")
    return _umn("U3", "normal", "No clonus during passive stretch", findings=(finding,))


def coherence_evidence(
    muscle: Muscle, results: Sequence[CoherenceResult], permission: Permission | None
) -> Evidence | None:
    """U5 for a muscle of the pairs; None for a muscle that no recorded pair contains.

    Present in either pair speaks against a complete corticospinal lesion; absent needs both pairs
    of the limb, 150 windows, five times the resting level, a steady hold. With two pairs the level
    of significance is halved, so that two tries do not find what is not there.
    """
    limb = [result for result in results if result.pair[0].side == muscle.side]
    if not any(muscle in result.pair for result in limb):
        return None
    if permission is not None and permission.allowance is Allowance.NO:
        return _umn("U5", "unknown", f"15-30 Hz coherence: {permission.reason}")
    fewest = min(int(r.measurement.values.get("window_count", 0)) for r in limb)
    counted = _finding(limb[0].measurement.id, WINDOWS, float(fewest), "1", "unknown")
    if fewest < NEEDED_WINDOWS:
        text = f"15-30 Hz coherence: {fewest} of {WANTED_WINDOWS} windows of a steady hold"
        return _umn("U5", "unknown", *_limited(text, permission), findings=(counted,))
    state, why = _coherence_state(limb)
    pairs = "; ".join(_pair_words(result) for result in limb)
    text = f"15-30 Hz coherence {_PRESENCE[state]}: {pairs}"
    if why:
        text = f"{text} ({why})"
    if permission is not None and permission.allowance is Allowance.LIMITED:
        state = "unknown"
    findings = tuple(
        _finding(
            result.measurement.id,
            "band_mean_coherence",
            result.measurement.values.get("band_mean_coherence"),
            "1",
            state,
        )
        for result in limb
    )
    return _umn("U5", state, *_limited(text, permission), findings=findings)


_FAULTS = {
    "lead_off": "the lead is flat: put the electrode back on",
    "saturated": "the amplifier is at its rail: check electrodes, lower the gain",
    "mains": "mains interference: check electrodes and ground",
    "elsewhere": "its electrodes are on something else: put them back",
}
_PRESENCE: dict[FindingState, str] = {
    "normal": "present",
    "abnormal": "absent in both pairs",
    "unknown": "not settled",
    "borderline": "not settled",
}


def _fasciculation_state(told: Mapping[str, float]) -> tuple[FindingState, str]:
    """State and the reason where it is not settled."""
    count, minutes = told.get("event_count", 0.0), told.get("valid_min", 0.0)
    if minutes < NEEDED_MIN:
        return "unknown", ""
    if count < NEEDED_EVENTS or told["rate_per_min"] < 1.0:
        return "normal", ""
    if count < SURE_EVENTS:
        return "unknown", "fewer than 30 events: an examiner must confirm them"
    if told.get("interval_cv", 0.0) < IRREGULAR_CV:
        return "unknown", "regular, may be a voluntary unit"
    return "abnormal", ""


def _coherence_state(limb: Sequence[CoherenceResult]) -> tuple[FindingState, str]:
    """Present, absent or why neither can be said."""
    clean = [r for r in limb if r.measurement.values["zero_lag_coherence"] <= CROSS_TALK]
    if any(r.measurement.values["p_value"] <= ALPHA / len(limb) for r in clean):
        return "normal", ""
    doubts = (
        (len(clean) < len(limb), "cross-talk: electrodes too close"),
        (len(limb) < 2, "only one pair recorded"),
        (any(r.times_rest is None for r in limb), "no rest recorded to compare with"),
        (
            any(r.times_rest is not None and r.times_rest < TIMES_REST for r in limb),
            "contraction below five times the resting level",
        ),
        (any(r.measurement.values["level_cv"] > UNSTEADY_CV for r in limb), "unsteady hold"),
    )
    for doubtful, why in doubts:
        if doubtful:
            return "unknown", why
    return "abnormal", "steadiness judged from the EMG; sensory nerves not tested"


def _pair_words(result: CoherenceResult) -> str:
    values = result.measurement.values
    first, second = result.pair
    return (
        f"{first.name} + {second.name} {values['band_mean_coherence']:.3f} "
        f"(null {values['null_95th_coherence']:.3f}, {values['window_count']:.0f} windows)"
    )


def _limited(sentence: str, permission: Permission | None) -> tuple[str, tuple[str, ...]]:
    """The sentence and the confounder of a device that may only count."""
    if permission is None or permission.allowance is not Allowance.LIMITED:
        return sentence, ()
    return f"{sentence}; {permission.reason}", (f"{HARDWARE}: {permission.reason}",)


def _finding(
    identity: str, quantity: str, value: float | None, unit: str, state: FindingState
) -> Finding:
    return Finding(identity, quantity, state, value, unit, None)


def _lmn(
    state: FindingState,
    sentence: str,
    confounded: tuple[str, ...] = (),
    *,
    findings: tuple[Finding, ...] = (),
) -> Evidence:
    return Evidence("lmn", "L2", "C", state, sentence, findings, confounded)


def _umn(
    family: str,
    state: FindingState,
    sentence: str,
    confounded: tuple[str, ...] = (),
    *,
    findings: tuple[Finding, ...] = (),
) -> Evidence:
    return Evidence("umn", family, "B", state, sentence, findings, confounded)
