"""A copy of a database as of one moment, made beside whoever writes it."""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from dispatch.errors import BackupFailed
from dispatch.ports import Backup

_OF_THE_DATABASE = ("", "-journal", "-wal", "-shm", ".lock", ".sock")
_WHY = {
    sqlite3.SQLITE_FULL: "the disk there is full. Make room, or name a file on another disk",
    sqlite3.SQLITE_CORRUPT: "the database is damaged. Keep it, and put the newest backup in its place",
}


def back_up(database: Path, target: Path) -> Backup:
    """Copies the database into the new file `target`, all of it or nothing. Raises BackupFailed.

    It only reads, on a connection of its own, so a writer goes on meanwhile. What it returns is checked
    and on the disk.
    """
    _refuse_taken(database, target)
    try:
        return _copied(database, target)
    except sqlite3.Error as error:
        why = _WHY.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, f"SQLite says: {error}")
        raise BackupFailed(f"{target}: no backup was made: {why}.") from error
    except OSError as error:
        raise BackupFailed(
            f"{target}: no backup was made: {error.strerror}. "
            "Name a file in a folder that is there, that this user may write and that has room."
        ) from error


def _refuse_taken(database: Path, target: Path) -> None:
    place = target.parent.resolve() / target.name
    if place in {Path(f"{database.resolve()}{ending}") for ending in _OF_THE_DATABASE}:
        raise BackupFailed(f"{target}: that is the database itself. Name another file.")
    if os.path.lexists(target):
        raise BackupFailed(f"{target}: is there already and is left as it is. Name another file.")


def _copied(database: Path, target: Path) -> Backup:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        with closing(_reader(database)) as source:
            _refuse_without_room(source, target)
            source.execute("VACUUM INTO ?", (name,))
        _sync(part)
        tasks = _tasks_in_sound(part)
        _refuse_taken(database, target)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    _sync(target.parent)
    return Backup(target, target.stat().st_size, tasks)


def _refuse_without_room(source: sqlite3.Connection, target: Path) -> None:
    """A copy that filled the disk before it failed would take the room from the writer."""
    (size,) = source.execute(
        "SELECT (page_count - freelist_count) * page_size"
        " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    ).fetchone()
    if shutil.disk_usage(target.parent).free < size:
        raise BackupFailed(f"{target}: no backup was made: {_WHY[sqlite3.SQLITE_FULL]}.")


def _tasks_in_sound(part: Path) -> int:
    with closing(_reader(part)) as copy:
        (check,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if check != "ok":
            raise BackupFailed(f"{part}: no backup was made: the copy is damaged ({check}).")
        (tasks,) = copy.execute("SELECT count(*) FROM task").fetchone()
    return int(tasks)


def _reader(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
