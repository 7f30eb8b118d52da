"""What the tests of the simulated Slack share: a started one, and a real Bolt app connected to it."""

import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.slack import SlackSim

MANIFEST: Mapping[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8")
)


def manifest_with(
    *, add: tuple[str, ...] = (), drop: tuple[str, ...] = (), events: tuple[str, ...] | None = None
) -> Mapping[str, Any]:
    """Our manifest with scopes added or dropped, or with other events."""
    manifest: dict[str, Any] = copy.deepcopy(dict(MANIFEST))
    scopes = manifest["oauth_config"]["scopes"]
    scopes["bot"] = [scope for scope in [*scopes["bot"], *add] if scope not in drop]
    if events is not None:
        manifest["settings"]["event_subscriptions"]["bot_events"] = list(events)
    return manifest


@asynccontextmanager
async def running(sim: SlackSim) -> AsyncIterator[AsyncWebClient]:
    """Starts it and gives a client that never retries by itself."""
    await sim.start()
    try:
        yield AsyncWebClient(token=sim.bot_token, base_url=sim.api_url, retry_handlers=[])
    finally:
        await sim.close()


@pytest.fixture
async def sim() -> AsyncIterator[SlackSim]:
    simulated = SlackSim(MANIFEST)
    async with running(simulated):
        yield simulated


@pytest.fixture
def web(sim: SlackSim) -> AsyncWebClient:
    return AsyncWebClient(token=sim.bot_token, base_url=sim.api_url, retry_handlers=[])


def bolt_app(sim: SlackSim) -> AsyncApp:
    """An app that persists before it acknowledges, as ours does."""
    client = AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)
    return AsyncApp(client=client, signing_secret=sim.signing_secret, process_before_response=True)


@asynccontextmanager
async def connected(sim: SlackSim, app: AsyncApp, sockets: int = 1) -> AsyncIterator[list[Any]]:
    """Connects the app over real websockets; yields the handlers."""
    web = AsyncWebClient(token=sim.app_token, base_url=sim.api_url)
    handlers = [
        AsyncSocketModeHandler(app, sim.app_token, web_client=web, ping_interval=0.3) for _ in range(sockets)
    ]
    before = sim.state.sockets
    try:
        for handler in handlers:
            await handler.connect_async()
        await sim.wait_for(lambda state: state.sockets == before + sockets)
        yield handlers
    finally:
        for handler in handlers:
            await handler.close_async()


async def refusal(call: Any) -> str:
    """The error name Slack answers a call with, or "ok"."""
    return str((await answer(call)).get("error", "ok"))


async def answer(call: Any) -> dict[str, Any]:
    """The whole answer to a call, refused or not."""
    try:
        given = await call
    except SlackApiError as refused:
        given = refused.response
    return dict(given.data)
