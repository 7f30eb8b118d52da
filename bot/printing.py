"""Records as text for a terminal. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from bot.money import dollars
from bot.records import Record
from bot.slacktext import visible
from bot.words import FORGOTTEN, counted

_WORDS_SHOWN = 60
Printer = Callable[[Record, ZoneInfo], str]


def _added(record: Record, zone: ZoneInfo) -> str:
    return _full(record, zone) if "answer" in record else _line(record)


def _tasks(record: Record, _: ZoneInfo) -> str:
    tasks = cast("list[Record]", record["tasks"])
    return "\n".join(_line(task) for task in tasks) or "No open tasks."


def _moved(record: Record, _: ZoneInfo) -> str:
    return _line(record)


def _line(task: Record) -> str:
    words = " ".join(_words(task).split())
    shown = words if len(words) <= _WORDS_SHOWN else words[: _WORDS_SHOWN - 1] + "…"
    return f"#{task['id']}  p{task['priority']}  {task['tier']}  {task['state']}  {_cost(task)}  {shown}"


def _full(record: Record, zone: ZoneInfo) -> str:
    lines = [
        _line({**record, "words": "", "forgotten": False}).rstrip(),
        f"asked by {visible(str(record['requester']))}, {_when(record['created_at'], zone)}",
        f"{record['reason']}, {record['model']}, cap {dollars(cast('int', record['cap_micro_usd']))}",
        "",
        _words(record),
    ]
    for run in cast("list[dict[str, Any]]", record["runs"]):
        ended = _when(run["ended_at"], zone) if run["ended_at"] else "now"
        fault = f": {run['fault']}. {visible(run['detail'])}" if run["fault"] else ""
        lines += ["", f"attempt {run['number']}, {run['model']}, {_when(run['started_at'], zone)} to {ended}"]
        lines += [f"{run['verdict'] or 'running'}{fault}  {_tokens(run)}  {_cost(run)}"]
    if record["answer"]:
        lines += ["", visible(str(record["answer"]))]
    return "\n".join(lines)


def _period(record: Record, _: ZoneInfo) -> str:
    return "\n".join([f"{record['period']}: {_cost(record)}", *_tiers(record)])


def _day(record: Record, _: ZoneInfo) -> str:
    ended = ", ".join(
        f"{count} {state}" for state, count in cast("Mapping[str, int]", record["ended"]).items()
    )
    wasted = cast("Record", record["undelivered"])
    lines = [
        f"{record['first']}: {_cost(record)}; {ended or 'no task ended'}; {record['open']} open now",
        *_tiers(record),
        f"all on Opus it would have been {dollars(cast('int', record['all_opus_micro_usd']))}",
        f"spent without an answer: {_cost(wasted)} in {wasted['attempts']} attempts",
    ]
    lines += [
        f"  #{task['id']}  {_cost(task)}  {_words(task)[:_WORDS_SHOWN]}"
        for task in cast("list[Record]", record["dearest"])
    ]
    if "posted" in record:
        lines.append("posted" if record["posted"] else "not posted: that day has been posted already")
    return "\n".join(lines)


def _backup(record: Record, _: ZoneInfo) -> str:
    return f"{record['path']}: {counted(cast('int', record['tasks']), 'task')}, {record['bytes']:,} bytes"


def _words(task: Mapping[str, object]) -> str:
    return f"({FORGOTTEN})" if task["forgotten"] else visible(str(task["words"]))


def _tiers(record: Record) -> list[str]:
    tiers = cast("list[Record]", record["tiers"])
    return [f"  {line['tier']}: {_cost(line)} for {line['tasks']} tasks" for line in tiers]


def _tokens(run: Mapping[str, object]) -> str:
    return f"{run['prompt_tokens']} tokens in, {run['output_tokens']} out"


def _cost(record: Mapping[str, object]) -> str:
    return dollars(cast("int", record["cost_micro_usd"]), cast("int", record["unpriced_requests"]))


def _when(at: object, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(str(at)).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


PRINTERS: Mapping[str, Printer] = {
    "add": _added,
    "list": _tasks,
    "show": _full,
    "cancel": _moved,
    "retry": _moved,
    "cost": _period,
    "digest": _day,
    "backup": _backup,
}
"""How each verb's record is printed."""
