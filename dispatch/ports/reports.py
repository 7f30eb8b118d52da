"""What digests and bills are counted from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dispatch.findings import AttemptEnd, FirstStart, Thumb
from dispatch.task import Task, Tier


@dataclass(frozen=True, slots=True)
class Spending:
    """What one tier spent in a window, and how many tasks spent it. `unpriced` counts requests in no sum."""

    tier: Tier
    tasks: int
    micro_usd: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class BillLine:
    """What a task used and cost in a window, over all its attempts.

    `input_tokens` excludes all cache tokens. `micro_usd` is None where no request of it has a known price;
    `unpriced` counts those without one, which are in no sum. `started_at` is its first start.
    """

    task: Task
    started_at: datetime | None
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    micro_usd: int | None
    unpriced: int


class Reports(Protocol):
    """The ledger over a window [since, until), beside the tasks and attempts that it is of."""

    async def booked_tasks(self, since: datetime, until: datetime) -> Sequence[Task]:
        """The tasks that anything was booked for."""
        ...

    async def booked_attempts(self, since: datetime, until: datetime) -> Sequence[AttemptEnd]:
        """The attempts that anything was booked for."""
        ...

    async def first_starts(self, since: datetime, until: datetime) -> Sequence[FirstStart]:
        """The tasks that ran for the first time.

        They waited while they were queued or a budget had no room for them: not while people held them, were
        asked whether they are another, or had them follow one, nor behind another in their thread.
        """
        ...

    async def thumbs(self, since: datetime, until: datetime) -> Sequence[Thumb]:
        """What people came to think of answers: of each person and task the last word."""
        ...

    async def spent_between(self, since: datetime, until: datetime) -> Mapping[str, int]:
        """Micro-dollars by budget scope (`all`, `tier:opus`, `channel:C1`, `person:U1`)."""
        ...

    async def unpriced_between(self, since: datetime, until: datetime) -> Mapping[str, int]:
        """How many requests have no known price, by channel and person (`channel:C1`, `person:U1`)."""
        ...

    async def spending_of_channel(self, channel: str, since: datetime, until: datetime) -> Sequence[Spending]:
        """Sums by tier for the tasks of one channel."""
        ...

    async def open_in_channel(self, channel: str) -> int:
        """How many tasks of a channel have not ended."""
        ...

    async def newest_billed(self, since: datetime, until: datetime) -> int:
        """The highest number of a task that anything was booked for; 0 where nothing was."""
        ...

    async def bill(
        self, since: datetime, until: datetime, after: int, newest: int, limit: int
    ) -> Sequence[BillLine]:
        """The lines of the first tasks behind number `after` and up to `newest`, in order."""
        ...
