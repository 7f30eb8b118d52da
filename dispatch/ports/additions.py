"""What is said to a task while it runs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from dispatch.task import Claim, Task

Hear = Callable[[], Awaitable[str]]
"""What has been said to a session's task that the session does not know yet, as its next message.

It is taken up with that: a runner calls it only where the session still reads what it is told. Empty where
there is nothing. Raises nothing.
"""


async def nothing_said() -> str:
    """`Hear` of a session to which nothing is said."""
    return ""


class Additions(Protocol):
    """Replies that a running session takes up, in the place of a session of their own."""

    async def take_up(self, claim: Claim, now: datetime) -> Sequence[Task]:
        """Gives the session of that claim what waits for it; all that sessions of its task have taken up.

        Oldest first. Each is ended with that, in the same transaction. A session that is to stop is given
        nothing. Raises LeaseLost.
        """
        ...

    async def additions(self, task_id: int) -> Sequence[Task]:
        """All that sessions of the task have taken up, oldest first."""
        ...
