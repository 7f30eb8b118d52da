"""The states of a task and the moves between them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a task is. `held` waits for a time or a person, `waiting` for an answer to its question."""

    QUEUED = "queued"
    HELD = "held"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    PARKED = "parked"


class Move(StrEnum):
    """What can happen to a task. `reroute`, `answer` and `take up` leave it in its state."""

    ENQUEUE = "enqueue"
    HOLD = "hold"
    RELEASE = "release"
    CLAIM = "claim"
    REQUEUE = "requeue"
    ASK = "ask"
    SETTLE = "settle"
    CANCEL = "cancel"
    EXPIRE = "expire"
    PARK = "park"
    RETRY = "retry"
    REROUTE = "reroute"
    ANSWER = "answer"
    REPRIORITISE = "reprioritise"
    TAKE_UP = "take up"


_S = State
MOVES: dict[Move, tuple[frozenset[State], frozenset[State]]] = {
    Move.HOLD: (frozenset({_S.QUEUED, _S.HELD, _S.RUNNING}), frozenset({_S.HELD})),
    Move.RELEASE: (frozenset({_S.HELD, _S.WAITING}), frozenset({_S.QUEUED})),
    Move.CLAIM: (frozenset({_S.QUEUED}), frozenset({_S.RUNNING})),
    Move.REQUEUE: (frozenset({_S.RUNNING}), frozenset({_S.QUEUED})),
    Move.ASK: (frozenset({_S.RUNNING}), frozenset({_S.WAITING})),
    Move.SETTLE: (frozenset({_S.RUNNING}), frozenset({_S.DONE, _S.FAILED})),
    Move.CANCEL: (frozenset({_S.QUEUED, _S.HELD, _S.RUNNING, _S.WAITING}), frozenset({_S.CANCELLED})),
    Move.EXPIRE: (frozenset({_S.QUEUED, _S.HELD, _S.WAITING}), frozenset({_S.EXPIRED})),
    Move.PARK: (frozenset({_S.QUEUED, _S.HELD, _S.RUNNING}), frozenset({_S.PARKED})),
    Move.RETRY: (frozenset({_S.FAILED, _S.CANCELLED, _S.EXPIRED, _S.PARKED}), frozenset({_S.QUEUED})),
}
"""Each move: the states it may start from and the states it may end in. `enqueue` makes the task queued,
`reprioritise` and `take up` leave its state as it is."""

TERMINAL = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.EXPIRED, State.PARKED})
"""No session will touch these unless a person retries them; done stays done."""


@dataclass(frozen=True, slots=True)
class Step:
    """One move in a task's history: by whom, and why where that says more.

    `source` and `target` are the states before and after, None where that was not noted. `actor` is a
    person's id, somebody at the command line (`cli:ana`) or `onequeue` itself.
    """

    at: datetime
    move: Move
    source: State | None
    target: State | None
    actor: str
    detail: str
