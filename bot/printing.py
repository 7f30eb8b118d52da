"""Records as text for a terminal. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from bot.money import dollars, told_apart
from bot.records import Record
from bot.slacktext import visible
from bot.views.outlook import place, starts
from bot.views.waits import cause
from bot.words import FORGOTTEN, counted, passage, stamp
from dispatch.faults import FaultKind
from dispatch.forecast import Place

_WORDS_SHOWN = 60
_KEPT = {
    "branch": "not pushed",
    "pushed": "pushed to origin",
    "unpushed": "pushing it to origin failed, the log says why",
    "refused": "which git refused: the files stay where they are and the next start tries again",
}
Printer = Callable[[Record, ZoneInfo], str]


def _added(record: Record, zone: ZoneInfo) -> str:
    return _full(record, zone) if "answer" in record else _line(record)


def _tasks(record: Record, zone: ZoneInfo) -> str:
    tasks = cast("list[Record]", record["tasks"])
    lines = [_line(task) + _wait(task, zone) for task in tasks] or ["No open tasks."]
    return "\n".join([*lines, *_pause(record, zone), *_gates(record, zone)])


def _pause(record: Record, zone: ZoneInfo) -> list[str]:
    if not record["paused"]:
        return []
    pause = cast("dict[str, Any]", record["paused"])
    by, since = visible(str(pause["actor"])), _when(pause["since"], zone)
    return [f"paused by {by} since {since}: nothing new starts; `onequeue resume` lets it go on"]


def _paused(record: Record, zone: ZoneInfo) -> str:
    return "\n".join(_pause(record, zone))


def _wait(task: Record, zone: ZoneInfo) -> str:
    """What a task waits for and until when, in brackets."""
    parts = []
    if task["run_at"]:
        parts.append(f"{'by budget ' if task['shortage'] else ''}until {_when(task['run_at'], zone)}")
    parts += _standing(task)
    if task["expires_at"] and task["state"] in ("queued", "held"):
        parts.append(f"given up at {_when(task['expires_at'], zone)} if it has not run")
    return f"  ({'; '.join(parts)})" if parts else ""


def _standing(task: Record) -> list[str]:
    """Where a queued task stands, in the words of its card."""
    if task.get("position") is None:
        return []
    ahead, queued = cast("int", task["position"]) - 1, cast("int", task["in_line"])
    seconds = cast("int | None", task["starts_in_seconds"])
    start = None if seconds is None else timedelta(seconds=seconds)
    return [part for part in (place(Place(ahead, queued)), starts(start)) if part]


def _gates(record: Record, zone: ZoneInfo) -> list[str]:
    return [_gate(gate, zone) for gate in cast("list[Record]", record["gates"])]


def _gate(gate: Record, zone: ZoneInfo) -> str:
    name, fault = str(gate["name"]), gate["fault"]
    why = cause(name, FaultKind(str(fault)) if fault else None)
    detail = f" ({visible(str(gate['detail']))})" if gate["detail"] else ""
    since = f" since {_when(gate['closed_at'], zone)}" if gate["closed_at"] else ""
    if gate["state"] == "probing":
        then = "one task is trying now"
    elif gate["opens_at"]:
        then = f"tried again at {_when(gate['opens_at'], zone)}"
    else:
        then = "only `onequeue resume` lets it be tried again"
    return f"gate {name} {gate['state']}{since}: {why}{detail}; {then}"


def _resumed(record: Record, zone: ZoneInfo) -> str:
    if record["lifted"]:
        return "\n".join(["The queue goes on.", *_gates(record, zone)])
    if not record["gates"]:
        return "No gate is closed: nothing waits for an operator."
    probing = all(gate["state"] == "probing" for gate in cast("list[Record]", record["gates"]))
    tries = "A task tries already" if probing else "The next task in line tries now"
    then = f"{tries}. If it gets through, the others follow; if not, they wait again."
    return "\n".join([*_gates(record, zone), then])


def _short(record: Record, zone: ZoneInfo) -> list[str]:
    if not record["shortage"]:
        return []
    short = cast("dict[str, Any]", record["shortage"])
    limit, spent = dollars(short["limit_micro_usd"]), dollars(short["spent_micro_usd"])
    reserved, kept = dollars(short["reserved_micro_usd"]), dollars(short["kept_micro_usd"])
    return [
        f"held by the budget of {visible(short['scope'])}: {spent} of {limit} spent, {reserved} reserved by "
        f"running tasks, {kept} kept for p1 and p2; it resets at {_when(short['resets_at'], zone)}"
    ]


def _moved(record: Record, _: ZoneInfo) -> str:
    return _line(record)


def _line(task: Record) -> str:
    asked = f"run {task['script']} {_words(task)}" if task["script"] else _words(task)
    words = " ".join(asked.split())
    shown = words if len(words) <= _WORDS_SHOWN else words[: _WORDS_SHOWN - 1] + "…"
    return f"#{task['id']}  p{task['priority']}  {task['tier']}  {task['state']}  {_cost(task)}  {shown}"


def _full(record: Record, zone: ZoneInfo) -> str:
    lines = [
        _line({**record, "words": "", "script": None, "forgotten": False}).rstrip() + _wait(record, zone),
        f"asked by {visible(str(record['requester']))}, {_when(record['created_at'], zone)}",
        _way(record),
        *_short(record, zone),
        *_gates(record, zone),
        "",
        _words(record),
    ]
    for run in cast("list[dict[str, Any]]", record["runs"]):
        ended = _when(run["ended_at"], zone) if run["ended_at"] else "now"
        fault = f": {run['fault']}. {visible(run['detail'])}" if run["fault"] else ""
        lines += [
            "",
            f"attempt {run['number']}, {run['model'] or 'no model'}, "
            f"{_when(run['started_at'], zone)} to {ended}",
        ]
        lines += [f"{run['verdict'] or 'running'}{fault}  {_tokens(run)}  {_cost(run)}"]
        lines += [*_disputed(run), *_work(run)]
    for question in cast("list[dict[str, Any]]", record["questions"]):
        lines += ["", *_question(question, zone)]
    if record["answer"]:
        lines += ["", visible(str(record["answer"]))]
    lines += _thumbs(record)
    if "history" in record:
        lines += ["", *(_step(step, zone) for step in cast("list[dict[str, Any]]", record["history"]))]
    return "\n".join(lines)


def _thumbs(record: Record) -> list[str]:
    thumbs = cast("list[dict[str, Any]]", record["thumbs"])
    sides = [
        ("up", [one for one in thumbs if one["liked"]]),
        ("down", [one for one in thumbs if not one["liked"]]),
    ]
    told = [
        f"{len(given)} {side} ({', '.join(visible(str(one['person'])) for one in given)})"
        for side, given in sides
        if given
    ]
    return ["", f"thumbs: {', '.join(told)}"] if told else []


def _disputed(run: Mapping[str, Any]) -> list[str]:
    if not run["disputed"]:
        return []
    said, booked = told_apart(run["said_micro_usd"], run["cost_micro_usd"])
    return [f"Claude Code itself says {said}; booked is {booked} from the API's own usage"]


def _work(run: Mapping[str, Any]) -> list[str]:
    """The branch that an attempt left, where it is, and git's summary of it."""
    if not run["work"]:
        return []
    work = cast("Mapping[str, str]", run["work"])
    files = [f"  {one.removeprefix(' ')}" for one in visible(work["diffstat"]).split("\n") if one]
    return [f"work on branch {visible(work['branch'])}, {_KEPT[work['kept']]}", *files]


def _step(step: Mapping[str, Any], zone: ZoneInfo) -> str:
    why = f"  {visible(step['detail'])}" if step["detail"] else ""
    moved = passage(step["move"], step["from"], step["to"])
    return f"{_when(step['at'], zone)}  {moved}  by {visible(step['actor'])}{why}"


def _way(record: Record) -> str:
    """How it runs, on which project, and what it may cost."""
    if record["script"]:
        return f"{record['reason']}, no model, no cost"
    project = f"project {visible(str(record['project']))}, " if record["project"] else ""
    return (
        f"{project}{record['reason']}, {record['model']}, cap {dollars(cast('int', record['cap_micro_usd']))}"
    )


def _question(question: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """A question with everything people have to know to answer it."""
    ending = question["ending"]
    at = _when(question["ended_at"] if ending else question["deadline"], zone)
    ends = f"{ending} {at}" if ending else f"open until {at}"
    lines = [f"{question['kind']} {question['id']}, asked {_when(question['asked_at'], zone)}, {ends}"]
    lines.append(visible(question["text"]))
    if question["reason"]:
        lines.append(f"why: {visible(question['reason'])}")
    lines += [f"  - {visible(option)}" for option in question["options"]]
    if question["answer"] is not None:
        who = visible(str(question["person"] or "the settings"))
        lines.append(f"answer by {who}: {visible(question['answer'])}")
    return lines


def _period(record: Record, _: ZoneInfo) -> str:
    return "\n".join([f"{record['period']}: {_cost(record)}", *_tiers(record), *_disputes(record)])


def _day(record: Record, _: ZoneInfo) -> str:
    ended = ", ".join(
        f"{count} {state}" for state, count in cast("Mapping[str, int]", record["ended"]).items()
    )
    lines = [
        f"{record['first']}: {_cost(record)}; {ended or 'no task ended'}; {record['open']} open now",
        *(visible(line) for line in cast("list[str]", record["findings"])),
        *_tiers(record),
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
    return [
        f"  {line['tier']}: {_cost(line)} for {counted(cast('int', line['tasks']), 'task')}" for line in tiers
    ]


def _disputes(record: Record) -> list[str]:
    disputed = cast("list[int]", record["disputed"])
    if not disputed:
        return []
    named = ", ".join(f"#{number}" for number in sorted(set(disputed)))
    sessions = counted(len(disputed), "session")
    return [f"{sessions} whose runtime names another cost than was booked: {named}"]


def _tokens(run: Mapping[str, object]) -> str:
    return f"{run['prompt_tokens']} tokens in, {run['output_tokens']} out"


def _cost(record: Mapping[str, object]) -> str:
    return dollars(cast("int", record["cost_micro_usd"]), cast("int", record["unpriced_requests"]))


def _when(at: object, zone: ZoneInfo) -> str:
    return stamp(str(at), zone)


PRINTERS: Mapping[str, Printer] = {
    "add": _added,
    "list": _tasks,
    "show": _full,
    "cancel": _moved,
    "retry": _moved,
    "bump": _moved,
    "lower": _moved,
    "hold": _moved,
    "release": _moved,
    "pause": _paused,
    "resume": _resumed,
    "cost": _period,
    "digest": _day,
    "backup": _backup,
}
"""How each verb's record is printed."""
