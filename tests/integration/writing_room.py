"""What tests of answers that are shown while they are written share: an attempt that writes."""

import asyncio
from collections.abc import Callable
from typing import Any

from bot.previewing import Previewing
from bot.rehearsal.slack.state import Message as Posted
from bot.streamed import Showing
from dispatch.policy import Settlement
from dispatch.states import State
from dispatch.task import Claim, Outcome, Verdict
from tests.integration.post_room import SECRETS, Room, make_courier, settle_down

FIRST = "\n".join(f"Line {number} says what was found in the pool of connections." for number in range(8))
WHOLE = f"{FIRST}\n\n| queue | jobs |\n|---|---|\n| a | 3 |\n\nThe key is sk-the-secret, said <!channel>."
SHOWN = WHOLE.replace("sk-the-secret", "[redacted]").replace("<!", "<\u200b!")


class Writer:
    """An attempt that writes: a claimed task whose thread is there, and what shows it."""

    def __init__(self, room: Room, claim: Claim, chat: Any = None) -> None:
        self.room = room
        self.claim = claim
        self.chat = chat or room.chat
        store = room.store
        self.stage = Previewing(store.previews, store.queue, self.chat, room.clock)
        self.showing = Showing(self.stage, claim.task.id, claim.attempt, room.clock, SECRETS)
        self.courier = make_courier(store, self.chat, room.clock, previewing=self.stage)
        self._loop = asyncio.create_task(self.showing.run())

    async def write(self, text: str, until: Callable[[], object]) -> None:
        self.showing.grow(text)
        await eventually(self.room, until)

    async def stop(self) -> None:
        self._loop.cancel()
        await asyncio.gather(self._loop, return_exceptions=True)

    async def end(self, outcome: Outcome, state: State = State.DONE) -> None:
        await self.stop()
        await self.room.store.queue.settle(self.claim, outcome, Settlement(state), self.room.clock.now())


async def eventually(room: Room, condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await room.chat.identity()


def replies(room: Room) -> list[Posted]:
    return [post for post in room.posts() if post.is_reply]


def shown(room: Room) -> str:
    return replies(room)[-1].text if replies(room) else ""


async def writer(room: Room, chat: Any = None) -> Writer:
    task = await room.ask()
    await settle_down(room)
    claim = await room.claim(task)
    await settle_down(room)
    return Writer(room, claim, chat)


def answered(text: str = WHOLE) -> Outcome:
    return Outcome(Verdict.ANSWERED, text, "claude-opus-5-5")


async def finish(room: Room, writing: Writer) -> None:
    room.courier = writing.courier
    await settle_down(room)
    await writing.stage.tidy()
