"""What is asked twice by people in the simulated Slack: it follows, runs anyway, or runs in time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.slack.shown import visible
from bot.rehearsal.slack.state import Message as Posted
from dispatch.faults import Fault, FaultKind
from dispatch.policy import DECIDE, SAME
from dispatch.states import State
from dispatch.task import HoldKind, Outcome, Verdict
from tests.integration.control_room import Bench, control_room
from tests.integration.post_room import ANA, OPS, SAM, SECRET, settle_down

ANSWER = Outcome(Verdict.ANSWERED, "It was the pool.", "claude-opus-5-5")
WORDS = "p3 investigate stall"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as opened:
        yield opened


async def ask(bench: Bench, who: str = "ana", words: str = WORDS, channel: str = "ops") -> str:
    return str(await bench.slack.slash(who, channel, words))


async def twice(bench: Bench) -> None:
    """ana's task runs, and sam has asked for the same."""
    await ask(bench)
    await bench.seats.wait_started(1)
    await ask(bench, "sam", "p3  Investigate   stall.")


async def question(bench: Bench, who: str = "sam") -> Posted:
    """What that person alone is asked."""
    await settle_down(bench.room)
    found = [post for post in bench.slack.ephemerals(who) if post.text.startswith("Looks like")]
    return found[-1]


async def card(bench: Bench, number: int) -> Posted:
    await settle_down(bench.room)
    return next(post for post in bench.room.posts() if post.text.startswith(f"#{number} · "))


async def decides(bench: Bench, action: str, who: str = "sam") -> str:
    asked = await question(bench)
    assert await bench.slack.click(who, OPS, asked.ts, action) == ""
    await settle_down(bench.room)
    return str(bench.slack.ephemerals(who)[-1].text)


async def thread(bench: Bench, number: int) -> list[Posted]:
    await settle_down(bench.room)
    root = (await bench.task(number)).thread
    return [post for post in bench.room.posts() if post.thread_ts == root and post.ts != root]


async def test_what_is_asked_twice_is_stored_held_and_its_requester_asked_in_private(bench: Bench) -> None:
    await twice(bench)
    task = await bench.task(2)
    assert (task.state, task.hold, task.alike) == (State.HELD, HoldKind.PERSON, 1)
    assert task.run_at == task.created_at + DECIDE
    asked = await question(bench)
    assert asked.text.startswith("Looks like #1, running, asked ")
    assert " ago by ana: follow that one?" in asked.text
    assert "<@" not in str(asked.blocks), "shown, not mentioned"
    rows = [block["elements"] for block in asked.blocks if block["type"] == "actions"]
    assert [button["text"]["text"] for row in rows for button in row] == ["Follow #1", "Run anyway"]
    assert asked.thread_ts is None
    assert bench.slack.ephemerals("ana")[-1].text.startswith("Queued as #1")
    assert "Looks like #1" in visible(await card(bench, 2))


async def test_who_follows_gets_the_same_answer_and_the_cost_is_on_one_receipt(bench: Bench) -> None:
    await twice(bench)
    assert (
        await decides(bench, "follow")
        == "#2 follows #1: its answer comes to you too, and costs nothing more."
    )
    assert (await card(bench, 2)).text.startswith("#2 · p3 · Opus · follows #1")
    await bench.spend(1, 930_000)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    (own,), (shared,) = await thread(bench, 1), await thread(bench, 2)
    assert "It was the pool." in visible(own)
    assert "It was the pool." in visible(shared)
    assert "$0.93" in visible(own)
    assert "$0.93" not in visible(shared)
    assert "#2 follows #1" in visible(shared)
    assert sorted(ping.target for ping in bench.slack.pings) == [ANA, SAM]
    assert len(bench.seats.started) == 1
    task = await bench.task(2)
    assert (task.cost_micro_usd, task.follows) == (0, 1)


async def test_who_follows_what_is_done_has_its_answer_at_once(bench: Bench) -> None:
    await ask(bench)
    await bench.seats.wait_started(1)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await ask(bench, "sam")
    assert (await question(bench)).text.startswith("Looks like #1, answered ")
    await decides(bench, "follow")
    assert "It was the pool." in visible((await thread(bench, 2))[0])


async def test_run_anyway_runs_it_and_a_second_press_does_nothing(bench: Bench) -> None:
    await twice(bench)
    assert (await decides(bench, "release")).startswith("#2 is queued again")
    await bench.seats.wait_started(2)
    assert (await decides(bench, "follow")).startswith("#2 has moved on")
    assert (await bench.task(2)).alike is None


async def test_without_a_word_it_runs_after_a_while(bench: Bench) -> None:
    await twice(bench)
    bench.clock.advance(DECIDE - timedelta(seconds=1))
    await bench.dispatcher.tend()
    assert (await bench.task(2)).state is State.HELD
    bench.clock.advance(timedelta(seconds=1))
    await bench.dispatcher.tend()
    await bench.seats.wait_started(2)


@pytest.mark.parametrize("end", [State.FAILED, State.CANCELLED])
async def test_where_the_followed_one_has_no_answer_the_follower_is_told_and_may_run(
    bench: Bench, end: State
) -> None:
    await twice(bench)
    await decides(bench, "follow")
    if end is State.FAILED:
        bench.seats.end(1, Outcome(Verdict.FAILED, "half", "m", Fault(FaultKind.REFUSAL)))
    else:
        await ask(bench, words="cancel 1")
    await bench.until(1, end)
    (told,) = await thread(bench, 2)
    assert f"#1, which #2 follows, has no answer: it is {end}" in visible(told)
    assert await bench.slack.click("sam", OPS, told.ts, "retry") == ""
    await bench.seats.wait_started(2)
    assert (await bench.task(2)).follows is None


async def test_only_its_requester_or_an_operator_decides(bench: Bench) -> None:
    await ask(bench)
    await bench.seats.wait_started(1)
    await ask(bench)
    shown = await card(bench, 2)
    await bench.slack.click("kim", OPS, shown.ts, "follow")
    await settle_down(bench.room)
    assert (await bench.task(2)).state is State.HELD
    await bench.slack.click("ana", OPS, shown.ts, "follow")
    assert (await bench.task(2)).follows == 1


async def test_only_its_requester_brings_an_answer_out_of_private(bench: Bench) -> None:
    await bench.slack.say("ana", bench.slack.dm("ana"), WORDS)
    await bench.seats.wait_started(1)
    await ask(bench)
    shown = await card(bench, 2)
    await bench.slack.click("sam", OPS, shown.ts, "follow")
    await settle_down(bench.room)
    assert bench.slack.ephemerals("sam")[-1].text.startswith("Nothing done: #1 was asked for elsewhere")
    assert (await bench.task(2)).follows is None
    await bench.slack.click("ana", OPS, shown.ts, "follow")
    assert (await bench.task(2)).follows == 1


async def test_what_has_no_answer_any_more_is_not_waited_for(bench: Bench) -> None:
    await twice(bench)
    await ask(bench, words="cancel 1")
    await bench.until(1, State.CANCELLED)
    await bench.seats.wait_started(2)


async def test_a_double_click_and_a_third_time_look_like_the_first(bench: Bench) -> None:
    await twice(bench)
    await ask(bench, "kim")
    assert (await bench.task(3)).alike == 1


@pytest.mark.parametrize(
    "words", ["p3 model=sonnet investigate stall", "p3 max=$2 investigate stall", "p3 investigate stalls"]
)
async def test_other_options_or_words_are_no_duplicate(bench: Bench, words: str) -> None:
    await ask(bench)
    await bench.seats.wait_started(1)
    await ask(bench, words=words)
    assert (await bench.task(2)).alike is None


async def test_what_was_answered_long_ago_or_has_no_answer_is_no_duplicate(bench: Bench) -> None:
    await ask(bench)
    await bench.seats.wait_started(1)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    bench.clock.advance(SAME + timedelta(seconds=1))
    await ask(bench)
    assert (await bench.task(2)).alike is None
    await ask(bench, words="cancel 2")
    await bench.until(2, State.CANCELLED)
    await ask(bench)
    assert (await bench.task(3)).alike is None


async def test_others_tasks_elsewhere_are_not_revealed_and_ones_own_are(bench: Bench) -> None:
    bench.slack.state.channels[SECRET].members.append(bench.slack.state.bot_user_id)
    await ask(bench, channel=SECRET)
    await bench.seats.wait_started(1)
    assert (await ask(bench, "sam")).startswith("Queued as #2")
    assert (await bench.task(2)).alike is None
    dm = bench.slack.dm("ana")
    await bench.slack.say("ana", dm, WORDS)
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    assert (await bench.task(3)).alike == 1
    await settle_down(bench.room)
    (asked,) = [post for post in bench.slack.messages(dm) if post.text.startswith("Looks like")]
    assert " ago by you: follow that one?" in asked.text
    assert await bench.slack.click("ana", dm, asked.ts, "follow") == ""
    assert (await bench.task(3)).follows == 1


async def test_a_follow_up_and_a_request_in_a_thread_are_no_duplicates(bench: Bench) -> None:
    await ask(bench)
    await bench.seats.wait_started(1)
    await settle_down(bench.room)
    root = (await bench.task(1)).thread
    for words in ("investigate stall", "@onequeue investigate stall"):
        await bench.slack.say("ana", "ops", words, thread_ts=root)
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    assert [(await bench.task(number)).alike for number in (2, 3)] == [None, None]


async def test_delivered_twice_it_is_asked_once(bench: Bench) -> None:
    bench.slack.duplicate(10)
    await twice(bench)
    await question(bench)
    assert len([one for one in bench.slack.ephemerals("sam") if one.text.startswith("Looks like")]) == 1


async def test_a_reply_below_a_shared_answer_waits_for_it_and_knows_it(bench: Bench) -> None:
    await twice(bench)
    await decides(bench, "follow")
    root = (await bench.task(2)).thread
    await bench.slack.say("sam", "ops", "and the refunds?", thread_ts=root)
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    reply = await bench.task(3)
    assert (reply.state, reply.parent, reply.behind) == (State.HELD, 2, 1)
    bench.seats.end(1, ANSWER)
    await bench.seats.wait_started(2)
    prompt = bench.seats.started[1].prompt
    assert "> #2 was asked: Investigate   stall." in prompt
    assert "> It was answered: It was the pool." in prompt


async def test_what_came_with_a_file_is_not_followed(bench: Bench) -> None:
    await bench.slack.say("ana", "ops", f"@onequeue {WORDS}", files=[("a.png", b"x")])
    await bench.seats.wait_started(1)
    await ask(bench, "sam")
    assert (await bench.task(2)).alike is None


async def test_pressed_late_a_button_changes_nothing_and_says_so(bench: Bench) -> None:
    await twice(bench)
    asked = await question(bench)
    bench.seats.end(1, Outcome(Verdict.FAILED, "half", "m", Fault(FaultKind.REFUSAL)))
    await bench.seats.wait_started(2)
    assert await bench.slack.click("sam", OPS, asked.ts, "follow") == ""
    assert await bench.slack.click("sam", OPS, asked.ts, "release") == ""
    await settle_down(bench.room)
    assert bench.slack.ephemerals("sam")[-1].text.startswith("#2 has moved on: it is running now")
    assert (await bench.task(2)).follows is None


async def test_two_who_press_at_once_decide_once(bench: Bench) -> None:
    await twice(bench)
    asked = await question(bench)
    await asyncio.gather(*[bench.slack.click("sam", OPS, asked.ts, one) for one in ("follow", "release")])
    await settle_down(bench.room)
    told = [post.text for post in bench.slack.ephemerals("sam")[-2:]]
    assert sorted(text.startswith("#2 has moved on") for text in told) == [False, True]
