"""Byte links: serial ports and TCP sockets. The only importer of pyserial.

A read waits in poll(2), so a hang-up is noticed within milliseconds and `interrupt` or `close` from
another thread ends it at once. Nothing here knows what the bytes mean.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import serial
from serial.tools import list_ports

from .errors import DeviceLost, PortError

_MOST_BYTES: Final = 1 << 16
_TERMINAL_READ: Final = 4095  # Linux gives no more of a terminal's bytes to one read
_WRITE_S: Final = 1.0
_LOOK_S: Final = 0.0005
_BUSY: Final = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_DENIED: Final = (errno.EACCES, errno.EPERM)
_MISSING: Final = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO)


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port of this machine, as the system lists it. Ids are None for what is not USB."""

    path: str
    label: str
    vendor_id: int | None
    product_id: int | None


class Link(ABC):
    """An open file descriptor that carries bytes both ways. One thread reads at a time.

    pace_s: mean time between two reads that found bytes is at least this. A fast device then costs
    a few larger reads; a byte that comes after a pause, or after a late one, is read at once.
    """

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.pace_s = 0.0
        self._next_s = 0.0
        self._descriptor = descriptor
        self._woken, self._wake = os.pipe()
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._closed = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)
        self._rest = select.poll()
        self._rest.register(self._woken, select.POLLIN)

    def read_available(self, timeout_s: float) -> bytes:
        """What has come, at least one byte; empty after `timeout_s` or `interrupt`.

        Raises DeviceLost when the other end is gone or the link was closed.
        """
        with self._reading:
            if self._closed:
                raise DeviceLost(f"{self.name} is closed")
            early_s = self._next_s - time.monotonic() if self.pace_s else 0.0
            if early_s > 0:
                self._rest.poll(1000 * early_s)
            events = dict(self._poll.poll(max(0, round(timeout_s * 1000))))
            if self._woken in events:
                os.read(self._woken, 4096)
                return b""
            if self._descriptor not in events:
                return b""
            data = self._take()
            self._next_s = max(self._next_s, time.monotonic() - self.pace_s) + self.pace_s
            return data

    def _take(self) -> bytes:
        """What is there, up to `_MOST_BYTES`; there is at least one byte, or the end."""
        pieces: list[bytes] = []
        size = 0
        try:
            while size < _MOST_BYTES:
                piece = os.read(self._descriptor, _MOST_BYTES)
                pieces.append(piece)
                size += len(piece)
                if len(piece) < _TERMINAL_READ or not self._poll.poll(0):
                    break
        except BlockingIOError:
            return b"".join(pieces)
        except OSError as error:
            if not size:  # else what came before the end first
                raise self._lost(error.strerror or str(error)) from error
        if not size:
            raise self._lost("the other end hung up")
        return b"".join(pieces)

    def write(self, data: bytes) -> None:
        """All of `data`, within a second. Raises DeviceLost."""
        deadline = time.monotonic() + _WRITE_S
        with self._writing:
            while data:
                if self._closed:
                    raise DeviceLost(f"{self.name} is closed")
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:
                    left_s = deadline - time.monotonic()
                    if left_s <= 0:
                        reason = f"it took no bytes for {_WRITE_S:g} s"
                        raise self._lost(reason) from None
                    select.select([], [self._descriptor], [], left_s)
                except OSError as error:
                    raise self._lost(error.strerror or str(error)) from error

    def interrupt(self) -> None:
        """End the read that is waiting now, or the next one, with nothing. From any thread."""
        with contextlib.suppress(OSError):
            os.write(self._wake, b"\0")

    def close(self) -> None:
        """Release the port; idempotent, from any thread."""
        self._closed = True
        self.interrupt()
        with self._reading, self._writing:
            if self._descriptor >= 0:
                self._release()
                os.close(self._woken)
                os.close(self._wake)
                self._descriptor = self._woken = self._wake = -1

    @abstractmethod
    def _release(self) -> None:
        """Close the descriptor."""

    def _lost(self, reason: str) -> DeviceLost:
        return DeviceLost(f"the link to {self.name} is gone: {reason}")


class SerialLink(Link):
    """A serial port, opened for us alone. Works on pseudo-terminals too."""

    def __init__(self, path: str, baud: int) -> None:
        """Raises PortError: missing, denied or busy, and what to do about it."""
        if not Path(path).exists():
            raise PortError(f"{path} does not exist: is the device plugged in and switched on?")
        try:
            self._port = serial.Serial(path, baud, timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise PortError(_why(path, error)) from error
        super().__init__(path, self._port.fileno())

    def sent_within(self, timeout_s: float) -> bool:
        """Whether everything written has left this machine by then. Raises DeviceLost."""
        deadline = time.monotonic() + timeout_s
        if self._closed:
            raise DeviceLost(f"{self.name} is closed")
        try:
            while self._port.out_waiting:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_LOOK_S)
        except (OSError, serial.SerialException) as error:
            raise self._lost(str(error)) from error
        return True

    def discard_unsent(self) -> None:
        """What was written and has not left this machine is never sent."""
        with contextlib.suppress(OSError, serial.SerialException):
            self._port.reset_output_buffer()

    def _release(self) -> None:
        with contextlib.suppress(OSError, serial.SerialException):
            self._port.close()


class TcpLink(Link):
    """A TCP connection to a device or to the software that serves it."""

    def __init__(self, host: str, port: int, timeout_s: float = 3.0) -> None:
        """Raises PortError."""
        name = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except OSError as error:
            raise PortError(
                f"{name} cannot be reached ({error.strerror or error}): "
                "is the device on, and is this its address?"
            ) from error
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(name, self._socket.fileno())

    def _release(self) -> None:
        self._socket.close()


def serial_ports() -> list[SerialPort]:
    """Serial ports that the system knows of, in the order of their paths."""
    return [
        SerialPort(p.device, p.description or p.device, p.vid, p.pid)
        for p in sorted(list_ports.comports())
    ]


def _why(path: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in _DENIED:
        return (
            f"{path} may not be opened by this user: add yourself to the group dialout "
            "(sudo usermod -aG dialout $USER) and log in again"
        )
    if number in _BUSY or "lock" in str(error):
        holder = holder_of(path)
        by = f" by {holder}" if holder else ""
        return f"{path} is in use{by}: close it there first"
    if number in _MISSING:
        return f"{path} went away while it was opened: is the device plugged in?"
    return f"{path} cannot be opened as a serial port: {error}"


def holder_of(path: str) -> str:
    """`name (pid N)` of a program of ours that has a file open, other than by this call; empty if
    none can be seen."""
    target = os.path.realpath(path)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            held = any(str(fd.readlink()) == target for fd in (folder / "fd").iterdir())
            if held:
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
        except OSError:
            continue  # another user's process, or one that ended meanwhile
    return ""
