"""What the store says when it cannot: one sentence, whatever the database called it."""

from __future__ import annotations

import sqlite3
from typing import Literal

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

Cause = Literal["full", "locked", "readonly", "damaged", "newer", "gone", "failed"]

_SENTENCES: dict[Cause, str] = {
    "full": "the disk is full: nothing more of the study can be kept; free some space",
    "locked": "the study store is locked by another program; close that program and try again",
    "readonly": "the study store cannot be written: make the data folder writable",
    "damaged": "the study store is damaged: restore its file from a backup; the recordings are "
    "files of their own",
    "gone": "the study store cannot be opened: check the data folder and its disk",
    "failed": "the study store failed",
}
_CODES: dict[int, Cause] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_PERM: "readonly",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_CANTOPEN: "gone",
    sqlite3.SQLITE_IOERR: "gone",
}


class StoreError(Exception):
    """The store cannot do it now; `cause` is one word."""

    def __init__(self, cause: Cause, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause


def store_error(error: SQLAlchemyError | sqlite3.Error) -> StoreError:
    """A database's error in our words. What is not known keeps the database's own."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    # extended codes carry the plain one in their low byte
    cause: Cause = "failed" if code is None else _CODES.get(code & 0xFF, "failed")
    sentence = _SENTENCES[cause]
    return StoreError(cause, f"{sentence}: {original}" if cause == "failed" else sentence)
