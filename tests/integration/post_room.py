"""What the courier's tests share: a real store, a simulated Slack, and a courier between them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.chat import SlackChat
from bot.courier import Courier
from bot.letters import DigestView, Letters
from bot.postman import Postman
from bot.previewing import Previewing
from bot.rehearsal.slack import SlackSim
from bot.rehearsal.slack.shown import visible
from bot.rehearsal.slack.state import Message as Posted
from bot.views.message import Message
from dispatch.delivery import Delivery
from dispatch.faults import Fault
from dispatch.gates import Gate
from dispatch.policy import Seating, Settlement
from dispatch.ports import Clock
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Task, Verdict
from dispatch.terms import Terms
from tests.fakes.leaping import LeapingClock
from tests.integration.rehearsal_slack import MANIFEST, running
from tests.slackshapes import check_calls

ANA, SAM = "UANA00001", "USAM00001"
OPS, PAYMENTS, RANDOM, SECRET = "COPS00001", "CPAY00001", "CRAN00001", "CSEC00001"
SECRETS = ("sk-the-secret",)
TERMS = Terms(DEFAULT_TABLE, ZoneInfo("UTC"), operators_channel=OPS)


@dataclass
class Room:
    """One store and one Slack. `courier` can be replaced: the next one finds what the last one left."""

    store: Store
    slack: SlackSim
    chat: SlackChat
    clock: LeapingClock
    courier: Courier

    def another_courier(self, clock: Clock | None = None) -> Courier:
        return make_courier(self.store, self.chat, clock or self.clock)

    async def ask(self, channel: str = OPS, priority: int = 3, **changes: Any) -> Task:
        """Queues a task as `/task` does."""
        new = NewTask(
            **{
                "request_key": f"slash:{asyncio.get_running_loop().time()}",
                "source": Source.SLASH,
                "requester": ANA,
                "words": "investigate stall",
                "priority": priority,
                "channel": channel,
                **changes,
            }
        )
        task, _ = await self.store.queue.enqueue(
            new, route(priority, None, None, DEFAULT_TABLE), self.clock.now()
        )
        return task

    async def claim(self, task: Task) -> Claim:
        """Claims the task; it must be the next of its tier."""
        now = self.clock.now()
        claim = await self.store.queue.claim(task.route.tier, Seating(9), now + timedelta(hours=1), now)
        assert claim is not None
        assert claim.task.id == task.id
        return claim

    async def answer(self, task: Task, text: str = "It was the pool.") -> Task:
        """Runs the task to its answer."""
        claim = await self.claim(task)
        outcome = Outcome(Verdict.ANSWERED, text, "claude-opus-5-5")
        return await self.settle(claim, outcome, State.DONE)

    async def settle(self, claim: Claim, outcome: Outcome, state: State) -> Task:
        return await self.store.queue.settle(claim, outcome, Settlement(state), self.clock.now())

    async def strike(self, task: Task, gate: Gate) -> Task:
        """Runs the task into the fault that leaves that gate so; it waits there."""
        claim = await self.claim(task)
        outcome = Outcome(Verdict.FAILED, fault=Fault(gate.fault) if gate.fault else None)
        settlement = Settlement(State.QUEUED, gates=(gate,))
        return await self.store.queue.settle(claim, outcome, settlement, self.clock.now())

    def seen(self, channel: str = OPS) -> list[str]:
        """What everyone reads in a channel, replies after a `> `."""
        return [f"{'> ' if m.is_reply else ''}{visible(m)}" for m in self.posts(channel)]

    def posts(self, channel: str = OPS) -> list[Posted]:
        return self.slack.messages(channel)

    def calls(self, method: str) -> int:
        return sum(call.method == method for call in self.slack.state.calls)


async def digest(delivery: Delivery) -> Message:
    return Message(f"Digest {delivery.body}")


def make_courier(
    store: Store,
    chat: SlackChat,
    clock: Clock,
    digest_view: DigestView = digest,
    previewing: Previewing | None = None,
) -> Courier:
    letters = Letters(store.queue, store.gates, chat, digest_view, TERMS, SECRETS)
    previewing = previewing or Previewing(store.previews, store.queue, chat, clock)
    postman = Postman(letters, store.outbox, store.queue, chat, previewing, clock)
    return Courier(store.outbox, store.queue, chat, postman, clock)


@asynccontextmanager
async def post_room(folder: Path, *, rate_limits: bool = False) -> AsyncIterator[Room]:
    clock = LeapingClock()
    slack = SlackSim(MANIFEST, now=clock.now, rate_limits=rate_limits)
    store = await Store.open(folder / "onequeue.db")
    try:
        async with running(slack):
            chat = SlackChat(slack.bot_token, slack.api_url, timeout=1)
            yield Room(store, slack, chat, clock, make_courier(store, chat, clock))
        check_calls(slack.state.calls)
    finally:
        await store.close()


async def settle_down(room: Room) -> None:
    """Sends until nothing is due any more, however long that takes on the clock."""
    while (due_at := await room.store.outbox.next_due()) is not None:
        room.clock.advance(max(due_at - room.clock.now(), timedelta(0)))
        await room.courier.send_due()
