"""What operators must be told: readings of the whole in, alarms out. Pure.

Tasks held by a budget are not queued and so can never look like a stall. Neither does what waits at a
closed gate, which is an alarm of its own, or in a queue that people have paused.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatch.alarms import (
    Alarm,
    Deaf,
    Disk,
    DiskLow,
    LineDown,
    ManyTokens,
    Overdue,
    Shut,
    Stalled,
    StillPaused,
    StoreRefuses,
)
from dispatch.faults import FaultKind
from dispatch.gates import Gate, GateState, names
from dispatch.pauses import Paused
from dispatch.policy import URGENT
from dispatch.ports import UnderWay, Waiting
from dispatch.task import Tier
from dispatch.terms import Terms

STALL = timedelta(minutes=3)
"""A tier that could start a task and has not for so long has stalled."""

GATE_PATIENCE = timedelta(minutes=5)
"""A gate that closes by itself may be shut for so long, probes included, before anybody is told."""

DEAF_AFTER = timedelta(seconds=60)
"""With no line to Slack for so long, requests are getting lost."""

LINE_PATIENCE = timedelta(minutes=10)
"""One line of several may be down for so long: the others still hear everything."""

PAUSED_LONG = timedelta(days=1)
"""After so long people are reminded that they have paused the queue."""

TOKENS = 2_000_000
"""An attempt that has used more tokens than this is worth a look."""

MEGABYTE = 1_000_000

FREE_BYTES = 200 * MEGABYTE
"""Less free space than this, or than `FREE_PERCENT`, is nearly full."""

FREE_PERCENT = 1

EASED = 2
"""The disk's alarm is over at so many times the space that raised it, so that it does not flicker."""

_AT_ONCE = frozenset({FaultKind.AUTHENTICATION, FaultKind.BILLING, FaultKind.SUSPENDED})


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is normal: the team's terms, how long a lease holds, how many lines to Slack there are, if any.

    `tokens` is the most one attempt uses, `free_bytes` the least free space.
    """

    terms: Terms
    lease: timedelta
    lines: int
    tokens: int = TOKENS
    free_bytes: int = FREE_BYTES


@dataclass(frozen=True, slots=True)
class QueueReading:
    """What the queue says of itself."""

    waiting: Sequence[Waiting] = ()
    under_way: Sequence[UnderWay] = ()
    gates: Mapping[str, Gate] = field(default_factory=dict)
    paused: Paused | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything as of `now`.

    `connected` counts the lines to Slack that answer a ping. `queue` and `disk` are None where they
    cannot be read. `store_error` says how the database refused to be written or read, if it did.
    """

    now: datetime
    connected: int
    queue: QueueReading | None
    disk: Disk | None
    store_error: str | None = None


@dataclass(frozen=True, slots=True)
class Still:
    """A tier that could start its first in line: how it looks, and since when it has looked so."""

    looks: tuple[object, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What earlier readings showed, for all that only time shows."""

    still: Mapping[Tier, Still] = field(default_factory=dict)
    fewer_since: datetime | None = None
    none_since: datetime | None = None
    refused_since: datetime | None = None


def look(
    reading: Reading, before: Seen, standing: Collection[str], bounds: Bounds
) -> tuple[tuple[Alarm, ...], Seen]:
    """The alarms that stand by this reading, and what to remember for the next.

    `standing` are the keys of those that stood before: these need no patience any more.
    """
    now, queue = reading.now, reading.queue
    seen = Seen(
        before.still if queue is None else _still(queue, before.still, bounds.terms, now),
        _since(reading.connected < bounds.lines, before.fewer_since, now),
        _since(reading.connected == 0 < bounds.lines, before.none_since, now),
        _since(reading.store_error is not None, before.refused_since, now),
    )
    found: list[Alarm] = [
        *_lines(reading, seen, standing, bounds),
        *_machine(reading, seen, standing, bounds),
    ]
    if queue is not None:
        if reading.store_error is None:
            found += _stalled(queue, seen.still, standing, now)
        found += [*_shut(queue, now), *_sessions(queue, bounds, now), *_paused(queue, now)]
    return tuple(found), seen


def tells(reading: Reading, key: str) -> bool:
    """Whether the reading says anything about the alarm: what cannot be read has not got better."""
    match key.partition(":")[0]:
        case "stalled":
            return reading.queue is not None and reading.store_error is None
        case "overdue" | "tokens" | "gate" | "paused":
            return reading.queue is not None
        case "disk":
            return reading.disk is not None
        case _:
            return True


def _since(now_so: bool, before: datetime | None, now: datetime) -> datetime | None:
    return (before or now) if now_so else None


def _still(
    queue: QueueReading, before: Mapping[Tier, Still], terms: Terms, now: datetime
) -> Mapping[Tier, Still]:
    found: dict[Tier, Still] = {}
    for line in [] if queue.paused else queue.waiting:
        if _could_start(line, queue, terms):
            running = [(u.task.id, u.task.attempt) for u in queue.under_way if u.task.route.tier is line.tier]
            looks = (line.first.id, line.first.updated_at, line.last_start, *sorted(running))
            old = before.get(line.tier)
            found[line.tier] = old if old and old.looks == looks else Still(looks, now)
    return found


def _could_start(line: Waiting, queue: QueueReading, terms: Terms) -> bool:
    """Whether nothing that is meant to keeps the first in line from its seat."""
    gates = (queue.gates.get(name) for name in names(line.tier))
    seating = terms.seating(line.tier)
    seats = seating.seats - (0 if line.first.priority <= URGENT else seating.kept)
    theirs = sum(running.task.requester == line.first.requester for running in queue.under_way)
    passes = all(gate is None or gate.state is GateState.OPEN for gate in gates)
    return passes and line.running < seats and theirs < seating.per_requester


def _stalled(
    queue: QueueReading, still: Mapping[Tier, Still], standing: Collection[str], now: datetime
) -> Iterator[Stalled]:
    for line in [] if queue.paused else queue.waiting:
        if (idle := still.get(line.tier)) is None or now - line.first.updated_at <= STALL:
            continue
        alarm = Stalled(line.tier, line.first, idle.since, line.tasks)
        if now - idle.since > STALL or alarm.key in standing:
            yield alarm


def _shut(queue: QueueReading, now: datetime) -> Iterator[Shut]:
    for gate in queue.gates.values():
        if gate.state is GateState.OPEN:
            continue
        since = gate.closed_at or now
        if gate.fault in _AT_ONCE or (now - since > GATE_PATIENCE and not queue.paused):
            yield Shut(gate, since, _behind(gate, queue))


def _behind(gate: Gate, queue: QueueReading) -> int:
    return sum(line.tasks for line in queue.waiting if gate.name in names(line.tier))


def _paused(queue: QueueReading, now: datetime) -> Iterator[StillPaused]:
    if queue.paused is not None and now - queue.paused.since > PAUSED_LONG:
        yield StillPaused(queue.paused.since, sum(line.tasks for line in queue.waiting))


def _sessions(queue: QueueReading, bounds: Bounds, now: datetime) -> Iterator[Overdue | ManyTokens]:
    for running in queue.under_way:
        limit = bounds.terms.wall_clock(running.task)
        up = running.started_at + limit
        if now - up > bounds.lease:
            yield Overdue(running.task, limit, up)
        if running.tokens > bounds.tokens:
            yield ManyTokens(running.task, running.tokens, bounds.tokens, now)


def _lines(
    reading: Reading, seen: Seen, standing: Collection[str], bounds: Bounds
) -> Iterator[Deaf | LineDown]:
    now = reading.now
    if seen.none_since is not None and (now - seen.none_since > DEAF_AFTER or "deaf" in standing):
        yield Deaf(bounds.lines, seen.none_since)
    if seen.fewer_since is None:
        return
    long = reading.connected > 0 and now - seen.fewer_since > LINE_PATIENCE
    if long or "line" in standing:
        yield LineDown(reading.connected, bounds.lines, seen.fewer_since)


def _machine(
    reading: Reading, seen: Seen, standing: Collection[str], bounds: Bounds
) -> Iterator[DiskLow | StoreRefuses]:
    if (disk := reading.disk) is not None:
        least = max(bounds.free_bytes, disk.total * FREE_PERCENT // 100)
        if disk.free < (least * EASED if "disk" in standing else least):
            yield DiskLow(disk, reading.now)
    if reading.store_error is not None and seen.refused_since is not None:
        waiting = sum(line.tasks for line in reading.queue.waiting) if reading.queue else 0
        yield StoreRefuses(reading.store_error, seen.refused_since, waiting)
