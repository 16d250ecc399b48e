"""Whether one pulse keeps the limits, as the service judges it: apart from driver and firmware."""

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
