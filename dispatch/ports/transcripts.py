"""What happened in sessions, kept for people to read."""

from collections.abc import Sequence
from typing import Protocol

from dispatch.transcript import Entry, Kind


class Recorder(Protocol):
    """Takes down what happens in one session."""

    def add(self, who: str, kind: Kind, text: str) -> None:
        """Takes down what has just happened: all of it, for half a secret is not known as one.

        Returns at once and raises nothing.
        """
        ...


class Transcripts(Protocol):
    """The entries of each attempt, in order. They are only ever added, and go with the task's words."""

    async def append(self, task_id: int, attempt: int, first: int, entries: Sequence[Entry]) -> None:
        """Stores entries, numbered from `first` on (1 is the first of all); those stored already stay.

        Raises LeaseLost where the attempt does not run any more, StoreError.
        """
        ...

    async def entries(self, task_id: int, attempt: int, after: int, limit: int) -> Sequence[Entry]:
        """So many entries at most behind that number; none where there are none. Raises StoreError."""
        ...
