"""A stimulator behind a byte link: one answer per command, in order; nothing is ever retried."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.config import StimulatorLimits
from drivers.errors import DeviceError, DeviceLost, HandshakeError, StimulatorRefused
from drivers.link import Link
from drivers.types import Pulse, StimulatorState

from .limits import PulseGuard
from .wire import Answer, LineReader, line, parse


@dataclass(slots=True, eq=False)
class _Asked:
    """A command on its way; `answer` stays None if the link went."""

    name: str
    done: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None


class SerialStimulator:
    """configure, arm, fire and heartbeat wait for their answer; `disarm` overtakes them.

    An answer that does not come leaves the state unknown: the stimulator is told to disarm, and
    this object refuses everything but `disarm` from then on. Keeping an armed stimulator armed is
    the caller's duty (`heartbeat` at least every 100 ms); silence disarms it.
    """

    def __init__(
        self, link: Link, limits: StimulatorLimits, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Says hello, which disarms. Raises HandshakeError or DeviceLost."""
        self._link = link
        self._limits = limits
        self._guard = PulseGuard(limits)
        self._now = now
        self._asking = threading.Lock()
        self._asked: deque[_Asked] = deque()
        self._lost = ""
        self._sequence = 0
        self._ahead_s = 0.0  # the stimulator's clock minus ours, rather too small than too large
        self._nonces: set[str] = set()
        self._pulse = Pulse(0.0, 0.0)
        self._thread = threading.Thread(target=self._listen, name="stimulator", daemon=True)
        self._thread.start()
        try:
            self.model = self._hello()
        except DeviceLost as error:
            raise HandshakeError(f"no stimulator answers on {link.name}: {error}") from error

    def configure(self, pulse: Pulse) -> StimulatorState:
        """Set the next pulse; disarms. Raises StimulatorRefused above a limit."""
        self._guard.check_pulse(pulse)
        self._hello()  # disarms too, and sets our idea of its clock anew
        state = self._order("configure", current_ma=pulse.current_ma, width_us=pulse.width_us)
        self._pulse = pulse
        return state

    def arm(self) -> StimulatorState:
        """Allow pulses until disarmed, silent for 300 ms, or a minute without one."""
        return self._order("arm")

    def heartbeat(self) -> StimulatorState:
        """Keep it armed."""
        return self._order("heartbeat")

    def fire(self, nonce: str) -> StimulatorState:
        """One pulse. Raises StimulatorRefused if nothing was delivered, DeviceLost if that is not
        known; neither is a reason to send it again."""
        if nonce in self._nonces:
            raise StimulatorRefused("replayed", f"the pulse {nonce!r} was asked for before")
        self._nonces.add(nonce)
        self._guard.check_rate(self._pulse, self._now())
        self._guard.count(self._pulse, self._now())
        return self._order("fire", nonce=nonce)

    def state(self) -> StimulatorState:
        """What it says of itself now."""
        return self._stated(self._ask("state"))

    def disarm(self) -> None:
        """Off, from any state and any thread, before whatever else is waiting; never raises."""
        with contextlib.suppress(DeviceError):
            self._send("disarm").done.wait(self._limits.dead_man_s)

    def close(self) -> None:
        """Disarm and release the port; idempotent."""
        if not self._lost:
            self.disarm()
        self._link.close()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _hello(self) -> str:
        answer = self._ask("hello")
        if not answer.ok or answer.now_s is None:
            raise HandshakeError(
                f"{self._link.name} did not say its clock to 'hello': is it a stimulator?"
            )
        # now_s was true before the answer arrived: a command never lives longer than allowed
        self._ahead_s = answer.now_s - self._now()
        return answer.model

    def _order(self, name: str, *, nonce: str | None = None, **fields: float) -> StimulatorState:
        expires_s = self._now() + self._ahead_s + self._limits.command_life_s
        unique = nonce or secrets.token_hex(8)
        answer = self._ask(name, **fields, nonce=unique, expires_s=expires_s, numbered=True)
        state = self._stated(answer)
        if not answer.ok:
            raise StimulatorRefused(
                answer.cause, f"the stimulator refused {name!r}: {answer.cause.replace('_', ' ')}"
            )
        return state

    def _stated(self, answer: Answer) -> StimulatorState:
        if answer.state is None:
            raise HandshakeError(f"{self._link.name} answered without its state")
        return answer.state

    def _ask(self, name: str, *, numbered: bool = False, **fields: float | str) -> Answer:
        if self._lost:
            raise DeviceLost(self._lost)
        asked = self._send(name, numbered=numbered, **fields)
        # after this long it has disarmed itself, whatever became of the command
        if not asked.done.wait(self._limits.dead_man_s):
            self._lost = (
                f"the stimulator did not answer {name!r} within {self._limits.dead_man_s:g} s: "
                "its state is not known, open it again"
            )
            self.disarm()
            raise DeviceLost(self._lost)  # an answer that comes now may be to the disarm
        if asked.answer is None:
            raise DeviceLost(self._lost)
        return asked.answer

    def _send(self, name: str, *, numbered: bool = False, **fields: float | str) -> _Asked:
        asked = _Asked(name)
        with self._asking:
            if numbered:
                self._sequence += 1
                fields["seq"] = self._sequence
            self._asked.append(asked)
            self._link.write(line(name, **fields))
        return asked

    def _listen(self) -> None:
        """Hand every answer to the oldest command that has none."""
        reader = LineReader()
        while True:
            try:
                lines = reader.feed(self._link.read_available(1.0))
            except DeviceError as error:
                self._lost = self._lost or str(error)
                while self._asked:
                    self._asked.popleft().done.set()
                return
            for answer in filter(None, map(parse, lines)):
                if self._asked:
                    asked = self._asked.popleft()
                    asked.answer = answer
                    asked.done.set()
