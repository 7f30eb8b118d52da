"""Messages that grow while they are written, agent sessions, and Stop."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.rehearsal.slack import CannotDo, SlackSim, visible
from tests.integration.rehearsal_forms import Clock, Json, button, clock, moved_sim
from tests.integration.rehearsal_slack import (
    answer,
    bolt_app,
    connected,
    manifest_with,
    refusal,
    running,
    web,
)

__all__ = ["clock", "moved_sim", "web"]

OPS, ANA, TEAM = "COPS00001", "UANA00001", "TACME0001"
TO_ANA: Json = {"recipient_team_id": TEAM, "recipient_user_id": ANA}
STOPPED = "message_not_in_streaming_state"


@pytest.fixture
async def root(sim: SlackSim) -> str:
    return await sim.say("ana", "ops", "p3 write it")


async def started(web: AsyncWebClient, root: str, **more: Any) -> str:
    found: str = (await web.chat_startStream(channel=OPS, thread_ts=root, **TO_ANA, **more))["ts"]
    return found


async def test_the_clients_own_stream_writes_one_message(
    sim: SlackSim, web: AsyncWebClient, root: str
) -> None:
    stream = await web.chat_stream(channel=OPS, thread_ts=root, buffer_size=5, **TO_ANA)
    await stream.append(markdown_text="**hello")
    assert [m.text for m in sim.thread("ops", root)] == ["p3 write it", "**hello"]
    await stream.append(markdown_text=" <@UANA00001>**")
    await stream.stop(blocks=[button("more")])
    message = sim.thread("ops", root)[1]
    assert message.text == "**hello <@UANA00001>**"
    assert [block["type"] for block in message.blocks] == ["markdown", "actions"]
    assert len({block["block_id"] for block in message.blocks}) == 2
    assert [(ping.ts, ping.target) for ping in sim.pings] == [(message.ts, ANA)]
    told = [e.payload["event"].get("subtype") for e in sim.state.envelopes]
    assert told == [None, None, "message_changed"]


async def test_where_a_stream_may_begin(sim: SlackSim, web: AsyncWebClient, root: str) -> None:
    def start(**args: Any) -> Any:
        return refusal(web.api_call("chat.startStream", json={"channel": OPS, "thread_ts": root, **args}))

    reply = await sim.say("ana", "ops", "reply", thread_ts=root)
    no_thread = web.api_call("chat.startStream", json={"channel": OPS, **TO_ANA})
    assert await refusal(no_thread) == "invalid_arguments"
    assert await start() == "missing_recipient_team_id"
    assert await start(recipient_team_id=TEAM) == "missing_recipient_user_id"
    assert await start(recipient_team_id=TEAM, recipient_user_id="UNOBODY") == "user_not_found"
    assert await start(**TO_ANA, thread_ts=reply) == "invalid_thread_ts"
    assert await start(**TO_ANA, task_display_mode="circus") == "invalid_arguments"
    assert await start(**TO_ANA, channel="CRAN00001") == "not_in_channel"
    assert await start(**TO_ANA, channel="CSEC00001") == "channel_not_found"
    dm = sim.dm("ana")
    task = await sim.say("ana", dm, "p3 x")
    assert await start(channel=dm, thread_ts=task) == "ok"
    bare = SlackSim(manifest_with(drop=("chat:write",)))
    async with running(bare) as other:
        starting = other.chat_startStream(channel=OPS, thread_ts="1.0", **TO_ANA)
        assert await refusal(starting) == "missing_scope"


async def test_what_a_stream_takes(sim: SlackSim, web: AsyncWebClient, root: str) -> None:
    ts = await started(web, root)

    def append(**said: Any) -> Any:
        return refusal(web.api_call("chat.appendStream", json={"channel": OPS, "ts": ts, **said}))

    assert await append() == "no_text"
    assert await append(markdown_text="x" * 12_001) == "msg_too_long"
    assert await append(markdown_text="x" * 12_000) == "ok"
    assert await append(markdown_text="x") == "msg_too_long"
    assert await append(chunks=[{"type": "sparkle"}]) == "invalid_chunks"
    assert await append(chunks=[{"type": "task_update", "id": "1", "title": "t"}]) == "invalid_chunks"
    blocks = [{"type": "divider"}] * 51
    assert await append(chunks=[{"type": "blocks", "blocks": blocks}]) == "invalid_blocks"
    assert await append(chunks=[{"type": "blocks", "blocks": blocks[:50]}]) == "ok"
    assert await append(ts=root, markdown_text="x") == "message_not_owned_by_app"
    assert await append(ts="1.000001", markdown_text="x") == "message_not_found"
    plain = await web.chat_postMessage(channel=OPS, text="posted")
    assert await append(ts=plain["ts"], markdown_text="x") == STOPPED


async def test_tasks_are_told_once_and_kept_up_to_date(sim: SlackSim, web: AsyncWebClient, root: str) -> None:
    def task(id_: str, status: str, **more: Any) -> Json:
        return {"type": "task_update", "id": id_, "title": f"step {id_}", "status": status, **more}

    ts = await started(web, root, chunks=[task("1", "in_progress", details="reading")])
    await web.chat_appendStream(channel=OPS, ts=ts, markdown_text="so far", chunks=[task("1", "complete")])
    await web.chat_appendStream(channel=OPS, ts=ts, markdown_text=" so good")
    first, words = sim.thread("ops", root)[1].blocks
    assert (first["task_id"], first["status"], words["text"]) == ("1", "complete", "so far so good")
    assert visible(sim.thread("ops", root)[1]) == "step 1\nreading\nso far so good"

    steps = [task("1", "complete"), task("2", "pending"), {"type": "plan_update", "title": "Two steps"}]
    planned = await started(web, root, task_display_mode="plan", chunks=steps)
    (plan,) = next(m.blocks for m in sim.thread("ops", root) if m.ts == planned)
    assert (plan["title"], [each["task_id"] for each in plan["tasks"]]) == ("Two steps", ["1", "2"])


async def test_a_stream_is_not_updated_while_it_is_written(
    sim: SlackSim, web: AsyncWebClient, root: str
) -> None:
    ts = await started(web, root, markdown_text="half")
    assert await refusal(web.chat_update(channel=OPS, ts=ts, text="x")) == "streaming_state_conflict"
    await web.chat_stopStream(channel=OPS, ts=ts, markdown_text=" and whole")
    assert await refusal(web.chat_stopStream(channel=OPS, ts=ts)) == STOPPED
    assert await refusal(web.chat_appendStream(channel=OPS, ts=ts, markdown_text="x")) == STOPPED
    assert await refusal(web.chat_update(channel=OPS, ts=ts, text="after")) == "ok"
    assert [m.text for m in sim.thread("ops", root)] == ["p3 write it", "after"]
    empty = await started(web, root)
    assert await refusal(web.chat_stopStream(channel=OPS, ts=empty)) == "no_text"


async def test_after_five_minutes_only_an_update_helps(
    sim: SlackSim, web: AsyncWebClient, root: str, clock: Clock
) -> None:
    ts = await started(web, root, markdown_text="half")
    clock.move(299)
    assert await refusal(web.chat_appendStream(channel=OPS, ts=ts, markdown_text="x")) == "ok"
    clock.move(1)
    assert await refusal(web.chat_appendStream(channel=OPS, ts=ts, markdown_text="x")) == STOPPED
    assert await refusal(web.chat_stopStream(channel=OPS, ts=ts)) == STOPPED
    assert await refusal(web.chat_update(channel=OPS, ts=ts, text="the whole")) == "ok"


async def test_a_session_that_works_can_be_stopped(sim: SlackSim, web: AsyncWebClient, root: str) -> None:
    app, seen = bolt_app(sim), list[Json]()

    @app.event("agent_session_stopped")
    async def stopped(event: Json) -> None:
        seen.append(event)

    with pytest.raises(CannotDo, match="Nothing there can be stopped"):
        await sim.stop("ana", "ops", root)
    session = {"channel_id": OPS, "thread_ts": root}
    said = await web.agents_sessions_setStatus(**session, status="processing", title="Writing")
    assert "warning" not in said.data
    ts = await started(web, root, markdown_text="half")
    async with connected(sim, app):
        await sim.stop("ana", "ops", root)
        await sim.wait_for(lambda _: seen)
    assert seen == [
        {
            "type": "agent_session_stopped",
            "channel": OPS,
            "user": ANA,
            "thread_ts": root,
            "streaming_message_ts": [ts],
            "event_ts": seen[0]["event_ts"],
        }
    ]
    appending = web.chat_appendStream(channel=OPS, ts=ts, markdown_text="x")
    assert await refusal(appending) == "stopped_by_user"
    assert await refusal(web.chat_stopStream(channel=OPS, ts=ts)) == STOPPED
    assert await refusal(web.chat_update(channel=OPS, ts=ts, text="stopped here")) == "ok"
    assert sim.state.sessions[OPS, root].status == "processing"
    await web.agents_sessions_setStatus(**session, status="active")
    with pytest.raises(CannotDo, match="Nothing there can be stopped"):
        await sim.stop("ana", "ops", root)


async def test_sessions_have_a_status_and_a_title(sim: SlackSim, web: AsyncWebClient, root: str) -> None:
    place = {"channel_id": OPS, "thread_ts": root}

    async def set_status(**args: Any) -> str:
        return await refusal(web.api_call("agents.sessions.setStatus", json={**place, **args}))

    renaming = web.agents_sessions_rename(**place, title="x")
    assert await refusal(renaming) == "session_not_found"
    assert await set_status(status="asleep") == "invalid_arguments"
    assert await set_status(status="active", title="x" * 201) == "invalid_arguments"
    assert await set_status(status="active", initiator_user_id="UNOBODY") == "user_not_found"
    assert await set_status(status="active", title="First", initiator_user_id=ANA) == "ok"
    assert await set_status(status="suspended", title="Second") == "ok"
    assert await set_status(status="active", thread_ts="1.000001") == "message_not_found"
    session = sim.state.sessions[OPS, root]
    assert (session.status, session.title, session.initiator) == ("suspended", "First", ANA)
    await web.agents_sessions_rename(**place, title="Renamed")
    assert session.title == "Renamed"
    ts = await started(web, root, markdown_text="x")
    bad = web.chat_stopStream(channel=OPS, ts=ts, session_status="asleep")
    assert await refusal(bad) == "invalid_arguments"
    await web.chat_stopStream(channel=OPS, ts=ts, session_status="closed")
    assert session.status == "closed"


async def test_without_the_subscription_there_is_no_stop() -> None:
    sim = SlackSim(manifest_with(events=("message.channels",)))
    async with running(sim) as web:
        root = await sim.say("ana", "ops", "p3 x")
        said = await web.agents_sessions_setStatus(channel_id=OPS, thread_ts=root, status="processing")
        assert said["warning"] == "missing_agent_session_stopped_event_subscription"
        with pytest.raises(CannotDo, match="Nothing there can be stopped"):
            await sim.stop("ana", "ops", root)


async def test_only_an_agent_has_sessions() -> None:
    manifest: Any = manifest_with()
    del manifest["features"]["agent_view"]
    sim = SlackSim(manifest)
    async with running(sim) as web:
        root = await sim.say("ana", "ops", "p3 x")
        refused = await answer(web.agents_sessions_setStatus(channel_id=OPS, thread_ts=root, status="active"))
    assert refused["error"] == "not_allowed"
