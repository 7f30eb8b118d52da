"""What Slack says of people, channels and groups, as its Web API answers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.chat import SlackChat
from bot.ports import Profile, Refused, Room
from tests.integration.post_room import ANA, OPS, post_room


@asynccontextmanager
async def answering(**answers: Mapping[str, Any]) -> AsyncIterator[tuple[SlackChat, list[Mapping[str, str]]]]:
    """A Slack that gives these answers by method, dots as underscores, and what it was asked."""
    asked: list[Mapping[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return web.json_response(answers[request.match_info["method"].replace(".", "_")])

    app = web.Application()
    app.router.add_get("/api/{method}", answer)
    async with TestServer(app) as server:
        yield SlackChat("xoxb-1", str(server.make_url("/api/"))), asked


async def test_the_simulated_slack_tells_members_from_guests(tmp_path: Path) -> None:
    async with post_room(tmp_path) as room:
        (guest,) = [user.id for user in room.slack.state.users.values() if user.is_guest]
        team = (await room.chat.identity()).team
        assert await room.chat.profile(ANA) == Profile(frozenset({team}))
        assert await room.chat.profile(guest) == Profile(frozenset({team}), guest=True)
        assert await room.chat.room(OPS) == Room("ops", shared=False, public=True)
        assert ANA in await room.chat.members(OPS)
        with pytest.raises(Refused, match="user_not_found"):
            await room.chat.profile("UNOBODY01")


@pytest.mark.parametrize(
    ("user", "profile"),
    [
        ({"team_id": "T1", "is_ultra_restricted": True}, Profile(frozenset({"T1"}), guest=True)),
        ({"team_id": "T2", "is_stranger": True}, Profile(frozenset({"T2"}), stranger=True)),
        ({"team_id": "T1", "deleted": True}, Profile(frozenset({"T1"}), gone=True)),
        ({"is_bot": True}, Profile(frozenset(), bot=True)),
        (
            {"team_id": "T2", "enterprise_user": {"teams": ["T1", "T2"]}},
            Profile(frozenset({"T1", "T2"})),
        ),
    ],
)
async def test_a_profile(user: Mapping[str, Any], profile: Profile) -> None:
    async with answering(users_info={"ok": True, "user": {"id": "U1", **user}}) as (chat, _):
        assert await chat.profile("U1") == profile


@pytest.mark.parametrize("mark", ["is_ext_shared", "is_pending_ext_shared"])
async def test_a_channel_that_another_company_reads(mark: str) -> None:
    async with answering(conversations_info={"ok": True, "channel": {"name": "ops", mark: True}}) as (
        chat,
        _,
    ):
        assert await chat.room("C1") == Room("ops", shared=True)


@pytest.mark.parametrize(
    "marks", [{"is_channel": True, "is_private": True}, {"is_group": True}, {"is_im": True}]
)
async def test_a_channel_that_not_everybody_may_read(marks: Mapping[str, Any]) -> None:
    async with answering(conversations_info={"ok": True, "channel": {"name": "ops", **marks}}) as (chat, _):
        assert not (await chat.room("C1")).public


async def test_a_user_group_and_who_is_in_it() -> None:
    async with answering(usergroups_users_list={"ok": True, "users": ["U1", "U2"]}) as (chat, asked):
        assert await chat.members("S1") == {"U1", "U2"}
        assert asked[0]["usergroup"] == "S1"


async def test_without_the_scope_a_user_group_is_refused() -> None:
    async with answering(usergroups_users_list={"ok": False, "error": "missing_scope"}) as (chat, _):
        with pytest.raises(Refused, match="missing_scope"):
            await chat.members("S1")
