"""How long the sweeps of a step last: longer, where responses come later than anybody expected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from service.model import Json
from service.protocols.loading import LEAST_RECORD_MS, MOST_RECORD_MS
from service.store.types import KeptEdit

from .directing import Director
from .journal import Journal
from .steps import Step, kept_step
from .study import Study


class Ports(Protocol):
    """Of its session."""

    @property
    def utc_now(self) -> Callable[[], datetime]:
        """Wall clock, kept with an edit."""

    @property
    def tell(self) -> Callable[[Mapping[str, Json]], None]:
        """A message to every page."""


class SweepLength:
    """Of the steps of one study."""

    def __init__(
        self, study: Study, director: Director, journal: Journal, ports: Ports, one: asyncio.Lock
    ) -> None:
        self._study = study
        self._director = director
        self._journal = journal
        self._ports = ports
        self._one = one

    async def set(self, step_id: str, ms: float, by: str | None = None) -> Step:
        """Sweeps of the step from the next stimulus on; a row takes those that are as long as its
        newest. Raises KeyError for an unknown step, ValueError for a length it cannot have."""
        async with self._one:
            before = self._study.list.get(step_id)
            check_length(before, ms)
            after = before.recording_for(ms)
            edit = KeptEdit(
                self._ports.utc_now(), (by or "").strip() or self._study.operator, "step", step_id,
                {"record_ms": before.plan.recorded_ms}, {"record_ms": ms},
            )  # fmt: skip
            await self._journal.did(edit, kept_step(after))
            self._study.list.put(after)
            self._ports.tell({"type": "step", "step": self._study.step_told(after)})
            if self._study.current == after.id:
                await self._director.direct(("step", self._study.step_words()))
            return after


def check_length(step: Step, ms: float) -> None:
    """Raises ValueError, one sentence, if sweeps of a step cannot last so long."""
    least = max(LEAST_RECORD_MS, step.plan.sweep_ms)
    if not least <= ms <= MOST_RECORD_MS:
        raise ValueError(
            f"a sweep of {ms:g} ms: expected {least:g} (what is shown) to {MOST_RECORD_MS:g} ms"
        )
    train = step.plan.train
    if train is not None and ms * train.rate_hz > 1000:
        raise ValueError(
            f"a sweep of {ms:g} ms: at {train.rate_hz:g} Hz the next stimulus ends it after "
            f"{1000 / train.rate_hz:.0f} ms"
        )
