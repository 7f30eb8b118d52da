"""A dispatcher and its books on a real store, with a worker that nobody runs."""

from dataclasses import dataclass
from datetime import datetime

from dispatch.asking import Asking
from dispatch.books import Books
from dispatch.dispatcher import Dispatcher
from dispatch.ports import Clock
from dispatch.store import Store
from dispatch.terms import Terms
from dispatch.usage import Price, Usage
from dispatch.worker import Worker
from tests.integration.work_room import FakeGateway, FakeNotifier, FakeQuotes, FakeSeats


@dataclass
class FrontDesk:
    """Everything that can be asked of a queue."""

    dispatcher: Dispatcher
    books: Books


def one_each(_: str, usage: Usage, at: datetime | None = None) -> Price:
    """A price of one micro-dollar a token, at any time."""
    return Price(usage.prompt_tokens + usage.output_tokens, "test-1")


def front_desk(store: Store, clock: Clock, terms: Terms) -> FrontDesk:
    """The front door of a store."""
    notifier = FakeNotifier()
    worker = Worker(
        store.queue,
        store.gates,
        FakeGateway(),
        FakeSeats(),
        FakeQuotes(),
        notifier,
        clock,
        terms,
        lambda: 0.5,
    )
    asking = Asking(store.questions, store.queue, notifier, clock, terms)
    return FrontDesk(
        Dispatcher(store.queue, store.gates, worker, asking, notifier, clock, one_each, terms),
        Books(store.queue, store.ledger, store.outbox, store.digests, notifier, clock, one_each, terms),
    )
