"""Answers that are shown while they are written: one message, which is the whole answer in the end."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.ports import ChatError, NoAnswer, RateLimited
from bot.previewing import Previewing
from bot.rehearsal.slack.state import Message as Posted
from bot.views.notices import WITHDRAWN
from dispatch.faults import Fault, FaultKind
from dispatch.ports import Begun
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from tests.integration.post_room import ANA, Room, post_room, settle_down
from tests.integration.writing_room import (
    FIRST,
    SHOWN,
    WHOLE,
    Writer,
    answered,
    eventually,
    finish,
    replies,
    shown,
    writer,
)

_TOOK = re.compile(r"· [^·]*\d s ·")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path, rate_limits=True) as made:
        yield made


@pytest.fixture
def another_place(tmp_path: Path) -> Path:
    place = tmp_path / "other"
    place.mkdir()
    return place


def looks(post: Posted) -> tuple[Any, ...]:
    """All that people see of a message, but for how long the task took."""
    blocks = _TOOK.sub("· some time ·", json.dumps(post.blocks, ensure_ascii=False))
    return (post.text, blocks, post.thread_ts is not None, post.files)


async def posted_whole(folder: Path, outcome: Outcome, state: State = State.DONE) -> list[Any]:
    """How the same answer looks that is not shown while it is written."""
    async with post_room(folder) as other:
        claim = await other.claim(await other.ask())
        await other.settle(claim, outcome, state)
        await settle_down(other)
        return [looks(post) for post in replies(other)]


async def test_an_answer_grows_and_is_then_what_is_posted_whole(room: Room, another_place: Path) -> None:
    writing = await writer(room)
    await writing.write(FIRST + "\nThe next wo", lambda: shown(room).startswith(FIRST))
    (growing,) = replies(room)
    assert growing.text == f"{FIRST}\nThe next "
    await writing.write(FIRST + "\nThe next words come", lambda: shown(room).endswith("words "))
    await writing.end(answered(FIRST + "\nThe next words come late."))
    await finish(room, writing)
    (answer,) = replies(room)
    assert answer.ts == growing.ts
    whole = await posted_whole(another_place, answered(FIRST + "\nThe next words come late."))
    assert [looks(answer)] == whole
    assert [(ping.ts, ping.target) for ping in room.slack.pings] == [(answer.ts, ANA)]
    assert await room.store.previews.all() == []


async def test_nothing_that_is_secret_or_pings_is_ever_appended(room: Room) -> None:
    writing = await writer(room)
    for end in range(len(FIRST), len(WHOLE) + 1, 7):
        writing.showing.grow(WHOLE[:end])
        await room.chat.identity()
        assert "sk-the" not in shown(room)
    await writing.end(answered())
    await finish(room, writing)
    assert [post.blocks[0]["text"] for post in replies(room)] == [SHOWN]
    assert {ping.target for ping in room.slack.pings} == {ANA}


async def test_a_short_message_is_posted_whole(room: Room) -> None:
    writing = await writer(room)
    writing.showing.grow("It was the pool.")
    await room.chat.identity()
    await writing.end(answered("It was the pool."))
    await finish(room, writing)
    assert room.calls("chat.startStream") == 0
    assert len(replies(room)) == 1


async def test_words_before_a_tool_are_taken_back(room: Room) -> None:
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    writing.showing.drop()
    await eventually(room, lambda: not replies(room))
    writing.showing.grow(WHOLE)
    await writing.end(answered())
    await finish(room, writing)
    assert [post.blocks[0]["text"] for post in replies(room)] == [SHOWN]


async def test_words_dropped_while_their_message_is_begun_are_never_shown(room: Room) -> None:
    writing = await writer(room)
    begin, beginning, dropped = writing.stage.begin, asyncio.Event(), asyncio.Event()

    async def slow(task_id: int, attempt: int) -> Begun | None:
        beginning.set()
        await dropped.wait()
        return await begin(task_id, attempt)

    writing.stage.begin = slow  # type: ignore[method-assign]
    writing.showing.grow(FIRST)
    await beginning.wait()
    writing.showing.drop()
    dropped.set()
    await eventually(room, lambda: room.calls("chat.startStream") == 1 and not replies(room))
    await writing.end(answered())
    await finish(room, writing)
    assert room.calls("chat.appendStream") == 0
    assert [post.blocks[0]["text"] for post in replies(room)] == [SHOWN]


async def test_a_preview_of_an_attempt_that_comes_to_nothing_is_taken_back(room: Room) -> None:
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    await writing.end(Outcome(Verdict.FAILED, FIRST, fault=Fault(FaultKind.OVERLOADED)), State.QUEUED)
    await finish(room, writing)
    assert replies(room) == []


async def test_where_slack_deletes_nothing_it_says_that_it_is_void(room: Room) -> None:
    room.slack.fault("chat.delete", "error", error="cant_delete_message")
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    await writing.end(Outcome(Verdict.FAILED, FIRST, fault=Fault(FaultKind.OVERLOADED)), State.QUEUED)
    await finish(room, writing)
    assert [post.text for post in replies(room)] == [WITHDRAWN]


async def test_a_failure_takes_the_message_over_and_shows_the_work(room: Room, another_place: Path) -> None:
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    failed = Outcome(Verdict.FAILED, FIRST, "claude-opus-5-5", Fault(FaultKind.OVER_CAP))
    await writing.end(failed, State.FAILED)
    await finish(room, writing)
    assert [looks(post) for post in replies(room)] == await posted_whole(another_place, failed, State.FAILED)


async def test_a_long_answer_stops_growing_at_one_message_and_goes_on_in_others(
    room: Room, another_place: Path
) -> None:
    long = "\n".join(f"line {number} {'x' * 90}" for number in range(250))
    writing = await writer(room)
    await writing.write(long[:9_000], lambda: len(shown(room)) > 8_000)
    writing.showing.grow(long)
    await writing.end(answered(long))
    await finish(room, writing)
    assert [looks(post) for post in replies(room)] == await posted_whole(another_place, answered(long))


async def test_a_stream_that_died_gives_way_to_the_answer_posted_whole(
    room: Room, another_place: Path
) -> None:
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    (grown,) = replies(room)
    room.clock.advance(timedelta(minutes=6))
    writing.showing.grow(WHOLE)
    await eventually(room, lambda: room.calls("chat.appendStream") > 1)
    await writing.end(answered())
    await finish(room, writing)
    assert [looks(post) for post in replies(room)] == await posted_whole(another_place, answered())
    (answer,) = replies(room)
    assert answer.ts != grown.ts, "an edit would have called nobody"
    assert [(ping.ts, ping.target) for ping in room.slack.pings] == [(answer.ts, ANA)]


class Interrupted:
    """Slack that does not do the first edit of an answer, and says so with the error."""

    def __init__(self, chat: Any, error: ChatError) -> None:
        self._chat = chat
        self._errors = [error]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chat, name)

    async def update(self, *args: Any, key: str) -> None:
        if key.startswith("answer") and self._errors:
            raise self._errors.pop()
        await self._chat.update(*args, key=key)


@pytest.mark.parametrize("error", [RateLimited(2), NoAnswer("no answer", in_doubt=True)], ids=str)
async def test_one_that_we_have_ended_is_not_taken_for_one_that_died(room: Room, error: ChatError) -> None:
    writing = await writer(room, Interrupted(room.chat, error))
    await writing.write(FIRST, lambda: shown(room))
    (grown,) = replies(room)
    await writing.end(answered())
    await finish(room, writing)
    assert [post.ts for post in replies(room)] == [grown.ts]
    assert {ping.ts for ping in room.slack.pings} == {grown.ts}


async def test_a_stream_that_somebody_stopped_becomes_the_answer_too(room: Room) -> None:
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    root = room.posts()[0].ts
    await room.chat.show_status("COPS00001", root, "processing")
    await room.slack.stop("ana", "ops", root)
    writing.showing.grow(WHOLE)
    await eventually(room, lambda: room.calls("chat.appendStream") > 1)
    await writing.end(answered())
    await finish(room, writing)
    assert [post.blocks[0]["text"] for post in replies(room)] == [SHOWN]


@pytest.mark.parametrize("code", ["unknown_method", "missing_scope", "invalid_thread_ts"])
async def test_where_slack_lets_nothing_grow_the_answer_is_posted(room: Room, code: str) -> None:
    room.slack.fault("chat.startStream", "error", error=code)
    writing = await writer(room)
    await writing.write(FIRST, lambda: room.calls("chat.startStream"))
    await writing.end(answered())
    await finish(room, writing)
    assert [post.blocks[0]["text"] for post in replies(room)] == [SHOWN]
    rests = await writing.stage.begin(1, 1) is None
    assert rests, "refused features are not tried again at once"


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream", "chat.update"])
@pytest.mark.parametrize("code", ["unknown_method", "message_not_in_streaming_state", "invalid_blocks"])
async def test_whatever_is_refused_the_answer_arrives_once(room: Room, method: str, code: str) -> None:
    writing = await writer(room)
    room.slack.fault(method, "error", error=code, times=9)
    await writing.write(FIRST, lambda: replies(room))
    await writing.end(answered())
    room.courier = writing.courier
    await settle_down(room)
    await writing.stage.tidy()
    assert [post.blocks[0]["text"] for post in replies(room)] == [SHOWN]


async def test_where_the_task_moves_the_answer_goes_along_and_the_preview_is_taken_back(room: Room) -> None:
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    there = room.slack.dm("ana")
    await room.store.outbox.move_to(1, there, room.clock.now())
    await writing.end(answered())
    await finish(room, writing)
    assert replies(room) == []
    (answer,) = [post for post in room.posts(there) if post.is_reply]
    assert answer.blocks[0]["text"] == SHOWN
    assert await room.store.previews.all() == []


async def test_all_pieces_together_stay_below_what_slack_takes(room: Room) -> None:
    writing = await writer(room)
    begun = await writing.stage.begin(1, 1)
    assert begun is not None
    taken = [await writing.stage.append(begun, "x ") for _ in range(120)]
    assert taken == [True] * 80 + [False] * 40
    room.clock.advance(timedelta(minutes=1))
    assert await writing.stage.append(begun, "x ")
    await writing.stop()


async def test_a_rate_limit_is_kept_to_and_what_it_stopped_is_shown_later(room: Room) -> None:
    writing = await writer(room)
    await writing.write(FIRST, lambda: shown(room))
    before = shown(room)
    room.slack.fault("chat.appendStream", "429", retry_after=20)
    writing.showing.grow(f"{FIRST}\nMore words come")
    await eventually(room, lambda: shown(room) != before)
    assert shown(room) == f"{FIRST}\nMore words "
    assert room.clock.slept.count(1.0) >= 20
    await writing.stop()


class Crash(BaseException):
    """The process is gone."""


class Mortal:
    """Slack until the process dies: right before its `last` call, or right after it."""

    def __init__(self, chat: Any, last: int, after: bool) -> None:
        self._chat = chat
        self._left = last
        self._after = after
        self.dead = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._chat, name)

        async def call(*args: Any, **more: Any) -> Any:
            self._left -= 1
            if self.dead or (self._left < 0 and not self._after):
                self.dead = True
                raise Crash
            found = await method(*args, **more)
            if self._left < 0:
                self.dead = True
                raise Crash
            return found

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("last", range(12))
async def test_killed_at_any_call_there_is_one_whole_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, last: int, after: bool
) -> None:
    async with post_room(tmp_path) as room:
        mortal = Mortal(room.chat, last, after)
        writing = await writer(room, mortal)
        await writing.write(FIRST + "\n", lambda: mortal.dead or shown(room))
        await writing.write(WHOLE, lambda: mortal.dead or "queue" in shown(room))
        if not mortal.dead:
            await writing.end(answered())
            await writing.courier.send_due()
        await writing.stop()
        await room.store.outbox.stop_sending()
        await room.store.queue.recover(room.clock.now())
        room.courier = room.another_courier()
        again = await room.store.queue.task(1)
        if again.state is State.QUEUED:
            second = Writer(room, await room.claim(again))
            await second.write(FIRST + "\n", lambda: "Line 7" in shown(room))
            await second.end(answered())
            room.courier = second.courier
        await settle_down(room)
        await Previewing(room.store.previews, room.store.queue, room.chat, room.clock).tidy()
        answers = [post for post in replies(room) if "was lost" not in post.text]
        assert [post.blocks[0]["text"] for post in answers] == [SHOWN]
        assert len({ping.ts for ping in room.slack.pings if ping.target == ANA}) == 1
        assert not any(post.stream for post in room.posts())
        assert await room.store.previews.all() == []
