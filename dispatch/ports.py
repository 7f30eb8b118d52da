"""What the path needs from the world: small protocols in our own types. Pure.

All datetimes are aware and UTC; all money is integer micro-dollars.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from dispatch.delivery import Delivery, NewDelivery
from dispatch.policy import Settlement
from dispatch.task import (
    Attempt,
    Booking,
    Claim,
    NewTask,
    Outcome,
    Price,
    Route,
    State,
    Task,
    Tier,
    Unpriced,
    Usage,
)


class Clock(Protocol):
    """The time, and waiting for it. Tests move it."""

    def now(self) -> datetime:
        """The present, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns when so many seconds have passed."""
        ...


class Queue(Protocol):
    """Tasks and their attempts. Every move is one transaction that also makes what is due to people."""

    async def enqueue(self, new: NewTask, route: Route, now: datetime) -> tuple[Task, bool]:
        """Stores the task queued, with its card due; False beside it when the request was known already."""
        ...

    async def claim(self, tier: Tier, seats: int, lease_until: datetime, now: datetime) -> Claim | None:
        """Takes the most urgent, then oldest queued task of the tier, if one of its seats is free."""
        ...

    async def renew(self, claim: Claim, lease_until: datetime) -> bool:
        """Prolongs the lease. False when the claim no longer holds."""
        ...

    async def progress(self, claim: Claim, text: str, now: datetime) -> None:
        """Notes what the session is doing now. Raises LeaseLost."""
        ...

    async def settle(self, claim: Claim, outcome: Outcome, settlement: Settlement, now: datetime) -> Task:
        """Ends the attempt and moves the task, with the reply due. Raises LeaseLost."""
        ...

    async def give_back(self, claim: Claim, reason: str, now: datetime) -> None:
        """Queues a running task again: its attempt was lost through no fault of its own. Raises LeaseLost."""
        ...

    async def cancel(self, task_id: int, actor: str, now: datetime) -> Task:
        """Cancels a task that does not run, or asks the running session to stop.

        Raises NotFound, MoveRefused.
        """
        ...

    async def retry(self, task_id: int, actor: str, now: datetime) -> Task:
        """Queues an ended task again, with its strikes forgotten. Raises NotFound, MoveRefused."""
        ...

    async def promote(self, now: datetime) -> int:
        """Queues the held tasks whose time has come. How many."""
        ...

    async def sweep(self, now: datetime) -> int:
        """Queues again the running tasks whose lease has ended. How many."""
        ...

    async def recover(self, now: datetime) -> int:
        """Queues again every running task. For the start, when no other process can hold one. How many."""
        ...

    async def task(self, task_id: int) -> Task:
        """One task. Raises NotFound."""
        ...

    async def open_tasks(self, limit: int) -> Sequence[Task]:
        """The tasks that are not terminal: running first, then by urgency."""
        ...

    async def ended_tasks(self, since: datetime, until: datetime) -> Sequence[Task]:
        """The tasks that reached a terminal state in [since, until)."""
        ...

    async def attempts(self, task_id: int) -> Sequence[Attempt]:
        """All attempts of a task, first to newest."""
        ...

    async def position(self, task_id: int) -> int:
        """How many queued tasks of its tier go before this one."""
        ...

    async def children(self, task_id: int) -> int:
        """How many follow-ups the task has made."""
        ...

    async def counts(self) -> Mapping[State, int]:
        """Tasks by state, of those that are not terminal."""
        ...


@dataclass(frozen=True, slots=True)
class Spending:
    """What one tier spent in a window, and how many tasks spent it. `unpriced` counts requests in no sum."""

    tier: Tier
    tasks: int
    micro_usd: int
    unpriced: int


class Ledger(Protocol):
    """One row for each API request, opened before it is sent."""

    async def open(self, claim: Claim, model: str, now: datetime) -> int:
        """Books a request as open; its number. Raises LeaseLost when the claim no longer holds."""
        ...

    async def book(
        self,
        booking_id: int,
        *,
        model: str,
        request_id: str,
        usage: Usage,
        price: Price | Unpriced,
        estimated: bool,
        now: datetime,
    ) -> None:
        """Closes an open row with what the request came to."""
        ...

    async def drop(self, booking_id: int) -> None:
        """Forgets an open row whose request the API refused before any token."""
        ...

    async def close_open(self, now: datetime) -> int:
        """Books every row left open by a dead process as unpriced. For the start. How many."""
        ...

    async def spent(self, task_id: int) -> int:
        """Micro-dollars booked for the task so far, all attempts."""
        ...

    async def bookings(self, since: datetime, until: datetime) -> Sequence[Booking]:
        """The rows booked in [since, until), oldest first."""
        ...

    async def spending(self, since: datetime, until: datetime) -> Sequence[Spending]:
        """Sums by tier over [since, until)."""
        ...


class Outbox(Protocol):
    """What is due to people."""

    async def put(self, new: NewDelivery, now: datetime) -> bool:
        """Makes a delivery due. False when its key was known already."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """What can be sent now, by weight, then age: of each task only its oldest unsent delivery."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next unsent delivery may be tried, or None when there is none."""
        ...

    async def wait(self, until: Mapping[int, datetime]) -> None:
        """Lets these deliveries, by id, be due only then. Nothing else of them changes."""
        ...

    async def sending(self, delivery_id: int) -> None:
        """Notes that a send begins, so that a crash leaves it in doubt."""
        ...

    async def part_sent(self, delivery_id: int, message: str) -> None:
        """Notes that one part of it arrived under that message id."""
        ...

    async def sent(self, delivery_id: int, revision: int, message: str | None, now: datetime) -> None:
        """Closes the delivery at that revision. A task's first card also becomes its thread."""
        ...

    async def put_off(
        self, delivery_id: int, due_at: datetime, error: str, in_doubt: bool, failed: bool = True
    ) -> None:
        """Tries again at that time. `in_doubt` is False when the send is known not to have arrived.

        It counts as a try unless it has not `failed` but was only told to wait.
        """
        ...

    async def refused(self, delivery_id: int, error: str, now: datetime) -> None:
        """Gives the delivery up, with the reason kept."""
        ...

    async def move_to(self, task_id: int, channel: str, now: datetime) -> None:
        """Sends all that is still due for the task, and all to come, to another channel, its card first."""
        ...


class Digests(Protocol):
    """Which days have been told to which channel."""

    async def last_day(self, channel: str) -> date | None:
        """The newest day told, in the channel's zone."""
        ...

    async def tell(self, channel: str, day: date, digest: NewDelivery | None, now: datetime) -> bool:
        """Notes the day as told and makes its digest due, in one transaction. False when told before.

        Without a digest the day is only noted: the first day told is the one after it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a session may call. `schema` is JSON Schema of its input; `call` answers the model."""

    name: str
    description: str
    schema: Mapping[str, object]
    call: Callable[[Mapping[str, object]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Access:
    """How one attempt reaches the API: an address and a key that end with the attempt."""

    base_url: str
    key: str
    tools: tuple[Tool, ...]


class Gateway(Protocol):
    """What a session may reach. Prices, books and stops every request."""

    def admit(self, claim: Claim) -> AbstractAsyncContextManager[Access]:
        """Opens the way for one attempt; closing it cuts what is still under way."""
        ...


@dataclass(slots=True)
class Draft:
    """What a session has written so far, and on which model. Its runner keeps it; it outlives a cut."""

    text: str = ""
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One attempt, ready to run. `prompt` is the request with what it quotes."""

    task_id: int
    attempt: int
    model: str
    effort: str
    max_output_tokens: int
    wall_clock: timedelta
    prompt: str
    access: Access
    draft: Draft = field(default_factory=Draft, compare=False)


class Runner(Protocol):
    """Runs a session, fresh, in one way. Returns an outcome for everything that can go wrong in it."""

    async def run(self, session: Session) -> Outcome:
        """Cancelling it ends the session at once."""
        ...


class Seats(Protocol):
    """Places where sessions run, on this machine or another."""

    async def run(self, session: Session) -> Outcome:
        """Gives the session a seat until it ends or its wall clock does. Always returns an outcome."""
        ...


class Quotes(Protocol):
    """The talk a request refers to."""

    async def of(self, task: Task) -> str:
        """The thread the request was made in, up to the request, as words; empty where there is none.

        Raises Unreachable.
        """
        ...


class Notifier(Protocol):
    """Told that something is due to people."""

    def wake(self) -> None:
        """Returns at once."""
        ...
