"""A declared train: many pulses for one arming, with count, rate and ceiling said beforehand.

Pure: told the time, it answers whether a pulse is due and at what current. Any key, the footswitch
let go, or STOP ends it; what was recorded stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.config import TrainLimit

WORDS: Mapping[str, str] = {
    "f": "F-waves", "h": "H-reflex curve", "rns": "repetitive stimulation", "scan": "CMAP scan",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declared:
    """What the operator was shown when arming. `to_ma`: current of the last pulse; None keeps the
    current of the first one throughout."""

    kind: str
    count: int
    rate_hz: float
    to_ma: float | None = None


def train_problem(
    declared: Declared, limits: Mapping[str, TrainLimit], from_ma: float, fixed: bool = False
) -> str:
    """One sentence why a train may not be declared; empty if it may. fixed: the current is set on
    the stimulator's front panel, so no train can change it."""
    limit = limits.get(declared.kind)
    if limit is None:
        return f"there is no train '{declared.kind}'; expected one of {', '.join(limits)}"
    if not 1 <= declared.count <= limit.max_count:
        return (
            f"{declared.count} pulses are outside 1 to {limit.max_count} for {WORDS[declared.kind]}"
        )
    if not 0 < declared.rate_hz <= limit.max_rate_hz:
        return (
            f"{declared.rate_hz:g} Hz is not above 0 and up to {limit.max_rate_hz:g} Hz for "
            f"{WORDS[declared.kind]}"
        )
    if fixed and declared.to_ma not in (None, from_ma):
        return (
            f"{WORDS[declared.kind]} with a changing current needs a stimulator whose current is "
            "set from here; this one's is set on its front panel"
        )
    if declared.to_ma is not None and not 0 <= declared.to_ma <= from_ma:
        return (
            f"a train only goes down from its first current: {declared.to_ma:g} mA is outside 0 to "
            f"{from_ma:g} mA"
        )
    return ""


class Train:
    """One declared train under way. `begun` by the first press; ends by itself at its count."""

    def __init__(self, declared: Declared, ceiling_ma: float) -> None:
        self.declared = declared
        self.ceiling_ma = ceiling_ma
        self.sent = 0
        self._next_s: float | None = None

    @property
    def begun(self) -> bool:
        """True from the press on that started it."""
        return self._next_s is not None

    @property
    def done(self) -> bool:
        """True when all its pulses were sent."""
        return self.sent >= self.declared.count

    @property
    def words(self) -> str:
        """For the page: what was declared and how far it is."""
        last_ma = self.declared.to_ma
        current = f"{self.ceiling_ma:g}" if last_ma is None else f"{self.ceiling_ma:g}-{last_ma:g}"
        return (
            f"{WORDS[self.declared.kind]}: {self.sent} of {self.declared.count} pulses, "
            f"{self.declared.rate_hz:g} Hz, {current} mA"
        )

    def begin(self, now_s: float) -> None:
        """The press: the first pulse is due now."""
        self._next_s = now_s

    def due(self, now_s: float) -> bool:
        """Whether the next pulse is to be sent now."""
        return self._next_s is not None and not self.done and now_s >= self._next_s

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next pulse is due; infinite before the press and after the last."""
        if self._next_s is None or self.done:
            return math.inf
        return max(0.0, self._next_s - now_s)

    def current_ma(self) -> float:
        """Current of the next pulse: down in equal steps from the ceiling to `to_ma`."""
        last_ma = self.declared.to_ma
        if last_ma is None or self.declared.count == 1:
            return self.ceiling_ma
        share = self.sent / (self.declared.count - 1)
        return round(self.ceiling_ma + share * (last_ma - self.ceiling_ma), 3)

    def counted(self, now_s: float) -> None:
        """A pulse left. The next is due one period after this one, never sooner: a late pulse is
        not caught up with."""
        self.sent += 1
        self._next_s = now_s + 1.0 / self.declared.rate_hz
