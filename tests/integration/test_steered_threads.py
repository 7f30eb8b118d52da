"""Replies that reach a session while it runs, as people make them in the simulated Slack."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.rehearsal.slack import visible
from dispatch.states import State
from dispatch.task import HoldKind, Task, Tier
from tests.integration.control_room import Bench, control_room
from tests.integration.post_room import OPS, PAYMENTS, settle_down
from tests.integration.test_threads import ANSWER, asked, private, say


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path, steered={OPS}) as opened:
        yield opened


async def hears(bench: Bench, number: int = 1) -> str:
    """What the newest session of a task hears now."""
    sessions = [session for session in bench.seats.started if session.task_id == number]
    return await sessions[-1].hear()


async def card(bench: Bench, number: int) -> str:
    """All that people see on a task's card."""
    await settle_down(bench.room)
    return next(visible(post) for post in bench.room.posts() if f"#{number} ·" in post.text)


def added(task: Task) -> tuple[State, int | None, int | None]:
    return task.state, task.adds_to, task.taken_by


async def test_a_reply_reaches_the_session_and_its_card_says_so(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds & more?", thread)
    assert added(await bench.task(2)) == (State.HELD, 1, None)
    assert "For #1, which takes it up at its next step. Else it starts when #1 has ended" in await card(
        bench, 2
    )
    said = await hears(bench)
    assert "> #2, said by whoever asked for the task:\n> and the refunds & more?" in said
    assert await hears(bench) == ""
    assert added(await bench.task(2)) == (State.CANCELLED, None, 1)
    shown = await card(bench, 2)
    assert "#2 · p3 · Opus · taken up by #1" in shown
    assert "#1 has taken this up: its answer is about this too, at no cost of its own" in shown
    assert "Retry" not in shown
    assert "One tier up" not in shown
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await settle_down(bench.room)
    assert len(bench.seats.started) == 1
    assert [post.text for post in bench.room.posts()].count("It was the pool.") <= 1
    assert await private(bench, "ana") == []


async def test_what_is_said_too_late_follows_up(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    bench.seats.end(1, ANSWER)
    await bench.seats.wait_started(2)
    assert added(await bench.task(2)) == (State.RUNNING, None, None)
    assert "It was answered: It was the pool." in bench.seats.started[1].prompt


async def test_a_follow_up_knows_what_was_said_meanwhile(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await hears(bench)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await say(bench, "and the wiki?", thread)
    await bench.seats.wait_started(2)
    prompt = bench.seats.started[1].prompt
    assert "> #2 was asked: and the refunds?" in prompt
    assert "> It was said to #1 while that ran, which answers this as well." in prompt
    assert "> It was answered: It was the pool." in prompt


async def test_what_was_taken_up_is_in_the_prompt_of_the_next_attempt(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await hears(bench)
    await say(bench, "and the wiki?", thread)
    await bench.dispatcher.start()
    await bench.slack.slash("ana", "ops", "p9 wake up")
    await bench.seats.wait_started(2)
    again = next(session for session in bench.seats.started if (session.task_id, session.attempt) == (1, 2))
    assert again.prompt.index("> and the refunds?") < again.prompt.index("> and the wiki?")
    assert again.prompt.count("> and the wiki?") == 1
    assert await again.hear() == ""
    assert added(await bench.task(3)) == (State.CANCELLED, None, 1)


async def test_the_same_one_tier_up_knows_what_was_said(bench: Bench) -> None:
    await bench.slack.slash("ana", "ops", "p6 investigate stall")
    await bench.seats.wait_started(1)
    await settle_down(bench.room)
    thread = (await bench.task(1)).thread
    assert thread is not None
    await say(bench, "and the refunds?", thread)
    await hears(bench)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    again = await bench.dispatcher.tier_up(1, "UANA00001")
    assert again.route.tier is Tier.OPUS
    assert "> and the refunds?" in again.words


@pytest.mark.parametrize(
    "words", ["p3 and the refunds?", "model=opus and the refunds?", "max=$2 and that?", "by=23:00 and that?"]
)
async def test_what_asks_for_something_of_its_own_waits(bench: Bench, words: str) -> None:
    thread = await asked(bench)
    await say(bench, words, thread)
    task = await bench.task(2)
    assert (task.behind, task.hold, task.adds_to) == (1, HoldKind.PERSON, None)
    assert await hears(bench) == ""


async def test_a_reply_with_a_file_waits(bench: Bench) -> None:
    thread = await asked(bench)
    await bench.slack.say("ana", "ops", "and this?", thread_ts=thread, files=[("a.txt", b"what it says")])
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    assert added(await bench.task(2)) == (State.HELD, None, None)


async def test_elsewhere_replies_wait(bench: Bench) -> None:
    thread = await asked(bench, channel="payments")
    await say(bench, "and the refunds?", thread, channel="payments")
    assert (await bench.task(2)).channel == PAYMENTS
    assert added(await bench.task(2)) == (State.HELD, None, None)


async def test_only_the_requester_and_operators_reach_it(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "are you sure?", thread, "kim")
    await say(bench, "@onequeue are you sure?", thread, "kim")
    kims = await bench.task(2)
    assert added(kims) == (State.HELD, None, None), "it is a task of their own, and waits"
    await say(bench, "really?", thread, "kim")
    await say(bench, "@onequeue and the refunds?", thread, "sam")
    assert added(await bench.task(3)) == added(await bench.task(4)) == (State.HELD, None, None)
    assert await hears(bench) == "", "what is said behind another's waits its turn"


async def test_an_operator_reaches_it_by_name(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "@onequeue and the refunds?", thread, "sam")
    assert "> #2, said by USAM00001:\n> and the refunds?" in await hears(bench)


async def test_orders_and_talk_are_no_words_for_it(bench: Bench) -> None:
    thread = await asked(bench)
    for words in ("status", "cost", "thanks!", "!aside hm"):
        await say(bench, words, thread)
    assert await hears(bench) == ""
    await say(bench, "and the refunds?", thread)
    await hears(bench)
    await say(bench, "cost", thread)
    assert (await private(bench, "ana"))[-1].startswith("#1 has cost $0.00 of $10.00")


async def test_stop_ends_what_was_not_heard_as_well(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await say(bench, "stop", thread)
    await bench.until(1, State.CANCELLED)
    assert added(await bench.task(2)) == (State.CANCELLED, None, None)
    assert len(bench.seats.started) == 1


async def test_what_is_let_go_runs_by_itself(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await bench.slack.slash("ana", "ops", "release 2")
    await bench.seats.wait_started(2)
    assert await hears(bench) == ""


async def test_what_was_taken_up_is_not_run_again(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await hears(bench)
    told = await bench.slack.slash("ana", "ops", "retry 2")
    assert told == "#2 was taken up by #1 and never runs by itself. Say it again."


async def test_a_store_that_fails_loses_nothing_of_what_was_said(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    session = bench.seats.started[0]
    await bench.room.store.database.close()
    assert await session.hear() == ""
    assert replace(session, hear=session.hear) == session
