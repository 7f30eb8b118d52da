"""A bill for finance: one line for each task that cost anything, as CSV, page by page. Pure."""

import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Final, cast

from bot.records import Record
from bot.slacktext import visible
from dispatch.ports import BillLine
from dispatch.usage import MICRO_USD

COLUMNS: Final = (
    "task",
    "requester",
    "channel",
    "project",
    "tier",
    "model",
    "priority",
    "state",
    "attempts",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost_micro_usd",
    "cost_usd",
    "unpriced_requests",
    "started_at",
    "ended_at",
)
"""What a line of the bill holds, in order. Costs are empty where no request of the task has a known price."""

LINES: Final = 500
"""How many lines one page holds at most."""

_FORMULA: Final = ("=", "+", "-", "@")


def bill_record(lines: Sequence[BillLine], newest: int) -> Record:
    """One page.

    `after` is the task to read on behind, null on the last page, and `newest` the last task of the bill.
    """
    return {
        "lines": [_cells(line) for line in lines],
        "after": lines[-1].task.id if len(lines) == LINES else None,
        "newest": newest,
    }


def _cells(line: BillLine) -> list[str]:
    task = line.task
    return [
        str(task.id),
        task.requester,
        task.channel,
        task.project or "",
        task.route.tier.value,
        task.route.model,
        str(task.priority),
        task.state.value,
        str(task.attempt),
        str(line.input_tokens),
        str(line.cache_read_tokens),
        str(line.cache_write_tokens),
        str(line.output_tokens),
        "" if line.micro_usd is None else str(line.micro_usd),
        "" if line.micro_usd is None else _dollars(line.micro_usd),
        str(line.unpriced),
        _time(line.started_at),
        _time(task.finished_at),
    ]


async def written(
    ask: Callable[[str, Mapping[str, str]], Awaitable[Record]], days: Mapping[str, str]
) -> AsyncIterator[str]:
    """The bill of those days as CSV, its columns first and then a page at a time, none of which is kept.

    No cell is taken for a formula where it is opened in a spreadsheet.
    """
    yield _csv([COLUMNS])
    after, newest = "0", ""
    while True:
        page = await ask("bill", {**days, "after": after, "newest": newest})
        lines = cast("list[list[str]]", page["lines"])
        yield _csv([[_inert(cell) for cell in line] for line in lines])
        if page["after"] is None:
            return
        after, newest = str(page["after"]), str(page["newest"])


def _inert(cell: str) -> str:
    shown = visible(cell)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def _csv(lines: Sequence[Sequence[str]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _dollars(micro_usd: int) -> str:
    whole, rest = divmod(micro_usd, MICRO_USD)
    return f"{whole}.{rest:06}"


def _time(at: datetime | None) -> str:
    return at.isoformat() if at else ""
