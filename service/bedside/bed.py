"""The bed: which study is worked on there, and how it changes to another.

Another study is another session: the stimulator is released, devices begin a new epoch, and the
recording is closed, so that nothing of one patient can reach the next.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as Db

from service.model import Json
from service.protocols.loading import protocols
from service.recording.layout import RecordingError
from service.store import studies
from service.store.errors import StoreError, store_error
from service.store.keeper import Keeper
from service.store.types import (
    KeptEdit,
    KeptRecording,
    KeptStudy,
    StoreStatus,
    StudyContent,
    StudyLine,
)

from .plan import MONTAGE, Plan
from .session import Session
from .steps import kept_step, steps_of
from .workflow import UnknownError

SERVICE_RESTART = 1012
UNNAMED = "unnamed"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewStudy:
    """What a study is opened with."""

    patient: str = UNNAMED
    visit: str = ""
    operator: str = ""
    protocol: str = MONTAGE
    sides: tuple[str, ...] = ()


class NoStoreError(Exception):
    """This run keeps no studies; one sentence."""


class Bed:
    """One bed with its devices. plan: what every session there has in common. folder: where
    recordings go, None: nothing is recorded. engine None: nothing is kept. `now`: monotonic."""

    def __init__(
        self,
        plan: Plan,
        *,
        now: Callable[[], float],
        engine: Engine | None = None,
        folder: Path | None = None,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        session: Session | None = None,
    ) -> None:
        self._plan = plan
        self._now = now
        self._utc_now = utc_now
        self._engine = engine
        self._folder = folder
        self._keeper = None if engine is None else Keeper(engine, self._store_changed)
        self._one = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.session = session or Session(self._first(plan), now=now)

    @classmethod
    def of(cls, session: Session) -> Bed:
        """A bed that has this session and keeps nothing."""
        return cls(session.plan, now=session.now, session=session)

    # ── life ─────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Begin, with the study that the plan names."""
        self._loop = asyncio.get_running_loop()
        if self._keeper is not None:
            self._keeper.start()
        await self.session.start()

    async def close(self) -> None:
        """End the session, and write what waits."""
        await self.session.close()
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.close)
        if self._engine is not None:
            self._engine.dispose()

    # ── studies ──────────────────────────────────────────────────────────────────────────────────

    async def create(self, new: NewStudy) -> StudyLine:
        """A new study, worked on from now. Raises ValueError, NoStoreError or StoreError."""
        if new.protocol != MONTAGE and new.protocol not in protocols():
            known = ", ".join([MONTAGE, *protocols()])
            raise ValueError(f"there is no protocol {new.protocol!r}; there is {known}")
        async with self._one:
            keeper, engine = self._store()
            study = make_study(new, self._utc_now())
            await asyncio.wrap_future(keeper.ask(lambda db: begin_study(db, study)))
            await self._change(engine, study.id)
        return await self.line(study.id)

    async def go_on(self, study_id: str) -> StudyLine:
        """Reopen a study, or go on with one that is open; at the step where it was."""
        await self.line(study_id)
        async with self._one:
            keeper, engine = self._store()
            edit = KeptEdit(self._utc_now(), "", "study", study_id, None, "open")

            def reopen(db: Db) -> None:
                studies.set_state(db, study_id, "open", None)
                studies.add_edit(db, study_id, edit)

            if study_id != self.session.study.id:
                await asyncio.wrap_future(keeper.ask(reopen))
                await self._change(engine, study_id)
        return await self.line(study_id)

    async def finish(self, study_id: str, by: str) -> StudyLine:
        """Close a study; the current one is followed by a fresh, unnamed one."""
        line = await self.line(study_id)
        if line.study.state == "closed":
            return line
        async with self._one:
            keeper, engine = self._store()
            now = self._utc_now()
            edit = KeptEdit(now, by, "study", study_id, "open", "closed")
            fresh = make_study(NewStudy(), now) if study_id == self.session.study.id else None

            def end(db: Db) -> None:
                studies.set_state(db, study_id, "closed", now)
                studies.add_edit(db, study_id, edit)
                if fresh is not None:
                    begin_study(db, fresh)

            await asyncio.wrap_future(keeper.ask(end))
            if fresh is not None:
                await self._change(engine, fresh.id)
        return await self.line(study_id)

    async def lines(self, *, patient: str | None, state: str | None, limit: int) -> list[StudyLine]:
        """Studies, newest first, without those in which nothing was ever done."""
        found = await self._read(
            lambda db: studies.list_studies(db, patient=patient, state=state, limit=limit)
        )
        current = self.session.study.id
        return [
            one
            for one in found
            if one.study.patient != UNNAMED or one.sweep_count or one.study.id == current
        ]

    async def line(self, study_id: str) -> StudyLine:
        """One study. Raises UnknownError if there is none of that id."""
        found = await self._read(lambda db: studies.find_study(db, study_id))
        if found is None:
            raise UnknownError(f"there is no study {study_id!r}")
        return found

    async def content(self, study_id: str) -> StudyContent:
        """All of a study, as it is on the disk. Raises UnknownError."""
        found = await self._read(lambda db: studies.load_study(db, study_id))
        if found is None:
            raise UnknownError(f"there is no study {study_id!r}")
        return found

    async def history(self, row: str) -> list[Mapping[str, Json]]:
        """What a row of the current study has said."""
        study = self.session.study.id
        return await self._read(lambda db: studies.row_history(db, study, row))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _first(self, plan: Plan) -> Plan:
        """The plan's own study if it is in the store (it was left open), else begun there."""
        if self._engine is None:
            return plan
        utc = self._utc_now()
        if read_store(self._engine, lambda db: studies.find_study(db, plan.study)) is None:
            study = replace(
                make_study(NewStudy(plan.patient, plan.visit, plan.operator, plan.protocol), utc),
                id=plan.study,
                sides=plan.sides,
            )
            write_store(self._engine, lambda db: begin_study(db, study))
        return plan_for(plan, self._engine, plan.study, self._folder, self._keeper, utc)

    def _store(self) -> tuple[Keeper, Engine]:
        if self._keeper is None or self._engine is None:
            raise NoStoreError("this run keeps no studies: a replay, or told not to record")
        return self._keeper, self._engine

    async def _read(self, read: Callable[[Db], T]) -> T:
        keeper, engine = self._store()

        def run() -> T:
            keeper.flush(1.0)
            return read_store(engine, read)

        return await asyncio.to_thread(run)

    async def _change(self, engine: Engine, study_id: str) -> None:
        """End one session and begin the next."""
        plan = await asyncio.to_thread(
            plan_for, self._plan, engine, study_id, self._folder, self._keeper, self._utc_now()
        )
        try:
            # before the old one ends: if its recording cannot be opened, all stays as it is
            fresh = await asyncio.to_thread(Session, plan, now=self._now)
        except RecordingError as error:
            raise StoreError("failed", str(error)) from error
        await self.session.close(SERVICE_RESTART, "another study begins here; connect again")
        self.session = fresh
        await fresh.start()

    def _store_changed(self, status: StoreStatus) -> None:
        """On the store's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_store, status)

    def _tell_store(self, status: StoreStatus) -> None:
        self.session.tell_store(status)


def make_study(new: NewStudy, utc: datetime) -> KeptStudy:
    """A study that has not begun."""
    return KeptStudy(
        f"{utc.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        new.patient, new.visit, new.operator, new.protocol, new.sides, "open", utc,
    )  # fmt: skip


def begin_study(db: Db, study: KeptStudy) -> None:
    """Into the store, with the steps of its protocol."""
    protocol = protocols().get(study.protocol)
    plans = [] if protocol is None else [
        step for step in protocol.steps if not study.sides or step.side in study.sides
    ]  # fmt: skip
    studies.add_study(db, study, map(kept_step, steps_of(plans)))


def read_store(engine: Engine, read: Callable[[Db], T]) -> T:
    """Read in one transaction. Raises StoreError."""
    try:
        with Db(engine) as db:
            return read(db)
    except SQLAlchemyError as error:
        raise store_error(error) from error


def write_store(engine: Engine, write: Callable[[Db], object]) -> None:
    """Write in one transaction, before there is a keeper that does. Raises StoreError."""
    try:
        with Db(engine) as db, db.begin():
            write(db)
    except SQLAlchemyError as error:
        raise store_error(error) from error


def plan_for(
    common: Plan,
    engine: Engine,
    study_id: str,
    folder: Path | None,
    keeper: Keeper | None,
    utc: datetime,
) -> Plan:
    """A session's plan for a study of the store, in a recording of its own. Raises StoreError."""
    content = read_store(engine, lambda db: studies.load_study(db, study_id))
    if content is None:
        raise StoreError("gone", f"study {study_id} is no longer in the store")
    study, count = content.study, len(content.recordings) + 1
    run = study_id if count == 1 else f"{study_id}-{count}"
    recording = None if folder is None else folder / f"{run}.mcap"
    if recording is not None:
        kept = KeptRecording(recording.name, utc)
        write_store(engine, lambda db: studies.add_recording(db, study_id, kept))
    return replace(
        common, patient=study.patient, study=study_id, run=run, recording=recording,
        visit=study.visit, operator=study.operator, protocol=study.protocol, sides=study.sides,
        keeper=keeper, content=content if content.sweeps or content.edits else None,
    )  # fmt: skip
