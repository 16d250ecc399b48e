"""Where a HackEEG sample lies in time: its micros() and its number as a step of the index.

The number rises by one per sample that the firmware *read*; micros() says when. A frame lost on the
wire moves both; a conversion that the firmware skipped, because its USB write blocked, moves only
micros(). The converter's oscillator differs from the nominal rate by up to 0.5 %, so its period is
measured while it runs, from means over fixed counts of accepted samples: nothing depends on how the
bytes were cut into reads, and no rounding adds up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]
Run = tuple[int, float, Words]
"""Index of the first of some consecutive samples, its elapsed µs, the micros() of all of them."""

JITTER: Final = 0.45
"""Largest believable distance of micros() from its place, in periods: neighbours that are each 20 %
off lie 0.4 apart, and beyond 0.5 one step could not be told from the next."""
START_DOUBT: Final = 6e-3
"""Relative doubt about the period before it was measured: the oscillator's tolerance and more."""
LEAST_DOUBT: Final = 2e-6
WRAP: Final = 2**32
_WINDOW: Final = 128  # the mean of so many stamps, each 20 % off, is good to 1 % of a period
_WINDOWS: Final = 256
_PENDING: Final = 4096  # the period is only needed where something is unusual
_TAIL: Final = 8


class Timeline:
    """The last accepted sample (`index`, `number`, `micros`), and the period measured so far."""

    def __init__(self, period_us: float, number: int, micros: int, host_s: float) -> None:
        self.period_us = period_us
        self.doubt = START_DOUBT
        self.index = -1
        self.number = (number - 1) % WRAP
        self.micros = micros
        self.host_s = host_s
        self._elapsed_us = 0.0  # of the last sample, since the first one; never wraps
        self._recent: deque[Run] = deque(maxlen=_TAIL)  # since the last gap: they tell the phase
        self._unmeasured: list[Run] = []  # not yet in a window: they tell the period
        self._waiting = 0
        self._centres: deque[tuple[float, float]] = deque(maxlen=_WINDOWS)

    def place(self, number: int, micros: int, host_s: float) -> tuple[int, float]:
        """(numbers since the last sample, µs by which this stamp is later than they account for).

        micros() wraps every 71.6 minutes; after a longer silence the host's clock tells how often.
        """
        self._measure()
        numbers = (number - self.number + WRAP // 2) % WRAP - WRAP // 2
        passed = (micros - self.micros) % WRAP
        silent_us = (host_s - self.host_s) * 1e6
        if passed > WRAP // 2 and silent_us < WRAP // 4:
            passed -= WRAP  # the clock went back
        else:
            passed += WRAP * max(0, round((silent_us - passed) / WRAP))
        return numbers, self._lag_us() + passed - numbers * self.period_us

    def slack_us(self, numbers: int) -> float:
        """How far a stamp may lie from its place `numbers` samples on, if none was skipped."""
        return self.period_us * (JITTER + abs(numbers) * self.doubt)

    def advance(self, step: int, number: int, micros: Words, host_s: float) -> None:
        """Accept consecutive samples, the first `step` after the last one, `number` of the last."""
        passed = 0.0
        if self.index >= 0:
            passed = float((int(micros[0]) - self.micros) % WRAP)
            passed += WRAP * max(0, round((step * self.period_us - passed) / WRAP))
            if step > 1:
                self._recent.clear()
        run = (self.index + step, self._elapsed_us + passed, micros)
        self._recent.append(run)
        self._unmeasured.append(run)
        self._waiting += len(micros)
        self.index += step + len(micros) - 1
        self._elapsed_us += passed + (int(micros[-1]) - int(micros[0])) % WRAP
        self.number = number
        self.micros = int(micros[-1])
        self.host_s = host_s
        if self._waiting >= _PENDING:
            self._measure()

    def _lag_us(self) -> float:
        """How much later than its place the last stamp was, by the median of the last few."""
        indices, stamps = _flat(self._recent)
        places = stamps[-_TAIL:] + (self.index - indices[-_TAIL:]) * self.period_us
        return self._elapsed_us - float(np.median(places))

    def _measure(self) -> None:
        """Period from the first to the last window of the recent past."""
        windows = self._waiting // _WINDOW
        if not windows:
            return
        indices, stamps = _flat(self._unmeasured)
        cut = windows * _WINDOW
        means = (part[:cut].reshape(windows, _WINDOW).mean(axis=1) for part in (indices, stamps))
        self._centres.extend(zip(*(part.tolist() for part in means), strict=True))
        self._waiting -= cut
        self._unmeasured = _last(self._unmeasured, self._waiting)
        span = self._centres[-1][0] - self._centres[0][0]
        if span > 0:
            self.period_us = (self._centres[-1][1] - self._centres[0][1]) / span
            self.doubt = max(LEAST_DOUBT, 0.1 / span)


def _flat(runs: Iterable[Run]) -> tuple[Floats, Floats]:
    """Index and elapsed µs of every sample of some runs."""
    indices = [first + np.arange(len(micros), dtype=np.float64) for first, _, micros in runs]
    stamps = [start + (micros - micros[0]).astype(np.float64) for _, start, micros in runs]
    return np.concatenate(indices), np.concatenate(stamps)


def _last(runs: list[Run], count: int) -> list[Run]:
    """The last `count` samples of some runs."""
    kept: list[Run] = []
    for first, start, micros in reversed(runs):
        if count <= 0:
            break
        skip = max(0, len(micros) - count)
        kept.append((first + skip, start + float(micros[skip] - micros[0]), micros[skip:]))
        count -= len(micros)
    return kept[::-1]
