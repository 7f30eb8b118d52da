"""The whole queue on a moved clock: its real parts on a real file, with seats that follow a script."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Self

from dispatch.asking import Asking
from dispatch.books import Books
from dispatch.dispatcher import Dispatcher
from dispatch.errors import NotAdmitted
from dispatch.store import Store
from dispatch.store.rows import bound, moment
from dispatch.task import NewTask, Source, Task
from dispatch.terms import Terms
from dispatch.worker import Worker
from tests.benchmarks.scripted import MovedClock, ScriptedSeats, priced
from tests.benchmarks.workload import Arrival

_SECOND = timedelta(seconds=1)
_BUDGETS = timedelta(seconds=5)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TENDED = """
SELECT min(due) FROM (
    SELECT min(run_at) AS due FROM task WHERE state = 'held' AND run_at IS NOT NULL
    UNION ALL SELECT min(ages_at) FROM task WHERE state = 'queued' AND ages_at IS NOT NULL
    UNION ALL SELECT min(expires_at) FROM task
    WHERE finished_at IS NULL AND expires_at IS NOT NULL AND +state != 'running'
)
"""
_OPENING = "SELECT min(opens_at) FROM gate WHERE state = 'closed' AND opens_at > :now"
_OPEN = "SELECT count(*) FROM task WHERE finished_at IS NULL"


class Nobody:
    """`ports.Notifier` and `ports.Quotes` where nobody listens and nothing is quoted."""

    def wake(self) -> None:
        """Nothing to do."""

    async def of(self, task: Task) -> str:
        """No thread."""
        return ""


@dataclass
class Simulation:
    """Worker, front door and books on one file. Nothing waits: the clock goes to whatever comes next.

    Every tick that would find nothing is left out, which changes nothing, since ticks only look at rows.
    """

    store: Store
    clock: MovedClock
    seats: ScriptedSeats
    worker: Worker
    dispatcher: Dispatcher
    books: Books
    raw: sqlite3.Connection
    terms: Terms
    numbers: dict[str, int] = field(default_factory=dict)
    refused: list[Arrival] = field(default_factory=list)
    _tended: datetime = _EPOCH
    _told_of: int = 0

    @classmethod
    @asynccontextmanager
    async def at(
        cls,
        path: Path,
        terms: Terms,
        begins: datetime,
        seed: int,
        works: Callable[[datetime], bool] = lambda _: True,
    ) -> AsyncIterator[Self]:
        """All of it at work on a new file. `works` says when the API takes the account's key."""
        store, clock, nobody = await Store.open(path), MovedClock(begins), Nobody()
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as raw:
            seats = ScriptedSeats(store.ledger, clock, raw, works, terms.seats_per_requester)
            chance = Random(seed).random
            worker = Worker(store.queue, store.gates, seats, seats, nobody, nobody, clock, terms, chance)
            asking = Asking(store.questions, store.queue, nobody, clock, terms)
            dispatcher = Dispatcher(store.queue, store.gates, worker, asking, nobody, clock, priced, terms)
            books = Books(
                store.queue, store.ledger, store.outbox, store.digests, nobody, clock, priced, terms
            )
            await books.open()
            await dispatcher.start()
            working = asyncio.create_task(worker.run())
            try:
                yield cls(store, clock, seats, worker, dispatcher, books, raw, terms)
            finally:
                await worker.drain(timedelta(0))
                await working
                await store.close()

    async def play(self, coming: Sequence[Arrival]) -> None:
        """Lets everything come in at its time, and ends when every task has ended."""
        left = list(reversed(coming))
        while True:
            await self._still()
            if not left and not self.raw.execute(_OPEN).fetchone()[0]:
                return
            arrives = left[-1].at if left else None
            tends, warns = self._next_tend(), self._next_warning()
            nearest = min(filter(None, (arrives, tends, warns, self.clock.wakes)))
            self.clock.move_to(nearest)
            if nearest == arrives:
                await self._submit(left.pop())
            if nearest == tends:
                await self._tend()
            if nearest == warns:
                self._told_of = self.seats.booked
                await self.books.warn()

    async def _submit(self, one: Arrival) -> None:
        new = NewTask(
            request_key=one.key,
            source=Source.SLASH,
            requester=one.requester,
            words="investigate stall",
            priority=one.priority,
            model=one.model,
            channel=one.channel,
            expires_at=one.expires_at,
        )
        try:
            task, _ = await self.dispatcher.submit(new)
        except NotAdmitted:
            self.refused.append(one)
        else:
            self.numbers[one.key] = task.id
            self.seats.scripts[task.id] = one

    def _next_tend(self) -> datetime | None:
        (due,) = self.raw.execute(_TENDED).fetchone()
        (opens,) = self.raw.execute(_OPENING, {"now": bound(self._tended)}).fetchone()
        found = [_rounded_up(moment(at), _SECOND) for at in (due, opens) if at is not None]
        return max(min(found), self._tended + _SECOND) if found else None

    def _next_warning(self) -> datetime | None:
        return _rounded_up(self.clock.now(), _BUDGETS) if self.seats.booked > self._told_of else None

    async def _tend(self) -> None:
        self._tended = self.clock.now()
        await self.dispatcher.tend()
        await self.dispatcher.sweep()
        self.worker.wake()

    async def _still(self) -> None:
        """Returns once nobody moves any more: each session and its lease sleep, the worker waits."""
        awake = self.worker._awake
        while awake.is_set() or not awake._waiters or self.clock.sleeping != 2 * self.worker.running:
            writing = self.store.database._under_way
            if writing:
                await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
            else:
                await self.store.queue.counts()


def _rounded_up(at: datetime, to: timedelta) -> datetime:
    return _EPOCH + -((_EPOCH - at) // to) * to
