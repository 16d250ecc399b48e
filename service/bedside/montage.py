"""Which amplifier channel lies over which muscle."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.types import StreamInfo
from service.evidence.anatomy import COHERENCE_PAIRS, muscle_from_label
from service.model import Muscle


@dataclass(frozen=True, slots=True)
class MontageLead:
    """One channel, by its label, and the muscle under its electrodes."""

    channel_label: str
    muscle: Muscle


@dataclass(frozen=True, slots=True)
class Montage:
    """The leads of one study, in channel order; a muscle or a label appears once."""

    leads: tuple[MontageLead, ...]

    def __post_init__(self) -> None:
        for what in ([lead.channel_label for lead in self.leads], [m.key for m in self.muscles]):
            twice = {name for name in what if what.count(name) > 1}
            if twice:
                raise ValueError(f"montage: {', '.join(sorted(twice))} appears more than once")

    @property
    def muscles(self) -> tuple[Muscle, ...]:
        """The muscles, in channel order."""
        return tuple(lead.muscle for lead in self.leads)

    def muscle_of(self, channel_label: str) -> Muscle | None:
        """The muscle under a channel, None if the channel is no lead."""
        for lead in self.leads:
            if lead.channel_label == channel_label:
                return lead.muscle
        return None

    def channel_of(self, muscle: Muscle) -> str | None:
        """The label of the channel over a muscle, None if it is not recorded."""
        for lead in self.leads:
            if lead.muscle == muscle:
                return lead.channel_label
        return None

    def coherence_pairs(self) -> tuple[tuple[Muscle, Muscle], ...]:
        """The pairs of one limb that this montage records for intermuscular coherence."""
        recorded = set(self.muscles)
        sides = dict.fromkeys(muscle.side for muscle in self.muscles)
        pairs = [
            (Muscle(first, side), Muscle(second, side))
            for side in sides
            for first, second in COHERENCE_PAIRS
        ]
        return tuple(pair for pair in pairs if recorded.issuperset(pair))


def default_montage(stream: StreamInfo) -> Montage:
    """The montage that a stream's own channel labels name: `left FDI` is a lead, `IN7` is not."""
    named = [(channel.label, muscle_from_label(channel.label)) for channel in stream.channels]
    leads = [MontageLead(label, muscle) for label, muscle in named if muscle is not None]
    return Montage(tuple(leads))
