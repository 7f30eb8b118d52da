"""What the card of a task says in each state, that it fits, that it pings nobody."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rehearsal.slack.blocks import check_blocks
from bot.views.card import card
from bot.views.gate import check
from dispatch.faults import FaultKind
from dispatch.states import State
from tests.fakes.outlooks import make_outlook
from tests.fakes.values import NOON
from tests.unit.messages import (
    LATER,
    failed,
    fits,
    make_attempt,
    pings,
    running,
    said,
    strangers,
    task,
)


def test_a_queued_card_says_number_tier_place_and_words() -> None:
    shown = card(task(State.QUEUED, cost_micro_usd=0), [], NOON, "ana", outlook=make_outlook(1, 7))
    assert shown.text == "#42 · p3 · Opus · queued: investigate stall"
    assert said(shown) == (
        ":large_blue_circle: *#42 · p3 · Opus · queued* · for ana\ninvestigate stall\n"
        "2nd in line of 7 · starts in ~6 min · usually $0.80-1.50, 6-11 min\n"
        "p3 -> Opus · $31.20 of today's $50 left"
    )
    assert "\nnext in line · " in said(card(task(State.QUEUED), [], NOON, outlook=make_outlook(0, 1)))


def test_a_running_card_says_since_when_how_far_and_how_much() -> None:
    now = NOON + timedelta(minutes=3, seconds=10)
    shown = said(
        card(task(State.RUNNING, cost_micro_usd=420_000), [running(progress="reading 14 files")], now)
    )
    assert f"Running since <!date^{int(NOON.timestamp())}^{{time}}|12:00 UTC>" in shown
    assert "after 3 min 10 s: reading 14 files · $0.42 of $10.00 so far" in shown


def test_a_running_card_says_when_it_was_asked_to_stop_and_which_attempt_it_is() -> None:
    shown = said(card(task(State.RUNNING, cancel_asked=True), [running(number=2)], NOON))
    assert "stopping, as asked · attempt 2" in shown


def test_a_held_card_says_until_when_why_and_that_the_task_is_not_at_fault() -> None:
    held = task(State.HELD, run_at=LATER, attempt=1)
    shown = said(card(held, [failed(FaultKind.RATE_LIMITED)], NOON))
    assert "Waiting until <!date^" in shown
    assert "Opus is rate limited. Nothing is wrong with the task" in shown
    assert "attempt 2 follows · $0.93 already counts" in shown


def test_a_held_card_after_a_fault_of_the_task_does_not_call_it_innocent() -> None:
    held = task(State.HELD, run_at=LATER, attempt=1)
    shown = said(card(held, [failed(FaultKind.INCOMPLETE)], NOON))
    assert "the answer broke off" in shown
    assert "Nothing is wrong" not in shown


def test_a_done_card_says_time_and_cost() -> None:
    shown = said(card(task(), [make_attempt()], LATER))
    assert "7 min 12 s · $0.93 · answer in the thread" in shown


def test_a_failed_card_says_why_and_what_was_spent() -> None:
    attempt = failed(FaultKind.TIMEOUT, text="so far", ended_at=NOON + timedelta(minutes=30))
    shown = said(card(task(State.FAILED), [attempt], LATER))
    assert "Stopped after 30 min, Opus's limit · $0.93 spent · work so far is in the thread" in shown


@given(st.sampled_from(State), st.sampled_from([None, *FaultKind]), strangers)
def test_every_card_fits_and_pings_nobody(state: State, kind: FaultKind | None, words: str) -> None:
    fault = failed(kind, words, words, progress=words) if kind else running(progress=words)
    shown = card(
        task(state, words=words, run_at=LATER),
        [fault],
        LATER,
        words,
        outlook=make_outlook(),
        names=lambda _: words,
    )
    check(shown)
    fits(shown)
    check_blocks(json.loads(json.dumps(list(shown.blocks))))
    assert pings(shown) == []
    assert shown.text.startswith("#42 · p3 · Opus · ")
    fits(shown.without_blocks())
    check(shown.without_blocks())


@pytest.mark.parametrize("state", list(State))
def test_every_card_can_be_made_before_the_first_attempt(state: State) -> None:
    fits(card(task(state), [], NOON))
