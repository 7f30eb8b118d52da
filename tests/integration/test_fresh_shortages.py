"""The cards of tasks that a budget has no room for say where it stands now, edited in place and seldom."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.freshness import Freshness
from bot.rehearsal.slack.shown import visible
from dispatch.budget import Budgets
from dispatch.forecaster import Forecaster
from dispatch.states import State
from dispatch.task import HoldKind, Outcome, Verdict
from dispatch.usage import MICRO_USD
from tests.integration.control_room import Bench, control_room
from tests.integration.post_room import settle_down
from tests.integration.work_room import FakeNotifier

ANSWER = Outcome(Verdict.ANSWERED, "It was the pool.", "claude-sonnet-5-5")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path, Budgets(everybody=5 * MICRO_USD)) as opened:
        yield opened


async def short(bench: Bench, count: int = 1) -> Freshness:
    """A task that may cost $3 of the day's $5 runs, and others wait for room."""
    for number in range(count + 1):
        await bench.slack.slash("ana", "ops", f"p6 sweep {number}")
    await bench.seats.wait_started(1)
    for number in range(count):
        assert (await bench.until(number + 2, State.HELD)).hold is HoldKind.BUDGET
    await settle_down(bench.room)
    terms, store = bench.dispatcher._terms, bench.room.store
    forecaster = Forecaster(store.queue, store.gates, terms)
    shown = bench.room.courier._postman._letters.shown
    return Freshness(store.queue, forecaster, shown, FakeNotifier(), bench.clock, terms)


async def edits(bench: Bench, freshness: Freshness) -> int:
    """How many cards one look has edited, all in place."""
    posts, before = len(bench.room.posts()), bench.room.calls("chat.update")
    await freshness.refresh()
    await settle_down(bench.room)
    assert len(bench.room.posts()) == posts
    return bench.room.calls("chat.update") - before


async def card(bench: Bench, number: int) -> str:
    await settle_down(bench.room)
    return next(visible(post) for post in bench.room.posts() if post.text.startswith(f"#{number} · "))


async def test_a_held_card_names_what_is_spent_and_reserved_now(bench: Bench) -> None:
    freshness = await short(bench)
    assert "$0.00 is spent, $3.00 is reserved by running tasks" in await card(bench, 2)
    await bench.spend(1, 2_500_000)
    assert await edits(bench, freshness) == 1
    assert "$2.50 is spent, $0.50 is reserved by running tasks" in await card(bench, 2)
    assert "$2.50 is spent" in await bench.slack.slash("ana", "ops", "show 2")
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await settle_down(bench.room)
    assert await edits(bench, freshness) == 1
    held = await card(bench, 2)
    assert "$2.50 of today's $5.00 for everybody is left, less than its cap needs: $2.50 is spent." in held
    assert (await bench.task(2)).hold is HoldKind.BUDGET


async def test_a_few_cents_edit_nothing(bench: Bench) -> None:
    freshness = await short(bench)
    await bench.spend(1, 200_000)
    assert await edits(bench, freshness) == 0


async def test_of_many_each_look_edits_one(bench: Bench) -> None:
    freshness = await short(bench, 3)
    await bench.spend(1, 2_500_000)
    assert [await edits(bench, freshness) for _ in range(4)] == [1, 1, 1, 0]
    assert "$2.50 is spent" in await card(bench, 4)
