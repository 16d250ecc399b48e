"""Epochs of voluntary effort, marked by one key while the patient pulls: on the event loop.

An epoch is the 500 ms that end when the key is pressed: what the technician has just seen is what
is taken. It is cut on the sample clock, told and kept like a sweep, and measured by the same
`munix` as in review and from a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from drivers.types import LinkState
from service.acquisition.ring import RingError
from service.analysis.munix import MunixSettings, effort_now
from service.model import Json

from .book import Entry
from .directing import Director
from .efforts import EFFORT, EPOCH_MS, is_effort
from .journal import Journal
from .row_key import channel_of
from .study import Study

METER_S = 0.2

Where = tuple[str, str, str, int]  # device, stream, channel, samples


class NotNowError(Exception):
    """No epoch can be taken at this moment; one sentence."""


class Voluntary:
    """Of one study. one: held while anything of the study changes."""

    def __init__(
        self,
        study: Study,
        director: Director,
        journal: Journal,
        tell: Callable[[Mapping[str, Json]], None],
        one: asyncio.Lock,
    ) -> None:
        self._study = study
        self._director = director
        self._journal = journal
        self._tell = tell
        self._one = one

    async def mark(self) -> Entry:
        """The last 500 ms are an epoch of the step under the electrodes; on the disk when this
        returns. Raises NotNowError, one sentence, if they cannot be one."""
        async with self._one:
            device, stream, channel, count = self._where()
            taken = [
                one.sweep
                for one in self._study.book.entries
                if is_effort(one.sweep)
                and (one.sweep.recording, one.sweep.device, one.sweep.stream)
                == (self._study.run, device, stream)
            ]
            last = taken[-1] if taken else None
            free = (0, 0) if last is None else (last.epoch, last.start_index + count)
            try:
                sweep = await asyncio.to_thread(
                    self._director.effort, device, stream, channel, count, free
                )
            except RingError as error:
                raise NotNowError(
                    f"the last {EPOCH_MS:g} ms are not whole ({error}); mark again"
                ) from error
            except ValueError as error:
                raise NotNowError(str(error)) from error
            await self._director.settled()
            entry = self._study.book.get(sweep.id)
            if entry is None:
                raise NotNowError("the assessment has not begun: no muscle is named by a channel")
            await self._journal.settled()
            return entry

    async def meter(self) -> None:
        """For ever: while such a step is under the electrodes, what an epoch would be now."""
        while True:
            await asyncio.sleep(METER_S)
            with suppress(NotNowError, RingError, ValueError):
                await self._tell_effort(*self._where())

    async def _tell_effort(self, device: str, stream: str, channel: str, count: int) -> None:
        read = self._director.newest
        trace, rate_hz = await asyncio.to_thread(read, device, stream, channel, count)
        row, values = self._row()
        cmap = values.get("cmap_area_mv_ms")
        rules = MunixSettings()
        self._tell(
            {
                "type": "effort",
                "row": row,
                **effort_now(trace, rate_hz, values),
                "least_mv_ms": max(rules.least_area_mv_ms, rules.least_area_ratio * (cmap or 0.0)),
                "full_mv_ms": None if cmap is None else rules.least_effort * cmap,
            }
        )

    def _row(self) -> tuple[str, dict[str, float]]:
        """Id and newest values of the row that an epoch would go into."""
        step = self._study.step()
        row = "" if step is None else f"{step.id}.{step.run}"
        says: Any = self._study.rows.get(row, {}).get("measurement") or {}
        return row, dict(says.get("values", {}))

    def _where(self) -> Where:
        step, device = self._study.step(), self._study.leading_device
        if step is None or step.plan.measure != EFFORT:
            raise NotNowError("epochs of effort belong to a MUNIX step: start one first")
        if device is None or self._study.states[device].state is not LinkState.LIVE:
            raise NotNowError("no samples are coming in: there is nothing to mark")
        for stream in self._study.epochs[device].info.streams:
            labels = tuple(one.label for one in stream.channels if one.kind == "emg")
            at = channel_of(step.plan.muscle, labels, step.channel)
            if at is not None:
                count = round(EPOCH_MS * stream.rate_hz / 1000.0)
                return device, stream.name, labels[at], count
        raise NotNowError(f"{step.plan.muscle} is not recorded: no channel is named so")
