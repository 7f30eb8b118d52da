"""The connections to Slack: two of them, renewed without a gap, healed when an address is dead."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Sockets, build
from bot.ports import Refused
from tests.fakes.clock import FakeClock
from tests.fakes.desk import StoreDesk
from tests.integration.front_room import (
    CountingNotifier,
    FakeAlarms,
    Front,
    front_room,
    make_controls,
    make_intake,
    make_rights,
)
from tests.integration.post_room import post_room


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


async def test_a_line_with_a_dead_address_asks_for_a_new_one(front: Front) -> None:
    await front.slack.socket("spend_ticket")
    await front.slack.socket("drop_one")
    await front.slack.wait_for(lambda _: openings(front) == 3)
    assert front.slack.state.sockets == 1
    async with asyncio.timeout(20):
        while front.slack.state.sockets < 2 or await front.sockets.connected() < 2:
            front.clock.advance(timedelta(seconds=5))
            await front.room.chat.identity()
    assert openings(front) > 3
    assert (await front.slack.slash("ana", "ops", "p3 hello")).startswith("Queued as #1 · p3 · Opus")


def openings(front: Front) -> int:
    return front.room.calls("apps.connections.open")


async def test_two_lines_lose_nothing_while_one_is_renewed(front: Front) -> None:
    await front.slack.socket("refresh_requested")
    for number in range(10):
        said = await front.slack.slash("ana", "ops", f"p3 task {number}")
        assert said.startswith(f"Queued as #{number + 1} · p3 · Opus")
    assert len(await front.tasks()) == 10


async def test_a_wrong_app_token_is_refused_at_once(front: Front) -> None:
    app = build(front.intake, front.controls, await front.room.chat.identity())
    with pytest.raises(Refused, match="invalid_auth"):
        async with Sockets(app, "xapp-wrong", front.slack.api_url, front.clock):
            pytest.fail("it connected")


async def test_the_lines_are_closed_at_the_end(tmp_path: Path) -> None:
    async with front_room(tmp_path) as front:
        slack = front.slack
        async with Sockets(
            build(front.intake, front.controls, await front.room.chat.identity()),
            slack.app_token,
            slack.api_url,
            front.clock,
            ping=0.2,
        ):
            await slack.wait_for(lambda state: state.sockets == 4)
        await slack.wait_for(lambda state: state.sockets == 2)


async def test_the_first_line_does_not_wait_for_the_second(tmp_path: Path) -> None:
    async with post_room(tmp_path, rate_limits=True) as room:
        slack, me = room.slack, await room.chat.identity()
        desk, notifier = StoreDesk(room.store, room.clock), CountingNotifier()
        rights = make_rights(room, me)
        intake = make_intake(room, desk, notifier, me, rights)
        controls = make_controls(room, desk, notifier, FakeAlarms(), rights)
        async with (
            asyncio.timeout(20),
            Sockets(build(intake, controls, me), slack.app_token, slack.api_url, FakeClock()) as sockets,
        ):
            await slack.wait_for(lambda _: room.calls("apps.connections.open") == 2)
            assert await sockets.connected() == 1, "Slack lets the second wait a minute"
            assert (await slack.slash("ana", "ops", "p3 hello")).startswith("Queued as #1 · p3 · Opus")
