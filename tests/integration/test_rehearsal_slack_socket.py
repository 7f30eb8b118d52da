"""Socket Mode against the real Bolt app: envelopes, acknowledgements, retries, disconnects."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.slack import SlackSim, State
from tests.integration.rehearsal_slack import MANIFEST, bolt_app, connected, manifest_with, running, sim

__all__ = ["sim"]

Body = dict[str, Any]


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


async def test_a_command_reaches_the_app_and_its_answer_the_person(sim: SlackSim) -> None:
    app, seen = bolt_app(sim), []

    @app.command("/task")
    async def task(ack: Any, body: Body) -> None:
        seen.append(body)
        await ack("Queued as #1")

    async with connected(sim, app):
        said = await sim.slash("ana", "#ops", "p3 ask @sam about #payments & <x>")

    assert said == "Queued as #1"
    assert seen[0]["text"] == "p3 ask <@USAM00001|sam> about <#CPAY00001|payments> &amp; &lt;x&gt;"
    assert (seen[0]["channel_id"], seen[0]["user_id"]) == ("COPS00001", "UANA00001")
    assert [m.text for m in sim.ephemerals("ana")] == ["Queued as #1"]
    assert sim.ephemerals("sam") == []
    assert [e.state for e in sim.state.envelopes] == ["acked"]


async def test_a_command_nobody_acknowledges_ends_in_operation_timeout_and_is_not_sent_again() -> None:
    sim = SlackSim(MANIFEST, ack_seconds=0.2)
    async with running(sim), connected(sim, bolt_app(sim)):
        assert "operation_timeout" in await sim.slash("ana", "ops", "p3 hello")
    assert [e.state for e in sim.state.envelopes] == ["timeout"]


async def test_without_a_socket_commands_fail_and_events_are_dropped(sim: SlackSim) -> None:
    assert "dispatch_failed" in await sim.slash("ana", "ops", "p3 hello")
    await sim.say("ana", "ops", "hello")
    assert [(e.type, e.state) for e in sim.state.envelopes] == [
        ("slash_commands", "dropped"),
        ("events_api", "dropped"),
    ]


async def test_a_command_the_manifest_does_not_declare_never_reaches_the_app(sim: SlackSim) -> None:
    assert "not a valid command" in await sim.slash("ana", "ops", "x", command="/tusk")
    assert sim.state.envelopes == []


async def test_a_mention_comes_as_message_and_as_app_mention_with_different_event_ids(sim: SlackSim) -> None:
    app = bolt_app(sim)
    seen: list[Body] = []

    @app.event("app_mention")
    async def mention(body: Body) -> None:
        seen.append(body)

    @app.event("message")
    async def message(body: Body) -> None:
        seen.append(body)

    async with connected(sim, app, sockets=2):
        first = await sim.say("ana", "ops", "@onequeue p3 one")
        await sim.say("ana", "ops", "@onequeue p3 two")
        await sim.wait_for(lambda _: len(seen) == 4)

    assert {body["event_id"] for body in seen} == {f"Ev0000000{n}" for n in (1, 2, 3, 4)}
    ones = [body["event"] for body in seen if body["event"]["ts"] == first]
    assert sorted(event["type"] for event in ones) == ["app_mention", "message"]
    assert {event["text"] for event in ones} == {"<@UBOT00001> p3 one"}
    order = [e.payload["event"]["type"] for e in sim.state.envelopes]
    assert order == ["message", "app_mention", "app_mention", "message"]


async def test_only_subscribed_events_are_sent() -> None:
    sim = SlackSim(manifest_with(events=("app_mention",)))
    async with running(sim):
        await sim.say("ana", "ops", "@onequeue hello")
        await sim.say("ana", "ops", "hello")
        await sim.say("ana", sim.dm("ana"), "hello")
    assert [e.payload["event"]["type"] for e in sim.state.envelopes] == ["app_mention"]


async def test_a_subscribed_event_still_needs_its_scope() -> None:
    sim = SlackSim(manifest_with(drop=("channels:history",)))
    async with running(sim):
        await sim.say("ana", "ops", "hello")
        await sim.say("ana", sim.dm("ana"), "hello")
    assert [e.payload["event"]["channel_type"] for e in sim.state.envelopes] == ["im"]


async def test_channels_the_bot_is_not_in_are_silent(sim: SlackSim) -> None:
    await sim.say("ana", "random", "@onequeue hello")
    assert sim.state.envelopes == []


async def test_own_messages_come_back_as_events_and_bolt_drops_them(sim: SlackSim) -> None:
    app = bolt_app(sim)
    seen: list[str] = []

    @app.event("message")
    async def message(event: Body) -> None:
        seen.append(event["text"])

    async with connected(sim, app):
        await app.client.chat_postMessage(channel="COPS00001", text="mine")
        await sim.say("ana", "ops", "yours")
        await sim.wait_for(lambda state: [e.state for e in state.envelopes] == ["acked", "acked"])
    assert seen == ["yours"]
    assert sim.state.envelopes[0].payload["event"]["bot_id"] == "BBOT00001"


async def test_a_failed_event_is_sent_again_at_once_then_after_60_and_300_seconds() -> None:
    clock = Clock()
    sim = SlackSim(MANIFEST, now=clock, ack_seconds=0.3)
    async with running(sim):
        app = bolt_app(sim)
        tries: list[str] = []

        @app.event("message")
        async def message(request: Any) -> None:
            tries.append(request.headers["x-slack-retry-num"][0])
            raise RuntimeError("not stored")

        async with connected(sim, app):
            await sim.say("ana", "ops", "hello")
            await sim.wait_for(partial(timed_out, 2))
            clock.move(59)
            sim.tick()
            assert len(sim.state.envelopes) == 2
            for seconds, sent in ((1, 3), (300, 4)):
                clock.move(seconds)
                sim.tick()
                await sim.wait_for(partial(timed_out, sent))
            clock.move(3600)
            sim.tick()
            assert len(sim.state.envelopes) == 4
    assert tries == ["0", "1", "2", "3"]
    assert len({e.payload["event_id"] for e in sim.state.envelopes}) == 1
    assert len({e.id for e in sim.state.envelopes}) == 4


async def test_a_retry_that_finds_no_socket_ends_there() -> None:
    sim = SlackSim(MANIFEST, ack_seconds=0.05)
    async with running(sim):
        app = bolt_app(sim)
        async with connected(sim, app):
            await sim.say("ana", "ops", "hello")
        await sim.wait_for(lambda state: len(state.envelopes) == 2)
    assert [e.state for e in sim.state.envelopes] == ["timeout", "dropped"]


async def test_duplicates_carry_the_same_payload(sim: SlackSim) -> None:
    app = bolt_app(sim)
    seen: list[str] = []

    @app.command("/task")
    async def task(ack: Any, body: Body) -> None:
        seen.append(body["trigger_id"])
        await ack("ok")

    sim.duplicate(1)
    async with connected(sim, app, sockets=2):
        await sim.slash("ana", "ops", "p3 twice")
        await sim.slash("ana", "ops", "p3 once")
        await sim.wait_for(lambda _: len(seen) == 3)
    assert seen[0] == seen[1] != seen[2]
    assert len(sim.ephemerals("ana")) == 2


async def test_each_envelope_goes_to_one_socket_in_turn(sim: SlackSim) -> None:
    first, second = bolt_app(sim), bolt_app(sim)
    seen: list[str] = []

    @first.command("/task")
    async def at_first(ack: Any) -> None:
        seen.append("first")
        await ack()

    @second.command("/task")
    async def at_second(ack: Any) -> None:
        seen.append("second")
        await ack()

    async with connected(sim, first), connected(sim, second):
        for _ in range(4):
            await sim.slash("ana", "ops", "p3 x")
    assert sorted(seen[:2]) == sorted(seen[2:]) == ["first", "second"]


@pytest.mark.parametrize("do", ["warning", "refresh_requested", "drop"])
async def test_the_client_comes_back_after_a_disconnect(sim: SlackSim, do: Any) -> None:
    app = bolt_app(sim)

    @app.command("/task")
    async def task(ack: Any) -> None:
        await ack("here")

    async with connected(sim, app):
        await sim.socket(do)
        await sim.wait_for(lambda state: opened(sim) == 2 and state.sockets == 1)
        assert await sim.slash("ana", "ops", "p3 x") == "here"


def timed_out(times: int, state: State) -> bool:
    return [envelope.state for envelope in state.envelopes] == ["timeout"] * times


def opened(sim: SlackSim) -> int:
    return sum(call.method == "apps.connections.open" for call in sim.state.calls)


async def test_a_url_is_good_for_one_connection_and_thirty_seconds() -> None:
    clock = Clock()
    sim = SlackSim(MANIFEST, now=clock)
    async with running(sim) as web:
        opening = await web.apps_connections_open(app_token=sim.app_token)
        late = await web.apps_connections_open(app_token=sim.app_token)
        await sim.socket("spend_ticket")
        spent = await web.apps_connections_open(app_token=sim.app_token)
        assert await handshake(opening["url"]) == "hello"
        assert await handshake(opening["url"]) == "refused"
        assert await handshake(spent["url"]) == "refused"
        clock.move(31)
        assert await handshake(late["url"]) == "refused"


async def test_the_eleventh_socket_is_one_too_many(sim: SlackSim) -> None:
    web = AsyncWebClient(token=sim.app_token, base_url=sim.api_url)
    async with aiohttp.ClientSession() as session:
        lines = []
        for _ in range(11):
            opening = await web.apps_connections_open(app_token=sim.app_token)
            lines.append(await session.ws_connect(opening["url"]))
        said = [await line.receive_json() for line in lines]
    assert [frame.get("num_connections") for frame in said] == [*range(1, 11), None]
    assert (said[10]["type"], said[10]["reason"]) == ("disconnect", "too_many_websockets")


async def test_opening_can_fail_once_and_the_client_gets_over_it(sim: SlackSim) -> None:
    await sim.socket("fail_open")
    app = bolt_app(sim)
    async with connected(sim, app):
        assert opened(sim) == 2


async def test_closing_ends_what_still_waits() -> None:
    sim = SlackSim(MANIFEST, ack_seconds=60)
    async with running(sim):
        async with connected(sim, bolt_app(sim)):
            waiting = asyncio.create_task(sim.slash("ana", "ops", "p3 x"))
            await sim.wait_for(lambda state: state.envelopes)
        await sim.close()
        assert "operation_timeout" in await waiting


async def handshake(url: str) -> str:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(url) as line:
                return str((await line.receive_json())["type"])
        except aiohttp.WSServerHandshakeError:
            return "refused"
