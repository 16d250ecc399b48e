"""Measurements as evidence: the sentence that a clinician reads, and the state the rules count."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.types import Allowance, Permission
from service.evidence.anatomy import Limb, anatomy
from service.evidence.families import HARDWARE
from service.evidence.findings import Supramaximal, cmap_amplitude
from service.evidence.limits import LimitRow, Subject, choose_limit
from service.model import Evidence, Finding, Limit, Measurement, Muscle

_LEAST_SKIN_C: dict[Limb, float] = {"arm": 32.0, "leg": 30.0, "head": 30.0, "trunk": 30.0}
_PLACES = {"erb": "Erb's point"}
_SIGNS = {"min": "≥", "max": "≤"}


def cmap_evidence(
    muscle: Muscle,
    study: tuple[Measurement, Supramaximal] | None,
    *,
    permission: Permission | None,
    elsewhere: Sequence[str],
    subject: Subject,
    skin_c: float | None,
    limits: Sequence[LimitRow],
) -> Evidence:
    """L5. study: average and plateau at the distal site, None if there is none."""
    row = anatomy(muscle.name)
    if permission is not None and permission.allowance is Allowance.NO:
        return _cmap_unknown(f"CMAP: {permission.reason}")
    if study is None:
        place = _PLACES.get(row.distal_site, f"the {row.distal_site.replace('_', ' ')}")
        only = f" (only at {', '.join(elsewhere)})" if elsewhere else ""
        return _cmap_unknown(f"CMAP: no stimulus of the {row.nerve} nerve at {place}{only}")
    measurement, proof = study
    choice = choose_limit(
        limits,
        nerve=row.nerve,
        muscle=muscle.name,
        measure=measurement.measure,
        quantity="amplitude_mv",
        subject=subject,
    )
    finding = cmap_amplitude(
        measurement, choice, proof, skin_c=skin_c, least_skin_c=_LEAST_SKIN_C[row.limb]
    )
    limited = permission is not None and permission.allowance is Allowance.LIMITED
    return Evidence(
        axis="lmn",
        family="L5",
        tier="B",
        state=finding.state,
        sentence=_cmap_sentence(finding, measurement),
        findings=(finding,),
        confounded_by=(f"{HARDWARE}: {permission.reason}",) if limited and permission else (),
    )


def limit_words(limit: Limit) -> str:
    """`limit ≥ 4.1, Buschbacher`, and unverified where it is."""
    author = limit.source.split(" ")[0].rstrip(",")
    doubt = "" if limit.verified else ", unverified"
    return f"limit {_SIGNS[limit.op]} {limit.value:g}, {author}{doubt}"


def _cmap_unknown(sentence: str) -> Evidence:
    return Evidence("lmn", "L5", "B", "unknown", sentence)


def _cmap_sentence(finding: Finding, measurement: Measurement) -> str:
    if measurement.state == "not_assessable":
        return "CMAP not assessable: " + "; ".join(measurement.reasons)
    count = int(measurement.values.get("sweep_count", 0))
    if measurement.state == "absent":
        floor = measurement.values["detection_floor_uv"]
        text = f"CMAP absent (below {floor:.0f} µV, {count} stimuli)"
    else:
        text = f"CMAP {finding.value:.1f} mV"
    if finding.limit is not None:
        text += f" ({limit_words(finding.limit)})"
    return "; ".join([text, *finding.reasons])
