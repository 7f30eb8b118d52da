"""The courier when Slack says no: another way is found, and the reason said."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.views.message import Message, markdown, section
from dispatch.delivery import Delivery, DeliveryKind, NewDelivery
from dispatch.task import Source
from tests.integration.post_room import (
    ANA,
    OPS,
    RANDOM,
    SECRET,
    Room,
    make_courier,
    post_room,
    settle_down,
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        (RANDOM, "I am not in <#CRAN00001>. Type `/invite @Onequeue` there"),
        (SECRET, "I do not see the channel you asked in. Type `/invite @Onequeue` there"),
    ],
)
async def test_where_it_is_not_it_answers_directly_and_says_why_once(
    room: Room, channel: str, why: str
) -> None:
    task = await room.ask(channel)
    await settle_down(room)
    await room.answer(task)
    await settle_down(room)
    notice, card, answer = room.seen(room.slack.dm("ana"))
    assert why in notice
    assert card.startswith(":black_circle:")
    assert answer.startswith("> It was the pool.")
    assert room.seen(channel) == []


async def test_an_archived_channel_moves_what_is_left_of_a_running_task(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.state.channels[OPS].archived = True
    await room.answer(task)
    await settle_down(room)
    notice, card, answer = room.seen(room.slack.dm("ana"))
    assert "<#COPS00001> is archived. Ask in another channel" in notice
    assert "done" in card
    assert answer.startswith("> It was the pool.")
    assert len(room.posts()) == 1


async def test_the_reason_is_said_once_however_often_moving_is_tried(room: Room) -> None:
    room.slack.fault("chat.postMessage", "error", error="not_in_channel")
    room.slack.fault("chat.postMessage", "reset")
    await room.ask(RANDOM)
    await room.courier.send_due()
    await settle_down(room)
    notices = [text for text in room.seen(room.slack.dm("ana")) if "because" in text]
    assert len(notices) == 1


async def test_nowhere_to_go_is_given_up_with_the_reason(room: Room) -> None:
    await room.ask(RANDOM, requester="cli:root")
    assert await room.courier.send_due() == 1
    assert await room.store.outbox.next_due() is None
    assert room.seen(RANDOM) == []


async def test_a_whisper_to_somebody_who_left_becomes_a_direct_message(room: Room) -> None:
    new = NewDelivery("w:1", DeliveryKind.WHISPER, OPS, "psst", person=ANA)
    room.slack.state.channels[OPS].members.remove(ANA)
    await room.store.outbox.put(new, room.clock.now())
    await room.courier.send_due()
    assert room.seen(room.slack.dm("ana")) == ["psst"]


async def test_a_digest_waits_until_the_bot_is_invited(room: Room) -> None:
    await room.store.outbox.put(NewDelivery("d:1", DeliveryKind.DIGEST, RANDOM, "of today"), room.clock.now())
    await room.courier.send_due()
    assert room.seen(RANDOM) == []
    room.slack.state.channels[RANDOM].members.append(room.slack.state.bot_user_id)
    await settle_down(room)
    assert room.seen(RANDOM) == ["Digest of today"]


@pytest.mark.parametrize("code", ["token_revoked", "missing_scope", "account_inactive"])
async def test_what_an_operator_must_put_right_loses_nothing(room: Room, code: str) -> None:
    room.slack.fault("chat.postMessage", "error", times=3, error=code)
    await room.ask()
    await room.courier.send_due()
    assert room.posts() == []
    await settle_down(room)
    assert len(room.posts()) == 1


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long"])
async def test_refused_blocks_become_text_and_a_file(room: Room, code: str) -> None:
    await room.ask()
    await settle_down(room)
    room.slack.fault("chat.postMessage", "error", times=2, error=code)
    words = "word " * 1_500 + "<!channel>"
    await room.answer(await room.store.queue.task(1), words)
    await settle_down(room)
    _, file, answer = room.posts()
    assert answer.blocks == []
    assert answer.text.startswith(f"<@{ANA}> word word")
    assert len(answer.text) <= 4_000
    assert file.files[0].name == "answer-1-1-part-0.md"
    assert (file.files[0].content or b"").count(b"word") == 1_500
    assert [ping.target for ping in room.slack.pings] == [ANA]


async def test_a_short_answer_whose_blocks_are_refused_needs_no_file(room: Room) -> None:
    await room.ask()
    await settle_down(room)
    room.slack.fault("chat.postMessage", "error", times=2, error="invalid_blocks")
    await room.answer(await room.store.queue.task(1))
    await settle_down(room)
    assert room.seen()[1:] == [f"> <@{ANA}> It was the pool."]


async def test_a_card_whose_blocks_are_refused_is_text(room: Room) -> None:
    task = await room.ask()
    await room.courier.send_due()
    room.slack.fault("chat.update", "error", error="invalid_blocks")
    await room.claim(task)
    await room.courier.send_due()
    assert room.seen() == ["#1 · p3 · Opus · running: investigate stall"]


async def test_a_message_has_a_simpler_form_before_it_is_text_alone(room: Room) -> None:
    async def digest(_: Delivery) -> Message:
        simpler = Message("words", (markdown("| a table |"),))
        return Message("words", (section("a chart"),), simpler=simpler)

    room.courier = make_courier(room.store, room.chat, room.clock, digest)
    for number, refusals in enumerate((0, 1, 2)):
        if refusals:
            room.slack.fault("chat.postMessage", "error", times=refusals, error="invalid_blocks")
        await room.store.outbox.put(
            NewDelivery(f"d:{number}", DeliveryKind.DIGEST, OPS, ""), room.clock.now()
        )
        await settle_down(room)
    assert room.seen()[:2] == ["a chart", "| a table |"]
    file, words = room.posts()[2:]
    assert (words.text, words.blocks) == ("words", [])
    assert file.files[0].content == b"| a table |"


async def test_a_message_that_would_ping_goes_out_harmless(room: Room) -> None:
    async def digest(_: Delivery) -> Message:
        return Message("hello <!channel>", (section("<!here>"),))

    courier = make_courier(room.store, room.chat, room.clock, digest)
    await room.store.outbox.put(NewDelivery("d:1", DeliveryKind.DIGEST, OPS, ""), room.clock.now())
    await courier.send_due()
    assert len(room.posts()) == 1
    assert room.posts()[0].text.startswith("hello <")
    assert room.slack.pings == []


async def test_a_deleted_card_is_posted_anew(room: Room) -> None:
    task = await room.ask()
    await room.courier.send_due()
    room.slack.state.messages[OPS].clear()
    await room.claim(task)
    await room.courier.send_due()
    (card,) = room.posts()
    assert "running" in card.text


async def test_a_deleted_thread_leaves_the_channel(room: Room) -> None:
    asked = await room.slack.say("ana", "ops", "@onequeue p3 investigate stall")
    room.slack.state.messages[OPS].clear()
    await room.answer(await room.ask(source=Source.MENTION, thread=asked, message=asked))
    await settle_down(room)
    assert len(room.posts()) == 2
    assert all(post.thread_ts is None for post in room.posts())


@pytest.mark.parametrize("code", ["invalid_thread_ts", "thread_not_found"])
async def test_a_file_whose_thread_was_deleted_goes_to_the_channel(room: Room, code: str) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("files.completeUploadExternal", "error", error=code)
    await room.answer(task, "```diff\n-old\n+new\n```")
    await settle_down(room)
    file = room.posts()[-1]
    assert (file.files[0].content, file.thread_ts) == (b"-old\n+new\n", None)


async def test_a_deleted_thread_and_a_cut_line_still_post_once(room: Room) -> None:
    asked = await room.slack.say("ana", "ops", "@onequeue p3 investigate stall")
    room.slack.state.messages[OPS].clear()
    await room.ask(source=Source.MENTION, thread=asked, message=asked)
    room.slack.fault("chat.postMessage", "error", error="cannot_reply_to_message")
    room.slack.fault("chat.postMessage", "reset")
    await room.courier.send_due()
    await settle_down(room)
    assert len(room.posts()) == 1


async def test_a_notice_is_posted_harmless_and_waits_until_the_bot_is_invited(room: Room) -> None:
    words = "*$40.00 of today's $50.00 are spent.* <!channel>"
    for number, channel in enumerate((OPS, RANDOM)):
        await room.store.outbox.put(
            NewDelivery(f"n:{number}", DeliveryKind.NOTICE, channel, words), room.clock.now()
        )
    await room.courier.send_due()
    (notice,) = room.posts()
    assert notice.blocks[0]["text"]["text"].startswith("*$40.00 of today's $50.00 are spent.*")
    assert notice.blocks[0]["type"] == "section"
    assert (room.seen(RANDOM), room.slack.pings) == ([], [])
    room.slack.state.channels[RANDOM].members.append(room.slack.state.bot_user_id)
    await settle_down(room)
    assert len(room.seen(RANDOM)) == 1


async def test_a_notice_too_long_for_a_block_is_text(room: Room) -> None:
    await room.store.outbox.put(NewDelivery("n:1", DeliveryKind.NOTICE, OPS, "word " * 700), room.clock.now())
    await room.courier.send_due()
    (notice,) = room.posts()
    assert (notice.blocks, notice.text.count("word")) == ([], 700)
