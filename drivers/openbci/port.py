"""The serial port beneath BrainFlow: ours alone while held, and known to be gone when it is.

BrainFlow opens the port itself, without a lock, and does not notice an unplugged dongle. This
second descriptor reads nothing: it carries the lock and hears the hang-up.
"""

from __future__ import annotations

import fcntl
import os
import select
from pathlib import Path

from drivers.errors import PortError
from drivers.link import SerialLink


class HeldPort:
    """A locked port. Raises PortError: missing, denied or busy, and what to do about it."""

    def __init__(self, path: str, baud: int) -> None:
        SerialLink(path, baud).close()  # says what is wrong with a port, if something is
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise PortError(
                f"{path} is in use by another program: close that and try again"
            ) from error
        self._poll = select.poll()
        self._poll.register(self._descriptor, 0)  # hang-up and error are always reported

    @property
    def gone(self) -> bool:
        """Whether the dongle was pulled out: the line hung up, or its device node is no more."""
        return bool(self._poll.poll(0)) or not Path(self.path).exists()

    def release(self) -> None:
        """Unlock; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
