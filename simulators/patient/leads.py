"""What lies under the electrodes of each channel."""

from __future__ import annotations

from dataclasses import dataclass

from .anatomy import body_plan, split_key
from .needle.lead import PREFIX as NEEDLE

TRANSDUCERS = ("force ", "angle ")


@dataclass(frozen=True, slots=True)
class Lead:
    """One channel: what lies under its electrodes, a muscle (`left FDI`), a sensory recording
    (`left sural SNAP`), a needle (`needle left FDI`), the force of a muscle (`force left FDI`) or
    the joint that stretches it (`angle left BB`), or None for an unused input."""

    channel: int
    muscle: str | None


def muscle_under(lead: str | None) -> str | None:
    """The muscle or sensory recording that a lead shows something of."""
    for prefix in (NEEDLE, *TRANSDUCERS):
        if lead is not None and lead.startswith(prefix):
            return lead[len(prefix) :]
    return lead


def check_lead(lead: Lead) -> None:
    """Raises ValueError for a lead on something that nobody has."""
    plan = body_plan()
    known = (*plan.muscle_keys, *plan.sensory_keys)
    if lead.muscle is not None and muscle_under(lead.muscle) not in known:
        raise ValueError(
            f"channel {lead.channel} is on '{lead.muscle}', but a lead lies on one of "
            f"{', '.join(known)}"
        )


def heart_uv(lead: Lead) -> float:
    """Height of the QRS complex that a lead shows, µV; 0 on all but surface leads of muscles."""
    if lead.muscle not in body_plan().muscle_keys:
        return 0.0
    return body_plan().muscles[split_key(lead.muscle)[1]].heart_uv
