"""Questions that a session asks people: which answers hold, and what a session is told. Pure.

A task has one open question at most. People answer in words or by a button; what nobody answers in time
is over, and the session goes on without it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dispatch.task import Attempt, Route, Task

MOST = 10
"""How many questions one task may ask."""

LONGEST_QUESTION = 2_000
"""Characters of a question or a reason."""

LONGEST_ACTION = 20_000
"""Characters of an action that is to be approved."""

LONGEST_SHOWN = 8_000
"""Characters of an action that people must see whole, as `shown_length` counts them."""

LONGEST_OPTION = 75
"""Characters of an option."""

OPTIONS = 5
"""How many options a question may offer."""

LONGEST_ANSWER = 10_000
"""Characters of an answer in words; what goes beyond is cut."""

PUT_ASIDE = "The answer is not here yet. You are put aside until it is; it comes as the next message."
"""What an agent is told whose session ends until people have answered."""

_LONGEST_WORK = 20_000


class QuestionKind(StrEnum):
    """A question wants words, an approval a yes to one exact action, an upgrade one to a better tier."""

    QUESTION = "question"
    APPROVAL = "approval"
    UPGRADE = "upgrade"


class Decision(StrEnum):
    """The answers to what wants no words: the first three to an approval, the others to an upgrade."""

    ONCE = "once"
    FOR_TASK = "for this task"
    DENY = "deny"
    RAISE = "raise"
    STAY = "stay"


DECISIONS = {
    QuestionKind.APPROVAL: frozenset({Decision.ONCE, Decision.FOR_TASK, Decision.DENY}),
    QuestionKind.UPGRADE: frozenset({Decision.RAISE, Decision.STAY}),
}


class Ending(StrEnum):
    """How a question ended; `stale` when its task no longer needed an answer."""

    ANSWERED = "answered"
    OVERDUE = "overdue"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """What a session asks. `text` is the question, the exact action, or why the tier is not enough.

    `reason` says why an action is needed. `route` is where an upgrade would lead. An `answer` is there
    where the settings have decided already, and nobody is asked.
    """

    kind: QuestionKind
    text: str
    reason: str = ""
    options: tuple[str, ...] = ()
    route: Route | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question as stored: open while `ending` is None.

    `attempt` is the newest attempt that asked it, `person` who answered, `key` the request that brought
    the answer. `told` says whether a session has been given the answer.
    """

    id: int
    task_id: int
    attempt: int
    kind: QuestionKind
    text: str
    reason: str
    options: tuple[str, ...]
    route: Route | None
    asked_at: datetime
    deadline: datetime
    ending: Ending | None
    answer: str | None
    person: str | None
    key: str | None
    ended_at: datetime | None
    told: bool

    @property
    def raises(self) -> bool:
        """Whether its answer sends the task to a better tier."""
        return self.kind is QuestionKind.UPGRADE and self.answer == Decision.RAISE


@dataclass(frozen=True, slots=True)
class Ruling:
    """What came of a question: the words for the session, and whether they allow the action it asked for."""

    words: str
    allows: bool


def shown_length(action: str) -> int:
    """How many characters an action takes where people see it: a sign of markup takes five."""
    return len(action) + 4 * sum(map(action.count, "&<>"))


def deadline(now: datetime, lasts: timedelta, task: Task) -> datetime:
    """Until when a question asked now waits: not longer than its task."""
    return min(now + lasts, task.expires_at) if task.expires_at else now + lasts


def accepts(question: Question, answer: str) -> bool:
    """Whether that is an answer to such a question."""
    if question.kind is QuestionKind.QUESTION:
        return bool(answer.strip())
    return answer in DECISIONS[question.kind]


def is_same(question: Question, new: NewQuestion) -> bool:
    """Whether asking `new` would ask that question again. An action is the same only to the letter."""
    if question.kind is not new.kind:
        return False
    if new.kind is QuestionKind.APPROVAL:
        return question.text == new.text
    return new.kind is QuestionKind.UPGRADE or _plain(question.text) == _plain(new.text)


def standing(asked: Iterable[Question], new: NewQuestion) -> Question | None:
    """The question that is over whose answer holds for `new` as well, so that nobody is asked again.

    One approval holds once: it is spent when a session has been told of it.
    """
    over = [question for question in asked if question.ending in (Ending.ANSWERED, Ending.OVERDUE)]
    for question in reversed(over):
        if is_same(question, new) and not (question.answer == Decision.ONCE and question.told):
            return question
    return None


def ruling(question: Question, requester: str) -> Ruling:
    """What came of a question that is over."""
    allows = question.kind is QuestionKind.APPROVAL and question.answer in (Decision.ONCE, Decision.FOR_TASK)
    return Ruling(reply(question, requester), allows)


def reply(question: Question, requester: str) -> str:
    """What a session that asked it is told once it is over."""
    who = "The requester" if question.person == requester else "An operator"
    match question.kind, question.answer:
        case QuestionKind.QUESTION, None:
            return "Nobody answered in time. Decide yourself and say what you assumed, or say what you have."
        case QuestionKind.QUESTION, answer:
            return f"{who} answered, in these words:\n\n{answer}"
        case QuestionKind.APPROVAL, Decision.ONCE:
            return f"{who} approved it, once: exactly this action, now."
        case QuestionKind.APPROVAL, Decision.FOR_TASK:
            return f"{who} approved exactly this action for the whole task: it needs no asking again."
        case QuestionKind.APPROVAL, None:
            return "Nobody answered in time, so it is denied. Do without it, and say what that leaves undone."
        case QuestionKind.APPROVAL, _:
            return f"{who} denied it. Do without it, and say what that leaves undone."
        case _, None:
            return "Nobody answered in time. Go on as you are."
        case _:
            return f"{who} wants you to go on as you are."


def recalled(asked: Sequence[Question], attempts: Sequence[Attempt]) -> str:
    """What a fresh session should know of the task's earlier ones, as words; empty where there is nothing."""
    parts = [_exchange(question) for question in asked if _has_words(question)]
    raised = next((question for question in reversed(asked) if question.raises), None)
    if raised is not None:
        parts.append(_learnt(raised, attempts))
    return "\n\n".join(parts)


def _has_words(question: Question) -> bool:
    return question.kind is QuestionKind.QUESTION and question.ending is Ending.ANSWERED


def _exchange(question: Question) -> str:
    return (
        "An earlier session of this task asked:\n"
        f"{_quoted(question.text)}\n\nand a person answered:\n{_quoted(question.answer or '')}"
    )


def _learnt(raised: Question, attempts: Sequence[Attempt]) -> str:
    found = next((attempt for attempt in attempts if attempt.number == raised.attempt), None)
    parts = []
    if found and (work := found.text.strip()[:_LONGEST_WORK]):
        parts.append(f"Its work so far:\n{_quoted(work)}")
    if found and found.work:
        parts.append(f"What it changed is on the branch {found.work.branch}:\n{_quoted(found.work.diffstat)}")
    said = f"An earlier session found this task more complex than it could do well:\n{_quoted(raised.text)}"
    return "\n\n".join([said, *parts])


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
