"""The Home tab in the simulated Slack: who sees what there, and what can be pressed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.views.looks import PAGE
from dispatch.budget import Budgets
from dispatch.faults import Fault, FaultKind
from dispatch.questions import NewQuestion, QuestionKind
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from tests.integration.control_room import Bench, control_room
from tests.integration.home_room import ask, full, labels, later, opened, pressed, says


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as opened_room:
        yield opened_room


async def test_it_begins_with_ones_own_tasks_where_they_stand_and_what_can_be_pressed(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    view = await opened(bench)
    said = says(view)
    assert "*Queued* · 1 task" in said
    assert "*#3 · p4 · Opus · queued*\ninvestigate stall\nnext in line · usual price and time" in said
    assert "sweep" not in said
    assert labels(view, "task:3") == ["Bump to p3", "Lower to p5, Sonnet", "Hold", "Cancel"]
    assert bench.slack.pings == []


async def test_a_filter_shows_a_channel_or_all_and_is_kept(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall", channel="payments")
    await opened(bench)
    everything = says(await pressed(bench, "home:all"))
    assert "*Running* · 2 tasks" in everything
    assert "*#1 · p3 · Opus · running* · for @sam\nsweep 1" in everything
    assert "investigate stall" in everything
    assert "Choose a channel to see its tasks." in says(await pressed(bench, "home:channel"))
    picked = says(await pressed(bench, "home:pick", "COPS00001"))
    assert "sweep 1" in picked
    assert "investigate stall" not in picked
    assert "sweep" not in says(await pressed(bench, "home:mine"))
    assert says(await pressed(bench, "home:channel")) == picked


async def test_a_press_does_what_the_cards_button_does_and_is_answered_there(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    await opened(bench)
    view = await pressed(bench, "hold", "3")
    assert says(view).startswith("#3 is held. `/task release 3` lets it go on in its place.")
    assert labels(view, "task:3") == ["Release", "Cancel"]
    assert (await bench.task(3)).state is State.HELD
    assert len(await bench.told("ana")) == 1
    await opened(bench)
    assert not says(await later(bench)).startswith("#3 is held")


async def test_a_press_passes_the_same_guard_and_moves_nothing_of_others(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall", "sam")
    await opened(bench)
    await pressed(bench, "home:all")
    view = await pressed(bench, "cancel", "3")
    assert says(view).startswith(
        "Nothing done: only the person who asked for #3, or an operator, may do that."
    )
    assert (await bench.task(3)).state is State.QUEUED


async def test_a_press_on_a_home_that_is_behind_moves_nothing(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    await opened(bench)
    await ask(bench, "bump 3")
    view = await pressed(bench, "bump", "3")
    assert says(view).startswith("#3 has moved on")
    assert (await bench.task(3)).priority == 3


async def test_a_press_that_is_delivered_twice_moves_once(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    await opened(bench)
    bench.slack.duplicate(1)
    await pressed(bench, "bump", "3")
    await bench.slack.wait_for(lambda state: all(one.state != "sent" for one in state.envelopes))
    assert (await bench.task(3)).priority == 3
    assert says(await later(bench)).startswith("#3 is raised from p4")


async def test_what_others_asked_in_private_is_counted_and_not_told(bench: Bench) -> None:
    await full(bench)
    await bench.slack.slash("sam", "secret", "p4 the merger")
    await bench.slack.slash("sam", bench.slack.dm("sam"), "p4 my salary")
    await ask(bench, "p4 tidy", "sam")
    await opened(bench)
    view = await pressed(bench, "home:all")
    said = says(view)
    for number in (3, 4):
        assert f"*#{number} · p4 · Opus · queued*\n_asked in private_\n" in said
    assert "merger" not in str(view)
    assert "salary" not in str(view)
    assert "tidy" in said
    await opened(bench, "sam")
    assert "the merger" in says(await pressed(bench, "home:mine", who="sam"))


async def test_a_guest_sees_no_words_of_others(bench: Bench) -> None:
    await full(bench)
    await opened(bench, "kim")
    said = says(await pressed(bench, "home:all", who="kim"))
    assert "*#1 · p3 · Opus · running*\n_asked in private_" in said
    assert "sweep" not in said


async def test_what_is_long_has_pages(bench: Bench) -> None:
    await full(bench)
    for number in range(PAGE + 3):
        await ask(bench, f"p4 chore-{number}.")
    first = await opened(bench)
    assert f"*Queued* · {PAGE + 3} tasks" in says(first)
    assert "Page 1 of 2" in says(first)
    assert labels(first, "home:page") == ["Next"]
    second = await pressed(bench, "home:next", "1")
    assert "Page 2 of 2" in says(second)
    assert labels(second, "home:page") == ["Previous"]
    words = [f"chore-{number}." for number in range(PAGE + 3)]
    assert all((word in says(first)) != (word in says(second)) for word in words)


async def asked(bench: Bench, number: int, kind: QuestionKind, text: str, *options: str) -> None:
    """The running task asks its requester."""
    now = bench.clock.now()
    question = NewQuestion(kind, text, options=options)
    await bench.room.store.questions.ask(
        bench.gateway.claims[number], question, now + timedelta(hours=4), now
    )


async def test_a_question_is_answered_there_and_only_by_whom_it_is_for(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    await bench.message("tidy the wiki")
    await asked(bench, 1, QuestionKind.QUESTION, "Which *queue*, sk-the-secret?", "payments", "refunds")
    view = await opened(bench)
    said = says(view)
    assert "*Waiting for you* · 1 task" in said
    assert ":large_purple_circle: Which ∗queue∗," in said
    assert "sk-the-secret" not in str(view)
    assert "|Answer in words in its thread>" in said
    assert labels(view, "question:1") == ["payments", "refunds"]
    await opened(bench, "sam")
    others = says(await pressed(bench, "home:all", who="sam"))
    assert "*Running* · 1 task" in others
    assert "Which" not in others
    answered = await pressed(bench, "answer:2", "1")
    assert says(answered).startswith("Taken: #1 goes on with your answer.")
    assert (await bench.room.store.queue.question(1)).answer == "refunds"


async def test_what_wants_a_yes_is_read_whole_in_its_thread_before_it_gets_one(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    await bench.message("tidy the wiki")
    await asked(bench, 1, QuestionKind.APPROVAL, "rm -r wiki")
    view = await opened(bench)
    assert "|Approve or deny it in its thread>" in says(view)
    assert labels(view, "question:1") == []
    assert labels(view, "task:1") == ["Stop"]


async def test_gates_that_are_closed_and_what_today_cost_stand_there(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    await bench.spend(1, 420_000)
    view = await opened(bench)
    assert "*Today* $0.42" in says(view)
    assert "Haiku $0.42" in says(view)
    fault = Fault(FaultKind.AUTHENTICATION, retry_after=600)
    bench.seats.end(1, Outcome(Verdict.FAILED, fault=fault))
    await bench.until(1, State.QUEUED)
    assert ":white_circle: *Account* closed" in says(await later(bench))


async def test_operators_see_the_settings_that_matter(bench: Bench) -> None:
    await full(bench)
    assert "Seats taken" not in says(await opened(bench))
    said = says(await opened(bench, "sam"))
    assert "Seats taken: Opus 2 of 3, Sonnet 0 of 4, Haiku 0 of 4 · tasks without a priority are p5" in said


async def test_whoever_may_not_read_is_told_so_and_nothing_else(bench: Bench) -> None:
    await full(bench)
    await bench.slack.open_home("ana")
    await bench.slack.wait_for(lambda state: all(one.state != "sent" for one in state.envelopes))
    bench.slack.state.users["UANA00001"].is_bot = True
    await bench.board.refresh()
    view = bench.slack.state.home["UANA00001"]
    assert says(view).startswith("Not shown: ")
    assert len(view["blocks"]) == 1


async def test_ones_own_line_says_what_no_price_is_known_of(tmp_path: Path) -> None:
    async with control_room(tmp_path, Budgets(person=5_000_000)) as bench:
        await ask(bench, "p3 investigate stall")
        await bench.seats.wait_started(1)
        await bench.spend(1, None)
        assert "You unpriced of $5.00" in says(await opened(bench))
        assert "You $0.00 of $5.00" in says(await opened(bench, "sam"))
