"""The courier when Slack says wait, or says nothing: nothing is lost, nothing is doubled."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.views.message import Message
from dispatch.delivery import Delivery, DeliveryKind, NewDelivery
from tests.integration.post_room import (
    ANA,
    OPS,
    SAM,
    Room,
    make_courier,
    post_room,
    settle_down,
)

LONG = "\n\n".join(f"line {number} {'x' * 90}" for number in range(250))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


async def test_a_rate_limit_waits_as_long_as_slack_says(room: Room) -> None:
    room.slack.fault("chat.postMessage", "429", retry_after=17)
    await room.ask()
    await room.courier.send_due()
    assert await room.store.outbox.next_due() == room.clock.now() + timedelta(seconds=17)
    await settle_down(room)
    assert len(room.posts()) == 1
    assert room.calls("conversations.history") == 0


@pytest.mark.parametrize(("kind", "times"), [("reset", 1), ("reset", 3), ("500", 3), ("timeout", 1)])
async def test_a_card_whose_fate_is_unknown_is_looked_for_and_never_doubled(
    room: Room, kind: str, times: int
) -> None:
    room.slack.fault("chat.postMessage", kind, times=times)  # type: ignore[arg-type]
    await room.ask()
    await room.courier.send_due()
    await settle_down(room)
    assert len(room.posts()) == 1
    assert room.calls("conversations.history") == (1 if kind == "reset" else times)
    assert (await room.store.queue.task(1)).thread == room.posts()[0].ts


async def test_rate_limits_do_not_make_it_wait_longer_after_a_failure(room: Room) -> None:
    room.slack.fault("chat.postMessage", "429", times=6)
    room.slack.fault("chat.postMessage", "500")
    await room.ask()
    for _ in range(7):
        await room.courier.send_due()
        room.clock.advance(timedelta(seconds=1))
    assert await room.store.outbox.next_due() == room.clock.now()


async def test_a_lookup_that_fails_leaves_the_doubt(room: Room) -> None:
    room.slack.fault("chat.postMessage", "reset")
    room.slack.fault("conversations.history", "429", retry_after=400)
    room.slack.fault("conversations.history", "500")
    await room.ask()
    await room.courier.send_due()
    await settle_down(room)
    assert len(room.posts()) == 1
    assert room.calls("conversations.history") == 3


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_each_part_of_an_answer_arrives_once(room: Room, part: int) -> None:
    await room.ask()
    await room.courier.send_due()
    await room.answer(await room.store.queue.task(1), LONG)
    await _fail_at(room, part)
    await settle_down(room)
    texts = [post.blocks[0]["text"] for post in room.posts()[1:]]
    assert "\n\n".join(texts) == LONG
    assert len([ping for ping in room.slack.pings if ping.target == ANA]) == 1


async def _fail_at(room: Room, part: int) -> None:
    """Lets so many parts pass, then cuts the line after the next one has arrived."""
    before = room.clock.slept

    class Cutting(list[float]):
        def append(self, seconds: float) -> None:
            super().append(seconds)
            if len(self) == part:
                room.slack.fault("chat.postMessage", "reset")

    room.clock.slept = Cutting(before)
    if part == 0:
        room.slack.fault("chat.postMessage", "reset")
    await room.courier.send_due()


async def test_a_whisper_sent_directly_whose_fate_is_unknown_is_not_said_twice(room: Room) -> None:
    room.slack.fault("chat.postEphemeral", "error", times=2, error="not_in_channel")
    room.slack.fault("chat.postMessage", "reset")
    whisper = NewDelivery("w:1", DeliveryKind.WHISPER, OPS, "psst", person=ANA)
    await room.store.outbox.put(whisper, room.clock.now())
    await room.courier.send_due()
    await settle_down(room)
    assert room.seen(await room.chat.open_dm(ANA)) == ["psst"]


async def test_a_file_whose_fate_is_unknown_is_looked_for(room: Room) -> None:
    room.slack.fault("files.completeUploadExternal", "reset")
    await room.answer(await room.ask(), "word " * 12_000)
    await room.courier.send_due()
    await settle_down(room)
    assert [len(post.files) for post in room.posts()] == [0, 0, 1]


async def test_the_words_of_a_refused_file_whose_fate_is_unknown_are_looked_for(room: Room) -> None:
    room.slack.fault("files.getUploadURLExternal", "error", times=9, error="file_uploads_disabled")
    await room.ask()
    await room.courier.send_due()
    await room.answer(await room.store.queue.task(1), "See:\n```diff\n- seats = 1\n+ seats = 8\n```\n")
    await _fail_at(room, 1)
    await settle_down(room)
    card, answer, words = room.posts()
    assert "seats = 8" not in card.text
    assert "seats = 8" in str(answer.blocks)
    assert "seats = 8" in str(words.blocks)


async def test_a_process_that_died_while_sending_does_not_double(room: Room) -> None:
    task = await room.ask()
    (delivery,) = await room.store.outbox.due(room.clock.now(), 1)
    await room.store.outbox.sending(delivery.id)
    await room.chat.post(OPS, Message("the card"), thread=None, key=f"card:{task.id}")
    await room.store.outbox.stop_sending()
    await room.courier.send_due()
    (card,) = room.posts()
    assert card.text == "#1 · p3 · Opus · queued: investigate stall", "what was found is brought up to date"
    await room.answer(task)
    await room.courier.send_due()
    assert room.posts()[0].text.startswith("#1 · p3 · Opus · done")


async def test_a_process_that_died_before_sending_sends(room: Room) -> None:
    await room.ask()
    (delivery,) = await room.store.outbox.due(room.clock.now(), 1)
    await room.store.outbox.sending(delivery.id)
    assert await room.courier.send_due() == 0
    await room.store.outbox.stop_sending()
    assert await room.courier.send_due() == 1
    assert len(room.posts()) == 1


async def test_a_name_that_cannot_be_asked_for_is_left_out(room: Room) -> None:
    room.slack.fault("users.info", "500")
    await room.ask()
    await room.courier.send_due()
    assert "for " not in room.seen()[0]


async def test_a_refusal_nobody_foresaw_gives_up_one_delivery_only(room: Room) -> None:
    room.slack.fault("chat.postMessage", "error", error="metadata_too_large")
    await room.ask()
    await room.ask(priority=9, request_key="slash:2")
    await settle_down(room)
    assert len(room.posts()) == 1
    assert await room.store.outbox.next_due() is None


async def test_a_defect_in_one_letter_does_not_stop_the_others(room: Room) -> None:
    broken = [True]

    async def digest(_: Delivery) -> Message:
        if broken:
            broken.clear()
            raise ValueError("a defect")
        return Message("the digest")

    room.courier = make_courier(room.store, room.chat, room.clock, digest)
    await room.store.outbox.put(NewDelivery("d:1", DeliveryKind.DIGEST, OPS, ""), room.clock.now())
    await room.store.outbox.put(
        NewDelivery("w:1", DeliveryKind.WHISPER, OPS, "psst", person=SAM), room.clock.now()
    )
    await room.courier.send_due()
    assert [message.text for message in room.slack.ephemerals("sam")] == ["psst"]
    await settle_down(room)
    assert room.seen() == ["the digest"]
