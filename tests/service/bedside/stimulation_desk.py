"""Rules, driver and stimulator firmware on one virtual clock, with the firmware's log as oracle.

Nothing sleeps: `Stimulation` is not started but turned, and the driver's link is a queue into the
simulated firmware. The service's own clock may be stepped apart from the stimulator's.
"""

from __future__ import annotations

import queue
from concurrent.futures import Future

from drivers.config import load_stimulator_limits
from drivers.errors import DeviceLost, PortError
from drivers.stimulator import SerialStimulator
from drivers.types import Pulse, Stimulus
from service.bedside.interlock import RefusedError
from service.bedside.placement import Placement
from service.bedside.stimulation import Stimulation
from service.bedside.stimulator_status import Record, StimulationPorts
from service.bedside.train import Declared
from simulators.stimulator import StimulatorFirmware

LIMITS = load_stimulator_limits()
STEP = Placement("ulnar", "wrist", "left", "left FDI")
TURN_S = 0.08
WIRE_S = 0.001


class Wire:
    """A link into the firmware; keeps the last lines for whoever wants to send them again."""

    name = "virtual stimulator"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._gone = False

    def write(self, data: bytes) -> None:
        """To the firmware, which has it a little later and answers at once."""
        if self._gone or not self._desk.plugged:
            raise DeviceLost("the link is gone")
        self._desk.now += WIRE_S
        self._desk.lines.append(data)
        self._answers.put(self._desk.firmware.receive(data))

    def read_available(self, timeout_s: float) -> bytes:
        """The answers, in order."""
        data = None if self._gone else self._answers.get()
        if data is None:
            raise DeviceLost("the link is gone")
        return data

    def close(self) -> None:
        """The driver's listening thread ends, and the firmware sees the port closed."""
        if not self._gone:
            self._gone = True
            self._answers.put(None)
            self._desk.firmware.link_lost()


class Desk:
    """One page `a`, one stimulator, one amplifier; `run` lets time pass with everybody well."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.skew_s = 0.0
        self.beat_s = 1000.0
        self.plugged = True
        self.lines: list[bytes] = []
        self.pulses: list[tuple[float, float]] = []
        self.expected: list[Stimulus] = []
        self.records: list[Record] = []
        self.firmware = StimulatorFirmware(LIMITS, lambda: self.now, self.deliver)
        ports = StimulationPorts(
            self.expected.append, lambda _: None, self.records.append, lambda: self.beat_s
        )
        self.wire: Wire | None = None
        self.unit = Stimulation(self._open, LIMITS, ports, self.host)
        self.turn()

    def host(self) -> float:
        """The service's clock."""
        return self.now + self.skew_s

    def _open(self) -> SerialStimulator:
        if not self.plugged:
            raise PortError("no such port")
        self.wire = Wire(self)
        return SerialStimulator(self.wire, LIMITS, self.host)

    def deliver(self, current_ma: float, _width_us: float) -> None:
        """A pulse came out of the stimulator."""
        self.pulses.append((self.now, current_ma))

    def turn(self, beat: bool = True) -> None:
        """One round of the service's thread; beat: its event loop is well."""
        if beat:
            self.beat_s = self.host()
        self.firmware.tick()
        self.unit.turn()

    def run(self, seconds: float, client: str | None = "a") -> None:
        """Time with the page there, or with nobody (None)."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(self.now + TURN_S, end)
            if client is not None:
                self.unit.heard(client)
            self.turn()

    def do(self, answer: Future, beat: bool = True) -> str:
        """Turn until answered: the cause of a refusal, or nothing."""
        self.turn(beat)
        assert answer.done()
        error = answer.exception()
        assert error is None or isinstance(error, RefusedError), error
        return "" if error is None else error.cause

    def prepare(self, current_ma: float = 5.0, declared: Declared | None = None) -> str:
        """All that arming needs, in order."""
        self.unit.amplifier(True, 1)
        self.do(self.unit.place(STEP))
        while self.unit.status.current_ma < current_ma:
            now_ma = self.unit.status.current_ma
            assert not self.do(
                self.unit.configure(Pulse(min(current_ma, now_ma + max(5.0, 0.2 * now_ma)), 200.0))
            )
        self.do(self.unit.ask("none", "AB"))
        self.unit.heard("a")
        return self.do(self.unit.arm("a", "AB", declared))

    def press(self, nonce: str, client: str = "a") -> str:
        """FIRE."""
        return self.do(self.unit.fire(client, nonce))

    def close(self) -> None:
        """End the driver's thread."""
        if self.wire is not None:
            self.wire.close()
