"""A stimulator that is set and fired at its own front panel: nothing here reaches it."""

from __future__ import annotations

from drivers.config import StimulatorLimits
from drivers.errors import StimulatorRefused
from drivers.types import Pulse, StimulatorState

from .limits import PulseGuard

AT_DEVICE = (
    "this stimulator is fired at its own front panel: press there; the pulse is taken from its "
    "edge in the recording"
)


class ManualStimulator:
    """Keeps what the operator states. It cannot be armed, fired or switched off from here."""

    def __init__(self, limits: StimulatorLimits) -> None:
        self._guard = PulseGuard(limits)
        self._pulse = Pulse(0.0, 0.0)

    def configure(self, pulse: Pulse) -> StimulatorState:
        """Take what the operator states. Raises StimulatorRefused above a limit."""
        self._guard.check_pulse(pulse)
        self._pulse = pulse
        return self._state()

    def arm(self) -> StimulatorState:
        """Raises StimulatorRefused: there is nothing to arm."""
        raise StimulatorRefused("at_device", AT_DEVICE)

    def fire(self, nonce: str) -> StimulatorState:
        """Raises StimulatorRefused: it is fired at the device."""
        raise StimulatorRefused("at_device", f"pulse {nonce!r} was not sent: {AT_DEVICE}")

    def heartbeat(self) -> StimulatorState:
        """Nothing to keep armed."""
        return self._state()

    def disarm(self) -> None:
        """Nothing can be done from here: the device has its own switch."""

    def close(self) -> None:
        """Nothing is held."""

    def _state(self) -> StimulatorState:
        return StimulatorState(False, self._pulse.current_ma, self._pulse.width_us, 0, "at_device")
