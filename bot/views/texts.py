"""What the verbs answer, as mrkdwn of at most 3,900 characters. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from bot.grammar import Period
from bot.money import dollars
from bot.slacktext import escape, inline, neutralise
from bot.views.blame import blame, time_taken
from bot.views.card import headline, whereto, wording
from bot.views.dispute import dispute
from bot.views.message import TEXT_LIMIT, day_and_time, line
from bot.views.outlook import expected
from bot.views.question import waits
from bot.views.quiet import veiled
from bot.views.waits import after, briefly, cause, gate_lines, given_up, held_by_budget, is_probing, twice
from bot.views.work import in_short
from bot.words import PRIVATE, counted, duration, tokens
from dispatch.forecast import Outlook
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.ports import Spending
from dispatch.questions import Question
from dispatch.states import State
from dispatch.task import Attempt, HoldKind, Task, Verdict

_WORDS_LIMIT: Final = 120
_PROMPT_LIMIT: Final = 1_500
_QUESTION_LIMIT: Final = 500
_PERIODS: Final = {Period.TODAY: "Today", Period.WEEK: "This week", Period.MONTH: "This month"}


Outlooks = Mapping[int, Outlook]
"""What can be said of tasks, by number."""

_NONE: Final[Outlooks] = {}

REFUSED: Final = "Not queued:"
"""How the answer to a task begins that was not taken."""


def not_admitted(why: str) -> str:
    """Why a task was understood and not taken."""
    return f"{REFUSED} {escape(why)}"


def receipt(task: Task, created: bool, outlooks: Outlooks = _NONE) -> str:
    """`Queued as #42 · p3 · Opus · payments`, where it stands, what such come to, when it is given up."""
    if task.alike is not None:
        return line([f"#{task.id}: {twice(task)[:1].lower()}{twice(task)[1:]}", given_up(task)])
    queued = f"{'Queued' if created else 'Already queued'} as {whereto(task)}"
    return line([queued, _expected(task, outlooks), given_up(task)])


def _expected(task: Task, outlooks: Outlooks) -> str:
    """The line of its card, of a task that waits."""
    waits = task.state in (State.QUEUED, State.HELD) and task.id in outlooks
    return expected(outlooks[task.id]) if waits else ""


def listed(
    tasks: Sequence[Task],
    limit: int,
    gates: Sequence[Gate] = (),
    outlooks: Outlooks = _NONE,
    pause: Paused | None = None,
    private: Collection[int] = (),
) -> str:
    """The open tasks, given running first, the gates that are not open, and whether the queue is paused.

    `limit` tasks were asked for: there may be more. What the `private` ones are about is not shown.
    """
    last = [*([paused(pause)] if pause else []), *gate_lines(gates)]
    if not tasks:
        return "\n".join(["Nothing is waiting or running.", *last])
    running = sum(task.state is State.RUNNING for task in tasks)
    more = " or more" if len(tasks) >= limit else ""
    head = f"*{counted(len(tasks), 'open task')}{more}*, {running} running"
    return _fitted([head, *(_listed_line(task, outlooks, private) for task in tasks)], last)


def _listed_line(task: Task, outlooks: Outlooks, private: Collection[int]) -> str:
    words = wording(task, _WORDS_LIMIT)
    if task.id in private:
        (task, _), words = veiled(task, []), f"_{PRIVATE}_"
    return line([headline(task), briefly(task), _expected(task, outlooks), words])


def shown(
    task: Task,
    attempts: Sequence[Attempt],
    gates: Sequence[Gate] = (),
    question: Question | None = None,
    outlooks: Outlooks = _NONE,
    *,
    operator: bool = False,
    private: bool = False,
) -> str:
    """One task with its attempts, the gates that hold it back, and its open question.

    An operator is told how to read its transcript, where there is one. What it is about is not shown where
    that is `private`.
    """
    words = f"_{PRIVATE}_" if private else wording(task, _PROMPT_LIMIT)
    if private:
        task, attempts = veiled(task, attempts)
    spent = f"{dollars(task.cost_micro_usd, task.unpriced)} of {dollars(task.route.cap_micro_usd)}"
    facts = [
        inline(task.route.reason, 200),
        "no model" if task.script else inline(task.route.model, 120),
        "" if task.script else spent,
        f"asked {day_and_time(task.created_at)}",
    ]
    lines = [f"*{headline(task)}*", words, line(facts)]
    if awaited := _expected(task, outlooks):
        lines.append(awaited[:1].upper() + awaited[1:])
    if task.shortage is not None:
        lines.append(held_by_budget(task.shortage))
    elif task.alike is not None:
        lines.append(twice(task))
    elif task.behind is not None:
        lines.append(after(task))
    elif task.hold is HoldKind.PERSON:
        lines.append(f"Held; `/task release {task.id}` lets it go on")
    elif task.state is State.HELD and task.run_at:
        lines.append(f"Waiting until {day_and_time(task.run_at)}")
    if ends := given_up(task):
        lines.append(ends[:1].upper() + ends[1:])
    lines += gate_lines(gates)
    if question is not None:
        wait = waits(task, question)
        asked = "" if private else f": {inline(question.text, _QUESTION_LIMIT)}"
        lines.append(f"{wait[:1].upper()}{wait[1:]}{asked}")
    lines += [_attempt_line(task, attempt) for attempt in attempts]
    return _fitted(lines, [_transcript_line(task)] if operator and _has_transcript(attempts) else [])


def _has_transcript(attempts: Iterable[Attempt]) -> bool:
    return any(attempt.has_transcript for attempt in attempts)


def _transcript_line(task: Task) -> str:
    return f"What happened step by step: `onequeue show {task.id} --transcript` on the machine I run on"


def _attempt_line(task: Task, attempt: Attempt) -> str:
    counted_tokens = f"{tokens(attempt.prompt_tokens)} in, {tokens(attempt.output_tokens)} out"
    used = "" if task.script else counted_tokens
    cost = dollars(attempt.cost_micro_usd, attempt.unpriced)
    name = f"Attempt {attempt.number}"
    if attempt.verdict is None:
        begun = f"{name}: running since {day_and_time(attempt.started_at)}"
        return line([begun, inline(attempt.progress, 200), used, cost])
    failed = attempt.fault is not None and attempt.verdict in (Verdict.FAILED, Verdict.LOST)
    ended = f"{attempt.verdict}: {blame(task, attempt).what}" if failed else str(attempt.verdict)
    work = in_short(attempt.work) if attempt.work else ""
    return line([f"{name}: {ended}", duration(time_taken(attempt)), used, cost, dispute(attempt), work])


def cost(period: Period, spending: Iterable[Spending]) -> str:
    """What a period cost so far, in all and by tier."""
    lines = list(spending)
    if not lines:
        return f"*{_PERIODS[period]}:* $0.00. No task has spent anything."
    total = sum(entry.micro_usd for entry in lines)
    whole = dollars(total, sum(entry.unpriced for entry in lines))
    return _fitted([f"*{_PERIODS[period]}:* {whole}", *(_tier_line(entry, total) for entry in lines)])


def _tier_line(entry: Spending, total: int) -> str:
    share = f"{entry.micro_usd / total:.0%}" if total else ""
    money = dollars(entry.micro_usd, entry.unpriced)
    return line([entry.tier.capitalize(), counted(entry.tasks, "task"), money, share])


def cancelled(task: Task) -> str:
    """What a cancellation came to."""
    if task.cancel_asked and task.state is State.RUNNING:
        return f"Stopping #{task.id}. What it has cost until then counts."
    return f"#{task.id} is cancelled. `/task retry {task.id}` runs it after all."


def queued_again(task: Task) -> str:
    """What a retry came to."""
    return f"#{task.id} is queued again · p{task.priority} · {task.route.tier.capitalize()}"


def paused(pause: Paused) -> str:
    """The whole queue is paused, now or already."""
    since = f"since {day_and_time(pause.since)}"
    return (
        f"The queue is paused {since}: nothing new starts, what runs goes on. `/task resume` lets it go on."
    )


def resumed(gates: Sequence[Gate], lifted: Paused | None = None) -> str:
    """What letting the queue go on came to, and letting the closed gates try at once."""
    if lifted is not None:
        return "\n".join(["The queue goes on.", *([resumed(gates)] if gates else [])])
    if not gates:
        return "No gate is closed: nothing waits for an operator."
    closed = [f"*{gate.name.capitalize()}*: {cause(gate.name, gate.fault)}" for gate in gates]
    tries = "A task tries already" if is_probing(gates) else "The next task in line tries now"
    then = f"{tries}. If it gets through, the others follow; if not, they wait again."
    return "\n".join([*closed, then])


def _fitted(lines: Sequence[str], last: Sequence[str] = ()) -> str:
    """As many lines as a message holds, and how many it does not; then the `last` ones.

    The first and the last ones always fit.
    """
    kept, size = [], sum(len(text) + 1 for text in last)
    for number, text in enumerate(lines):
        size += len(text) + 1
        if size > TEXT_LIMIT - 40:
            kept.append(f"… and {len(lines) - number} more")
            break
        kept.append(text)
    return neutralise("\n".join([*kept, *last]))


def not_stored() -> str:
    """Nothing was taken because it could not be stored."""
    return (
        "Not taken: I could not store this. The log says why. Nothing was queued; please send it again later."
    )


def not_stored_yet() -> str:
    """Nothing was taken yet because it could not be stored; Slack brings it again for some minutes."""
    return (
        "Not taken yet: I could not store this. The log says why. Slack brings it to me again for some "
        "minutes; if you see no card or answer within 10, please send it again."
    )


def broken() -> str:
    """Nothing was taken because of a defect."""
    return "Not taken: something broke on my side. The log says what. Please send it again later."


def mention_first() -> str:
    """How to hand over a task with a mention."""
    return (
        "Nothing queued: a task begins with my name, such as `@Onequeue p3 investigate stall`. "
        "Further on in a message it is just talk about me."
    )
