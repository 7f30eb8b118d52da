"""The command line's verbs, done on a dispatcher: words in, records out.

The same verbs serve a command that runs alone and one that reaches the running process.
"""

import getpass
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.bill import LINES, bill_record
from bot.grammar import Period, Run, Submit, UsageError, parse
from bot.periods import first_day, next_time
from bot.records import (
    Record,
    backup_record,
    cost_record,
    digest_record,
    full_record,
    gate_record,
    outlook_record,
    pause_record,
    step_record,
    task_record,
)
from bot.scripts import NO_SCRIPTS, Scripts
from bot.transcripts import PAGE, transcript_record
from bot.views.waits import holding_back, shut
from bot.words import counted
from dispatch.digest import Digest
from dispatch.errors import NotFound, OnequeueError
from dispatch.forecast import Outlook
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.ports import Backup, BillLine, Clock, Spending, Transcripts
from dispatch.questions import Question
from dispatch.states import TERMINAL, Step
from dispatch.task import Attempt, NewTask, Source, Task

Ask = Callable[[str, Mapping[str, str]], Awaitable[Record]]
"""A verb and its words -> its record. Raises OnequeueError or Misused."""

_LOOK_AGAIN = 0.2


class Misused(OnequeueError):
    """The words behind a verb cannot be read; the message shows the right form."""


class Desk(Protocol):
    """What the verbs need of the dispatcher."""

    async def submit(self, new: NewTask) -> tuple[Task, bool]: ...
    async def cancel(self, task_id: int, actor: str) -> Task: ...
    async def retry(self, task_id: int, actor: str) -> Task: ...
    async def reprioritise(self, task_id: int, priority: int, actor: str) -> Task: ...
    async def hold(self, task_id: int, actor: str) -> Task: ...
    async def release(self, task_id: int, actor: str) -> Task: ...
    async def outlooks(self, tasks: Iterable[Task]) -> Mapping[int, Outlook]: ...
    async def show(self, task_id: int) -> tuple[Task, Sequence[Attempt]]: ...
    async def open_tasks(self, limit: int = 50) -> Sequence[Task]: ...
    async def questions(self, task_id: int) -> Sequence[Question]: ...
    async def history(self, task_id: int) -> Sequence[Step]: ...
    async def thumbs(self, task_id: int) -> Mapping[str, bool]: ...
    async def resume(self, actor: str) -> Sequence[Gate]: ...
    async def pause(self, actor: str) -> Paused: ...
    async def unpause(self, actor: str) -> Paused | None: ...
    async def paused(self) -> Paused | None: ...
    async def gates(self) -> Mapping[str, Gate]: ...


class Accounts(Protocol):
    """What the verbs need to know of money: the books."""

    async def cost(self, first: date, last: date) -> Sequence[Spending]: ...
    async def disputed(self, first: date, last: date) -> Sequence[int]: ...
    async def digest(self, first: date, last: date) -> Digest: ...
    async def bill(
        self, first: date, last: date, after: int, newest: int | None, limit: int
    ) -> tuple[Sequence[BillLine], int]: ...
    async def post_digest(self, day: date) -> bool: ...
    def today(self) -> date: ...


class Vault(Protocol):
    """What is backed up and keeps the transcripts: the store."""

    @property
    def transcripts(self) -> Transcripts: ...
    async def backup(self, path: Path) -> Backup: ...


@dataclass(frozen=True)
class Console:
    """The verbs. `default_priority` is for tasks whose words name none, `zone` is the team's.

    Whoever may use them may run every script.
    """

    desk: Desk
    accounts: Accounts
    clock: Clock
    default_priority: int
    zone: ZoneInfo
    vault: Vault
    scripts: Scripts = NO_SCRIPTS

    async def ask(self, verb: str, words: Mapping[str, str]) -> Record:
        """Does one verb. Raises OnequeueError, Misused."""
        if verb not in _VERBS:
            raise Misused(f"{verb!r} is no verb of this Onequeue")
        return await _VERBS[verb](self, words)

    async def add(self, words: Mapping[str, str]) -> Record:
        """Queues the task in `text`; the same `key` queues it once."""
        command = parse(words["text"])
        if isinstance(command, UsageError):
            raise Misused(command.text)
        script = None
        if isinstance(command, Run):
            script, command = self._script(command)
        if not isinstance(command, Submit):
            raise Misused("`onequeue add` takes a task, such as: onequeue add p3 investigate stall")
        by = command.by
        task, _ = await self.desk.submit(
            NewTask(
                request_key=f"cli:{words.get('key') or uuid.uuid4()}",
                source=Source.CLI,
                requester=_person(),
                words=command.words,
                priority=command.priority or self.default_priority,
                model=command.model,
                cap_micro_usd=command.cap_micro_usd,
                expires_at=None if by is None else next_time(by, self.clock.now(), self.zone),
                script=script,
                project=command.project,
            )
        )
        return await self._record(task)

    async def _record(self, task: Task) -> Record:
        return task_record(task) | outlook_record((await self.desk.outlooks([task]))[task.id])

    def _script(self, asked: Run) -> tuple[str | None, Submit]:
        if not self.scripts.any:
            return None, Submit(asked.typed)
        if not self.scripts.has(asked.name):
            raise Misused(self.scripts.unknown(asked, self.scripts.names))
        return asked.name, Submit(asked.words)

    async def wait(self, words: Mapping[str, str]) -> Record:
        """Returns the `task` with its answer once it has ended."""
        while (await self.desk.show(_number(words)))[0].state not in TERMINAL:
            await self.clock.sleep(_LOOK_AGAIN)
        return await self.show(words)

    async def tasks(self, _: Mapping[str, str]) -> Record:
        """The tasks that have not ended, the gates that are not open, and whether the queue is paused."""
        found = await self.desk.open_tasks(1000)
        outlooks = await self.desk.outlooks(found)
        tasks = [task_record(task) | outlook_record(outlooks[task.id]) for task in found]
        gates = [gate_record(gate) for gate in shut(await self.desk.gates())]
        return {"tasks": tasks, "gates": gates, "paused": pause_record(await self.desk.paused())}

    async def show(self, words: Mapping[str, str]) -> Record:
        """A `task` with attempts, questions and the gates that hold it back, and if asked its `history`."""
        task, attempts = await self.desk.show(_number(words))
        asked = await self.desk.questions(task.id)
        back, thumbs = holding_back(await self.desk.gates(), task), await self.desk.thumbs(task.id)
        record = full_record(task, attempts, back, asked, thumbs)
        if words.get("history"):
            record["history"] = [step_record(step) for step in await self.desk.history(task.id)]
        return record | outlook_record((await self.desk.outlooks([task]))[task.id])

    async def transcript(self, words: Mapping[str, str]) -> Record:
        """A page of what happened in an `attempt` of a `task`, behind entry `after`; "" is the newest."""
        task, attempts = await self.desk.show(_number(words))
        number, after = int(words["attempt"] or task.attempt), int(words["after"])
        attempt = next((attempt for attempt in attempts if attempt.number == number), None)
        if attempt is None:
            had = counted(task.attempt, "attempt")
            raise NotFound(f"#{task.id} has had {had}{f': there is no attempt {number}' if number else ''}.")
        entries = await self.vault.transcripts.entries(task.id, number, after, PAGE)
        return transcript_record(task, attempt, after, entries)

    async def cancel(self, words: Mapping[str, str]) -> Record:
        """Cancels a `task`."""
        return task_record(await self.desk.cancel(_number(words), _person()))

    async def retry(self, words: Mapping[str, str]) -> Record:
        """Queues an ended `task` again."""
        return task_record(await self.desk.retry(_number(words), _person()))

    async def bump(self, words: Mapping[str, str]) -> Record:
        """Makes a `task` one priority more urgent."""
        return await self._moved(_number(words), -1)

    async def lower(self, words: Mapping[str, str]) -> Record:
        """Makes a `task` one priority less urgent."""
        return await self._moved(_number(words), 1)

    async def _moved(self, number: int, by: int) -> Record:
        priority = (await self.desk.show(number))[0].priority + by
        return await self._record(await self.desk.reprioritise(number, priority, _person()))

    async def hold(self, words: Mapping[str, str]) -> Record:
        """Holds a `task` until it is released."""
        return await self._record(await self.desk.hold(_number(words), _person()))

    async def release(self, words: Mapping[str, str]) -> Record:
        """Queues a `task` again that a person holds."""
        return await self._record(await self.desk.release(_number(words), _person()))

    async def pause(self, _: Mapping[str, str]) -> Record:
        """Lets nothing new start."""
        return {"paused": pause_record(await self.desk.pause(_person()))}

    async def resume(self, _: Mapping[str, str]) -> Record:
        """Lifts a pause, and lets one task try at once at every closed gate."""
        lifted = pause_record(await self.desk.unpause(_person()))
        return {"gates": [gate_record(gate) for gate in await self.desk.resume(_person())], "lifted": lifted}

    async def cost(self, words: Mapping[str, str]) -> Record:
        """What a `period` has cost so far."""
        period, today = Period(words["period"]), self.accounts.today()
        days = first_day(period, today), today
        return cost_record(period, await self.accounts.cost(*days), await self.accounts.disputed(*days))

    async def bill(self, words: Mapping[str, str]) -> Record:
        """A page of the bill `from` a day `to` another, by default those of `period`, behind task `after`.

        `newest` is what the first page says of itself, and empty for that.
        """
        today = self.accounts.today()
        since = first_day(Period(words["period"]), today)
        first = _day(words["from"], today) if words["from"] else since
        last = _day(words["to"], today) if words["to"] else today
        if first > last:
            raise Misused(f"{first} is after {last}. Give the earlier day with --from.")
        newest = int(words["newest"]) if words["newest"] else None
        lines, end = await self.accounts.bill(first, last, int(words["after"]), newest, LINES)
        return bill_record(lines, end)

    async def digest(self, words: Mapping[str, str]) -> Record:
        """The digest of `date`, yesterday by default; posts it when `post` is given."""
        day = _day(words.get("date", ""), self.accounts.today())
        record = digest_record(await self.accounts.digest(day, day))
        return record | {"posted": await self.accounts.post_digest(day)} if words.get("post") else record

    async def backup(self, words: Mapping[str, str]) -> Record:
        """Copies everything stored into the new `file`, a whole path."""
        return backup_record(await self.vault.backup(Path(words["file"])))


_VERBS: Mapping[str, Callable[[Console, Mapping[str, str]], Awaitable[Record]]] = {
    "add": Console.add,
    "wait": Console.wait,
    "list": Console.tasks,
    "show": Console.show,
    "transcript": Console.transcript,
    "cancel": Console.cancel,
    "retry": Console.retry,
    "bump": Console.bump,
    "lower": Console.lower,
    "hold": Console.hold,
    "release": Console.release,
    "pause": Console.pause,
    "resume": Console.resume,
    "cost": Console.cost,
    "bill": Console.bill,
    "digest": Console.digest,
    "backup": Console.backup,
}


def _number(words: Mapping[str, str]) -> int:
    return int(words["task"])


def _day(text: str, today: date) -> date:
    day = date.fromisoformat(text) if text else today - timedelta(days=1)
    if day > today:
        raise Misused(f"{day} is still to come. Give a day up to {today}, as YYYY-MM-DD.")
    return day


def _person() -> str:
    return f"cli:{getpass.getuser()}"
