"""Many sessions at once against one day's money: together they never overshoot it, and all is booked."""

import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.rehearsal.claude import Failure
from bot.views.card import card
from dispatch.booking import Booking
from dispatch.budget import ALL, Budgets, Line, by_scope
from dispatch.faults import FaultKind
from dispatch.policy import URGENT
from dispatch.states import State
from dispatch.task import HoldKind, Shortage, Task, Tier
from tests.incidents.money_room import MoneyRoom, money_room, tokens
from tests.integration.gateway_room import usage_of

CENT = 10_000
BUDGET, KEPT = 42 * CENT, 9 * CENT
PLAIN, LONG = "investigate stall", "write a long report"
IN_FLIGHT_TOKENS = 1000
"""What an answer that is cut may go on for before the API notices."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a day came to, in micro-dollars: what each budget's scope spent, what each task that was stopped
    for money had under way then, what was served after a cut and not seen."""

    tasks: dict[int, Task]
    spent: dict[str, int]
    flying: dict[int, int]
    cut: int
    unseen: int


async def reckon(room: MoneyRoom) -> Found:
    """Holds the ledger against the API's own books, and the tasks against their caps."""
    rows = {row.request_id: row for row in await room.rows()}
    assert len(rows) == len(await room.rows()), "each request is booked once"
    billed = {one.request_id: one for one in room.claude.served if one.usage}
    assert rows.keys() == billed.keys(), "what was served is booked, and nothing else"
    unseen = 0
    for name, row in rows.items():
        one, price = billed[name], room.price_of_row(row)
        assert price > 0
        if row.estimated:
            *prompt, written = tokens(row.usage)
            *served, sent = tokens(usage_of(one))
            assert prompt == served
            assert 0 <= sent - written <= IN_FLIGHT_TOKENS
            unseen += room.price_of(one) - price
        else:
            assert one.finished
            assert tokens(row.usage) == tokens(usage_of(one))
            assert price == room.price_of(one)
    tasks = {task.id: task for task in await room.tasks()}
    for task in tasks.values():
        own = [row for row in rows.values() if row.task_id == task.id]
        assert task.cost_micro_usd == sum(map(room.price_of_row, own))
        assert task.unpriced == 0
    flying = {task.id: await in_flight(room, task, rows.values()) for task in tasks.values()}
    spent = by_scope([_line(room, row, tasks) for row in rows.values()])
    return Found(tasks, dict(spent), flying, sum(row.estimated for row in rows.values()), unseen)


async def in_flight(room: MoneyRoom, task: Task, rows: Iterable[Booking]) -> int:
    """What a task that was stopped for money may have cost too much: the request that was then under way."""
    own = sorted((row for row in rows if row.task_id == task.id), key=lambda row: row.id)
    newest = room.price_of_row(own[-1]) if own else 0
    assert task.cost_micro_usd < task.route.cap_micro_usd + newest or task.cost_micro_usd == 0
    kinds = {run.fault.kind for run in await room.store.queue.attempts(task.id) if run.fault}
    return newest if kinds & {FaultKind.OVER_CAP, FaultKind.OVER_BUDGET} else 0


def _line(room: MoneyRoom, row: Booking, tasks: dict[int, Task]) -> Line:
    task = tasks[row.task_id]
    return Line(task.route.tier, task.channel, task.requester, room.price_of_row(row))


@pytest.mark.long
async def test_fifty_sessions_at_once_never_overshoot_the_day_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with money_room(tmp_path, Budgets(everybody=BUDGET, urgent=KEPT)) as room:
        room.claude.hold()
        for number in range(8):
            await room.add(3 + number % 2, LONG if number < 4 else PLAIN, 3 * CENT)
        for number in range(20):
            await room.add(5 + number % 3, LONG if number % 2 == 0 else PLAIN, 2 * CENT)
        for number in range(16):
            await room.add(8 + number % 3, PLAIN, CENT)
        await room.all_held()
        first = Counter(task.state for task in await room.tasks())
        assert first[State.RUNNING] + first[State.HELD] == 44
        day = await room.standing()
        assert BUDGET - KEPT - CENT < day.reserved[ALL] + day.spent.get(ALL, 0) <= BUDGET - KEPT
        stopped = [task.id for task in await room.tasks() if task.state is State.RUNNING][4:10:2]
        for number in stopped:
            await room.dispatcher.cancel(number, "U1")
        for failure in (Failure.RATE_LIMIT, Failure.OVERLOADED, Failure.MID_DROP):
            room.claude.fail(failure, times=3)
        room.claude.release()
        states = await room.settled()
        general = await reckon(room)
        held = [task for task in general.tasks.values() if task.state is State.HELD]

        for number in range(6):
            await room.add(1 + number % 2, LONG if number < 2 else PLAIN, KEPT // 6)
        await room.settled()
        whole = await reckon(room)
        attempts = [run for number in whole.tasks for run in await room.store.queue.attempts(number)]

    assert sum(task.route.cap_micro_usd for task in whole.tasks.values()) > 2 * BUDGET
    assert not room.claude.pending_failures
    faults = Counter(run.fault.kind for run in attempts if run.fault)
    assert faults.keys() >= {
        FaultKind.RATE_LIMITED,
        FaultKind.OVERLOADED,
        FaultKind.NETWORK,
        FaultKind.OVER_CAP,
    }
    assert states[State.CANCELLED] == len(stopped) == 3
    assert general.cut >= 5, "answers were cut: cancelled, dropped, at their cap"
    assert general.spent[ALL] <= BUDGET - KEPT + sum(general.flying.values())
    assert whole.spent[ALL] <= BUDGET + sum(whole.flying.values())
    assert first[State.RUNNING] < len(general.tasks) - len(held), "what was not spent went to the next"
    assert first[State.HELD], "the day had no room for all at once"
    assert all(task.priority > URGENT for task in held)
    for task in held:
        assert (task.hold, task.shortage and task.shortage.scope) == (HoldKind.BUDGET, ALL)
        assert "held" in card(task, (), datetime(2026, 11, 23, 12, tzinfo=UTC)).text
    urgent = [task for number, task in whole.tasks.items() if number not in general.tasks]
    assert all(task.state in (State.DONE, State.PARKED, State.FAILED) for task in urgent)
    assert sum(task.state is State.DONE for task in urgent) >= 4
    assert whole.spent[ALL] > general.spent[ALL] + KEPT // 2, "p1 and p2 used what is kept for them"
    with capsys.disabled():
        sys.stdout.write(told(whole, len(room.claude.served)))


def told(found: Found, requests: int) -> str:
    """The day in one line."""
    states = Counter(task.state for task in found.tasks.values())
    spent = found.spent[ALL]
    return (
        f"\nbudget {BUDGET}, spent {spent}, overshoot {max(spent - BUDGET, 0)} micro-dollars; "
        f"{requests} requests, {found.cut} cut (served unseen: {found.unseen} micro-dollars), "
        f"{states[State.HELD]} tasks held, {states[State.DONE]} done, {dict(states)}\n"
    )


def drawn(chance: random.Random) -> Budgets:
    """Budgets of every kind, some of them set."""

    def some(least: int, most: int) -> int | None:
        return chance.randint(least, most) * CENT if chance.random() < 0.6 else None

    everybody = chance.randint(8, 16) * CENT
    return Budgets(
        everybody=everybody,
        urgent=chance.choice([0, everybody // 5]),
        channel=some(4, 8),
        channels={"C2": 5 * CENT},
        person=some(4, 8),
        people={"U3": 4 * CENT},
        tiers={tier: limit for tier in Tier if (limit := some(3, 8)) is not None},
    )


@pytest.mark.parametrize("seed", range(3))
async def test_no_budget_of_any_kind_is_overshot(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    budgets = drawn(chance)
    async with money_room(tmp_path, budgets) as room:
        wanted = 0
        for _ in range(24):
            cap = chance.choice([CENT // 2, CENT, 2 * CENT, 3 * CENT])
            words = LONG if chance.random() < 0.4 else PLAIN
            await room.add(
                chance.randint(1, 10), words, cap, chance.choice(["C1", "C2", ""]), f"U{chance.randint(1, 3)}"
            )
            wanted += cap
        for failure in chance.sample([Failure.RATE_LIMIT, Failure.OVERLOADED, Failure.MID_DROP], 2):
            room.claude.fail(failure, times=chance.randint(1, 3))
        await room.settled()
        found, day = await reckon(room), await room.standing()
        held = [task for task in found.tasks.values() if task.state is State.HELD]

    limits = budgets.named(found.spent)
    assert wanted > limits[ALL], "not everything fits"
    for scope, limit in limits.items():
        assert found.spent.get(scope, 0) <= limit + _flying(found, scope), scope
    general = sum(task.cost_micro_usd for task in found.tasks.values() if task.priority > URGENT)
    assert general <= limits[ALL] - budgets.urgent + sum(found.flying.values())
    for task in held:
        assert task.shortage
        assert isinstance(room.terms.purse(room.clock.now()).admit(task, day), Shortage), "it does not fit"


def _flying(found: Found, scope: str) -> int:
    return sum(
        under_way
        for number, under_way in found.flying.items()
        if scope in (ALL, *_scopes(found.tasks[number]))
    )


def _scopes(task: Task) -> tuple[str, str, str]:
    return f"tier:{task.route.tier}", f"channel:{task.channel}", f"person:{task.requester}"
