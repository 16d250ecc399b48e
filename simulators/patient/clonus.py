"""Clonus: the oscillation of a stretched limb, and how strongly a muscle joins in.

Source: Mummidisetty CK et al. 2012, J Neurosci Methods 204:35 (regular beats of 4-8 Hz after spinal
cord injury).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .effects import effect
from .joint import CLONUS_EVERY_S, CLONUS_LASTS_S

REFLEX_DELAY_S = 0.06


@dataclass(frozen=True, slots=True)
class Beat:
    """One clonic oscillation of the limb: its time, and its number within the stretch."""

    at_s: float
    number: int


class ClonusClock:
    """The mechanical oscillation of a stretched limb; each muscle decides how strongly it answers.

    The examiner stretches for 7 s, lets go for 1 s, and stretches again, as long as the task lasts.
    """

    def __init__(self, rng: np.random.Generator, frequency_hz: float) -> None:
        self._rng = rng
        self.frequency_hz = float(np.clip(frequency_hz, 4.5, 7.5))
        self._began_s: float | None = None
        self._next = Beat(0.0, 0)

    def beats(self, start_s: float, end_s: float, stretching: bool) -> list[Beat]:
        """Beats in [start_s, end_s)."""
        if not stretching:
            self._began_s = None
            return []
        if self._began_s is None or start_s >= self._began_s + CLONUS_EVERY_S - 1e-9:
            self._began_s = start_s
            self._next = Beat(start_s + REFLEX_DELAY_S, 0)
        found: list[Beat] = []
        while self._next.at_s < min(end_s, self._began_s + CLONUS_LASTS_S):
            found.append(self._next)
            scatter = 1.0 + effect("clonus.period_cv") * self._rng.standard_normal()
            period = np.clip(scatter, 0.85, 1.15) / self.frequency_hz
            self._next = Beat(self._next.at_s + float(period), self._next.number + 1)
        return found


def clonus_share(reflex: float, beat_number: int) -> float:
    """Share of the excitation range that a beat reaches in a muscle; 0 is silence.

    It decays over the beats of a stretch, the slower the higher the reflex dial, and not at all
    from `clonus.sustained`.
    """
    threshold, sustained = effect("clonus.threshold"), effect("clonus.sustained")
    if reflex < threshold:
        return 0.0
    depth = min((reflex - threshold) / (1.0 - threshold), 1.0)
    first = effect("clonus.gain") * (0.4 + 0.6 * depth)
    if reflex >= sustained:
        return first
    beats = 3.0 + 30.0 * ((reflex - threshold) / (sustained - threshold)) ** 2
    share = first * float(np.exp(-beat_number / beats))
    return share if share >= 0.08 else 0.0
