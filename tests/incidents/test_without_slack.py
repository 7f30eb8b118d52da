"""Tasks worked without Slack between two lives of the bot: nothing is lost, nobody is told a thing twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.alone import alone
from bot.works import Works
from dispatch.faults import FaultKind
from dispatch.questions import Ending
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import NewTask, Source
from tests.incidents.between import OPS
from tests.incidents.house import House, opened, text_of

ASK = "p6 drain the queues, but ask me which one first"
DIGEST = {"channel": OPS, "at": "09:00", "weekly": "off"}


@asynccontextmanager
async def without_slack(house: House) -> AsyncIterator[Works]:
    """The house's database at work in a process that Slack never hears of."""
    await house.stop()
    called = len(house.slack.state.calls)
    store = await Store.open(house.settings.database)
    try:
        works = alone(house.settings, store, house.clock)
        async with works.at_work():
            yield works
    finally:
        await store.close()
    assert len(house.slack.state.calls) == called


async def reaches(works: Works, number: int, state: State) -> None:
    """Lets seconds pass until the task is there."""
    async with asyncio.timeout(20):
        while (await works.store.queue.task(number)).state is not state:
            await move(works, timedelta(seconds=1))


async def move(works: Works, span: timedelta) -> None:
    works.clock.advance(span)  # type: ignore[attr-defined]
    for tick in works.ticks():
        await tick.do()
    await works.watch.look(0)


async def given_up_halfway(house: House, words: str) -> int:
    """The number of a task whose session is cut by the end of its process."""
    house.claude.hold()
    (number,) = await house.ask(1, words)
    await house.stop()
    house.claude.release()
    return number


async def test_what_was_worked_is_told_once_it_is_back() -> None:
    async with opened(digest=DIGEST) as house:
        number = await given_up_halfway(house, "p3 investigate stall")
        async with without_slack(house) as works:
            await reaches(works, number, State.DONE)
            for _ in range(3):
                await move(works, timedelta(days=1))
            assert not works.watch._standing
        assert "done" not in house.card(number)
        await house.start()
        await house.pass_time(minutes=2)
        assert "done" in house.card(number)
        assert len(house.posts("answer")) == 1
        (digest,) = house.posts("digest")
        assert "Covers 3 days" in text_of(digest)
        await house.restart()
        await house.pass_time(minutes=2)
        assert len(house.posts("answer")) == len(house.posts("digest")) == 1
        assert [ping.target for ping in house.slack.pings] == [house.asked_by[number]]


async def test_a_question_waits_on_no_seat_and_is_asked_once_it_is_back() -> None:
    async with opened() as house:
        number = await given_up_halfway(house, ASK)
        async with without_slack(house) as works:
            begun = house.clock.now()
            await reaches(works, number, State.WAITING)
            assert house.clock.now() - begun < timedelta(minutes=1)
        await house.start()
        await house.settle()
        (question,) = house.posts("question")
        await house.press("ana", question, "answer:1")
        await house.pass_time(minutes=2)
        assert (await house.task(number)).state is State.DONE
        assert len(house.posts("question")) == 1


async def test_a_question_that_nobody_heard_ends_in_its_time() -> None:
    async with opened() as house:
        number = await given_up_halfway(house, ASK)
        async with without_slack(house) as works:
            await reaches(works, number, State.WAITING)
            await move(works, timedelta(hours=5))
            await reaches(works, number, State.DONE)
            (asked,) = await works.store.queue.questions(number)
            assert asked.ending is Ending.OVERDUE
        await house.start()
        await house.pass_time(minutes=2)
        assert len(house.posts("question")) == len(house.posts("answer")) == 1
        assert [ping.target for ping in house.slack.pings] == [house.asked_by[number]], "of the answer alone"


@pytest.mark.parametrize(
    "refers", [{"quote_thread": True}, {"source": Source.SHORTCUT}], ids=["to a thread", "to a message"]
)
async def test_what_a_request_refers_to_in_slack_is_waited_for(refers: dict[str, object]) -> None:
    async with opened() as house:
        root = await house.slack.say("ana", "#payments", "the queue stands still")
        async with without_slack(house) as works:
            new = {
                "source": Source.MENTION,
                "channel": "CPAY00001",
                "thread": root,
                "message": root,
                **refers,
            }
            key, ana, words = "key:1", "UANA00001", "investigate that"
            task, _ = await works.dispatcher.submit(
                NewTask(request_key=key, requester=ana, words=words, priority=3, **new)  # type: ignore[arg-type]
            )
            await reaches(works, task.id, State.HELD)
            for _ in range(30):
                await move(works, timedelta(hours=1))
            tries = await works.store.queue.attempts(task.id)
            assert {one.fault.kind for one in tries if one.fault} == {FaultKind.UNREACHABLE}
            assert (await works.store.queue.task(task.id)).strikes == 0
            assert not house.claude.served
        house.asked_by[task.id] = ana
        await house.start()
        await house.pass_time(hours=2)
        assert (await house.task(task.id)).state is State.DONE
        assert len(house.posts("answer")) == 1
