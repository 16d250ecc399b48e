"""Listening sockets on loopback, and who holds a port that is busy."""

from __future__ import annotations

import errno
import ipaddress
import socket
from pathlib import Path

TRIED_PORTS = 100


class PortTakenError(OSError):
    """The port is busy; one sentence says by whom."""


def is_loopback(host: str) -> bool:
    """True for an address or name that only this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 lets the system choose. Raises PortTakenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)  # so that another cannot bind the same port meanwhile
    except OSError as error:
        bound.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTakenError(
            f"port {port} is in use by {holder(port) or 'another program'}; "
            "stop it, or give another --port"
        ) from error
    bound.set_inheritable(False)
    return bound


def listen_from(host: str, port: int) -> socket.socket:
    """The first free port from `port` on. Raises PortTakenError when a hundred are busy."""
    if port == 0:
        return listen(host, 0)
    for candidate in range(port, min(port + TRIED_PORTS, 65536)):
        try:
            return listen(host, candidate)
        except PortTakenError:
            continue
    raise PortTakenError(f"no port from {port} on is free; give another --port")


def holder(port: int) -> str | None:
    """`name (process 123)` of who listens on a local port; None if that cannot be seen."""
    inodes = _listening_inodes(port)
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held = any(str(fd.readlink()) in wanted for fd in (process / "fd").iterdir())
            if held:
                name = (process / "comm").read_text(encoding="utf-8").strip()
                return f"{name} (process {process.name})"
        except OSError:  # ended meanwhile, or another user's
            continue
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        lines = path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(fields[9])
    return found
