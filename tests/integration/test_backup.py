"""Backups: whole or not at all, made beside a writer that goes on."""

import asyncio
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.printing import PRINTERS
from dispatch.errors import BackupFailed, StoreUnusable
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.store import Store
from dispatch.store.backup import back_up
from dispatch.task import NewTask, Source, Task
from tests.contracts.stores import NOW
from tests.fakes.clock import FakeClock
from tests.integration.conditions import small_disk, unwritable
from tests.integration.history import fill
from tests.integration.test_local import UTC, console_for

PATH = "onequeue.db"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / PATH)
    yield opened
    await opened.close()


async def add(store: Store, key: str, words: str = "words") -> Task:
    new = NewTask(key, Source.CLI, "U1", words, 3, channel="C1")
    return (await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW))[0]


def names(folder: Path) -> set[str]:
    """What is in the folder, without the database's own files."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(PATH)}


async def test_a_backup_is_the_database_as_it_was(store: Store, tmp_path: Path) -> None:
    task = await add(store, "k1")
    made = await store.backup(tmp_path / "copy.db")
    assert (made.path, made.tasks) == (tmp_path / "copy.db", 1)
    assert made.bytes == made.path.stat().st_size
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert names(tmp_path) == {"copy.db"}
    await add(store, "k2")
    copy = await Store.open(made.path)
    assert await copy.queue.open_tasks(9) == [task]
    assert (await add(copy, "k3")).id == task.id + 1, "numbers go on where they were"
    await copy.close()


async def test_the_writer_goes_on_meanwhile(store: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(store.database.path, isolation_level=None)) as raw:
        fill(raw, 50_000)
    before = (await add(store, "before")).id
    backing_up = asyncio.create_task(store.backup(tmp_path / "copy.db"))
    written = 0
    while not backing_up.done():
        written += 1
        await add(store, f"k{written}")
    made = await backing_up
    assert written >= 10
    assert before <= made.tasks < before + written
    copy = await Store.open(made.path)
    assert (await copy.queue.task(before)).request_key == "before"
    await copy.close()


async def test_closing_waits_for_a_backup(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / PATH)
    backing_up = asyncio.create_task(store.backup(tmp_path / "copy.db"))
    await asyncio.wait({backing_up}, timeout=0)
    await store.close()
    assert (await backing_up).tasks == 0
    with pytest.raises(StoreUnusable, match="closed"):
        await store.backup(tmp_path / "late.db")


async def test_a_database_open_for_reading_only_can_be_backed_up(store: Store, tmp_path: Path) -> None:
    await add(store, "k")
    reader = await Store.read_only(store.database.path)
    assert (await reader.backup(tmp_path / "copy.db")).tasks == 1
    await reader.close()


async def test_a_file_that_is_there_is_left_as_it_is(store: Store, tmp_path: Path) -> None:
    first = await store.backup(tmp_path / "copy.db")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    (tmp_path / "folder").mkdir()
    before = first.path.read_bytes()
    await add(store, "k")
    for name in ("copy.db", "nowhere", "folder"):
        with pytest.raises(BackupFailed, match="is there already and is left as it is"):
            await store.backup(tmp_path / name)
    assert first.path.read_bytes() == before
    assert names(tmp_path) == {"copy.db", "nowhere", "folder"}


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal", ".lock", ".sock"])
@pytest.mark.parametrize("way", ["", "link/", "folder/../"])
async def test_the_database_itself_is_no_place_for_it(
    store: Store, tmp_path: Path, ending: str, way: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(BackupFailed, match="that is the database itself"):
        await store.backup(tmp_path / f"{way}{PATH}{ending}")
    await add(store, "k")


@pytest.mark.parametrize("folder", ["absent", "a-file", "/proc/self"])
async def test_a_folder_that_takes_no_file_is_said(store: Store, tmp_path: Path, folder: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(BackupFailed, match="Name a file in a folder that is there"):
        await store.backup(tmp_path / folder / "copy.db")
    assert names(tmp_path) == {"a-file"}


async def test_a_read_only_folder_is_said(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with unwritable(folder), pytest.raises(BackupFailed, match="that this user may write"):
        await store.backup(folder / "copy.db")
    assert names(folder) == set()


async def test_a_full_disk_keeps_nothing_of_it(store: Store, tmp_path: Path) -> None:
    await add(store, "k", "x" * 1_000_000)
    with small_disk(tmp_path / "disk") as disk:
        disk.fill(leave=900_000)
        with pytest.raises(BackupFailed, match=r"the disk there is full\. Make room"):
            await store.backup(disk.folder / "copy.db")
        assert names(disk.folder) == {"filler"}
        disk.make_room()
        assert (await store.backup(disk.folder / "copy.db")).tasks == 1


LIMITED = """
import sys
from pathlib import Path
from dispatch.errors import BackupFailed
from dispatch.store.backup import back_up
try:
    back_up(Path(sys.argv[1]), Path(sys.argv[2]))
except BackupFailed as error:
    print(error)
"""


async def test_a_file_cut_by_a_limit_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    await add(store, "k", "x" * 1_000_000)
    folder = tmp_path / "folder"
    folder.mkdir()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", LIMITED, str(store.database.path), str(folder / "copy.db")],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert "no backup was made" in done.stdout
    assert names(folder) == set()


async def test_a_damaged_database_gives_no_backup(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / PATH)
    for number in range(40):
        await add(store, f"k{number}", "x" * 2000)
    await store.close()
    whole = bytearray(store.database.path.read_bytes())
    for page in range(len(whole) // 2 // 4096 * 4096, len(whole) - 4096, 4096):
        whole[page : page + 4096] = b"\xff" * 4096
    store.database.path.write_bytes(whole)
    with pytest.raises(BackupFailed, match="damaged"):
        back_up(store.database.path, tmp_path / "copy.db")
    assert names(tmp_path) == set()


async def test_the_verb_says_where_and_how_much(store: Store, tmp_path: Path) -> None:
    console = console_for(store, FakeClock(), "")
    await add(store, "k")
    record = await console.ask("backup", {"file": str(tmp_path / "copy.db")})
    size = (tmp_path / "copy.db").stat().st_size
    assert record == {"path": str(tmp_path / "copy.db"), "bytes": size, "tasks": 1}
    printed = PRINTERS["backup"](record, UTC)
    assert printed == f"{tmp_path / 'copy.db'}: 1 task, {size:,} bytes"
