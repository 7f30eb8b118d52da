"""A runner whose sessions are shown while they write: what is shown changes no outcome."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from bot.previewing import Previewing
from bot.streamed import LEAST, Streamed
from dispatch.errors import StoreError
from dispatch.ports import Access, Begun, Session
from dispatch.store.previews import SqlitePreviews
from dispatch.task import Outcome, Verdict
from tests.integration.gateway_room import open_session
from tests.integration.post_room import SECRETS, Room, post_room
from tests.integration.writing_room import FIRST, Writer, eventually, replies, shown, writer

KEY = "oq-key-of-this-attempt"


class Slow:
    """`ports.Runner` that writes a text and ends when it may."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.may_end = asyncio.Event()

    async def run(self, session: Session) -> Outcome:
        session.preview.grow(self.text)
        await self.may_end.wait()
        return Outcome(Verdict.ANSWERED, self.text)


class Broken(SqlitePreviews):
    """A store of previews that takes none, and notes that it was asked."""

    asked = False

    async def begin(self, task_id: int, attempt: int, now: datetime) -> Begun | None:
        self.asked = True
        raise StoreError("the disk is full")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


@pytest.fixture
async def writing(room: Room) -> AsyncIterator[Writer]:
    begun = await writer(room)
    yield begun
    await begun.stop()


def session(writing: Writer) -> Session:
    return open_session(writing.claim, Access("http://127.0.0.1:9", KEY, ()))


async def test_a_session_is_shown_and_its_own_key_is_not(room: Room, writing: Writer) -> None:
    runner = Slow(f"{FIRST}\nIts key is {KEY} here\n")
    running = asyncio.create_task(Streamed(runner, writing.stage, room.clock, SECRETS).run(session(writing)))
    await eventually(room, lambda: "Its key is" in shown(room))
    assert KEY not in shown(room)
    runner.may_end.set()
    assert await running == Outcome(Verdict.ANSWERED, runner.text)


async def test_where_nothing_can_be_noted_nothing_is_shown_and_the_outcome_is_the_same(
    room: Room, writing: Writer
) -> None:
    previews = Broken(room.store.database)
    stage = Previewing(previews, room.store.queue, room.chat, room.clock)
    runner = Slow("word " * LEAST)
    running = asyncio.create_task(Streamed(runner, stage, room.clock, SECRETS).run(session(writing)))
    await eventually(room, lambda: previews.asked)
    runner.may_end.set()
    assert (await running).verdict is Verdict.ANSWERED
    assert replies(room) == []


async def test_cut_short_it_ends_and_leaves_its_preview_to_the_answer(room: Room, writing: Writer) -> None:
    running = asyncio.create_task(
        Streamed(Slow(f"{FIRST}\n"), writing.stage, room.clock, SECRETS).run(session(writing))
    )
    await eventually(room, lambda: shown(room))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert len(await room.store.previews.all()) == 1
