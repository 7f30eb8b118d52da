"""The buttons of a card pressed in the simulated Slack: each does what it says, while it still says so."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.rehearsal.slack.state import Message as Posted
from dispatch.faults import Fault, FaultKind
from dispatch.states import State
from dispatch.task import HoldKind, Outcome, Tier, Verdict
from tests.integration.control_room import Bench, control_room
from tests.integration.post_room import settle_down

SEATS = 3
REFUSED = Outcome(Verdict.FAILED, "Half of it.", "claude-haiku-5-5", Fault(FaultKind.REFUSAL))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as opened:
        yield opened


async def ask(bench: Bench, words: str, who: str = "ana") -> None:
    await bench.slack.slash(who, "ops", words)


async def full(bench: Bench) -> None:
    """Two tasks for Opus run, which leaves the seat that is kept for p1 and p2."""
    for number in (1, 2):
        await ask(bench, f"p3 task {number}", "sam")
        await bench.seats.wait_started(number)


async def card(bench: Bench, number: int) -> Posted:
    """The card of a task once all that is due has been sent."""
    await settle_down(bench.room)
    return next(post for post in bench.room.posts() if post.text.startswith(f"#{number} · "))


def labels(message: Posted) -> list[str]:
    """The words on a card's buttons."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [button["text"]["text"] for row in rows for button in row]


def says(message: Posted) -> str:
    """All that a card's lines say."""
    return str([block for block in message.blocks if block["type"] in ("section", "context")])


async def press(bench: Bench, message: Posted, action: str, who: str = "ana") -> str:
    """Presses a button of that message; what the person is told in private."""
    assert await bench.slack.click(who, "ops", message.ts, action) == ""
    return (await bench.told(who))[-1]


async def test_a_queued_card_says_why_it_waits_and_can_be_moved(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    before = await card(bench, 3)
    assert labels(before) == ["Bump to p3", "Lower to p5, Sonnet", "Hold", "Cancel"]
    assert "2 of 3 Opus seats busy, 1 kept for p1 and p2" in says(before)
    assert "next in line · usual price and time: too few to say, none so far" in says(before)
    assert "p4 -&gt; Opus · $100 of today's $100 left" in says(before).replace("\\'", "'")


async def test_a_bump_raises_a_task_once_and_its_card_says_by_whom(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    before = await card(bench, 3)
    told = await press(bench, before, "bump", "sam")
    assert told == "#3 is raised from p4: p3 · Opus. Its card shows where it stands."
    posts = len(bench.room.posts())
    after = await card(bench, 3)
    assert after.ts == before.ts
    assert len(bench.room.posts()) == posts
    assert "raised from p4 by @sam" in says(after)
    assert bench.slack.pings == []
    task = await bench.task(3)
    assert (task.priority, task.state) == (3, State.QUEUED)


async def test_a_second_press_of_the_same_words_moves_nothing(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    message = await card(bench, 3)
    for _ in range(2):
        await bench.slack.click("ana", "ops", message.ts, "bump")
    assert (await bench.task(3)).priority == 3
    assert (await bench.told("ana"))[-1].startswith("#3 has moved on")


async def test_a_press_that_is_delivered_twice_moves_once(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    message = await card(bench, 3)
    bench.slack.duplicate(1)
    await bench.slack.click("ana", "ops", message.ts, "bump")
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    assert (await bench.task(3)).priority == 3


async def test_lowered_it_goes_to_another_tier_and_runs_there(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    told = await press(bench, await card(bench, 3), "lower")
    assert told == "#3 is lowered from p4: p5 · Sonnet. Its card shows where it stands."
    await bench.seats.wait_started(3)
    assert bench.seats.started[-1].model == "claude-sonnet-5-5"


async def test_a_held_task_waits_until_it_is_released(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    told = await press(bench, await card(bench, 3), "hold")
    assert told == "#3 is held. `/task release 3` lets it go on in its place."
    held = await card(bench, 3)
    assert labels(held) == ["Release", "Cancel"]
    assert "Held by @ana" in says(held)
    assert (await bench.task(3)).hold is HoldKind.PERSON
    bench.seats.end(1)
    await bench.until(1, State.DONE)
    assert (await bench.task(3)).state is State.HELD
    assert "queued again, in its place" in await press(bench, held, "release")
    await bench.seats.wait_started(3)


async def test_a_queued_task_is_cancelled_and_a_running_one_is_stopped_after_a_question(
    bench: Bench,
) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    assert (await press(bench, await card(bench, 3), "cancel")).startswith("#3 is cancelled.")
    assert labels(await card(bench, 3)) == ["Retry"]
    running = await card(bench, 1)
    (row,) = [block for block in running.blocks if block["type"] == "actions"]
    assert row["elements"][0]["confirm"]["confirm"]["text"] == "Stop it"
    assert (await press(bench, running, "stop", "sam")).startswith("Stopping #1.")
    await bench.until(1, State.CANCELLED)


async def test_a_failed_task_is_retried_or_goes_one_tier_up_with_what_was_learnt(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    bench.seats.end(1, REFUSED)
    await bench.until(1, State.FAILED)
    failed = await card(bench, 1)
    assert labels(failed) == ["Retry", "One tier up: Sonnet"]
    assert await press(bench, failed, "tier_up") == "#1 is queued for Sonnet; it may cost $3.00 in all."
    await bench.seats.wait_started(2)
    again = bench.seats.started[-1]
    assert again.model == "claude-sonnet-5-5"
    assert "An earlier session on claude-haiku-5-5 came to what is quoted here" in again.prompt
    assert "\n> Half of it." in again.prompt
    assert (await bench.task(1)).route.reason == "Haiku failed, retried on Sonnet"
    assert labels(await card(bench, 1)) == ["Stop"]


async def test_a_retry_by_button_runs_it_again_as_it_was(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    bench.seats.end(1, REFUSED)
    await bench.until(1, State.FAILED)
    assert await press(bench, await card(bench, 1), "retry") == "#1 is queued again · p9 · Haiku"
    await bench.seats.wait_started(2)
    assert bench.seats.started[-1].prompt == "tidy the wiki"


async def test_an_answered_task_is_asked_again_one_tier_up_once(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    bench.seats.end(1, Outcome(Verdict.ANSWERED, "It is tidy.", "claude-haiku-5-5"))
    await bench.until(1, State.DONE)
    done = await card(bench, 1)
    assert labels(done) == ["Follow up", "One tier up: Sonnet"]
    told = await press(bench, done, "tier_up")
    assert told == "#1 is asked again as #2 for Sonnet; it may cost $3.00 in all."
    await bench.seats.wait_started(2)
    again = await bench.task(2)
    assert (again.route.tier, again.thread, again.requester) == (Tier.SONNET, done.ts, "UANA00001")
    assert again.route.reason == "#1 again, one tier up from Haiku"
    assert "\n> It is tidy." in bench.seats.started[-1].prompt
    await press(bench, done, "tier_up")
    assert len(bench.seats.started) == 2
    assert (await bench.task(1)).state is State.DONE


@pytest.mark.parametrize("action", ["bump", "lower", "hold", "cancel"])
async def test_a_stranger_moves_nothing(bench: Bench, action: str) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    message = await card(bench, 3)
    before = await bench.task(3)
    told = await press(bench, message, action, "kim")
    assert (
        told == "Nothing done: only the person who asked for #3, or an operator, may do that. Ask ana or sam."
    )
    assert await bench.task(3) == before


async def test_thumbs_are_kept_for_each_person_and_the_last_one_counts(bench: Bench) -> None:
    await ask(bench, "p3 investigate stall")
    await bench.seats.wait_started(1)
    bench.seats.end(1)
    await bench.until(1, State.DONE)
    await settle_down(bench.room)
    answer = bench.room.posts()[-1]
    for who, thumb in [("ana", "1 up"), ("kim", "1 up"), ("ana", "1 down")]:
        assert await bench.slack.click(who, "ops", answer.ts, "feedback", thumb) == ""
    assert await bench.room.store.queue.feedback(1) == {"UANA00001": False, "UKIM00001": True}
    assert (await bench.told("kim"))[-1] == "Noted: a thumb up for #1. The other thumb changes it."


async def test_an_answer_whose_thumbs_are_refused_is_the_same_without_them(bench: Bench) -> None:
    await ask(bench, "p3 investigate stall")
    await bench.seats.wait_started(1)
    await settle_down(bench.room)
    bench.slack.fault("chat.postMessage", "error", error="invalid_blocks")
    bench.seats.end(1)
    await bench.until(1, State.DONE)
    await settle_down(bench.room)
    answer = bench.room.posts()[-1]
    assert [block["type"] for block in answer.blocks] == ["markdown", "section", "context"]
    assert len(bench.slack.pings) == 1


async def test_words_move_a_task_as_its_buttons_do(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    slash = bench.slack.slash
    assert (await slash("ana", "ops", "bump 3")).startswith("#3 is raised from p4: p3 · Opus.")
    assert (await slash("ana", "ops", "lower 3")).startswith("#3 is lowered from p3: p4 · Opus.")
    assert (await slash("kim", "ops", "hold 3")).startswith("Nothing done: only the person who asked for #3")
    assert (await slash("ana", "ops", "hold 3")).startswith("#3 is held.")
    assert "held already" in await slash("ana", "ops", "hold 3")
    assert (await slash("ana", "ops", "release 3")).startswith("#3 is queued again")
    assert (await slash("ana", "ops", "stop 3")).startswith("#3 is cancelled.")
    await ask(bench, "p1 put the fire out")
    await bench.seats.wait_started(3)
    assert await slash("ana", "ops", "bump 4") == ("#4 is p1: priorities run from p1 (most urgent) to p10.")


async def test_the_receipt_the_list_and_one_task_say_what_its_card_says(bench: Bench) -> None:
    await full(bench)
    told = await bench.slack.slash("ana", "ops", "p4 investigate stall")
    line = "next in line · usual price and time: too few to say, none so far"
    assert told == f"Queued as #3 · p4 · Opus · {line}"
    assert f"#3 · p4 · Opus · queued · {line} · investigate stall" in await bench.slack.slash(
        "ana", "ops", "list"
    )
    assert f"\nN{line[1:]}" in await bench.slack.slash("ana", "ops", "show 3")
    assert line in says(await card(bench, 3))
