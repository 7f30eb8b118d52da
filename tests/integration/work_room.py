"""A worker on a real database, whose sessions end when the test says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from dispatch.errors import Unreachable
from dispatch.ports import Access, Session
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Task, Verdict
from dispatch.terms import Terms
from dispatch.worker import Worker
from tests.fakes.clock import FakeClock

ANSWER = Outcome(Verdict.ANSWERED, "42", "claude-opus-5-5")


class FakeGateway:
    """`ports.Gateway` that lets everybody in and notes who is inside."""

    def __init__(self) -> None:
        self.inside: set[int] = set()

    @asynccontextmanager
    async def admit(self, claim: Claim) -> AsyncIterator[Access]:
        self.inside.add(claim.task.id)
        try:
            yield Access("http://127.0.0.1:1", f"key-{claim.task.id}", ())
        finally:
            self.inside.discard(claim.task.id)


class FakeSeats:
    """`ports.Seats` whose sessions end when the test says so."""

    def __init__(self) -> None:
        self.started: list[Session] = []
        self._ends: dict[int, asyncio.Future[Outcome]] = {}
        self._changed = asyncio.Condition()

    async def run(self, session: Session) -> Outcome:
        self._ends[session.task_id] = asyncio.get_running_loop().create_future()
        async with self._changed:
            self.started.append(session)
            self._changed.notify_all()
        return await self._ends[session.task_id]

    def end(self, task_id: int, outcome: Outcome = ANSWER) -> None:
        self._ends[task_id].set_result(outcome)

    async def wait_started(self, count: int) -> None:
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.started) >= count)


class FakeQuotes:
    """`ports.Quotes` that knows one thread."""

    def __init__(self) -> None:
        self.broken = False

    async def of(self, task: Task) -> str:
        if self.broken:
            raise Unreachable("Slack does not answer")
        return "> ana: it stalls" if task.quote_thread else ""


class FakeNotifier:
    """`ports.Notifier` that counts."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


@dataclass
class Place:
    """The worker and all that it reaches."""

    store: Store
    clock: FakeClock = field(default_factory=FakeClock)
    gateway: FakeGateway = field(default_factory=FakeGateway)
    seats: FakeSeats = field(default_factory=FakeSeats)
    quotes: FakeQuotes = field(default_factory=FakeQuotes)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)

    def __post_init__(self) -> None:
        self.worker = Worker(
            self.store.queue,
            self.store.gates,
            self.gateway,
            self.seats,
            self.quotes,
            self.notifier,
            self.clock,
            Terms(DEFAULT_TABLE, ZoneInfo("UTC")),
            lambda: 0.5,
        )

    async def add(self, priority: int = 3, **more: object) -> int:
        count = sum((await self.store.queue.counts()).values())
        new = NewTask(
            request_key=f"{priority}:{count}:{self.clock.now()}",
            source=Source.SLASH,
            requester="UANA00001",
            words="investigate stall",
            priority=priority,
            channel="COPS00001",
            **more,  # type: ignore[arg-type]
        )
        decided = route(priority, None, None, DEFAULT_TABLE)
        task, _ = await self.store.queue.enqueue(new, decided, self.clock.now())
        self.worker.wake()
        return task.id

    async def state(self, task_id: int) -> State:
        return (await self.store.queue.task(task_id)).state

    async def until(self, task_id: int, state: State) -> None:
        async with asyncio.timeout(5):
            while await self.state(task_id) is not state:
                await self.store.queue.counts()

    async def idle(self) -> None:
        async with asyncio.timeout(5):
            while self.worker.running:
                await asyncio.wait(self.worker._paths)
