"""What the child has read and the parent has not taken yet: bounded, oldest samples dropped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from .types import Epoch, SampleBlock, WorkerReport

Message = Epoch | SampleBlock | WorkerReport
SECONDS: Final = 60.0


class Outbox:
    """A queue of messages holding at most `seconds` of samples. Epochs and reports are never
    dropped; a dropped block shows to the reader as a gap in the index.

    send_now: sends a message if that needs no waiting, and says whether it did. As long as it does
    nothing is queued, and the thread that takes sleeps: waking it costs more than the sending.
    """

    def __init__(
        self, seconds: float = SECONDS, send_now: Callable[[Message], bool] | None = None
    ) -> None:
        self.dropped_blocks = 0
        self._send_now = send_now
        self._taken = False  # the last message taken may still be on its way
        self._seconds = seconds
        self._held_s = 0.0
        self._messages: deque[tuple[Message, float]] = deque()
        self._ready = threading.Condition()
        self._closed = False

    def put(self, message: Message, duration_s: float = 0.0) -> None:
        """Add a message; `duration_s` is the time that a block's samples cover. Never waits."""
        with self._ready:
            idle = not self._messages and not self._taken
            if self._send_now is not None and idle and self._send_now(message):
                return
            self._messages.append((message, duration_s))
            self._held_s += duration_s
            while self._held_s > self._seconds:
                self._drop()
            self._ready.notify()

    def take(self) -> Message | None:
        """The oldest message, waiting for one; None when the outbox was closed and is empty. To
        be called again only when the message before has been sent."""
        with self._ready:
            self._taken = False
            while not self._messages and not self._closed:
                self._ready.wait()
            if not self._messages:
                return None
            message, duration_s = self._messages.popleft()
            self._held_s -= duration_s
            self._taken = True
            return message

    def close(self) -> None:
        """No more will be put."""
        with self._ready:
            self._closed = True
            self._ready.notify()

    def _drop(self) -> None:
        at = next(n for n, (m, _) in enumerate(self._messages) if isinstance(m, SampleBlock))
        self._held_s -= self._messages[at][1]
        del self._messages[at]
        self.dropped_blocks += 1
