"""What lies under the electrodes of each channel."""

from __future__ import annotations

from dataclasses import dataclass

from .anatomy import body_plan
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
