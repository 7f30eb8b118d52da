"""Two weeks of tasks that `onequeue try` begins with: prices, digest and board have something to say."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.rehearsal.slack.seed import ANA, PAYMENTS, SAM
from dispatch.faults import Fault, FaultKind
from dispatch.policy import Seating, after
from dispatch.ports import Ledger, Pricing, Queue
from dispatch.routing import Table, route
from dispatch.task import NewTask, Outcome, Source, Verdict
from dispatch.usage import Usage

DAYS = 14
REFUSED = "a rehearsed refusal"
ANSWER = "_A rehearsed answer, from before this Onequeue was started: no model was asked._"
WAITING = "compare the two retry policies once the release is out"
_ONE_SEAT = Seating(1)
_LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a day's tasks of one priority ask for, and what one comes to: seconds, tokens in and out."""

    priority: int
    seconds: float
    prompt: int
    output: int
    words: tuple[str, ...]


_KINDS = (
    Kind(
        3,
        5,
        1600,
        390,
        (
            "why do exports stall after midnight?",
            "find the cause of the duplicate invoices",
            "design the move to the new ledger",
        ),
    ),
    Kind(
        6,
        2,
        1600,
        280,
        (
            "review the retry policy of payments",
            "write the release notes for 4.2",
            "compare our timeouts with the upstream's",
        ),
    ),
    Kind(
        9,
        0.8,
        1600,
        150,
        ("list the flags nobody uses", "tidy the on-call wiki", "turn this week's alerts into a table"),
    ),
)


@dataclass(frozen=True, slots=True)
class Past:
    """One task that has ended: who asked for what, when it began, and what it came to."""

    number: int
    requester: str
    kind: Kind
    began: datetime
    more: int

    @property
    def new(self) -> NewTask:
        """The request. Nobody waits for it in a channel."""
        words = self.kind.words[self.number // 3 % len(self.kind.words)]
        return NewTask(f"rehearsal:{self.number}", Source.CLI, self.requester, words, self.kind.priority)

    @property
    def ended(self) -> datetime:
        """When its session was over."""
        return self.began + timedelta(seconds=self.kind.seconds * (100 + self.more) / 100)

    @property
    def usage(self) -> Usage:
        """What its one request used."""
        kind = self.kind
        return Usage(
            input_tokens=kind.prompt + 4 * self.more, output_tokens=kind.output * (100 + self.more) // 100
        )

    def outcome(self, model: str) -> Outcome:
        """How it ended: answered, but for one that was refused."""
        if self.number == 1:
            return Outcome(Verdict.FAILED, "", model, Fault(FaultKind.REFUSAL, REFUSED))
        return Outcome(Verdict.ANSWERED, ANSWER, model)


def past(now: datetime) -> Iterator[Past]:
    """The tasks of the two weeks before now, oldest first: on some days more, on some fewer."""
    number = 0
    for back in reversed(range(DAYS)):
        for turn in range(2 + (back * 5 + 2) % 4):
            number += 1
            began = now - timedelta(days=back, minutes=11 * (6 - turn))
            kind = _KINDS[number * 2 % 3]
            yield Past(number, SAM if number % 4 else ANA, kind, began, number * 37 % 50)


async def rehearse_past(queue: Queue, ledger: Ledger, price: Pricing, table: Table, now: datetime) -> None:
    """Stores those tasks as the bot would have, and one that sam holds. Only for an empty database."""
    for task in past(now):
        await _lived(task, queue, ledger, price, table)
    new = NewTask("rehearsal:held", Source.SLASH, SAM, WAITING, 6, channel=PAYMENTS)
    held, _ = await queue.enqueue(new, route(new.priority, None, None, table), now)
    await queue.hold(held.id, SAM, now)


async def _lived(one: Past, queue: Queue, ledger: Ledger, price: Pricing, table: Table) -> None:
    """A whole life of a task: stored, claimed, one request booked, settled, and its answer judged."""
    decided = route(one.kind.priority, None, None, table)
    await queue.enqueue(one.new, decided, one.began)
    claim = await queue.claim(decided.tier, _ONE_SEAT, one.began + _LEASE, one.began)
    if claim is None:
        raise RuntimeError("rehearse the past in an empty database only")
    booking = await ledger.open(claim, decided.model, one.began)
    await ledger.book(
        booking,
        model=decided.model,
        request_id=f"req_rehearsal_{one.number}",
        usage=one.usage,
        price=price(decided.model, one.usage),
        estimated=False,
        now=one.ended,
    )
    outcome = one.outcome(decided.model)
    await queue.settle(
        claim, outcome, after(claim.task, outcome, closes=False, now=one.ended, chance=0), one.ended
    )
    if outcome.verdict is Verdict.ANSWERED and one.number % 3 == 0:
        await queue.give(claim.task.id, one.requester, one.number % 5 != 0, one.ended)
