"""Where things lie: the data folder, one service per folder, and the built page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = ".lock"
KEPT_DEMO_RECORDINGS = 3


class PlaceError(Exception):
    """A folder that cannot be used; one sentence."""


def data_folder(asked: Path | None) -> Path:
    """`asked`, or `myotome` in the XDG data folder."""
    if asked is not None:
        return asked.expanduser()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "myotome"


def page_folder(asked: Path | None) -> Path | None:
    """The built page: `asked`, the wheel's `service/page`, the checkout's `web/dist`; None if it
    was not built."""
    here = Path(__file__).resolve().parent
    candidates = [asked] if asked is not None else [here / "page", here.parent / "web" / "dist"]
    return next((one for one in candidates if (one / "index.html").is_file()), None)


@contextmanager
def claim(folder: Path) -> Iterator[Path]:
    """Hold `folder` for this process alone, making it if need be. Raises PlaceError."""
    import fcntl  # noqa: PLC0415 - Windows has none, and must get as far as saying so

    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / LOCK_NAME).open("a+")
    except OSError as error:
        raise PlaceError(
            f"the data folder {folder} cannot be used: {error.strerror}; give another --data-dir"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "?"
            raise PlaceError(
                f"the data folder {folder} is in use by process {holder}; "
                "stop that service, or give another --data-dir"
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield folder


def forget_old_demos(folder: Path) -> None:
    """Keep the newest recordings of simulated patients; no recording of a person is ever here."""
    recordings = sorted(folder.glob("*.mcap"), key=lambda path: path.stat().st_mtime)
    for path in recordings[:-KEPT_DEMO_RECORDINGS]:
        path.unlink(missing_ok=True)
