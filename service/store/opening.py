"""Opens the store: a SQLite file in the data folder by default, another database by URL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from .errors import StoreError, store_error

FILE_NAME = "myotome.sqlite"
BUSY_MS = 2000
SCRIPTS = "service.store:migrations"


def open_store(folder: Path, url: str | None = None) -> Engine:
    """The database with all migrations done; `url` instead of the file in `folder`.

    SQLite runs in WAL with synchronous=FULL: what is committed survives a power cut. Raises
    StoreError with a sentence: no access, damaged, locked, or written by a newer version.
    """
    if url is None:
        _own(folder / FILE_NAME)
    engine = create_engine(url or f"sqlite:///{(folder / FILE_NAME).absolute()}")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    try:
        with engine.begin() as connection:
            _migrate(connection)
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise store_error(error) from error
    except StoreError:
        engine.dispose()
        raise
    return engine


def _own(path: Path) -> None:
    """A file that nobody else may read, as the recordings."""
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(
            "gone", f"the study store cannot be opened: {path.parent}: {error.strerror}"
        ) from error


def _prepare(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's signature
    # the driver's own transactions would leave out DDL; `_begin` opens them instead
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    stands_at = MigrationContext.configure(connection).get_current_revision()
    if stands_at is not None and stands_at not in known:
        raise StoreError(
            "newer",
            f"the study store was written by a newer version of myotome ({stands_at}); update "
            "this one, or give another --data-dir",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
