"""The one thread that measures and grades: signals and sweeps in, results and cards out.

Its queue is bounded. When analysis does not keep up, signals are refused and counted (the
assessment then sees a gap, as it would after a loss); sweeps and settings are always taken.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import structlog

from drivers.types import Epoch, StreamInfo
from service.acquisition.types import Signal
from service.model import Json, Measurement, MuscleStatus, Sweep

from .assessment import Assessment
from .derived import derived_lines, plans
from .montage import Montage, default_montage
from .row_key import RowKey
from .rows import SweepResult
from .table import Circumstances, Table

WAITING_SIGNALS = 2000
CARDS_S = 0.5
QUIET_S = 1.5  # a train is over, or pauses, when nothing came for so long
SLOW = frozenset(["cmap_scan", "f_wave", "h_reflex", "mune"])
LATE_SHARE = 0.05  # of this thread's time may go to a slow row while its train runs
GATHER_S = 0.1  # of signal; a thread woken for each block would cost more than it computes

T = TypeVar("T")
RowLine = dict[str, Json]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the assessor tells, on its own thread; must not block.

    row: id, its line and what it says; None, None: its last sweep has gone elsewhere.
    """

    sweep: Callable[[Sweep, SweepResult], None]
    card: Callable[[MuscleStatus], None]
    row: Callable[[str, RowLine | None, Measurement | None], None]
    trouble: Callable[[str], None]


class Assessor:
    """The assessment begins with the first epoch that names muscles. `now`: monotonic clock."""

    def __init__(
        self,
        tell: Findings,
        now: Callable[[], float],
        circumstances: Circumstances | None = None,
    ) -> None:
        self._tell = tell
        self._now = now
        self._table = Table(circumstances)
        self._late: dict[RowKey, float] = {}  # when its train counts as over
        self._meanwhile: dict[RowKey, float] = {}  # when it may be told before that
        self._derived: set[str] = set()
        self._jobs: deque[Callable[[], None] | None] = deque()
        self._wake = threading.Event()
        self._signals = 0
        self._gathered_s = 0.0
        self._assessment: Assessment | None = None
        self._cards: dict[str, MuscleStatus] = {}
        self._cards_s = 0.0
        self._troubled: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="assessment", daemon=True)
        self.refused_samples = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, timeout_s: float = 1.0) -> None:
        """Finish the job under way; the rest is forgotten (it can be had again from the record)."""
        self._put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def open(self, device: str, epoch: Epoch) -> None:
        """A new epoch; the first one with muscles begins the assessment."""
        self._put(lambda: self._open(device, epoch))

    def signal(self, device: str, signal: Signal) -> None:
        """Samples to look at; refused when 2000 blocks already wait."""
        if self._signals >= WAITING_SIGNALS:
            self.refused_samples += int(signal.data_uv.shape[-1])
            return
        self._signals += 1
        self._jobs.append(lambda: self._signal(device, signal))
        self._gathered_s += signal.data_uv.shape[-1] / signal.rate_hz
        if self._gathered_s >= GATHER_S:
            self._gathered_s = 0.0
            self._wake.set()

    def sweep(self, sweep: Sweep) -> None:
        """A complete sweep to measure."""
        self._put(lambda: self._sweep(sweep))

    def ask(self, change: Callable[[Assessment], None]) -> Future[None]:
        """Change something in the assessment (task, temperature, exclusion), in order."""
        answer: Future[None] = Future()

        def job() -> None:
            try:
                if self._assessment is not None:
                    change(self._assessment)
            except Exception as error:
                answer.set_exception(error)
            else:
                answer.set_result(None)

        self._put(job)
        return answer

    def on_table(self, change: Callable[[Table], T]) -> Future[T]:
        """Change or read the table, in order; its rows are told before the answer is there."""
        answer: Future[T] = Future()

        def job() -> None:
            try:
                result = change(self._table)
                self._send_rows()
            except Exception as error:
                answer.set_exception(error)
            else:
                answer.set_result(result)

        self._put(job)
        return answer

    def _put(self, job: Callable[[], None] | None) -> None:
        self._jobs.append(job)
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait(CARDS_S)
            self._wake.clear()  # before the jobs are taken: what comes from here on wakes again
            while self._jobs:
                job = self._jobs.popleft()
                if job is None:
                    return
                self._guard(job)
                self._send_due()  # also when jobs never cease
            self._send_due()

    def _send_due(self) -> None:
        if self._now() - self._cards_s >= CARDS_S:
            self._guard(self._send_cards)
        if self._late:
            self._guard(self._send_late)

    def _guard(self, job: Callable[[], None]) -> None:
        """An analysis that fails must not end all others; it is said once per kind of error."""
        try:
            job()
        except Exception as error:
            kind = type(error).__name__
            if kind not in self._troubled:
                self._troubled.add(kind)
                log.exception("assessment")
                self._tell.trouble(f"an analysis failed and its result is missing: {error}")

    def _open(self, device: str, epoch: Epoch) -> None:
        if self._assessment is None:
            montage = montage_of(epoch.info.streams)
            if not montage.leads:
                return
            self._assessment = Assessment(
                montage, limits=self._table.circumstances.limits.rows, table=self._table
            )
        self._assessment.open(device, epoch)

    def _signal(self, device: str, signal: Signal) -> None:
        self._signals -= 1
        if self._assessment is not None:
            self._assessment.signal(device, signal)

    def _sweep(self, sweep: Sweep) -> None:
        if self._assessment is not None:
            self._tell.sweep(sweep, self._assessment.sweep(sweep))
            self._send_rows()

    def _send_rows(self) -> None:
        """Rows that changed; one that is slow to measure is told when its train pauses, and before
        that as often as it does not hold up the rest."""
        sent = set()
        for key in self._table.rows.changed():
            if key.measure in SLOW and self._table.rows.entries(key):
                self._late[key] = self._now() + QUIET_S
                self._meanwhile.setdefault(key, self._late[key])
            else:
                self._send_row(key)
                sent.add(key)
        if sent:
            self._send_derived(sent)

    def _send_derived(self, changed: set[RowKey]) -> None:
        """Rows made of those that changed; and those that can no longer be made."""
        there = {plan.key.id for plan in plans(self._table)}
        for gone in self._derived - there:
            self._tell.row(gone, None, None)
        self._derived = there
        for plan, line, says in derived_lines(self._table, changed):
            self._tell.row(plan.key.id, line, says)

    def _send_late(self) -> None:
        for key, over_s in tuple(self._late.items()):
            begun_s = self._now()
            if begun_s >= over_s:
                del self._late[key], self._meanwhile[key]
                self._send_row(key)
                self._send_derived({key})
            elif begun_s >= self._meanwhile[key]:
                self._send_row(key)
                ended_s = self._now()
                took_s = ended_s - begun_s
                self._meanwhile[key] = ended_s + max(QUIET_S, took_s / LATE_SHARE)

    def _send_row(self, key: RowKey) -> None:
        if self._table.rows.entries(key):
            self._tell.row(key.id, self._table.line(key), self._table.rows.measurement(key))
        else:
            self._tell.row(key.id, None, None)

    def _send_cards(self) -> None:
        self._cards_s = self._now()
        if self._assessment is None:
            return
        for card in self._assessment.cards(frozenset(self._late)):
            if self._cards.get(card.muscle.key) != card:
                self._cards[card.muscle.key] = card
                self._tell.card(card)


def montage_of(streams: tuple[StreamInfo, ...]) -> Montage:
    """The montage named by the first stream that has muscles; empty when none has."""
    for stream in streams:
        montage = default_montage(stream)
        if montage.leads:
            return montage
    return Montage(())
