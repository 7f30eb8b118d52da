"""Notices, receipts, lists and costs: what they say, that they are safe, that they fit."""

import pytest
from hypothesis import given

from bot.grammar import Period
from bot.views import texts
from bot.views.gate import check
from bot.views.message import Message
from bot.views.notices import file_refused_notice, moved_notice, restart_notice
from dispatch.faults import FaultKind
from dispatch.ports import Spending
from dispatch.states import State
from dispatch.task import Tier, Verdict
from tests.unit.messages import LATER, failed, make_attempt, pings, running, strangers, task


def test_a_restart_notice_says_what_counts_and_what_follows() -> None:
    lost = make_attempt(verdict=Verdict.LOST, cost_micro_usd=310_000)
    told = restart_notice(task(State.QUEUED), lost, "the bot was restarted")
    assert told.text == (
        "Attempt 1 of #42 was lost: the bot was restarted. $0.31 already counts; attempt 2 follows."
    )
    free = restart_notice(task(State.QUEUED), make_attempt(cost_micro_usd=0), "its lease ended")
    assert free.text.endswith("its lease ended. Attempt 2 follows.")


@given(strangers)
def test_a_restart_notice_is_safe(reason: str) -> None:
    check(restart_notice(task(), make_attempt(), reason))


@pytest.mark.parametrize(
    ("code", "said_why"),
    [
        ("not_in_channel", "I am not in <#COPS00001>. Type `/invite @Onequeue` there"),
        ("channel_not_found", "I do not see the channel you asked in. Type `/invite @Onequeue` there"),
        ("is_archived", "<#COPS00001> is archived. Ask in another channel"),
        ("restricted_action", "I may not post in <#COPS00001> (restricted_action). Ask in another channel"),
    ],
)
def test_a_moved_task_says_why_and_how_to_change_that(code: str, said_why: str) -> None:
    told = moved_notice(task(), "COPS00001", code)
    assert told.text == f"#42 is answered here, because {said_why} and the next task is answered there."
    check(told)


def test_a_refused_file_says_where_the_answer_is() -> None:
    told = file_refused_notice(task(), "file_uploads_disabled")
    assert "(file_uploads_disabled)" in told.text
    assert "`onequeue show 42`" in told.text
    check(told)


def test_receipts() -> None:
    assert texts.receipt(task(), created=True) == "Queued as #42 · p3 · Opus"
    assert texts.receipt(task(), created=False) == "Already queued as #42 · p3 · Opus"


def test_a_list_says_how_many_and_each() -> None:
    told = texts.listed([task(State.RUNNING), task(State.QUEUED)], 50)
    assert told.splitlines() == [
        "*2 open tasks*, 1 running",
        "#42 · p3 · Opus · running · investigate stall",
        "#42 · p3 · Opus · queued · investigate stall",
    ]
    assert texts.listed([], 50) == "Nothing is waiting or running."


def test_a_list_that_does_not_fit_says_how_many_are_missing() -> None:
    told = texts.listed([task(State.QUEUED, words="long " * 60)] * 50, 50)
    shown = told.count("#42")
    assert told.endswith(f"… and {50 - shown} more")
    assert "50 open tasks or more" in told
    assert len(told) <= 3_900


def test_a_task_is_shown_with_each_attempt() -> None:
    told = texts.shown(task(), [failed(FaultKind.NETWORK), make_attempt(2)])
    assert "$0.93 of $10.00" in told
    assert "Attempt 1: failed: Claude could not be reached · 7 min 12 s · 84k in, 6.1k out · $0.93" in told
    assert "Attempt 2: answered · 7 min 12 s" in told


def test_costs_by_tier() -> None:
    lines = [Spending(Tier.OPUS, 1, 3_000_000, 0), Spending(Tier.HAIKU, 4, 1_000_000, 2)]
    assert texts.cost(Period.WEEK, lines).splitlines() == [
        "*This week:* $4.00 + 2 unpriced requests",
        "Opus · 1 task · $3.00 · 75%",
        "Haiku · 4 tasks · $1.00 + 2 unpriced requests · 25%",
    ]
    assert texts.cost(Period.TODAY, []) == "*Today:* $0.00. No task has spent anything."


@given(strangers)
def test_every_text_is_safe_and_fits(words: str) -> None:
    shown = task(State.HELD, words=words, run_at=LATER)
    attempts = [failed(FaultKind.RUNTIME, words, words), running(number=2, progress=words)]
    for text in (texts.listed([shown] * 40, 50), texts.shown(shown, attempts)):
        check(Message(text))
        assert len(text) <= 3_900
        assert pings(Message(text)) == []
