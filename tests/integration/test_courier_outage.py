"""Slack is down for an hour while tasks go on: afterwards everything is there, once, in order."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.slack.state import Message
from dispatch.policy import Seating, Settlement
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from tests.integration.post_room import OPS, PAYMENTS, Room, post_room, settle_down

TASKS = 60
HOUR = timedelta(hours=1)
LONG = "\n\n".join(f"line {number} {'x' * 90}" for number in range(250))
METHODS = (
    *("chat.postMessage", "chat.update", "conversations.history", "conversations.replies", "users.info"),
    *("files.getUploadURLExternal", "files.completeUploadExternal"),
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


async def answer_one(room: Room) -> None:
    """Runs a task to its answer, each sixth to a long one."""
    now = room.clock.now()
    for tier in {task.route.tier for task in await room.store.queue.open_tasks(TASKS)}:
        claim = await room.store.queue.claim(tier, Seating(TASKS), now + HOUR, now)
        if claim is not None:
            text = LONG if claim.task.id % 6 == 0 else f"The answer of #{claim.task.id}."
            outcome = Outcome(Verdict.ANSWERED, text, "claude-opus-5-5")
            await room.store.queue.settle(claim, outcome, Settlement(State.DONE), now)
            return


def fail_everything(room: Room, chance: random.Random) -> None:
    """Each method's next calls fail, each in one of the ways in which Slack does."""
    for method in METHODS:
        kinds = ["500", "500", "error", "429"]
        if method in ("chat.postMessage", "chat.update", "files.completeUploadExternal"):
            kinds += ["reset"]
        for _ in range(40):
            room.slack.fault(method, chance.choice(kinds), retry_after=chance.randint(1, 90))  # type: ignore[arg-type]


async def outage(room: Room, chance: random.Random) -> None:
    """An hour of it, in which the courier tries whatever is due and the tasks get their answers."""
    end = room.clock.now() + HOUR
    answered = 0
    while room.clock.now() < end:
        room.slack.recover()
        fail_everything(room, chance)
        await room.courier.send_due()
        if answered < TASKS:
            await answer_one(room)
            answered += 1
        due_at = await room.store.outbox.next_due()
        assert due_at is not None, "something is still to be sent"
        step = max(due_at - room.clock.now(), timedelta(seconds=8))
        room.clock.advance(min(step, end - room.clock.now()))
    assert answered == TASKS


async def test_an_hour_without_slack_loses_nothing_and_doubles_nothing(room: Room) -> None:
    chance = random.Random(7)
    for number in range(TASKS // 2):
        await room.ask((OPS, PAYMENTS)[number % 2], priority=1 + number % 10, request_key=f"slash:{number}")
    await room.courier.send_due()
    assert len(room.posts()) + len(room.posts(PAYMENTS)) == 2, "the rest are due when the hour begins"
    for number in range(TASKS // 2, TASKS):
        await room.ask((OPS, PAYMENTS)[number % 2], priority=1 + number % 10, request_key=f"slash:{number}")
    await outage(room, chance)
    assert len(room.posts()) + len(room.posts(PAYMENTS)) < 2 * TASKS, "not everything came through already"

    room.slack.recover()
    await settle_down(room)
    for channel in (OPS, PAYMENTS):
        tasks = {
            key.split(":")[1]: post for post in room.posts(channel) if (key := _key(post)).startswith("card:")
        }
        assert len(tasks) == TASKS // 2, "each task has its card"
        for task, card in tasks.items():
            assert "· done" in card.text, "the card shows the end"
            parts = [_key(post) for post in room.slack.thread(channel, card.ts)[1:]]
            expected = 3 if int(task) % 6 == 0 else 1
            assert parts == [f"answer:{task}:1/{part}" for part in range(expected)], "once and in order"
    everything = Counter(_key(post) for post in room.posts() + room.posts(PAYMENTS))
    assert set(everything.values()) == {1}
    assert len(room.slack.pings) == TASKS, "each requester once for each answer"


def _key(post: Message) -> str:
    assert post.metadata is not None
    return str(post.metadata["event_payload"]["key"])
