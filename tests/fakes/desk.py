"""The dispatcher's front door on a real store, without a worker behind it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from dispatch import moving
from dispatch.errors import StoreError
from dispatch.forecast import Outlook
from dispatch.forecaster import Forecaster
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.ports import Clock, Spending
from dispatch.questions import Question
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import Step
from dispatch.store import Store
from dispatch.task import Attempt, NewTask, Task
from dispatch.terms import Terms


class StoreDesk:
    """`bot.ports.Desk` and `Accounts`. While `broken` is set, every request fails with it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._forecaster = Forecaster(store.queue, store.gates, Terms(DEFAULT_TABLE, ZoneInfo("UTC")))
        self.broken: Exception | None = None

    async def submit(self, new: NewTask) -> tuple[Task, bool]:
        self._fail()
        decided = route(new.priority, new.model, new.cap_micro_usd, DEFAULT_TABLE)
        return await self._store.queue.enqueue(new, decided, self._clock.now())

    async def cancel(self, task_id: int, actor: str) -> Task:
        self._fail()
        return await self._store.queue.cancel(task_id, actor, self._clock.now())

    async def retry(self, task_id: int, actor: str, key: str = "") -> Task:
        self._fail()
        return await self._store.queue.retry(task_id, actor, self._clock.now(), key)

    async def show(self, task_id: int) -> tuple[Task, Sequence[Attempt]]:
        self._fail()
        return await self._store.queue.task(task_id), await self._store.queue.attempts(task_id)

    async def open_tasks(self, limit: int = 50) -> Sequence[Task]:
        self._fail()
        return await self._store.queue.open_tasks(limit)

    async def in_thread(self, channel: str, thread: str) -> Sequence[Task]:
        self._fail()
        return await self._store.queue.in_thread(channel, thread, 50)

    async def another_cap(self, task_id: int, actor: str) -> Task:
        self._fail()
        return await self._rerouted(task_id, 2 * (await self._store.queue.task(task_id)).route.cap_micro_usd)

    async def cheaper(self, task_id: int, actor: str) -> Task:
        self._fail()
        return await self._rerouted(task_id, None, "haiku")

    async def history(self, task_id: int) -> Sequence[Step]:
        self._fail()
        return await self._store.queue.history(task_id)

    async def reprioritise(self, task_id: int, priority: int, actor: str, key: str = "") -> Task:
        self._fail()
        task, now = await self._store.queue.task(task_id), self._clock.now()
        decided = moving.reprioritised(task, priority, DEFAULT_TABLE)
        rank = moving.rank(task, priority)
        return await self._store.queue.reprioritise(task, priority, rank, decided, actor, now, key=key)

    async def hold(self, task_id: int, actor: str, key: str = "") -> Task:
        self._fail()
        return await self._store.queue.hold(task_id, actor, self._clock.now(), key)

    async def release(self, task_id: int, actor: str, key: str = "") -> Task:
        self._fail()
        return await self._store.queue.let_go(task_id, actor, self._clock.now(), key)

    async def follow(self, task_id: int, actor: str, key: str = "") -> Task:
        self._fail()
        return await self._store.queue.follow(task_id, actor, self._clock.now(), key)

    async def tier_up(self, task_id: int, actor: str, key: str = "") -> Task:
        self._fail()
        return await self._rerouted(task_id, None, "opus")

    async def feedback(self, task_id: int, person: str, liked: bool) -> Task:
        self._fail()
        await self._store.queue.give(task_id, person, liked, self._clock.now())
        return await self._store.queue.task(task_id)

    async def outlooks(self, tasks: Iterable[Task]) -> Mapping[int, Outlook]:
        self._fail()
        return await self._forecaster.of_all(tasks, self._clock.now())

    async def resume(self, actor: str) -> Sequence[Gate]:
        self._fail()
        return await self._store.gates.resume(self._clock.now())

    async def pause(self, actor: str) -> Paused:
        self._fail()
        return await self._store.queue.pause(actor, self._clock.now())

    async def unpause(self, actor: str) -> Paused | None:
        self._fail()
        return await self._store.queue.unpause(self._clock.now())

    async def paused(self) -> Paused | None:
        self._fail()
        return await self._store.queue.paused()

    async def gates(self) -> Mapping[str, Gate]:
        self._fail()
        return await self._store.gates.all()

    async def answer(self, question_id: int, answer: str, person: str, key: str) -> Question:
        self._fail()
        return await self._store.questions.answer(question_id, answer, person, key, self._clock.now())

    async def question(self, question_id: int) -> Question:
        self._fail()
        return await self._store.queue.question(question_id)

    async def questions(self, task_id: int) -> Sequence[Question]:
        self._fail()
        return await self._store.queue.questions(task_id)

    async def asked_in(self, channel: str, thread: str, key: str) -> Question | None:
        self._fail()
        return await self._store.questions.asked_in(channel, thread, key)

    async def _rerouted(self, task_id: int, cap: int | None, model: str | None = None) -> Task:
        task = await self._store.queue.task(task_id)
        decided = route(task.priority, model, cap, DEFAULT_TABLE)
        return await self._store.queue.reroute(task_id, model, cap, decided, "U1", self._clock.now())

    async def cost(self, first: date, last: date) -> Sequence[Spending]:
        self._fail()
        return []

    def today(self) -> date:
        return self._clock.now().date()

    def _fail(self) -> None:
        if self.broken:
            raise self.broken


DISK_FULL = StoreError("onequeue.db: the disk is full")
