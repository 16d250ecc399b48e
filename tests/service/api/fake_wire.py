"""A socket that the test opens and shuts."""

from __future__ import annotations

import json

from service.api.wire import Header, Parcel


class FakeWire:
    """Takes messages; `room` is how many more before it is no longer ready."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.sent: list[Parcel] = []
        self.closed: list[int] = []
        self.aborted = False

    @property
    def ready(self) -> bool:
        """See hub.Wire."""
        return self.room > 0

    def send(self, parcel: Parcel) -> None:
        """Keep."""
        assert not self.closed
        self.room -= 1
        self.sent.append(parcel)

    def close(self, code: int, reason: str) -> None:
        """Keep the code."""
        self.closed.append(code)

    def abort(self) -> None:
        """Keep that it was cut."""
        self.aborted = True

    @property
    def texts(self) -> list[dict]:
        """Text messages so far."""
        return [json.loads(parcel.payload) for parcel in self.sent if parcel.text]

    @property
    def headers(self) -> list[Header]:
        """Headers of binary messages so far."""
        return [Header.decode(parcel.payload) for parcel in self.sent if not parcel.text]
