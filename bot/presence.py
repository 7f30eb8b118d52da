"""What Slack shows of an agent: prompts to begin with, whether it works in a thread, and its Stop button.

An older Slack or a smaller manifest may refuse all of it. Then it is left out and nothing else changes.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Protocol, Self

from bot.grammar import Cancel
from bot.heard import Place
from bot.intake import Intake
from bot.ports import ChatError, RateLimited, Refused
from dispatch.errors import StoreError
from dispatch.ports import Clock
from dispatch.states import State
from dispatch.task import Source, Task

EVERY: Final = 1.0
"""Seconds between two looks at the queue."""

_LOOKED_AT: Final = 200
_ENDED: Final = 50
_TOGETHER: Final = timedelta(minutes=10)
"""So long before the last end other tasks may have ended as the process before this one stopped."""

_NEVER: Final = frozenset(
    {
        "access_denied",
        "feature_not_enabled",
        "method_deprecated",
        "missing_scope",
        "no_permission",
        "not_allowed",
        "not_allowed_token_type",
        "unknown_method",
    }
)
"""Slack's words for what it will not do for us at all."""

_PROMPTS, _RUNS = "suggested prompts", "what runs in a thread"
_log = logging.getLogger(__name__)


class Status(StrEnum):
    """What Slack shows of us in a thread: it can be spoken to, it works and can be stopped, or it waits."""

    ACTIVE = "active"
    PROCESSING = "processing"
    SUSPENDED = "suspended"


class Threads(Protocol):
    """What presence needs of Slack. Every method raises ChatError."""

    async def suggest(self, channel: str, prompts: Sequence[Mapping[str, str]]) -> None:
        """Offers prompts, each a `title` and a `message`, in our direct messages with a person."""
        ...

    async def show_status(self, channel: str, thread: str, status: str) -> None:
        """Shows in a thread what we are doing there."""
        ...


class Open(Protocol):
    """The queue, as far as it is shown."""

    async def open_tasks(self, limit: int) -> Sequence[Task]:
        """The tasks that have not ended, running first. Raises StoreError."""
        ...

    async def last_ended(self, limit: int) -> Sequence[Task]:
        """The tasks that ended last, the newest first. Raises StoreError."""
        ...


_Thread = tuple[str, str]


class Presence:
    """Keeps what Slack shows as the queue is, as an asynchronous context manager, and takes Stop.

    Slack is asked nothing before an event is taken. At the start threads are cleared that may still show
    what ran in the process before this one.
    """

    def __init__(
        self,
        intake: Intake,
        queue: Open,
        threads: Threads,
        clock: Clock,
        prompts: Sequence[Mapping[str, str]],
    ) -> None:
        self._intake = intake
        self._queue = queue
        self._threads = threads
        self._clock = clock
        self._prompts = prompts
        self._shown: dict[_Thread, Status | None] | None = None
        self._opened: dict[str, None] = {}
        self._left_out: set[str] = set()
        self._refused: set[tuple[str, str]] = set()
        self._quiet_until: datetime | None = None
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look(), name="presence")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def event(self, payload: Mapping[str, Any]) -> None:
        """Hears that direct messages were opened, or that Stop was pressed. Raises StoreError."""
        event: Mapping[str, Any] = payload.get("event") or {}
        match event:
            case {"type": "app_home_opened", "tab": "messages", "channel": str(channel)}:
                self._opened[channel] = None
            case {
                "type": "agent_session_stopped",
                "channel": str(channel),
                "thread_ts": str(thread),
                "user": str(person),
            }:
                await self._stop((channel, thread), person, str(event.get("event_ts") or ""))

    async def refresh(self) -> None:
        """Tells Slack what it does not show yet. Raises StoreError."""
        if self._quiet_until is not None and self._clock.now() < self._quiet_until:
            return
        try:
            await self._suggest()
            await self._show_all()
        except RateLimited as limited:
            self._quiet_until = self._clock.now() + timedelta(seconds=limited.retry_after)
        except ChatError as error:
            _log.info("Slack does not show yet what runs: %s", error)

    async def _look(self) -> None:
        while True:
            try:
                await self.refresh()
            except StoreError as error:
                _log.error("what runs cannot be shown: %s", error)
            except Exception:
                _log.exception("showing what runs broke")
            await self._clock.sleep(EVERY)

    async def _stop(self, thread: _Thread, person: str, pressed: str) -> None:
        """Cancels what runs in a thread, as that person. Slack has us say ourselves how it stands then."""
        channel, root = thread
        for task in await self._queue.open_tasks(_LOOKED_AT):
            if _of(task) != thread or task.state is not State.RUNNING:
                continue
            place = Place(
                key=f"stop:{channel}:{root}:{pressed}:{task.id}",
                source=Source.DM if channel.startswith("D") else Source.MENTION,
                person=person,
                channel=channel,
                thread=root,
                in_thread=True,
            )
            await self._intake.tell(place, await self._intake.do(Cancel(task.id), place))
        if self._shown is not None:
            self._shown[thread] = None

    async def _suggest(self) -> None:
        while self._opened:
            channel = next(iter(self._opened))
            if self._offers(_PROMPTS):
                try:
                    await self._threads.suggest(channel, self._prompts)
                except Refused as refused:
                    self._leave_out(_PROMPTS, refused.code)
            self._opened.pop(channel, None)

    async def _show_all(self) -> None:
        tasks = await self._queue.open_tasks(_LOOKED_AT)
        if self._shown is None:
            self._shown = _left(tasks, await self._queue.last_ended(_ENDED))
        wanted, shown = _wanted(tasks), self._shown
        for thread in {**wanted, **shown}:
            status = wanted.get(thread, Status.ACTIVE)
            if self._offers(_RUNS) and shown.get(thread) is not status:
                await self._show(thread, status)
            shown[thread] = status
            if status is Status.ACTIVE:
                del shown[thread]

    async def _show(self, thread: _Thread, status: Status) -> None:
        try:
            await self._threads.show_status(*thread, status)
        except Refused as refused:
            self._leave_out(_RUNS, refused.code)

    def _offers(self, what: str) -> bool:
        return what not in self._left_out

    def _leave_out(self, what: str, code: str) -> None:
        """Notes a refusal, once in the log; what Slack never does is not asked of it again."""
        if code in _NEVER:
            self._left_out.add(what)
        if (what, code) not in self._refused:
            self._refused.add((what, code))
            _log.warning("Slack does not show %s (%s); going on without", what, code)


def _left(tasks: Iterable[Task], ended: Sequence[Task]) -> dict[_Thread, Status | None]:
    """The threads that may show anything, as nobody knows now what: of what ran before and does not run now.

    `ended` are the tasks that ended last, the newest first.
    """
    newest = next((task.finished_at for task in ended if task.finished_at), None)
    over = [task for task in ended if task.finished_at and newest and newest - task.finished_at <= _TOGETHER]
    begun = [task for task in (*tasks, *over) if task.attempt]
    return {thread: None for task in begun if (thread := _of(task)) is not None}


def _wanted(tasks: Iterable[Task]) -> Mapping[_Thread, Status]:
    """What each thread is to show in which a task runs or waits for something."""
    wanted: dict[_Thread, Status] = {}
    for task in tasks:
        thread, status = _of(task), _status(task)
        if thread is not None and status is not None and wanted.get(thread) is not Status.PROCESSING:
            wanted[thread] = status
    return wanted


def _of(task: Task) -> _Thread | None:
    return (task.channel, task.thread) if task.channel and task.thread else None


def _status(task: Task) -> Status | None:
    if task.state is State.RUNNING:
        return None if task.cancel_asked else Status.PROCESSING
    return Status.SUSPENDED if task.state in (State.WAITING, State.HELD) else None
