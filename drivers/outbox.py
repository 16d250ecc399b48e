"""What the child has read and the parent has not taken yet: bounded, oldest samples dropped."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from .types import Epoch, SampleBlock, WorkerReport

Message = Epoch | SampleBlock | WorkerReport
SECONDS: Final = 60.0


class Outbox:
    """A queue of messages holding at most `seconds` of samples. Epochs and reports are never
    dropped; a dropped block shows to the reader as a gap in the index."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.dropped_blocks = 0
        self._seconds = seconds
        self._held_s = 0.0
        self._messages: deque[tuple[Message, float]] = deque()
        self._ready = threading.Condition()
        self._closed = False

    def put(self, message: Message, duration_s: float = 0.0) -> None:
        """Add a message; `duration_s` is the time that a block's samples cover. Never waits."""
        with self._ready:
            self._messages.append((message, duration_s))
            self._held_s += duration_s
            while self._held_s > self._seconds:
                self._drop()
            self._ready.notify()

    def take(self) -> Message | None:
        """The oldest message, waiting for one; None when the outbox was closed and is empty."""
        with self._ready:
            while not self._messages and not self._closed:
                self._ready.wait()
            if not self._messages:
                return None
            message, duration_s = self._messages.popleft()
            self._held_s -= duration_s
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
