"""What the tests of forgetting share: a store with a dispatcher on it, and tasks that said something."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.records import digest_record
from dispatch.faults import Fault, FaultKind
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import NewTask, Outcome, Source, Task, Verdict
from dispatch.terms import Terms
from dispatch.transcript import Entry, Kind
from dispatch.usage import Price, Unpriced, Usage
from dispatch.worker import LEASE
from tests.fakes.clock import FakeClock
from tests.integration.front_desk import front_desk

KEEP = timedelta(days=90)
SECRET = b"swordfish"
SAID = SECRET.decode()
OUTCOMES = {
    State.DONE: Outcome(Verdict.ANSWERED, f"the answer is {SAID}", "claude-opus-5-5"),
    State.FAILED: Outcome(
        Verdict.FAILED, f"so far {SAID}", fault=Fault(FaultKind.INVALID_REQUEST, f"no {SAID} please")
    ),
    State.CANCELLED: Outcome(Verdict.CANCELLED, f"so far {SAID}"),
}


class Place:
    """A store with a dispatcher on it, and a clock."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        terms = Terms(DEFAULT_TABLE, ZoneInfo("UTC"), "COPS00001", self.clock.now().time())
        self.desk = front_desk(store, self.clock, terms)

    async def add(self, key: str, priority: int = 3, **more: Any) -> Task:
        new = NewTask(key, Source.SLASH, "UANA00001", f"find {SAID}", priority, channel="COPS00001")
        decided = route(priority, None, None, DEFAULT_TABLE)
        changed = NewTask(**{name: getattr(new, name) for name in new.__slots__} | more)
        return (await self.store.queue.enqueue(changed, decided, self.clock.now()))[0]

    async def run(self, task: Task, state: State) -> Task:
        """Runs the task to that end, for money and with progress on the way."""
        now = self.clock.now()
        claim = await self.store.queue.claim(task.route.tier, Seating(9), now + LEASE, now)
        assert claim
        assert claim.task.id == task.id
        await self.store.queue.progress(claim, f"reading {SAID}", now)
        entry = Entry(now, f"tool {SAID}", Kind.RESULT, f"found {SAID}")
        await self.store.transcripts.append(task.id, claim.attempt, 1, [entry] * 3)
        for price in (Price(1000 + task.id, "v1"), Unpriced("no such model")):
            line = await self.store.ledger.open(claim, "m", now)
            await self.store.ledger.book(
                line,
                model="m",
                request_id=f"r{task.id}",
                usage=Usage(10, 20),
                price=price,
                estimated=False,
                now=now,
            )
        return await self.store.queue.settle(claim, OUTCOMES[state], Settlement(state), now)

    async def ended(self, key: str, state: State = State.DONE, **more: Any) -> Task:
        task = await self.run(await self.add(key, **more), state)
        await self.deliver()
        return task

    async def deliver(self) -> None:
        """Sends what is due."""
        while due := await self.store.outbox.due(self.clock.now(), 99):
            for delivery in due:
                await self.store.outbox.sending(delivery.id)
                await self.store.outbox.sent(delivery.id, delivery.revision, "m1", self.clock.now())

    async def forget(self) -> int:
        return await self.store.retention.forget(KEEP, self.clock.now())

    async def task(self, task: Task) -> Task:
        return await self.store.queue.task(task.id)

    async def books(self, day: date) -> list[object]:
        """All sums of a day and of all days, without the words."""
        digest = digest_record(await self.desk.books.digest(day, day))
        for dear in digest["dearest"]:  # type: ignore[attr-defined]
            del dear["words"], dear["forgotten"]
        return [
            digest,
            await self.desk.books.cost(day, day),
            await self.desk.books.cost(date(2020, 1, 1), day),
        ]
