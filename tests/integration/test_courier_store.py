"""The courier while the database refuses: what Slack took stays taken, what it did not take goes later."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.courier import Courier
from bot.letters import Letters
from bot.postman import Postman
from bot.previewing import Previewing
from dispatch.delivery import Delivery
from dispatch.errors import StoreUnusable
from dispatch.store.outbox import SqliteOutbox
from tests.integration.post_room import SECRETS, TERMS, Room, digest, post_room, settle_down

LONG = "\n\n".join(f"line {number} {'x' * 90}" for number in range(250))


class RefusingOutbox(SqliteOutbox):
    """An outbox whose database refuses so many of the writes that follow a send, and that breaks so often."""

    refusals = 0
    defects = 0

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        if self.defects:
            self.defects -= 1
            raise ZeroDivisionError("a defect")
        return await super().due(now, limit)

    def _refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnusable("onequeue.db: the disk is full")

    async def part_sent(self, delivery_id: int, message: str) -> None:
        self._refuse()
        await super().part_sent(delivery_id, message)

    async def sent(self, delivery_id: int, revision: int, message: str | None, now: datetime) -> None:
        self._refuse()
        await super().sent(delivery_id, revision, message, now)

    async def put_off(
        self, delivery_id: int, due_at: datetime, error: str, in_doubt: bool, failed: bool = True
    ) -> None:
        self._refuse()
        await super().put_off(delivery_id, due_at, error, in_doubt, failed)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


@pytest.fixture
def outbox(room: Room) -> RefusingOutbox:
    """The outbox of the room's courier."""
    outbox = RefusingOutbox(room.store.database)
    letters = Letters(room.store.queue, room.store.gates, room.chat, digest, TERMS, SECRETS)
    previewing = Previewing(room.store.previews, room.store.queue, room.chat, room.clock)
    postman = Postman(letters, outbox, room.store.queue, room.chat, previewing, room.clock)
    room.courier = Courier(outbox, room.store.queue, room.chat, postman, room.clock)
    return outbox


@pytest.mark.parametrize("refusals", [1, 2, 20])
async def test_a_card_that_arrived_and_could_not_be_noted_is_not_posted_again(
    room: Room, outbox: RefusingOutbox, refusals: int
) -> None:
    task = await room.ask()
    outbox.refusals = refusals
    await room.courier.send_due()
    await settle_down(room)
    (card,) = room.posts()
    assert (await room.store.queue.task(task.id)).thread == card.ts


@pytest.mark.parametrize("refusals", [1, 2, 20])
async def test_an_answer_follows_once_when_the_database_works_again(
    room: Room, outbox: RefusingOutbox, refusals: int
) -> None:
    task = await room.ask()
    await room.courier.send_due()
    await room.answer(task, LONG)
    room.clock.advance(timedelta(seconds=1))
    outbox.refusals = refusals
    await room.courier.send_due()
    await settle_down(room)
    assert "\n\n".join(post.blocks[0]["text"] for post in room.posts()[1:]) == LONG


async def test_a_defect_met_while_choosing_does_not_end_the_sending(
    room: Room, outbox: RefusingOutbox
) -> None:
    await room.ask()
    outbox.defects = 3
    running = asyncio.create_task(room.courier.run())
    await room.slack.wait_for(lambda _: bool(room.posts()))
    running.cancel()
    await asyncio.wait({running})
