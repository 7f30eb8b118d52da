"""What people ask to be told: what waits, what was spent, where a task is."""

from collections.abc import Collection, Iterable
from typing import Final
from zoneinfo import ZoneInfo

from bot import struck
from bot.chronicle import chronicle
from bot.grammar import Cost, ListTasks, Show
from bot.periods import first_day
from bot.ports import Accounts, Desk, Rights
from bot.slacktext import escape
from bot.views import texts
from bot.views.waits import holding_back, shut
from dispatch.errors import NotFound
from dispatch.task import Attempt, Task

_LISTED: Final = 50


class Lookup:
    """Tells people what they may be told. Times of day are the `zone`'s.

    What others' tasks are about is told only to those who may read it where it was asked, or at the command
    line. `secrets` are struck out of everything.
    """

    def __init__(
        self, desk: Desk, accounts: Accounts, rights: Rights, zone: ZoneInfo, secrets: Iterable[str] = ()
    ) -> None:
        self._desk = desk
        self._accounts = accounts
        self._rights = rights
        self._zone = zone
        self._secrets = tuple(secrets)

    async def told(self, command: ListTasks | Cost | Show, person: str, channel: str) -> str:
        """The private answer in that channel, or why that person is told nothing. Raises StoreError."""
        return await self._rights.unreadable(person) or await self._read(command, person, channel)

    async def _read(self, command: ListTasks | Cost | Show, person: str, channel: str) -> str:
        match command:
            case ListTasks():
                return await self._list(person, channel)
            case Cost(period):
                today = self._accounts.today()
                return texts.cost(period, await self._accounts.cost(first_day(period, today), today))
            case Show(task_id, history):
                try:
                    task, attempts = await self._desk.show(task_id)
                    private = bool(await self._private([task], person, channel))
                    if history:
                        told = self._desk, self._rights, task, self._zone, self._secrets
                        return await chronicle(*told, private=private)
                    return await self._show(task, attempts, person, private=private)
                except NotFound as error:
                    return escape(str(error))

    async def _list(self, person: str, channel: str) -> str:
        tasks, gates = await self._desk.open_tasks(_LISTED), await self._desk.gates()
        outlooks, paused = await self._desk.outlooks(tasks), await self._desk.paused()
        private = await self._private(tasks, person, channel)
        tasks = [struck.of_task(task, self._secrets) for task in tasks]
        return texts.listed(tasks, _LISTED, shut(gates), outlooks, paused, private)

    async def _show(self, task: Task, attempts: Iterable[Attempt], person: str, *, private: bool) -> str:
        asked = await self._desk.questions(task.id)
        question = next((one for one in asked if one.ending is None), None)
        gates, outlooks = await self._desk.gates(), await self._desk.outlooks([task])
        return texts.shown(
            struck.of_task(task, self._secrets),
            [struck.of_attempt(attempt, self._secrets) for attempt in attempts],
            holding_back(gates, task),
            question and struck.of_question(question, self._secrets),
            outlooks,
            operator=await self._rights.operates(person),
            private=private,
        )

    async def _private(self, tasks: Iterable[Task], person: str, channel: str) -> Collection[int]:
        """The numbers of those that are about what the person may not read. They read where they ask."""
        others = [task for task in tasks if task.requester != person and task.channel not in ("", channel)]
        readable = await self._rights.readable(person, {task.channel for task in others})
        return {task.id for task in others if task.channel not in readable}
