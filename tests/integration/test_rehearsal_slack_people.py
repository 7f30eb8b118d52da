"""Files that people post, people from elsewhere, shared channels, groups and thumbs."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.rehearsal.slack import SlackSim, User
from tests.integration.rehearsal_forms import Json, plain
from tests.integration.rehearsal_slack import MANIFEST, bolt_app, connected, manifest_with, refusal, running

OPS = "COPS00001"
MORE_SCOPES = ("files:read", "usergroups:read")
ZED = User("UZED00001", "zed", "Zed Ito", "Asia/Tokyo", is_stranger=True, team_id="TOTHER001")


@pytest.fixture
async def sim() -> AsyncIterator[SlackSim]:
    simulated = SlackSim(manifest_with(add=MORE_SCOPES))
    async with running(simulated):
        yield simulated


async def test_a_file_comes_with_its_message_and_is_fetched_with_the_token(sim: SlackSim) -> None:
    app, seen = bolt_app(sim), list[Json]()

    @app.event("message")
    async def message(event: Json) -> None:
        seen.append(event)

    async with connected(sim, app):
        await sim.say(
            "ana", "ops", "p3 read this", files=[("notes.txt", b"all of it"), ("a.png", b"\x89PNG")]
        )
        await sim.wait_for(lambda _: seen)
    (event,) = seen
    assert (event["subtype"], event["text"], event["upload"]) == ("file_share", "p3 read this", False)
    notes, picture = event["files"]
    assert (notes["name"], notes["mimetype"], notes["size"]) == ("notes.txt", "text/plain", 9)
    assert (notes["user"], notes["mode"]) == ("UANA00001", "hosted")
    assert picture["mimetype"] == "image/png"
    assert notes["url_private"].startswith(f"{sim.url}/files-pri/")

    async def fetched(url: str, token: str | None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as found:
            return found.status, await found.read()

    for url in (notes["url_private"], notes["url_private_download"]):
        assert await fetched(url, sim.bot_token) == (200, b"all of it")
        assert (await fetched(url, None))[0] == 403
        assert (await fetched(url, sim.app_token))[0] == 403
    info = await app.client.files_info(file=notes["id"])
    assert info["file"]["size"] == 9
    assert await refusal(app.client.files_info(file="FNONE")) == "file_not_found"


async def test_a_file_needs_its_scope() -> None:
    sim = SlackSim(manifest_with(drop=("files:read",)))
    async with running(sim) as web:
        await sim.say("ana", "ops", "look", files=[("notes.txt", b"all of it")])
        (file,) = sim.messages("ops")[0].files
        url = f"{sim.url}/files-pri/{file.id}/notes.txt"
        headers = {"Authorization": f"Bearer {sim.bot_token}"}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as found:
            assert found.status == 403
        assert await refusal(web.files_info(file=file.id)) == "missing_scope"


async def test_guests_and_strangers_are_told_apart(sim: SlackSim) -> None:
    sim.invite(ZED, "ops")
    sim.invite(User("UGIL00001", "gil", "Gil Roy", "Europe/Paris", is_guest=True), "ops", "payments")
    web = bolt_app(sim).client
    everyone = (ZED.id, "UGIL00001", "UKIM00001")
    shown = {user: (await web.users_info(user=user))["user"] for user in everyone}
    kinds = {user: (found["is_restricted"], found["is_ultra_restricted"]) for user, found in shown.items()}
    assert kinds == {ZED.id: (False, False), "UGIL00001": (True, False), "UKIM00001": (True, True)}
    assert [found["is_stranger"] for found in shown.values()] == [True, False, False]
    assert [found["team_id"] for found in shown.values()] == ["TOTHER001", "TACME0001", "TACME0001"]


async def test_a_shared_channel_says_so_in_every_event(sim: SlackSim) -> None:
    sim.invite(ZED, "ops")
    sim.state.channels[OPS].is_ext_shared = True
    await sim.say("zed", "ops", "@onequeue p3 x")
    await sim.say("ana", "payments", "p3 x")
    shared, also_shared, own = [envelope.payload for envelope in sim.state.envelopes]
    flags = [payload["is_ext_shared_channel"] for payload in (shared, also_shared, own)]
    assert flags == [True, True, False]
    teams = [payload["event"]["team"] for payload in (shared, also_shared, own)]
    assert teams == ["TOTHER001", "TOTHER001", "TACME0001"]
    assert shared["team_id"] == "TACME0001"


async def test_what_is_told_of_a_channel(sim: SlackSim) -> None:
    sim.state.channels[OPS].is_ext_shared = True
    web = bolt_app(sim).client
    plain_info = (await web.conversations_info(channel=OPS))["channel"]
    assert (plain_info["is_private"], plain_info["is_ext_shared"], plain_info["is_member"]) == (
        False,
        True,
        True,
    )
    assert "num_members" not in plain_info
    counted = (await web.conversations_info(channel=OPS, include_num_members=True))["channel"]
    assert counted["num_members"] == 4
    random = (await web.conversations_info(channel="CRAN00001"))["channel"]
    assert (random["is_member"], random["is_ext_shared"]) == (False, False)


async def test_who_is_in_a_group(sim: SlackSim) -> None:
    web = bolt_app(sim).client
    (group,) = sim.state.usergroups
    assert (await web.usergroups_users_list(usergroup=group))["users"] == ["UANA00001", "USAM00001"]
    assert await refusal(web.usergroups_users_list(usergroup="SNONE")) == "no_such_subteam"
    bare = SlackSim(manifest_with(drop=("usergroups:read",)))
    async with running(bare) as other:
        assert await refusal(other.usergroups_users_list(usergroup=group)) == "missing_scope"


async def test_a_thumb_is_told_with_its_message() -> None:
    sim = SlackSim(MANIFEST)
    async with running(sim):
        app, seen = bolt_app(sim), list[Json]()

        @app.action("feedback")
        async def rated(ack: Any, body: Json) -> None:
            await ack()
            seen.append(body)

        thumbs = {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": plain("Good"), "value": "up 42"},
            "negative_button": {"text": plain("Bad"), "value": "down 42"},
        }
        posted = await app.client.chat_postMessage(
            channel=OPS, text="answer", blocks=[{"type": "context_actions", "elements": [thumbs]}]
        )
        async with connected(sim, app):
            assert await sim.click("ana", "ops", posted["ts"], "feedback", "down 42") == ""
    (body,) = seen
    assert (body["type"], body["message"]["ts"]) == ("block_actions", posted["ts"])
    (action,) = body["actions"]
    assert (action["type"], action["value"], action["text"]) == ("feedback_buttons", "down 42", plain("Bad"))
    assert {"action_id", "block_id", "action_ts"} <= action.keys()
