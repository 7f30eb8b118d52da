"""Failures on order, rate limits, response URLs and clicks."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.slack import CannotDo, SlackSim, Tokens, visible
from tests.integration.rehearsal_slack import MANIFEST, bolt_app, connected, refusal, running, sim, web

__all__ = ["sim", "web"]

OPS = "COPS00001"


async def test_an_error_on_order_happens_as_often_as_ordered(sim: SlackSim, web: AsyncWebClient) -> None:
    sim.fault("chat.postMessage", "error", times=2, error="fatal_error")
    said = [await refusal(web.chat_postMessage(channel=OPS, text="x")) for _ in range(3)]
    assert said == ["fatal_error", "fatal_error", "ok"]
    assert len(sim.messages("ops")) == 1


async def test_failures_on_order_can_be_taken_back(sim: SlackSim, web: AsyncWebClient) -> None:
    sim.fault("chat.postMessage", "500", times=9)
    sim.recover()
    assert await refusal(web.chat_postMessage(channel=OPS, text="x")) == "ok"


async def test_too_many_requests_say_how_long_to_wait(sim: SlackSim, web: AsyncWebClient) -> None:
    sim.fault("chat.postMessage", "429", retry_after=7)
    with pytest.raises(SlackApiError) as refused:
        await web.chat_postMessage(channel=OPS, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"
    sim.fault("chat.postMessage", "429", retry_after=0)
    web.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    assert (await web.chat_postMessage(channel=OPS, text="x"))["ok"]


async def test_a_server_error(sim: SlackSim, web: AsyncWebClient) -> None:
    sim.fault("chat.postMessage", "500")
    with pytest.raises(SlackApiError) as refused:
        await web.chat_postMessage(channel=OPS, text="x")
    assert refused.value.response.status_code == 500
    assert sim.messages("ops") == []


async def test_no_answer_at_all(sim: SlackSim) -> None:
    sim.fault("chat.postMessage", "timeout")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session:
        slow = AsyncWebClient(token=sim.bot_token, base_url=sim.api_url, session=session)
        with pytest.raises(asyncio.TimeoutError):
            await slow.chat_postMessage(channel=OPS, text="x")
    assert sim.messages("ops") == []


async def test_a_connection_cut_after_the_message_was_stored(sim: SlackSim, web: AsyncWebClient) -> None:
    sim.fault("chat.postMessage", "reset")
    with pytest.raises(aiohttp.ClientConnectionError):
        await web.chat_postMessage(channel=OPS, text="once")
    assert [m.text for m in sim.messages("ops")] == ["once"]


async def test_the_default_client_posts_twice_over_a_cut_connection(sim: SlackSim) -> None:
    sim.fault("chat.postMessage", "reset")
    await AsyncWebClient(token=sim.bot_token, base_url=sim.api_url).chat_postMessage(channel=OPS, text="x")
    assert [m.text for m in sim.messages("ops")] == ["x", "x"]


async def test_an_impossible_fault_is_refused(sim: SlackSim) -> None:
    kind: Any = "explosion"
    with pytest.raises(ValueError, match="kind is one of"):
        sim.fault("chat.postMessage", kind)


async def test_rate_limits_when_asked_for() -> None:
    at = [datetime(2026, 11, 24, 9, 0, tzinfo=UTC)]
    sim = SlackSim(MANIFEST, now=lambda: at[0], rate_limits=True)
    async with running(sim) as web:

        async def post(channel: str) -> str:
            return await refusal(web.chat_postMessage(channel=channel, text="x"))

        assert [await post(OPS), await post(OPS), await post("CPAY00001")] == ["ok", "ratelimited", "ok"]
        at[0] += timedelta(seconds=1)
        assert await post(OPS) == "ok"
        ts = sim.messages("ops")[0].ts
        updates = [await refusal(web.chat_update(channel=OPS, ts=ts, text="y")) for _ in range(51)]
        assert updates == ["ok"] * 50 + ["ratelimited"]


async def test_a_response_url_works_five_times_in_thirty_minutes() -> None:
    at = [datetime(2026, 11, 24, 9, 0, tzinfo=UTC)]
    sim = SlackSim(MANIFEST, now=lambda: at[0])
    urls: list[str] = []

    async def respond(url: str, **payload: Any) -> str:
        async with aiohttp.ClientSession() as session, session.post(url, json=payload) as answer:
            return await answer.text() if answer.status == 200 else str((await answer.json())["error"])

    async with running(sim):
        app = bolt_app(sim)

        @app.command("/task")
        async def task(ack: Any, body: dict[str, Any]) -> None:
            urls.append(body["response_url"])
            await ack()

        async with connected(sim, app):
            for _ in range(2):
                assert await sim.slash("ana", "random", "p3 x") == ""
        assert await respond(urls[0], text="") == "no_text"
        assert await respond(urls[0], text="all", response_type="in_channel") == "ok"
        assert [await respond(urls[0], text="again") for _ in range(5)] == ["ok"] * 4 + ["used_url"]
        at[0] += timedelta(minutes=31)
        assert await respond(urls[1], text="late") == "expired_url"
    assert [m.text for m in sim.messages("random")] == ["all"]
    assert [m.text for m in sim.ephemerals("ana")] == ["again"] * 4


async def test_a_click_carries_the_message_and_can_replace_it(sim: SlackSim, web: AsyncWebClient) -> None:
    app = bolt_app(sim)
    seen: list[dict[str, Any]] = []

    @app.action("cancel")
    async def cancel(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        seen.append(body)
        await respond(text="cancelled", replace_original=True)

    buttons = [
        {
            "type": "button",
            "action_id": "cancel",
            "text": {"type": "plain_text", "text": "Cancel"},
            "value": "42",
        }
    ]
    card = await web.chat_postMessage(
        channel=OPS, text="card", blocks=[{"type": "actions", "block_id": "row", "elements": buttons}]
    )
    async with connected(sim, app):
        assert await sim.click("ana", "ops", card["ts"], "cancel") == ""
        await sim.wait_for(lambda _: visible(sim.messages("ops")[0]) == "cancelled")
    assert seen[0]["actions"][0]["value"] == "42"
    assert seen[0]["actions"][0]["block_id"] == "row"
    assert seen[0]["container"] == {
        "type": "message",
        "message_ts": card["ts"],
        "channel_id": OPS,
        "is_ephemeral": False,
    }
    assert seen[0]["message"]["ts"] == card["ts"]
    with pytest.raises(CannotDo, match="no control"):
        await sim.click("ana", "ops", card["ts"], "nothing")


async def test_people_can_only_do_what_people_can(sim: SlackSim) -> None:
    ts = await sim.say("ana", "ops", "mine")
    with pytest.raises(CannotDo, match="own messages"):
        await sim.edit("sam", "ops", ts, "yours")
    with pytest.raises(CannotDo, match="sees no channel"):
        await sim.say("kim", "secret", "hello")
    with pytest.raises(CannotDo, match="not in #payments"):
        await sim.say("kim", "payments", "hello")
    with pytest.raises(CannotDo, match="Nobody here"):
        await sim.say("zoe", "ops", "hello")
    await sim.edit("ana", "ops", ts, "still mine")
    assert [(m.text, m.edited is not None) for m in sim.messages("ops")] == [("still mine", True)]
    changed = sim.state.envelopes[-1].payload["event"]
    assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("mine", "still mine")


async def test_waiting_in_vain_shows_what_there_was(sim: SlackSim) -> None:
    await sim.say("ana", "ops", "the only message")
    with pytest.raises(TimeoutError, match="the only message"):
        await sim.wait_for(lambda _: False, timeout=0.05)


def test_only_this_machine_and_only_made_up_tokens() -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        SlackSim(MANIFEST, host="192.0.2.1")
    real = "-".join(("xoxb", "1234567890123", "1234567890123", "abcdefABCDEF012345678901"))
    with pytest.raises(ValueError, match="real Slack tokens"):
        Tokens(bot=real)
