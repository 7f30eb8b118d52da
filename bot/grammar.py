"""What a person typed -> one command, or the private answer that shows the right form.

The same grammar reads the text behind `/task`, behind a leading mention, and a whole direct message:

    [p1..p10] [model=opus|sonnet|haiku|<full id>] [max=$2] [by=18:00] [repo=payments] [--] words of the task
    help | list | show 42 [--history] | cancel 42 (or stop) | retry 42 | bump 42 | lower 42 | hold 42 |
    release 42 | cost [today|week|month] | pause | resume | run <script> [words]

Priority and options stand first, in any order, each at most once; further on they are just words.
`--` (or the dash that phones make of it) ends them, so that any words can be a task: `x=1 is wrong, fix it`
looks like an option called x and is refused with `-- x=1 is wrong, fix it` to copy. Only a lower-case
name directly before `=` looks like an option; `PATH=/bin is unset` and `a==b fails` are words.
A verb is a command only when the whole text is that form, however loud (`stop 42!`). A verb with other
words behind it is refused with both readings to copy, because a guess could cancel or queue what nobody
asked for. `bump`, `lower`, `hold`, `release` and `stop` begin many tasks: they are verbs only alone or
before a number. `status` alone is `list`: nobody asks a model for that word.
Only whoever knows the scripts can tell `run status` from `run the tests`: both are read as `Run`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from functools import partial
from typing import Final

from bot.manual import SLASH, Way
from bot.options import Front, is_front, read_front
from bot.slacktext import code

WORDS_LIMIT: Final = 12_000

_WORDS_TO_COPY = "tidy the wiki"
_COPY_LIMIT = 300

_SLASH = re.compile(r"/task(?=\s|\Z)", re.IGNORECASE)
_SCRIPT = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.IGNORECASE | re.ASCII)
_HISTORY = re.compile(r"(?:--|—)history", re.IGNORECASE)
_NUMBER = re.compile(r"#?([0-9]{1,18})[!.]*(?=\s|\Z)")


class Period(StrEnum):
    """How far back a cost question looks."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Submit:
    """A task: trimmed words, otherwise as typed. None: not said. `model` is a tier or a full model id.

    `by` is the time of day, where the team is, at which it is given up if it has not run. `project` is the
    name of one that there may not be.
    """

    words: str
    priority: int | None = None
    model: str | None = None
    cap_micro_usd: int | None = None
    by: time | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """Show the help."""


@dataclass(frozen=True, slots=True)
class ListTasks:
    """Show the tasks that wait or run."""


@dataclass(frozen=True, slots=True)
class Show:
    """Show one task, or all that has happened to it."""

    task_id: int
    history: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel one task."""

    task_id: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Run one task again."""

    task_id: int


class Turn(StrEnum):
    """What is done to a task that waits: one priority up or down, or its way shut or open."""

    BUMP = "bump"
    LOWER = "lower"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Steer:
    """Move one task that waits."""

    turn: Turn
    task_id: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Show what a period cost."""

    period: Period = Period.TODAY


@dataclass(frozen=True, slots=True)
class Pause:
    """Let nothing new start."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the queue go on, and a probe go at once at every closed gate."""


@dataclass(frozen=True, slots=True)
class Run:
    """Run a script, if there is one of that name; `words` are for it. No name: which are there?

    `typed` is the whole text, for a team in which it is just the words of a task.
    """

    name: str = ""
    words: str = ""
    typed: str = field(default="run", compare=False)


@dataclass(frozen=True, slots=True)
class UsageError:
    """Nothing happened. `text` is the whole private answer, in mrkdwn that is safe to send as it is."""

    text: str


Command = Submit | Help | ListTasks | Show | Cancel | Retry | Steer | Cost | Pause | Resume | Run

_BARE: Final[dict[str, Command]] = {
    "help": Help(),
    "list": ListTasks(),
    "pause": Pause(),
    "resume": Resume(),
}
_ON_ONE_TASK: Final[dict[str, Callable[[int], Command]]] = {
    "show": Show,
    "cancel": Cancel,
    "retry": Retry,
    "stop": Cancel,
    **{turn.value: partial(Steer, turn) for turn in Turn},
}
_ALSO_WORDS: Final = frozenset({"stop", *Turn})
"""Verbs that many tasks begin with: `release the new version` is one."""


def parse(text: str, way: Way = SLASH) -> Command | UsageError:
    """Read one request, typed that way. Never raises; empty text asks for help."""
    text = text.strip()
    if slash := _SLASH.match(text):
        text = text[slash.end() :].strip()
    if not text:
        return Help()
    return _verb(text, way) or _submit(text, way)


def form(command: Command) -> str:
    """The text that `parse` reads as this command: the shortest, with options in a fixed order."""
    match command:
        case Submit():
            return _submit_form(command)
        case Help():
            return "help"
        case ListTasks():
            return "list"
        case Show(task_id, history):
            return f"show {task_id} --history" if history else f"show {task_id}"
        case Cancel(task_id):
            return f"cancel {task_id}"
        case Retry(task_id):
            return f"retry {task_id}"
        case Steer(turn, task_id):
            return f"{turn} {task_id}"
        case Cost(period):
            return f"cost {period}"
        case Pause():
            return "pause"
        case Resume():
            return "resume"
        case Run(name, words):
            return " ".join(part for part in ("run", name, words) if part)


def _submit_form(task: Submit) -> str:
    front = Front(task.priority, task.model, task.cap_micro_usd, task.by, task.project).written()
    if is_front(task.words) or (not front and _is_more(task.words)):
        front.append("--")
    return " ".join([*front, task.words])


def _is_more(words: str) -> bool:
    return bool(_SLASH.match(words)) or _verb(words) is not None


def _verb(text: str, way: Way = SLASH) -> Command | UsageError | None:
    """The command or the refusal of a text that begins with a verb; None when it begins otherwise."""
    first, *more = text.split(maxsplit=1)
    argument = more[0] if more else ""
    verb = first.lower().rstrip("?!.,:;")
    exact = verb == first.lower()
    if verb == "status" and not argument:
        return ListTasks()
    if verb in _BARE:
        return _BARE[verb] if exact and not argument else _verb_refused(text, verb, way)
    if verb in _ALSO_WORDS and argument and not _NUMBER.match(argument):
        return None
    if verb in _ON_ONE_TASK:
        return _on_one_task(text, verb, argument, exact, way)
    if verb == "cost":
        return _cost(text, argument.lower(), exact, way)
    return _run(text, argument) if first.lower() == "run" else None


def _on_one_task(text: str, verb: str, argument: str, exact: bool, way: Way) -> Command | UsageError:
    number = _NUMBER.match(argument)
    task_id = int(number[1]) if number else 0
    rest = argument[number.end() :].strip() if number else argument
    if exact and task_id > 0 and not rest:
        return _ON_ONE_TASK[verb](task_id)
    if exact and task_id > 0 and verb == "show" and _HISTORY.fullmatch(rest):
        return Show(task_id, history=True)
    return _verb_refused(text, f"{verb} {task_id or 42}", way)


def _cost(text: str, argument: str, exact: bool, way: Way) -> Command | UsageError:
    if exact and argument in ("", *Period):
        return Cost(Period(argument or Period.TODAY))
    return _verb_refused(text, "cost today", way)


def _run(text: str, argument: str) -> Run | None:
    name, *more = argument.split(maxsplit=1) or [""]
    words = more[0] if more else ""
    if name and not _SCRIPT.fullmatch(name):
        return None
    return Run(name.lower(), words, text) if len(words) <= WORDS_LIMIT else None


_VERB_RULES: Final = {
    "help": "takes nothing behind it",
    "list": "takes nothing behind it",
    "pause": "takes nothing behind it",
    "resume": "takes nothing behind it",
    "cost": "takes `today`, `week` or `month`",
}


def _verb_refused(text: str, right: str, way: Way) -> UsageError:
    verb = right.split()[0]
    rule = _VERB_RULES.get(verb, "takes the number of one task")
    answer = f"Nothing done: `{verb}` {rule}. Try {code(way.typed(right), _COPY_LIMIT)}"
    if " " in " ".join(text.split()):
        as_task = code(form(Submit(text, priority=5)), _COPY_LIMIT, way.typed_task)
        answer += f", or {as_task} to make these words a task"
    return UsageError(f"{answer}.")


def _submit(text: str, way: Way) -> Submit | UsageError:
    front, words = read_front(text)
    wrong = list(front.wrong)
    if not words:
        wrong.append(f"there are no words behind {code(text, _COPY_LIMIT)} that say what to do.")
    if len(words) > WORDS_LIMIT:
        wrong.append(
            f"the task has {len(words):,} characters, {WORDS_LIMIT:,} is the most. "
            "Put the long part where a link can point to it."
        )
        words = "summarise https://example.com/notes"
    task = Submit(
        words or _WORDS_TO_COPY, front.priority, front.model, front.cap_micro_usd, front.by, front.project
    )
    if not wrong:
        return task
    return UsageError(f"Not queued: {wrong[0]} Try {code(form(task), _COPY_LIMIT, way.typed_task)}.")
