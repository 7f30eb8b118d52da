"""A pause of the whole queue: nothing is claimed until it is lifted, what runs goes on. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Paused:
    """The queue is paused: by whom, as an actor of a task's history, and since when."""

    actor: str
    since: datetime
