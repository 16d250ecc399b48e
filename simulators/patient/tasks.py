"""What a patient is asked to do, and how the effort for it runs over time."""

from __future__ import annotations

from dataclasses import dataclass

TASKS = ("rest", "hold", "maximal", "ramp", "posture", "stretch", "poor_relaxation")
EFFORTS = ("hold", "maximal", "ramp", "posture")
RAMP_S = 10.0
FASTEST_STRETCH_DEG_S = 500.0
LONGEST_RAMP_S = 300.0


@dataclass(frozen=True, slots=True)
class Task:
    """One task. level: share of maximal effort (a ramp's peak). muscle: the only one asked, such as
    `left BB`; None: all. velocity_deg_s: of a `stretch`; None: as fast as the examiner can, and
    held, to find clonus. seconds: a ramp's way up, and again its way down. began_s: since
    power-on."""

    name: str
    level: float = 0.0
    muscle: str | None = None
    velocity_deg_s: float | None = None
    seconds: float = RAMP_S
    began_s: float = 0.0

    @classmethod
    def checked(
        cls,
        name: str,
        level: float,
        muscle: str | None = None,
        velocity_deg_s: float | None = None,
        seconds: float | None = None,
    ) -> Task:
        """A task that makes sense. Raises ValueError for an unknown name, a level outside 0-1, or
        a velocity or duration out of range or of another task."""
        if name not in TASKS:
            raise ValueError(f"task '{name}' is unknown; choose one of {', '.join(TASKS)}")
        if not 0.0 <= level <= 1.0:
            raise ValueError(f"level must lie between 0 and 1, not {level}")
        for word, value, owner, highest in (
            ("velocity_deg_s", velocity_deg_s, "stretch", FASTEST_STRETCH_DEG_S),
            ("seconds", seconds, "ramp", LONGEST_RAMP_S),
        ):
            if value is not None and name != owner:
                raise ValueError(f"{word} belongs to the task '{owner}', not to '{name}'")
            if value is not None and not 1.0 <= value <= highest:
                raise ValueError(f"{word} must lie between 1 and {highest:g}, not {value:g}")
        return cls(name, level, muscle, velocity_deg_s, RAMP_S if seconds is None else seconds)

    def level_at(self, time_s: float) -> float:
        """Effort asked for at a time since power-on, as a share of maximal."""
        if self.name not in EFFORTS:
            return 0.0
        if self.name == "maximal":
            return 1.0
        if self.name == "ramp":
            since = (time_s - self.began_s) / self.seconds
            return self.level * max(0.0, min(since, 2.0 - since))
        return self.level
