"""The courier when Slack refuses the second way as well: what can still be said is said later."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.slack.shown import visible
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.states import State
from tests.integration.post_room import ANA, OPS, RANDOM, SAM, Room, post_room, settle_down

PSST = NewDelivery("w:1", DeliveryKind.WHISPER, OPS, "psst", person=ANA)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


@pytest.mark.parametrize("code", ["missing_scope", "token_revoked"])
async def test_a_whisper_that_an_operator_can_put_right_waits(room: Room, code: str) -> None:
    room.slack.fault("chat.postEphemeral", "error", times=9, error="user_not_in_channel")
    room.slack.fault("conversations.open", "error", times=2, error=code)
    await room.store.outbox.put(PSST, room.clock.now())
    await room.courier.send_due()
    due_at = await room.store.outbox.next_due()
    assert due_at is not None
    assert due_at - room.clock.now() >= timedelta(minutes=1)
    await settle_down(room)
    assert room.seen(room.slack.dm("ana")) == ["psst"]


async def test_an_answer_that_can_go_nowhere_until_an_operator_acts_waits(room: Room) -> None:
    task = await room.ask(RANDOM)
    room.slack.fault("conversations.open", "error", times=3, error="missing_scope")
    await room.courier.send_due()
    await room.answer(task)
    await settle_down(room)
    _, card, answer = room.seen(room.slack.dm("ana"))
    assert "done" in card
    assert answer.startswith("> It was the pool.")


async def test_where_slack_does_not_let_us_look_the_reason_is_said_all_the_same(room: Room) -> None:
    room.slack.fault("conversations.history", "error", times=9, error="missing_scope")
    await room.ask(RANDOM)
    await settle_down(room)
    notice, card = room.seen(room.slack.dm("ana"))
    assert "/invite @Onequeue" in notice
    assert "queued" in card


async def test_a_whisper_that_nobody_can_be_told_is_given_up(room: Room) -> None:
    room.slack.fault("chat.postEphemeral", "error", times=9, error="user_not_in_channel")
    room.slack.fault("conversations.open", "error", times=9, error="user_disabled")
    await room.store.outbox.put(PSST, room.clock.now())
    await room.courier.send_due()
    assert await room.store.outbox.next_due() is None


async def test_who_is_not_in_the_channel_is_asked_directly_and_the_task_stays_there(room: Room) -> None:
    await room.ask(requester=SAM, words="tidy")
    room.slack.state.channels[OPS].members.remove(ANA)
    twin = await room.ask(words="tidy", unless_alike=True)
    await settle_down(room)
    assert (await room.store.queue.task(twin.id)).state is State.HELD
    assert (await room.store.queue.task(twin.id)).channel == OPS
    first, second = room.posts()
    assert "Looks like #1" in visible(second)
    (asked,) = room.slack.messages(room.slack.dm("ana"))
    assert asked.text.startswith("Looks like #1")
    assert first.ts != second.ts


@pytest.mark.parametrize("code", ["missing_scope", "user_not_in_channel"])
async def test_a_question_that_cannot_be_asked_in_private_holds_up_no_answer(room: Room, code: str) -> None:
    await room.ask(requester=SAM, words="tidy")
    twin = await room.ask(words="tidy", unless_alike=True)
    room.slack.fault("chat.postEphemeral", "error", times=99, error=code)
    room.slack.fault("conversations.open", "error", times=99, error="missing_scope")
    await room.courier.send_due()
    await room.store.queue.cancel(1, SAM, room.clock.now())
    await room.answer(await room.store.queue.task(twin.id))
    started = room.clock.now()
    await settle_down(room)
    assert room.seen()[-1].startswith("> It was the pool.")
    assert room.clock.now() - started < timedelta(minutes=1)


BLOCKED = "slack_connect_file_link_sharing_blocked"


async def test_a_notice_takes_the_place_of_an_answer_that_slack_does_not_take(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("chat.postMessage", "error", error=BLOCKED)
    room.slack.fault("chat.postMessage", "reset")
    room.slack.fault("chat.postMessage", "error", error=BLOCKED)
    await room.answer(task)
    await settle_down(room)
    card, notice = room.posts()
    assert f"Slack refused it ({BLOCKED}). `onequeue show 1` prints it." in visible(notice)
    assert notice.thread_ts == card.ts
    assert [ping.target for ping in room.slack.pings] == [ANA]


async def test_the_notice_goes_directly_where_the_thread_takes_not_even_that(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("chat.postMessage", "error", times=2, error=BLOCKED)
    await room.answer(task)
    await settle_down(room)
    (notice,) = room.seen(room.slack.dm("ana"))
    assert "`onequeue show 1` prints it." in notice


async def test_a_notice_that_is_taken_nowhere_is_given_up(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("chat.postMessage", "error", times=99, error=BLOCKED)
    posted = room.calls("chat.postMessage")
    await room.answer(task)
    await settle_down(room)
    assert room.calls("chat.postMessage") == posted + 3


async def test_an_answer_waits_for_an_operator_to_turn_direct_messages_on(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("chat.postMessage", "error", times=3, error="messages_tab_disabled")
    await room.answer(task)
    await settle_down(room)
    assert "It was the pool." in room.seen()[-1]
