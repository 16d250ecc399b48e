"""What is kept comes back as it was, and nothing is overwritten."""

from __future__ import annotations

import dataclasses
import sqlite3

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.orm import Session

from service.analysis.result import build
from service.store import studies
from service.store.errors import StoreError
from service.store.opening import FILE_NAME, open_store
from service.store.tables import Base
from service.store.types import KeptEdit, KeptRecording
from tests.service.store.making import NOON, a_step, a_study, a_sweep


@pytest.fixture
def engine(tmp_path):
    """A new store."""
    made = open_store(tmp_path)
    yield made
    made.dispose()


@dataclasses.dataclass(frozen=True)
class _Settings:
    level: float = 1.0


def _measured(value: float):
    return build(
        "motor_response", "1", target="left APB", inputs=["a"], settings=_Settings(value),
        state="measured", values={"amplitude_mv": value},
    )  # fmt: skip


def test_a_study_comes_back_to_the_bit(engine) -> None:
    """Study, steps, recordings, edits, and sweeps with NaN where samples are missing."""
    steps = [a_step("b", position=2.0), a_step("a", state="skipped", reason="pain", run=2)]
    sweeps = [a_sweep(1), a_sweep(2, missing=True)]
    edit = KeptEdit(NOON, "KS", "skip", "a", None, {"reason": "pain"})
    with Session(engine) as db, db.begin():
        studies.add_study(db, a_study(), steps)
        studies.add_recording(db, "s1", KeptRecording("s1.mcap", NOON))
        for sweep in sweeps:
            studies.add_sweep(db, "s1", sweep, "s1.mcap")
            studies.add_sweep(db, "s1", sweep, "s1.mcap")
        studies.add_edit(db, "s1", edit)
    with Session(engine) as db:
        content = studies.load_study(db, "s1")
    assert content.study == a_study()
    assert [step.id for step in content.steps] == ["a", "b"]
    assert content.steps[0] == steps[1]
    assert content.recordings == (KeptRecording("s1.mcap", NOON),)
    assert dataclasses.replace(content.edits[0], number=0) == edit
    assert len(content.sweeps) == 2
    for kept, told in zip(content.sweeps, sweeps, strict=True):
        np.testing.assert_array_equal(kept.sweep.samples_uv, told.sweep.samples_uv)
        for field in dataclasses.fields(told.sweep):
            if field.name != "samples_uv":
                assert getattr(kept.sweep, field.name) == getattr(told.sweep, field.name)


def test_patient_and_visit_are_made_once(engine) -> None:
    """Two studies of one visit share both; the list is newest first and can be asked by patient."""
    later = NOON.replace(hour=13)
    with Session(engine) as db, db.begin():
        studies.add_study(db, a_study("s1"), [a_step("a"), a_step("b", state="done")])
        studies.add_study(db, a_study("s2", opened_utc=later, state="closed"), [])
        studies.add_study(db, a_study("s3", patient="P-2"), [])
    with Session(engine) as db:
        assert studies.list_studies(db)[0].study.id == "s2"
        ours = studies.list_studies(db, patient="P-1")
        assert [line.study.id for line in ours] == ["s2", "s1"]
        assert (ours[1].open_count, ours[1].done_count) == (1, 1)
        assert {line.study.id for line in studies.list_studies(db, state="open")} == {"s1", "s3"}
        assert studies.unfinished(db).id in {"s1", "s3"}
        assert studies.load_study(db, "nobody") is None
        assert studies.find_study(db, "nobody") is None


def test_a_measurement_supersedes_and_the_old_one_stays(engine) -> None:
    """A row's history, newest first; the same again adds nothing."""
    with Session(engine) as db, db.begin():
        studies.add_study(db, a_study(), [])
        for value in (1.0, 1.0, 2.0, 1.0):
            studies.add_measurement(db, "s1", "row", _measured(value), NOON)
    with Session(engine) as db:
        history = studies.row_history(db, "s1", "row")
    assert [one["values"]["amplitude_mv"] for one in history] == [1.0, 2.0, 1.0]
    assert [one["supersedes"] for one in history] == [
        _measured(2.0).id, _measured(1.0).id, None,
    ]  # fmt: skip


def test_migrations_make_the_tables_that_the_models_describe(engine) -> None:
    """Alembic finds no difference."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_sqlite_keeps_what_is_committed_through_a_power_cut(engine) -> None:
    """WAL, synchronous=FULL (2), foreign keys on: on every connection."""
    with engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_an_old_store_is_opened_again_and_a_newer_one_refused(tmp_path) -> None:
    """Opening twice changes nothing; a revision we do not know is said in a sentence."""
    open_store(tmp_path).dispose()
    open_store(tmp_path).dispose()
    with sqlite3.connect(tmp_path / FILE_NAME) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreError, match="newer version of myotome") as refused:
        open_store(tmp_path)
    assert refused.value.cause == "newer"


def test_what_is_no_store_is_refused_in_a_sentence(tmp_path) -> None:
    """A file of something else, and a folder that is not there."""
    (tmp_path / FILE_NAME).write_bytes(b"not a database, whatever its name says" * 50)
    with pytest.raises(StoreError, match="damaged"):
        open_store(tmp_path)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path / "nowhere")
