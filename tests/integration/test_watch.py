"""The watch over a real store and a simulated Slack: told once, repeated, recovered, never silent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.views.alert import ACKNOWLEDGE
from bot.watch import LOOK as SECONDS
from dispatch.budget import Budgets
from dispatch.faults import FaultKind
from dispatch.gates import ACCOUNT
from dispatch.policy import Seating
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import Tier
from dispatch.terms import Terms
from dispatch.usage import Usage
from tests.fakes.clock import FakeClock
from tests.integration.post_room import ANA, SECRETS
from tests.integration.watch_room import (
    FULL,
    HOUR,
    LOOK,
    MINUTE,
    ROOMY,
    WatchRoom,
    deaf,
    key_refused,
    opened,
    over,
    stalled,
)

__all__ = ["over"]


async def started(over: WatchRoom) -> None:
    now = over.room.clock.now()
    assert await over.room.store.queue.claim(Tier.OPUS, Seating(9), now + HOUR, now)


async def session_overdue(over: WatchRoom) -> None:
    await over.room.claim(await over.room.ask())
    over.room.clock.advance(32 * MINUTE)


async def reads_in_circles(over: WatchRoom) -> None:
    claim = await over.room.claim(await over.room.ask())
    booking = await over.room.store.ledger.open(claim, "claude-opus-5-5", over.room.clock.now())
    await over.room.store.ledger.note(booking, "claude-opus-5-5", "r1", Usage(input_tokens=2_000_001))


async def session_ended(over: WatchRoom) -> None:
    await over.room.store.queue.sweep(over.room.clock.now() + 2 * HOUR)


async def rate_limited(over: WatchRoom) -> None:
    await over.gate("opus", FaultKind.RATE_LIMITED)
    await over.look(6 * MINUTE)


async def one_line(over: WatchRoom) -> None:
    over.connected = 1
    await over.look(11 * MINUTE)


async def heard(over: WatchRoom) -> None:
    over.connected = 2


async def disk_low(over: WatchRoom) -> None:
    over.disk = FULL


async def room_made(over: WatchRoom) -> None:
    over.disk = ROOMY


Step = Callable[[WatchRoom], Awaitable[None]]
KINDS: dict[str, tuple[Step, Step]] = {
    "stalled:opus": (stalled, started),
    "overdue:1:1": (session_overdue, session_ended),
    "tokens:1:1": (reads_in_circles, session_ended),
    "gate:account": (key_refused, opened),
    "gate:opus": (rate_limited, opened),
    "deaf": (deaf, heard),
    "line": (one_line, heard),
    "disk": (disk_low, room_made),
}


@pytest.mark.parametrize("key", KINDS)
async def test_each_kind_is_told_once_repeated_and_recovered(over: WatchRoom, key: str) -> None:
    break_it, mend_it = KINDS[key]
    await over.look()
    assert over.room.posts() == []
    await break_it(over)
    await over.look()
    await over.look()
    (alarm,) = over.alarms()
    assert alarm.blocks[-1]["elements"][0]["action_id"] == ACKNOWLEDGE
    assert alarm.blocks[-1]["elements"][0]["value"] == key
    assert over.replies() == []
    await over.look(31 * MINUTE)
    assert [text[:9] for text in over.replies()] == ["Still so "] * 2
    await mend_it(over)
    await over.look()
    await over.look(20 * MINUTE)
    assert len(over.replies()) == 3
    assert " after " in over.replies()[-1]
    assert [message.thread_ts for message in over.room.posts()[1:]] == [alarm.ts] * 3
    assert alarm.blocks[0]["text"]["text"].startswith(":white_check_mark:")
    assert over.alarms() == [alarm]
    assert await over.room.store.alarms.all() == []
    assert over.room.slack.pings == []


async def test_a_recovery_tells_duration_delayed_and_expired(over: WatchRoom) -> None:
    begun = over.room.clock.now()
    for number in range(4):
        await over.room.ask(channel="", expires_at=begun + 10 * MINUTE if number == 3 else None)
    await key_refused(over)
    await over.look()
    over.room.clock.advance(20 * MINUTE)
    assert await over.room.store.queue.expire(over.room.clock.now()) == 1
    over.room.clock.advance(8 * MINUTE)
    await opened(over)
    await over.look()
    assert over.replies()[-1].startswith("Recovered at <!date^")
    assert over.replies()[-1].endswith(" after 28 min. 4 tasks delayed, 1 expired.")


async def test_an_alarm_that_comes_again_is_told_anew(over: WatchRoom) -> None:
    for _ in range(2):
        await key_refused(over)
        await over.look(LOOK)
        await opened(over)
        await over.look(LOOK)
    assert len(over.alarms()) == 2
    assert len(over.replies()) == 2


async def test_the_refused_key_is_named_with_what_to_do(over: WatchRoom) -> None:
    await over.room.ask()
    await over.gate(ACCOUNT, FaultKind.AUTHENTICATION, f"no such key {SECRETS[0]}")
    await over.look()
    (alarm,) = over.alarms()
    assert "ANTHROPIC_API_KEY" in alarm.text
    assert "/task resume" in alarm.text
    assert "while 1 task waits" in alarm.text
    assert SECRETS[0] not in str(alarm.blocks)


async def test_acknowledging_ends_the_repeats_and_shows_who(over: WatchRoom) -> None:
    await key_refused(over)
    await over.look()
    (alarm,) = over.alarms()
    assert (await over.watch.acknowledge("gate:account", ANA)).startswith("Acknowledged.")
    assert "Acknowledged by ana" in str(alarm.blocks)
    assert ACKNOWLEDGE not in str(alarm.blocks)
    assert await over.watch.acknowledge("gate:account", "USAM00001") == "ana has acknowledged this already."
    await over.look(HOUR)
    assert over.replies() == []
    await opened(over)
    await over.look()
    assert len(over.replies()) == 1
    assert "is over" in await over.watch.acknowledge("gate:account", ANA)
    assert "is over" in await over.watch.acknowledge("no such alarm", ANA)
    assert over.room.slack.pings == []


async def test_tasks_held_by_a_budget_are_no_stall(over: WatchRoom) -> None:
    for _ in range(2):
        await over.room.ask(priority=5)
    store, now = over.room.store, over.room.clock.now()
    spent = Terms(DEFAULT_TABLE, ZoneInfo("UTC"), budgets=Budgets(everybody=1)).purse(now)
    assert await store.queue.claim(Tier.SONNET, Seating(9), now + HOUR, now, spent) is None
    assert await store.queue.counts() == {State.HELD: 2}
    await over.look(HOUR)
    assert over.room.posts() == []


async def test_without_a_channel_the_log_says_it(over: WatchRoom, caplog: pytest.LogCaptureFixture) -> None:
    over.restart(channel="")
    await key_refused(over)
    with caplog.at_level(logging.WARNING):
        await over.look()
        await over.look(31 * MINUTE)
        await opened(over)
        await over.look()
    assert over.room.posts() == []
    said = [record for record in caplog.records if "gate:account" in record.getMessage()]
    assert [record.levelname for record in said] == ["ERROR", "ERROR", "ERROR", "WARNING"]
    assert "ANTHROPIC_API_KEY" in said[0].getMessage()
    assert await over.room.store.alarms.all() == []


async def test_it_looks_every_fifteen_seconds_whatever_breaks(
    over: WatchRoom, caplog: pytest.LogCaptureFixture
) -> None:
    clock, asked = FakeClock(over.room.clock.now()), 0
    over.restart(clock=clock)

    async def connected() -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ZeroDivisionError
        return 2

    watching = asyncio.create_task(over.watch.run(connected))
    try:
        for looks in (1, 2, 3):
            async with asyncio.timeout(10):
                while asked < looks or clock.sleeping == 0:
                    await over.room.chat.identity()
            clock.advance(timedelta(seconds=SECONDS))
    finally:
        watching.cancel()
    assert "the watch could not look" in caplog.text
    assert over.watch.sound
