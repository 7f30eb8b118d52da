"""What people see of the bot as Slack's agent: prompts, the state of a thread, and Stop."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.access import Role, Rules
from dispatch.states import State
from dispatch.task import Claim, Outcome, Verdict
from tests.integration.post_room import ANA, OPS, SAM
from tests.integration.ways_room import PROMPTS, Ways, ways_room

LOG = "bot.presence"


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_room(tmp_path) as opened:
        yield opened


async def running(ways: Ways, channel: str = OPS) -> tuple[str, Claim]:
    """A task that ana has asked for and that runs; its thread."""
    words = f"p3 look at {len(await ways.tasks()) + 1}"
    words = words if channel.startswith("D") else f"@onequeue {words}"
    ts = await ways.slack.say("ana", channel, words)
    await ways.slack.wait_for(lambda state: all(each.state != "sent" for each in state.envelopes))
    task = (await ways.tasks())[-1]
    return ts, await ways.room.claim(task)


async def heard(ways: Ways) -> None:
    await ways.slack.wait_for(lambda state: all(each.state != "sent" for each in state.envelopes))


def status(ways: Ways, ts: str, channel: str = OPS) -> str | None:
    session = ways.slack.state.sessions.get((channel, ts))
    return session.status if session else None


async def test_opening_direct_messages_offers_prompts(ways: Ways) -> None:
    await ways.slack.open_home("ana", "messages")
    await heard(ways)
    await ways.presence.refresh()
    assert ways.slack.state.prompts == {ways.slack.dm("ana"): PROMPTS}


async def test_the_home_tab_offers_none(ways: Ways) -> None:
    await ways.slack.open_home("ana", "home")
    await heard(ways)
    await ways.presence.refresh()
    assert ways.slack.state.prompts == {}


@pytest.mark.parametrize("where", ["ops", "dm"])
async def test_a_thread_shows_whether_its_task_runs(ways: Ways, where: str) -> None:
    channel = OPS if where == "ops" else ways.slack.dm("ana")
    ts = await ways.slack.say("ana", channel, "@onequeue p3 look")
    await heard(ways)
    await ways.presence.refresh()
    assert status(ways, ts, channel) is None
    claim = await ways.room.claim((await ways.tasks())[0])
    await ways.presence.refresh()
    assert status(ways, ts, channel) == "processing"
    await ways.room.settle(claim, Outcome(Verdict.ANSWERED, "Yes.", "claude-opus-5-5"), State.DONE)
    await ways.presence.refresh()
    assert status(ways, ts, channel) == "active"


async def test_a_thread_whose_task_is_held_is_suspended(ways: Ways) -> None:
    ts = await ways.slack.say("ana", "ops", "@onequeue p3 look")
    await heard(ways)
    await ways.slack.slash("ana", "ops", "hold 1")
    await ways.presence.refresh()
    assert status(ways, ts) == "suspended"
    await ways.slack.slash("ana", "ops", "release 1")
    await ways.presence.refresh()
    assert status(ways, ts) == "active"


async def test_slack_is_told_only_what_has_changed(ways: Ways) -> None:
    await running(ways)
    for _ in range(3):
        await ways.presence.refresh()
    assert ways.room.calls("agents.sessions.setStatus") == 1


async def test_stop_cancels_what_runs_in_the_thread(ways: Ways) -> None:
    ts, _ = await running(ways)
    await running(ways)
    await ways.presence.refresh()
    await ways.slack.stop("ana", "ops", ts)
    await heard(ways)
    assert [task.cancel_asked for task in await ways.tasks()] == [True, False]
    assert await ways.told() == ["Stopping #1. What it has cost until then counts."]
    await ways.presence.refresh()
    assert status(ways, ts) == "active"


async def test_stop_that_comes_twice_is_told_once(ways: Ways) -> None:
    ts, _ = await running(ways)
    await ways.presence.refresh()
    ways.slack.duplicate(1)
    await ways.slack.stop("ana", "ops", ts)
    await heard(ways)
    assert len(await ways.told()) == 1


async def test_stop_of_another_persons_task_is_refused_and_it_goes_on(tmp_path: Path) -> None:
    async with ways_room(tmp_path, Rules(roles={Role.OPERATOR: frozenset({SAM})}, guests=True)) as ways:
        ts, _ = await running(ways)
        await ways.presence.refresh()
        await ways.slack.stop("kim", "ops", ts)
        await heard(ways)
        assert [task.cancel_asked for task in await ways.tasks()] == [False]
        (refused,) = await ways.told("kim")
        assert refused.startswith("Nothing done: ")
        ways.slack.state.sessions[OPS, ts].status = "active"
        await ways.presence.refresh()
        assert status(ways, ts) == "processing"


async def test_nothing_is_asked_of_slack_before_stop_is_taken(ways: Ways) -> None:
    ts, _ = await running(ways)
    await ways.presence.refresh()
    calls = ways.room.calls("agents.sessions.setStatus")
    await ways.slack.stop("ana", "ops", ts)
    await heard(ways)
    assert ways.room.calls("agents.sessions.setStatus") == calls


@pytest.mark.parametrize("code", ["unknown_method", "missing_scope", "not_allowed"])
async def test_what_slack_never_does_is_asked_once_and_changes_nothing(
    ways: Ways, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    ways.slack.fault("agents.sessions.setStatus", "error", 9, code)
    ways.slack.fault("assistant.threads.setSuggestedPrompts", "error", 9, code)
    await running(ways)
    _, claim = await running(ways)
    for _ in range(2):
        await ways.slack.open_home("ana", "messages")
        await heard(ways)
        await ways.presence.refresh()
    await ways.room.settle(claim, Outcome(Verdict.ANSWERED, "Yes.", "claude-opus-5-5"), State.DONE)
    await ways.presence.refresh()
    assert ways.room.calls("agents.sessions.setStatus") == 1
    assert ways.room.calls("assistant.threads.setSuggestedPrompts") == 1
    assert len([record for record in caplog.records if record.name == LOG]) == 2
    assert [task.state for task in await ways.tasks()] == [State.RUNNING]


async def test_a_thread_that_slack_refuses_leaves_the_others(ways: Ways) -> None:
    ways.slack.fault("agents.sessions.setStatus", "error", 1, "invalid_thread_ts")
    first, _ = await running(ways)
    second, _ = await running(ways)
    for _ in range(2):
        await ways.presence.refresh()
    assert [status(ways, first), status(ways, second)] == [None, "processing"]


async def test_after_a_rate_limit_slack_is_left_alone_and_then_told(ways: Ways) -> None:
    ts, _ = await running(ways)
    ways.slack.fault("agents.sessions.setStatus", "429", 1, retry_after=30)
    for _ in range(3):
        await ways.presence.refresh()
    assert ways.room.calls("agents.sessions.setStatus") == 1
    await ways.room.clock.sleep(30)
    await ways.presence.refresh()
    assert status(ways, ts) == "processing"


async def test_a_broken_line_is_tried_again(ways: Ways) -> None:
    ts, _ = await running(ways)
    ways.slack.fault("agents.sessions.setStatus", "500")
    await ways.presence.refresh()
    await ways.presence.refresh()
    assert status(ways, ts) == "processing"


async def test_stop_where_nothing_runs_is_nothing(ways: Ways) -> None:
    event: dict[str, Any] = {"type": "agent_session_stopped", "channel": OPS, "thread_ts": "1.2", "user": ANA}
    for payload in ({}, {"event": None}, {"event": event}, {"event": {**event, "user": 7}}):
        await ways.presence.event(payload)
    assert await ways.told() == []
