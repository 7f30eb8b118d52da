"""The ways in which people ask for something, each with what must come of it."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any

from bot.rehearsal.claude import Failure
from bot.rehearsal.slack import Envelope
from tests.incidents.world import World

WAIT_SECONDS = 30.0
_NUMBERS = count(1)
"""What tells two requests apart that are made again and again: the same words would be asked twice."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person was told: that the task was taken, and that its cancellation was. `thread` is the one the
    answer belongs in, None where the card starts it."""

    acknowledged: bool
    cancelled: bool = False
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A way to ask. It makes `tasks` of them; a `moved` one is answered in direct messages, with a notice."""

    name: str
    act: Callable[[World], Coroutine[Any, Any, Asked]]
    tasks: int = 1
    moved: bool = False
    may_be_cancelled: bool = False


async def _slash(world: World) -> Asked:
    return await _command(world, "p9 investigate stall")


async def _chain(world: World) -> Asked:
    return await _command(world, "p9 ask to follow up")


async def _long(world: World) -> Asked:
    return await _command(world, "p9 write a long report")


async def _uninvited(world: World) -> Asked:
    return await _command(world, "p9 say hello", "#random")


async def _limited(world: World) -> Asked:
    world.claude.fail(Failure.RATE_LIMIT, retry_after=1)
    return await _command(world, "p9 wait at the gate")


async def _mention(world: World) -> Asked:
    root = await world.slack.say("sam", "#payments", "the retry table looks wrong")
    message = await world.slack.say("ana", "#payments", "@Onequeue p9 review the retry table", thread_ts=root)

    def about(envelope: Envelope) -> bool:
        return bool(envelope.payload.get("event", {}).get("ts") == message)

    await world.slack.wait_for(
        lambda state: all(one.state != "sent" for one in state.envelopes if about(one)), WAIT_SECONDS
    )
    states = [one.state for one in world.slack.state.envelopes if about(one)]
    return Asked("acked" in states, thread=root)


async def _cancel(world: World) -> Asked:
    world.claude.hold()
    try:
        seen = await world.slack.slash("ana", "#ops", f"p9 investigate stall {next(_NUMBERS)}")
        number = re.search(r"#(\d+)", seen)
        if number is None:
            return Asked(acknowledged=False)
        await _first(world.claude.wait_for_held(1, WAIT_SECONDS), world.lives.until(lambda: world.lives.dead))
        told = await world.slack.slash("ana", "#ops", f"cancel {number[1]}")
        return Asked(acknowledged=True, cancelled="Stopping #" in told or "is cancelled" in told)
    finally:
        world.claude.release()


async def _command(world: World, words: str, channel: str = "#ops") -> Asked:
    seen = await world.slack.slash("ana", channel, f"{words} {next(_NUMBERS)}")
    return Asked("Queued as #" in seen)


async def _first(*waits: Coroutine[Any, Any, None]) -> None:
    waiting = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for wait in waiting:
        wait.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


SLASH = Ask("slash", _slash)
ASKS = (
    SLASH,
    Ask("mention in a thread", _mention),
    Ask("follow-ups", _chain, tasks=3),
    Ask("cancel", _cancel, may_be_cancelled=True),
    Ask("rate limited", _limited),
    Ask("long answer", _long),
    Ask("channel without the bot", _uninvited, moved=True),
)
