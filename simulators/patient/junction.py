"""Neuromuscular transmission: decrement on repetition, facilitation and exhaustion by exercise.

One store of transmitter and one facilitation, as in the classical account of end-plate depression
(Desmedt; Elmqvist D, Quastel DM 1965, J Physiol 178:505; Magleby KL 1979, Fed Proc 38:2666). Each
impulse releases a share of what is at hand; the store refills within seconds and faster while it is
empty (mobilisation), so that a train falls to its lowest at the fourth or fifth response and then
levels or rises a little. What is released, and how many fibres that still excites, falls together.
"""

from __future__ import annotations

import math

from .cases import Junction

RELEASED = 0.22
REFILL_S = 6.0
MOBILISED_S = 0.55  # refill of the part that repetition has called up
MOBILISED_SHARE = 0.97
EXERCISE_BUILDS_S = 4.0
EXERCISE_FADES_S = 25.0
FAST_TRAIN_S = 0.06
EXHAUSTION_BUILDS_S = 60.0
EXHAUSTION_FADES_S = 150.0
EXHAUSTION_DEPTH = 0.6
LARGEST_LOSS = 0.98


def _depletion_after(pulses: int, interval_s: float) -> float:
    """Lack of transmitter at the last of a train of pulses into a rested junction."""
    quick = slow = 0.0
    for _ in range(pulses - 1):
        released = RELEASED * (1.0 - quick - slow)
        quick = (quick + MOBILISED_SHARE * released) * math.exp(-interval_s / MOBILISED_S)
        slow = (slow + (1.0 - MOBILISED_SHARE) * released) * math.exp(-interval_s / REFILL_S)
    return quick + slow


FOURTH_AT_3_HZ = _depletion_after(4, 1.0 / 3.0)


class NeuromuscularJunction:
    """All junctions of one muscle together; lives on the patient's seconds."""

    def __init__(self, junction: Junction) -> None:
        self.junction = junction
        self._quick = self._slow = 0.0
        self._facilitation = self._exhaustion = 0.0
        self._now_s = 0.0
        self._last_s = -math.inf

    def _pass_time(self, until_s: float) -> None:
        gone = max(until_s - self._now_s, 0.0)
        self._now_s = max(self._now_s, until_s)
        self._quick *= math.exp(-gone / MOBILISED_S)
        self._slow *= math.exp(-gone / REFILL_S)
        self._facilitation *= math.exp(-gone / EXERCISE_FADES_S)
        self._exhaustion *= math.exp(-gone / EXHAUSTION_FADES_S)

    def exercised(self, at_s: float, duration_s: float, effort: float) -> None:
        """The muscle worked for a while at a share of maximal effort."""
        self._pass_time(at_s)
        gain = effort * duration_s
        fresh, rested = 1.0 - self._facilitation, 1.0 - self._exhaustion
        self._facilitation += fresh * (1.0 - math.exp(-gain / EXERCISE_BUILDS_S))
        self._exhaustion += rested * (1.0 - math.exp(-gain / EXHAUSTION_BUILDS_S))

    def response(self, at_s: float) -> float:
        """Share of the full response that one nerve impulse at `at_s` still calls up; 1 in health.
        A fast train facilitates as exercise does."""
        self._pass_time(at_s)
        ill = self.junction
        interval_s, self._last_s = at_s - self._last_s, at_s
        if interval_s < FAST_TRAIN_S:
            step = 1.0 - math.exp(-interval_s / EXERCISE_BUILDS_S * 3.0)
            self._facilitation += (1.0 - self._facilitation) * step
        lack = (self._quick + self._slow) / FOURTH_AT_3_HZ
        decrement = ill.decrement * lack * (1.0 - 0.7 * self._facilitation)
        tired = EXHAUSTION_DEPTH * self._exhaustion * (1.0 - self._facilitation)
        decrement += ill.decrement * tired * (lack + 0.3)
        missing = ill.low_output * (1.0 - ill.facilitation * self._facilitation)
        released = RELEASED * (1.0 - self._quick - self._slow)
        self._quick += MOBILISED_SHARE * released
        self._slow += (1.0 - MOBILISED_SHARE) * released
        kept = (1.0 - min(missing, LARGEST_LOSS)) * (1.0 - min(decrement, LARGEST_LOSS))
        return max(kept, 1.0 - LARGEST_LOSS)
