"""What is due to people: rows made in the transaction that causes them, sent by the courier. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryKind(StrEnum):
    """A card is edited in place, a whisper is seen by one person only, a restart says that one happened.

    A question is edited in place once it is over; its body is its number. A notice tells a channel
    something that belongs to no task, `budget` that a step of one is reached, `ended` that a task ended
    without an attempt.
    """

    CARD = "card"
    ANSWER = "answer"
    RESTART = "restart"
    WHISPER = "whisper"
    REPLY = "reply"
    DIGEST = "digest"
    NOTICE = "notice"
    BUDGET = "budget"
    ENDED = "ended"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Something to send. A second one with the same `key` changes nothing."""

    key: str
    kind: DeliveryKind
    channel: str
    body: str
    thread: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as stored.

    `weight` is 1 for an edit of a card that only shows progress or place, and 0 for all that goes first.
    `message` is the id the channel gave it once sent; a card's is edited when `revision` rises.
    `parts_sent` counts the parts of a long answer that have arrived. `in_doubt` is set when a send
    began whose fate nobody knows: look for it before sending again. `channel` and `thread` say where
    it goes, as of now: they are the task's where it has one.
    """

    id: int
    key: str
    kind: DeliveryKind
    task_id: int | None
    attempt: int | None
    channel: str
    thread: str | None
    person: str | None
    body: str
    weight: int
    message: str | None
    revision: int
    parts_sent: int
    tries: int
    in_doubt: bool
    due_at: datetime
