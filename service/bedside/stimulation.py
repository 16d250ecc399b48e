"""One stimulator: its own thread, which alone talks to it, and STOP, which waits for nobody.

Requests queue for the thread and are judged by `Interlock`; heartbeats go out only while armed and
while the event loop is healthy. `stop()` may come from any thread, takes no lock and never blocks:
a second thread disarms the hardware at once, and everything that was queued is refused.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import replace

import structlog

from drivers.config import StimulatorLimits
from drivers.errors import DeviceError, StimulatorRefused
from drivers.types import Pulse, Stimulator, StimulatorKind

from .interlock import Interlock, RefusedError
from .placement import NO_STEP, Placement, StepPulse
from .stimulator_status import (
    Record,
    Request,
    StimulationPorts,
    StimulatorStatus,
    keep_armed,
    pulse_words,
    status_of,
    stimulus_of,
)
from .stimulator_words import ALARM
from .train import Declared

HEARTBEAT_S = 0.08
LOOP_LAG_S = 0.25
TICK_S = 0.02
REOPEN_S = 1.0

log = structlog.get_logger(__name__)


class Stimulation:
    """`open_stimulator` None: there is none. `now` is the monotonic clock."""

    def __init__(
        self,
        open_stimulator: Callable[[], Stimulator] | None,
        limits: StimulatorLimits,
        ports: StimulationPorts,
        now: Callable[[], float],
        kind: StimulatorKind = StimulatorKind.CONTROLLED,
    ) -> None:
        self._open = open_stimulator
        self._interlock = Interlock(limits, present=open_stimulator is not None, kind=kind)
        self.stop_words = ALARM[kind]
        self._ports = ports
        self._now = now
        self._device: Stimulator | None = None
        self._hardware_armed = False
        self._set_up: Pulse | None = None
        self._delivered = 0
        self._last_beat_s = self._reopen_s = 0.0
        self._requests: deque[Request] = deque()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._run, name="stimulator", daemon=True),
            threading.Thread(target=self._stopper, name="stimulator-stop", daemon=True),
        ]
        self._stop_now = threading.Event()
        self.status = self._snapshot()

    def start(self) -> None:
        """Open the stimulator and begin disarmed."""
        for thread in self._threads:
            thread.start()

    def close(self, timeout_s: float = 1.0) -> None:
        """Stop, disarm, release the port."""
        self._closing = True
        self._wake.set()
        self._stop_now.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)

    def stop(self) -> None:
        """Off, latched until armed again. Never blocks; first in every queue."""
        self._stop.set()
        self._stop_now.set()
        self._wake.set()

    def heard(self, client: str) -> None:
        """The page `client` has sent something just now."""
        self._interlock.heard(client, self._now())

    def gone(self, client: str) -> None:
        """The page's socket has closed."""
        self._submit("gone", client, lambda: self._interlock.gone(client))

    def amplifier(self, live: bool, epoch: int | None) -> None:
        """The recording device's state."""
        self._submit("amplifier", "", lambda: self._interlock.amplifier(live, epoch))

    def seen(self, stimulus_id: str) -> None:
        """A pulse's edge was found in the stream."""
        self._submit("seen", "", lambda: self._seen(stimulus_id))

    def unseen(self, stimulus_id: str) -> None:
        """A pulse's edge did not come."""
        self._submit("unseen", "", lambda: self._interlock.unseen(stimulus_id))

    def place(self, place: Placement, own: StepPulse = NO_STEP) -> Future[StimulatorStatus]:
        """Another step of the study: disarms; 0 mA at a new nerve or side; its own pulse width."""
        return self._submit("place", "", lambda: self._interlock.place(place, own))

    def configure(self, pulse: Pulse) -> Future[StimulatorStatus]:
        """Set the next pulse; disarms. The future raises RefusedError or a DeviceError."""
        return self._submit("configure", "", lambda: self._configure(pulse))

    def ask(self, implant: str, by: str) -> Future[StimulatorStatus]:
        """The recorded answer about implanted devices (N11)."""

        def run() -> None:
            self._interlock.asked(implant)
            self._record("implanted device", implant, f"answered by {by}", "")

        return self._submit("ask", "", run)

    def lower_ceiling(self, max_ma: float) -> Future[StimulatorStatus]:
        """A lower limit until the study ends; never a higher one."""
        return self._submit("ceiling", "", lambda: self._interlock.lower_ceiling(max_ma))

    def hunt(self, on: bool) -> Future[StimulatorStatus]:
        """Whether sweeps are shown and not kept. The future raises RefusedError."""
        return self._submit("hunt", "", lambda: self._interlock.hunt(on))

    def note(self, what: str, sentence: str, client: str) -> None:
        """Pain, or why it was stopped: into the record, beside the pulses."""
        self._submit("note", client, lambda: self._record(what, "note", sentence, client))

    def arm(
        self, client: str, operator: str, declared: Declared | None = None
    ) -> Future[StimulatorStatus]:
        """Arm for `client`, for single pulses or one declared train; needs initials. The future
        raises RefusedError or a DeviceError."""
        return self._submit("arm", client, lambda: self._arm(client, operator, declared))

    def end_train(self, client: str) -> Future[StimulatorStatus]:
        """The footswitch was let go, or a key pressed: the rest is not sent."""
        return self._submit("end", client, lambda: self._interlock.end_train("by the operator"))

    def disarm(self) -> Future[StimulatorStatus]:
        """Off by request."""
        return self._submit("disarm", "", self._interlock.disarm)

    def fire(self, client: str, nonce: str) -> Future[StimulatorStatus]:
        """One pulse, never retried. The future raises RefusedError or a DeviceError."""
        return self._submit("fire", client, lambda: self._fire(client, nonce))

    def _submit(self, what: str, client: str, run: Callable[[], None]) -> Future[StimulatorStatus]:
        request = Request(run, Future(), what, client)
        self._requests.append(request)
        self._wake.set()
        return request.answer

    # -- everything below runs on the stimulator's thread, but for _stopper

    def _stopper(self) -> None:
        """Disarms the hardware while the other thread may be inside a call to it."""
        while not self._closing:
            self._stop_now.wait()
            self._stop_now.clear()
            device = self._device
            if device is not None and not self._closing:  # then the other thread disarms
                device.disarm()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(self._pause_s())
            self._wake.clear()
            try:
                self.turn()
            except Exception:
                log.exception("stimulator thread")
                self._lost("internal error; the stimulator is treated as unknown")
        self._handle_stop()
        if self._device is not None:
            self._device.close()

    def _pause_s(self) -> float:
        if not self._interlock.armed:
            return 0.1
        train = self._interlock.train
        return TICK_S if train is None else min(TICK_S, train.wait_s(self._now()))

    def turn(self) -> None:
        """One round: STOP, requests, time, train, heartbeat; for callers with their own clock."""
        self._reopen()
        while True:
            if self._stop.is_set():
                self._handle_stop()
            try:
                request = self._requests.popleft()
            except IndexError:
                break
            self._answer(request)
        self._interlock.tick(self._now())
        self._run_train()
        self._heartbeat()
        self._settle()

    def _handle_stop(self) -> None:
        self._stop.clear()
        held = [self._requests.popleft() for _ in range(len(self._requests))]
        self._interlock.stop()
        self._hardware_armed = True  # whatever was believed: tell it once more
        self._settle()
        self._record("stop", "stop", self._interlock.sentence, "")
        for request in held:
            if request.what == "fire":
                with suppress(RefusedError):
                    request.run()  # not armed: it cannot fire, and its nonce is used up
            if request.what in ("configure", "arm", "fire", "ceiling"):
                self._fail(request, RefusedError("stopped", "STOP was pressed; arm again"))
            else:
                self._answer(request)

    def _answer(self, request: Request) -> None:
        try:
            request.run()
        except RefusedError as refusal:
            self._fail(request, refusal)
        except StimulatorRefused as refusal:
            self._interlock.refused(str(refusal))
            self._fail(request, RefusedError(refusal.cause, str(refusal)))
        except (DeviceError, OSError) as error:
            self._lost(str(error))
            self._fail(request, RefusedError("link_lost", str(error)))
        self._settle()
        with suppress(InvalidStateError):  # failed above, or nobody waits any more
            request.answer.set_result(self.status)

    def _fail(self, request: Request, refusal: RefusedError) -> None:
        self._record(f"{request.what} refused", refusal.cause, str(refusal), request.client)
        with suppress(InvalidStateError):  # nobody waits any more
            request.answer.set_exception(refusal)

    def _device_or_refuse(self) -> Stimulator:
        if self._device is None:
            raise RefusedError("unknown_state", self._interlock.sentence)
        return self._device

    def _seen(self, stimulus_id: str) -> None:
        lock = self._interlock
        lock.seen(stimulus_id)
        if lock.kind is StimulatorKind.MANUAL:
            self._delivered += 1
            self._record("pulse", "at_device", pulse_words(lock.pulse, lock.kind), "")

    def _configure(self, pulse: Pulse) -> None:
        try:
            self._interlock.check_configure(pulse)
        except RefusedError:
            self._interlock.misstated()
            raise
        self._device_or_refuse().configure(pulse)
        self._interlock.configured(pulse)
        self._hardware_armed = False

    def _arm(self, client: str, operator: str, declared: Declared | None) -> None:
        self._interlock.check_arm(client, operator, self._now(), declared)
        self._check_loop()
        self._arm_device(self._interlock.pulse)
        self._interlock.armed_by(client, operator, self._last_beat_s, declared)
        self._record("arm", "arm", self._interlock.sentence, client)

    def _arm_device(self, pulse: Pulse) -> None:
        device = self._device_or_refuse()
        device.configure(pulse)
        self._set_up = pulse
        if self._stop.is_set():
            raise RefusedError("stopped", "STOP was pressed; arm again")
        self._hardware_armed = True
        device.arm()
        self._last_beat_s = self._now()

    def _fire(self, client: str, nonce: str) -> None:
        requested_s = self._now()  # the rules first: a nonce is used up even without a stimulator
        self._send(self._interlock.fire(client, nonce, requested_s), requested_s, client, nonce)

    def _run_train(self) -> None:
        """The next pulse of a declared train, when it is due. What fails ends the train."""
        requested_s = self._now()
        pulse = self._interlock.train_pulse(requested_s)
        if pulse is None:
            return
        client = self._interlock.controller or ""
        self._answer(
            Request(lambda: self._send_next(pulse, requested_s, client), Future(), "fire", client)
        )

    def _send_next(self, pulse: Pulse, requested_s: float, client: str) -> None:
        if pulse != self._set_up:  # another current: the device disarms, and is armed again
            self._check_alive()
            self._arm_device(pulse)
        self._send(pulse, requested_s, client, uuid.uuid4().hex)

    def _send(self, pulse: Pulse, requested_s: float, client: str, nonce: str) -> None:
        device = self._device_or_refuse()
        self._check_loop()
        if self._stop.is_set():
            raise RefusedError("stopped", "STOP was pressed; arm again")
        stimulus = stimulus_of(self._interlock, pulse, requested_s, self._now())
        # before the pulse: its edge must find the stimulus already waiting
        self._ports.expect(stimulus)
        self.status = self._snapshot()
        self._ports.status(self.status)
        try:
            answer = device.fire(nonce)
        except StimulatorRefused:
            self._ports.expect(replace(stimulus, sent_s=None))  # withdrawn: it never left
            raise
        self._last_beat_s = self._now()
        self._delivered = answer.delivered_count
        self._interlock.delivered(stimulus.id, self._last_beat_s)
        self._record("pulse", "fire", pulse_words(pulse, self._interlock.kind), client)

    def _check_loop(self) -> None:
        if abs(self._now() - self._ports.beat_s()) > LOOP_LAG_S:
            self._interlock.disarm("the service was too slow to be trusted; arm again")
            raise RefusedError("loop_lag", "the service is too slow just now; nothing was sent")

    def _heartbeat(self) -> None:
        if not self._interlock.armed or self._now() - self._last_beat_s < HEARTBEAT_S:
            return
        try:
            self._check_loop()
            self._check_alive()
        except StimulatorRefused as refusal:
            self._interlock.refused(str(refusal))
        except (DeviceError, OSError) as error:
            self._lost(str(error))
        except RefusedError:
            return  # disarmed already, with its sentence

    def _check_alive(self) -> None:
        """A heartbeat. What has disarmed itself is never armed again without its operator."""
        keep_armed(self._device_or_refuse())
        self._last_beat_s = self._now()

    def _settle(self) -> None:
        """Make the hardware follow the interlock, and tell if anything changed."""
        if self._hardware_armed and not self._interlock.armed:
            self._hardware_armed = False
            if self._device is not None:
                self._device.disarm()
        before, self.status = self.status, self._snapshot()
        if before.state != self.status.state:
            self._record(
                self.status.state.value, "state", self.status.sentence, self._interlock.operator
            )
        if before != self.status:
            self._ports.status(self.status)
        if self._interlock.kind is StimulatorKind.MANUAL:
            self._ports.say(self.status.said)

    def _lost(self, sentence: str) -> None:
        self._interlock.link_lost(sentence)
        device, self._device = self._device, None
        if device is not None:
            device.disarm()
            device.close()
        self._reopen_s = self._now() + REOPEN_S

    def _reopen(self) -> None:
        if self._open is None or self._device is not None or self._now() < self._reopen_s:
            return
        try:
            self._device = self._open()
            self._device.disarm()
        except (DeviceError, OSError) as error:
            self._interlock.link_lost(str(error))
            self._reopen_s = self._now() + REOPEN_S
        else:
            self._interlock.ready()
        self._settle()

    def _record(self, what: str, cause: str, sentence: str, client: str) -> None:
        self._ports.record(Record(what, cause, sentence, client, self._now()))
        log.info("stimulator", what=what, cause=cause, sentence=sentence, client=client)

    def _snapshot(self) -> StimulatorStatus:
        return status_of(self._interlock, self._delivered, self._now())
