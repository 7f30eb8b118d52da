"""`onequeue cost --csv` over a real database: every cent once, and never all of it at a time."""

import csv
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.bill import LINES, written
from bot.console import Console, Misused
from bot.records import Record
from dispatch.digest import window
from dispatch.routing import DEFAULT_TABLE
from dispatch.store import Store
from dispatch.store.rows import bound
from dispatch.terms import Terms
from tests.fakes.clock import FakeClock
from tests.integration.front_desk import front_desk
from tests.integration.history import fill_day

ZONE = ZoneInfo("Asia/Kathmandu")
TASKS = 2 * LINES + 200
DAYS = timedelta(days=1)


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    """A database with a day full of tasks."""
    path, clock = tmp_path / "onequeue.db", FakeClock()
    await (await Store.open(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        fill_day(raw, TASKS, *bounds(today(clock)))
    store = await Store.open(path)
    desk = front_desk(store, clock, Terms(DEFAULT_TABLE, ZONE))
    yield Console(desk.dispatcher, desk.books, clock, 5, ZONE, store)
    await store.close()


def today(clock: FakeClock) -> date:
    return clock.now().astimezone(ZONE).date()


def bounds(day: date) -> tuple[object, object]:
    since, until = window(day, day, ZONE)
    return bound(since), bound(until)


async def bill(console: Console, **days: str) -> tuple[list[dict[str, str]], list[int]]:
    """The bill as a spreadsheet reads it, and how many lines each of its pages had."""
    pages = []

    async def ask(verb: str, words: Mapping[str, str]) -> Record:
        page = await console.ask(verb, words)
        pages.append(len(page["lines"]))  # type: ignore[arg-type]
        return page

    asked = {"period": "today", "from": "", "to": "", **days}
    text = "".join([part async for part in written(ask, asked)])
    return list(csv.DictReader(StringIO(text))), pages


async def test_it_sums_to_what_the_ledger_booked_in_pages_of_bounded_length(console: Console) -> None:
    rows, pages = await bill(console)
    assert pages == [LINES, LINES, 200]
    assert len({row["task"] for row in rows}) == TASKS
    cost = await console.ask("cost", {"period": "today"})
    assert sum(int(row["cost_micro_usd"]) for row in rows) == cost["cost_micro_usd"] == 5 * TASKS
    assert {row["requester"] for row in rows} == {f"U{number}" for number in range(50)}


async def test_days_are_the_teams_and_both_ends_are_part_of_the_window(console: Console) -> None:
    day = console.accounts.today()
    assert len((await bill(console, **{"from": str(day - DAYS), "to": str(day)}))[0]) == TASKS
    assert await bill(console, **{"from": str(day - 2 * DAYS), "to": str(day - DAYS)}) == ([], [0])


async def test_days_that_make_no_sense_are_refused(console: Console) -> None:
    day = console.accounts.today()
    with pytest.raises(Misused, match="is after"):
        await bill(console, **{"from": str(day), "to": str(day - DAYS)})
    with pytest.raises(Misused, match="still to come"):
        await bill(console, to=str(day + DAYS))
