"""Views of all devices under one numbering, and what each page watches. On the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from service.acquisition.pipeline import Pipeline
from service.acquisition.types import GapNotice, LiveFrame, View
from service.bedside.messages import gap_json, view_json
from service.model import Json

from .hub import Hub, Viewer
from .wire import Header, Kind, Parcel, binary_parcel, text_body

VIEW_NUMBERS = 0x10000
RESUME_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page asks to see; `columns_per_s` 0 means samples."""

    device: str
    stream: str
    channels: tuple[str, ...]
    preset: str
    columns_per_s: float


class Viewing:
    """Who sees which view. The pipelines' locks are waited for in threads, never on the loop."""

    def __init__(self, hub: Hub, pipelines: Mapping[str, Pipeline]) -> None:
        self._hub = hub
        self._pipelines = pipelines
        self._numbers: dict[tuple[str, int], int] = {}
        self._views: dict[int, View] = {}
        self._counts: dict[str, Counter[int]] = {}
        self._next = itertools.count(1)

    async def subscribe(self, viewer: Viewer, wanted: Wanted, request: Json) -> None:
        """Answer with `view`, then the frames. Raises ValueError with a sentence."""
        pipeline = self._pipelines.get(wanted.device)
        if pipeline is None:
            raise ValueError(
                f"there is no device {wanted.device!r}; there is {', '.join(self._pipelines)}"
            )
        view = await asyncio.to_thread(
            pipeline.subscribe,
            wanted.stream, wanted.channels, wanted.preset, wanted.columns_per_s,
        )  # fmt: skip
        if viewer.closed:
            await asyncio.to_thread(pipeline.unsubscribe, view.number)
            return
        number = self._number(view)
        self._counts.setdefault(viewer.client, Counter())[number] += 1
        epoch, next_index = await asyncio.to_thread(pipeline.sent, view.number)
        viewer.tell(text_body(view_json(view, number, request, epoch, next_index)))
        self._hub.watch(viewer, number)

    async def unsubscribe(self, viewer: Viewer, number: int) -> None:
        """One subscription less. Raises ValueError for a view the page does not have."""
        counts = self._counts.get(viewer.client, Counter())
        if not counts[number]:
            raise ValueError(f"this page has no view {number}")
        counts[number] -= 1
        if not counts[number]:
            self._hub.unwatch(viewer, number)
        await self._release(number, 1)

    async def resume(self, viewer: Viewer, number: int, epoch: int, next_index: int) -> None:
        """Send what was missed out of the ring; what is too old, or too much, is told as a gap."""
        view = self._views.get(number)
        if view is None or number not in viewer.watches:
            raise ValueError(f"this page has no view {number}; subscribe first")
        pipeline = self._pipelines[view.device]
        missed = await asyncio.to_thread(pipeline.history, view.number, epoch, next_index)
        room, kept = RESUME_BYTES - viewer.waiting_bytes, []
        while missed and room > 0:
            one = missed.pop()
            kept.append(one)
            room -= one.data.nbytes if isinstance(one, LiveFrame) else 0
        told = [_as_gap(view, one) for one in missed] + kept[::-1]
        for one in told:
            if isinstance(one, LiveFrame):
                viewer.deliver(self._parcel(number, one))
            else:
                viewer.tell(text_body(gap_json(one, number)))

    async def leave(self, viewer: Viewer) -> None:
        """The page has gone: its subscriptions end."""
        for number, count in self._counts.pop(viewer.client, Counter()).items():
            await self._release(number, count)

    def frame(self, device: str, frame: LiveFrame) -> None:
        """A new frame: encoded once, for all who watch."""
        number = self._numbers.get((device, frame.view))
        if number is not None and self._hub.watched(number):
            samples = frame.count * frame.decimation
            self._hub.frame(number, self._parcel(number, frame), samples)

    def skipped(self, device: str, view: int, samples: int) -> None:
        """Frames that the loop was too slow to take."""
        number = self._numbers.get((device, view))
        if number is not None:
            self._hub.skip(number, samples)

    def _parcel(self, number: int, frame: LiveFrame) -> Parcel:
        header = Header(
            Kind(frame.kind), number, frame.epoch, frame.first_index, frame.count,
            frame.data.shape[0], frame.decimation, frame.server_s,
        )  # fmt: skip
        return binary_parcel(header, frame.data)

    def _number(self, view: View) -> int:
        key = (view.device, view.number)
        if key not in self._numbers:
            number = next(n for n in (i % VIEW_NUMBERS for i in self._next) if self._is_free(n))
            self._numbers[key], self._views[number] = number, view
        return self._numbers[key]

    def _is_free(self, number: int) -> bool:
        return number != 0 and number not in self._views

    async def _release(self, number: int, count: int) -> None:
        view = self._views[number]
        if not any(counts[number] for counts in self._counts.values()):
            del self._views[number], self._numbers[view.device, view.number]
        pipeline = self._pipelines[view.device]
        for _ in range(count):
            with contextlib.suppress(ValueError):
                await asyncio.to_thread(pipeline.unsubscribe, view.number)


def _as_gap(view: View, one: LiveFrame | GapNotice) -> GapNotice:
    if isinstance(one, GapNotice):
        return one
    return GapNotice(
        view.device, view.stream, one.epoch, one.first_index, one.count * one.decimation,
        one.server_s, "too_old",
    )  # fmt: skip
