"""`onequeue run` in HTTP mode: a task end to end without a socket and without an app token."""

import asyncio
import socket
from pathlib import Path

import aiohttp

from bot.http import HEALTH
from bot.manifest import REQUESTS, variant
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim
from dispatch.clock import SystemClock
from tests.acceptance.process import Bot, asked, environment, onequeue


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_a_task_goes_in_and_out_over_http(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "onequeue.toml").write_text(f'[slack]\nhttp = "127.0.0.1:{port}"\n', encoding="utf-8")
    slack = SlackSim(variant(f"http://127.0.0.1:{port}"))
    claude = ClaudeSim(now=SystemClock().now)
    await slack.start()
    await claude.start()
    env = environment(tmp_path, slack, claude)
    del env["SLACK_APP_TOKEN"]
    bot = Bot(env, tmp_path)
    try:
        await bot.start()
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{port}{HEALTH}") as health,
            http.post(f"http://127.0.0.1:{port}{REQUESTS}", json={"type": "event_callback"}) as unsigned,
        ):
            assert (health.status, unsigned.status) == (200, 401)
        claude.hold()
        queued = await slack.slash("ana", "#ops", "p3 investigate stall")
        assert queued.startswith("Queued as #1 · p3 · Opus · ")
        await claude.wait_for_held(1, timeout=20)
        stopping = asyncio.create_task(bot.stop())
        claude.release()
        assert await stopping == 0, "SIGTERM lets the session finish"
        task = await asked(env, "show", "1", folder=tmp_path)
        assert task["state"] == "done"
        assert any("#1" in message.text and "done" in message.text for message in slack.messages("#ops"))
        assert not any(call.method == "apps.connections.open" for call in slack.state.calls)
        assert not any("alarm" in line for line in bot.lines)
    finally:
        claude.release()
        await bot.kill()
        await slack.close()
        await claude.close()


async def test_http_mode_needs_the_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    (tmp_path / "onequeue.toml").write_text('[slack]\nhttp = "127.0.0.1:3000"\n', encoding="utf-8")
    status, _, err = await onequeue({"HOME": str(tmp_path)}, "run", folder=tmp_path)
    assert status == 1
    assert "SLACK_SIGNING_SECRET" in err
    assert "SLACK_APP_TOKEN" not in err
