"""The queue without Slack: tasks are worked, and what is due to people there waits until it is back.

Digests are not told meanwhile: the next one covers all days since the last.
"""

from dataclasses import replace
from typing import Final

from bot.config import Settings
from bot.crier import LogAlone
from bot.works import Reach, Works, terms_of
from dispatch.errors import Unreachable
from dispatch.ports import Clock, Gathered
from dispatch.store import Store
from dispatch.task import Source, Task

_ELSEWHERE: Final = (
    "in Slack, which nothing here reaches: it is tried again, and runs once `onequeue run` does"
)


def alone(settings: Settings, store: Store, clock: Clock) -> Works:
    """The queue and what runs it, for nobody but the command line and the log."""
    terms = replace(terms_of(settings), operators_channel="")
    reach = Reach(
        Nobody(), UnreadQuotes(), UnreadFiles(), lambda runner: runner, LogAlone(clock), voice=None, lines=0
    )
    works = Works(settings, store, clock, terms, reach)
    # Nobody hears a question meanwhile, so no session waits on its seat for the answer.
    works.asking.hurry()
    return works


class Nobody:
    """`ports.Notifier` where nobody sends."""

    def wake(self) -> None:
        """Nothing."""


class UnreadQuotes:
    """`ports.Quotes` where threads cannot be read."""

    async def of(self, task: Task) -> str:
        """Nothing, for a task that refers to no talk. Raises Unreachable for any other."""
        if task.quote_thread:
            raise Unreachable(f"the conversation around this request is {_ELSEWHERE}")
        return ""


class UnreadFiles:
    """`ports.Files` where they cannot be had."""

    async def of(self, task: Task) -> Gathered:
        """Nothing, for a task without files. Raises Unreachable for one that has any, or may have."""
        if task.files or task.source is Source.SHORTCUT:
            raise Unreachable(f"the files of this request are {_ELSEWHERE}")
        return Gathered()
