"""Bringing a database file to the version this code speaks."""

import asyncio
import logging
import sqlite3
from itertools import count
from pathlib import Path

import aiosqlite

from dispatch.errors import BackupFailed, StoreNewer, StoreUnusable
from dispatch.store.backup import back_up
from dispatch.store.statements import migrations
from dispatch.store.trouble import damaged

_OLDEST_SQLITE = (3, 37, 0)
_log = logging.getLogger(__name__)


async def examine(connection: aiosqlite.Connection, path: Path) -> int:
    """The version of a sound database that is ours, 0 for an empty file. Raises StoreNewer, StoreUnusable.

    Reads the whole file.
    """
    version = await recognise(connection, path)
    (check,) = await connection.execute_fetchall("PRAGMA quick_check(1)")
    if check[0] != "ok":
        raise damaged(path, str(check[0]))
    return version


async def recognise(connection: aiosqlite.Connection, path: Path) -> int:
    """The version of a database that is ours, 0 for an empty file. Raises StoreNewer, StoreUnusable."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreUnusable(
            f"SQLite 3.37 or newer is needed, this Python has {sqlite3.sqlite_version}. Use a newer Python."
        )
    version = await _number(connection, "PRAGMA user_version")
    if version > len(migrations()):
        raise StoreNewer(
            f"{path}: written by a newer Onequeue (version {version}, this one knows {len(migrations())}). "
            "Install the newer one again, or put back the backup made before it."
        )
    if version == 0 and await _number(connection, "SELECT count(*) FROM sqlite_schema"):
        raise StoreUnusable(f"{path}: belongs to another program. Name another file.")
    return version


def refuse_older(version: int, path: Path) -> None:
    """Raises StoreUnusable for a version this code would have to migrate first."""
    if version < len(migrations()):
        raise StoreUnusable(f"{path}: written by an older Onequeue. Start `onequeue run` to renew it.")


async def back_up_older(path: Path, version: int) -> None:
    """Backs up, beside it, a database that is about to be migrated. Raises StoreUnusable where it cannot."""
    newest = len(migrations())
    if not 0 < version < newest:
        return
    try:
        backup = await asyncio.to_thread(back_up, path, _free(f"{path}.before-{newest}"))
    except BackupFailed as error:
        raise StoreUnusable(
            f"{path}: written by an older Onequeue and not renewed, because it could not be backed up first. "
            f"Nothing was changed. {error}"
        ) from error
    _log.warning(
        "%s is being renewed from version %d to %d; as it was: %s", path, version, newest, backup.path
    )


def _free(name: str) -> Path:
    """The first of `name`, `name.2`, `name.3` and so on that is not taken."""
    names = (Path(f"{name}.{number}" if number > 1 else name) for number in count(1))
    return next(path for path in names if not path.exists())


async def migrate(connection: aiosqlite.Connection, version: int) -> None:
    """Runs the migrations after `version`, each in one transaction with its number."""
    for number, script in enumerate(migrations()[version:], version + 1):
        try:
            await connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
            )
        except BaseException:
            await connection.rollback()
            raise


async def _number(connection: aiosqlite.Connection, question: str) -> int:
    (row,) = await connection.execute_fetchall(question)
    return int(row[0])
