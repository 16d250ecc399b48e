"""A study's way to the disk: what a person does is answered when it is kept, what was found waits
until the disk takes it. Without a store everything is kept in memory alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session as Db

from service.model import Measurement
from service.store import studies
from service.store.errors import StoreError
from service.store.keeper import Keeper
from service.store.types import KeptEdit, KeptStep, KeptSweep

Write = Callable[[Db], object]


class Journal:
    """Of one study. file: the recording that its sweeps lie in, None if there is none."""

    def __init__(self, keeper: Keeper | None, study: str, file: str | None) -> None:
        self._keeper = keeper
        self._study = study
        self._file = file

    async def did(self, edit: KeptEdit, *steps: KeptStep, current: str | None = None) -> None:
        """An edit and what it changed, in one transaction. Raises StoreError if it is not kept.

        steps: as they stand after it. current: the step now under the electrodes, if it changed.
        """
        if self._keeper is None:
            return

        def write(db: Db) -> None:
            studies.add_edit(db, self._study, edit)
            studies.put_steps(db, self._study, steps)
            if current is not None:
                studies.set_step(db, self._study, current)

        await asyncio.wrap_future(self._keeper.ask(write))

    def found(self, sweep: KeptSweep) -> None:
        """A new sweep."""
        self._keep(partial(studies.add_sweep, study_id=self._study, kept=sweep, file=self._file))

    async def settled(self) -> None:
        """Returns when all that was told so far is on the disk; or at once if the disk refuses, of
        which the status of the store tells."""
        if self._keeper is not None:
            with suppress(StoreError):
                await asyncio.wrap_future(self._keeper.ask(lambda _: None))

    def stands(self, steps: tuple[KeptStep, ...], current: str | None) -> None:
        """The list of steps, when it is first known, and the one that is current."""

        def write(db: Db) -> None:
            studies.put_steps(db, self._study, steps)
            studies.set_step(db, self._study, current)

        self._keep(write)

    def says(self, row: str, measurement: Measurement, at_utc: datetime) -> None:
        """What a row now says."""
        self._keep(
            partial(
                studies.add_measurement,
                study_id=self._study,
                row=row,
                measurement=measurement,
                at_utc=at_utc,
            )
        )

    def _keep(self, write: Write) -> None:
        if self._keeper is not None:
            self._keeper.keep(write)
