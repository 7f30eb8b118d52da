"""Every adapter the store's contracts are held against, and words to set a scene with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dispatch.delivery import Delivery
from dispatch.faults import Fault, FaultKind
from dispatch.policy import Seating, Settlement
from dispatch.ports import Alarms, Digests, Gates, Ledger, Outbox, Previews, Questions, Queue, Transcripts
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Task, Tier, Verdict
from dispatch.usage import Price, Usage

NOW = datetime(2026, 11, 22, 9, 0, 0, 123_457, tzinfo=UTC)
LEASE = timedelta(minutes=2)
SECOND = timedelta(seconds=1)


@dataclass
class Parts:
    """An open store, seen through the ports only."""

    queue: Queue
    ledger: Ledger
    outbox: Outbox
    digests: Digests
    gates: Gates
    alarms: Alarms
    questions: Questions
    transcripts: Transcripts
    previews: Previews
    close: Callable[[], Awaitable[None]]
    again: Callable[[], Awaitable["Parts"]]

    async def reopened(self) -> "Parts":
        """The same store as a new process finds it."""
        await self.close()
        return await self.again()

    async def add(
        self,
        key: str = "k1",
        priority: int = 3,
        *,
        channel: str = "C1",
        requester: str = "U1",
        now: datetime = NOW,
        **more: object,
    ) -> Task:
        """A queued task."""
        new = NewTask(key, Source.SLASH, requester, f"work of {key}", priority, channel=channel, **more)  # type: ignore[arg-type]
        task, _ = await self.queue.enqueue(new, route(priority, None, None, DEFAULT_TABLE), now)
        return task

    async def claim(self, tier: Tier = Tier.OPUS, seats: int = 9, now: datetime = NOW) -> Claim:
        """A claim that must be possible."""
        claim = await self.queue.claim(tier, Seating(seats), now + LEASE, now)
        assert claim is not None
        return claim

    async def settle(self, claim: Claim, state: State, now: datetime = NOW, text: str = "") -> Task:
        """Ends the claim in that state."""
        outcome = ENDS.get(state, Outcome(Verdict.FAILED, text, fault=Fault(FaultKind.UNKNOWN, "it broke")))
        run_at = now + timedelta(minutes=1) if state is State.HELD else None
        return await self.queue.settle(claim, outcome, Settlement(state, run_at), now)

    async def ended(self, key: str, state: State) -> Task:
        """A task that ran and came to that state."""
        await self.add(key)
        return await self.settle(await self.claim(), state)

    async def due(self, now: datetime = NOW) -> list[Delivery]:
        """All that is due."""
        return list(await self.outbox.due(now, 100))

    async def deliver_all(self, now: datetime = NOW) -> list[str]:
        """Sends everything that is due, in order; the keys of what was sent."""
        keys: list[str] = []
        while due := await self.due(now):
            for delivery in due:
                await self.outbox.sending(delivery.id)
                message = delivery.message or f"m{delivery.id}"
                await self.outbox.sent(delivery.id, delivery.revision, message, now)
                keys.append(delivery.key)
        return keys


def two_each(_: str, usage: Usage) -> Price:
    """A price of two micro-dollars a token."""
    return Price(2 * (usage.prompt_tokens + usage.output_tokens), "test-1")


ENDS = {
    State.DONE: Outcome(Verdict.ANSWERED, "the answer", "model-as-served"),
    State.CANCELLED: Outcome(Verdict.CANCELLED, "so far"),
}


async def open_sqlite(folder: Path) -> Parts:
    """The store on a real file in that folder."""
    store = await Store.open(folder / "onequeue.db")
    return Parts(
        store.queue,
        store.ledger,
        store.outbox,
        store.digests,
        store.gates,
        store.alarms,
        store.questions,
        store.transcripts,
        store.previews,
        store.close,
        lambda: open_sqlite(folder),
    )


ADAPTERS = {"sqlite": open_sqlite}
