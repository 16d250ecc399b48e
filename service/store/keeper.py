"""The one thread that writes to the store, one transaction per change, in order.

What a person asks for is answered: kept, or refused in one sentence. What the machine found
(sweeps, measurements) is never refused: it waits, in order, until the disk takes it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar, cast

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from .errors import Cause, StoreError, store_error
from .types import StoreStatus

RETRY_S = 1.0
MOST_WAITING = 5000
GIVE_UP_S = 2.0

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Job:
    """What to write; answer None: it must be written, however often it takes."""

    write: Callable[[Session], object]
    answer: Future[object] | None


class Keeper:
    """Writes to one store. `tell` hears each change of status, on its thread; must not block."""

    def __init__(self, engine: Engine, tell: Callable[[StoreStatus], None]) -> None:
        self._engine = engine
        self._tell = tell
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._given_up = threading.Event()
        self._lost = 0
        self._cause: Cause = "failed"
        self.status = StoreStatus("kept")
        self._thread = threading.Thread(target=self._run, name="study-store", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def ask(self, write: Callable[[Session], T]) -> Future[T]:
        """Write once; the future has its result once it is on the disk, or raises StoreError."""
        answer: Future[T] = Future()
        self._put(_Job(write, cast("Future[object]", answer)))
        return answer

    def keep(self, write: Callable[[Session], object]) -> None:
        """Write, as soon as the disk takes it; what must survive, in the order told."""
        with self._wake:
            if sum(job.answer is None for job in self._jobs) >= MOST_WAITING:
                self._lost += 1
                return
        self._put(_Job(write, None))

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until all told so far is on the disk; False if that did not happen in time."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._jobs, timeout_s)

    def close(self) -> None:
        """Write what waits (for 2 s at most), then end; idempotent."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(GIVE_UP_S)
            self._given_up.set()
            with self._wake:
                self._wake.notify_all()
            self._thread.join(GIVE_UP_S)

    def _put(self, job: _Job) -> None:
        with self._wake:
            if self._closing and job.answer is not None:
                job.answer.set_exception(StoreError("gone", "the study is closed"))
                return
            self._jobs.append(job)
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._closing)
                if not self._jobs or self._given_up.is_set():
                    return
                job = self._jobs[0]
            done = self._write(job)
            with self._wake:
                if done:
                    # only now: `flush` waits for the last one to be on the disk
                    self._jobs.popleft()
                    self._wake.notify_all()
                else:
                    self._refuse_asked()
                    self._wake.wait_for(self._has_news, RETRY_S)

    def _has_news(self) -> bool:
        return self._given_up.is_set() or any(job.answer is not None for job in self._jobs)

    def _refuse_asked(self) -> None:
        """While the disk refuses, who waits for an answer gets it now."""
        for job in [job for job in self._jobs if job.answer is not None]:
            self._jobs.remove(job)
            if job.answer is not None:
                job.answer.set_exception(StoreError(self._cause, self.status.sentence))

    def _write(self, job: _Job) -> bool:
        """True when there is nothing more to do for this job."""
        try:
            with Session(self._engine) as session, session.begin():
                result = job.write(session)
        except (SQLAlchemyError, sqlite3.Error) as error:
            refusal = store_error(error)
            log.warning("store", cause=refusal.cause, sentence=str(refusal))
            self._cause = refusal.cause
            self._set(StoreStatus("failed", str(refusal), len(self._jobs)))
            if job.answer is None:
                # what the tables themselves refuse would be refused for ever
                return refusal.cause == "failed"
            job.answer.set_exception(refusal)
        except Exception as error:
            if job.answer is None:
                log.exception("store")
                self._set(StoreStatus("failed", f"a result could not be kept: {error}", 0))
            else:
                job.answer.set_exception(error)
        else:
            if job.answer is not None:
                job.answer.set_result(result)
            self._set(self._kept())
        return True

    def _kept(self) -> StoreStatus:
        if not self._lost:
            return StoreStatus("kept")
        return StoreStatus(
            "failed", f"{self._lost} results were not kept while the disk failed; the recording "
            "holds their samples"
        )  # fmt: skip

    def _set(self, status: StoreStatus) -> None:
        before, self.status = self.status, status
        if (before.state, before.sentence) != (status.state, status.sentence):
            self._tell(status)
