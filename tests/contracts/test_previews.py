"""`ports.Previews`: on the real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.ports import Begun
from dispatch.states import State
from dispatch.store import Store
from tests.contracts.stores import NOW, Parts, open_sqlite


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    opened = await open_sqlite(tmp_path)
    await opened.add("k1")
    yield opened
    await opened.close()


async def in_thread(parts: Parts) -> None:
    """Sends the card, which the first time becomes the thread."""
    for delivery in await parts.due():
        await parts.outbox.sent(delivery.id, delivery.revision, f"m{delivery.id}", NOW)


async def test_one_begins_only_in_a_thread_and_only_once_for_each_attempt_that_runs(parts: Parts) -> None:
    assert await parts.previews.begin(1, 1, NOW) is None, "it does not run"
    await parts.claim()
    assert await parts.previews.begin(1, 1, NOW) is None, "it has no thread"
    await in_thread(parts)
    begun = await parts.previews.begin(1, 1, NOW)
    assert begun == Begun(1, 1, "C1", "m1", NOW, None, grows=True, due=False, taken=False)
    assert await parts.previews.begin(1, 1, NOW) is None, "it has one"
    assert await parts.previews.begin(1, 2, NOW) is None, "there is no such attempt"


async def test_its_message_is_known_until_it_is_forgotten(parts: Parts) -> None:
    await parts.claim()
    await in_thread(parts)
    await parts.previews.begin(1, 1, NOW)
    await parts.previews.begun(1, 1, "m9")
    assert [begun.message for begun in await parts.previews.all()] == ["m9"]
    parts = await parts.reopened()
    assert [begun.message for begun in await parts.previews.all()] == ["m9"]
    await parts.previews.forget(1, 1)
    assert await parts.previews.all() == []
    await parts.close()


async def test_it_tells_what_has_become_of_its_answer(parts: Parts) -> None:
    claim = await parts.claim()
    await in_thread(parts)
    await parts.previews.begin(1, 1, NOW)
    await parts.previews.begun(1, 1, "m9")
    await parts.settle(claim, State.DONE)
    assert [(one.grows, one.due, one.taken) for one in await parts.previews.all()] == [(False, True, False)]
    await in_thread(parts)
    (answer,) = await parts.due()
    await parts.outbox.sending(answer.id)
    assert [one.due for one in await parts.previews.all()] == [True]
    await parts.outbox.sent(answer.id, answer.revision, "m9", NOW)
    assert [(one.grows, one.due, one.taken) for one in await parts.previews.all()] == [(False, False, True)]


async def test_an_attempt_that_is_over_without_an_answer_leaves_it_to_nobody(tmp_path: Path) -> None:
    parts = await open_sqlite(tmp_path)
    await parts.add("k1")
    await parts.claim()
    await in_thread(parts)
    await parts.previews.begin(1, 1, NOW)
    await parts.close()
    store = await Store.open(tmp_path / "onequeue.db")
    await store.queue.recover(NOW)
    assert [(one.grows, one.due) for one in await store.previews.all()] == [(False, False)]
    await store.close()
