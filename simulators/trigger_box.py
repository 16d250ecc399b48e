"""A serial trigger box and the stimulator on its line 1, set on its front panel.

Written from docs/protocols/trigger_box.md: a byte sets eight lines, they fall by themselves after
8 ms, and the box answers nothing. The stimulator gives one pulse for each rising edge, with the
current on its front panel, whatever anybody believes that to be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

RESET_S = 0.008
WIRED_LINE = 1
LOG_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class BoxEntry:
    """One byte that came. `emitted`: the stimulator gave a pulse for it."""

    at_s: float
    byte: int
    emitted: bool
    current_ma: float
    width_us: float


class TriggerBox:
    """deliver(current_ma, width_us) is called once for each pulse."""

    def __init__(self, now: Callable[[], float], deliver: Callable[[float, float], None]) -> None:
        self._now = now
        self._deliver = deliver
        self._lines = 0
        self._raised_s = 0.0
        self._current_ma, self._width_us = 0.0, 200.0
        self._output = True
        self.log: deque[BoxEntry] = deque(maxlen=LOG_KEPT)

    def turn(self, current_ma: float, width_us: float) -> None:
        """Somebody turns the knobs of the stimulator."""
        self._current_ma, self._width_us = current_ma, width_us

    def switch(self, on: bool) -> None:
        """Somebody switches the output of the stimulator."""
        self._output = on

    def tick(self) -> None:
        """Lines fall by themselves."""
        if self._lines and self._now() - self._raised_s >= RESET_S:
            self._lines = 0

    def receive(self, data: bytes) -> None:
        """Bytes of the host; there is no answer."""
        self.tick()
        for byte in data:
            rising = byte & ~self._lines
            self._lines = byte
            if byte:
                self._raised_s = self._now()
            emitted = bool(rising >> (WIRED_LINE - 1) & 1) and self._output
            self.log.append(BoxEntry(self._now(), byte, emitted, self._current_ma, self._width_us))
            if emitted:
                self._deliver(self._current_ma, self._width_us)

    def panel(self) -> dict[str, Any]:
        """Knobs, output, lines and what came."""
        return {
            "current_ma": self._current_ma,
            "width_us": self._width_us,
            "output": self._output,
            "lines": self._lines,
            "log": [asdict(entry) for entry in self.log],
        }
