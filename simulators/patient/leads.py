"""What lies under the electrodes of each channel."""

from __future__ import annotations

from dataclasses import dataclass

from .anatomy import body_plan
from .needle.lead import muscle_of


@dataclass(frozen=True, slots=True)
class Lead:
    """One channel: what lies under its electrodes, a muscle (`left FDI`), a sensory recording
    (`left sural SNAP`) or a needle (`needle left FDI`), or None for an unused input."""

    channel: int
    muscle: str | None


def check_lead(lead: Lead) -> None:
    """Raises ValueError for a lead on something that nobody has."""
    plan = body_plan()
    known = (*plan.muscle_keys, *plan.sensory_keys)
    if lead.muscle is not None and (muscle_of(lead.muscle) or lead.muscle) not in known:
        raise ValueError(
            f"channel {lead.channel} is on '{lead.muscle}', but a lead lies on one of "
            f"{', '.join(known)}"
        )
