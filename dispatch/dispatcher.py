"""The front door: what `bot` and the command line may ask for."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.digest import CHART_DAYS, DayBar, Digest, due, newest_due, summarise, window
from dispatch.errors import Unreachable
from dispatch.ports import Clock, Digests, Ledger, Notifier, Outbox, Queue, Spending
from dispatch.routing import PRIORITIES, Table, route
from dispatch.task import Attempt, Claim, NewTask, Price, Source, Task, Tier, Unpriced, Usage, Verdict
from dispatch.worker import Worker

FOLLOW_UPS = 5
"""How many follow-ups one task may make."""

DEPTH = 2
"""How many follow-ups deep a follow-up may be."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the team decided. An empty `digest_channel` means that no digest is posted."""

    table: Table
    zone: ZoneInfo
    digest_channel: str
    digest_at: time


class Dispatcher:
    """Everything that can be asked of the queue. Made by the composition root; needs `start` first."""

    def __init__(
        self,
        queue: Queue,
        ledger: Ledger,
        outbox: Outbox,
        digests: Digests,
        worker: Worker,
        notifier: Notifier,
        clock: Clock,
        price: Callable[[str, Usage], Price | Unpriced],
        terms: Terms,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._outbox = outbox
        self._digests = digests
        self._worker = worker
        self._notifier = notifier
        self._clock = clock
        self._price = price
        self._terms = terms

    async def start(self) -> int:
        """Puts back on the queue what a dead process was running. How many tasks."""
        now = self._clock.now()
        await self._ledger.close_open(now)
        recovered = await self._queue.recover(now)
        if channel := self._terms.digest_channel:
            newest = newest_due(now, self._terms.zone, self._terms.digest_at)
            if await self._digests.last_day(channel) is None:
                await self._digests.tell(channel, newest, None, now)
        return recovered

    async def submit(self, new: NewTask) -> tuple[Task, bool]:
        """Stores a request. False beside the task when the request was known already."""
        decided = route(new.priority, new.model, new.cap_micro_usd, self._terms.table)
        task, created = await self._queue.enqueue(new, decided, self._clock.now())
        self._wake()
        return task, created

    async def follow_up(self, claim: Claim, words: str, priority: int | None) -> str:
        """Stores a task that a session asks for, and says in words what became of it."""
        task = claim.task
        if task.depth >= DEPTH:
            return f"Not queued: follow-ups may be {DEPTH} deep and this task is one of the deepest."
        if await self._queue.children(task.id) >= FOLLOW_UPS:
            return f"Not queued: a task may make {FOLLOW_UPS} follow-ups and this one has."
        if not words.strip() or (priority is not None and priority not in PRIORITIES):
            return "Not queued: a follow-up needs words and, if any, a priority from 1 to 10."
        child, _ = await self.submit(
            NewTask(
                request_key=f"follow-up:{task.id}:{priority}:{words}",
                source=Source.FOLLOW_UP,
                requester=task.requester,
                words=words,
                priority=max(task.priority, priority or task.priority),
                channel=task.channel,
                thread=task.thread,
                parent=task.id,
                depth=task.depth + 1,
            )
        )
        return f"Queued as #{child.id}: {child.route.reason}."

    async def cancel(self, task_id: int, actor: str) -> Task:
        """Cancels a task, stopping its session if it runs. Raises NotFound, MoveRefused."""
        task = await self._queue.cancel(task_id, actor, self._clock.now())
        if task.cancel_asked:
            self._worker.interrupt(task_id)
        self._wake()
        return task

    async def retry(self, task_id: int, actor: str) -> Task:
        """Queues an ended task again. Raises NotFound, MoveRefused."""
        task = await self._queue.retry(task_id, actor, self._clock.now())
        self._wake()
        return task

    async def show(self, task_id: int) -> tuple[Task, Sequence[Attempt]]:
        """A task and its attempts. Raises NotFound."""
        return await self._queue.task(task_id), await self._queue.attempts(task_id)

    async def open_tasks(self, limit: int = 50) -> Sequence[Task]:
        """The tasks that have not ended, running first, then by urgency."""
        return await self._queue.open_tasks(limit)

    def today(self) -> date:
        """The date where the team is."""
        return self._clock.now().astimezone(self._terms.zone).date()

    async def cost(self, first: date, last: date) -> Sequence[Spending]:
        """What each tier spent on the days `first` to `last`, both included."""
        return await self._ledger.spending(*window(first, last, self._terms.zone))

    async def digest(self, first: date, last: date) -> Digest:
        """The digest of the days `first` to `last`, both included, as of now."""
        since, until = window(first, last, self._terms.zone)
        bookings = await self._ledger.bookings(since, until)
        numbers = {booking.task_id for booking in bookings}
        answered = {
            (attempt.task_id, attempt.number)
            for number in numbers
            for attempt in await self._queue.attempts(number)
            if attempt.verdict is Verdict.ANSWERED
        }
        opus = self._terms.table[Tier.OPUS].model
        return summarise(
            span=(first, last),
            bookings=bookings,
            ended=await self._queue.ended_tasks(since, until),
            open_count=sum((await self._queue.counts()).values()),
            tasks={number: await self._queue.task(number) for number in numbers},
            answered=answered,
            opus=lambda usage: self._price(opus, usage),
            chart=[await self._bar(last - timedelta(days=back)) for back in reversed(range(CHART_DAYS))],
        )

    async def _bar(self, day: date) -> DayBar:
        return DayBar(day, {line.tier: line.micro_usd for line in await self.cost(day, day)})

    async def tell_digest(self) -> None:
        """Makes the digest due that should have been told by now, once; covers all days missed."""
        channel, now = self._terms.digest_channel, self._clock.now()
        if not channel or (last := await self._digests.last_day(channel)) is None:
            return
        if span := due(last, now, self._terms.zone, self._terms.digest_at):
            await self._digests.tell(channel, span[1], _digest(channel, *span), now)
            self._notifier.wake()

    async def post_digest(self, day: date) -> bool:
        """Makes the digest of a day due now. False when that day has been told already.

        A day that has not ended is told as it stands, as often as asked. Raises Unreachable where no
        channel is set.
        """
        channel, now = self._terms.digest_channel, self._clock.now()
        if not channel:
            raise Unreachable("There is no channel to post to: set ONEQUEUE_DIGEST_CHANNEL.")
        if day < self.today():
            told = await self._digests.tell(channel, day, _digest(channel, day, day), now)
        else:
            told = await self._outbox.put(_digest(channel, day, day, f"@{now.isoformat()}"), now)
        self._notifier.wake()
        return told

    async def promote(self) -> None:
        """Queues the held tasks whose time has come."""
        if await self._queue.promote(self._clock.now()):
            self._wake()

    async def sweep(self) -> None:
        """Queues again the tasks whose lease has ended."""
        if await self._queue.sweep(self._clock.now()):
            self._wake()

    def _wake(self) -> None:
        self._worker.wake()
        self._notifier.wake()


def _digest(channel: str, first: date, last: date, edition: str = "") -> NewDelivery:
    return NewDelivery(
        key=f"digest:{channel}:{last}{edition}",
        kind=DeliveryKind.DIGEST,
        channel=channel,
        body=json.dumps({"first": first.isoformat(), "last": last.isoformat()}),
    )
