"""Which files are opened, and what is said of the others. None of them is changed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest

from dispatch.errors import StoreNewer, StoreUnusable
from dispatch.states import MOVES
from dispatch.store import Store
from dispatch.store.migrate import migrate
from dispatch.store.statements import migrations, named, statements
from tests.fakes.values import NOON

PATH = "onequeue.db"


async def made(tmp_path: Path) -> Path:
    """A database, closed."""
    path = tmp_path / PATH
    await (await Store.open(path)).close()
    return path


async def test_a_new_file_has_the_newest_version_and_is_not_migrated_twice(tmp_path: Path) -> None:
    path = await made(tmp_path)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (len(migrations()),)
        before = raw.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall()
    assert await made(tmp_path) == path
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT sql FROM sqlite_schema ORDER BY name").fetchall() == before


async def test_the_moves_of_the_database_are_the_moves_of_the_house(tmp_path: Path) -> None:
    with closing(sqlite3.connect(await made(tmp_path))) as raw:
        stored = set(raw.execute("SELECT name, source, target FROM move"))
    assert stored == {
        (move, source, target)
        for move, (sources, targets) in MOVES.items()
        for source in sources
        for target in targets
    }


async def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / PATH
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE history (id)")
        raw.commit()
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        with pytest.raises(sqlite3.OperationalError, match="history already exists"):
            await migrate(connection, 0)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT name FROM sqlite_schema").fetchall() == [("history",)]
        assert raw.execute("PRAGMA user_version").fetchone() == (0,)


def names(folder: Path) -> list[str]:
    """What is in the folder."""
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("opening", [Store.open, Store.read_only])
async def test_a_newer_file_is_left_alone(tmp_path: Path, opening: object) -> None:
    path = await made(tmp_path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreNewer, match="newer Onequeue"):
        await opening(path)  # type: ignore[operator]
    assert path.read_bytes() == before


async def test_an_older_file_is_not_only_read(tmp_path: Path) -> None:
    path = tmp_path / PATH
    path.touch()
    with pytest.raises(StoreUnusable, match="older Onequeue"):
        await Store.read_only(path)


async def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / PATH
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE recipe (id)")
        raw.commit()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="another program"):
        await Store.open(path)
    assert path.read_bytes() == before


async def test_no_database_at_all_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / PATH
    path.write_text("dear diary, " * 1000)
    with pytest.raises(StoreUnusable, match="not a database"):
        await Store.open(path)
    assert path.read_text() == "dear diary, " * 1000


async def test_a_damaged_file_is_left_alone(tmp_path: Path) -> None:
    path = await made(tmp_path)
    damaged = bytearray(path.read_bytes())
    damaged[4096 : 2 * 4096] = b"\x00" * 4096
    path.write_bytes(damaged)
    with pytest.raises(StoreUnusable, match="damaged"):
        await Store.open(path)
    assert path.read_bytes() == bytes(damaged)


async def test_opening_only_to_read_does_not_read_the_whole_file(tmp_path: Path) -> None:
    path = await made(tmp_path)
    store = await Store.open(path)
    await store.queue.pause("U1", NOON)
    await store.close()
    with closing(sqlite3.connect(path)) as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'history'").fetchone()
    damaged = bytearray(path.read_bytes())
    damaged[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(damaged)
    with pytest.raises(StoreUnusable, match="damaged"):
        await Store.open(path)
    store = await Store.read_only(path)
    assert await store.queue.paused() is not None, "what it reads is sound"
    await store.close()


async def test_what_was_refused_is_not_kept_locked(tmp_path: Path) -> None:
    path = tmp_path / PATH
    path.write_text("dear diary, " * 1000)
    with pytest.raises(StoreUnusable):
        await Store.open(path)
    path.unlink()
    assert await made(tmp_path) == path


@pytest.mark.parametrize("folder", ["absent", "a-file", "/proc/self"])
async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(StoreUnusable, match="Check"):
        await Store.open(tmp_path / folder / PATH)


async def test_reading_where_there_is_nothing_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="no database yet"):
        await Store.read_only(tmp_path / PATH)
    assert names(tmp_path) == []


async def test_a_path_with_signs_in_it_is_only_a_path(tmp_path: Path) -> None:
    path = tmp_path / "what? a #1 100% queue.db"
    store = await Store.open(path)
    assert await store.queue.counts() == {}
    await store.close()
    assert path.exists()


class _Anything(dict[str, None]):
    def __missing__(self, key: str) -> None:
        return None


@pytest.mark.parametrize("name", sorted(statements()))
async def test_every_statement_is_understood(tmp_path: Path, name: str) -> None:
    with closing(sqlite3.connect(await made(tmp_path))) as raw:
        assert raw.execute(f"EXPLAIN {statements()[name]}", _Anything()).fetchall()


def test_every_statement_is_used() -> None:
    sources = (Path(__file__).parents[2] / "dispatch" / "store").glob("*.py")
    code = "".join(source.read_text() for source in sources)
    assert [name for name in statements() if f'"{name}"' not in code] == []


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="two statements are called a"):
        named("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n")
