"""The two weeks that `onequeue try` begins with, in a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.history import DAYS, past, rehearse_past
from bot.rehearsal.slack.seed import SAM
from dispatch.forecast import LEAST, usual
from dispatch.pricing import PriceList
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import MODEL_TIERS, HoldKind
from tests.fakes.values import NOON

START = NOON - timedelta(days=DAYS)
AFTER = NOON + timedelta(seconds=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "onequeue.db")
    await rehearse_past(store.queue, store.ledger, PriceList(lambda: NOON), DEFAULT_TABLE, NOON)
    yield store
    await store.close()


async def test_every_tier_has_enough_behind_it_to_say_what_is_usual(store: Store) -> None:
    for tier in MODEL_TIERS:
        known = usual(await store.queue.answered(tier, START, 200))
        assert known.samples >= LEAST
        assert known.micro_usd and 0 < known.micro_usd.low <= known.micro_usd.high
        assert known.seconds


async def test_every_day_cost_something_and_the_cards_cost_what_the_ledger_says(store: Store) -> None:
    days = [NOON - timedelta(days=back) for back in range(DAYS)]
    for day in days:
        spent = await store.ledger.spending(day - timedelta(days=1), day)
        assert sum(one.micro_usd for one in spent) > 0
        assert not any(one.unpriced for one in spent)
    booked = sum(one.micro_usd for one in await store.ledger.spending(START, AFTER))
    ended = await store.queue.ended_tasks(START, AFTER)
    assert booked == sum(task.cost_micro_usd for task in ended) > 0


async def test_it_all_lies_behind_and_all_but_one_was_answered(store: Store) -> None:
    ended = await store.queue.ended_tasks(START, NOON)
    assert len(ended) == len(list(past(NOON)))
    assert [task.state for task in ended].count(State.FAILED) == 1
    assert {task.state for task in ended} == {State.DONE, State.FAILED}
    liked = [liked for task in ended for liked in (await store.queue.feedback(task.id)).values()]
    assert set(liked) == {True, False}


async def test_one_task_waits_and_only_its_card_is_due(store: Store) -> None:
    (held,) = await store.queue.open_tasks(10)
    assert (held.state, held.hold, held.requester) == (State.HELD, HoldKind.PERSON, SAM)
    assert [due.task_id for due in await store.outbox.due(AFTER, 10)] == [held.id]


def test_the_past_of_a_moment_is_always_the_same_and_over() -> None:
    assert list(past(NOON)) == list(past(NOON))
    assert all(one.began < one.ended < NOON for one in past(NOON))
