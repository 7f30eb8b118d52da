"""What the tests of the watch share: a room with a watch over it, and ways to disturb what it watches."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.crier import Crier, LogAlone
from bot.readings import Instruments
from bot.rehearsal.slack.state import Message as Posted
from bot.voice import Voice
from bot.watch import Watch
from dispatch.alarms import Disk
from dispatch.faults import FaultKind
from dispatch.gates import ACCOUNT, Gate, GateState
from dispatch.ports import Clock
from dispatch.routing import DEFAULT_TABLE
from dispatch.store.gates import put
from dispatch.terms import Terms
from dispatch.watch import MEGABYTE, Bounds
from tests.integration.post_room import OPS, SECRETS, Room, post_room

HOUR = timedelta(hours=1)
LOOK = timedelta(seconds=15)
MINUTE = timedelta(minutes=1)
ROOMY, FULL = Disk(50_000 * MEGABYTE, 100_000 * MEGABYTE), Disk(10 * MEGABYTE, 100_000 * MEGABYTE)
LINES = 2
POST = "chat.postMessage"
_FAIL = "SELECT raise(ABORT, 'the disk failed')"


class WatchRoom:
    """A room and its watch. `connected` and `disk` are what the watch finds."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.connected = LINES
        self.disk = ROOMY
        self.watch = self.another()

    async def look(self, after: timedelta = timedelta(0)) -> None:
        """Lets so much time pass, looking as often as the watch does, and at least once."""
        for _ in range(max(1, after // LOOK)):
            if after:
                self.room.clock.advance(LOOK)
            await self.watch.look(self.connected)

    async def gate(self, name: str, kind: FaultKind | None, detail: str = "") -> None:
        """Closes a gate, or opens it where there is no fault."""
        now = self.room.clock.now()
        gate = Gate(name, GateState.CLOSED, kind, detail, closed_at=now) if kind else Gate(name)
        await self.room.store.database.write(lambda transaction: put(transaction, [gate], now))

    def restart(self, channel: str = OPS, clock: Clock | None = None) -> None:
        """The next process over the same database."""
        self.watch = self.another(channel, clock)

    def another(self, channel: str = OPS, clock: Clock | None = None) -> Watch:
        room, time = self.room, clock or self.room.clock
        return Watch(
            Instruments(
                room.store.queue, room.store.gates, room.store.alarms, lambda: self.disk, time, SECRETS
            ),
            room.store.alarms,
            Crier(room.chat, room.store.queue, time, channel) if channel else LogAlone(time),
            Voice(room.chat, time),
            time,
            Bounds(Terms(DEFAULT_TABLE, ZoneInfo("UTC")), timedelta(seconds=60), LINES),
        )

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """A database that takes no alarm and no probe."""
        with _raw(self.room) as raw:
            raw.execute(f"CREATE TRIGGER broken BEFORE INSERT ON alarm BEGIN {_FAIL}; END")
        try:
            yield
        finally:
            with _raw(self.room) as raw:
                raw.execute("DROP TRIGGER broken")

    def alarms(self) -> list[Posted]:
        """The messages that open a thread in the operators' channel."""
        return [message for message in self.room.posts() if not message.is_reply]

    def replies(self) -> list[str]:
        """What their threads say."""
        return [message.text for message in self.room.posts() if message.is_reply]


@contextmanager
def _raw(room: Room) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(room.store.database.path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@asynccontextmanager
async def watch_room(folder: Path) -> AsyncIterator[WatchRoom]:
    async with post_room(folder) as room:
        yield WatchRoom(room)


@pytest.fixture
async def over(tmp_path: Path) -> AsyncIterator[WatchRoom]:
    async with watch_room(tmp_path) as made:
        yield made


async def key_refused(over: WatchRoom) -> None:
    await over.gate(ACCOUNT, FaultKind.AUTHENTICATION, "invalid x-api-key")


async def stalled(over: WatchRoom) -> None:
    await over.room.ask()
    await over.look(4 * MINUTE)


async def opened(over: WatchRoom) -> None:
    for name in (ACCOUNT, "opus"):
        await over.gate(name, None)


async def deaf(over: WatchRoom) -> None:
    over.connected = 0
    await over.look(2 * MINUTE)
