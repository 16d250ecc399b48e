"""The wire of a simulated device: a raw pseudo-terminal, and the clock that says what is due.

Samples are due against absolute time, n = floor(elapsed * rate), never by a sleep per frame. Writes
never block: what a reader does not take stays in a buffer, and a device whose buffer is full loses
conversions the way it would on a real port.
"""

from __future__ import annotations

import contextlib
import os
import select
import tty
from collections.abc import Callable
from pathlib import Path

READ_SIZE = 65536
USB_BUFFER_BYTES = 46 * 1024
"""With a pseudo-terminal's 18 kB as much as Linux keeps for a real port that nobody reads (64 KiB,
tty_buffer.c). A simulator that was itself late must not lose what a board would have sent."""


class Pacer:
    """How many samples are due at a rate. `speed` is device seconds per host second."""

    def __init__(self, now: Callable[[], float], rate_hz: float, speed: float = 1.0) -> None:
        self._now = now
        self._speed = speed
        self._rate_hz = rate_hz
        self._origin_s = now()
        self._taken = 0

    def position(self) -> float:
        """Samples due since the origin, with their fraction, less those already taken."""
        return (self._now() - self._origin_s) * self._speed * self._rate_hz - self._taken

    def take(self) -> int:
        """Whole samples due now; they count as taken."""
        due = max(0, int(self.position()))
        self._taken += due
        return due

    def set_rate(self, rate_hz: float) -> None:
        """Continue at another rate from now on; what is due already stays due."""
        if rate_hz == self._rate_hz:
            return
        due = self.position()
        self._rate_hz = rate_hz
        self._taken = 0
        self._origin_s = self._now() - due / (rate_hz * self._speed)


class PtyPort:
    """One pseudo-terminal, as a serial port with a stable name under `link` if one is given.

    hold: keep the client's side open here too, so that a client may come and go; without it, a
    client's close can be seen (`connected`). buffer_bytes: what waits beside the terminal's own
    18 kB before the device is `blocked`.
    """

    def __init__(
        self, link: Path | None = None, *, hold: bool = True, buffer_bytes: int = 0
    ) -> None:
        self._link = link
        self._buffer_bytes = buffer_bytes
        self._hold = hold
        self._master: int | None = None
        self._slave: int | None = None
        self._pending = bytearray()
        self.taken_bytes = 0  # by the terminal, since the start
        self.name = ""
        self.open()

    def open(self) -> None:
        """A new terminal; the link moves to it in one step."""
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        node = os.ttyname(slave)
        self._slave = slave
        if not self._hold:
            os.close(slave)
            self._slave = None
        self.name = node
        if self._link is not None:
            fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(node)
            fresh.replace(self._link)
            self.name = str(self._link)

    def close(self) -> None:
        """Unplugged: the terminal and its link go."""
        for end in (self._master, self._slave):
            if end is not None:
                os.close(end)
        self._master = self._slave = None
        self._pending.clear()
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    @property
    def fileno(self) -> int | None:
        """Descriptor to wait on, None while unplugged."""
        return self._master

    @property
    def connected(self) -> bool:
        """Whether a client holds the other end (always true for a held port)."""
        if self._master is None:
            return False
        poll = select.poll()
        poll.register(self._master, 0)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    @property
    def blocked(self) -> bool:
        """Whether the reader is so far behind that nothing more can be sent."""
        self._flush()
        return len(self._pending) > self._buffer_bytes

    def read(self) -> bytes:
        """What the client wrote; empty when nothing or nobody is there."""
        if self._master is None:
            return b""
        with contextlib.suppress(BlockingIOError, OSError):
            return os.read(self._master, READ_SIZE)
        return b""

    def write(self, data: bytes) -> None:
        """Send, keeping back what the terminal does not take now."""
        if self._master is not None:
            self._pending += data
            self._flush()

    def _flush(self) -> None:
        if self._master is None:
            return
        with contextlib.suppress(BlockingIOError, OSError):
            while self._pending:
                taken = os.write(self._master, self._pending)
                self.taken_bytes += taken
                del self._pending[:taken]
