"""The board's short packet number → sample index, with the losses the number alone cannot show.

Pure: no port, no clock; host times are passed in. A number modulo 256 shows a loss of 5 packets and
hides one of 256. What it hides, time shows: an outage of 30 s is counted exactly while the board's
rate is known to 0.2 %. A packet has no checksum, so a number may also be wrong: one that could only
be true if a whole turn of the counter had been lost in no time is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

_HOLD_S: Final = 0.3  # a backlog has drained by then; what is still missing is lost
_JITTER_S: Final = 0.25  # how far arrival may run ahead of the sample rate
_LEARN_S: Final = 30.0  # before this, the nominal rate is better than a measured one
_RATE_TOLERANCE: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """What became of the oldest `len(keep)` packets fed. keep: whether each is a sample; indices:
    sample index of each one kept, rising, 0 for the first ever."""

    keep: npt.NDArray[np.bool_]
    indices: npt.NDArray[np.int64]


class CounterUnwrap:
    """Follows one streaming run. modulus: of the number; rate_hz: nominal, of the packets."""

    def __init__(self, modulus: int, rate_hz: float) -> None:
        self._modulus = modulus
        self._nominal_hz = rate_hz
        self._numbers: list[int] = []  # not decided yet
        self._times: list[float] = []
        self._index = -1  # of the last packet kept
        self._number = 0
        self._time_s = 0.0
        self._first_s: float | None = None
        self.first_number: int | None = None

    def feed(self, numbers: npt.NDArray[np.int64], received_s: float) -> Placement:
        """Packets in the order received, together at host time `received_s` (none is allowed).

        Decides as many packets as can be decided: the newest ones may wait for the next call.
        """
        self._numbers += numbers.tolist()
        self._times += [received_s] * len(numbers)
        if self._first_s is None and self._numbers:
            # The first packet of a run is index 0 whatever its number.
            self._first_s = self._time_s = received_s
            self.first_number = self._numbers[0]
            self._number = (self._numbers[0] - 1) % self._modulus
        if not self._numbers:
            return _NOTHING
        if self._runs_on():
            return self._take_all()
        return self._decide(received_s)

    def _runs_on(self) -> bool:
        """Whether every packet follows the one before and none can have been lost unseen."""
        steps = np.diff([self._number, *self._numbers]) % self._modulus
        late = self._expected(self._times[-1]) - len(self._numbers)
        return bool((steps == 1).all()) and late < self._modulus / 2

    def _take_all(self) -> Placement:
        count = len(self._numbers)
        indices = np.arange(self._index + 1, self._index + 1 + count)
        self._number, self._time_s = self._numbers[-1], self._times[-1]
        self._index += count
        self._numbers, self._times = [], []
        return Placement(np.ones(count, bool), indices)

    def _expected(self, at_s: float) -> float:
        """Packets the board has sent since the last one kept."""
        return (at_s - self._time_s) * self._rate_hz()

    def _rate_hz(self) -> float:
        elapsed_s = self._time_s - (self._first_s or 0.0)
        if elapsed_s < _LEARN_S:
            return self._nominal_hz
        lowest, highest = (self._nominal_hz * (1 + d) for d in (-_RATE_TOLERANCE, _RATE_TOLERANCE))
        return min(max(self._index / elapsed_s, lowest), highest)

    def _decide(self, now_s: float) -> Placement:
        """The way for anything unusual, packet by packet."""
        waited_s = now_s - self._times[0]
        keep, advances = self._judge(waited_s >= _HOLD_S)
        turns = self._hidden_turns(len(keep), sum(advances))
        if turns and waited_s < _HOLD_S:
            return _NOTHING
        if advances and turns:
            # Time was lost before the first of these packets came.
            advances[0] += turns * self._modulus
        indices = self._index + np.cumsum(advances, dtype=np.int64)
        if advances:
            last = int(np.flatnonzero(keep)[-1])
            self._number, self._time_s = self._numbers[last], self._times[last]
            self._index = int(indices[-1])
        del self._numbers[: len(keep)], self._times[: len(keep)]
        return Placement(np.array(keep, bool), indices)

    def _judge(self, waited: bool) -> tuple[list[bool], list[int]]:
        """Of the packets that can be judged: whether each is kept, and by how much each kept one
        advances the index, by its number. The newest waits for the next one, or until `waited`."""
        keep: list[bool] = []
        advances: list[int] = []
        number, ahead = self._number, 0
        for i, this in enumerate(self._numbers):
            step = (this - number) % self._modulus or self._modulus
            if step != 1:
                if i + 1 == len(self._numbers) and not waited:
                    break
                if self._is_false(i, number, ahead + step):
                    keep.append(False)
                    continue
            keep.append(True)
            advances.append(step)
            number, ahead = this, ahead + step
        return keep, advances

    def _is_false(self, i: int, number: int, advance: int) -> bool:
        """Whether the number of packet i cannot be: it is ahead of time, or believing both it and
        the next would take one turn of the counter more than leaving it out."""
        modulus = self._modulus
        in_time = self._expected(self._times[i]) + _JITTER_S * self._nominal_hz
        if advance > in_time:
            return True
        if i + 1 == len(self._numbers):
            return False
        step = (self._numbers[i] - number) % modulus or modulus
        following = (self._numbers[i + 1] - self._numbers[i]) % modulus or modulus
        without = (self._numbers[i + 1] - number) % modulus or modulus
        return step + following != without and advance + following > in_time

    def _hidden_turns(self, judged: int, advance: int) -> int:
        """Whole turns of the counter by which time is ahead of the numbers."""
        if judged == 0:
            return 0
        late = self._expected(self._times[judged - 1]) - advance
        return max(0, round(late / self._modulus))


_NOTHING: Final = Placement(np.zeros(0, bool), np.zeros(0, np.int64))
