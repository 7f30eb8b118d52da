"""`onequeue backup` as an operator types it: beside the running process, alone, and back again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim
from tests.acceptance.process import Bot, asked, environment, onequeue, simulators


@pytest.fixture
async def sims() -> AsyncIterator[tuple[SlackSim, ClaudeSim]]:
    async with simulators() as started:
        yield started


@pytest.mark.long
async def test_a_backup_of_the_running_process_can_be_put_back(
    sims: tuple[SlackSim, ClaudeSim], tmp_path: Path
) -> None:
    slack, claude = sims
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    env = environment(home, slack, claude)
    bot = Bot(env, home)
    await bot.start()
    try:
        claude.hold()
        assert "#1" in await slack.slash("ana", "#ops", "p3 investigate stall")
        made = await asked(env, "backup", "copy.db", folder=elsewhere)
        copy = elsewhere / "copy.db"
        assert made == {"path": str(copy), "bytes": copy.stat().st_size, "tasks": 1}
        status, out, err = await onequeue(env, "backup", "copy.db", folder=elsewhere)
        assert (status, out) == (1, "")
        assert err == f"onequeue: {copy}: is there already and is left as it is. Name another file.\n"
        assert "#2" in await slack.slash("ana", "#ops", "p3 came after the backup")
    finally:
        await bot.kill()
    claude.release()

    for name in ("onequeue.db", "onequeue.db-wal", "onequeue.db-shm"):
        (home / name).unlink(missing_ok=True)
    await asyncio.to_thread(copy.rename, home / "onequeue.db")
    await bot.start()
    try:
        await slack.wait_for(
            lambda _: any("#1 · p3 · Opus · done" in message.text for message in slack.messages("COPS00001")),
            timeout=30,
        )
    finally:
        assert await bot.stop() == 0
    assert (await asked(env, "show", "1", folder=home))["state"] == "done"
    assert (await onequeue(env, "show", "2", folder=home))[0] == 1


@pytest.mark.long
async def test_alone_it_needs_no_running_process_but_a_database(
    sims: tuple[SlackSim, ClaudeSim], tmp_path: Path
) -> None:
    env = environment(tmp_path, *sims)
    status, _, err = await onequeue(env, "backup", "copy.db", folder=tmp_path)
    assert status == 1
    assert "there is no database to back up" in err
    assert not (tmp_path / "onequeue.db").exists()
    await asked(env, "add", "p9 tidy the wiki", folder=tmp_path)
    status, out, _ = await onequeue(env, "backup", "copy.db", folder=tmp_path)
    assert status == 0
    assert out.startswith(f"{tmp_path / 'copy.db'}: 1 task, ")
    there = env | {"ONEQUEUE_DATABASE": str(tmp_path / "copy.db")}
    assert [task["words"] for task in (await asked(there, "list", folder=tmp_path))["tasks"]] == [
        "tidy the wiki"
    ]
