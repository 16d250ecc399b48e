"""The simulated constant-current stimulator: refuses on its own account, as firmware would.

Configure, arm and fire are apart; it disarms by itself after 300 ms without a valid command (the
dead-man) and 60 s after the last pulse. The wire is in docs/protocols/stimulator.md.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.config import StimulatorLimits

LINE_LIMIT = 512
NONCES_KEPT = 4096
LOG_KEPT = 10_000
MODEL = "myotome-sim-stimulator"


@dataclass(frozen=True, slots=True)
class PanelEntry:
    """One line of the stimulator's own log: an emitted pulse, or a refusal and its cause."""

    at_s: float
    command: str
    emitted: bool
    cause: str
    current_ma: float
    width_us: float


class Refused(Exception):
    """The stimulator does not do it; the argument is the cause."""


class StimulatorFirmware:
    """Command state machine. deliver(current_ma, width_us) is called once for each pulse."""

    def __init__(
        self,
        limits: StimulatorLimits,
        now: Callable[[], float],
        deliver: Callable[[float, float], None],
    ) -> None:
        self._limits = limits
        self._now = now
        self._deliver = deliver
        self._line = bytearray()
        self._overlong = False
        self._armed = False
        self._cause = "start"
        self._current_ma = self._width_us = 0.0
        self._delivered = 0
        self._last_valid_s = self._idle_since_s = now()
        self._charges: deque[tuple[float, float]] = deque()
        self._last_pulse_s = -math.inf
        self._train_count = 0
        self._sequence = -1
        self._nonces: dict[str, None] = {}
        self.log: deque[PanelEntry] = deque(maxlen=LOG_KEPT)

    # -- link and time

    def link_lost(self) -> None:
        """The client closed the port."""
        self._line.clear()
        self._off("link_lost")

    def tick(self) -> None:
        """Apply the dead-man and the idle limit."""
        now = self._now()
        if not self._armed:
            return
        if now - self._last_valid_s > self._limits.dead_man_s:
            self._off("dead_man")
        elif now - self._idle_since_s > self._limits.arm_timeout_s:
            self._off("idle")

    def _off(self, cause: str) -> None:
        self._armed = False
        self._cause = cause

    # -- commands

    def receive(self, data: bytes) -> bytes:
        """Lines in, one answer line for each."""
        answers = bytearray()
        for byte in data:
            if byte == 0x0A:
                answers += self._answer(bytes(self._line), self._overlong)
                self._line.clear()
                self._overlong = False
            elif len(self._line) < LINE_LIMIT:
                self._line.append(byte)
            else:
                self._overlong = True
        return bytes(answers)

    def _answer(self, line: bytes, overlong: bool) -> bytes:
        self.tick()
        command = ""
        more: dict[str, Any] = {}
        cause = ""
        try:
            request = _parsed(line, overlong)
            command = str(request.get("do", ""))
            more = self._run(command, request)
        except Refused as refusal:
            cause = str(refusal)
            self._note(command, False, cause)
        answer = {"ok": not cause, "cause": cause, **more, "state": self.state()}
        return json.dumps(answer).encode() + b"\n"

    def state(self) -> dict[str, Any]:
        """What every answer carries."""
        return {
            "armed": self._armed,
            "current_ma": self._current_ma,
            "width_us": self._width_us,
            "delivered_count": self._delivered,
            "cause": self._cause,
        }

    def _run(self, command: str, request: dict[str, Any]) -> dict[str, Any]:
        match command:
            case "hello":
                self._off("disarmed")
                self._sequence = -1
                return {"model": MODEL, "version": 1, "now_s": self._now()}
            case "disarm":
                self._off("disarmed")
            case "state":
                pass
            case "configure" | "arm" | "heartbeat" | "fire":
                self._authorise(request)
                more = self._authorised(command, request)
                self._last_valid_s = self._now()
                return more
            case _:
                raise Refused("unknown_command")
        return {}

    def _authorised(self, command: str, request: dict[str, Any]) -> dict[str, Any]:
        if command == "configure":
            self._configure(request)
        elif command == "arm":
            if self._width_us <= 0.0:
                raise Refused("not_configured")
            self._armed, self._cause = True, "armed"
            self._idle_since_s = self._now()
        elif not self._armed:
            raise Refused("not_armed")
        elif command == "fire":
            return {"fired_s": self._fire()}
        return {}

    def _authorise(self, request: dict[str, Any]) -> None:
        """Nonce used once, sequence rising, not expired. A refused command uses up its nonce."""
        nonce, sequence, expires_s = (request.get(key) for key in ("nonce", "seq", "expires_s"))
        if (
            not isinstance(nonce, str)
            or not nonce
            or isinstance(sequence, bool)
            or not isinstance(sequence, int)
        ):
            raise Refused("malformed")
        expires = _number(expires_s)
        if nonce in self._nonces or sequence <= self._sequence:
            raise Refused("replayed")
        self._nonces[nonce] = None
        if len(self._nonces) > NONCES_KEPT:
            del self._nonces[next(iter(self._nonces))]
        self._sequence = sequence
        if not 0.0 <= expires - self._now() <= self._limits.command_life_s:
            raise Refused("stale")

    def _configure(self, request: dict[str, Any]) -> None:
        current_ma, width_us = _number(request.get("current_ma")), _number(request.get("width_us"))
        if current_ma < 0.0 or width_us <= 0.0:
            raise Refused("malformed")
        self._off("configured")
        if not self._within_limits(current_ma, width_us):
            raise Refused("above_limit")
        self._current_ma, self._width_us = current_ma, width_us

    def _within_limits(self, current_ma: float, width_us: float) -> bool:
        limits = self._limits
        charge_uc = current_ma * width_us / 1000.0
        energy_mj = (current_ma / 1000.0) ** 2 * limits.load_ohm * width_us / 1000.0
        return (
            current_ma <= limits.max_ma
            and width_us <= limits.max_us
            and charge_uc <= limits.max_charge_uc
            and energy_mj <= limits.max_energy_mj
        )

    def _fire(self) -> float:
        now = self._now()
        since_s = now - self._last_pulse_s
        train = self._train_count if since_s < self._limits.train_gap_s else 0
        if since_s < 1.0 / self._limits.max_rate_hz or train >= self._limits.max_train:
            raise Refused("too_soon")
        while self._charges and now - self._charges[0][0] >= 1.0:
            self._charges.popleft()
        charge_uc = self._current_ma * self._width_us / 1000.0
        mean_ma = (sum(charge for _, charge in self._charges) + charge_uc) / 1000.0  # µC/s = µA
        if mean_ma > self._limits.max_avg_ma:
            raise Refused("above_limit")
        self._charges.append((now, charge_uc))
        self._last_pulse_s = now
        self._train_count = train + 1
        self._delivered += 1
        self._idle_since_s = now
        self._note("fire", True, "")
        self._deliver(self._current_ma, self._width_us)
        return now

    def _note(self, command: str, emitted: bool, cause: str) -> None:
        entry = PanelEntry(self._now(), command, emitted, cause, self._current_ma, self._width_us)
        self.log.append(entry)


def _parsed(line: bytes, overlong: bool) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError:
        raise Refused("malformed") from None
    if overlong or not isinstance(request, dict):
        raise Refused("malformed")
    return request


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused("malformed")
    return float(value)
