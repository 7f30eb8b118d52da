"""Databases as bad as they come: each is refused with what to do next, and left as it is."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dispatch.errors import StoreBusy, StoreError, StoreUnusable
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import NewTask, Source
from tests.contracts.stores import NOW
from tests.integration.conditions import held_by_another_program, small_disk, unwritable
from tests.integration.front_room import front_room

PATH = "onequeue.db"
PAGE = 4096


async def made(tmp_path: Path, tasks: int = 40) -> Path:
    """A closed database of many pages."""
    path = tmp_path / PATH
    store = await Store.open(path)
    for number in range(tasks):
        new = NewTask(f"k{number}", Source.CLI, "U1", "words " * 200, 3, channel="C1")
        await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW)
    await store.close()
    return path


def middle_page(whole: bytes) -> bytes:
    """A page of a table in the middle, overwritten."""
    at = (len(whole) // PAGE // 2) * PAGE
    return whole[:at] + b"\xff" * PAGE + whole[at + PAGE :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no magic": lambda whole: b"x" * 16 + whole[16:],
    "no page size": lambda whole: whole[:16] + b"\x00\x03" + whole[18:],
    "no schema": lambda whole: whole[:100] + b"\x00" * 400 + whole[500:],
    "a page in the middle": middle_page,
    "cut at a page": lambda whole: whole[: len(whole) // PAGE // 2 * PAGE],
    "cut inside a page": lambda whole: whole[: len(whole) - 100],
    "only its header": lambda whole: whole[:100],
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, damage: str) -> None:
    path = await made(tmp_path)
    bad = DAMAGES[damage](path.read_bytes())
    path.write_bytes(bad)
    with pytest.raises(StoreUnusable, match=r"damaged.*newest backup|not a database.*[Nn]ame another file"):
        await Store.open(path)
    assert path.read_bytes() == bad


def command(folder: Path, *arguments: str, database: Path) -> subprocess.CompletedProcess[str]:
    """The command line on that database."""
    needed = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "ANTHROPIC_API_KEY")
    env = {"HOME": str(folder), "ONEQUEUE_DATABASE": str(database)} | dict.fromkeys(needed, "x")
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def of_version(number: int) -> bytes:
    """A file of that version."""
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.execute("CREATE TABLE task (id)")
        raw.execute(f"PRAGMA user_version = {number}")
        return raw.serialize()


@pytest.mark.parametrize("verb", ["run", "list"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"dear diary, " * 1000, "not a database"),
        (of_version(99), "newer Onequeue (version 99"),
        (None, "this is a folder. Name a file in it"),
    ],
    ids=["a text", "a newer one", "a folder"],
)
def test_the_command_line_says_it_in_one_line_and_fails(
    tmp_path: Path, verb: str, content: bytes | None, says: str
) -> None:
    database = tmp_path / PATH
    if content is None:
        database.mkdir()
    else:
        database.write_bytes(content)
    done = command(tmp_path, verb, database=database)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("onequeue: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


async def test_a_folder_is_not_given_a_lock(tmp_path: Path) -> None:
    (tmp_path / PATH).mkdir()
    with pytest.raises(StoreUnusable, match="folder"):
        await Store.open(tmp_path / PATH)
    assert not (tmp_path / f"{PATH}.lock").exists()


async def test_a_read_only_file_is_refused_and_works_again_afterwards(tmp_path: Path) -> None:
    path = await made(tmp_path, tasks=1)
    with unwritable(path), pytest.raises(StoreUnusable, match=r"cannot be (written|opened)"):
        await Store.open(path)
    store = await Store.open(path)
    assert len(await store.queue.open_tasks(9)) == 1
    await store.close()


@pytest.mark.parametrize("locked_before", [False, True])
async def test_a_read_only_folder_is_refused_and_works_again_afterwards(
    tmp_path: Path, locked_before: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = await made(folder, tasks=1)
    if not locked_before:
        path.with_name(f"{PATH}.lock").unlink()
    with unwritable(folder), pytest.raises(StoreUnusable, match=r"Check .* folder"):
        await Store.open(path)
    store = await Store.open(path)
    assert len(await store.queue.open_tasks(9)) == 1
    await store.close()


@pytest.mark.parametrize("left", [0, 3 * PAGE])
async def test_a_disk_full_at_the_start_is_said_and_leaves_nothing_in_the_way(
    tmp_path: Path, left: int
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        disk.fill(leave=left)
        with pytest.raises(StoreUnusable, match=r"space left|disk is full"):
            await Store.open(disk.folder / PATH)
        disk.make_room()
        store = await Store.open(disk.folder / PATH)
        assert await store.queue.counts() == {}
        await store.close()


async def test_a_disk_full_at_the_start_loses_nothing_of_what_was_there(tmp_path: Path) -> None:
    path = await made(tmp_path)
    with small_disk(tmp_path / "disk") as disk:
        there = Path(shutil.copy(path, disk.folder / PATH))
        disk.fill()
        with pytest.raises(StoreUnusable, match=r"space left|disk is full"):
            await Store.open(there)
        disk.make_room()
        store = await Store.open(there)
        assert len(await store.queue.open_tasks(99)) == 40
        await store.close()


@pytest.mark.long
async def test_a_file_another_program_writes_is_refused_at_the_start(tmp_path: Path) -> None:
    path = await made(tmp_path, tasks=1)
    with held_by_another_program(path):
        with pytest.raises(StoreBusy, match=r"another process holds it. Stop that process"):
            await Store.open(path)
        done = command(tmp_path, "list", database=path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "another process holds it" in done.stderr
    store = await Store.open(path)
    assert len(await store.queue.open_tasks(9)) == 1
    await store.close()


async def test_only_the_first_waits_for_another_program(tmp_path: Path) -> None:
    store = await Store.open(await made(tmp_path, tasks=1))
    async with asyncio.timeout(6):
        with held_by_another_program(store.database.path):
            refused = await asyncio.gather(
                *(store.queue.cancel(1, "U1", NOW) for _ in range(5)), return_exceptions=True
            )
        assert [type(error) for error in refused] == [StoreBusy] * 5
        assert (await store.queue.cancel(1, "U1", NOW)).state is State.CANCELLED
    assert store.database._writer is not None
    (patience,) = await store.database._writer.execute_fetchall("PRAGMA busy_timeout")
    assert patience[0] == 2000
    await store.close()


async def test_a_command_is_refused_in_time_while_another_program_writes(tmp_path: Path) -> None:
    async with front_room(tmp_path) as front:
        with held_by_another_program(front.store.database.path):
            for _ in range(2):
                said = await front.slack.slash("ana", "ops", "p3 hello")
                assert said.startswith("Not taken: I could not store this.")
        assert (await front.slack.slash("ana", "ops", "p3 hello")).startswith("Queued as #1 · p3 · Opus")


async def test_a_file_damaged_while_it_is_open_takes_nothing_more(tmp_path: Path) -> None:
    async with front_room(tmp_path) as front:
        await front.store.database.tidy()
        path = front.store.database.path
        path.write_bytes(path.read_bytes()[:PAGE] + b"\xff" * (path.stat().st_size - PAGE))
        for connection in (front.store.database._writer, front.store.database._reader):
            assert connection is not None
            await connection.execute_fetchall("PRAGMA shrink_memory")
        said = await front.slack.slash("ana", "ops", "p3 hello")
        assert said.startswith("Not taken: I could not store this.")


async def test_what_cannot_be_opened_to_the_end_is_not_kept_locked(tmp_path: Path) -> None:
    path = await made(tmp_path, tasks=1)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE delivery SET state = 'sending'")
        raw.execute("CREATE TRIGGER stuck BEFORE UPDATE ON delivery BEGIN SELECT raise(ABORT, 'stuck'); END")
        raw.commit()
    with pytest.raises(StoreError, match="stuck"):
        await Store.open(path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TRIGGER stuck")
        raw.commit()
    store = await Store.open(path)
    assert len(await store.outbox.due(NOW, 9)) == 1
    await store.close()
