"""A stimulator behind a serial trigger box: software only fires, the front panel holds the current.

A byte sets the box's eight output lines (docs/protocols/trigger_box.md). The box answers nothing
and has no dead-man of its own, so both are kept here: a pulse goes out only within 300 ms of the
last heartbeat, and a byte that the port did not take at once is taken back, never sent later.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Mapping

from drivers.config import StimulatorLimits
from drivers.errors import ConfigError, DeviceError, DeviceLost, StimulatorRefused
from drivers.link import SerialLink
from drivers.types import Pulse, StimulatorState

from .limits import PulseGuard

BAUD = 115_200
HIGH_S = 0.005
LINES = 8
_LOW = b"\x00"
_AT_ONCE_S = 0.05
_WAIT_FOR_PULSE_S = 0.1


class TtlStimulator:
    """`pulse` is what the operator stated; it is judged against the limits and never measured."""

    def __init__(
        self,
        link: SerialLink,
        limits: StimulatorLimits,
        *,
        output: int = 1,
        high_s: float = HIGH_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """output: the line (1-8) that the stimulator's trigger input hangs on. Raises DeviceLost
        when the port takes no byte."""
        self._link = link
        self._limits = limits
        self._guard = PulseGuard(limits)
        self._now = now
        self._high = bytes([1 << (output - 1)])
        self._high_s = high_s
        self._firing = threading.Lock()
        self._armed = False
        self._off_cause = "start"
        self._beat_s = self._idle_since_s = -math.inf
        self._nonces: set[str] = set()
        self._pulse = Pulse(0.0, 0.0)
        self._delivered = 0
        self._put(_LOW)

    def configure(self, pulse: Pulse) -> StimulatorState:
        """Take what the operator states; disarms. Raises StimulatorRefused above a limit."""
        self._off("configured")
        self._guard.check_pulse(pulse)
        self._pulse = pulse
        return self._state()

    def arm(self) -> StimulatorState:
        """Allow pulses until disarmed, silent for 300 ms, or a minute without one."""
        self._listen()
        if self._pulse.width_us <= 0:
            raise StimulatorRefused(
                "not_configured", "state what the front panel shows before arming"
            )
        self._armed, self._off_cause = True, "armed"
        self._beat_s = self._idle_since_s = self._now()
        return self._state()

    def heartbeat(self) -> StimulatorState:
        """Keep it armed. Raises StimulatorRefused when it was not, DeviceLost when unplugged."""
        self._listen()
        self._check_armed("heartbeat")
        self._beat_s = self._now()
        return self._state()

    def fire(self, nonce: str) -> StimulatorState:
        """One trigger pulse. Raises StimulatorRefused if none went out, DeviceLost if that is not
        known; neither is a reason to send it again."""
        if nonce in self._nonces:
            raise StimulatorRefused("replayed", f"the pulse {nonce!r} was asked for before")
        self._nonces.add(nonce)
        self._listen()
        self._check_armed("fire")
        self._guard.check_rate(self._pulse, self._now())
        self._raise_line()
        self._delivered += 1
        self._beat_s = self._idle_since_s = self._now()
        return self._state()

    def disarm(self) -> None:
        """Line low, from any state and any thread; never raises."""
        self._off("disarmed")
        with contextlib.suppress(DeviceError):
            self._put(_LOW)

    def close(self) -> None:
        """Line low, and the port released; idempotent."""
        self.disarm()
        self._link.close()

    def _raise_line(self) -> None:
        # a disarm that came before the byte forbids it; one that comes after lowers the line
        with self._firing:
            if not self._armed:
                raise StimulatorRefused("not_armed", "disarmed while the pulse was under way")
            self._guard.count(self._pulse, self._now())
            self._put(self._high)
        time.sleep(self._high_s)
        self._put(_LOW)

    def _put(self, data: bytes) -> None:
        """One byte, now or never: a trigger that waits in a buffer would be a shock at any time."""
        self._link.write(data)
        if not self._link.sent_within(_AT_ONCE_S):
            self._link.discard_unsent()
            self._off("unknown_state")
            raise DeviceLost(
                f"{self._link.name} did not take a byte within {_AT_ONCE_S * 1000:.0f} ms, and it "
                "was taken back: is the trigger box plugged in and working?"
            )

    def _listen(self) -> None:
        """Whatever the box says is not for us; an unplugged one shows here. Raises DeviceLost."""
        while self._link.read_available(0.0):
            continue

    def _check_armed(self, name: str) -> None:
        now_s = self._now()
        if self._armed and not 0 <= now_s - self._beat_s <= self._limits.dead_man_s:
            self._off("dead_man")
        elif self._armed and now_s - self._idle_since_s > self._limits.arm_timeout_s:
            self._off("idle")
        if not self._armed:
            raise StimulatorRefused(
                "not_armed",
                f"{name!r} was refused: not armed ({self._off_cause.replace('_', ' ')})",
            )

    def _off(self, cause: str) -> None:
        held = self._firing.acquire(timeout=_WAIT_FOR_PULSE_S)
        self._armed, self._off_cause = False, cause
        if held:
            self._firing.release()

    def _state(self) -> StimulatorState:
        pulse = self._pulse
        return StimulatorState(
            self._armed, pulse.current_ma, pulse.width_us, self._delivered, self._off_cause
        )


def open_ttl(port: str, options: Mapping[str, str], limits: StimulatorLimits) -> TtlStimulator:
    """`ttl:PORT?line=1&baud=115200&high_ms=5`. Raises ConfigError, PortError or DeviceLost."""
    unknown = sorted(set(options) - {"line", "baud", "high_ms"})
    if unknown:
        raise ConfigError(f"ttl: has no option {unknown[0]!r}: expected line, baud or high_ms")
    output = _whole(options, "line", 1, LINES, 1)
    baud = _whole(options, "baud", 1200, 3_000_000, BAUD)
    high_ms = _whole(options, "high_ms", 1, 100, round(HIGH_S * 1000))
    link = SerialLink(port, baud)
    try:
        return TtlStimulator(link, limits, output=output, high_s=high_ms / 1000)
    except BaseException:
        link.close()
        raise


def _whole(options: Mapping[str, str], key: str, low: int, high: int, default: int) -> int:
    text = options.get(key, str(default))
    if not (text.isdecimal() and low <= int(text) <= high):
        raise ConfigError(f"ttl: {key} must be a whole number from {low} to {high}, got {text!r}")
    return int(text)
