"""What makes sweeps one row of the table, and where a sweep was taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.evidence.anatomy import anatomy, muscle_from_label
from service.model import Muscle

MOTOR = "motor_response"
_OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class RowKey:
    """Sweeps that may be averaged: the same measure, nerve, site, side, muscle and run."""

    measure: str
    nerve: str
    site: str
    side: str
    muscle: str
    run: int = 1

    @property
    def id(self) -> str:
        """`motor_response.left.median.wrist.APB.1`: readable, and fit for an address."""
        record = self.muscle.removeprefix(f"{self.side} ").replace(" ", "_")
        return ".".join((self.measure, self.side, self.nerve, self.site, record, str(self.run)))

    @property
    def step_id(self) -> str:
        """Of the step whose row this is, whatever the run."""
        return self.id.rpartition(".")[0]

    @classmethod
    def from_id(cls, row_id: str) -> RowKey:
        """The key again. Raises ValueError for what is no row's id."""
        parts = row_id.split(".")
        if len(parts) != 6 or not parts[5].isdigit():
            raise ValueError(f"{row_id!r} is not the id of a row")
        measure, side, nerve, site, record, run = parts
        return cls(
            measure, nerve, site, side, f"{side} {record.replace('_', ' ')}".strip(), int(run)
        )

    def same_study(self, other: RowKey) -> bool:
        """Whether both are runs of one study."""
        return (
            self.muscle == other.muscle
            and self.site == other.site
            and self.measure == other.measure
            and self.nerve == other.nerve
            and self.side == other.side
        )

    def on_other_side(self) -> RowKey:
        """The same study of the other side, first run."""
        side = _OTHER.get(self.side, self.side)
        record = self.muscle.removeprefix(f"{self.side} ")
        return replace(self, side=side, muscle=f"{side} {record}", run=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """Where and how a sweep was taken. muscle: `left APB`, `left median D2`, empty: not known.
    channel: assigned to it, empty: the one whose label is the muscle. refusal: why the device may
    not do this study, empty if it may."""

    measure: str = MOTOR
    nerve: str = ""
    site: str = ""
    side: str = ""
    muscle: str = ""
    channel: str = ""
    run: int = 1
    refusal: str = ""

    def key(self, muscle: str) -> RowKey:
        """The row of `muscle` in such a sweep."""
        return RowKey(self.measure, self.nerve, self.site, self.side, muscle, self.run)


def targets(taken: Taken, channels: tuple[str, ...]) -> list[tuple[str, int]]:
    """What to measure in a sweep, with the row of its channel: the muscle asked for first; of a
    motor sweep also every other muscle of the stimulated nerve that is recorded, the site's own
    before others."""
    first = []
    if taken.muscle:
        asked = channel_of(taken.muscle, channels, taken.channel)
        first = [] if asked is None else [(taken.muscle, asked)]
    if taken.measure != MOTOR or not taken.nerve:
        return first
    same = [
        (muscle, column)
        for column, muscle in enumerate(map(muscle_from_label, channels))
        if muscle is not None and _is_fed(muscle, taken)
    ]
    same.sort(key=lambda one: anatomy(one[0].name).distal_site != taken.site)
    found = dict(first)
    for muscle, column in same:
        if column not in found.values():
            found.setdefault(muscle.key, column)
    return list(found.items())


def channel_of(muscle: str, channels: tuple[str, ...], assigned: str = "") -> int | None:
    """The channel that records `muscle`: the one assigned, else the one labelled so (a sensory one
    also `left median D2 SNAP`)."""
    if assigned in channels:
        return channels.index(assigned)
    for column, label in enumerate(channels):
        named = muscle_from_label(label)
        if label.strip().removesuffix(" SNAP") == muscle or (
            named is not None and named.key == muscle
        ):
            return column
    return None


def _is_fed(muscle: Muscle, taken: Taken) -> bool:
    return anatomy(muscle.name).nerve == taken.nerve and muscle.side == taken.side
