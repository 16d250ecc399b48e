"""What is told of a patient: who it is, and what each muscle did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .activity import Activity
from .cases import Case
from .leads import Lead
from .muscle import Muscle
from .subject import Person
from .truth import Firings, Json, TruthLog


def described(
    case: Case, person: Person, leads: Sequence[Lead], muscles: Mapping[str, Muscle]
) -> dict[str, Json]:
    """Who this is, which muscle is on which channel, and the dials. person: as warm as now."""
    channel = {lead.muscle: lead.channel for lead in leads}
    return {
        "patient": case.name,
        "code": case.code,
        "title": case.title,
        "age_years": person.age_years,
        "sex": person.sex,
        "height_cm": person.height_cm,
        "simulated": True,
        "hand_temperature_c": person.hand_temperature_c,
        "foot_temperature_c": person.foot_temperature_c,
        "montage": {str(lead.channel): lead.muscle for lead in leads},
        "muscles": [
            {
                "muscle": key,
                "name": muscle.anatomy.name,
                "side": muscle.side,
                "nerve": muscle.anatomy.nerve,
                "channel": channel.get(key),
                "units": int(muscle.alive.sum()),
            }
            for key, muscle in muscles.items()
        ],
        "dials": {
            key: {"umn": muscle.umn_goal, "lmn": muscle.lmn_goal} for key, muscle in muscles.items()
        },
    }


def tell_activity(log: TruthLog, key: str, activity: Activity, rate_hz: float) -> None:
    """Log what one muscle did in one time step."""
    log.firings(Firings(key, activity.units, activity.times_s * rate_hz))
    for event in activity.fasciculations:
        log.event(
            "fasciculations",
            event.at_s * rate_hz,
            muscle=key,
            unit=event.unit,
            doublet_ms=1e3 * event.doublet_s,
        )
    for response in activity.responses:
        log.event(
            response.kind,
            response.at_s * rate_hz,
            muscle=key,
            units=response.units.tolist(),
            delays_ms=[round(1e3 * (t - response.at_s), 4) for t in response.times_s.tolist()],
            **response.details,
        )
    for at_s in activity.beats_s:
        log.event("clonus_beats", at_s * rate_hz, muscle=key)
