"""What a task should be, in plain Python."""

from dataclasses import dataclass, field
from datetime import datetime

from dispatch.states import State
from dispatch.task import Tier


@dataclass
class Model:
    """What a task should be."""

    key: str
    tier: Tier
    priority: int
    requester: str
    turn: int = 0
    state: State = State.QUEUED
    attempt: int = 0
    cancel_asked: bool = False
    run_at: datetime | None = None
    cost: int = 0
    unpriced: int = 0
    losses: int = 0
    answers: set[int] = field(default_factory=set)
    restarts: set[int] = field(default_factory=set)
