"""The motor studies that a montage suggests: nerve, site, side, muscle, in the order of doing."""

from __future__ import annotations

from dataclasses import dataclass

from service.evidence.anatomy import anatomy

from .interlock import Placement
from .montage import Montage

# a second, proximal site for the muscles of the hand: conduction along the forearm
PROXIMAL_SITE = {"median": "elbow", "ulnar": "below_elbow"}
SITE_WORDS = {"below_elbow": "below elbow", "erb": "Erb's point"}


@dataclass(frozen=True, slots=True)
class Step:
    """One study of the list; `id` is its place in words."""

    id: str
    label: str
    placement: Placement


def steps_for(montage: Montage) -> tuple[Step, ...]:
    """Distal site of each muscle, and the proximal one where the distal is the wrist."""
    steps = []
    for muscle in montage.muscles:
        row = anatomy(muscle.name)
        sites = [row.distal_site]
        if row.distal_site == "wrist" and row.nerve in PROXIMAL_SITE:
            sites.append(PROXIMAL_SITE[row.nerve])
        for site in sites:
            placement = Placement(row.nerve, site, muscle.side, muscle.key)
            words = SITE_WORDS.get(site, site)
            steps.append(
                Step(
                    f"{row.nerve}-{site}-{muscle.side}-{muscle.name}",
                    f"{row.nerve.capitalize()} motor, {words}, {muscle.key}",
                    placement,
                )
            )
    return tuple(steps)
