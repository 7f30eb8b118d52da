"""The card: one message that shows where a task is, edited in place. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.money import dollars
from bot.slacktext import inline, neutralise
from bot.views.blame import blame, is_ours, set_aside, time_taken
from bot.views.message import Message, at_moment, clock_time, context, day_and_time, line, section
from bot.views.offers import Offer, row
from bot.views.outlook import expected, left, moved, person, taken, usually
from bot.views.question import waits
from bot.views.waits import Barrier, after, behind_gate, given_up, held_by_budget, twice
from bot.views.work import branches
from bot.words import FORGOTTEN, duration
from dispatch.forecast import Outlook
from dispatch.policy import STRIKES
from dispatch.questions import Question
from dispatch.states import TERMINAL, State
from dispatch.task import Attempt, HoldKind, Task

WORDS_LIMIT: Final = 300
_PROGRESS_LIMIT: Final = 200
_NAME_LIMIT: Final = 80

_WAITS, _RUNS, _ENDED = ":large_blue_circle:", ":large_orange_circle:", ":black_circle:"
_REASONED: Final = (State.HELD, State.EXPIRED, State.PARKED)


def _nameless(_: str) -> str:
    return ""


def headline(task: Task) -> str:
    """`#42 · p3 · Opus · payments · queued`."""
    return line([whereto(task), _became(task)])


def _became(task: Task) -> str:
    if task.taken_by is not None:
        return f"taken up by #{task.taken_by}"
    return task.state if task.follows is None else f"follows #{task.follows}"


def whereto(task: Task) -> str:
    """`#42 · p3 · Opus · payments`."""
    project = inline(task.project, _NAME_LIMIT) if task.project else ""
    return line([f"#{task.id}", f"p{task.priority}", task.route.tier.capitalize(), project])


def wording(task: Task, limit: int) -> str:
    """What was asked, in one safe line of at most so many characters, while that is kept."""
    if task.script is not None:
        kept = "" if task.forgotten else task.words
        return inline(f"run {task.script} {kept}", limit)
    return f"_{FORGOTTEN}_" if task.forgotten else inline(task.words, limit)


def card(
    task: Task,
    attempts: Sequence[Attempt],
    now: datetime,
    asker: str = "",
    barrier: Barrier | None = None,
    offers: Sequence[Offer] = (),
    question: Question | None = None,
    outlook: Outlook | None = None,
    names: Callable[[str], str] = _nameless,
    about: str = "",
) -> Message:
    """A task as of now.

    `asker` is the requester's name: shown, never mentioned. `barrier` is what holds a queued task back,
    `offers` what may be pressed, `question` its open one, `outlook` what can be said while it waits.
    `names` gives the names of the people who moved it. `about` is the address of the message it is about.
    """
    words = wording(task, WORDS_LIMIT)
    asked_by = f"for {inline(asker, _NAME_LIMIT)}" if asker else ""
    back = f"<{about}|about this message>" if about else ""
    head = line([f"{_sign(task.state)} *{headline(task)}*", asked_by, back])
    standing = _standing(task, attempts, now, barrier, question, _Waiting(outlook, names))
    reason = f". {standing}" if barrier or task.state in _REASONED else ""
    below = line([standing, branches(attempts)])
    return Message(
        text=neutralise(f"{headline(task)}: {words}{reason}"),
        blocks=(section(f"{head}\n{words}"), context(below), *row(task, offers)),
    )


def _standing(
    task: Task,
    attempts: Sequence[Attempt],
    now: datetime,
    barrier: Barrier | None,
    question: Question | None,
    waiting: "_Waiting",
) -> str:
    last = attempts[-1] if attempts else None
    match task.state:
        case State.QUEUED:
            why = behind_gate(barrier, now) if barrier else waiting.seats(task)
            return _lines(
                line([waiting.expected(), why]) if not barrier else line([why, waiting.expected()]),
                line([*waiting.reasons(task), _again(task, last), given_up(task)]),
            )
        case State.HELD:
            return _lines(_held(task, last, waiting), line([*waiting.reasons(task), waiting.usual()]))
        case State.RUNNING:
            return _running(task, last, now, question)
        case State.WAITING:
            wait = waits(task, question) if question else "Waiting for an answer in the thread"
            return line([wait, _cost(task)])
        case State.DONE:
            return line([_time(last), dollars(task.cost_micro_usd, task.unpriced), "answer in the thread"])
        case State.FAILED:
            return _failed(task, last)
        case State.CANCELLED if task.taken_by is not None:
            return f"#{task.taken_by} has taken this up: its answer is about this too, at no cost of its own"
        case State.CANCELLED if task.follows is not None:
            return f"The answer of #{task.follows} comes here too; it costs nothing more"
        case State.CANCELLED:
            return line(["Cancelled", _cost(task), f"`/task retry {task.id}` runs it after all"])
        case State.EXPIRED:
            return line([_expired(task), _cost(task), f"`/task retry {task.id}` runs it after all"])
        case State.PARKED:
            return _parked(task, last)


def _sign(state: State) -> str:
    if state is State.RUNNING:
        return _RUNS
    return _ENDED if state in TERMINAL else _WAITS


def _lines(*lines: str) -> str:
    return "\n".join(text for text in lines if text)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The words for what can be said of a task that waits."""

    outlook: Outlook | None
    names: Callable[[str], str]

    def expected(self) -> str:
        if self.outlook is None:
            return ""
        paused = self.outlook.paused
        return expected(self.outlook, person(paused.actor, self.names) if paused else "")

    def usual(self) -> str:
        return usually(self.outlook.usual) if self.outlook else ""

    def seats(self, task: Task) -> str:
        if self.outlook is None or self.outlook.paused:
            return ""
        return taken(self.outlook.seats, task.route.tier)

    def held(self) -> str:
        holder = self.outlook.steers.holder if self.outlook else ""
        return f"Held by {person(holder, self.names)}" if holder else "Held"

    def reasons(self, task: Task) -> tuple[str, ...]:
        reason = inline(task.route.reason, 200)
        if self.outlook is None:
            return (reason,)
        return (reason, moved(task, self.outlook, self.names), left(self.outlook.today))


def _again(task: Task, last: Attempt | None) -> str:
    if last is None:
        return ""
    return line([f"attempt {task.attempt + 1} follows", _cost(task)])


def _expired(task: Task) -> str:
    when = at_moment(task.expires_at, task.created_at) if task.expires_at else ""
    return f"Given up {when}: it had no answer by then" if when else "Waited too long and was given up"


def _parked(task: Task, last: Attempt | None) -> str:
    if last is None or last.fault is None:
        return line(["Set aside", _cost(task), f"`/task retry {task.id}`"])
    found = set_aside(task, last)
    return line([f"Set aside: {found.what}", _cost(task), found.remedy])


def _held(task: Task, last: Attempt | None, waiting: "_Waiting") -> str:
    if task.hold is HoldKind.PERSON:
        if task.alike is not None:
            return line([twice(task), given_up(task)])
        if task.behind is not None:
            return line([after(task), _again(task, last), given_up(task)])
        return line([waiting.held(), _again(task, last), given_up(task)])
    if task.shortage is not None:
        return line([held_by_budget(task.shortage), _again(task, last), given_up(task)])
    until = f"Waiting until {day_and_time(task.run_at)}" if task.run_at else "Waiting"
    if last is None or last.fault is None:
        return line([until, _cost(task), given_up(task)])
    why = f"{until}: {blame(task, last).what}"
    if is_ours(last):
        why += ". Nothing is wrong with the task and it is not forgotten"
    failed = f"{task.strikes} of {STRIKES} tries failed" if task.strikes else ""
    return line([why, failed, f"attempt {task.attempt + 1} follows", _cost(task), given_up(task)])


def _running(task: Task, last: Attempt | None, now: datetime, question: Question | None) -> str:
    spent = dollars(task.cost_micro_usd, task.unpriced)
    money = "no model" if task.script else f"{spent} of {dollars(task.route.cap_micro_usd)} so far"
    if last is None:
        return line(["Running", money])
    doing = waits(task, question) if question else inline(last.progress, _PROGRESS_LIMIT)
    if task.cancel_asked:
        doing = "stopping, as asked"
    since = f"Running since {clock_time(last.started_at)}"
    if doing:
        since += f", after {duration(now - last.started_at)}: {doing}"
    which = f"attempt {last.number}" if last.number > 1 else ""
    return line([since, which, money])


def _failed(task: Task, last: Attempt | None) -> str:
    why = blame(task, last).what if last else "it failed"
    there = "work so far is in the thread" if last and last.text else "more in the thread"
    return line([why[:1].upper() + why[1:], f"{dollars(task.cost_micro_usd, task.unpriced)} spent", there])


def _cost(task: Task) -> str:
    known = task.cost_micro_usd or task.unpriced
    return f"{dollars(task.cost_micro_usd, task.unpriced)} already counts" if known else ""


def _time(last: Attempt | None) -> str:
    return duration(time_taken(last)) if last else ""
