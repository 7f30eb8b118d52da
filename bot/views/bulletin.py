"""The digest as Slack shows it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from bot.money import dollars
from bot.slacktext import neutralise
from bot.views.card import wording
from bot.views.comparison import comparison
from bot.views.findings import Names, findings, unusual
from bot.views.message import Block, Message, line, markdown, section
from bot.words import counted
from dispatch.digest import DayBar, Digest, Money
from dispatch.editions import Before, Edition
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Task, Tier
from dispatch.usage import MICRO_USD

_WORDS_LIMIT: Final = 80

_TITLES: Final = {
    Edition.DAILY: "{}",
    Edition.WEEKLY: "Week of {}",
    Edition.CHANNEL: "This channel, {}",
}

Links = Mapping[int, str]
"""The address of each task's thread by the task's number, empty where it has none.

Of a task that is not in it only the number is told.
"""


def bulletin(
    digest: Digest,
    links: Links,
    *,
    so_far: bool,
    names: Names | None = None,
    edition: Edition = Edition.DAILY,
    before: Before | None = None,
) -> Message:
    """The digest, with its chart as a table where Slack refuses the chart.

    `so_far` says that its last day has not ended. `names` is None where not everybody may see who spent
    what, and where. `before` is the week before that of a weekly edition.
    """
    head = _headline(digest, so_far=so_far)
    title = _TITLES[edition].format(_days(digest))
    opening = [
        section(line([f"*{title}*", *head])),
        *_told_beside(digest, edition, before),
        *(section(look) for look in unusual(digest, names)),
    ]
    below = _money(digest, links, names)
    text = neutralise(line([title, *head]))
    return Message(
        text,
        (*opening, _chart(digest.chart), *below),
        simpler=Message(text, (*opening, *below, markdown(_chart_table(digest.chart)))),
    )


def _chart_table(bars: Sequence[DayBar]) -> str:
    tiers = [tier.capitalize() for tier in MODEL_TIERS]
    rows = (
        [_label(bar.day), *(_dollars(bar.by_tier.get(tier, Money())) for tier in MODEL_TIERS)]
        for bar in reversed(bars)
    )
    return _table(["day", *tiers], rows)


def _headline(digest: Digest, *, so_far: bool) -> list[str]:
    ended = sum(digest.ended.values())
    if not ended and digest.total == Money():
        tasks = f"no tasks. I am up; {counted(digest.open, 'task')} waiting"
    else:
        tasks = f"{counted(ended, 'task')} ended, {digest.ended.get(State.DONE, 0)} answered"
    return [_spent(digest), tasks, "so far" if so_far else ""]


def _spent(digest: Digest) -> str:
    """The total, of the day's budget where it is of one day and there is one."""
    pace = digest.findings.pace
    limit = pace.budget_micro_usd if pace and digest.first == digest.last else None
    return _dollars(digest.total) if limit is None else f"{_dollars(digest.total)} of {dollars(limit)}"


def _days(digest: Digest) -> str:
    last = f"{digest.last:%A} {digest.last.day} {digest.last:%B}"
    return last if digest.first == digest.last else f"{digest.first.day} {digest.first:%B} to {last}"


def _told_beside(digest: Digest, edition: Edition, before: Before | None) -> list[Block]:
    if edition is not Edition.WEEKLY:
        return _missed(digest)
    told = comparison(digest, before) if before else ""
    return [section(told)] if told else []


def _missed(digest: Digest) -> list[Block]:
    days = (digest.last - digest.first).days + 1
    return [section(f"Covers {days} days: they could not be told one by one.")] if days > 1 else []


def _money(digest: Digest, links: Links, names: Names | None) -> list[Block]:
    told = list(findings(digest, names))
    dearest = [_dear(task, money, links.get(task.id)) for task, money in digest.dearest]
    return [
        *([markdown(_tiers(digest))] if digest.tiers else []),
        *([section("\n".join(told))] if told else []),
        *([section("\n".join(["*Dearest*", *dearest]))] if dearest else []),
    ]


def _dear(task: Task, money: Money, address: str | None) -> str:
    number = f"<{address}|#{task.id}>" if address else f"#{task.id}"
    words = "" if address is None else wording(task, _WORDS_LIMIT)
    return line([f"{number} {_dollars(money)}", task.route.tier.capitalize(), words])


def _tiers(digest: Digest) -> str:
    tasks = sum(tier.tasks for tier in digest.tiers)
    rows = [
        [
            tier.tier.capitalize(),
            str(tier.tasks),
            _share(tier.tasks, tasks),
            _dollars(tier.money),
            _share(tier.money.micro_usd, digest.total.micro_usd),
        ]
        for tier in digest.tiers
    ]
    return _table(["tier", "tasks", "share", "cost", "share"], rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _chart(bars: Sequence[DayBar]) -> Block:
    days = [_label(bar.day) for bar in bars]
    series = [
        {"name": tier.capitalize(), "data": [_point(bar, tier) for bar in bars]} for tier in MODEL_TIERS
    ]
    partly = any(money.unpriced for bar in bars for money in bar.by_tier.values())
    amounts = "dollars, without what is unpriced" if partly else "dollars"
    axes = {"categories": days, "x_label": "day", "y_label": amounts}
    return {
        "type": "data_visualization",
        "title": f"Cost of the last {len(bars)} days by tier",
        "chart": {"type": "bar", "series": series, "axis_config": axes},
    }


def _point(bar: DayBar, tier: Tier) -> dict[str, Any]:
    known = bar.by_tier.get(tier, Money()).micro_usd
    return {"label": _label(bar.day), "value": round(known / MICRO_USD, 2)}


def _label(day: date) -> str:
    return f"{day.day} {day:%b}"


def _dollars(money: Money) -> str:
    return dollars(money.micro_usd, money.unpriced)
