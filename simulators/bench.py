"""The bench: an amplifier, a stimulator and a patient on one clock, run by one thread.

`step` does everything that is due at one moment, so that a test can drive it with its own clock;
`run` waits for descriptors between steps. A pulse of the stimulator lands on the sample clock at
the moment it is fired: the next sample not yet converted, plus the fraction of a period.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from drivers.config import StimulatorLimits

from .assembly import Subject
from .faults import Fault, Wire
from .firmware import Firmware
from .port import Pacer, PtyPort
from .stimulator import StimulatorFirmware
from .trigger_box import TriggerBox

TICK_S = 0.004
PULSE_WIDTH_S = 0.001
PATIENCE_S = 0.09  # a reader who takes nothing for so long is stalled: conversions are lost
MOST_OWED_S = 5.0


class Bench:
    """One simulated device with its patient and its stimulator.

    self_powered: the device runs on its own battery and keeps state while its port is away (a
    Cyton behind its dongle); otherwise unplugging takes its power. trigger_box_port: where a serial
    trigger box hangs, with a second stimulator that is set on its front panel; None: there is none.
    """

    def __init__(
        self,
        firmware: Firmware,
        subject: Subject,
        port: PtyPort,
        stimulator_port: PtyPort,
        limits: StimulatorLimits,
        *,
        seed: int,
        now: Callable[[], float],
        speed: float = 1.0,
        self_powered: bool = False,
        trigger_box_port: PtyPort | None = None,
    ) -> None:
        self.firmware, self.subject, self.port = firmware, subject, port
        self.wire = Wire(firmware, seed=seed)
        self.stimulator = StimulatorFirmware(limits, now, self._deliver)
        self.stimulator_port = stimulator_port
        self._stimulator_open = False
        self.trigger_box = TriggerBox(now, self._deliver)
        self.trigger_box_port = trigger_box_port
        self._now, self._speed, self._self_powered = now, speed, self_powered
        self._pacer = Pacer(now, firmware.rate_hz, speed)
        self._owed = 0  # conversions due that wait for the reader
        self._seen_bytes = 0
        self._stalled_s = 0.0
        self._converted_s = now()
        self._stepped_s = now()
        self._next_burst_s = now()
        self._deaf_until_s = now()
        self._replies = b""
        self._replug_s: float | None = None
        self.stopped = False

    # -- what the control socket and the stimulator do

    def pulse(self, current_ma: float, width_us: float, at_sample: float | None) -> float | None:
        """Stimulate the patient, at once or at a sample; where it landed.

        None: the amplifier converts nothing now, so the pulse has no place on its clock. Raises
        ValueError when the sample has gone by.
        """
        if not self.firmware.streaming:
            return None
        first = self.firmware.patient.sample_index
        at = (
            first + self._owed + max(0.0, self._pacer.position())
            if at_sample is None
            else at_sample
        )
        if at < first:
            raise ValueError(f"sample {at:g} has gone by; the next is {first}.")
        if current_ma > 0.0:
            self.firmware.patient.stimulate(at, current_ma=current_ma, width_us=width_us)
        self.firmware.trigger.raise_at(at, PULSE_WIDTH_S * self.firmware.rate_hz)
        return at

    def tap(self, muscle: str, force_n: float, at_sample: float | None) -> float | None:
        """A reflex hammer on a tendon, its contact on the trigger line; otherwise as `pulse`, but
        at the earliest where the patient can still change."""
        return self._provoke(lambda: self.firmware.patient.tap(muscle, force_n, at_sample))

    def magnetic(
        self, muscle: str | None, intensity: float, at_sample: float | None
    ) -> float | None:
        """A magnetic pulse over the cortex and its trigger; muscle None: the first one under a
        lead. As `tap`."""
        return self._provoke(lambda: self.firmware.patient.magnetic(muscle, intensity, at_sample))

    def _provoke(self, event: Callable[[], float]) -> float | None:
        if not self.firmware.streaming:
            return None
        at = event()
        self.firmware.trigger.raise_at(at, PULSE_WIDTH_S * self.firmware.rate_hz)
        return at

    def _deliver(self, current_ma: float, width_us: float) -> None:
        self.pulse(current_ma, width_us, None)

    def set_fault(self, fault: Fault) -> None:
        """Begin a fault now. Raises ValueError for a channel the device does not have."""
        if fault.name == "unplug":
            self._unplug(fault.values.get("seconds"))
        elif fault.name == "reboot":
            self._reboot()
        else:
            self.wire.set(fault)

    def panel(self) -> dict[str, Any]:
        """The stimulator's own log."""
        log = [asdict(entry) for entry in self.stimulator.log]
        return {"state": self.stimulator.state(), "log": log}

    def _unplug(self, seconds: float | None) -> None:
        self.port.close()
        self._replies = b""
        self._replug_s = None if seconds is None else self._now() + seconds

    def _replug(self) -> None:
        self._replug_s = None
        self.port.open()
        if not self._self_powered:
            self._reboot()

    def _reboot(self) -> None:
        self._replies = self.wire.reboot()
        self._be_deaf()

    # -- time

    def power_on(self) -> None:
        """First boot, already over: a device waits on the desk before anyone starts."""
        self.port.write(self.firmware.boot())

    def _be_deaf(self) -> None:
        self._deaf_until_s = self._now() + self.firmware.busy_s / self._speed

    def step(self) -> None:
        """Everything due now: commands, replies, samples, timeouts."""
        now = self._now()
        if self._replug_s is not None and now >= self._replug_s:
            self._replug()
        self._serve_stimulator()
        self._serve_trigger_box()
        if not self.wire.stalled and now >= self._deaf_until_s:
            self._serve_commands((now - self._stepped_s) * self._speed)
        self._stepped_s = now
        if now >= self._next_burst_s:
            self._next_burst_s = now + self.wire.burst_s
            self._convert()

    def _serve_commands(self, elapsed_s: float) -> None:
        replies, self._replies = self._replies, b""
        replies += self.firmware.tick(elapsed_s)
        data = self.port.read()
        if data:
            # what was converted before the command came first
            self._convert(waiting=False)
            self._replies = self.firmware.receive(data)
            self._be_deaf()
            if not self.firmware.busy_s:
                replies += self._replies
                self._replies = b""
        if replies:
            self.port.write(self.wire.pass_on(replies))

    def _serve_stimulator(self) -> None:
        self.stimulator.tick()
        is_open = self.stimulator_port.connected
        data = self.stimulator_port.read()
        if data:
            self.stimulator_port.write(self.stimulator.receive(data))
        if self._stimulator_open and not is_open:
            self.stimulator.link_lost()
        self._stimulator_open = is_open

    def _serve_trigger_box(self) -> None:
        self.trigger_box.tick()
        if self.trigger_box_port is not None:
            self.trigger_box.receive(self.trigger_box_port.read())

    def _convert(self, *, waiting: bool = True) -> None:
        """Convert what is due, in chunks short enough that a blocked write is noticed.

        When this process was itself late, a reader that goes on reading gets all of it: a board
        would have sent it in time. waiting: what does not fit now may wait for the next step.
        """
        self._pacer.set_rate(self.firmware.rate_hz)
        self._owed += self._pacer.take()
        waiting &= self._reader_reads() and self._owed < MOST_OWED_S * self.firmware.rate_hz
        chunk = max(1, int(self.firmware.rate_hz * max(TICK_S * self._speed, self.wire.burst_s)))
        while self._owed:
            n = min(self._owed, chunk)
            unplugged = self.port.fileno is None
            full = not unplugged and self.port.blocked
            if full and waiting:
                return
            data = self.wire.transfer(n, blocked=unplugged or full)
            self.port.write(data)
            self._owed -= n

    def _reader_reads(self) -> bool:
        """Whether the reader has taken something lately; time in which we did not look is ours."""
        now = self._now()
        blocked = self.port.blocked
        if not blocked or self.port.taken_bytes != self._seen_bytes:
            self._stalled_s = 0.0
        else:
            self._stalled_s += min(now - self._converted_s, 2 * TICK_S)
        self._converted_s, self._seen_bytes = now, self.port.taken_bytes
        return self._stalled_s < PATIENCE_S

    def wait_on(self, selector: selectors.BaseSelector) -> None:
        """Register the descriptors that can wake the bench, as they are now."""
        box = self.trigger_box_port
        wanted = {
            fd
            for fd, wake in (
                (self.port.fileno, not self.wire.stalled and self._now() >= self._deaf_until_s),
                (self.stimulator_port.fileno, self._stimulator_open),
                (None if box is None else box.fileno, True),
            )
            if fd is not None and wake
        }
        known = {key.fd for key in selector.get_map().values() if key.data is self}
        for fd in known - wanted:
            selector.unregister(fd)
        for fd in wanted - known:
            selector.register(fd, selectors.EVENT_READ, self)

    def close(self) -> None:
        """Ports and their links go."""
        self.port.close()
        self.stimulator_port.close()
        if self.trigger_box_port is not None:
            self.trigger_box_port.close()
