"""Whether pulses keep the limits, as the service judges it: apart from driver and firmware."""

from __future__ import annotations

from drivers.config import StimulatorLimits
from drivers.types import Pulse


def pulse_problem(pulse: Pulse, limits: StimulatorLimits) -> str:
    """One sentence why a pulse is above a limit; empty if it is not. Charge is current times
    width, energy is that of the pulse into `load_ohm`."""
    if not 0 <= pulse.current_ma <= limits.max_ma:
        return f"{pulse.current_ma:g} mA is outside 0 to {limits.max_ma:g} mA"
    if not 0 < pulse.width_us <= limits.max_us:
        return f"{pulse.width_us:g} µs is not above 0 and up to {limits.max_us:g}"
    charge_uc = pulse.current_ma * pulse.width_us / 1000.0
    if charge_uc > limits.max_charge_uc:
        return f"{charge_uc:g} µC is above the limit of {limits.max_charge_uc:g} µC"
    # mA² · ohm · µs = 1e-12 J
    energy_mj = pulse.current_ma**2 * limits.load_ohm * pulse.width_us * 1e-9
    if energy_mj > limits.max_energy_mj:
        return f"{energy_mj:g} mJ is above the limit of {limits.max_energy_mj:g} mJ"
    return ""


class RepetitionCaps:
    """How soon and how often pulses may follow each other; the pulses since the last pause."""

    def __init__(self) -> None:
        self._sent_s: list[float] = []

    def sent(self, now_s: float, limits: StimulatorLimits) -> None:
        """A pulse left."""
        if self._sent_s and now_s - self._sent_s[-1] >= limits.train_gap_s:
            self._sent_s.clear()
        self._sent_s.append(now_s)

    def problem(self, now_s: float, limits: StimulatorLimits) -> tuple[str, str] | None:
        """Cause and one sentence why no pulse may be sent now; None if one may."""
        if not self._sent_s or now_s - self._sent_s[-1] >= limits.train_gap_s:
            return None
        if now_s - self._sent_s[-1] < 1.0 / limits.max_rate_hz:
            return "too_soon", f"pulses must be {1 / limits.max_rate_hz:g} s apart"
        if len(self._sent_s) >= limits.max_train:
            return (
                "train_too_long",
                f"{limits.max_train} pulses came without a pause; wait {limits.train_gap_s:g} s",
            )
        return None
