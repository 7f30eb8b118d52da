"""Slack's own Stop under an answer that is being written."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.states import State
from tests.integration.front_room import Front, front_room
from tests.integration.post_room import settle_down
from tests.integration.writing_room import FIRST, Writer, replies, shown, writer


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


@pytest.fixture
async def writing(front: Front) -> AsyncIterator[Writer]:
    begun = await writer(front.room)
    await begun.write(FIRST, lambda: shown(front.room))
    yield begun
    await begun.stop()


async def press(front: Front, person: str) -> None:
    await front.slack.stop(person, "ops", front.room.posts()[0].ts)
    await front.quiet()
    await settle_down(front.room)


@pytest.mark.parametrize("person", ["ana", "sam"], ids=["requester", "operator"])
async def test_it_cancels_the_task(front: Front, writing: Writer, person: str) -> None:
    await press(front, person)
    assert (await front.store.queue.task(1)).cancel_asked
    assert front.slack.ephemerals(person) == []


async def test_somebody_else_is_told_why_not(front: Front, writing: Writer) -> None:
    await press(front, "kim")
    assert not (await front.store.queue.task(1)).cancel_asked
    (told,) = front.slack.ephemerals("kim")
    assert "only the person who asked for #1, or an operator" in told.text
    assert told.thread_ts == front.room.posts()[0].ts


async def test_of_an_answer_that_has_arrived_it_stops_nothing(front: Front, writing: Writer) -> None:
    payload = {
        "event": {
            "type": "agent_session_stopped",
            "channel": "COPS00001",
            "user": "UANA00001",
            "thread_ts": front.room.posts()[0].ts,
            "streaming_message_ts": ["1.000001"],
        }
    }
    await front.stops.event(payload)
    task = await front.store.queue.task(1)
    assert (task.state, task.cancel_asked) == (State.RUNNING, False)
    assert len(replies(front.room)) == 1
