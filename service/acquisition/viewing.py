"""Who looks at what: views by description, shared by all who asked for the same."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from .streams import Stream, connect
from .types import View


class ViewTable:
    """The views of one device. Not locked: the pipeline is."""

    def __init__(self, device: str) -> None:
        self.device = device
        self._views: dict[int, View] = {}
        self._subscribers: dict[int, int] = {}
        self._count = 0

    def find(self, number: int) -> View:
        """Raises ValueError for a view that has ended."""
        if number not in self._views:
            raise ValueError(
                f"there is no view {number} of {self.device} any more; subscribe again"
            )
        return self._views[number]

    def subscribe(
        self, stream: Stream, channels: tuple[str, ...], preset: str, columns_per_s: float
    ) -> View:
        """The view of that description, made and connected if there is none. Raises ValueError."""
        info = stream.chapter.info
        asked = (info.name, channels, preset, columns_per_s)
        for view in self._views.values():
            if (view.stream, view.channels, view.preset, view.columns_per_s) == asked:
                self._subscribers[view.number] += 1
                return view
        number = self._count + 1
        view = View(number, self.device, *asked, info.rate_hz, 1, 0)
        connect(stream, view)
        self._count = number
        self._views[number], self._subscribers[number] = view, 1
        return view

    def unsubscribe(self, number: int, streams: Mapping[str, Stream]) -> None:
        """One subscriber less; the view ends with the last. Unknown numbers are ignored."""
        if number not in self._views:
            return
        self._subscribers[number] -= 1
        if not self._subscribers[number]:
            view = self._views.pop(number)
            del self._subscribers[number]
            if view.stream in streams:
                streams[view.stream].feeds.pop(number, None)

    def reconnect(self, streams: Mapping[str, Stream]) -> None:
        """After a new epoch; a view whose stream, channel or band is gone stays silent."""
        for view in self._views.values():
            if view.stream in streams:
                with contextlib.suppress(ValueError):
                    connect(streams[view.stream], view)
