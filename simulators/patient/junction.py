"""Neuromuscular transmission: decrement on repetition, facilitation and exhaustion by exercise.

One store of transmitter and one facilitation, as in the classical account of end-plate depression
(Desmedt; Elmqvist D, Quastel DM 1965, J Physiol 178:505; Magleby KL 1979, Fed Proc 38:2666). Each
impulse releases a share of what is at hand; the store refills within seconds and faster while it is
empty (mobilisation), so that a train falls to its lowest at the fourth or fifth response and then
levels or rises a little. What is released, and how many fibres that still excites, falls together.

Every impulse that comes down an axon passes here: a shock's and the F-wave, reflex or magnetic
response after it, and voluntary discharges, each of which finds what its own unit's last ones have
left. That is why efforts are weak, tire or (Lambert-Eaton) gain strength at first, and why a unit's
potential falls while it fires (Harvey AM, Masland RL 1941, Bull Johns Hopkins Hosp 68:81; Lambert
EH, Eaton LM, Rooke ED 1956, Am J Physiol 187:612; Stalberg E, Trontelj JV, Single Fiber
Electromyography: blocking grows with the discharge rate; all three from memory). At voluntary
rates release is helped by what calcium the impulse before left behind, so that the lack is reckoned
no deeper than in a train of 3 Hz, which shows the largest decrement (AANEM 2001; Magleby 1979).
"""

from __future__ import annotations

import math

import numpy as np

from .cases import Junction
from .front_end import FloatArray
from .pool import IntArray

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
    """The junctions of one muscle; lives on the patient's seconds.

    working: (n_units,) share of each unit's fibres that answered its last discharge; 1 in health.
    """

    def __init__(self, junction: Junction, units: int) -> None:
        self.junction = junction
        self.working = np.ones(units)
        self._own = np.zeros(units)
        self._own_s = np.zeros(units)
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
        interval_s, self._last_s = at_s - self._last_s, at_s
        if interval_s < FAST_TRAIN_S:
            step = 1.0 - math.exp(-interval_s / EXERCISE_BUILDS_S * 3.0)
            self._facilitation += (1.0 - self._facilitation) * step
        kept = self._kept(np.array(self._quick + self._slow))
        released = RELEASED * (1.0 - self._quick - self._slow)
        self._quick += MOBILISED_SHARE * released
        self._slow += (1.0 - MOBILISED_SHARE) * released
        return float(kept)

    def _kept(self, empty: FloatArray) -> FloatArray:
        """Share of the fibres that answer where this part of the transmitter is missing."""
        ill, lack = self.junction, empty / FOURTH_AT_3_HZ
        decrement = ill.decrement * lack * (1.0 - 0.7 * self._facilitation)
        tired = EXHAUSTION_DEPTH * self._exhaustion * (1.0 - self._facilitation)
        decrement = decrement + ill.decrement * tired * (lack + 0.3)
        missing = ill.low_output * (1.0 - ill.facilitation * self._facilitation)
        kept = (1.0 - min(missing, LARGEST_LOSS)) * (1.0 - np.minimum(decrement, LARGEST_LOSS))
        return np.asarray(np.maximum(kept, 1.0 - LARGEST_LOSS))

    def later(self, times_s: FloatArray) -> FloatArray | None:
        """Share of its fibres that each discharge calls up which comes back some time after the
        last pulse (an F-wave); None in health. The few units that return take nothing from the
        others."""
        if not self.ill:
            return None
        gone = np.maximum(times_s - self._now_s, 0.0)
        quick = self._quick * np.exp(-gone / MOBILISED_S)
        return self._kept(quick + self._slow * np.exp(-gone / REFILL_S))

    def discharged(self, units: IntArray, times_s: FloatArray) -> FloatArray | None:
        """Share of its fibres that each discharge from the cord calls up, in any order; None in
        health. Every unit goes by what its own discharges have left, and the shocks before."""
        if not self.ill:
            return None
        shares = np.ones(units.size)
        in_order = np.lexsort((times_s, units))
        ranked = units[in_order]
        turn = np.arange(units.size) - np.searchsorted(ranked, ranked)  # how many before it
        for number in range(int(turn.max(initial=-1)) + 1):
            now = in_order[turn == number]
            who, at_s = units[now], times_s[now]
            left = self._own[who] * np.exp(-(at_s - self._own_s[who]) / MOBILISED_S)
            empty = np.minimum(left + self._quick + self._slow, FOURTH_AT_3_HZ)
            shares[now] = self.working[who] = self._kept(empty)
            self._own[who] = left + MOBILISED_SHARE * RELEASED * (1.0 - left)
            self._own_s[who] = at_s
        return shares

    @property
    def ill(self) -> bool:
        """Whether transmission can fail at all."""
        return max(self.junction.decrement, self.junction.low_output) > 0.0
