"""`onequeue run` under a supervisor: ready when it is, alive while it is, and never started in vain."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim
from tests.acceptance.process import Bot, environment, onequeue, simulators

OPS = "COPS00001"


@pytest.fixture
async def sims() -> AsyncIterator[tuple[SlackSim, ClaudeSim]]:
    async with simulators() as started:
        yield started


@pytest.fixture
def slack(sims: tuple[SlackSim, ClaudeSim]) -> SlackSim:
    return sims[0]


@pytest.fixture
def env(sims: tuple[SlackSim, ClaudeSim], tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, *sims)


async def test_a_supervisor_hears_of_its_life_and_end(env: dict[str, str], tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(path)
        line.setblocking(False)
        bot = Bot({**env, "NOTIFY_SOCKET": path, "WATCHDOG_USEC": "60000000"}, tmp_path)
        heard: list[str] = []

        async def until(state: str) -> None:
            async with asyncio.timeout(30):
                while not any(state in datagram for datagram in heard):
                    heard.append((await asyncio.get_running_loop().sock_recv(line, 4096)).decode())

        try:
            await bot.start()
            await until("READY=1")
            assert "WATCHDOG=1" in heard
            assert await bot.stop() == 0
            await until("STOPPING=1")
        finally:
            await bot.kill()


async def test_timeouts_that_do_not_nest_end_it_at_once(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "onequeue.toml").write_text("grace_seconds = 3000\n")
    status, _, err = await onequeue(env, "run", folder=tmp_path)
    assert status == 1
    assert "supervisor_stop_seconds" in err
    assert not (tmp_path / "onequeue.db").exists()


@pytest.mark.long
async def test_an_alarm_of_a_killed_process_ends_in_its_own_thread(
    slack: SlackSim, env: dict[str, str], tmp_path: Path
) -> None:
    settings = tmp_path / "onequeue.toml"
    settings.write_text("[watch]\ndisk_free_mb = 1_000_000_000_000\n")
    bot = Bot(env, tmp_path)
    try:
        await bot.start()
        await slack.wait_for(lambda _: slack.messages(OPS))
        await bot.kill()
        settings.unlink()
        await bot.start()
        await slack.wait_for(lambda _: len(slack.messages(OPS)) == 2)
        assert await bot.stop() == 0
    finally:
        await bot.kill()
    alarm, end = slack.messages(OPS)
    assert alarm.text.startswith("The disk is nearly full: ")
    assert end.text.startswith("Recovered at ")
    assert end.thread_ts == alarm.ts
    assert slack.pings == []
