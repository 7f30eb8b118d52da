"""How a database file is: looked at beside whoever writes it, and not changed."""

import fcntl
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from dispatch.ports import Condition
from dispatch.store.statements import migrations

_OPCODES = 10_000
"""After so many steps of SQLite's machine the time is looked at."""


def condition(path: Path, seconds: float) -> Condition:
    """How the database is; looking for damage may take so many `seconds`. Never raises, may block."""
    sqlite, newest = sqlite3.sqlite_version, len(migrations())
    if path.is_dir():
        return Condition(sqlite, newest, error=f"{path} is a folder. Name a file in it.")
    if not os.access(path.absolute().parent, os.W_OK):
        return Condition(sqlite, newest, error=f"{path}: this user may not write in its folder.")
    if not path.exists():
        return Condition(sqlite, newest)
    if not os.access(path, os.R_OK | os.W_OK):
        return Condition(sqlite, newest, error=f"{path}: this user may not read and write it.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as reader:
            return _read(reader, path, newest, seconds)
    except sqlite3.Error as error:
        return Condition(sqlite, newest, error=f"{path} cannot be read: {error}.", holder=_holder(path))


def _read(reader: sqlite3.Connection, path: Path, newest: int, seconds: float) -> Condition:
    version = int(reader.execute("PRAGMA user_version").fetchone()[0])
    journal = str(reader.execute("PRAGMA journal_mode").fetchone()[0])
    others = version == 0 and reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    error = ""
    if version > newest:
        error = f"{path} was written by a newer Onequeue (version {version}). Install that one again."
    elif others:
        error = f"{path} belongs to another program. Name another file."
    check = None if error else _check(reader, seconds)
    return Condition(sqlite3.sqlite_version, newest, version, journal, check, _holder(path), error)


def _check(reader: sqlite3.Connection, seconds: float) -> str | None:
    """What SQLite finds; None where the time was up first."""
    until = time.monotonic() + seconds
    reader.set_progress_handler(lambda: time.monotonic() > until, _OPCODES)
    try:
        return str(reader.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    finally:
        reader.set_progress_handler(None, 0)


def _holder(path: Path) -> str:
    """The process that holds the lock; empty where none does."""
    try:
        with Path(f"{os.path.realpath(path)}.lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read(20).decode("ascii", "replace").strip() or "unknown"
    except OSError:
        return ""
    return ""
