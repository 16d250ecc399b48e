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
        return self.room > 0

    def send(self, parcel: Parcel) -> None:
        assert not self.closed
        self.room -= 1
        self.sent.append(parcel)

    def close(self, code: int, reason: str) -> None:
        self.closed.append(code)

    def abort(self) -> None:
        self.aborted = True

    @property
    def texts(self) -> list[dict]:
        return [json.loads(parcel.payload) for parcel in self.sent if parcel.text]

    @property
    def headers(self) -> list[Header]:
        return [Header.decode(parcel.payload) for parcel in self.sent if not parcel.text]
