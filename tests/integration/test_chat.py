"""Slack through `SlackChat`: what goes over the wire, and every way it can go wrong."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.chat import SlackChat
from bot.ports import ChatError, NoAnswer, RateLimited, Refused
from bot.rehearsal.slack import SlackSim
from bot.views.gate import LivePing
from bot.views.message import Message, markdown, section
from tests.integration.rehearsal_slack import sim

__all__ = ["sim"]

ANA, OPS = "UANA00001", "COPS00001"
HELLO = Message("hello", (section("hello"),))


def long_ago() -> datetime:
    return datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def chat(sim: SlackSim) -> SlackChat:
    return SlackChat(sim.bot_token, sim.api_url, timeout=1)


async def test_we_know_who_we_are_and_what_we_may(chat: SlackChat) -> None:
    me = await chat.identity()
    assert (me.user, me.bot, me.team, me.team_name) == ("UBOT00001", "BBOT00001", "TACME0001", "Acme")
    assert "chat:write" in me.scopes


async def test_a_message_is_posted_edited_and_found_again_by_its_key(sim: SlackSim, chat: SlackChat) -> None:
    ts = await chat.post(OPS, HELLO, thread=None, key="card:1")
    reply = await chat.post(OPS, HELLO, thread=ts, key="answer:1:1/0")
    await chat.update(OPS, ts, Message("changed", (markdown("**changed**"),)), key="card:1")

    assert [(m.ts, m.text, m.thread_ts) for m in sim.messages(OPS)] == [
        (ts, "changed", None),
        (reply, "hello", ts),
    ]
    assert sim.messages(OPS)[0].blocks[0]["text"] == "**changed**"
    assert await chat.find(OPS, "card:1", thread=None, since=long_ago()) == ts
    assert await chat.find(OPS, "answer:1:1/0", thread=ts, since=long_ago()) == reply
    assert await chat.find(OPS, "card:2", thread=None, since=long_ago()) is None


async def test_the_search_looks_at_every_page_but_not_before_its_time(chat: SlackChat) -> None:
    first = await chat.post(OPS, HELLO, thread=None, key="card:1")
    for number in range(205):
        await chat.post(OPS, Message(f"{number}"), thread=None, key=f"other:{number}")
    assert await chat.find(OPS, "card:1", thread=None, since=long_ago()) == first
    tomorrow = datetime.now(UTC) + timedelta(days=1)  # noqa: TID251
    assert await chat.find(OPS, "card:1", thread=None, since=tomorrow) is None


async def test_a_file_lands_in_the_thread_and_is_found_by_its_name(sim: SlackSim, chat: SlackChat) -> None:
    root = await chat.post(OPS, HELLO, thread=None, key="card:1")
    await chat.upload(OPS, "task-1-attempt-1.md", "# Grüße\n", thread=root)
    (file,) = sim.messages(OPS)[-1].files
    assert (file.name, file.content) == ("task-1-attempt-1.md", "# Grüße\n".encode())
    assert sim.messages(OPS)[-1].thread_ts == root
    found = await chat.find(OPS, "task-1-attempt-1.md", thread=root, since=long_ago())
    assert found == sim.messages(OPS)[-1].ts


async def test_a_whisper_is_seen_by_one_person(sim: SlackSim, chat: SlackChat) -> None:
    await chat.whisper(OPS, ANA, Message("psst"), thread=None)
    assert [m.text for m in sim.ephemerals("ana")] == ["psst"]
    assert sim.messages(OPS) == []


async def test_a_thread_is_read_up_to_a_message(sim: SlackSim, chat: SlackChat) -> None:
    root = await sim.say("ana", "ops", "it is slow", files=[("graph.png", b"x")])
    await sim.say("sam", "ops", "since noon", thread_ts=root)
    request = await sim.say("ana", "ops", "@onequeue p3 why", thread_ts=root)
    await sim.say("sam", "ops", "later", thread_ts=root)
    said = await chat.thread(OPS, root, before=request)
    assert [(line.person, line.text, line.files) for line in said] == [
        (ANA, "it is slow", ("graph.png",)),
        ("USAM00001", "since noon", ()),
    ]


async def test_small_questions(sim: SlackSim, chat: SlackChat) -> None:
    assert await chat.open_dm(ANA) == sim.dm("ana")
    assert await chat.name(ANA) == "ana"
    assert await chat.name(ANA) == "ana"
    assert sum(call.method == "users.info" for call in sim.state.calls) == 1
    ts = await chat.post(OPS, HELLO, thread=None, key="k")
    assert ts.replace(".", "") in await chat.permalink(OPS, ts)


async def test_names_in_text_are_never_linked(sim: SlackSim, chat: SlackChat) -> None:
    ts = await chat.post(OPS, Message("ask ana and #ops"), thread=None, key="k")
    await chat.update(OPS, ts, Message("ask sam"), key="k")
    asked = [call.args for call in sim.state.calls if call.method in ("chat.postMessage", "chat.update")]
    assert [(args["parse"], args["link_names"]) for args in asked] == [("none", False)] * 2
    assert asked[0]["unfurl_links"] is asked[0]["unfurl_media"] is False


async def test_the_gate_stands_before_every_way_out(sim: SlackSim, chat: SlackChat) -> None:
    live = Message("<!channel>")
    for send in (
        lambda: chat.post(OPS, live, thread=None, key="k"),
        lambda: chat.update(OPS, "1.0", live, key="k"),
        lambda: chat.whisper(OPS, ANA, live, thread=None),
    ):
        with pytest.raises(LivePing):
            await send()
    assert sim.state.calls == []


Send = Callable[[SlackChat], Awaitable[object]]


async def failure(send: Send, chat: SlackChat) -> ChatError:
    with pytest.raises(ChatError) as failed:
        await send(chat)
    return failed.value


async def post(chat: SlackChat) -> None:
    await chat.post(OPS, HELLO, thread=None, key="k")


async def test_ok_false_is_a_refusal_with_slacks_word(sim: SlackSim, chat: SlackChat) -> None:
    refused = await failure(lambda c: c.post("CRAN00001", HELLO, thread=None, key="k"), chat)
    assert isinstance(refused, Refused)
    assert refused.code == "not_in_channel"


async def test_a_rate_limit_says_how_long_and_is_not_tried_again(sim: SlackSim, chat: SlackChat) -> None:
    sim.fault("chat.postMessage", "429", retry_after=7)
    limited = await failure(post, chat)
    assert isinstance(limited, RateLimited)
    assert limited.retry_after == 7
    assert len(sim.state.calls) == 1


@pytest.mark.parametrize("code", ["ratelimited", "rate_limited"])
async def test_a_rate_limit_can_come_as_ok_false(sim: SlackSim, chat: SlackChat, code: str) -> None:
    sim.fault("chat.postMessage", "error", error=code)
    assert isinstance(await failure(post, chat), RateLimited)


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable"])
async def test_their_own_faults_leave_it_in_doubt(sim: SlackSim, chat: SlackChat, code: str) -> None:
    sim.fault("chat.postMessage", "error", error=code)
    failed = await failure(post, chat)
    assert isinstance(failed, NoAnswer)
    assert failed.in_doubt


async def test_a_server_error_leaves_it_in_doubt(sim: SlackSim, chat: SlackChat) -> None:
    sim.fault("chat.postMessage", "500")
    failed = await failure(post, chat)
    assert isinstance(failed, NoAnswer)
    assert failed.in_doubt


async def test_a_line_cut_after_the_commit_is_in_doubt_and_not_sent_again(
    sim: SlackSim, chat: SlackChat
) -> None:
    sim.fault("chat.postMessage", "reset")
    failed = await failure(post, chat)
    assert isinstance(failed, NoAnswer)
    assert failed.in_doubt
    assert len(sim.messages(OPS)) == 1


async def test_a_timeout_is_in_doubt(sim: SlackSim, chat: SlackChat) -> None:
    sim.fault("chat.postMessage", "timeout")
    failed = await failure(post, chat)
    assert isinstance(failed, NoAnswer)
    assert failed.in_doubt


async def test_nobody_listening_is_known_not_to_have_arrived(sim: SlackSim) -> None:
    url = sim.api_url
    await sim.close()
    failed = await failure(post, SlackChat("xoxb-simulated", url))
    assert isinstance(failed, NoAnswer)
    assert not failed.in_doubt


async def test_a_wrong_token_is_a_refusal(sim: SlackSim) -> None:
    failed = await failure(post, SlackChat("xoxb-wrong", sim.api_url))
    assert isinstance(failed, Refused)
    assert failed.code == "invalid_auth"
