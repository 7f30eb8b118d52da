"""Before a database is renewed it is copied as it was; where that is impossible it is left alone."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dispatch.errors import StoreUnusable
from dispatch.store import Store
from dispatch.store.statements import migrations
from tests.integration.conditions import small_disk

NEWEST = len(migrations())
WORDS = "an old request"


def old(path: Path, words: str = WORDS) -> Path:
    """A database of version 1 with one task, as its process left it when it was killed."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.executescript(f"BEGIN;\n{migrations()[0]}\nPRAGMA user_version = 1;\nCOMMIT;")
    raw.execute(
        "INSERT INTO task (state, request_key, source, requester, words, priority, tier, model, reason,"
        " cap_micro_usd, channel, quote_thread, depth, created_at, updated_at)"
        " VALUES ('queued', 'k', 'cli', 'U1', ?, 3, 'opus', 'm', '', 1, '', 0, 0, 1, 1)",
        (words,),
    )
    raw.close()
    return path


def version(path: Path) -> tuple[int, str]:
    """The version of a file, and the words in it."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("SELECT (SELECT * FROM pragma_user_version), words FROM task").fetchone()  # type: ignore[no-any-return]


def copies(folder: Path) -> list[Path]:
    """The copies made before a migration, whole or begun."""
    return list(folder.glob("*before*"))


async def test_an_older_database_is_kept_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = old(tmp_path / "onequeue.db")
    with caplog.at_level(logging.INFO, "dispatch"):
        await (await Store.open(path)).close()
    kept = tmp_path / f"onequeue.db.before-{NEWEST}"
    assert version(path) == (NEWEST, WORDS)
    assert version(kept) == (1, WORDS)
    assert str(kept) in caplog.text


async def test_what_was_kept_before_is_not_replaced(tmp_path: Path) -> None:
    path = old(tmp_path / "onequeue.db")
    await (await Store.open(path)).close()
    path.unlink()
    old(path, "put back and changed")
    await (await Store.open(path)).close()
    first = tmp_path / f"onequeue.db.before-{NEWEST}"
    assert version(first) == (1, WORDS)
    assert version(first.with_name(f"{first.name}.2")) == (1, "put back and changed")


async def test_a_new_database_and_one_of_this_version_are_not_copied(tmp_path: Path) -> None:
    for _ in range(2):
        await (await Store.open(tmp_path / "onequeue.db")).close()
    assert copies(tmp_path) == []


async def test_without_a_copy_nothing_is_renewed(tmp_path: Path) -> None:
    path = old(tmp_path / f"{'long' * 60}.db")
    with pytest.raises(
        StoreUnusable, match=r"not renewed, because it could not be backed up first\. Nothing"
    ):
        await Store.open(path)
    assert version(path) == (1, WORDS)
    assert copies(tmp_path) == []


async def test_a_disk_too_small_for_the_copy_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        path = old(disk.folder / "onequeue.db", "x" * 1_000_000)
        disk.fill(leave=800_000)
        with pytest.raises(StoreUnusable, match=r"could not be backed up first.*the disk there is full"):
            await Store.open(path)
        assert version(path)[0] == 1
        disk.make_room()
        await (await Store.open(path)).close()
        assert version(path)[0] == NEWEST
