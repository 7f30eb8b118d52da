"""What an attempt does and leaves, and what its runtime says it cost, in every store."""

from dataclasses import replace

import pytest

from dispatch.errors import LeaseLost
from dispatch.policy import Settlement
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from dispatch.usage import Price, Unpriced, Usage
from dispatch.work import Kept, Work
from tests.contracts.stores import LEASE, NOW, SECOND, Parts

WORK = Work("onequeue/1", " queue.py | 2 +-\n 1 file changed", Kept.PUSHED, "-limit = 4\n+limit = 8\n")


async def test_the_runners_own_line_stays_beside_a_newer_one(store: Parts) -> None:
    await store.add(project="payments")
    claim = await store.claim()
    assert claim.task.project == "payments"
    await store.queue.progress(claim, "reading 3 files", NOW, own=True)
    await store.queue.progress(claim, "reading salaries.txt", NOW)
    (attempt,) = await store.queue.attempts(1)
    assert (attempt.progress, attempt.doing) == ("reading salaries.txt", "reading 3 files")
    await store.settle(claim, State.DONE)
    with pytest.raises(LeaseLost):
        await store.queue.progress(claim, "too late", NOW, own=True)


@pytest.mark.parametrize("kept", Kept)
async def test_work_comes_back_as_it_was_settled(store: Parts, kept: Kept) -> None:
    await store.add()
    outcome = Outcome(Verdict.ANSWERED, "the answer", work=replace(WORK, kept=kept), said_micro_usd=7)
    await store.queue.settle(await store.claim(), outcome, Settlement(State.DONE), NOW)
    (attempt,) = await (await store.reopened()).queue.attempts(1)
    assert (attempt.work, attempt.said_micro_usd) == (outcome.work, 7)


async def test_work_noted_before_or_after_the_end_is_kept_and_shown(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    await store.deliver_all()
    await store.queue.note_work(1, 1, WORK, NOW)
    assert await store.deliver_all() == ["card:1"]
    await store.queue.give_back(claim, "stopped", NOW)
    assert (await store.queue.attempts(1))[0].work == WORK
    await store.claim()
    again = replace(WORK, branch="onequeue/1-2", kept=Kept.BRANCH)
    await store.queue.note_work(1, 1, replace(WORK, kept=Kept.BRANCH), NOW)
    await store.queue.note_work(1, 2, again, NOW)
    first, second = await store.queue.attempts(1)
    assert (first.work, second.work) == (replace(WORK, kept=Kept.BRANCH), again)
    assert "card:1" in await store.deliver_all()


async def test_attempts_whose_runtime_names_another_cost_are_found_by_their_end(store: Parts) -> None:
    costs: list[tuple[int | None, Price | Unpriced | None]] = [
        (None, Price(9, "v")),
        (5, None),
        (0, None),
        (5, Price(9, "v")),
        (9, Price(9, "v")),
        (5, Unpriced("new")),
    ]
    for number, (said, price) in enumerate(costs, 1):
        await store.add(f"k{number}")
        claim, ended = await store.claim(), NOW + number * SECOND
        if price is not None:
            line = await store.ledger.open(claim, "m", NOW)
            await store.ledger.book(
                line, model="m", request_id="r", usage=Usage(1), price=price, estimated=False, now=NOW
            )
        outcome = Outcome(Verdict.ANSWERED, said_micro_usd=said)
        await store.queue.settle(claim, outcome, Settlement(State.DONE), ended)
    found = await store.queue.disputed(NOW, NOW + LEASE)
    runs = [(await store.queue.attempts(number))[0] for number in range(1, 7)]
    assert found == [run.task_id for run in runs if run.is_disputed] == [2, 4]
    for since, until, numbers in ((4, 9, [4]), (0, 4, [2]), (5, 9, [])):
        assert await store.queue.disputed(NOW + since * SECOND, NOW + until * SECOND) == numbers
