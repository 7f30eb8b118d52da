"""The courier between the real store and the simulated Slack: everything arrives, once, in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from bot.courier import backoff
from bot.rehearsal.slack.state import Message as Posted
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.faults import Fault, FaultKind
from dispatch.gates import RUNTIME, Gate, GateState
from dispatch.states import State
from dispatch.task import Outcome, Source, Verdict
from dispatch.usage import Price, Unpriced, Usage
from tests.fakes.clock import FakeClock
from tests.integration.post_room import ANA, OPS, PAYMENTS, SAM, Room, post_room, settle_down

LONG = "\n\n".join(f"line {number} {'x' * 90}" for number in range(250))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


async def test_a_card_an_edit_and_an_answer_in_its_thread(room: Room) -> None:
    task = await room.ask()
    assert await room.courier.send_due() == 1
    (card,) = room.posts()
    assert card.text == "#1 · p3 · Opus · queued: investigate stall"
    assert "for ana" in room.seen()[0]
    assert (await room.store.queue.task(task.id)).thread == card.ts

    claim = await room.claim(task)
    await settle_down(room)
    assert card.text.startswith("#1 · p3 · Opus · running")

    await room.settle(claim, Outcome(Verdict.ANSWERED, "It was the **pool**.", "claude-opus-5-5"), State.DONE)
    await settle_down(room)
    assert card.text.startswith("#1 · p3 · Opus · done")
    answer = room.posts()[1]
    assert answer.thread_ts == card.ts
    assert answer.blocks[0]["text"] == "It was the **pool**."
    assert "claude-opus-5-5" in room.seen()[1]
    assert len(room.posts()) == 2
    assert [(ping.kind, ping.target) for ping in room.slack.pings] == [("user", ANA)]


async def test_nothing_is_sent_twice(room: Room) -> None:
    await room.answer(await room.ask())
    await room.courier.send_due()
    calls = len(room.slack.state.calls)
    assert await room.courier.send_due() == 0
    assert await room.another_courier().send_due() == 0
    assert len(room.slack.state.calls) == calls


async def test_edits_that_came_together_are_one_edit(room: Room) -> None:
    task = await room.ask()
    await room.courier.send_due()
    claim = await room.claim(task)
    for number in range(5):
        await room.store.queue.progress(claim, f"step {number}", room.clock.now())
    await room.courier.send_due()
    assert room.calls("chat.update") == 1
    assert "step 4" in room.seen()[0]


async def test_progress_is_shown_at_a_bearable_pace_but_an_end_at_once(room: Room) -> None:
    task = await room.ask()
    await room.courier.send_due()
    claim = await room.claim(task)
    for number in range(20):
        await room.store.queue.progress(claim, f"step {number}", room.clock.now())
        await room.courier.send_due()
        room.clock.advance(timedelta(seconds=0.5))
    assert room.calls("chat.update") <= 6
    room.clock.advance(timedelta(seconds=1))
    await room.settle(claim, Outcome(Verdict.ANSWERED, "Yes."), State.DONE)
    await room.courier.send_due()
    assert [text.splitlines()[0] for text in room.seen()][1:] == ["> Yes."]
    assert "done" in room.seen()[0]


async def test_a_mention_is_answered_in_its_own_thread(room: Room) -> None:
    asked = await room.slack.say("ana", "ops", "@onequeue p3 investigate stall")
    await room.answer(await room.ask(source=Source.MENTION, thread=asked, message=asked))
    await settle_down(room)
    assert [post.thread_ts for post in room.posts()] == [None, asked, asked]
    assert "for ana" not in room.seen()[1]


async def test_a_failure_says_whose_fault_and_shows_the_work_so_far(room: Room) -> None:
    claim = await room.claim(await room.ask())
    fault = Fault(FaultKind.OVER_CAP)
    await room.settle(claim, Outcome(Verdict.FAILED, "Half.", "claude-opus-5-5", fault), State.FAILED)
    await settle_down(room)
    card, told, work = room.seen()
    assert "Stopped at its cap of $10.00" in card
    assert f"<@{ANA}> #1 failed. Stopped at its cap of $10.00" in told
    assert work == "> *Work so far:*\nHalf."


async def test_a_restart_is_told_in_the_thread(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    await room.claim(task)
    await room.store.queue.recover(room.clock.now())
    await settle_down(room)
    card, notice = room.seen()
    assert "queued" in card
    assert notice == "> Attempt 1 of 3 was lost: the bot was restarted. Attempt 2 follows."


async def test_secrets_are_struck_out(room: Room) -> None:
    await room.answer(await room.ask(), "The key is sk-the-secret.")
    await settle_down(room)
    assert "sk-the-secret" not in "".join(room.seen())
    assert "The key is [redacted]." in room.seen()[1]


async def test_what_nobody_sees_hides_no_secret_in_what_was_asked_and_what_holds_it_back(room: Room) -> None:
    split = "sk-\x1b[1mthe-\x07secret"
    task = await room.ask(words=f"look at {split}")
    gate = Gate(RUNTIME, GateState.CLOSED, FaultKind.RUNTIME, f"it is {split}", 1, room.clock.now())
    await room.strike(task, gate)
    await settle_down(room)
    assert "look at [redacted]" in room.seen()[0]
    assert "it is [redacted]" in room.seen()[0]


async def test_what_nobody_sees_hides_no_secret_in_what_went_wrong(room: Room) -> None:
    claim = await room.claim(await room.ask())
    fault = Fault(FaultKind.UNKNOWN, "it said sk-\x1b[1mthe-\x07secret")
    await room.settle(claim, Outcome(Verdict.FAILED, fault=fault), State.FAILED)
    await settle_down(room)
    assert "it said [redacted]" in "".join(room.seen())


async def test_the_parts_of_a_long_answer_come_in_order_a_second_apart(room: Room) -> None:
    await room.answer(await room.ask(), LONG)
    await settle_down(room)
    parts = room.posts()[1:]
    assert len(parts) == 3
    assert "\n\n".join(part.blocks[0]["text"] for part in parts) == LONG
    times = [Decimal(part.ts) for part in parts]
    assert all(later - earlier > Decimal("0.99") for earlier, later in pairwise(times))
    assert room.clock.slept == [1.0, 1.0]
    assert [ping.ts for ping in room.slack.pings] == [parts[0].ts]


async def test_an_answer_over_three_messages_brings_a_file(room: Room) -> None:
    await room.answer(await room.ask(), "word " * 12_000)
    await settle_down(room)
    _, beginning, file = room.posts()
    assert beginning.blocks[0]["text"].endswith("The whole answer is in the file.")
    assert file.thread_ts == beginning.thread_ts
    assert file.files[0].name == "task-1-attempt-1.md"
    assert (file.files[0].content or b"").count(b"word") == 12_000


async def test_where_no_files_are_taken_it_says_where_the_answer_is(room: Room) -> None:
    room.slack.fault("files.getUploadURLExternal", "error", error="file_uploads_disabled")
    await room.answer(await room.ask(), "word " * 12_000)
    await settle_down(room)
    assert "`onequeue show 1` prints it" in room.seen()[-1]


async def test_words_that_look_like_pings_ping_nobody(room: Room) -> None:
    evil = f"<!channel> <!here> @everyone <@{SAM}> <!subteam^S1>"
    await room.answer(await room.ask(words=evil), evil)
    await settle_down(room)
    assert len(room.posts()) == 2
    assert [(ping.kind, ping.target) for ping in room.slack.pings] == [("user", ANA)]


async def test_a_whisper_is_seen_by_its_person_only(room: Room) -> None:
    await room.store.outbox.put(
        NewDelivery("w:1", DeliveryKind.WHISPER, OPS, "psst", person=SAM), room.clock.now()
    )
    await room.courier.send_due()
    assert [message.text for message in room.slack.ephemerals("sam")] == ["psst"]
    assert room.posts() == []


async def test_a_reply_and_a_digest_are_posted(room: Room) -> None:
    now, dm = room.clock.now(), room.slack.dm("ana")
    await room.store.outbox.put(NewDelivery("r:1", DeliveryKind.REPLY, dm, "here"), now)
    await room.store.outbox.put(NewDelivery("d:1", DeliveryKind.DIGEST, OPS, "of today"), now)
    assert await room.courier.send_due() == 2
    assert (room.seen(dm), room.seen()) == (["here"], ["Digest of today"])


async def test_the_loop_sends_at_once_when_woken_and_again_when_the_time_comes(room: Room) -> None:
    clock = FakeClock(room.clock.now())
    courier = room.another_courier(clock)
    loop = asyncio.create_task(courier.run())
    try:
        room.slack.fault("chat.postMessage", "429", retry_after=20)
        await room.ask()
        courier.wake()
        while (due_at := await room.store.outbox.next_due()) != clock.now() + timedelta(seconds=20):
            assert due_at in (None, clock.now())
        assert room.posts() == []
        async with asyncio.timeout(10):
            while not room.posts():
                clock.advance(timedelta(seconds=20))
                await room.chat.identity()
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
    assert loop.cancelled()


async def test_what_is_due_at_the_end_is_still_sent(room: Room) -> None:
    loop = asyncio.create_task(room.another_courier(FakeClock(room.clock.now())).run())
    await room.chat.identity()
    await room.ask()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert len(room.posts()) == 1


async def test_what_waits_for_its_turn_at_the_end_is_still_sent(room: Room) -> None:
    for number in range(3):
        await room.ask(request_key=f"slash:{number}")
    loop = asyncio.create_task(room.courier.run())
    await room.slack.wait_for(lambda _: room.posts())
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert len(room.posts()) == 3


async def test_one_task_in_trouble_does_not_hold_up_another(room: Room) -> None:
    room.slack.fault("chat.postMessage", "429", retry_after=30)
    await room.ask(PAYMENTS)
    await room.ask(OPS, priority=9)
    await room.courier.send_due()
    assert (len(room.posts(PAYMENTS)), len(room.posts(OPS))) in [(0, 1), (1, 0)]


async def test_many_at_once_all_arrive_in_order_a_second_apart_and_nobody_sits_and_waits(room: Room) -> None:
    for number in range(15):
        await room.ask(request_key=f"slash:{number}")
    await room.ask(PAYMENTS, request_key="slash:elsewhere")
    assert await room.courier.send_due() == 2
    assert [len(room.posts()), len(room.posts(PAYMENTS))] == [1, 1], "another channel waits for nobody"
    await settle_down(room)
    assert [post.text.split()[0] for post in room.posts()] == [f"#{n}" for n in range(1, 16)]
    assert spaced(room.posts()) == [1] * 14
    assert room.clock.slept == []


async def test_what_waits_for_its_turn_has_not_failed(room: Room) -> None:
    for number in range(3):
        await room.ask(request_key=f"slash:{number}")
    await room.courier.send_due()
    room.clock.advance(timedelta(seconds=2))
    waiting = await room.store.outbox.due(room.clock.now(), 9)
    assert [(delivery.tries, delivery.in_doubt) for delivery in waiting] == [(0, False), (0, False)]


def spaced(posts: Sequence[Posted]) -> list[int]:
    """The whole seconds between one message and the next."""
    return [round(float(later.ts) - float(earlier.ts)) for earlier, later in pairwise(posts)]


def test_waits_grow_to_five_minutes() -> None:
    assert [backoff(tries).total_seconds() for tries in (0, 1, 2, 8, 9, 500)] == [1, 2, 4, 256, 300, 300]


async def test_a_receipt_that_is_late_tells_what_its_attempt_had_cost(room: Room) -> None:
    task, ledger = await room.ask(), room.store.ledger
    prices: list[Price | Unpriced] = [Price(1_000_000, "v"), Unpriced("new model"), Price(4_000_000, "v")]
    for price in prices:
        claim, now = await room.claim(task), room.clock.now()
        line = await ledger.open(claim, "m", now)
        await ledger.book(
            line, model="m", request_id="r", usage=Usage(), price=price, estimated=False, now=now
        )
        await room.settle(claim, Outcome(Verdict.FAILED, fault=Fault(FaultKind.REFUSAL)), State.FAILED)
        if price is not prices[-1]:
            await room.store.queue.retry(task.id, ANA, now)
    await settle_down(room)
    told = room.seen()[1:]
    assert ["$1.00 spent" in told[0], "· $1.00 · #1" in told[0]] == [True, True]
    assert "unpriced, $1.00 + 1 unpriced request with earlier attempts · #1" in told[1]
    assert "$4.00, $5.00 + 1 unpriced request with earlier attempts · #1" in told[2]
