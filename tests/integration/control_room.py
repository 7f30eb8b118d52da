"""What the tests of buttons share: the real dispatcher and worker behind a simulated Slack."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.access import Rules
from bot.app import Sockets, build
from bot.board import Board
from bot.controls import Controls
from bot.directory import Directory
from bot.follow_ups import FollowUps
from bot.guard import Guard, GuardedAlarms
from bot.intake import Intake
from bot.overview import Overview
from bot.rehearsal.slack import SlackSim
from bot.rehearsal.slack.state import Message as Posted
from dispatch.asking import Asking
from dispatch.books import Books
from dispatch.budget import Budgets
from dispatch.dispatcher import Dispatcher
from dispatch.faults import Fault, FaultKind
from dispatch.states import State
from dispatch.task import Claim, Outcome, Task, Verdict
from dispatch.usage import Price, Unpriced, Usage
from dispatch.worker import Worker
from tests.fakes.clock import FakeClock
from tests.integration.front_room import RULES, FakeAlarms, make_rights
from tests.integration.post_room import SECRETS, TERMS, Room, post_room, settle_down
from tests.integration.work_room import FakeGateway, FakeNotifier, FakeQuotes, FakeSeats


def one_each(_: str, usage: Usage, at: datetime | None = None) -> Price:
    return Price(usage.prompt_tokens + usage.output_tokens, "test")


class OpenGateway(FakeGateway):
    """A gateway that remembers the newest claim of each task."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: dict[int, Claim] = {}

    def admit(self, claim: Claim) -> Any:
        self.claims[claim.task.id] = claim
        return super().admit(claim)


@dataclass
class Bench:
    """A room at work: tasks run on `seats`, and end when the test says so."""

    room: Room
    dispatcher: Dispatcher
    controls: Controls
    alarms: FakeAlarms
    gateway: OpenGateway
    seats: FakeSeats
    clock: FakeClock
    board: Board

    @property
    def slack(self) -> SlackSim:
        return self.room.slack

    async def task(self, number: int) -> Task:
        return await self.room.store.queue.task(number)

    async def until(self, number: int, state: State) -> Task:
        """The task once it is in that state."""
        async with asyncio.timeout(5):
            while (task := await self.task(number)).state is not state:
                pass
        return task

    async def spend(self, number: int, micro_usd: int | None) -> None:
        """Books a request of the running task; None is one without a known price."""
        ledger, now = self.room.store.ledger, self.clock.now()
        booking = await ledger.open(self.gateway.claims[number], "model", now)
        price = Unpriced("new model") if micro_usd is None else Price(micro_usd, "test")
        await ledger.book(
            booking, model="model", request_id="r", usage=Usage(), price=price, estimated=False, now=now
        )

    async def run_over(self, number: int, micro_usd: int = 10_000_000) -> Task:
        """Has the task that runs now spend that much and stop at its cap, with half an answer."""
        await self.spend(number, micro_usd)
        fault = Fault(FaultKind.OVER_CAP)
        self.seats.end(number, Outcome(Verdict.FAILED, "Half of it.", "claude-opus-5-5", fault))
        return await self.until(number, State.FAILED)

    async def message(self, words: str) -> Posted:
        """Delivers what is due; the newest message of #ops that has these words."""
        await settle_down(self.room)
        found = [post for post in self.room.posts() if words in post.text]
        return found[-1]

    async def told(self, person: str) -> list[str]:
        """Delivers what is due; what that person alone has seen."""
        await settle_down(self.room)
        return [message.text for message in self.slack.ephemerals(person)]


@asynccontextmanager
async def control_room(
    folder: Path, budgets: Budgets | None = None, rules: Rules = RULES, steered: Collection[str] = ()
) -> AsyncIterator[Bench]:
    """In the channels of `steered` replies steer."""
    async with post_room(folder) as room:
        store, clock, terms = room.store, FakeClock(), replace(TERMS, budgets=budgets or Budgets())
        gateway, seats, notifier, alarms = OpenGateway(), FakeSeats(), FakeNotifier(), FakeAlarms()
        worker = Worker(
            store.queue, store.gates, gateway, seats, FakeQuotes(), notifier, clock, terms, lambda: 0.5
        )
        asking = Asking(store.questions, store.queue, notifier, clock, terms)
        dispatcher = Dispatcher(store.queue, store.gates, worker, asking, notifier, clock, one_each, terms)
        books = Books(
            store.queue, store.ledger, store.outbox, store.digests, notifier, clock, one_each, terms
        )
        me = await room.chat.identity()
        rights = make_rights(room, me, rules)
        guard = Guard(dispatcher, rights, terms.table)
        intake = Intake(
            guard,
            books,
            store.outbox,
            notifier,
            room.chat,
            clock,
            me,
            terms.zone,
            lambda _: 5,
            rights,
            steers_in=lambda channel: channel in steered,
        )
        guarded = GuardedAlarms(alarms, rights)
        follow_ups = FollowUps(intake, guard, room.chat, terms.table)
        controls = Controls(guard, store.outbox, notifier, guarded, clock, terms.table, follow_ups)
        overview = Overview(
            guard,
            books,
            rights,
            Directory(room.chat, me.team, clock),
            room.chat,
            terms,
            default_priority=5,
            secrets=SECRETS,
        )
        board = Board(overview, controls, room.chat, clock)
        slack, app = room.slack, build(intake, controls, me, homes=board, follow_ups=follow_ups)
        working = asyncio.create_task(worker.run())
        async with Sockets(app, slack.app_token, slack.api_url, clock, ping=0.2):
            await slack.wait_for(lambda state: state.sockets == 2)
            yield Bench(room, dispatcher, controls, alarms, gateway, seats, clock, board)
        await worker.drain(timedelta(0))
        await working
