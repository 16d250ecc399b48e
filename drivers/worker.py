"""One device in a child process of its own; `Worker` is the parent's handle on it.

The parent's interpreter may be busy for longer than a port's buffer lasts (29 ms of HackEEG on a
pseudo-terminal); the child reads all the same and keeps up to a minute for a parent that is slow.
The child opens the device again by itself after it was lost, and every opening is a new epoch. When
the pipe to the parent ends, for whatever reason, the child makes the device safe and exits.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import select
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

from .errors import DeviceLost
from .reader import Reader
from .types import Epoch, SampleBlock, WorkerReport

_STOP: Final = "stop"
_STOP_S: Final = 2.0
_SURE_BYTES: Final = 1 << 15
_NICENESS: Final = -10
Message = Epoch | SampleBlock | WorkerReport


class Worker:
    """A running child. One thread polls; `stop` and `kill` may come from any thread."""

    def __init__(self, url: str, *, first_epoch: int) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._pipe: Connection = ours
        self._ready = select.poll()  # Connection.poll would make a selector for every call
        self._ready.register(ours.fileno(), select.POLLIN)
        self._url = url
        self._last = ""
        self._process = context.Process(
            target=_child, args=(url, first_epoch, theirs), name=f"device {url}", daemon=True
        )
        self._process.start()
        theirs.close()  # or the end of the child would not be seen
        self.pid: int = self._process.pid or 0

    def poll(self, timeout_s: float) -> Message | None:
        """The next message, or None when none came in time. Raises DeviceLost once the child has
        ended and everything it sent was read."""
        try:
            if not self._ready.poll(1000 * timeout_s):
                return None
            message: Message = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise DeviceLost(self._obituary()) from error
        if isinstance(message, WorkerReport) and message.sentence:
            self._last = message.sentence
        return message

    def stop(self) -> None:
        """Ask the child to stop its device and end; after two seconds it is killed."""
        with contextlib.suppress(OSError, ValueError):
            self._pipe.send(_STOP)
        self._process.join(_STOP_S)
        self.kill()

    def kill(self) -> None:
        """End the child at once; idempotent. What it had sent can still be polled."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()

    def close(self) -> None:
        """Kill the child and let go of the pipe."""
        self.kill()
        self._pipe.close()

    def _obituary(self) -> str:
        self._process.join(0.1)
        code = self._process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit {code}"
        last = f"; it last said: {self._last}" if self._last else ""
        return f"the process that read {self._url} ended ({how}){last}"


def _child(url: str, first_epoch: int, pipe: Connection) -> None:
    # the parent decides when to end: Ctrl-C in a terminal reaches children too
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # who may: a port's buffer lasts 29 ms, other work longer
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    reader = Reader(url, first_epoch, pipe.send, _sender_now(pipe))
    signal.signal(signal.SIGTERM, lambda *_: reader.stop())
    reader.listen(pipe.recv)
    reader.run()


def _sender_now(pipe: Connection) -> Callable[[Message], bool] | None:
    """Sends what surely fits into the pipe; None where the system does not tell what fits.

    On Linux a Unix socket is ready for writing while three quarters of its buffer are free: 160 kB.
    Source: unix_writable() in net/unix/af_unix.c.
    """
    if sys.platform != "linux":
        return None
    room = select.poll()
    room.register(pipe.fileno(), select.POLLOUT)

    def send_now(message: Message) -> bool:
        if isinstance(message, SampleBlock) and message.data.nbytes > _SURE_BYTES:
            return False
        if room.poll(0) != [(pipe.fileno(), select.POLLOUT)]:
            return False
        try:
            pipe.send(message)
        except OSError:  # the parent is gone: whoever sends next finds out, and ends the reading
            return False
        return True

    return send_now
