"""What threads show after a restart: nothing still works there that died with the process before."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.presence import Presence
from dispatch.states import State
from dispatch.task import Claim, Outcome, Verdict
from tests.integration.test_presence import running, status
from tests.integration.ways_room import PROMPTS, Ways, ways_room

ANSWER = Outcome(Verdict.ANSWERED, "Yes.", "claude-opus-5-5")


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with ways_room(tmp_path) as opened:
        yield opened


async def shown_running(ways: Ways) -> tuple[str, Claim]:
    """A thread that shows that its task runs."""
    thread, claim = await running(ways)
    await ways.presence.refresh()
    assert status(ways, thread) == "processing"
    return thread, claim


async def restart(ways: Ways) -> None:
    """Another process takes over and has looked once."""
    await ways.room.store.queue.recover(ways.room.clock.now())
    ways.presence = Presence(
        ways.presence._intake, ways.room.store.queue, ways.room.chat, ways.room.clock, PROMPTS
    )
    await ways.presence.refresh()


async def test_a_task_that_is_queued_again_does_not_seem_to_run(ways: Ways) -> None:
    thread, _ = await shown_running(ways)
    await restart(ways)
    assert [task.state for task in await ways.tasks()] == [State.QUEUED]
    assert status(ways, thread) == "active"


async def test_what_ended_after_the_last_look_does_not_seem_to_run(ways: Ways) -> None:
    first, claim = await shown_running(ways)
    second, other = await shown_running(ways)
    await ways.room.settle(claim, ANSWER, State.DONE)
    ways.room.clock.advance(timedelta(minutes=1))
    await ways.room.settle(other, ANSWER, State.DONE)
    ways.room.clock.advance(timedelta(days=3))
    await restart(ways)
    assert [status(ways, first), status(ways, second)] == ["active", "active"]


async def test_a_refused_try_is_made_again(ways: Ways) -> None:
    thread, _ = await shown_running(ways)
    ways.slack.fault("agents.sessions.setStatus", "500")
    await restart(ways)
    assert status(ways, thread) == "processing"
    await ways.presence.refresh()
    assert status(ways, thread) == "active"


async def test_what_ended_long_before_or_never_ran_is_left_alone(ways: Ways) -> None:
    _, claim = await shown_running(ways)
    await ways.room.settle(claim, ANSWER, State.DONE)
    await ways.presence.refresh()
    ways.room.clock.advance(timedelta(hours=1))
    await ways.slack.slash("ana", "ops", "p3 look at that")
    await ways.slack.slash("ana", "ops", "cancel 2")
    await ways.slack.slash("ana", "ops", "p3 look at this")
    calls = ways.room.calls("agents.sessions.setStatus")
    await restart(ways)
    await ways.presence.refresh()
    assert ways.room.calls("agents.sessions.setStatus") == calls
