"""What may be asked of any simulated patient, for whoever draws controls: no second list needed."""

from __future__ import annotations

from .anatomy import CORD, body_plan
from .descending import SUB_DIALS
from .tasks import EFFORTS, TASKS
from .technique import ERRORS
from .truth import Json


def choices() -> dict[str, Json]:
    """Muscles and sensory recordings (keys), nerves with the sites where each can be stimulated,
    tasks (`effort`: takes a level), parts of the UMN dial, and errors of technique with their
    range, unit in the name, and meaning."""
    plan = body_plan()
    sites: dict[str, set[str]] = {name: set() for name in plan.nerves}
    for muscle in plan.muscles.values():
        sites[muscle.nerve] |= set(muscle.site_mm) - {CORD}
    for recording in plan.sensory.values():
        sites[recording.nerve] |= set(recording.site_mm) - {CORD}
    return {
        "muscles": list(plan.muscle_keys),
        "sensory": list(plan.sensory_keys),
        "nerves": {name: list[Json](sorted(found)) for name, found in sites.items() if found},
        "sides": ["left", "right"],
        "tasks": [{"name": name, "effort": name in EFFORTS} for name in TASKS],
        "dial_parts": list(SUB_DIALS),
        "needle": {
            "actions": ["insert", "advance", "withdraw"],
            "electrodes": ["concentric", "monopolar"],
        },
        "technique": [
            {
                "name": name,
                "lowest": error.lowest,
                "highest": error.highest,
                "per_channel": error.per_channel,
                "meaning": error.meaning,
            }
            for name, error in ERRORS.items()
        ],
    }
