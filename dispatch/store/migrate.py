"""Bringing a database file to the version this code speaks."""

import sqlite3
from pathlib import Path

import aiosqlite

from dispatch.errors import StoreNewer, StoreUnusable
from dispatch.store.statements import migrations
from dispatch.store.trouble import damaged

_OLDEST_SQLITE = (3, 37, 0)


async def examine(connection: aiosqlite.Connection, path: Path) -> int:
    """The version of a sound database that is ours, 0 for an empty file. Raises StoreNewer, StoreUnusable."""
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
    (check,) = await connection.execute_fetchall("PRAGMA quick_check(1)")
    if check[0] != "ok":
        raise damaged(path, str(check[0]))
    return version


def refuse_older(version: int, path: Path) -> None:
    """Raises StoreUnusable for a version this code would have to migrate first."""
    if version < len(migrations()):
        raise StoreUnusable(f"{path}: written by an older Onequeue. Start `onequeue run` to renew it.")


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
