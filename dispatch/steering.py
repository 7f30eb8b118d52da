"""What people do to one task from its card: move it in line, hold it, let it go, run it one tier up."""

from collections.abc import Iterable, Mapping

from dispatch import additions, moving
from dispatch.budget import never_fits
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.forecast import Outlook
from dispatch.forecaster import Forecaster
from dispatch.ports import Clock, Gates, Notifier, Pricing, Queue
from dispatch.routing import PRIORITIES
from dispatch.states import TERMINAL, State
from dispatch.task import NewTask, Route, Task
from dispatch.terms import Terms
from dispatch.usage import EACH_KIND, MICRO_USD, Unpriced
from dispatch.worker import Worker


class Steering:
    """The moves of the front door that concern one task, and what can be said of it while it waits."""

    def __init__(
        self,
        queue: Queue,
        gates: Gates,
        worker: Worker,
        notifier: Notifier,
        clock: Clock,
        price: Pricing,
        terms: Terms,
    ) -> None:
        self._queue = queue
        self._worker = worker
        self._notifier = notifier
        self._clock = clock
        self._price = price
        self._terms = terms
        self._forecaster = Forecaster(queue, gates, terms)

    async def outlooks(self, tasks: Iterable[Task]) -> Mapping[int, Outlook]:
        """What can be said of each task, by number: what such tasks come to, and when queued ones start."""
        return await self._forecaster.of_all(tasks, self._clock.now())

    async def reprioritise(self, task_id: int, priority: int, actor: str, key: str = "") -> Task:
        """Gives a task that waits another priority, and with it a route, once for each request's `key`.

        Raises NotFound, MoveRefused.
        """
        task = await self._queue.task(task_id)
        if priority not in PRIORITIES:
            raise MoveRefused(
                f"#{task.id} is p{task.priority}: priorities run from p1 (most urgent) to p{PRIORITIES[-1]}."
            )
        decided = moving.reprioritised(task, priority, self._terms.table)
        if task.script is None:
            self._check_move(task, priority, decided)
        rank, now = moving.rank(task, priority), self._clock.now()
        moved = await self._queue.reprioritise(
            task, priority, rank, decided, actor, now, self._terms.ration(now), key
        )
        self._wake()
        return moved

    async def hold(self, task_id: int, actor: str, key: str = "") -> Task:
        """Holds a task that waits until it is released, once for each `key`. Raises NotFound, MoveRefused."""
        task = await self._queue.hold(task_id, actor, self._clock.now(), key)
        self._wake()
        return task

    async def release(self, task_id: int, actor: str, key: str = "") -> Task:
        """Queues a task again that a person holds, once for each `key`. Raises NotFound, MoveRefused."""
        task = await self._queue.let_go(task_id, actor, self._clock.now(), key)
        self._wake()
        return task

    async def follow(self, task_id: int, actor: str, key: str = "") -> Task:
        """Ends a task in favour of the one that it looks like, once for each `key`; it has that one's answer.

        Raises NotFound, MoveRefused.
        """
        task = await self._queue.follow(task_id, actor, self._clock.now(), key)
        self._wake()
        return task

    async def tier_up(self, task_id: int, actor: str, key: str = "") -> Task:
        """Runs an ended task again one tier up, with what it came to, once for each request's `key`.

        Done stays done: an answered one is asked again as a new task, once. Raises NotFound, MoveRefused.
        """
        task = await self._queue.task(task_id)
        better = moving.above(task.route.tier, self._terms.table)
        if task.state not in TERMINAL:
            raise MoveRefused(f"#{task.id} is {task.state}; only what has ended can run again one tier up.")
        if better is None:
            raise MoveRefused(f"#{task.id} ran on {task.route.tier.capitalize()}: there is no better tier.")
        if task.forgotten:
            raise MoveRefused(f"#{task.id} ended long ago and its words are no longer kept. Send it again.")
        now = self._clock.now()
        if task.state is State.DONE:
            attempts = await self._queue.attempts(task.id)
            added = additions.quoted(await self._queue.additions(task.id), task)
            new = moving.again(task, better, attempts[-1], actor, added)
            decided = moving.anew(task, better, self._terms.table)
            self._check_move(new, new.priority, decided)
            moved = await self._ask(new, decided)
        else:
            decided, cap = moving.one_tier_up(task, better, self._terms.table)
            self._check_move(task, task.priority, decided)
            ration = self._terms.ration(now)
            moved = await self._queue.reroute(task.id, better.value, cap, decided, actor, now, ration, key)
        self._wake()
        return moved

    async def _ask(self, new: NewTask, decided: Route) -> Task:
        try:
            now = self._clock.now()
            ration = self._terms.ration(now)
            return (await self._queue.enqueue(new, decided, now, self._terms.quota, ration))[0]
        except NotAdmitted as refused:
            raise MoveRefused(f"Not queued: {refused}") from None

    async def feedback(self, task_id: int, person: str, liked: bool) -> Task:
        """Notes what a person thinks of a task's answer; the last word counts. Raises NotFound."""
        await self._queue.give(task_id, person, liked, self._clock.now())
        return await self._queue.task(task_id)

    async def thumbs(self, task_id: int) -> Mapping[str, bool]:
        """Who thinks what of a task's answer: whether they like it, by person."""
        return await self._queue.feedback(task_id)

    def _check_move(self, asked: Task | NewTask, priority: int, decided: Route) -> None:
        try:
            self._check(asked, priority, decided)
        except NotAdmitted as refused:
            raise MoveRefused(f"Nothing was changed: {refused}") from None

    def _check(self, asked: Task | NewTask, priority: int, decided: Route) -> None:
        """Raises NotAdmitted where nothing can hold its cost, or no day has room for its cap."""
        model, budgets = decided.model, self._terms.budgets
        price = self._price(model, EACH_KIND)
        if model not in self._terms.token_caps and isinstance(price, Unpriced):
            raise NotAdmitted(
                f"No dollar cap can hold {model} ({price.reason}). Name another model, or have an operator "
                "set all its prices under [prices] or the most tokens a task may use under [token_caps]."
            )
        limits = budgets.of(decided.tier, asked.channel, asked.requester)
        scope = never_fits(priority, decided.cap_micro_usd, limits, budgets.urgent)
        if scope is not None:
            raise NotAdmitted(
                f"its cap of {dollars(decided.cap_micro_usd)} is more than a whole day's budget for {scope} "
                f"has for p{priority} ({dollars(limits[scope])} in all). Set a lower one with `max=`."
            )

    def _wake(self) -> None:
        self._worker.wake()
        self._notifier.wake()


def dollars(micro_usd: int) -> str:
    """An amount for a refusal."""
    return f"${micro_usd / MICRO_USD:,.2f}"
