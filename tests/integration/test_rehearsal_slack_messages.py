"""What the simulated Slack stores, shows and refuses when the app posts, through the real client."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.slack import SlackSim, visible
from tests.integration.rehearsal_slack import MANIFEST, answer, manifest_with, refusal, running, web

__all__ = ["web"]

OPS, RANDOM, SECRET = "COPS00001", "CRAN00001", "CSEC00001"


@pytest.fixture
async def sim() -> AsyncIterator[SlackSim]:
    simulated = SlackSim(manifest_with(add=("channels:join", "team:read")))
    async with running(simulated):
        yield simulated


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def test_who_am_i_and_what_may_i(sim: SlackSim, web: AsyncWebClient) -> None:
    me = await web.auth_test()
    assert (me["user_id"], me["bot_id"], me["team"]) == ("UBOT00001", "BBOT00001", "Acme")
    assert "chat:write" in me.headers["X-OAuth-Scopes"].split(",")
    assert "chat:write.public" not in me.headers["X-OAuth-Scopes"].split(",")


async def test_a_card_is_posted_answered_edited_and_read_back(sim: SlackSim, web: AsyncWebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {"task": 42}}
    card = await web.chat_postMessage(
        channel=OPS, text="#42 queued", blocks=[section("#42 queued")], metadata=metadata
    )
    await web.chat_postMessage(channel=OPS, text="the answer", thread_ts=card["ts"])
    await web.chat_update(channel=OPS, ts=card["ts"], text="#42 done", blocks=[section("*#42* done")])

    assert [visible(m) for m in sim.thread("ops", card["ts"])] == ["*#42* done", "the answer"]
    bare = await web.conversations_replies(channel=OPS, ts=card["ts"])
    full = await web.conversations_replies(channel=OPS, ts=card["ts"], include_all_metadata=True)
    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == metadata
    assert full["messages"][0]["reply_count"] == 1
    assert full["messages"][1]["parent_user_id"] == "UBOT00001"
    history = await web.conversations_history(channel=OPS)
    assert [m["text"] for m in history["messages"]] == ["#42 done"]


async def test_an_update_keeps_blocks_only_if_it_brings_neither_text_nor_blocks(
    sim: SlackSim, web: AsyncWebClient
) -> None:
    card = await web.chat_postMessage(channel=OPS, text="a", blocks=[section("b")])
    place = {"channel": OPS, "ts": card["ts"]}
    found = {"event_type": "card", "event_payload": {}}
    await web.api_call("chat.update", json={**place, "metadata": found})
    assert (sim.messages("ops")[0].metadata, visible(sim.messages("ops")[0])) == (found, "b")
    await web.api_call("chat.update", json={**place, "text": "only text"})
    assert sim.messages("ops")[0].blocks == []
    assert await refusal(web.api_call("chat.update", json=place)) == "no_text"


async def test_pages_of_a_thread(sim: SlackSim, web: AsyncWebClient) -> None:
    root = await sim.say("ana", "ops", "root")
    for n in range(5):
        await sim.say("sam", "ops", f"reply {n}", thread_ts=root)
    texts: list[str] = []
    cursor = None
    while cursor != "":
        page = await web.conversations_replies(channel=OPS, ts=root, limit=4, cursor=cursor)
        texts += [m["text"] for m in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert texts == ["root", *(f"reply {n}" for n in range(5))]


async def test_where_the_bot_may_not_post(sim: SlackSim, web: AsyncWebClient) -> None:
    assert await refusal(web.chat_postMessage(channel=RANDOM, text="x")) == "not_in_channel"
    assert await refusal(web.chat_postMessage(channel=SECRET, text="x")) == "channel_not_found"
    assert await refusal(web.chat_postMessage(channel="CNOWHERE", text="x")) == "channel_not_found"
    await web.conversations_join(channel=RANDOM)
    assert await refusal(web.chat_postMessage(channel=RANDOM, text="x")) == "ok"
    sim.state.channels[OPS].archived = True
    assert await refusal(web.chat_postMessage(channel=OPS, text="x")) == "is_archived"


async def test_what_is_said_must_be_sayable(sim: SlackSim, web: AsyncWebClient) -> None:
    def post(**said: Any) -> Any:
        return refusal(web.api_call("chat.postMessage", json={"channel": OPS, **said}))

    assert await post(text="  ") == "no_text"
    assert await post(markdown_text="a", text="b") == "markdown_text_conflict"
    assert await post(text="x", thread_ts="1.000001") == "cannot_reply_to_message"
    assert await post(text="x", metadata={"event_type": "a"}) == "invalid_metadata_format"
    assert await post(text="x", attachments=[{"text": "old"}]) == "invalid_attachments"
    assert await post(text="x", blocks="not json") == "invalid_blocks_format"
    long = await web.chat_postMessage(channel=OPS, text="x" * 40_001)
    assert len(long["message"]["text"]) == 40_000
    assert await refusal(web.chat_update(channel=OPS, ts=long["ts"], text="x" * 4_001)) == "msg_too_long"
    assert await refusal(web.chat_update(channel=OPS, ts=long["ts"], text="x" * 4_000)) == "ok"


async def test_a_reply_needs_a_root(sim: SlackSim, web: AsyncWebClient) -> None:
    root = await sim.say("ana", "ops", "root")
    reply = await sim.say("ana", "ops", "reply", thread_ts=root)
    for thread_ts, said in ((root, "ok"), (reply, "cannot_reply_to_message")):
        posting = web.chat_postMessage(channel=OPS, text="x", thread_ts=thread_ts)
        assert await refusal(posting) == said


async def test_only_own_messages_can_be_changed(sim: SlackSim, web: AsyncWebClient) -> None:
    ts = await sim.say("ana", "ops", "hers")
    assert await refusal(web.chat_update(channel=OPS, ts=ts, text="x")) == "cant_update_message"
    assert await refusal(web.chat_delete(channel=OPS, ts=ts)) == "cant_delete_message"
    assert await refusal(web.chat_delete(channel=OPS, ts="1.000001")) == "message_not_found"
    own = await web.chat_postMessage(channel=OPS, text="mine")
    await web.chat_delete(channel=OPS, ts=own["ts"])
    assert [m.text for m in sim.messages("ops")] == ["hers"]


async def test_a_whisper_reaches_one_member(sim: SlackSim, web: AsyncWebClient) -> None:
    await web.chat_postEphemeral(channel=OPS, user="UANA00001", text="psst")
    outside = web.chat_postEphemeral(channel="CPAY00001", user="UKIM00001", text="psst")
    assert await refusal(outside) == "user_not_in_channel"
    assert [m.text for m in sim.ephemerals("ana")] == ["psst"]
    assert sim.messages("ops") == sim.ephemerals("sam") == []


async def test_a_direct_message_is_opened_once(sim: SlackSim, web: AsyncWebClient) -> None:
    first = await web.conversations_open(users="UANA00001")
    again = await web.conversations_open(users="UANA00001")
    await web.chat_postMessage(channel="UANA00001", text="hello")
    assert first["channel"]["id"] == again["channel"]["id"] == sim.dm("ana")
    assert again["already_open"]
    assert [m.text for m in sim.messages(sim.dm("ana"))] == ["hello"]
    assert await refusal(web.conversations_open(users="UNOBODY")) == "user_not_found"


async def test_reactions_are_left_once(sim: SlackSim, web: AsyncWebClient) -> None:
    ts = await sim.say("ana", "ops", "task")
    await web.reactions_add(channel=OPS, timestamp=ts, name="eyes")
    assert await refusal(web.reactions_add(channel=OPS, timestamp=ts, name="eyes")) == "already_reacted"
    assert await refusal(web.reactions_add(channel=OPS, timestamp=ts, name="Not One")) == "invalid_name"
    await web.reactions_remove(channel=OPS, timestamp=ts, name="eyes")
    assert await refusal(web.reactions_remove(channel=OPS, timestamp=ts, name="eyes")) == "no_reaction"


async def test_people_channels_and_links(sim: SlackSim, web: AsyncWebClient) -> None:
    ana = (await web.users_info(user="UANA00001"))["user"]
    assert (ana["tz"], ana["tz_offset"] in (3600, 7200)) == ("Europe/Berlin", True)
    assert {u["name"] for u in (await web.users_list())["members"]} >= {"ana", "sam", "kim", "onequeue"}
    named = (await web.conversations_list(types="public_channel,private_channel"))["channels"]
    assert {c["name"] for c in named} == {"ops", "payments", "random"}
    assert (await web.conversations_info(channel=RANDOM))["channel"]["is_member"] is False
    assert await refusal(web.conversations_info(channel=SECRET)) == "channel_not_found"
    assert "UBOT00001" in (await web.conversations_members(channel=OPS))["members"]
    ts = await sim.say("ana", "ops", "hello")
    link = (await web.chat_getPermalink(channel=OPS, message_ts=ts))["permalink"]
    assert link == f"{sim.url}/archives/{OPS}/p{ts.replace('.', '')}"
    assert (await web.bots_info(bot="BBOT00001"))["bot"]["user_id"] == "UBOT00001"
    assert (await web.team_info())["team"]["name"] == "Acme"


async def test_a_file_arrives_whole_in_the_thread(sim: SlackSim, web: AsyncWebClient) -> None:
    ts = await sim.say("ana", "ops", "task")
    text = "# answer\n" * 500
    await web.files_upload_v2(
        channel=OPS, thread_ts=ts, filename="answer.md", content=text, initial_comment="the whole answer"
    )
    reply = sim.thread("ops", ts)[1]
    assert reply.files[0].content == text.encode()
    assert (reply.files[0].name, reply.files[0].mimetype) == ("answer.md", "text/markdown")
    assert visible(reply) == "the whole answer\nanswer.md"
    again = web.files_completeUploadExternal(files=[{"id": reply.files[0].id}], channel_id=OPS)
    assert await refusal(again) == "file_not_found"


async def test_status_prompts_and_home(sim: SlackSim, web: AsyncWebClient) -> None:
    ts = await sim.say("ana", "ops", "task")
    await web.assistant_threads_setStatus(channel_id=OPS, thread_ts=ts, status="reading")
    assert list(sim.state.status) == [(OPS, ts)]
    await web.chat_postMessage(channel=OPS, thread_ts=ts, text="done")
    assert sim.state.status == {}
    prompts = [{"title": "a", "message": "b"}]
    call = "assistant.threads.setSuggestedPrompts"
    dm = sim.dm("ana")
    await web.api_call(call, json={"channel_id": dm, "prompts": prompts, "thread_ts": ts})
    assert sim.state.prompts == {}
    await web.api_call(call, json={"channel_id": dm, "prompts": prompts})
    assert sim.state.prompts == {dm: prompts}
    await web.views_publish(user_id="UANA00001", view={"type": "home", "blocks": [section("queue")]})
    view = await sim.open_home("ana")
    assert view is not None
    assert view["blocks"] == [{**section("queue"), "block_id": "b0"}]


async def test_tokens_and_methods(sim: SlackSim, web: AsyncWebClient) -> None:
    def with_token(token: str | None) -> AsyncWebClient:
        return AsyncWebClient(token=token, base_url=sim.api_url, retry_handlers=[])

    assert await refusal(web.api_call("chat.shout")) == "unknown_method"
    assert await refusal(web.api_call("chat.postMessage", json={"text": "x"})) == "invalid_arguments"
    assert await refusal(with_token(None).auth_test()) == "not_authed"
    assert await refusal(with_token("xoxb-1").auth_test()) == "invalid_auth"
    opening = web.apps_connections_open(app_token=sim.bot_token)
    assert await refusal(opening) == "not_allowed_token_type"
    with_app = with_token(sim.app_token).chat_postMessage(channel=OPS, text="x")
    assert await refusal(with_app) == "not_allowed_token_type"
    secrets = (sim.bot_token, sim.app_token, sim.signing_secret)
    assert not any(secret in repr(sim.state) for secret in secrets)


@pytest.mark.parametrize(
    ("scope", "method", "args"),
    [
        ("chat:write", "chat.postMessage", {"channel": OPS, "text": "x"}),
        ("reactions:write", "reactions.add", {"channel": OPS, "timestamp": "1.0", "name": "eyes"}),
        ("users:read", "users.info", {"user": "UANA00001"}),
        ("files:write", "files.getUploadURLExternal", {"filename": "a", "length": 1}),
        ("im:write", "conversations.open", {"users": "UANA00001"}),
        ("channels:history", "conversations.replies", {"channel": OPS, "ts": "1.0"}),
        ("channels:read", "conversations.info", {"channel": OPS}),
        ("channels:join", "conversations.join", {"channel": RANDOM}),
        ("team:read", "team.info", {}),
    ],
)
async def test_a_scope_the_manifest_forgot_is_named(scope: str, method: str, args: dict[str, Any]) -> None:
    sim = SlackSim(manifest_with(drop=(scope,)))
    async with running(sim) as web:
        assert await refusal(web.api_call(method, params=args)) == "missing_scope"


async def test_a_missing_scope_says_what_is_needed_and_what_is_there() -> None:
    sim = SlackSim(manifest_with(drop=("im:write",)))
    async with running(sim) as web:
        response = await answer(web.conversations_open(users="UANA00001"))
    assert response["needed"] == "im:write"
    assert "chat:write" in response["provided"].split(",")


async def test_nothing_is_granted_that_is_only_optional() -> None:
    assert "chat:write.public" in MANIFEST["oauth_config"]["scopes"]["bot_optional"]
    sim = SlackSim(manifest_with(add=("chat:write.public",)))
    async with running(sim) as web:
        assert await refusal(web.chat_postMessage(channel=RANDOM, text="x")) == "ok"
        assert await refusal(web.chat_postMessage(channel=SECRET, text="x")) == "channel_not_found"


async def test_arguments_may_come_as_query_form_or_json(sim: SlackSim, web: AsyncWebClient) -> None:
    blocks = '[{"type": "divider"}]'
    for how in ("params", "data", "json"):
        said: Any = {how: {"channel": OPS, "text": how, "blocks": blocks}}
        await web.api_call("chat.postMessage", **said)
    await web.api_call(
        "chat.postMessage", data={"channel": OPS, "text": "multipart"}, files={"f": io.BytesIO(b"x")}
    )
    assert [m.text for m in sim.messages("ops")] == ["params", "data", "json", "multipart"]
    assert [len(m.blocks) for m in sim.messages("ops")] == [1, 1, 1, 0]
