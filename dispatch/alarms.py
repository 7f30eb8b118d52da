"""What operators can be told is wrong, each with its facts. Pure; values only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.gates import Gate
from dispatch.task import Task, Tier


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of the database, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Stalled:
    """A tier with work and a seat for it starts nothing. `waiting` tasks are queued there."""

    tier: Tier
    first: Task
    since: datetime
    waiting: int

    @property
    def key(self) -> str:
        """Names the alarm."""
        return f"stalled:{self.tier}"


@dataclass(frozen=True, slots=True)
class Overdue:
    """A session runs on after its time, which was up at `since`."""

    task: Task
    limit: timedelta
    since: datetime
    waiting: int = 1

    @property
    def key(self) -> str:
        """Names the alarm."""
        return f"overdue:{self.task.id}:{self.task.attempt}"


@dataclass(frozen=True, slots=True)
class Shut:
    """A gate is closed or probing; `waiting` tasks are queued behind it."""

    gate: Gate
    since: datetime
    waiting: int

    @property
    def key(self) -> str:
        """Names the alarm."""
        return f"gate:{self.gate.name}"


@dataclass(frozen=True, slots=True)
class Deaf:
    """No line to Slack answers."""

    lines: int
    since: datetime
    waiting: int = 0

    @property
    def key(self) -> str:
        """Names the alarm."""
        return "deaf"


@dataclass(frozen=True, slots=True)
class LineDown:
    """Some line to Slack does not answer, but not all."""

    connected: int
    lines: int
    since: datetime
    waiting: int = 0

    @property
    def key(self) -> str:
        """Names the alarm."""
        return "line"


@dataclass(frozen=True, slots=True)
class DiskLow:
    """The database's disk is nearly full."""

    disk: Disk
    since: datetime
    waiting: int = 0

    @property
    def key(self) -> str:
        """Names the alarm."""
        return "disk"


@dataclass(frozen=True, slots=True)
class StoreRefuses:
    """The database cannot be used; `error` says why and what to do. `waiting` as far as is known."""

    error: str
    since: datetime
    waiting: int

    @property
    def key(self) -> str:
        """Names the alarm."""
        return "database"


@dataclass(frozen=True, slots=True)
class ManyTokens:
    """A running attempt has used more tokens than one should."""

    task: Task
    tokens: int
    limit: int
    since: datetime
    waiting: int = 0

    @property
    def key(self) -> str:
        """Names the alarm."""
        return f"tokens:{self.task.id}:{self.task.attempt}"


@dataclass(frozen=True, slots=True)
class StillPaused:
    """The whole queue has been paused for long; `waiting` tasks are queued."""

    since: datetime
    waiting: int

    @property
    def key(self) -> str:
        """Names the alarm."""
        return "paused"


Alarm = Stalled | Overdue | Shut | Deaf | LineDown | DiskLow | StoreRefuses | ManyTokens | StillPaused
"""Something operators must be told. `key` tells it from all others that can stand beside it."""


def concerned(key: str) -> frozenset[Tier]:
    """The tiers whose tasks the alarm is about."""
    kind, _, name = key.partition(":")
    return frozenset(tier for tier in Tier if name == tier and kind in ("stalled", "gate")) or frozenset(Tier)
