"""The digest as Slack shows it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from bot.money import dollars
from bot.slacktext import neutralise
from bot.views.card import wording
from bot.views.message import Block, Message, line, markdown, section
from bot.words import counted
from dispatch.digest import DayBar, Digest, Money
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Task, Tier
from dispatch.usage import MICRO_USD

_WORDS_LIMIT: Final = 80
_NAMED: Final = 5
_BLAMED: Final = (State.FAILED, State.PARKED, State.EXPIRED)

Links = Mapping[int, str]
"""The address of each task's thread by the task's number, empty where it has none."""


def bulletin(digest: Digest, links: Links, *, so_far: bool) -> Message:
    """The digest, with its chart as a table where Slack refuses the chart.

    `so_far` says that its last day has not ended.
    """
    head = _headline(digest, so_far=so_far)
    opening = [section(line([f"*{_days(digest)}*", *head])), *_missed(digest)]
    findings = _money(digest, links)
    text = neutralise(line([_days(digest), *head]))
    return Message(
        text,
        (*opening, _chart(digest.chart), *findings),
        simpler=Message(text, (*opening, *findings, markdown(_chart_table(digest.chart)))),
    )


def _chart_table(bars: Sequence[DayBar]) -> str:
    tiers = [tier.capitalize() for tier in MODEL_TIERS]
    rows = (
        [_label(bar.day), *(dollars(bar.by_tier.get(tier, 0)) for tier in MODEL_TIERS)]
        for bar in reversed(bars)
    )
    return _table(["day", *tiers], rows)


def _headline(digest: Digest, *, so_far: bool) -> list[str]:
    ended = sum(digest.ended.values())
    if not ended and digest.total == Money():
        tasks = f"no tasks. I was up; {counted(digest.open, 'task')} waiting"
    else:
        tasks = f"{counted(ended, 'task')} ended, {digest.ended.get(State.DONE, 0)} answered"
    return [_dollars(digest.total), tasks, "so far" if so_far else ""]


def _days(digest: Digest) -> str:
    last = f"{digest.last:%A} {digest.last.day} {digest.last:%B}"
    return last if digest.first == digest.last else f"{digest.first.day} {digest.first:%B} to {last}"


def _missed(digest: Digest) -> list[Block]:
    days = (digest.last - digest.first).days + 1
    return [section(f"Covers {days} days: I was down when their digests were due.")] if days > 1 else []


def _money(digest: Digest, links: Links) -> list[Block]:
    if not digest.tiers:
        return []
    return [markdown(_tiers(digest)), section("\n".join(_findings(digest, links)))]


def _findings(digest: Digest, links: Links) -> Iterable[str]:
    if blamed := [f"{digest.ended[state]} {state}" for state in _BLAMED if digest.ended.get(state)]:
        yield f"*Needs a look:* {', '.join(blamed)}"
    opus, total = digest.all_opus_micro_usd, digest.total.micro_usd
    if opus > total:
        yield f"All on Opus it would have been {dollars(opus)}: routing saved {dollars(opus - total)}."
    elif total:
        yield f"All on Opus it would have been {dollars(opus)}."
    attempts = counted(digest.undelivered_attempts, "attempt")
    yield f"Spent without an answer: {_dollars(digest.undelivered)} ({attempts})."
    if digest.disputed:
        sessions, named = counted(len(digest.disputed), "session"), sorted(set(digest.disputed))
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        numbers = ", ".join(f"#{number}" for number in named[:_NAMED])
        yield f"{sessions} whose runtime names another cost than was booked: {numbers}{more}."
    if digest.dearest:
        yield "*Dearest*"
    yield from (_dear(task, money, links[task.id]) for task, money in digest.dearest)


def _dear(task: Task, money: Money, address: str) -> str:
    number = f"<{address}|#{task.id}>" if address else f"#{task.id}"
    return f"{number} {_dollars(money)} · {task.route.tier.capitalize()} · {wording(task, _WORDS_LIMIT)}"


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
    axes = {"categories": days, "x_label": "day", "y_label": "dollars"}
    return {
        "type": "data_visualization",
        "title": f"Cost of the last {len(bars)} days by tier",
        "chart": {"type": "bar", "series": series, "axis_config": axes},
    }


def _point(bar: DayBar, tier: Tier) -> dict[str, Any]:
    return {"label": _label(bar.day), "value": round(bar.by_tier.get(tier, 0) / MICRO_USD, 2)}


def _label(day: date) -> str:
    return f"{day.day} {day:%b}"


def _dollars(money: Money) -> str:
    return dollars(money.micro_usd, money.unpriced)
