"""Where the stimulating electrodes lie, and which pulse a step starts with there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from drivers.config import StimulatorLimits
from drivers.types import Pulse


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the stimulating electrodes lie and which muscle is watched; empty words: not chosen."""

    nerve: str = ""
    site: str = ""
    side: str = ""
    muscle: str = ""


@dataclass(frozen=True, slots=True)
class StepPulse:
    """What a step brings to its placement: its id, and its usual pulse width in µs. Two steps may
    share a placement. width_us None: the step names none, the width stays as it is."""

    step: str = ""
    width_us: float | None = None


NO_STEP = StepPulse()


def first_pulse(
    before: Pulse, own: StepPulse, limits: StimulatorLimits, *, moved: bool, stated: bool
) -> Pulse:
    """The pulse that another step starts with, of the usual width of that step, as far as
    `limits` allow it.

    moved: at another nerve or side, so from the lowest current. Else the current stays, but never
    does more than it did: a wider pulse has its current lowered to the same charge, rounded down
    to whole mA (the charge that excites a nerve rises with the width, so it excites less, not more:
    Weiss, Arch Ital Biol 1901). stated: the width is that of a front panel, which nothing here
    sets.
    """
    width_us = before.width_us
    if own.width_us is not None and not stated:
        width_us = min(own.width_us, limits.max_us)
    if moved:
        return Pulse(limits.start_ma, width_us)
    if width_us <= before.width_us:
        return Pulse(before.current_ma, width_us)
    same_charge_ma = before.current_ma * before.width_us / width_us
    return Pulse(float(floor(same_charge_ma + 1e-6)), width_us)


def step_words(before: Pulse, after: Pulse) -> str:
    """That the step changed, and with it the pulse, if it did."""
    if after.width_us == before.width_us:
        return "the step changed"
    words = f"the step changed: its own {after.width_us:g} µs"
    if after.current_ma >= before.current_ma or after.current_ma == 0.0:
        return words
    return f"{words}, {after.current_ma:g} mA instead of {before.current_ma:g} mA: the same charge"
