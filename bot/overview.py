"""What there is to show of the queue, and one person's Home made of it."""

import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol

from bot import struck
from bot.ports import ChatError, Desk, Rights
from bot.views.day import Day
from bot.views.home import MOST, Board, Home, Seated, home, shut_out
from bot.views.looks import Look, Page, page_of
from bot.views.quiet import hushed
from bot.views.rows import Row
from bot.views.waits import holding_back, shut
from dispatch.budget import Standing
from dispatch.forecast import Outlook
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.ports import Spending
from dispatch.questions import Question
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Attempt, Task, Tier
from dispatch.terms import Terms

_LINKS: Final = 500
_ASKS: Final = frozenset({State.RUNNING, State.WAITING})
_WAITS: Final = frozenset({State.QUEUED, State.HELD})
_log = logging.getLogger(__name__)


class Books(Protocol):
    """What is shown of money and of the day."""

    def today(self) -> date:
        """The date where the team is."""
        ...

    async def cost(self, first: date, last: date) -> Sequence[Spending]:
        """What each tier spent on the days `first` to `last`, both included."""
        ...

    async def unpriced_today(self) -> Mapping[str, int]:
        """How many of today's requests have no known price, by channel and person as budgets name them."""
        ...

    async def standing(self) -> Standing:
        """What today has cost and what running tasks may still spend, by budget."""
        ...

    async def ended_today(self) -> Sequence[Task]:
        """The tasks that ended today."""
        ...


class Rooms(Protocol):
    """What is known of channels."""

    async def readable(self, person: str, channels: Iterable[str]) -> frozenset[str]:
        """Those of the channels that a person surely may read."""
        ...


class Links(Protocol):
    """Where messages are. Raises ChatError."""

    async def permalink(self, channel: str, ts: str) -> str:
        """A link to a message."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """The queue as of now, the same for whoever looks."""

    waiting: Sequence[Task]
    ended: Sequence[Task]
    questions: Mapping[int, Question]
    gates: Sequence[Gate]
    spending: Sequence[Spending]
    standing: Standing
    unpriced: Mapping[str, int]
    paused: Paused | None


class Overview:
    """Reads the queue and says what one person may see of it. Raises StoreError.

    Everybody sees that a task is there; its words are shown to its requester, and to others only where it was
    asked for in a public channel or at the command line. `secrets` are struck out of everything.
    """

    def __init__(
        self,
        desk: Desk,
        books: Books,
        rights: Rights,
        rooms: Rooms,
        links: Links,
        terms: Terms,
        default_priority: int,
        secrets: Iterable[str] = (),
    ) -> None:
        self._desk = desk
        self._books = books
        self._rights = rights
        self._rooms = rooms
        self._links = links
        self._terms = terms
        self._default_priority = default_priority
        self._secrets = tuple(secrets)
        self._known_links: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def read(self) -> Seen:
        """The queue as of now."""
        waiting, today = await self._desk.open_tasks(MOST), self._books.today()
        questions = dict[int, Question]()
        for task in waiting:
            if task.state in _ASKS and (asked := await self._open_question(task.id)):
                questions[task.id] = asked
        return Seen(
            waiting,
            await self._books.ended_today(),
            questions,
            shut(await self._desk.gates()),
            await self._books.cost(today, today),
            await self._books.standing(),
            await self._books.unpriced_today(),
            await self._desk.paused(),
        )

    async def home(self, person: str, look: Look, seen: Seen, notice: str = "") -> Home:
        """What the person's Home shows; `notice` is what they are told of their last press, safe already."""
        if why := await self._rights.unreadable(person):
            return shut_out(why, look)
        page = page_of(seen.waiting, seen.ended, seen.questions, person, look)
        rows, names = await self._rows(person, page, seen)
        operates = await self._rights.operates(person)
        board = Board(
            person=person,
            is_cut=len(seen.waiting) >= MOST,
            look=replace(look, page=page.number),
            page=page,
            rows=rows,
            day=Day(seen.spending, seen.standing, self._terms.budgets, seen.unpriced),
            gates=seen.gates,
            paused=seen.paused,
            table=self._terms.table,
            notice=notice,
            seats=self._seats(seen.waiting) if operates else None,
            default_priority=self._default_priority if operates else None,
        )
        return home(board, lambda one: names.get(one, ""))

    async def _rows(self, person: str, page: Page, seen: Seen) -> tuple[list[Row], Mapping[str, str]]:
        tasks = [task for _, task in page.tasks]
        outlooks = await self._desk.outlooks([task for task in tasks if task.state in _WAITS])
        others = [task for task in tasks if task.requester != person]
        readable = await self._rooms.readable(person, {task.channel for task in others if task.channel})
        pauser = {seen.paused.actor} if seen.paused else set[str]()
        names = await self._rights.names(sorted({task.requester for task in others} | pauser))
        return [await self._row(person, task, seen, outlooks, readable) for task in tasks], names

    async def _row(
        self,
        person: str,
        task: Task,
        seen: Seen,
        outlooks: Mapping[int, Outlook],
        readable: Collection[str],
    ) -> Row:
        theirs = task.requester == person
        last = await self._last(task) if task.state is State.RUNNING else None
        question = seen.questions.get(task.id) if theirs else None
        if self._terms.is_quiet(task.channel):
            task, attempts = hushed(task, [last] if last else [])
            last = attempts[0] if attempts else None
        back = holding_back({gate.name: gate for gate in seen.gates}, task)
        return Row(
            task=struck.of_task(task, self._secrets),
            hidden=not theirs and bool(task.channel) and task.channel not in readable,
            last=last,
            question=struck.of_question(question, self._secrets) if question else None,
            outlook=outlooks.get(task.id),
            gate=back[0] if back else None,
            link=await self._link(task) if question else "",
        )

    async def _last(self, task: Task) -> Attempt | None:
        _, attempts = await self._desk.show(task.id)
        if not attempts:
            return None
        return struck.of_attempt(attempts[-1], self._secrets)

    async def _open_question(self, task_id: int) -> Question | None:
        asked = await self._desk.questions(task_id)
        return next((question for question in asked if question.ending is None), None)

    async def _link(self, task: Task) -> str:
        """A link to the task's thread; empty where there is none to be had."""
        if not task.channel or task.thread is None:
            return ""
        place = (task.channel, task.thread)
        if place not in self._known_links:
            try:
                self._known_links[place] = await self._links.permalink(*place)
            except ChatError as error:
                _log.warning("there is no link to the thread of #%d: %s", task.id, error)
                return ""
            if len(self._known_links) > _LINKS:
                self._known_links.popitem(last=False)
        return self._known_links[place]

    def _seats(self, waiting: Sequence[Task]) -> list[Seated]:
        tiers = [*MODEL_TIERS, *([Tier.SCRIPT] if self._terms.scripts else [])]
        taken = [task.route.tier for task in waiting if task.state is State.RUNNING]
        return [Seated(tier, taken.count(tier), self._terms.seating(tier).seats) for tier in tiers]
