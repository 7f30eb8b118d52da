"""SQLite's errors -> ours, with what to do next."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dispatch.errors import StoreBusy, StoreError, StoreUnusable

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_REMEDY = {
    sqlite3.SQLITE_FULL: "The disk is full. Make room; nothing half-written was kept.",
    sqlite3.SQLITE_READONLY: "It cannot be written. Let this user write the file and its folder.",
    sqlite3.SQLITE_PERM: "It cannot be opened. Let this user write the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "It cannot be opened. Check its folder, and that this user may write there.",
    sqlite3.SQLITE_IOERR: "The disk failed to read or write. Check the disk and the space left on it.",
    sqlite3.SQLITE_NOTADB: "It is not a database. Name another file, or move this one away.",
    sqlite3.SQLITE_CORRUPT: "It is damaged. Put the newest backup in its place; it is left as it is.",
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raises StoreBusy, StoreUnusable or StoreError where SQLite failed."""
    try:
        yield
    except sqlite3.Error as error:
        raise _ours(path, error) from error


def damaged(path: Path, detail: str) -> StoreUnusable:
    """The error for a database whose check failed."""
    return StoreUnusable(f"{path}: {_REMEDY[sqlite3.SQLITE_CORRUPT]} (SQLite: {detail})")


def _ours(path: Path, error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _BUSY:
        return StoreBusy(f"{path}: another process holds it. Stop that process, or send it the command.")
    if code in _REMEDY:
        return StoreUnusable(f"{path}: {_REMEDY[code]} (SQLite: {error})")
    return StoreError(f"{path}: SQLite refused a statement: {error}")
