"""How a database file is found to be, without a change to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from dispatch.store import Store, condition
from dispatch.store.lock import FileLock


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_sound_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    await (await Store.open(path)).close()
    before = files(tmp_path)
    found = condition(path, 5)
    assert (found.check, found.journal, found.error, found.holder) == ("ok", "wal", "", "")
    assert found.version == found.newest
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    assert not any(after[name] for name in after.keys() - before.keys() if name.endswith("-wal"))


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = condition(tmp_path / "onequeue.db", 5)
    assert (found.version, found.error) == (None, "")
    assert files(tmp_path) == {}


def test_a_folder_and_no_folder_are_said(tmp_path: Path) -> None:
    assert "is a folder" in condition(tmp_path, 5).error
    assert "may not write" in condition(tmp_path / "none" / "onequeue.db", 5).error
    (tmp_path / "notes.txt").write_text("no database " * 100)
    assert "cannot be read" in condition(tmp_path / "notes.txt", 5).error


async def test_whoever_holds_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    await (await Store.open(path)).close()
    lock = FileLock(path)
    try:
        assert condition(path, 5).holder.isdecimal()
    finally:
        lock.release()
    assert condition(path, 5).holder == ""


async def test_looking_for_damage_ends_when_its_time_is_up(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    await (await Store.open(path)).close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE many (x TEXT UNIQUE)")
        raw.executemany("INSERT INTO many VALUES (?)", ((f"row {number}",) for number in range(20_000)))
        raw.commit()
    assert condition(path, 0).check is None
    assert condition(path, 30).check == "ok"
