"""The true sample rate of a stream, from when its blocks arrive.

A block can come late, never early. So each second keeps only its earliest arrival against the
nominal rate, and the rate is the slope between the first and the last of those, up to a minute
apart: bursts and scheduling delays fall out.
"""

from __future__ import annotations

from collections import deque

SETTLE_S = 5.0
WINDOW_S = 60.0
TOLERANCE = 0.005


class RateMeter:
    """Measured rate of one stream in one epoch."""

    def __init__(self, nominal_hz: float) -> None:
        self.nominal_hz = nominal_hz
        self._earliest: deque[tuple[float, int]] = deque(maxlen=int(WINDOW_S) + 1)
        self._second_s: float | None = None
        self._best: tuple[float, int] | None = None

    def add(self, received_s: float, end_index: int) -> None:
        """A block ending before `end_index` arrived at `received_s`."""
        if self._second_s is None or received_s >= self._second_s + 1.0:
            if self._best is not None:
                self._earliest.append(self._best)
            self._second_s, self._best = received_s, None
        if self._best is None or self._lateness(received_s, end_index) < self._lateness(
            *self._best
        ):
            self._best = (received_s, end_index)

    @property
    def rate_hz(self) -> float | None:
        """Samples per second of this machine's clock; None until 5 s were seen."""
        if len(self._earliest) < 2:
            return None
        (first_s, first), (last_s, last) = self._earliest[0], self._earliest[-1]
        if last_s - first_s < SETTLE_S:
            return None
        return (last - first) / (last_s - first_s)

    @property
    def sentence(self) -> str:
        """What is wrong with the rate; empty if nothing is (0.5 %) or it is not known yet."""
        rate_hz = self.rate_hz
        if rate_hz is None or abs(rate_hz / self.nominal_hz - 1.0) <= TOLERANCE:
            return ""
        percent = 100.0 * (rate_hz / self.nominal_hz - 1.0)
        return (
            f"the device sends {rate_hz:.1f} samples a second instead of {self.nominal_hz:g} "
            f"({percent:+.1f} %); times measured on it are not to be trusted"
        )

    def _lateness(self, received_s: float, end_index: int) -> float:
        return received_s - end_index / self.nominal_hz
