"""One SQLite file: one connection writes it, one reads it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

import aiosqlite

from dispatch.errors import StoreBusy, StoreUnusable
from dispatch.ports import Backup
from dispatch.store.backup import back_up
from dispatch.store.lock import FileLock
from dispatch.store.migrate import back_up_older, examine, migrate, recognise, refuse_older
from dispatch.store.rows import bound
from dispatch.store.statements import statements
from dispatch.store.trouble import translated

P = ParamSpec("P")
T = TypeVar("T")
Rows = list[sqlite3.Row]

_BUSY_SECONDS = 2
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = ON",
)


class Statements:
    """Runs the named statements on one connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def rows(self, name: str, /, **values: object) -> Rows:
        """All rows the statement returns. They are always fetched: an open cursor would keep the lock."""
        bindings = {key: bound(value) for key, value in values.items()}
        return list(await self._connection.execute_fetchall(statements()[name], bindings))

    async def row(self, name: str, /, **values: object) -> sqlite3.Row | None:
        """The first row, or None."""
        return next(iter(await self.rows(name, **values)), None)


class Transaction(Statements):
    """The statements of one write: all of them or none."""


class Database:
    """An open database file.

    Every write is a unit: a coroutine function of its transaction. Units run one after the other, each
    in one BEGIN IMMEDIATE, and each runs to its end even when its caller is cancelled. Where another
    process holds the file a unit waits 2 s; those behind one that waited in vain do not, so that whoever
    asked is told in time.
    """

    def __init__(
        self,
        path: Path,
        lock: FileLock | None,
        writer: aiosqlite.Connection | None,
        reader: aiosqlite.Connection,
    ) -> None:
        self.path = path
        self._lock = lock
        self._writer = writer
        self._reader = reader
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._patient = True

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Opens it to write, alone, and brings it to the newest version. Raises StoreError."""
        lock = FileLock(path)
        try:
            writer = await _writer(path)
        except BaseException:
            lock.release()
            raise
        try:
            return cls(path, lock, writer, await _reader(path))
        except BaseException:
            await writer.close()
            lock.release()
            raise

    @classmethod
    async def read_only(cls, path: Path) -> Self:
        """Opens it only to read, beside the process that writes it, unchecked. Raises StoreError."""
        return cls(path, None, None, await _newest(path))

    async def write(self, unit: Callable[[Transaction], Awaitable[T]]) -> T:
        """What the unit returns, once it is on the disk. Raises StoreError and what the unit raises."""
        return await asyncio.shield(self.start(self._run(unit)))

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Starts work that `close` waits for."""
        started = asyncio.create_task(work)
        self._under_way.add(started)
        started.add_done_callback(self._under_way.discard)
        return started

    async def rows(self, name: str, /, **values: object) -> Rows:
        """All rows of a named statement that only reads, as of the last commit. Raises StoreError."""
        self._refuse_closed()
        with translated(self.path):
            return await Statements(self._reader).rows(name, **values)

    async def row(self, name: str, /, **values: object) -> sqlite3.Row | None:
        """The first row of a named statement that only reads, or None. Raises StoreError."""
        return next(iter(await self.rows(name, **values)), None)

    async def tidy(self) -> None:
        """Refreshes the planner's statistics and empties the write-ahead log. Raises StoreError."""
        if self._writer is None:
            raise StoreUnusable(f"{self.path}: open for reading only.")
        self._refuse_closed()
        async with self._turn:
            with translated(self.path):
                await self._writer.execute_fetchall("PRAGMA optimize")
                await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def backup(self, path: Path) -> Backup:
        """Copies what is committed into a new file; writes go on. Raises BackupFailed, StoreError."""
        self._refuse_closed()
        return await asyncio.shield(self.start(asyncio.to_thread(back_up, self.path, path)))

    async def close(self) -> None:
        """Lets the units under way end, then closes. Closing twice changes nothing."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        if self._closed:
            return
        self._closed = True
        await self._reader.close()
        if self._writer is not None:
            await self._writer.close()
        if self._lock is not None:
            self._lock.release()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreUnusable(f"{self.path}: closed already.")

    async def _run(self, unit: Callable[[Transaction], Awaitable[T]]) -> T:
        if self._writer is None:
            raise StoreUnusable(f"{self.path}: open for reading only.")
        self._refuse_closed()
        async with self._turn:
            try:
                with translated(self.path):
                    result = await _commit(self._writer, unit)
            except StoreBusy:
                await self._wait_for_others(self._writer, patient=False)
                raise
            await self._wait_for_others(self._writer, patient=True)
        return result

    async def _wait_for_others(self, writer: aiosqlite.Connection, *, patient: bool) -> None:
        if patient is not self._patient:
            self._patient = patient
            await writer.execute_fetchall(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000 if patient else 0}")


async def _commit(connection: aiosqlite.Connection, unit: Callable[[Transaction], Awaitable[T]]) -> T:
    try:
        await connection.execute_fetchall("BEGIN IMMEDIATE")
        result = await unit(Transaction(connection))
        await connection.execute_fetchall("COMMIT")
    except BaseException:
        await connection.rollback()
        raise
    return result


class HasDatabase(Protocol):
    """Anything built on a database."""

    @property
    def database(self) -> Database:
        """Where its rows are."""
        ...


S = TypeVar("S", bound=HasDatabase)


def in_transaction(
    method: Callable[Concatenate[S, Transaction, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Makes the method one unit of writing; its caller does not pass the transaction."""

    @wraps(method)
    async def unit(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.database.write(lambda transaction: method(self, transaction, *args, **kwargs))

    return unit


async def _writer(path: Path) -> aiosqlite.Connection:
    with translated(path):
        connection = await _connect(str(path), uri=False)
        try:
            version = await examine(connection, path)
            await back_up_older(path, version)
            for pragma in _WRITER_PRAGMAS:
                await connection.execute_fetchall(pragma)
            await migrate(connection, version)
        except BaseException:
            await connection.close()
            raise
        return connection


async def _reader(path: Path) -> aiosqlite.Connection:
    with translated(path):
        connection = await _connect(_to_read(path), uri=True)
        try:
            await connection.execute_fetchall("PRAGMA query_only = ON")
        except BaseException:
            await connection.close()
            raise
        return connection


async def _newest(path: Path) -> aiosqlite.Connection:
    reader = await _reader(path)
    try:
        with translated(path):
            refuse_older(await recognise(reader, path), path)
    except BaseException:
        await reader.close()
        raise
    return reader


def _to_read(path: Path) -> str:
    if not path.exists():
        raise StoreUnusable(f"{path}: there is no database yet. Start `onequeue run` once.")
    return f"{path.absolute().as_uri()}?mode=ro"


async def _connect(name: str, *, uri: bool) -> aiosqlite.Connection:
    connection = aiosqlite.connect(name, uri=uri, isolation_level=None, timeout=_BUSY_SECONDS)
    # A connection left open would otherwise keep a dying process alive for ever.
    connection._thread.daemon = True  # noqa: SLF001
    opened = await connection
    opened.row_factory = sqlite3.Row
    return opened
