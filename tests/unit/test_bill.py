"""A bill as CSV: quoted as it must be, and no cell of it a formula."""

import asyncio
import csv
from collections.abc import Mapping
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bill import COLUMNS, LINES, bill_record, written
from bot.records import Record
from dispatch.ports import BillLine
from tests.fakes.values import NOON, make_task


def line(number: int = 1, micro_usd: int | None = 930_000, unpriced: int = 0, **task: object) -> BillLine:
    return BillLine(make_task(number, 3, **task), NOON, 100, 5, 4, 10, micro_usd, unpriced)


def read(*lines: BillLine) -> list[dict[str, str]]:
    """The bill as a spreadsheet reads it."""

    async def ask(verb: str, words: Mapping[str, str]) -> Record:
        return bill_record(lines, 9)

    async def text() -> str:
        return "".join([part async for part in written(ask, {})])

    return list(csv.DictReader(StringIO(asyncio.run(text()))))


def test_a_line_says_everything_of_a_task() -> None:
    (row,) = read(line(42, project="payments", finished_at=NOON))
    assert row == {
        "task": "42",
        "requester": "UANA00001",
        "channel": "COPS00001",
        "project": "payments",
        "tier": "opus",
        "model": "claude-opus-5-5",
        "priority": "3",
        "state": "queued",
        "attempts": "1",
        "input_tokens": "100",
        "cache_read_tokens": "5",
        "cache_write_tokens": "4",
        "output_tokens": "10",
        "cost_micro_usd": "930000",
        "cost_usd": "0.930000",
        "unpriced_requests": "0",
        "started_at": NOON.isoformat(),
        "ended_at": NOON.isoformat(),
    }
    assert tuple(row) == COLUMNS


def test_what_is_unknown_is_empty_and_never_zero() -> None:
    unknown, partly, free = read(line(1, None, 2), line(2, 5, 1), line(3, 0))
    assert (unknown["cost_micro_usd"], unknown["cost_usd"], unknown["unpriced_requests"]) == ("", "", "2")
    assert (partly["cost_usd"], partly["unpriced_requests"]) == ("0.000005", "1")
    assert free["cost_usd"] == "0.000000"
    assert unknown["ended_at"] == ""


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\n@x", "\x00=1"])
def test_no_cell_is_a_formula(name: str) -> None:
    (row,) = read(line(requester=name, project=name))
    assert row["requester"].startswith("'")
    assert row["project"].startswith("'")


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_whatever_the_names_each_task_keeps_its_own_line_and_columns(names: list[str]) -> None:
    rows = read(*(line(number, project=name, requester=name) for number, name in enumerate(names, 1)))
    assert [row["task"] for row in rows] == [str(number) for number in range(1, len(names) + 1)]
    for row in rows:
        assert row["cost_usd"] == "0.930000"
        assert not row["requester"].lstrip().startswith(("=", "+", "-", "@"))


def test_only_a_full_page_leads_to_another() -> None:
    full = [line(number) for number in range(1, LINES + 1)]
    assert bill_record(full, 900)["after"] == LINES
    assert bill_record(full[:-1], 900)["after"] is None
    assert bill_record([], 0)["after"] is None
