"""The child's work: open the device, read it, number its epochs, open it again when it was lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from .errors import ConfigError, DeviceError
from .outbox import Message, Outbox
from .registry import open_device, parse_url
from .types import Device, Epoch, LinkState, LossCount, SampleBlock, WorkerReport

BACK_OFF_S: Final = (0.5, 1.0, 2.0, 5.0)
_READ_S: Final = 0.1
_REPORT_S: Final = 1.0
_NODE_S: Final = 0.05
_OPEN_S: Final = 30.0  # no handshake takes longer; one that does is hung


class Reader:
    """One device for the life of the child. `send` delivers a message to the parent and may block;
    it runs in a thread of its own. `send_now` as `Outbox` has it."""

    def __init__(
        self,
        url: str,
        first_epoch: int,
        send: Callable[[Message], None],
        send_now: Callable[[Message], bool] | None = None,
    ) -> None:
        self._url = url
        self._address = Path(parse_url(url)[1])
        self._epoch = first_epoch - 1
        self._send = send
        self._outbox = Outbox(send_now=send_now)
        self._stopping = threading.Event()
        self._state, self._sentence = LinkState.CONNECTING, ""
        self._counts: dict[str, LossCount] = {}
        self._turned_s = time.monotonic()

    def stop(self) -> None:
        """End `run` soon; from any thread or a signal handler."""
        self._stopping.set()

    def listen(self, receive: Callable[[], object]) -> None:
        """Stop when the parent says so, or when its end of the pipe is gone."""

        def wait() -> None:
            # the end of the pipe means that the parent is gone: the same as being told to stop
            with contextlib.suppress(EOFError, OSError):
                receive()
            self.stop()

        threading.Thread(target=wait, name="parent", daemon=True).start()

    def run(self) -> None:
        """Until stopped, or until the configuration turns out to be impossible."""
        sender = threading.Thread(target=self._deliver, name="sender", daemon=True)
        sender.start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        cause, failures = "opened", 0
        while not self._stopping.is_set():
            self._report(LinkState.CONNECTING, self._sentence)
            try:
                self._turned_s = time.monotonic() + _OPEN_S
                device = open_device(self._url)
                cause, failures = self._stream(device, cause), 0
            except ConfigError as error:
                self._report(LinkState.LOST, str(error))
                break
            except DeviceError as error:
                self._report(LinkState.LOST, str(error))
                self._pause(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
                failures += 1
        if self._stopping.is_set():
            self._report(LinkState.STOPPED, "")
        self._stopping.set()
        self._outbox.close()
        sender.join(1.0)

    def _stream(self, device: Device, cause: str) -> str:
        """Read until stopped or lost; answers why the next epoch will open."""
        try:
            device.start()
            self._counts, opened = {}, False
            ends: dict[str, int] = {}
            while not self._stopping.is_set():
                self._turned_s = time.monotonic()
                block = device.read(_READ_S)
                if block is None:
                    continue
                if not opened:
                    opened = True
                    self._open_epoch(device, cause)
                self._forward(block, device, ends)
        except DeviceError as error:
            self._report(LinkState.LOST, str(error))
            return str(error)
        finally:
            device.close()
        return "stopped"

    def _open_epoch(self, device: Device, cause: str) -> None:
        self._epoch += 1
        self._outbox.put(
            Epoch(
                number=self._epoch,
                info=device.info,
                settings_read_back=dict(device.settings_read_back),
                opened_utc=datetime.now(UTC),
                opened_monotonic_s=time.monotonic(),
                device_counter_at_zero=device.counter_at_zero,
                cause=cause,
            )
        )
        self._report(LinkState.LIVE, "")

    def _forward(self, block: SampleBlock, device: Device, ends: dict[str, int]) -> None:
        stream = next(s for s in device.info.streams if s.name == block.stream)
        count = self._counts.get(block.stream, LossCount())
        missing = block.start_index - ends.get(block.stream, 0)
        ends[block.stream] = block.end_index
        self._counts[block.stream] = LossCount(
            count.received + block.end_index - block.start_index,
            count.lost + missing - block.rejected,
            count.rejected + block.rejected,
        )
        triggers = tuple(replace(trigger, epoch=self._epoch) for trigger in block.triggers)
        numbered = replace(block, epoch=self._epoch, triggers=triggers)
        self._outbox.put(numbered, block.data.shape[-1] / stream.rate_hz)

    def _pause(self, seconds: float) -> None:
        """Wait before trying again; not longer than the port's node takes to come back."""
        until = time.monotonic() + seconds
        present = self._address.exists()
        while time.monotonic() < until and not self._stopping.wait(_NODE_S):
            self._turned_s = time.monotonic()
            if self._address.exists() and not present:
                return
            present = self._address.exists()

    def _report(self, state: LinkState, sentence: str) -> None:
        self._state, self._sentence = state, sentence
        counts = dict(self._counts)
        self._outbox.put(WorkerReport(state, sentence, time.monotonic(), counts))

    def _beat(self) -> None:
        """Once a second, as long as the reading goes round: a hung driver falls silent."""
        while not self._stopping.wait(_REPORT_S):
            if time.monotonic() - self._turned_s < _REPORT_S:
                self._report(self._state, self._sentence)

    def _deliver(self) -> None:
        try:
            while (message := self._outbox.take()) is not None:
                self._send(message)
        except OSError:
            self.stop()
