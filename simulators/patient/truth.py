"""What really happened, kept for the last ten minutes, on the patient's own sample count."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from .front_end import FloatArray
from .pool import IntArray

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
KEPT_S = 600.0
EVENTS = (
    "fasciculations",
    "clonus_beats",
    "stimuli",
    "f_waves",
    "a_waves",
    "h_reflexes",
    "taps",
    "t_reflexes",
    "magnetic_pulses",
    "meps",
    "needle_events",
)


@dataclass(frozen=True, slots=True, eq=False)
class Firings:
    """Discharges of one muscle in one time step, as fractional samples since power-on."""

    muscle: str
    units: IntArray
    samples: FloatArray


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else that happened at one sample: `details` is what `truth` answers."""

    kind: str
    sample: float
    details: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Course:
    """One point of a quantity that changes: `force_percent` (one value) or `angle_deg` (angle and
    velocity), of one muscle at one sample."""

    kind: str
    muscle: str
    sample: float
    values: tuple[float, ...]


class TruthLog:
    """Firings and events of the last ten minutes; settings (dials, task) are kept as changes."""

    def __init__(self, rate_hz: float) -> None:
        self._kept = KEPT_S * rate_hz
        self._firings: deque[Firings] = deque()
        self._events: deque[Event] = deque()
        self._courses: deque[Course] = deque()
        self._settings: list[Event] = []

    def firings(self, firings: Firings) -> None:
        """Add the discharges of one step."""
        if firings.units.size:
            self._firings.append(firings)

    def course(self, point: Course) -> None:
        """Add one point of a course."""
        self._courses.append(point)

    def event(self, kind: str, sample: float, **details: Json) -> None:
        """Add one event."""
        self._events.append(Event(kind, sample, details))

    def setting(self, kind: str, sample: float, **details: Json) -> None:
        """Add one change of a setting."""
        self._settings.append(Event(kind, sample, details))

    def forget(self, now: float) -> None:
        """Drop what is older than ten minutes before sample `now`; the setting in force stays."""
        horizon = now - self._kept
        while self._firings and self._firings[0].samples[-1] < horizon:
            self._firings.popleft()
        while self._events and self._events[0].sample < horizon:
            self._events.popleft()
        while self._courses and self._courses[0].sample < horizon:
            self._courses.popleft()
        if len(self._settings) > 10_000:
            del self._settings[:5_000]

    def between(
        self, first: float, last: float, origin: float, *, brief: bool = False
    ) -> dict[str, Json]:
        """Truth of samples [first, last) since power-on, told as samples since `origin`. Settings
        are all changes up to `last`, so that the one in force at `first` is among them. brief:
        without firings and courses, which are most of it."""
        fired: dict[str, dict[str, list[Json]]] = {}
        for firings in () if brief else self._firings:
            inside = (firings.samples >= first) & (firings.samples < last)
            for unit, sample in zip(
                firings.units[inside].tolist(), firings.samples[inside].tolist(), strict=True
            ):
                fired.setdefault(firings.muscle, {}).setdefault(str(unit), []).append(
                    sample - origin
                )
        answer: dict[str, Json] = {"firings": {m: dict(units) for m, units in fired.items()}}
        for kind in EVENTS:
            answer[kind] = [
                {"sample": event.sample - origin, **event.details}
                for event in self._events
                if event.kind == kind and first <= event.sample < last
            ]
        for kind in () if brief else ("force_percent", "angle_deg"):
            answer[kind] = self._course(kind, first, last, origin)
        for kind in ("dials", "task", "technique", "montage", "needles"):
            answer[kind] = [
                {"sample": event.sample - origin, **event.details}
                for event in self._settings
                if event.kind == kind and event.sample < last
            ]
        return answer

    def _course(self, kind: str, first: float, last: float, origin: float) -> dict[str, Json]:
        """Muscle -> [sample, value, …] of every point inside."""
        found: dict[str, list[Json]] = {}
        for point in self._courses:
            if point.kind == kind and first <= point.sample < last:
                row: list[Json] = [point.sample - origin, *point.values]
                found.setdefault(point.muscle, []).append(row)
        return dict(found)
