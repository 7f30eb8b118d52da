"""What people say in a thread whose task has asked them something. Plain values; no Bolt."""

from dataclasses import dataclass

from bot.grammar import Submit, UsageError, parse
from bot.ports import Desk, Rights
from bot.remarks import Order, read
from bot.slacktext import escape
from bot.views import presses, threads
from bot.views.offers import answer_of, on_question
from dispatch.errors import MoveRefused, NotFound
from dispatch.questions import LONGEST_ANSWER, Question, QuestionKind
from dispatch.task import Task


@dataclass(frozen=True, slots=True)
class Said:
    """Words said in a thread. `to_us` where they begin with our name or are said in direct messages.

    `files` may have come with them, or alone.
    """

    key: str
    person: str
    channel: str
    thread: str
    words: str
    to_us: bool
    files: bool

    @property
    def is_files_alone(self) -> bool:
        """Whether there is nothing but files."""
        return self.files and not self.words.strip()


@dataclass(frozen=True, slots=True)
class Answer:
    """Words that answer the question of that number."""

    question_id: int
    words: str
    said: Said


@dataclass(frozen=True, slots=True)
class Told:
    """Private words, empty where there are none to say: it was talk, or it is done already."""

    text: str


class Replies:
    """Takes words as answers: those of the requester, and those an operator says to us."""

    def __init__(self, desk: Desk, rights: Rights) -> None:
        self._desk = desk
        self._rights = rights

    async def meant(self, said: Said) -> Answer | Told | None:
        """The answer those words are, or what is to be told of them; None where this is no answer.

        Raises StoreError.
        """
        question = await self._desk.asked_in(said.channel, said.thread, said.key)
        if question is None:
            return None
        if question.key == said.key:
            return Told(_with_files(said, ""))
        task, _ = await self._desk.show(question.task_id)
        if not await self._is_meant(said, task, question):
            return None
        if said.is_files_alone:
            return Told(_with_files(said, threads.still_asks(task)))
        answer = _answer(question, said.words)
        if answer is None:
            return Told(_with_files(said, presses.press_a_button(task)))
        return Answer(question.id, answer, said)

    async def give(self, answer: Answer) -> str:
        """Gives it to the session -> private words, empty where none are needed. Raises StoreError."""
        said = answer.said
        try:
            await self._desk.answer(answer.question_id, answer.words, said.person, said.key)
        except (MoveRefused, NotFound) as error:
            return _with_files(said, escape(str(error)))
        return _with_files(said, "")

    async def _is_meant(self, said: Said, task: Task, question: Question) -> bool:
        if not said.is_files_alone and _is_no_answer(said, question):
            return False
        return said.person == task.requester or (said.to_us and await self._rights.operates(said.person))


def _with_files(said: Said, told: str) -> str:
    """What is told, and that no file was read where some came along."""
    return f"{told} {threads.FILE_UNREAD}".lstrip() if said.files else told


def _is_no_answer(said: Said, question: Question) -> bool:
    """Whether it asks for something else, or is talk. What the question offers is an answer, `stop` too."""
    words = said.words.strip()
    if not words:
        return True
    if words.casefold() in [option.casefold() for option in question.options]:
        return False
    if words.startswith("!") or read(words) is Order.STOP:
        return True
    return said.to_us and _is_order(words)


def _is_order(words: str) -> bool:
    """Whether it asks for something else: a verb, or a task with a priority or an option first."""
    match parse(words):
        case UsageError():
            return False
        case Submit(priority=priority, model=model, cap_micro_usd=cap, by=by):
            return any(option is not None for option in (priority, model, cap, by))
        case _:
            return True


def _answer(question: Question, words: str) -> str | None:
    """The answer those words are; to what wants a decision only the words on a button are one."""
    if question.kind is QuestionKind.QUESTION:
        return words.strip()[:LONGEST_ANSWER]
    plain = " ".join(words.casefold().split()).rstrip(".!")
    pressed = (offer.action for offer in on_question(question) if offer.label.casefold() == plain)
    action = next(pressed, None)
    return answer_of(action, question) if action else None
