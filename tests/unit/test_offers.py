"""What is said of attempts that were lost, failed or stopped, and the offer of another cap."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rehearsal.slack.blocks import check_blocks
from bot.views import presses
from bot.views.answer import Reply, reply
from bot.views.card import card
from bot.views.gate import check
from bot.views.message import Message
from bot.views.notices import restart_notice
from bot.views.offers import Action, Offer, on_answer
from dispatch.faults import FaultKind
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import Attempt, HoldKind, Shortage, Task, Verdict
from tests.fakes.values import NOON
from tests.unit.messages import ANA, LATER, failed, fits, make_attempt, pings, said, strangers, task

CAP = 10_000_000


def told(of: Task, attempt: Attempt) -> Reply:
    return reply(of, attempt, on_answer(of, attempt, DEFAULT_TABLE))


def stopped(state: State = State.FAILED, **changes: Any) -> Task:
    return task(state, **{"cost_micro_usd": CAP, **changes})


def labels(message: Message) -> list[str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [button["text"]["text"] for row in rows for button in row]


@pytest.mark.parametrize("kind", [FaultKind.OVER_CAP, FaultKind.OVER_BUDGET])
def test_a_task_that_money_stopped_is_offered_another_cap(kind: FaultKind) -> None:
    first, work = told(stopped(cost_micro_usd=930_000), failed(kind, text="Half of it.")).messages
    assert labels(first) == ["Another $10"]
    row = first.blocks[-1]
    assert (row["block_id"], row["elements"][0]["action_id"]) == ("task:42", "another_cap")
    assert row["elements"][0]["value"] == "42"
    assert "$0.93 spent" in said(first)
    assert said(work) == "*Work so far:*\nHalf of it."
    assert labels(work) == []
    assert pings(first) == [ANA]


def test_a_budget_stop_is_told_as_one() -> None:
    attempt = failed(FaultKind.OVER_BUDGET, detail="a budget had $3.00 left for it, and $2.99 is spent")
    (first,) = told(stopped(cost_micro_usd=2_990_000), attempt).messages
    assert (
        "#42 failed. Stopped at the end of a budget: a budget had $3.00 left for it, and $2.99 is spent; "
        "$2.99 spent. `/task retry 42` runs it again as soon as a budget has room."
    ) in said(first)


def test_a_task_set_aside_with_its_cap_used_says_so_and_is_offered_another() -> None:
    of, attempt = stopped(State.PARKED), failed(FaultKind.RATE_LIMITED)
    (first,) = told(of, attempt).messages
    assert "#42 is set aside. Opus is rate limited, and its cap of $10.00 is used; $10.00 spent." in said(
        first
    )
    assert "`max=$20`" in first.without_blocks().text
    assert labels(first) == ["Another $10"]
    assert "Set aside: Opus is rate limited, and its cap of $10.00 is used" in said(card(of, [attempt], NOON))


@pytest.mark.parametrize(
    ("changes", "kind", "why"),
    [
        ({"losses": 3}, FaultKind.LOST, "the process died in 3 of its attempts"),
        ({"strikes": 3}, FaultKind.INCOMPLETE, "3 attempts failed, the last because the answer broke off"),
        ({"strikes": 3}, FaultKind.NETWORK, "Claude could not be reached, again and again, so it may be"),
        ({"suspicions": 2}, FaultKind.OVERLOADED, "Claude is overloaded, while other tasks got through"),
        ({}, FaultKind.NETWORK, "Claude could not be reached"),
    ],
)
def test_a_task_set_aside_says_why_and_what_to_do(changes: dict[str, int], kind: FaultKind, why: str) -> None:
    of, attempt = task(State.PARKED, **changes), failed(kind)
    (first,) = told(of, attempt).messages
    assert f"#42 is set aside. {why[:1].upper()}{why[1:]}" in said(first)
    assert "Nothing is wrong" not in said(first)
    assert "`/task retry 42`" in said(first)
    assert labels(first) == []
    assert f"Set aside: {why}" in said(card(of, [attempt], NOON))
    assert "Set aside · $0.93 already counts" in said(card(of, [], NOON))


def test_tries_that_failed_are_counted_by_class() -> None:
    of = task(State.HELD, hold=HoldKind.RETRY, run_at=LATER, attempt=4, strikes=1)
    shown = said(card(of, [failed(FaultKind.INCOMPLETE, number=4)], NOON))
    assert "the answer broke off before its end · 1 of 3 tries failed · attempt 5 follows" in shown


def test_a_restart_notice_counts_the_losses() -> None:
    lost = make_attempt(verdict=Verdict.LOST, cost_micro_usd=310_000)
    first = restart_notice(task(State.QUEUED, losses=1, attempt=1), lost, "the bot was restarted")
    assert first.text == (
        "Attempt 1 of 3 was lost: the bot was restarted. $0.31 already counts; attempt 2 follows."
    )
    later = restart_notice(
        task(State.QUEUED, losses=2, attempt=5), make_attempt(5, cost_micro_usd=0), "its lease ended"
    )
    assert later.text == (
        "Attempt 5 of #42 was lost: its lease ended. Attempt 6 follows. "
        "It is set aside when 3 are lost to a process that died, and 2 were."
    )


def test_nothing_is_offered_where_money_is_not_the_reason_or_the_task_has_moved_on() -> None:
    over = failed(FaultKind.OVER_CAP)
    assert on_answer(stopped(cost_micro_usd=1), failed(FaultKind.TIMEOUT), DEFAULT_TABLE) == ()
    assert on_answer(stopped(State.QUEUED), over, DEFAULT_TABLE) == ()
    assert on_answer(stopped(State.DONE), make_attempt(), DEFAULT_TABLE) == ()
    assert on_answer(stopped(attempt=2), over, DEFAULT_TABLE) == ()
    again = failed(FaultKind.OVER_CAP, number=2)
    assert on_answer(stopped(attempt=2), again, DEFAULT_TABLE) == (Offer(Action.ANOTHER_CAP, "Another $10"),)


def test_the_private_answers() -> None:
    of = task(State.QUEUED, cost_micro_usd=CAP)
    assert presses.goes_on(of) == (
        "#42 is queued again: it may cost $10.00 in all, of which $10.00 is spent."
    )
    assert presses.goes_cheaper(of) == "#42 is queued for Opus now; it may cost $10.00 there."
    assert presses.moved_on(of).startswith("#42 has moved on: it is queued now, on Opus. Nothing was changed")
    short = task(State.HELD, shortage=Shortage("all", CAP, CAP, 0, 0, LATER))
    assert presses.waits(short).startswith("#42 waits: its budget resets <!date^")


@given(
    st.sampled_from([State.FAILED, State.PARKED, State.CANCELLED]),
    st.sampled_from(FaultKind),
    st.sampled_from([Verdict.FAILED, Verdict.LOST]),
    st.integers(0, 2 * CAP),
    strangers,
)
def test_every_reply_with_its_offers_fits_and_pings_only_the_requester_once(
    state: State, kind: FaultKind, verdict: Verdict, cost: int, words: str
) -> None:
    of = task(state, words=words, cost_micro_usd=cost, losses=3, strikes=3)
    attempt = replace(failed(kind, words, words), verdict=verdict)
    messages = told(of, attempt).messages
    for message in messages:
        check(message)
        fits(message)
        check_blocks(json.loads(json.dumps(list(message.blocks))))
    assert [ping for message in messages for ping in pings(message)] == [ANA]
    assert [ping for message in messages for ping in pings(message.without_blocks())] == [ANA]
