"""Messages in which an answer grows while it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Preview(Protocol):
    """Shown what a session writes. Only ever shown: the outcome alone says what the answer is."""

    def grow(self, text: str) -> None:
        """All that a message says so far that has called no tool. Returns at once."""
        ...

    def drop(self) -> None:
        """That message calls a tool, so it is not the answer. Returns at once."""
        ...


class Unseen:
    """`Preview` that nobody looks at."""

    def grow(self, text: str) -> None:
        """Nothing."""

    def drop(self) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A preview as stored. `message` is its id, None while a send may have begun whose fate nobody knows.

    It `grows` while its attempt runs. Then its answer may be `due` to it, or has `taken` its message over.
    """

    task_id: int
    attempt: int
    channel: str
    thread: str
    begun_at: datetime
    message: str | None
    grows: bool
    due: bool
    taken: bool


class Previews(Protocol):
    """Which messages are previews, so that none is left behind. Every method raises StoreError."""

    async def begin(self, task_id: int, attempt: int, now: datetime) -> Begun | None:
        """Notes that one is about to begin in the task's thread.

        None where the task has no thread yet, the attempt does not run any more or has one.
        """
        ...

    async def begun(self, task_id: int, attempt: int, message: str) -> None:
        """Notes its id. Before this nothing is written into it."""
        ...

    async def all(self) -> Sequence[Begun]:
        """All there are, by task and attempt."""
        ...

    async def forget(self, task_id: int, attempt: int) -> None:
        """Forgets one: its message is an answer now, or gone."""
        ...
