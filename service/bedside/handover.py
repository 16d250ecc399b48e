"""From the devices' threads to the event loop, without ever making a device's thread wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

from service.acquisition.types import LiveFrame

FRAMES = 512

log = structlog.get_logger(__name__)


class Handover:
    """`post` anything, `frame` traces: both return at once, from any thread.

    If the loop does not keep up, the oldest frames are forgotten and `skipped(device, view,
    samples)` is told before the next frame of that view; what is posted is never forgotten.
    """

    def __init__(
        self,
        frame: Callable[[str, LiveFrame], None],
        skipped: Callable[[str, int, int], None],
    ) -> None:
        self._frame = frame
        self._skipped = skipped
        self._loop: asyncio.AbstractEventLoop | None = None
        self._posts: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._frames: deque[tuple[str, LiveFrame]] = deque()
        self._lost: deque[tuple[str, int, int]] = deque()
        self._scheduled = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on there is a loop to hand over to."""
        self._loop = loop
        self._schedule()

    def detach(self) -> None:
        """The loop is about to end; what comes later is forgotten."""
        self._loop = None

    def post(self, call: Callable[..., None], *arguments: Any) -> None:
        """Call `call(*arguments)` on the loop, in order."""
        self._posts.append((call, arguments))
        self._schedule()

    def frame(self, device: str, frame: LiveFrame) -> None:
        """Hand over one frame."""
        self._frames.append((device, frame))
        while len(self._frames) > FRAMES:
            try:
                lost_device, lost = self._frames.popleft()
            except IndexError:  # the loop took them meanwhile
                break
            self._lost.append((lost_device, lost.view, lost.count * lost.decimation))
        self._schedule()

    def _schedule(self) -> None:
        loop = self._loop
        if loop is None or self._scheduled:
            return
        self._scheduled = True
        try:
            loop.call_soon_threadsafe(self._drain)
        except RuntimeError:  # the loop has just closed
            self._loop = None

    def _drain(self) -> None:
        # cleared first: what is appended from here on schedules another turn
        self._scheduled = False
        for _ in range(len(self._posts)):
            call, arguments = self._posts.popleft()
            self._guard(call, *arguments)
        for _ in range(len(self._lost)):
            self._guard(self._skipped, *self._lost.popleft())
        for _ in range(len(self._frames)):
            try:
                item = self._frames.popleft()
            except IndexError:
                break
            self._guard(self._frame, *item)

    @staticmethod
    def _guard(call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        except Exception:
            log.exception("on the event loop", call=getattr(call, "__qualname__", str(call)))
