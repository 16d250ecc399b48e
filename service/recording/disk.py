"""The file under the record: append only, written whole or kept, synced before it is forgotten."""

from __future__ import annotations

import os
from pathlib import Path

from .layout import Piece, RecordingError

_PIECES = 512  # below IOV_MAX of every system


class DurableFile:
    """A new file whose bytes stay in memory until the disk has them.

    `write` only collects, so that no record is ever half written. `commit`
    writes what was collected and syncs it; after an error the same bytes are written again to the
    same place at the next `commit`, because a failed sync may have dropped them from the cache.
    Only one thread uses it.
    """

    def __init__(self, path: Path) -> None:
        """Create `path`, never overwriting. Raises RecordingError when that cannot be done."""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._fd = os.open(path, flags, 0o640)
        except FileExistsError as error:
            raise RecordingError(
                f"{path.name} exists already, and a record is never overwritten: "
                "choose another name"
            ) from error
        except OSError as error:
            raise RecordingError(
                f"{path.name} cannot be created in {path.parent} ({error.strerror}): "
                "choose a folder that can be written"
            ) from error
        self._synced = 0
        self._written = 0
        self._pending: list[Piece] = []
        self._pending_bytes = 0
        self._sync_folder(path.parent)

    def _sync_folder(self, folder: Path) -> None:
        os.fsync(self._fd)
        folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder_fd)
        finally:
            os.close(folder_fd)

    @property
    def synced_bytes(self) -> int:
        """Bytes that are safely on the disk."""
        return self._synced

    @property
    def pending_bytes(self) -> int:
        """Bytes collected and not yet synced."""
        return self._pending_bytes

    def write(self, data: Piece) -> None:
        """Collect bytes for the next `commit`; they must not change until then."""
        self._pending.append(data)
        self._pending_bytes += len(data)

    def tell(self) -> int:
        """Offset at which the next `write` lands."""
        return self._synced + self._pending_bytes

    def commit(self) -> None:
        """Write and sync all that was collected. Raises OSError; nothing is lost by that."""
        while self._written < self._pending_bytes:
            self._written += os.pwritev(self._fd, self._unwritten(), self._synced + self._written)
        try:
            os.fdatasync(self._fd)
        except OSError:
            self._written = 0
            raise
        self._synced += self._pending_bytes
        self._written = self._pending_bytes = 0
        self._pending = []

    def _unwritten(self) -> list[Piece]:
        """The first pieces after `_written`, as many as one call may take."""
        if not self._written:
            return self._pending[:_PIECES]
        skip = self._written
        pieces: list[Piece] = []
        for data in self._pending:
            if len(data) > skip:
                pieces.append(memoryview(data)[skip:])
            skip = max(0, skip - len(data))
            if len(pieces) == _PIECES:
                break
        return pieces

    def close(self) -> None:
        """Close the descriptor; what was not committed is not in the file."""
        os.close(self._fd)
