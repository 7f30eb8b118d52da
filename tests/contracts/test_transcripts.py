"""`ports.Transcripts`: on the real store and on the fake."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatch.errors import LeaseLost
from dispatch.ports import Transcripts
from dispatch.states import State
from dispatch.transcript import MODEL, Entry, Kind
from tests.contracts.stores import NOW, SECOND, open_sqlite
from tests.fakes.transcripts import FakeTranscripts


@dataclass
class Stage:
    """Two running tasks; `end` ends the attempt of the first, `begin` begins its next one."""

    transcripts: Transcripts
    end: Callable[[], Awaitable[object]]
    begin: Callable[[], Awaitable[object]]


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Stage]:
    parts = await open_sqlite(tmp_path)
    await parts.add("k1")
    await parts.add("k2")
    first, _ = await parts.claim(), await parts.claim()

    async def end() -> None:
        await parts.settle(first, State.FAILED)

    async def begin() -> None:
        await parts.queue.retry(1, "U1", NOW)
        assert (await parts.claim()).task.id == 1

    yield Stage(parts.transcripts, end, begin)
    await parts.close()


@pytest.fixture
async def fake() -> Stage:
    transcripts = FakeTranscripts({(1, 1), (2, 1)})

    async def end() -> None:
        transcripts.running.remove((1, 1))

    async def begin() -> None:
        transcripts.running.add((1, 2))

    return Stage(transcripts, end, begin)


@pytest.fixture(params=["sqlite", "fake"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """Each adapter in turn."""
    made = request.getfixturevalue(request.param)
    assert isinstance(made, Stage)
    return made


def said(*words: str) -> list[Entry]:
    return [Entry(NOW + number * SECOND, MODEL, Kind.SAID, word) for number, word in enumerate(words)]


async def test_what_is_stored_comes_back_as_it_was(stage: Stage) -> None:
    entries = [
        Entry(NOW, MODEL, Kind.SAID, 'I look.\n\tüber \U0001f600 \x1b[1m \ufffd "it"'),
        *(Entry(NOW + SECOND, "Read", kind, "") for kind in Kind),
    ]
    await stage.transcripts.append(1, 1, 1, entries)
    assert await stage.transcripts.entries(1, 1, 0, 100) == entries


async def test_it_is_read_in_order_and_page_by_page(stage: Stage) -> None:
    entries = said(*(f"word {number}" for number in range(25)))
    await stage.transcripts.append(1, 1, 1, entries[:11])
    await stage.transcripts.append(1, 1, 12, entries[11:])
    pages = [await stage.transcripts.entries(1, 1, after, 10) for after in (0, 10, 20, 25)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [entry for page in pages for entry in page] == entries


async def test_what_is_sent_twice_is_stored_once(stage: Stage) -> None:
    await stage.transcripts.append(1, 1, 1, said("one", "two"))
    await stage.transcripts.append(1, 1, 1, said("one", "two"))
    await stage.transcripts.append(1, 1, 2, said("another", "three"))
    words = [entry.text for entry in await stage.transcripts.entries(1, 1, 0, 100)]
    assert words == ["one", "two", "three"]


async def test_nothing_is_no_trouble(stage: Stage) -> None:
    await stage.transcripts.append(1, 1, 1, [])
    assert await stage.transcripts.entries(1, 1, 0, 100) == []
    assert await stage.transcripts.entries(42, 1, 0, 100) == []


async def test_attempts_and_tasks_do_not_mix(stage: Stage) -> None:
    await stage.transcripts.append(1, 1, 1, said("first"))
    await stage.transcripts.append(2, 1, 1, said("other"))
    await stage.end()
    await stage.begin()
    await stage.transcripts.append(1, 2, 1, said("again"))
    for task_id, attempt, word in ((1, 1, "first"), (2, 1, "other"), (1, 2, "again")):
        (entry,) = await stage.transcripts.entries(task_id, attempt, 0, 100)
        assert entry.text == word


async def test_only_the_attempt_that_runs_adds_to_its_own(stage: Stage) -> None:
    with pytest.raises(LeaseLost):
        await stage.transcripts.append(1, 2, 1, said("too early"))
    with pytest.raises(LeaseLost):
        await stage.transcripts.append(42, 1, 1, said("of nobody"))
    await stage.transcripts.append(1, 1, 1, said("in time"))
    await stage.end()
    with pytest.raises(LeaseLost):
        await stage.transcripts.append(1, 1, 2, said("too late"))
    await stage.begin()
    with pytest.raises(LeaseLost):
        await stage.transcripts.append(1, 1, 2, said("of the attempt before"))
    assert [entry.text for entry in await stage.transcripts.entries(1, 1, 0, 100)] == ["in time"]
