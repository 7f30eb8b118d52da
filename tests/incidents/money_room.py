"""The path of a task on real money: store, worker, gateway and SDK against the simulated API over HTTP."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.rehearsal.claude import ClaudeSim, Served
from dispatch.asking import Asking
from dispatch.booking import Booking
from dispatch.budget import Budgets, Standing
from dispatch.clock import SystemClock
from dispatch.dispatcher import Dispatcher
from dispatch.gateway import MeteringGateway, Upstream
from dispatch.pricing import PriceList
from dispatch.routing import DEFAULT_TABLE
from dispatch.runners.messages import MessagesRunner
from dispatch.seats.local import LocalSeats
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import HoldKind, NewTask, Source, Task
from dispatch.terms import Terms
from dispatch.usage import Price, Usage
from dispatch.worker import Worker
from tests.fakes.clock import FakeClock
from tests.integration.gateway_room import usage_of

SEATS = 50
PACE_SECONDS = 0.001
"""Between two pieces of an answer, so that one which is cut is cut on its way."""

_ROUND = timedelta(seconds=30)
_LOOK_SECONDS = 0.01
_HELD_SECONDS = 20.0
_MOST = 1000


class Quiet:
    """`ports.Notifier` and `Quotes` of a place where nobody listens."""

    def wake(self) -> None:
        """Nobody is told."""

    async def of(self, task: Task) -> str:
        return ""


@dataclass
class MoneyRoom:
    """Everything between a task and the API, on a day that does not end. Waiting takes no time."""

    claude: ClaudeSim
    store: Store
    worker: Worker
    dispatcher: Dispatcher
    clock: FakeClock
    prices: PriceList
    terms: Terms

    async def add(
        self, priority: int, words: str, cap: int, channel: str = "C1", requester: str = "U1"
    ) -> Task:
        """A task with that cap in micro-dollars."""
        number = sum((await self.store.queue.counts()).values()) + len(await self._ended())
        new = NewTask(
            request_key=f"key:{number}",
            source=Source.SLASH,
            requester=requester,
            words=words,
            priority=priority,
            cap_micro_usd=cap,
            channel=channel,
        )
        task, created = await self.dispatcher.submit(new)
        assert created
        return task

    async def tasks(self) -> list[Task]:
        """Every task, by number."""
        found = [*await self.store.queue.open_tasks(_MOST), *await self._ended()]
        return sorted(found, key=lambda task: task.id)

    async def _ended(self) -> list[Task]:
        day = timedelta(days=1)
        return list(await self.store.queue.ended_tasks(self.clock.now() - day, self.clock.now() + day))

    async def rows(self) -> list[Booking]:
        """Every booked row of the ledger."""
        day = timedelta(days=1)
        return list(await self.store.ledger.bookings(self.clock.now() - day, self.clock.now() + day))

    async def standing(self) -> Standing:
        """What the day has cost and what running tasks may still spend."""
        purse = self.terms.purse(self.clock.now())
        return await self.store.ledger.standing(purse.since, purse.resets_at)

    async def settled(self) -> Counter[State]:
        """Lets everything run that can, whatever it waits for but money. How many tasks are in each state."""
        while True:
            await self._look()
            if self.worker.running:
                continue
            self.clock.advance(_ROUND)
            await self.dispatcher.tend()
            await self.dispatcher.resume("cli:ana")
            open_tasks = await self.store.queue.open_tasks(_MOST)
            if all(task.hold is HoldKind.BUDGET for task in open_tasks) and not await self._released():
                return Counter(task.state for task in await self.tasks())

    async def _released(self) -> int:
        now = self.clock.now()
        seats = {tier: rule.seats for tier, rule in self.terms.table.items()}
        return await self.store.queue.release(self.terms.purse(now), seats, now)

    async def all_held(self) -> None:
        """Returns once every session that may run is in the middle of an answer that the API holds."""
        while (await self.store.queue.counts()).get(State.QUEUED):
            await self._look()
        await self.claude.wait_for_held(self.worker.running, _HELD_SECONDS)

    async def _look(self) -> None:
        self.worker.wake()
        await SystemClock().sleep(_LOOK_SECONDS)

    def price_of(self, served: Served) -> int:
        """What the API asks for a request that it served."""
        price = self.prices(served.model, usage_of(served))
        assert isinstance(price, Price)
        return price.micro_usd

    def price_of_row(self, row: Booking) -> int:
        """What a row of the ledger says that a request cost."""
        assert isinstance(row.price, Price), "nothing here is unpriced"
        return row.price.micro_usd


@asynccontextmanager
async def money_room(folder: Path, budgets: Budgets) -> AsyncIterator[MoneyRoom]:
    """A room whose day may cost so much, its worker at work."""
    clock, quiet = FakeClock(), Quiet()
    table = {tier: replace(rule, seats=SEATS) for tier, rule in DEFAULT_TABLE.items()}
    terms = Terms(table, ZoneInfo("UTC"), budgets=budgets, kept_seats=0, seats_per_requester=SEATS)
    prices = PriceList(clock.now)
    async with AsyncExitStack() as closing:
        claude = ClaudeSim(now=SystemClock().now, pace=PACE_SECONDS)
        await claude.start()
        closing.push_async_callback(claude.close)
        store = await Store.open(folder / "onequeue.db")
        closing.push_async_callback(store.close)
        asking = Asking(store.questions, store.queue, quiet, clock, terms)
        gateway = MeteringGateway(
            Upstream(claude.url, claude.key),
            store.queue,
            store.ledger,
            prices,
            {},
            lambda *asked: dispatcher.follow_up(*asked),
            asking.ask,
            clock,
        )
        await gateway.start()
        closing.push_async_callback(gateway.close)
        seats = LocalSeats(MessagesRunner())
        worker = Worker(store.queue, store.gates, gateway, seats, quiet, quiet, clock, terms, lambda: 0.5)
        dispatcher = Dispatcher(store.queue, store.gates, worker, asking, quiet, clock, prices, terms)
        working = asyncio.create_task(worker.run())
        closing.push_async_callback(asyncio.wait, {working})
        closing.push_async_callback(worker.drain, timedelta(0))
        yield MoneyRoom(claude, store, worker, dispatcher, clock, prices, terms)


def tokens(usage: Usage) -> tuple[int, ...]:
    """The tokens of a request, in and out."""
    return (
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
    )
