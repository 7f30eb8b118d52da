"""The money side of the front door: what was spent, what a day may cost, and who is told."""

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from dispatch.budget import ALL, Standing, reached
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.digest import CHART_DAYS, DayBar, Digest, Facts, Money, counted_ends, summarise, window
from dispatch.editions import Before, Edition, Issue, before
from dispatch.errors import Unreachable
from dispatch.findings import USUAL_DAYS, Outlier, Pace, Rates, outliers, pace
from dispatch.ports import BillLine, Clock, Digests, Ledger, Notifier, Outbox, Spending, Tasks
from dispatch.task import Task, Tier
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
        price: Rates,
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
        await self._ledger.close_open(lambda model, usage: self._price(model, usage, now), now)
        for issue in self._terms.issues:
            if await self._digests.last_day(issue.edition, issue.channel) is None:
                await self._digests.tell(issue.edition, issue.channel, issue.begins_after(now), None, now)

    def today(self) -> date:
        """The date where the team is."""
        return self._clock.now().astimezone(self._terms.zone).date()

    async def cost(self, first: date, last: date) -> Sequence[Spending]:
        """What each tier spent on the days `first` to `last`, both included."""
        return await self._ledger.spending(*window(first, last, self._terms.zone))

    async def unpriced_today(self) -> Mapping[str, int]:
        """How many of today's requests have no known price, by channel and person as budgets name them."""
        today = self.today()
        return await self._ledger.unpriced_between(*window(today, today, self._terms.zone))

    async def ended_today(self) -> Sequence[Task]:
        """The tasks that ended today, in order."""
        today = self.today()
        return await self._tasks.ended_tasks(*window(today, today, self._terms.zone))

    async def disputed(self, first: date, last: date) -> Sequence[int]:
        """The tasks of the sessions that ended on those days and whose runtime names another cost.

        One entry for each session.
        """
        return await self._tasks.disputed(*window(first, last, self._terms.zone))

    async def bill(
        self, first: date, last: date, after: int, newest: int | None, limit: int
    ) -> tuple[Sequence[BillLine], int]:
        """The first lines behind task `after` of the bill of those days, and the last task of all of it.

        `newest` is that task where it is known already, so that no later page has to look for it.
        """
        days = window(first, last, self._terms.zone)
        end = await self._ledger.newest_billed(*days) if newest is None else newest
        return await self._ledger.bill(*days, after, end, limit), end

    async def week_before(self, first: date, last: date) -> Before:
        """What the days a week before `first` to `last` came to."""
        days = before(first, last)
        ended = await self._tasks.ended_tasks(*window(*days, self._terms.zone))
        return Before(_by_tier(await self.cost(*days)), counted_ends(ended))

    async def digest(self, first: date, last: date, channel: str | None = None) -> Digest:
        """The digest of the days `first` to `last`, both included, as of now.

        Of one channel it counts only the tasks that are in it, and the days are those of its own zone.
        """
        zone = self._zone(channel)
        since, until = window(first, last, zone)
        bookings = await self._ledger.bookings(since, until)
        tasks = {
            task.id: task
            for task in await self._ledger.booked_tasks(since, until)
            if channel in (None, task.channel)
        }
        attempts = await self._ledger.booked_attempts(since, until)
        ended = await self._tasks.ended_tasks(since, until)
        starts = await self._ledger.first_starts(since, until)
        thumbs = await self._ledger.thumbs(since, until)
        ended = [task for task in ended if channel in (None, task.channel)]
        ours = tasks.keys() | {task.id for task in ended}
        facts = Facts(
            bookings=[booking for booking in bookings if booking.task_id in tasks],
            tasks=tasks,
            attempts=[attempt for attempt in attempts if attempt.task_id in tasks],
            ended=ended,
            starts=[start for start in starts if channel in (None, start.channel)],
            open_count=await self._open(channel),
            chart=[await self._bar(day, channel) for day in _up_to(last, CHART_DAYS)],
            thumbs=[thumb for thumb in thumbs if channel in (None, thumb.channel)],
            disputed=[
                one for one in await self._tasks.disputed(since, until) if channel is None or one in ours
            ],
            outliers=await self._outliers(first, last, channel),
            pace=await self._pace(last) if channel is None else None,
        )
        # Pricing each request anew takes a second for some fifty thousand: others go on meanwhile.
        return await asyncio.to_thread(summarise, (first, last), facts, self._terms.table, self._price)

    def _zone(self, channel: str | None) -> ZoneInfo:
        return self._terms.channel_digests.get(channel or "", self._terms.zone)

    async def _open(self, channel: str | None) -> int:
        if channel is None:
            return sum((await self._tasks.counts()).values())
        return await self._ledger.open_in_channel(channel)

    async def _bar(self, day: date, channel: str | None) -> DayBar:
        days = window(day, day, self._zone(channel))
        if channel is None:
            lines = await self._ledger.spending(*days)
        else:
            lines = await self._ledger.spending_of_channel(channel, *days)
        return DayBar(day, _by_tier(lines))

    async def _spent(self, first: date, last: date, channel: str | None = None) -> Mapping[str, int]:
        """Micro-dollars by scope; of one channel they are all that there is."""
        spent = await self._ledger.spent_between(*window(first, last, self._zone(channel)))
        return spent if channel is None else {ALL: spent.get(f"channel:{channel}", 0)}

    async def _outliers(self, first: date, last: date, channel: str | None) -> tuple[Outlier, ...]:
        days = _up_to(last, (last - first).days + 1)
        before = _up_to(first - timedelta(days=1), USUAL_DAYS)
        return outliers(
            {day: await self._spent(day, day, channel) for day in days},
            [await self._spent(day, day, channel) for day in before],
        )

    async def _pace(self, last: date) -> Pace | None:
        month = (await self._spent(last.replace(day=1), last)).get(ALL, 0)
        newest = [(await self._spent(day, day)).get(ALL, 0) for day in _up_to(last, USUAL_DAYS)]
        return pace(last, month, newest, self._terms.budgets.everybody)

    async def tell_digest(self) -> None:
        """Makes each digest due that should have been told by now, once; covers all days missed."""
        now = self._clock.now()
        for issue in self._terms.issues:
            last = await self._digests.last_day(issue.edition, issue.channel)
            if last is not None and (span := issue.due(last, now)):
                told = issue.delivery(*span)
                await self._digests.tell(issue.edition, issue.channel, span[1], told, now)
                self._notifier.wake()

    async def post_digest(self, day: date) -> bool:
        """Makes the digest of a day due now, with the days before it that are not told yet.

        False when that day has been told already. One that has not ended is told as it stands, as often as
        asked. Raises Unreachable where no channel is set.
        """
        channel, now = self._terms.digest_channel, self._clock.now()
        if not channel:
            raise Unreachable("There is no channel to post to: set ONEQUEUE_DIGEST_CHANNEL.")
        issue = Issue(Edition.DAILY, channel, self._terms.zone, self._terms.digest_at)
        if day >= self.today():
            told = await self._outbox.put(issue.delivery(day, day, f"@{now.isoformat()}"), now)
        else:
            last = await self._digests.last_day(issue.edition, channel)
            if last is not None and last >= day:
                return False
            first = day if last is None else last + timedelta(days=1)
            told = await self._digests.tell(issue.edition, channel, day, issue.delivery(first, day), now)
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
        purse, today = self._terms.purse(now), now.astimezone(self._terms.zone).date()
        day = await self._ledger.standing(purse.since, purse.resets_at)
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


def _by_tier(lines: Iterable[Spending]) -> Mapping[Tier, Money]:
    return {line.tier: Money(line.micro_usd, line.unpriced) for line in lines}


def _up_to(last: date, count: int) -> list[date]:
    """So many days, `last` the last of them."""
    return [last - timedelta(days=back) for back in reversed(range(count))]
