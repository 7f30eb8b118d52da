"""What an attempt does and leaves, and what its runtime says it cost, in every store."""

from dataclasses import replace

import pytest

from dispatch.errors import LeaseLost
from dispatch.policy import Settlement
from dispatch.states import State
from dispatch.task import Outcome, Verdict
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


async def test_attempts_whose_runtime_names_a_cost_are_found_by_their_end(store: Parts) -> None:
    for number, said in enumerate((None, 0, 5), 1):
        await store.add(f"k{number}")
        outcome = Outcome(Verdict.ANSWERED, said_micro_usd=said)
        ended = NOW + number * SECOND
        await store.queue.settle(await store.claim(), outcome, Settlement(State.DONE), ended)
    found = await store.queue.self_costed(NOW, NOW + LEASE)
    assert [(attempt.task_id, attempt.said_micro_usd) for attempt in found] == [(2, 0), (3, 5)]
    assert found == [(await store.queue.attempts(number))[0] for number in (2, 3)]
    for since, until, numbers in ((3, 9, [3]), (0, 3, [2]), (4, 9, [])):
        found = await store.queue.self_costed(NOW + since * SECOND, NOW + until * SECOND)
        assert [attempt.task_id for attempt in found] == numbers
