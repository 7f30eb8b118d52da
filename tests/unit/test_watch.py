"""What stands as an alarm by which reading, and what never does."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.alarms import Alarm, Disk, Overdue, Stalled, concerned
from dispatch.faults import FaultKind
from dispatch.gates import ACCOUNT, RUNTIME, Gate, GateState, names
from dispatch.ports import UnderWay, Waiting
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Tier
from dispatch.terms import Terms
from dispatch.watch import (
    DEAF_AFTER,
    GATE_PATIENCE,
    LINE_PATIENCE,
    MEGABYTE,
    STALL,
    Bounds,
    QueueReading,
    Reading,
    Seen,
    look,
    tells,
)
from tests.fakes.values import NOON, make_task

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
TERMS = Terms(DEFAULT_TABLE, ZoneInfo("UTC"))
BOUNDS = Bounds(TERMS, LEASE, lines=2)
ROOMY = Disk(500_000 * MEGABYTE, 1_000_000 * MEGABYTE)
PRIORITY = {Tier.OPUS: 3, Tier.SONNET: 5, Tier.HAIKU: 9}
OPUS = Waiting(Tier.OPUS, 4, make_task(42, 3), running=0, last_start=None)
SHUT_STATES = st.sampled_from([GateState.CLOSED, GateState.PROBING])


def reading(at: datetime = NOON, queue: QueueReading | None = QueueReading(), **more: object) -> Reading:  # noqa: B008
    return replace(Reading(at, 2, queue, ROOMY), **more)  # type: ignore[arg-type]


def watched(readings: Iterable[Reading], standing: tuple[str, ...] = ()) -> tuple[Alarm, ...]:
    """The alarms after the last of these readings."""
    alarms: tuple[Alarm, ...] = ()
    seen = Seen()
    for each in readings:
        alarms, seen = look(each, seen, standing, BOUNDS)
    return alarms


def over(time: timedelta, queue: QueueReading, step: timedelta = 15 * SECOND) -> list[Reading]:
    """Looks at a queue that stays as it is, from then until now."""
    looks = range(int(time / step) + 1)
    return [reading(NOON + STALL + 2 * SECOND + step * number, queue) for number in looks]


def running(number: int, priority: int = 3, requester: str = "UBEN00001", **more: object) -> UnderWay:
    task = make_task(number, priority, state=State.RUNNING, requester=requester)
    return UnderWay(task, **{"started_at": NOON, "tokens": 0, **more})  # type: ignore[arg-type]


def keys(alarms: Iterable[Alarm]) -> list[str]:
    return sorted(alarm.key for alarm in alarms)


def test_all_well_is_no_alarm() -> None:
    assert watched([reading()]) == ()


def test_without_slack_nothing_is_deaf() -> None:
    alone, seen = replace(BOUNDS, lines=0), Seen()
    for number in range(200):
        alarms, seen = look(reading(NOON + 15 * SECOND * number, connected=0), seen, (), alone)
        assert alarms == ()


def test_a_tier_that_could_start_and_does_not_has_stalled() -> None:
    readings = over(STALL + 15 * SECOND, QueueReading([OPUS]))
    (alarm,) = watched(readings)
    assert isinstance(alarm, Stalled)
    assert (alarm.tier, alarm.waiting, alarm.first.id) == (Tier.OPUS, 4, 42)
    assert alarm.since == readings[0].now
    assert watched(readings[:-1]) == ()


@given(st.sampled_from(MODEL_TIERS), st.integers(0, 2), SHUT_STATES)
def test_behind_a_closed_gate_nothing_has_stalled(tier: Tier, which: int, state: GateState) -> None:
    name = names(tier)[which]
    probe = 7 if state is GateState.PROBING else None
    gate = Gate(name, state, FaultKind.RATE_LIMITED, closed_at=NOON, probe=probe)
    line = Waiting(tier, 2, make_task(1, PRIORITY[tier]), 0, None)
    alarms = watched(over(timedelta(hours=1), QueueReading([line], gates={name: gate}), 5 * 60 * SECOND))
    assert keys(alarms) == [f"gate:{name}"]
    assert alarms[0].waiting == 2


@given(st.sampled_from(MODEL_TIERS), st.integers(1, 10), st.integers(0, 6), st.integers(0, 5))
def test_only_a_free_seat_makes_a_stall(tier: Tier, priority: int, seated: int, own: int) -> None:
    own = min(own, seated)
    first = make_task(1, priority, route=replace(make_task(1).route, tier=tier))
    under_way = [
        running(10 + number, PRIORITY[tier], first.requester if number < own else "UBEN00001")
        for number in range(seated)
    ]
    queue = QueueReading([Waiting(tier, 1, first, seated, None)], under_way)
    seating = TERMS.seating(tier)
    free = seated < seating.seats - (0 if priority <= 2 else seating.kept) and own < seating.per_requester
    alarms = watched(over(STALL + 15 * SECOND, queue))
    assert (f"stalled:{tier}" in keys(alarms)) == free


@given(st.integers(0, 8))
def test_who_sits_in_every_seat_they_may_waits_for_one_of_their_own(seated: int) -> None:
    under_way = [running(10 + number, 9, OPUS.first.requester) for number in range(seated)]
    alarms = watched(over(STALL + 15 * SECOND, QueueReading([OPUS], under_way)))
    assert ("stalled:opus" in keys(alarms)) == (seated < TERMS.seats_per_requester)


@given(st.lists(st.integers(1, 170), max_size=30))
def test_whatever_starts_or_ends_begins_the_wait_anew(steps: list[int]) -> None:
    now, readings = NOON + timedelta(hours=1), []
    for number, step in enumerate(steps):
        now += step * SECOND
        queue = QueueReading([replace(OPUS, running=1)], [running(100 + number)])
        readings.append(reading(now, queue))
    assert "stalled:opus" not in keys(watched(readings))


@given(st.integers(0, 180))
def test_a_task_that_has_just_been_queued_has_not_stalled(seconds: int) -> None:
    late = replace(OPUS, first=replace(OPUS.first, updated_at=NOON + timedelta(minutes=30)))
    before = [reading(NOON + timedelta(minutes=1), QueueReading([late]))]
    now = NOON + timedelta(minutes=30, seconds=seconds)
    assert watched([*before, reading(now, QueueReading([late]))]) == ()


def test_a_stall_that_stood_needs_no_patience_again() -> None:
    now = reading(NOON + timedelta(hours=1), QueueReading([OPUS]))
    assert watched([now]) == ()
    assert keys(watched([now], ("stalled:opus",))) == ["stalled:opus"]


def test_a_database_that_refuses_is_the_only_alarm_of_the_two() -> None:
    readings = [replace(each, store_error="full") for each in over(timedelta(hours=1), QueueReading([OPUS]))]
    (alarm,) = watched(readings)
    assert (alarm.key, alarm.waiting, alarm.since) == ("database", 4, readings[0].now)


@pytest.mark.parametrize("kind", [FaultKind.AUTHENTICATION, FaultKind.BILLING, FaultKind.SUSPENDED])
def test_the_accounts_gate_is_told_at_once(kind: FaultKind) -> None:
    gates = {ACCOUNT: Gate(ACCOUNT, GateState.CLOSED, kind, closed_at=NOON)}
    (alarm,) = watched([reading(NOON, QueueReading([OPUS], gates=gates))])
    assert (alarm.key, alarm.waiting, alarm.since) == ("gate:account", 4, NOON)


@given(
    st.sampled_from([Tier.OPUS.value, RUNTIME]),
    st.sampled_from([FaultKind.RATE_LIMITED, FaultKind.OVERLOADED, FaultKind.NETWORK]),
    SHUT_STATES,
    st.integers(0, 1000),
)
def test_another_gate_is_told_after_five_minutes(
    name: str, kind: FaultKind, state: GateState, seconds: int
) -> None:
    gates = {name: Gate(name, state, kind, closed_at=NOON)}
    alarms = watched([reading(NOON + seconds * SECOND, QueueReading(gates=gates))])
    assert bool(alarms) == (seconds * SECOND > GATE_PATIENCE)


def test_an_open_gate_with_faults_is_no_alarm() -> None:
    gates = {RUNTIME: Gate(RUNTIME, fault=FaultKind.NETWORK, faults=2)}
    assert watched([reading(NOON + timedelta(hours=1), QueueReading(gates=gates))]) == ()


@given(st.sampled_from(MODEL_TIERS), st.integers(0, 7200))
def test_a_session_is_overdue_a_lease_after_its_limit(tier: Tier, seconds: int) -> None:
    queue = QueueReading(under_way=[running(7, PRIORITY[tier])])
    alarms = watched([reading(NOON + seconds * SECOND, queue)])
    limit = DEFAULT_TABLE[tier].wall_clock
    assert keys(alarms) == (["overdue:7:1"] if seconds * SECOND > limit + LEASE else [])
    for alarm in alarms:
        assert isinstance(alarm, Overdue)
        assert alarm.since == NOON + limit


@given(st.integers(0, 4_000_000))
def test_an_attempt_that_reads_in_circles_is_told(tokens: int) -> None:
    queue = QueueReading(under_way=[running(7, tokens=tokens)])
    assert keys(watched([reading(NOON, queue)])) == (["tokens:7:1"] if tokens > 2_000_000 else [])


@given(st.integers(0, 300))
def test_deafness_is_told_after_a_minute(seconds: int) -> None:
    alarms = watched([reading(connected=0), reading(NOON + seconds * SECOND, connected=0)])
    assert keys(alarms) == (["deaf"] if seconds * SECOND > DEAF_AFTER else [])


@given(st.integers(0, 1200))
def test_one_line_of_two_may_be_down_for_ten_minutes(seconds: int) -> None:
    alarms = watched([reading(connected=1), reading(NOON + seconds * SECOND, connected=1)])
    assert keys(alarms) == (["line"] if seconds * SECOND > LINE_PATIENCE else [])


def test_a_line_that_came_back_was_down_anew() -> None:
    seconds = [(0, 0), (59, 0), (60, 2), (61, 0), (120, 0)]
    assert watched([reading(NOON + at * SECOND, connected=up) for at, up in seconds]) == ()


@given(st.integers(1, 10**13), st.floats(0, 1))
def test_a_disk_is_low_below_either_bound_and_eases_at_twice_of_it(total: int, share: float) -> None:
    disk = Disk(int(total * share), total)
    least = max(200 * MEGABYTE, total // 100)
    assert bool(watched([reading(disk=disk)])) == (disk.free < least)
    assert bool(watched([reading(disk=disk)], ("disk",))) == (disk.free < 2 * least)


KEYS = ["stalled:opus", "overdue:1:1", "gate:account", "deaf", "line", "disk", "database", "tokens:1:1"]


def test_what_cannot_be_read_tells_of_no_recovery() -> None:
    blind = Reading(NOON, 2, None, None, "broken")
    assert [key for key in KEYS if tells(blind, key)] == ["deaf", "line", "database"]
    assert all(tells(reading(), key) for key in KEYS)
    assert not tells(reading(store_error="full"), "stalled:opus")


def test_an_alarm_concerns_its_tier_or_all() -> None:
    assert concerned("stalled:opus") == concerned("gate:opus") == {Tier.OPUS}
    assert concerned("gate:account") == concerned("deaf") == set(Tier)


@given(
    st.integers(0, 2),
    st.booleans(),
    st.lists(st.sampled_from([*MODEL_TIERS, ACCOUNT, RUNTIME]), unique=True),
    st.lists(st.tuples(st.integers(1, 10), st.integers(0, 5_000_000)), max_size=5),
)
def test_keys_tell_all_alarms_apart(
    connected: int, refused: bool, shut: list[str], tasks: list[tuple[int, int]]
) -> None:
    gates = {name: Gate(name, GateState.CLOSED, FaultKind.NETWORK, closed_at=NOON) for name in shut}
    under_way = [
        running(number, priority, tokens=tokens) for number, (priority, tokens) in enumerate(tasks, 1)
    ]
    waiting = [Waiting(tier, 1, make_task(90, PRIORITY[tier]), 0, None) for tier in MODEL_TIERS]
    queue = QueueReading(waiting, under_way, gates)
    error = "refused" if refused else None
    looks = [
        reading(NOON + hours * timedelta(hours=1), queue, connected=connected, store_error=error)
        for hours in (1, 2)
    ]
    found = watched([replace(each, disk=Disk(0, 1)) for each in looks])
    assert len(set(keys(found))) == len(found)
    assert all(alarm.since <= looks[-1].now for alarm in found)
