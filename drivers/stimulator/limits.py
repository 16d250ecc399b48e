"""What no pulse may exceed, checked before a byte is sent. The stimulator checks it again."""

from __future__ import annotations

import math
from collections import deque

from drivers.config import StimulatorLimits
from drivers.errors import StimulatorRefused
from drivers.types import Pulse

_MEAN_S = 1.0  # the mean current is taken over this time


class PulseGuard:
    """Checks a pulse, and remembers the pulses of the recent past."""

    def __init__(self, limits: StimulatorLimits) -> None:
        self.limits = limits
        self._fired: deque[tuple[float, float]] = deque(maxlen=4096)  # (time, charge in µC)
        self._train = 0

    def check_pulse(self, pulse: Pulse) -> None:
        """Raises StimulatorRefused `above_limit` if one number of the pulse is above its limit."""
        limits = self.limits
        current_ma, width_us = pulse.current_ma, pulse.width_us
        charge_uc = current_ma * width_us / 1000
        energy_mj = (current_ma / 1000) ** 2 * limits.load_ohm * width_us * 1e-6 * 1000
        for value, limit, what in (
            (current_ma, limits.max_ma, "mA"),
            (width_us, limits.max_us, "µs"),
            (charge_uc, limits.max_charge_uc, "µC of charge"),
            (energy_mj, limits.max_energy_mj, f"mJ into {limits.load_ohm:g} Ω"),
        ):
            if not (math.isfinite(value) and 0 <= value <= limit):
                raise StimulatorRefused(
                    "above_limit", f"{value:g} {what} is outside 0 to {limit:g}: nothing was sent"
                )

    def check_rate(self, pulse: Pulse, now_s: float) -> None:
        """Raises StimulatorRefused if this pulse, now, would be too soon, too many or too much."""
        limits = self.limits
        since_s = now_s - self._fired[-1][0] if self._fired else math.inf
        if since_s < 1 / limits.max_rate_hz:
            raise StimulatorRefused(
                "too_soon",
                f"{since_s * 1000:.0f} ms after the pulse before, expected at least "
                f"{1000 / limits.max_rate_hz:.0f} ms",
            )
        if since_s < limits.train_gap_s and self._train >= limits.max_train:
            raise StimulatorRefused(
                "too_soon",
                f"{self._train} pulses without a pause of {limits.train_gap_s:g} s, the most in a "
                "train: pause",
            )
        recent = sum(charge for at, charge in self._fired if now_s - at < _MEAN_S)
        mean_ma = (recent + pulse.current_ma * pulse.width_us / 1000) / _MEAN_S / 1000
        if mean_ma > limits.max_avg_ma:
            raise StimulatorRefused(
                "above_limit",
                f"mean current {mean_ma:.2g} mA is above {limits.max_avg_ma:g} mA: pause",
            )

    def count(self, pulse: Pulse, now_s: float) -> None:
        """A pulse is about to be sent. It counts even without an answer: it may have been given."""
        paused = not self._fired or now_s - self._fired[-1][0] >= self.limits.train_gap_s
        self._train = 1 if paused else self._train + 1
        self._fired.append((now_s, pulse.current_ma * pulse.width_us / 1000))
