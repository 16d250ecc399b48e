"""`python -m benchmarks.crowd PORT COUNT SECONDS RCVBUF [PATH]`: viewers that only read.

Prints `ready` when all are connected, and at the end JSON: frames received in all, the longest time
between two frames of one viewer (s), and the samples said to be dropped.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

from service.api.wire import HEADER, Header

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
WARM_UP_S = 0.5


@dataclass(slots=True)
class Reader:
    """One socket: bytes not yet whole, and what came."""

    buffer: bytearray = field(default_factory=bytearray)
    last_s: float | None = None
    longest_s: float = 0.0
    frames: int = 0
    dropped: int = 0

    def feed(self, data: bytes, now_s: float, counted: bool) -> None:
        """Take bytes; binary messages are frames of ours, texts are skipped."""
        self.buffer += data
        while len(self.buffer) >= 2:
            size, at = self.buffer[1] & 0x7F, 2
            if size >= 126:
                form, at = ("!H", 4) if size == 126 else ("!Q", 10)
                if len(self.buffer) < at:
                    return
                (size,) = struct.unpack_from(form, self.buffer, 2)
            if len(self.buffer) < at + size:
                return
            if self.buffer[0] & 0x0F == 2:
                self._frame(bytes(self.buffer[at : at + HEADER.size]), now_s, counted)
            del self.buffer[: at + size]

    def _frame(self, head: bytes, now_s: float, counted: bool) -> None:
        if counted:
            if self.last_s is not None:
                self.longest_s = max(self.longest_s, now_s - self.last_s)
            self.last_s = now_s
            self.frames += 1
        self.dropped += Header.decode(head).dropped_before


def join(port: int, rcvbuf: int, path: str = "/") -> tuple[socket.socket, bytes]:
    """A connected websocket, and what came with the answer to the handshake."""
    made = socket.socket()
    if rcvbuf:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    made.connect(("127.0.0.1", port))
    made.sendall(HANDSHAKE.format(port=port, path=path).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += made.recv(4096)
    return made, head.partition(b"\r\n\r\n")[2]


def main() -> None:
    """See the module."""
    port, count, seconds, rcvbuf = (float(word) for word in sys.argv[1:5])
    path = sys.argv[5] if len(sys.argv) > 5 else "/"
    selector, readers = selectors.DefaultSelector(), []
    for _ in range(int(count)):
        made, rest = join(int(port), int(rcvbuf), path)
        made.setblocking(False)
        reader = Reader()
        reader.feed(rest, 0.0, False)
        selector.register(made, selectors.EVENT_READ, reader)
        readers.append(reader)
    print("ready", flush=True)
    start_s = time.monotonic()
    while (now_s := time.monotonic()) < start_s + seconds:
        for key, _ in selector.select(0.1):
            data = key.fileobj.recv(1 << 16)
            if data:
                key.data.feed(data, time.monotonic(), now_s > start_s + WARM_UP_S)
            else:
                selector.unregister(key.fileobj)
    print(
        json.dumps(
            {
                "frames": sum(reader.frames for reader in readers),
                "longest_gap_s": max(reader.longest_s for reader in readers),
                "dropped": sum(reader.dropped for reader in readers),
            }
        )
    )


if __name__ == "__main__":
    main()
