"""Everything that writes, at once, on a store in a process of its own; says what was acknowledged.

Run: python -m tests.incidents.load DATABASE SEED. It ends when it is killed.
"""

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dispatch.errors import LeaseLost
from dispatch.faults import Fault, FaultKind
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Tier, Verdict
from dispatch.usage import Price, Unpriced, Usage
from tests.fakes.turns import turn

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFTEN = 40
"""Pages after which the log is written back: far fewer than usual, so that it happens all the time."""

ENDS = {
    State.DONE: Outcome(Verdict.ANSWERED, "the answer " * 50, "m"),
    State.FAILED: Outcome(Verdict.FAILED, "so far", fault=Fault(FaultKind.REFUSAL, "no")),
    State.HELD: Outcome(Verdict.FAILED, fault=Fault(FaultKind.NETWORK, "cut")),
    State.CANCELLED: Outcome(Verdict.CANCELLED),
}


def say(*words: object) -> None:
    """Tells the test what is stored now."""
    print(*words, flush=True)  # noqa: T201


class Load:
    """Coroutines that never end."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.chance = random.Random(seed)

    async def enqueue(self) -> None:
        number = 0
        while True:
            if (await self.store.queue.counts()).get(State.QUEUED, 0) > 100:
                await turn()
                continue
            number += 1
            priority = self.chance.randint(1, 10)
            new = NewTask(f"k{number}", Source.SLASH, "U1", "words " * 30, priority, channel="C1")
            task, _ = await self.store.queue.enqueue(new, route(priority, None, None, DEFAULT_TABLE), NOW)
            say("added", task.id)
            if self.chance.random() < 0.05:
                await self.store.queue.cancel(task.id, "U1", NOW)

    async def work(self, tier: Tier) -> None:
        while True:
            lease = HOUR if self.chance.random() < 0.8 else -HOUR
            claim = await self.store.queue.claim(tier, Seating(3), NOW + lease, NOW)
            if claim is None:
                await turn()
                continue
            say("claimed", claim.task.id, claim.attempt)
            try:
                await self.attempt(claim)
            except LeaseLost:
                say("lost", claim.task.id, claim.attempt)

    async def attempt(self, claim: Claim) -> None:
        for _ in range(self.chance.randint(0, 2)):
            await self.request(claim)
        await self.store.queue.progress(claim, "reading", NOW)
        state = self.chance.choice([State.DONE, State.DONE, *ENDS])
        run_at = NOW if state is State.HELD else None
        settled = await self.store.queue.settle(claim, ENDS[state], Settlement(state, run_at), NOW)
        say("settled", claim.task.id, claim.attempt, ENDS[state].verdict, settled.state)

    async def request(self, claim: Claim) -> None:
        line = await self.store.ledger.open(claim, "m", NOW)
        say("opened", line)
        known = self.chance.random() < 0.8
        price = Price(self.chance.randint(1, 1000), "v1") if known else Unpriced("unknown")
        await self.store.ledger.book(
            line, model="m", request_id="r", usage=Usage(1, 2), price=price, estimated=False, now=NOW
        )
        say("booked", line, price.micro_usd if isinstance(price, Price) else "unpriced")

    async def deliver(self) -> None:
        while True:
            await turn()
            for delivery in await self.store.outbox.due(NOW, 20):
                await self.store.outbox.sending(delivery.id)
                await self.store.outbox.sent(delivery.id, delivery.revision, f"m{delivery.id}", NOW)
                say("sent", delivery.id, delivery.revision)

    async def tick(self) -> None:
        while True:
            await self.store.queue.sweep(NOW)
            await self.store.queue.promote(NOW)
            if self.chance.random() < 0.02:
                await self.store.database.tidy()
            await turn()


async def main(path: Path, seed: int) -> None:
    """All of it at once."""
    store = await Store.open(path)
    writer = store.database._writer
    assert writer is not None
    await writer.execute_fetchall(f"PRAGMA wal_autocheckpoint = {OFTEN}")
    load = Load(store, seed)
    workers = [load.work(tier) for tier in Tier for _ in range(2)]
    await asyncio.gather(load.enqueue(), *workers, load.deliver(), load.tick())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
