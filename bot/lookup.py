"""What people ask to be told: what waits, what was spent, where a task is."""

from typing import Final
from zoneinfo import ZoneInfo

from bot.chronicle import chronicle
from bot.grammar import Cost, ListTasks, Show
from bot.periods import first_day
from bot.ports import Accounts, Desk, Rights
from bot.slacktext import escape
from bot.views import texts
from bot.views.waits import holding_back, shut
from dispatch.errors import NotFound

_LISTED: Final = 50


class Lookup:
    """Tells people what they may be told. Times of day are the `zone`'s."""

    def __init__(self, desk: Desk, accounts: Accounts, rights: Rights, zone: ZoneInfo) -> None:
        self._desk = desk
        self._accounts = accounts
        self._rights = rights
        self._zone = zone

    async def told(self, command: ListTasks | Cost | Show, person: str) -> str:
        """The private answer, or why that person is told nothing. Raises StoreError."""
        return await self._rights.unreadable(person) or await self._read(command, person)

    async def _read(self, command: ListTasks | Cost | Show, person: str) -> str:
        match command:
            case ListTasks():
                tasks, gates = await self._desk.open_tasks(_LISTED), await self._desk.gates()
                outlooks, paused = await self._desk.outlooks(tasks), await self._desk.paused()
                return texts.listed(tasks, _LISTED, shut(gates), outlooks, paused)
            case Cost(period):
                today = self._accounts.today()
                return texts.cost(period, await self._accounts.cost(first_day(period, today), today))
            case Show(task_id, history=True):
                return await chronicle(self._desk, self._rights, task_id, self._zone)
            case Show(task_id):
                return await self._show(task_id, person)

    async def _show(self, task_id: int, person: str) -> str:
        try:
            task, attempts = await self._desk.show(task_id)
            asked = await self._desk.questions(task_id)
            question = next((one for one in asked if one.ending is None), None)
            gates, outlooks = await self._desk.gates(), await self._desk.outlooks([task])
            back, operator = holding_back(gates, task), await self._rights.operates(person)
            return texts.shown(task, attempts, back, question, outlooks, operator=operator)
        except NotFound as error:
            return escape(str(error))
