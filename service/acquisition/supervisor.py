"""Keeps one device going: reads its child process, feeds the pipeline, and says how it is doing.

The state comes from the age of the data, not from what anyone believes: live; stalled after 0.5 s;
lost after 2 s, or at once when the driver reports it. A child that says nothing for 2 s is killed
and started again, with rising epochs and growing pauses.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.clock import HostClock
from drivers.errors import DeviceLost
from drivers.types import Epoch, LinkState, SampleBlock, WorkerReport
from drivers.worker import Worker

from .pipeline import Pipeline
from .types import DeviceState

STALLED_S = 0.5
LOST_S = 2.0
SILENT_S = 2.0
START_S = 15.0  # a child may take this long to its first word: it imports its libraries
TICK_S = 1.0
POLL_S = 0.1
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0)
RATE_TOLERANCE = 0.005

log = logging.getLogger(__name__)


class WorkerHandle(Protocol):
    """The parent's side of a device's child process: `drivers.worker.Worker`."""

    def poll(self, timeout_s: float) -> Epoch | SampleBlock | WorkerReport | None:
        """The next message, None after `timeout_s`. Raises DeviceLost when the child has ended."""
        ...

    def stop(self) -> None:
        """Ask the child to make the device safe and exit; kill it after 2 s."""
        ...

    def close(self) -> None:
        """End the child at once, and let go of it."""
        ...


@dataclass(slots=True)
class _Account:
    """Samples of all streams since the service started."""

    received: int = 0
    lost: int = 0
    rejected: int = 0


class Supervisor:
    """One device of the service, in a thread of its own.

    spawn: starts a child for (url, first epoch). now: monotonic seconds, the clock of the blocks'
    `received_s`. pause: waits that many seconds, or less when stopped.
    """

    def __init__(
        self,
        device: str,
        url: str,
        pipeline: Pipeline,
        now: Callable[[], float] = time.monotonic,
        *,
        spawn: Callable[[str, int], WorkerHandle] | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.device = device
        self.url = url
        self._pipeline = pipeline
        self._now = now
        self._spawn = spawn or _spawn_worker
        self._halt = threading.Event()
        self._pause = pause or self._halt.wait
        self._thread: threading.Thread | None = None
        self._worker: WorkerHandle | None = None
        self._worker_heard_s = 0.0
        self._worker_spoke = False
        self._failures = 0
        self._respawn_s = now()
        self._state = LinkState.CONNECTING
        self._sentence = f"opening {url}"
        self._since_s = now()
        self._tick_s = now() + TICK_S
        self._data_s: float | None = None  # when the newest sample of all was received
        self._flowing = False  # this epoch has brought data, and the driver has not given it up
        self._epoch = 0
        self._next_index: dict[str, int] = {}
        self._nominal_hz: dict[str, float] = {}
        self._clocks: dict[str, HostClock] = {}
        self._account = _Account()

    # ── life ─────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin, in a thread. Once."""
        self._thread = threading.Thread(target=self.run, name=f"device {self.device}")
        self._thread.start()

    def stop(self) -> None:
        """End the child and the thread; from any thread, silent when not running."""
        self._halt.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def run(self) -> None:
        """The thread: step until stopped, then make the device safe and say so."""
        self._tell()
        while not self._halt.is_set():
            self.step()
        if self._worker is not None:
            self._worker.stop()
            self._worker.close()
            self._worker = None
        self._become(LinkState.STOPPED, "stopped by the service")

    # ── one step ─────────────────────────────────────────────────────────────────────────────────

    def step(self) -> None:
        """Wait for one message of the child (or start a child), take it, and watch the clock."""
        if self._worker is None:
            self._start_worker()
        else:
            self._listen(self._worker)
        self._watch()

    def _start_worker(self) -> None:
        wait_s = self._respawn_s - self._now()
        if wait_s > 0:
            self._pause(min(wait_s, POLL_S))
            return
        try:
            self._worker = self._spawn(self.url, self._epoch + 1)
        except OSError as error:
            self._drop_worker(f"cannot start the process of {self.url}: {error}")
            return
        self._worker_heard_s, self._worker_spoke = self._now(), False

    def _listen(self, worker: WorkerHandle) -> None:
        try:
            message = worker.poll(POLL_S)
            if message is not None:
                self._worker_heard_s, self._worker_spoke = self._now(), True
                self._take(message)
        except DeviceLost as error:
            self._drop_worker(str(error))
        except (
            Exception
        ) as error:  # whatever it was, the device must come back, and it must be seen
            log.exception("device %s: its data could not be taken", self.device)
            self._drop_worker(f"the data of {self.device} could not be taken: {error}")

    def _take(self, message: Epoch | SampleBlock | WorkerReport) -> None:
        if isinstance(message, SampleBlock):
            self._count(message)
            self._pipeline.accept(message)
        elif isinstance(message, Epoch):
            self._epoch = message.number
            self._next_index = {}
            self._nominal_hz = {s.name: s.rate_hz for s in message.info.streams}
            self._clocks = {name: HostClock(hz) for name, hz in self._nominal_hz.items()}
            self._pipeline.open(message)
        else:
            self._hear(message)

    def _count(self, block: SampleBlock) -> None:
        missing = block.start_index - self._next_index.get(block.stream, 0)
        self._next_index[block.stream] = block.end_index
        self._account.received += int(block.data.shape[-1])
        self._account.rejected += block.rejected
        self._account.lost += missing - block.rejected
        self._data_s = max(self._data_s or block.received_s, block.received_s)
        self._flowing = True
        self._failures = 0
        if block.stream in self._clocks:
            self._clocks[block.stream].observe(block.end_index, block.received_s)

    def _hear(self, report: WorkerReport) -> None:
        """A driver knows before the data's age shows that the device is gone, or why it waits."""
        if report.state is LinkState.LOST:
            self._flowing = False
            self._become(LinkState.LOST, report.sentence or f"{self.url} is lost")
        elif not self._flowing and report.sentence and report.sentence != self._sentence:
            self._become(self._state, report.sentence)

    def _watch(self) -> None:
        now_s = self._now()
        if self._worker is not None:
            allowed_s = SILENT_S if self._worker_spoke else START_S
            if now_s - self._worker_heard_s > allowed_s:
                self._drop_worker(f"the process of {self.url} fell silent and was ended")
        if self._flowing and self._data_s is not None:
            age_s = now_s - self._data_s
            if age_s > LOST_S:
                self._become(LinkState.LOST, f"no data from {self.url} for more than 2 s")
            elif age_s > STALLED_S:
                self._become(LinkState.STALLED, "no data for more than 0.5 s")
            else:
                self._become(LinkState.LIVE, self._rate_sentence())
        if now_s >= self._tick_s:
            self._tick_s = max(self._tick_s, now_s - TICK_S) + TICK_S
            self._tell()

    def _drop_worker(self, sentence: str) -> None:
        """The child is of no more use: end it, and start another after a pause."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._flowing = False
        pause_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._failures += 1
        self._respawn_s = self._now() + pause_s
        self._become(LinkState.LOST, sentence)

    # ── what is told ─────────────────────────────────────────────────────────────────────────────

    def _rate_sentence(self) -> str:
        """What is wrong with a rate; empty if none is off, or none is known yet."""
        for name, nominal_hz in self._nominal_hz.items():
            rate_hz = self._clocks[name].rate_hz
            if rate_hz is not None and abs(rate_hz / nominal_hz - 1.0) > RATE_TOLERANCE:
                return (
                    f"the device sends {rate_hz:.1f} samples a second instead of {nominal_hz:g}; "
                    "do not trust times measured on it"
                )
        return ""

    def _become(self, state: LinkState, sentence: str) -> None:
        if state is self._state and sentence == self._sentence:
            return
        if state is not self._state:
            self._since_s = self._now()
        self._state, self._sentence = state, sentence
        self._tell()

    def _tell(self) -> None:
        now_s = self._now()
        self._pipeline.state(
            DeviceState(
                device=self.device,
                state=self._state,
                sentence=self._sentence,
                rate_hz=next((clock.rate_hz for clock in self._clocks.values()), None),
                received=self._account.received,
                lost=self._account.lost,
                rejected=self._account.rejected,
                age_s=max(0.0, now_s - self._data_s) if self._data_s is not None else None,
                since_s=self._since_s,
                epoch=self._epoch or None,
            )
        )


def _spawn_worker(url: str, first_epoch: int) -> WorkerHandle:
    return Worker(url, first_epoch=first_epoch)
