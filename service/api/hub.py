"""Every connected page, and what waits for it. One event loop; no I/O of its own.

Traces: at most `BACKLOG` frames wait per view and viewer; the oldest goes, and the next frame says
how many samples it follows (`dropped_before`). Text and sweeps are never dropped: a viewer whose
queue overflows is closed with 1013. A viewer that takes nothing for 10 s is cut off. Nobody waits
for anybody: an offer either goes to the socket's buffer or to the viewer's own queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from service.model import Json

from .wire import Parcel, text_body, text_parcel

BACKLOG = 8
RELIABLE_MESSAGES = 4096
RELIABLE_BYTES = 8 * 1024 * 1024
STALLED_S = 10.0
TRY_AGAIN_LATER = 1013


class Wire(Protocol):
    """One socket, as the hub sees it. No call blocks."""

    @property
    def ready(self) -> bool:
        """False while more than the write cap waits to be sent."""
        ...

    def send(self, parcel: Parcel) -> None:
        """Hand one message to the socket's buffer."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Close after what is buffered."""
        ...

    def abort(self) -> None:
        """Cut the connection; buffered bytes are lost."""
        ...


@dataclass(slots=True)
class Watch:
    """One view of one viewer: frames that wait, and samples lost since the last one sent."""

    waiting: deque[tuple[Parcel, int]] = field(default_factory=deque)
    dropped: int = 0


class Viewer:
    """One connected page."""

    def __init__(self, client: str, wire: Wire) -> None:
        self.client = client
        self.wire = wire
        self.watches: dict[int, Watch] = {}
        self.closed = False
        self.behind_since: float | None = None
        self.dropped_samples = 0
        self._seq = 0
        self._reliable: deque[Parcel] = deque()
        self._reliable_bytes = 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes of messages that may not be dropped and are not yet in the socket's buffer."""
        return self._reliable_bytes

    def tell(self, body: str) -> None:
        """A text message with this socket's next `seq`."""
        self._seq += 1
        self.deliver(text_parcel(body, self._seq))

    def deliver(self, parcel: Parcel) -> None:
        """A message that must arrive, in order; too many of them close the socket with 1013."""
        if self.closed:
            return
        if self.wire.ready and not self._reliable:
            self.wire.send(parcel)
            return
        self._reliable.append(parcel)
        self._reliable_bytes += len(parcel.payload)
        if len(self._reliable) > RELIABLE_MESSAGES or self._reliable_bytes > RELIABLE_BYTES:
            self.end(TRY_AGAIN_LATER, "this page does not keep up; reload it")

    def offer(self, view: int, parcel: Parcel, samples: int) -> None:
        """A trace frame: sent now, or kept in place of the oldest that waits."""
        watch = self.watches.get(view)
        if watch is None or self.closed:
            return
        if self.wire.ready and not self._reliable and not watch.waiting:
            self._send(watch, parcel)
            return
        watch.waiting.append((parcel, samples))
        if len(watch.waiting) > BACKLOG:
            self._forget(watch, watch.waiting.popleft()[1])

    def skip(self, view: int, samples: int) -> None:
        """`samples` of a view were lost on the way to the hub: they count as dropped."""
        watch = self.watches.get(view)
        if watch is not None:
            for _, waiting in watch.waiting:
                samples += waiting
            watch.waiting.clear()
            self._forget(watch, samples)

    def drain(self) -> None:
        """Send what waits, first what may not be dropped, as far as the socket takes it."""
        while self._reliable and self.wire.ready and not self.closed:
            parcel = self._reliable.popleft()
            self._reliable_bytes -= len(parcel.payload)
            self.wire.send(parcel)
        waiting = [watch for watch in self.watches.values() if watch.waiting]
        while waiting and not self._reliable and self.wire.ready and not self.closed:
            for watch in waiting:
                self._send(watch, watch.waiting.popleft()[0])
            waiting = [watch for watch in waiting if watch.waiting]

    def end(self, code: int, reason: str) -> None:
        """Close once; nothing is sent afterwards."""
        if not self.closed:
            self.closed = True
            self.wire.close(code, reason)

    def _send(self, watch: Watch, parcel: Parcel) -> None:
        if watch.dropped:
            parcel = parcel.with_dropped(watch.dropped)
            watch.dropped = 0
        self.wire.send(parcel)

    def _forget(self, watch: Watch, samples: int) -> None:
        watch.dropped += samples
        self.dropped_samples += samples


class Hub:
    """All viewers. `on_count` is told when their number changes, `on_leave` who went."""

    def __init__(self, now: Callable[[], float], on_leave: Callable[[Viewer], None]) -> None:
        self._now = now
        self._on_leave = on_leave
        self._viewers: dict[str, Viewer] = {}
        self._watchers: dict[int, list[Viewer]] = {}
        self.frames_sent = 0
        self._dropped_by_gone = 0

    @property
    def dropped_samples(self) -> int:
        """Samples that viewers, past ones included, were too slow to get."""
        return self._dropped_by_gone + sum(v.dropped_samples for v in self._viewers.values())

    def has(self, client: str) -> bool:
        """True while that page is connected."""
        return client in self._viewers

    @property
    def viewers(self) -> tuple[Viewer, ...]:
        """Who is connected."""
        return tuple(self._viewers.values())

    def join(self, viewer: Viewer) -> None:
        """A page has connected and has had its hello."""
        self._viewers[viewer.client] = viewer
        self._tell_count()

    def leave(self, viewer: Viewer) -> None:
        """A page has gone; idempotent."""
        if self._viewers.pop(viewer.client, None) is None:
            return
        viewer.closed = True
        self._dropped_by_gone += viewer.dropped_samples
        for view in tuple(viewer.watches):
            self.unwatch(viewer, view)
        self._on_leave(viewer)
        self._tell_count()

    def watch(self, viewer: Viewer, view: int) -> None:
        """From now on this viewer gets the frames of `view`."""
        if view not in viewer.watches:
            viewer.watches[view] = Watch()
            self._watchers.setdefault(view, []).append(viewer)

    def unwatch(self, viewer: Viewer, view: int) -> bool:
        """Stop; True if nobody watches `view` any more."""
        if viewer.watches.pop(view, None) is None:
            return False
        watchers = self._watchers[view]
        watchers.remove(viewer)
        if not watchers:
            del self._watchers[view]
        return not watchers

    def watched(self, view: int) -> bool:
        """True while somebody watches `view`: a frame nobody sees need not be encoded."""
        return view in self._watchers

    def frame(self, view: int, parcel: Parcel, samples: int) -> None:
        """One frame to all who watch `view`; `samples` of the stream are in it."""
        for viewer in self._watchers.get(view, ()):
            viewer.offer(view, parcel, samples)
            self.frames_sent += 1

    def skip(self, view: int, samples: int) -> None:
        """`samples` of `view` never reached the hub."""
        for viewer in self._watchers.get(view, ()):
            viewer.skip(view, samples)

    def tell(self, message: Mapping[str, Json]) -> None:
        """One text message to everybody."""
        body = text_body(message)
        for viewer in self.viewers:
            viewer.tell(body)

    def deliver(self, parcels: Iterable[Parcel]) -> None:
        """Binary messages that everybody must get (sweeps)."""
        for parcel in parcels:
            for viewer in self.viewers:
                viewer.deliver(parcel)

    def check(self) -> None:
        """Call about once a second: cut off who has taken nothing for 10 s."""
        now = self._now()
        for viewer in self.viewers:
            if viewer.wire.ready:
                viewer.behind_since = None
                viewer.drain()
            elif viewer.behind_since is None:
                viewer.behind_since = now
            elif now - viewer.behind_since > STALLED_S:
                viewer.wire.abort()
                self.leave(viewer)

    def close(self, code: int, reason: str) -> None:
        """End every socket."""
        for viewer in self.viewers:
            viewer.end(code, reason)

    def _tell_count(self) -> None:
        self.tell({"type": "viewers", "count": len(self._viewers)})
