"""The courier keeps to what Slack takes: no call is made that Slack would refuse for being one too many."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.courier import AT_ONCE
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.policy import Seating, Settlement
from dispatch.states import State
from dispatch.task import Claim, Outcome, Task, Verdict
from tests.integration.post_room import ANA, OPS, PAYMENTS, SAM, Room, post_room, settle_down

SECOND = timedelta(seconds=1)
LONG = "\n\n".join(f"line {number} {'x' * 90}" for number in range(250))
ANSWERED = Outcome(Verdict.ANSWERED, "Yes.", "claude-opus-5-5")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Room]:
    """A room whose Slack counts."""
    async with post_room(tmp_path, rate_limits=True) as made:
        yield made


async def asked(room: Room, count: int, *channels: str) -> list[Task]:
    return [
        await room.ask(channels[number % len(channels)], request_key=f"slash:{number}")
        for number in range(count)
    ]


async def all_running(room: Room) -> list[Claim]:
    now = room.clock.now()
    tasks = await room.store.queue.open_tasks(1_000)
    found = [
        await room.store.queue.claim(task.route.tier, Seating(1_000), now + timedelta(hours=1), now)
        for task in tasks
    ]
    return [claim for claim in found if claim is not None]


def refused(room: Room) -> list[str]:
    return [call.method for call in room.slack.state.calls if call.error == "ratelimited"]


async def test_busy_minutes_are_never_refused(strict: Room) -> None:
    await asked(strict, 20, OPS, PAYMENTS)
    await strict.courier.send_due()
    claims = await all_running(strict)
    for minute in range(4):
        for step in range(12):
            for claim in claims:
                await strict.store.queue.progress(claim, f"step {minute}:{step}", strict.clock.now())
            await strict.courier.send_due()
            strict.clock.advance(5 * SECOND)
    for claim in claims:
        await strict.settle(claim, ANSWERED, State.DONE)
    ended_at = strict.clock.now()
    await settle_down(strict)
    assert refused(strict) == []
    posts = strict.posts(OPS) + strict.posts(PAYMENTS)
    assert len([post for post in posts if "· done" in post.text]) == 20
    assert len([post for post in posts if post.is_reply]) == 20
    assert strict.clock.now() - ended_at < timedelta(minutes=2), "ends do not wait behind progress"


async def test_moves_to_direct_messages_and_whispers_that_become_one_keep_the_pace(strict: Room) -> None:
    await asked(strict, 5, "CRAN00001")
    strict.slack.state.channels[OPS].members.remove(ANA)
    for number in range(3):
        new = NewDelivery(f"w:{number}", DeliveryKind.WHISPER, OPS, f"psst {number}", person=ANA)
        await strict.store.outbox.put(new, strict.clock.now())
    await settle_down(strict)
    assert refused(strict) == []
    seen = strict.seen(strict.slack.dm("ana"))
    assert len([text for text in seen if "/invite" in text]) == 5
    assert sorted(text for text in seen if text.startswith("psst")) == ["psst 0", "psst 1", "psst 2"]
    assert len(seen) == 13


async def test_one_refused_post_stops_its_channel_and_no_other(room: Room) -> None:
    await asked(room, 100, PAYMENTS)
    await room.ask(OPS, priority=9, request_key="slash:ops")
    room.slack.fault("chat.postMessage", "429", retry_after=30)
    await room.courier.send_due()
    for _ in range(5):
        room.clock.advance(5 * SECOND)
        await room.courier.send_due()
    assert room.calls("chat.postMessage") == 2
    assert [len(room.posts(PAYMENTS)), len(room.posts(OPS))] == [0, 1]
    room.clock.advance(5 * SECOND)
    await room.courier.send_due()
    assert [post.text.split()[0] for post in room.posts(PAYMENTS)] == ["#1"], "the refused one goes first"


async def test_one_refused_edit_stops_edits_but_no_answer_of_another_task(room: Room) -> None:
    await asked(room, 30, OPS, PAYMENTS)
    await settle_down(room)
    calls = room.calls("chat.update")
    first, *rest = await all_running(room)
    await room.courier.send_due()
    assert room.calls("chat.update") == calls + 30
    room.slack.fault("chat.update", "429", retry_after=40, times=AT_ONCE)
    room.clock.advance(timedelta(minutes=1))
    for claim in rest:
        await room.store.queue.progress(claim, "reading", room.clock.now())
    await room.courier.send_due()
    assert room.calls("chat.update") <= calls + 30 + AT_ONCE
    new = NewDelivery("w:1", DeliveryKind.WHISPER, OPS, "psst", person=SAM)
    await room.store.outbox.put(new, room.clock.now())
    await room.store.queue.settle(first, ANSWERED, Settlement(State.DONE), room.clock.now())
    room.clock.advance(30 * SECOND)
    await room.courier.send_due()
    assert room.calls("chat.update") <= calls + 30 + AT_ONCE
    assert [message.text for message in room.slack.ephemerals("sam")] == ["psst"]
    await settle_down(room)
    assert len([post for post in room.posts() if post.is_reply]) == 1


async def test_a_full_line_is_gone_through_once(room: Room) -> None:
    for number in range(200):
        await room.store.outbox.put(
            NewDelivery(f"n:{number}", DeliveryKind.NOTICE, OPS, f"{number}"), room.clock.now()
        )
    await room.store.outbox.put(NewDelivery("n:x", DeliveryKind.NOTICE, PAYMENTS, "x"), room.clock.now())
    assert await room.courier.send_due() == 2
    assert room.seen(PAYMENTS) == ["x"]
    assert await room.store.outbox.due(room.clock.now(), 9) == []
    assert await room.store.outbox.due(room.clock.now() + 3 * SECOND, 9) != []
    assert len(await room.store.outbox.due(room.clock.now() + 100 * SECOND, 500)) == 100
    await settle_down(room)
    assert room.seen() == [f"{number}" for number in range(200)]
    assert len(room.slack.state.calls) == 201


async def test_a_part_that_is_refused_goes_on_where_it_stopped(room: Room) -> None:
    class Refusing(list[float]):
        def append(self, seconds: float) -> None:
            super().append(seconds)
            if len(self) == 1:
                room.slack.fault("chat.postMessage", "429", retry_after=60)

    await room.answer(await room.ask(), LONG)
    room.clock.slept = Refusing()
    started = room.clock.now()
    await settle_down(room)
    assert "\n\n".join(post.blocks[0]["text"] for post in room.posts()[1:]) == LONG
    assert room.clock.now() - started >= timedelta(minutes=1)
    assert room.clock.slept == [1, 1], "nobody sits out the refusal"
