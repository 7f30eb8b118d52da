"""Buttons pressed in the simulated Slack, over the real Bolt app, into the real dispatcher and store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.budget import Budgets
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import HoldKind, Task, Tier
from tests.integration.control_room import Bench, control_room

DOLLAR = 1_000_000
STOPPED, HELD = "#1 failed", "#2 · p6 · Sonnet · held"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as opened:
        yield opened


@pytest.fixture
async def short(tmp_path: Path) -> AsyncIterator[Bench]:
    """A day with $4 for Sonnet, of which one running task has reserved $3."""
    async with control_room(tmp_path, Budgets(tiers={Tier.SONNET: 4 * DOLLAR})) as opened:
        await opened.slack.slash("ana", "ops", "p6 the first")
        await opened.seats.wait_started(1)
        await opened.slack.slash("ana", "ops", "p6 the second")
        await opened.until(2, State.HELD)
        yield opened


async def stopped(bench: Bench) -> Task:
    """A task of ana's that has just stopped at its cap of $10."""
    await bench.slack.slash("ana", "ops", "p3 investigate stall")
    await bench.seats.wait_started(1)
    return await bench.run_over(1)


async def press(bench: Bench, who: str, words: str, action: str) -> None:
    """Presses a button of the newest message with these words; it is acknowledged."""
    message = await bench.message(words)
    assert await bench.slack.click(who, "ops", message.ts, action) == ""


@pytest.mark.parametrize("who", ["ana", "sam"], ids=["requester", "operator"])
async def test_another_cap_lets_a_stopped_task_go_on(bench: Bench, who: str) -> None:
    await stopped(bench)
    await press(bench, who, STOPPED, "another_cap")
    await bench.seats.wait_started(2)
    task = await bench.task(1)
    assert (task.state, task.route.cap_micro_usd, task.cost_micro_usd) == (
        State.RUNNING,
        20 * DOLLAR,
        10 * DOLLAR,
    )
    assert (await bench.told(who))[-1] == (
        "#1 is queued again: it may cost $20.00 in all, of which $10.00 is spent."
    )


async def test_what_was_finished_is_posted_beside_the_button(bench: Bench) -> None:
    await stopped(bench)
    notice = await bench.message(STOPPED)
    assert "Stopped at its cap of $10.00; $10.00 spent." in notice.text
    assert [message.text for message in bench.room.posts()][-1] == "Half of it."


async def test_a_stranger_may_neither_pay_nor_reroute(bench: Bench) -> None:
    await stopped(bench)
    await press(bench, "kim", STOPPED, "another_cap")
    assert (await bench.task(1)).state is State.FAILED
    (answer,) = await bench.told("kim")
    assert answer == (
        "Nothing done: only the person who asked for #1, or an operator, may do that. Ask ana or sam."
    )
    assert answer not in await bench.told("ana")


async def test_a_second_press_is_told_that_the_task_has_moved_on(bench: Bench) -> None:
    await stopped(bench)
    message = await bench.message(STOPPED)
    for _ in range(2):
        await bench.slack.click("ana", "ops", message.ts, "another_cap")
        await bench.seats.wait_started(2)
    assert (await bench.task(1)).route.cap_micro_usd == 20 * DOLLAR
    assert (await bench.told("ana"))[-1].startswith("#1 has moved on: it is running now, on Opus.")


async def test_a_press_that_arrives_twice_counts_once(bench: Bench) -> None:
    await stopped(bench)
    message = await bench.message(STOPPED)
    bench.slack.duplicate(1)
    await bench.slack.click("ana", "ops", message.ts, "another_cap")
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    await bench.seats.wait_started(2)
    assert [text[:18] for text in await bench.told("ana") if "#1 is" in text or "moved" in text] == [
        "#1 is queued again"
    ]


async def test_a_press_replayed_after_the_task_stopped_again_pays_nothing(bench: Bench) -> None:
    await stopped(bench)
    await press(bench, "ana", STOPPED, "another_cap")
    payload = bench.slack.state.envelopes[-1].payload
    await bench.seats.wait_started(2)
    await bench.run_over(1)
    before = await bench.told("ana")
    assert await bench.controls.press(payload) == ""
    assert (await bench.task(1)).state is State.FAILED
    assert await bench.told("ana") == before
    await press(bench, "ana", STOPPED, "another_cap")
    await bench.seats.wait_started(3)
    assert (await bench.task(1)).route.cap_micro_usd == 30 * DOLLAR


async def test_an_old_button_is_stale_once_the_task_has_ended_otherwise(bench: Bench) -> None:
    await stopped(bench)
    old = await bench.message(STOPPED)
    await press(bench, "ana", STOPPED, "another_cap")
    await bench.seats.wait_started(2)
    bench.seats.end(1)
    await bench.until(1, State.DONE)
    await bench.slack.click("ana", "ops", old.ts, "another_cap")
    assert (await bench.told("ana"))[-1].startswith("#1 has moved on: it is done now")


async def test_a_task_held_by_a_budget_runs_on_haiku(short: Bench) -> None:
    card = await short.message(HELD)
    assert "$3.00 is reserved by running tasks" in card.text
    await press(short, "ana", HELD, "cheaper")
    await short.seats.wait_started(2)
    assert short.seats.started[-1].model == DEFAULT_TABLE[Tier.HAIKU].model
    assert (await short.told("ana"))[-1] == "#2 is queued for Haiku now; it may cost $1.00 there."
    assert "running" in (await short.message("#2 · p6 · Haiku")).text


async def test_a_stranger_may_not_send_it_elsewhere_but_may_ask_for_patience(short: Bench) -> None:
    await press(short, "kim", HELD, "cheaper")
    await press(short, "kim", HELD, "wait")
    first, second = await short.told("kim")
    assert first.startswith("Nothing done: only the person who asked for #2")
    assert second.startswith("#2 waits: its budget resets <!date^")
    task = await short.task(2)
    assert (task.state, task.hold, task.route.tier) == (State.HELD, HoldKind.BUDGET, Tier.SONNET)


async def test_a_button_whose_words_no_longer_hold_changes_nothing(short: Bench) -> None:
    await press(short, "ana", HELD, "wait")
    payload = short.slack.state.envelopes[-1].payload
    for label in ("Run on Opus", "run on haiku"):
        action = {**payload["actions"][0], "action_id": "cheaper", "text": {"text": label}}
        await short.controls.press({**payload, "trigger_id": label.replace(" ", "."), "actions": [action]})
        assert (await short.told("ana"))[-1].startswith("#2 has moved on: it is held now, on Sonnet.")
    assert (await short.task(2)).state is State.HELD


async def test_an_answer_to_a_press_in_a_thread_is_seen_there_and_beside_a_card(bench: Bench) -> None:
    await stopped(bench)
    notice = await bench.message(STOPPED)
    await press(bench, "kim", STOPPED, "another_cap")
    await bench.told("kim")
    assert bench.slack.ephemerals("kim")[-1].thread_ts == notice.thread_ts
