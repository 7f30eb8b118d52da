"""A transcript page by page: by the console, and through the real local socket."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from bot.console import Console
from bot.local import LocalDoor, ask_running, socket_path
from bot.records import Record
from bot.transcripts import PAGE
from dispatch.errors import NotFound, OnequeueError
from dispatch.faults import Fault, FaultKind
from dispatch.policy import Seating, Settlement
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, Outcome, Tier, Verdict
from dispatch.transcript import LONGEST, MODEL, Entry, Kind
from dispatch.worker import LEASE
from tests.fakes.clock import FakeClock
from tests.integration.test_local import console_for

Say = Callable[[Claim, int, str], Awaitable[None]]
Begin = Callable[[], Awaitable[Claim]]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield store
    await store.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def console(store: Store, clock: FakeClock) -> Console:
    console = console_for(store, clock, "COPS00001")
    await console.ask("add", {"text": "p3 investigate stall"})
    return console


@pytest.fixture
def begin(store: Store, clock: FakeClock) -> Begin:
    async def claimed() -> Claim:
        claim = await store.queue.claim(Tier.OPUS, Seating(2), clock.now() + LEASE, clock.now())
        assert claim
        return claim

    return claimed


@pytest.fixture
def say(store: Store, clock: FakeClock) -> Say:
    async def said(claim: Claim, count: int, word: str) -> None:
        entries = [Entry(clock.now(), MODEL, Kind.SAID, f"{word} {number}") for number in range(count)]
        await store.transcripts.append(claim.task.id, claim.attempt, 1, entries)

    return said


async def again(store: Store, clock: FakeClock, claim: Claim) -> None:
    """The attempt fails and its task is queued again."""
    outcome = Outcome(Verdict.FAILED, fault=Fault(FaultKind.INCOMPLETE))
    await store.queue.settle(claim, outcome, Settlement(State.FAILED), clock.now())
    await store.queue.retry(claim.task.id, "U1", clock.now())


def asked(after: int = 0, attempt: str = "") -> Mapping[str, str]:
    return {"task": "1", "attempt": attempt, "after": str(after)}


def words(page: Record) -> list[str]:
    entries = page["entries"]
    assert isinstance(entries, list)
    return [entry["text"] for entry in entries]


async def test_the_newest_attempt_is_shown_unless_another_is_named(
    console: Console, store: Store, clock: FakeClock, begin: Begin, say: Say
) -> None:
    first = await begin()
    await say(first, 2, "first")
    await again(store, clock, first)
    await say(await begin(), 1, "second")
    assert words(await console.ask("transcript", asked())) == ["second 0"]
    assert words(await console.ask("transcript", asked(attempt="1"))) == ["first 0", "first 1"]
    with pytest.raises(NotFound, match=r"#1 has had 2 attempts: there is no attempt 9\."):
        await console.ask("transcript", asked(attempt="9"))


async def test_what_has_not_run_has_none(console: Console) -> None:
    with pytest.raises(NotFound, match=r"#1 has had 0 attempts\."):
        await console.ask("transcript", asked())
    with pytest.raises(NotFound, match="There is no task #42"):
        await console.ask("transcript", {**asked(), "task": "42"})


async def test_pages_through_the_socket_are_the_whole(
    console: Console, begin: Begin, say: Say, tmp_path: Path
) -> None:
    await say(await begin(), 2 * PAGE + 1, "word")
    door = LocalDoor(path := socket_path(tmp_path / "onequeue.db"), console.ask)
    await door.open()
    try:
        pages = [await ask_running(path, "transcript", asked())]
        while pages[-1]["next"] is not None:
            pages.append(await ask_running(path, "transcript", asked(int(str(pages[-1]["next"])), "1")))
        with pytest.raises(OnequeueError, match="no attempt 7"):
            await ask_running(path, "transcript", asked(attempt="7"))
    finally:
        await door.close()
    assert [len(words(page)) for page in pages] == [PAGE, PAGE, 1]
    assert [word for page in pages for word in words(page)] == [f"word {n}" for n in range(2 * PAGE + 1)]


async def test_the_largest_page_passes_the_socket(
    console: Console, store: Store, clock: FakeClock, begin: Begin, tmp_path: Path
) -> None:
    claim = await begin()
    large = [Entry(clock.now(), MODEL, Kind.RESULT, "\U0001f600" * LONGEST)] * PAGE
    await store.transcripts.append(1, claim.attempt, 1, large)
    door = LocalDoor(path := socket_path(tmp_path / "onequeue.db"), console.ask)
    await door.open()
    try:
        assert words(await ask_running(path, "transcript", asked())) == ["\U0001f600" * LONGEST] * PAGE
    finally:
        await door.close()


async def test_one_that_grows_goes_on_where_the_reader_was(
    console: Console, store: Store, clock: FakeClock, begin: Begin, say: Say
) -> None:
    claim = await begin()
    await say(claim, PAGE, "word")
    page = await console.ask("transcript", asked())
    assert page["next"] == PAGE
    assert words(await console.ask("transcript", asked(PAGE, "1"))) == []
    late = Entry(clock.now(), MODEL, Kind.SAID, "late")
    await store.transcripts.append(1, 1, PAGE + 1, [late])
    assert words(await console.ask("transcript", asked(PAGE, "1"))) == ["late"]
