"""The money side of the front door: what was spent, what a day may cost, and who is told."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from dispatch.budget import ALL, Standing, reached
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.digest import CHART_DAYS, DayBar, Digest, Facts, due, newest_due, summarise, window
from dispatch.errors import Unreachable
from dispatch.findings import USUAL_DAYS, Outlier, Pace, outliers, pace
from dispatch.ports import Clock, Digests, Ledger, Notifier, Outbox, Pricing, Spending, Tasks
from dispatch.task import Task
from dispatch.terms import Terms

_log = logging.getLogger(__name__)


class Books:
    """Costs, budgets and digests, counted from the ledger."""

    def __init__(
        self,
        tasks: Tasks,
        ledger: Ledger,
        outbox: Outbox,
        digests: Digests,
        notifier: Notifier,
        clock: Clock,
        price: Pricing,
        terms: Terms,
    ) -> None:
        self._tasks = tasks
        self._ledger = ledger
        self._outbox = outbox
        self._digests = digests
        self._notifier = notifier
        self._clock = clock
        self._price = price
        self._terms = terms
        self._warned: dict[str, str] = {}

    async def open(self) -> None:
        """Books what a dead process left open, and begins to count the days to tell of."""
        now = self._clock.now()
        await self._ledger.close_open(self._price, now)
        if channel := self._terms.digest_channel:
            newest = newest_due(now, self._terms.zone, self._terms.digest_at)
            if await self._digests.last_day(channel) is None:
                await self._digests.tell(channel, newest, None, now)

    def today(self) -> date:
        """The date where the team is."""
        return self._clock.now().astimezone(self._terms.zone).date()

    async def cost(self, first: date, last: date) -> Sequence[Spending]:
        """What each tier spent on the days `first` to `last`, both included."""
        return await self._ledger.spending(*window(first, last, self._terms.zone))

    async def ended_today(self) -> Sequence[Task]:
        """The tasks that ended today, in order."""
        today = self.today()
        return await self._tasks.ended_tasks(*window(today, today, self._terms.zone))

    async def disputed(self, first: date, last: date) -> Sequence[int]:
        """The tasks of the sessions that ended on those days and whose runtime names another cost.

        One entry for each session.
        """
        ended = await self._tasks.self_costed(*window(first, last, self._terms.zone))
        return [attempt.task_id for attempt in ended if attempt.is_disputed]

    async def digest(self, first: date, last: date) -> Digest:
        """The digest of the days `first` to `last`, both included, as of now."""
        since, until = window(first, last, self._terms.zone)
        facts = Facts(
            bookings=await self._ledger.bookings(since, until),
            tasks={task.id: task for task in await self._ledger.booked_tasks(since, until)},
            attempts=await self._ledger.booked_attempts(since, until),
            ended=await self._tasks.ended_tasks(since, until),
            starts=await self._ledger.first_starts(since, until),
            open_count=sum((await self._tasks.counts()).values()),
            chart=[await self._bar(day) for day in _up_to(last, CHART_DAYS)],
            disputed=await self.disputed(first, last),
            outliers=await self._outliers(first, last),
            pace=await self._pace(last),
        )
        return summarise((first, last), facts, self._terms.table, self._price)

    async def _bar(self, day: date) -> DayBar:
        return DayBar(day, {line.tier: line.micro_usd for line in await self.cost(day, day)})

    async def _spent(self, first: date, last: date) -> Mapping[str, int]:
        return await self._ledger.spent_between(*window(first, last, self._terms.zone))

    async def _outliers(self, first: date, last: date) -> tuple[Outlier, ...]:
        days = _up_to(last, (last - first).days + 1)
        before = _up_to(first - timedelta(days=1), USUAL_DAYS)
        return outliers(
            {day: await self._spent(day, day) for day in days},
            [await self._spent(day, day) for day in before],
        )

    async def _pace(self, last: date) -> Pace | None:
        month = (await self._spent(last.replace(day=1), last)).get(ALL, 0)
        newest = [(await self._spent(day, day)).get(ALL, 0) for day in _up_to(last, USUAL_DAYS)]
        return pace(last, month, newest, self._terms.budgets.everybody)

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

    async def standing(self) -> Standing:
        """What today has cost and what running tasks may still spend, by budget."""
        purse = self._terms.purse(self._clock.now())
        return await self._ledger.standing(purse.since, purse.resets_at)

    async def warn(self) -> None:
        """Tells the operators of each budget that has reached its next step today, once.

        Where they have no channel the log alone says so, once in the life of the process.
        """
        channel, now = self._terms.operators_channel, self._clock.now()
        day, today = await self.standing(), self.today()
        for scope, limit in self._terms.budgets.named(day.spent).items():
            spent = day.spent.get(scope, 0)
            if step := reached(limit, spent):
                facts = {"scope": scope, "step": step, "limit_micro_usd": limit, "spent_micro_usd": spent}
                told = NewDelivery(
                    key=f"budget:{scope}:{today}:{step}",
                    kind=DeliveryKind.BUDGET,
                    channel=channel,
                    body=json.dumps({**facts, "resets_at": day.resets_at.isoformat()}),
                )
                if self._warned.get(scope) != told.key:
                    self._warned[scope] = told.key
                    _log.warning("%d %% of the day's budget for %s is spent", step, scope)
                if channel and await self._outbox.put(told, now):
                    self._notifier.wake()


def _up_to(last: date, count: int) -> list[date]:
    """So many days, `last` the last of them."""
    return [last - timedelta(days=back) for back in reversed(range(count))]


def _digest(channel: str, first: date, last: date, edition: str = "") -> NewDelivery:
    return NewDelivery(
        key=f"digest:{channel}:{last}{edition}",
        kind=DeliveryKind.DIGEST,
        channel=channel,
        body=json.dumps({"first": first.isoformat(), "last": last.isoformat()}),
    )
