"""The writing thread: answered when on the disk, refused in a sentence, and killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from service.store import keeper, opening, studies
from service.store.errors import StoreError
from service.store.keeper import Keeper
from service.store.opening import FILE_NAME, open_store
from service.store.types import KeptEdit, StoreStatus
from tests.service.store.making import NOON, a_study, a_sweep


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A store with one study, its keeper, and what the keeper told."""
    monkeypatch.setattr(opening, "BUSY_MS", 50)
    monkeypatch.setattr(keeper, "RETRY_S", 0.05)
    engine = open_store(tmp_path)
    told: list[StoreStatus] = []
    writer = Keeper(engine, told.append)
    writer.start()
    writer.ask(lambda db: studies.add_study(db, a_study(), [])).result(5)
    yield writer, engine, told, tmp_path
    writer.close()
    engine.dispose()


def _edit(number: int) -> KeptEdit:
    return KeptEdit(NOON, "KS", "marker", f"row {number}", None, number)


def _count(engine) -> int:
    with Session(engine) as db:
        return len(studies.load_study(db, "s1").edits)


def test_an_answer_means_on_the_disk(kept) -> None:
    """Read back by another connection right after."""
    writer, engine, _, _ = kept
    for number in range(3):
        writer.ask(lambda db, n=number: studies.add_edit(db, "s1", _edit(n))).result(5)
        assert _count(engine) == number + 1


def test_a_locked_store_refuses_what_is_asked_and_keeps_what_was_found(kept) -> None:
    """One sentence; the sweep waits and is written as soon as the lock is gone."""
    writer, engine, told, folder = kept
    other = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another program"):
        writer.ask(lambda db: studies.add_edit(db, "s1", _edit(1))).result(5)
    writer.keep(lambda db: studies.add_sweep(db, "s1", a_sweep(), None))
    with pytest.raises(StoreError, match="locked"):
        writer.ask(lambda db: studies.add_edit(db, "s1", _edit(2))).result(5)
    assert writer.status.state == "failed"
    other.execute("ROLLBACK")
    other.close()
    assert writer.flush()
    with Session(engine) as db:
        content = studies.load_study(db, "s1")
    assert len(content.sweeps) == 1
    assert content.edits == ()
    assert [status.state for status in told] == ["failed", "kept"]


def test_a_full_disk_is_said_in_one_sentence_and_earlier_work_is_whole(kept) -> None:
    """As SQLite reports it; when there is room again the waiting sweep is written."""
    writer, engine, _, _ = kept
    writer.ask(lambda db: studies.add_edit(db, "s1", _edit(1))).result(5)
    full = {"now": True}

    @event.listens_for(engine, "begin")
    def limit(connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        most = pages if full["now"] else 1_000_000
        connection.exec_driver_sql(f"PRAGMA max_page_count={most}")

    writer.keep(lambda db: studies.add_sweep(db, "s1", a_sweep(), None))
    with pytest.raises(StoreError, match="the disk is full"):
        writer.ask(lambda db: studies.add_sweep(db, "s1", a_sweep(2), None)).result(5)
    assert _count(engine) == 1
    full["now"] = False
    assert writer.flush()
    with Session(engine) as db:
        assert len(studies.load_study(db, "s1").sweeps) == 1


def test_what_cannot_be_right_is_refused_and_does_not_stop_the_rest(kept) -> None:
    """An unknown study, a write of ours that fails; the next one is kept."""
    writer, engine, _, _ = kept
    with pytest.raises(StoreError):
        writer.ask(lambda db: studies.add_edit(db, "nobody", _edit(1))).result(5)
    with pytest.raises(ValueError, match="there is no study"):
        writer.ask(lambda db: studies.set_step(db, "nobody", "x")).result(5)
    writer.keep(lambda db: studies.set_step(db, "nobody", "x"))
    writer.ask(lambda db: studies.add_edit(db, "s1", _edit(1))).result(5)
    assert _count(engine) == 1


def test_after_close_what_is_asked_is_refused(kept) -> None:
    """And closing twice is allowed."""
    writer, *_ = kept
    writer.close()
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.ask(lambda db: studies.add_edit(db, "s1", _edit(1))).result(5)


_WRITER = """
import sys
from pathlib import Path
from service.store import studies
from service.store.keeper import Keeper
from service.store.opening import open_store
from service.store.types import KeptEdit
from tests.service.store.making import NOON, a_study, a_sweep
keeper = Keeper(open_store(Path(sys.argv[1])), print)
keeper.start()
keeper.ask(lambda db: studies.add_study(db, a_study(), [])).result()
for n in range(1, 10_000):
    keeper.keep(lambda db: studies.add_sweep(db, "s1", a_sweep(n), None))
    edit = KeptEdit(NOON, "KS", "x", "", None, n)
    keeper.ask(lambda db: studies.add_edit(db, "s1", edit)).result()
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("answered", [11])
def test_sigkill_loses_nothing_that_was_answered(tmp_path, answered: int) -> None:
    """A real process, killed after an answer: all up to it is there, whole and in order."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if int(line) >= answered:
            break
    os.kill(process.pid, signal.SIGKILL)
    said = [int(line) for line in process.stdout.read().split("\n") if line.isdigit()]
    process.stdout.close()
    assert process.wait(5) == -signal.SIGKILL
    begun = time.monotonic()
    engine = open_store(tmp_path)
    with Session(engine) as db:
        content = studies.load_study(db, "s1")
    assert time.monotonic() - begun < 5
    engine.dispose()
    numbers = [edit.to for edit in content.edits]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= max([answered, *said])
    assert [kept.number for kept in content.sweeps][: len(numbers)] == numbers
