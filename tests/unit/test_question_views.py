"""Questions in Slack: what they show, offer and say at the end; that they fit and ping nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.rehearsal.slack.blocks import check_blocks
from bot.views.card import card
from bot.views.gate import check
from bot.views.message import Message
from bot.views.offers import ANSWERS, OPTIONS, Action, answer_of, on_question
from bot.views.question import question_message
from bot.views.texts import shown
from dispatch.questions import LONGEST_OPTION, LONGEST_SHOWN, Decision, Ending, QuestionKind, shown_length
from dispatch.routing import DEFAULT_TABLE, raised
from dispatch.states import State
from tests.fakes.values import NOON, make_task
from tests.unit.messages import ANA, EVIL, LATER, fits, pings, running, said, strangers, task
from tests.unit.test_questions import question

ROUTE = raised(make_task(42, 6), "too hard", DEFAULT_TABLE)


def labels(message: Message) -> list[str]:
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return [button["text"]["text"] for row in rows for button in row]


def test_an_open_question_mentions_the_requester_once_and_says_until_when() -> None:
    message = question_message(task(State.WAITING), question())
    assert pings(message) == [ANA]
    assert labels(message) == ["payments", "refunds"]
    row = next(block for block in message.blocks if block["type"] == "actions")
    assert [(b["action_id"], b["value"]) for b in row["elements"]] == [("answer:1", "7"), ("answer:2", "7")]
    assert "*#42 asks:*" in said(message)
    assert "Which queue first?" in said(message)
    assert "Or answer in words: reply in this thread · I wait until" in said(message)
    assert "then I go on without an answer" in said(message)


def test_a_question_without_options_has_no_buttons() -> None:
    message = question_message(task(State.WAITING), question(options=()))
    assert labels(message) == []
    assert "Reply in this thread · I wait" in said(message)


def test_an_option_that_shows_nothing_still_has_a_button() -> None:
    assert labels(question_message(task(State.WAITING), question(options=("\x07", "b" * 75)))) == [
        "…",
        "b" * 75,
    ]


def test_an_approval_shows_exactly_what_would_run() -> None:
    asked = question(QuestionKind.APPROVAL, text="curl -d '{\"a\": 1}' x && rm -r <dir>", reason="it hangs")
    message = question_message(task(State.WAITING), asked)
    assert labels(message) == ["Approve once", "Approve for this task", "Deny"]
    assert "```\ncurl -d '{\"a\": 1}' x &amp;&amp; rm -r <dir>\n```" in said(message)
    assert "Why: it hangs" in said(message)
    assert "then it counts as denied" in said(message)


def test_an_action_cannot_leave_its_block_or_ping() -> None:
    asked = question(QuestionKind.APPROVAL, text=f"echo ``` {EVIL}", reason=EVIL)
    message = question_message(task(State.WAITING), asked)
    block = next(b for b in message.blocks if "```" in str(b))["text"]["text"]
    assert block.count("```") == 2
    assert block.startswith("```")
    assert block.endswith("```")
    assert pings(message) == [ANA]


def test_a_longer_action_is_shown_whole_in_more_blocks() -> None:
    lines = [f"+ {number} <b> &amp;" for number in range(200)]
    message = question_message(task(State.WAITING), question(QuestionKind.APPROVAL, text="\n".join(lines)))
    assert "only its beginning" not in said(message)
    blocks = [b["text"]["text"] for b in message.blocks if b["type"] == "section" and "```" in str(b)]
    assert len(blocks) > 1
    shown = [
        line for block in blocks for line in block.removeprefix("```\n").removesuffix("\n```").split("\n")
    ]
    assert shown == [f"+ {number} &lt;b&gt; &amp;amp;" for number in range(200)]


@given(
    st.text(st.sampled_from("a\n&<` "), min_size=1, max_size=100), st.integers(1, 200), st.text(max_size=200)
)
@settings(max_examples=60)
def test_an_action_of_any_length_fits(text: str, times: int, reason: str) -> None:
    asked = question(QuestionKind.APPROVAL, text=text * times, reason=(reason * 10)[:2000])
    message = question_message(task(State.WAITING), asked)
    check_blocks(list(message.blocks))
    check(message)


@given(st.text(st.sampled_from("a\n&<`@ "), min_size=1, max_size=100), st.integers(1, 1_400))
@settings(max_examples=60)
def test_an_action_that_people_must_see_whole_is_shown_whole(text: str, run: int) -> None:
    action = f"{'b' * run}\n{text}" * (LONGEST_SHOWN // (run + 1 + shown_length(text)))
    assert shown_length(action) <= LONGEST_SHOWN
    message = question_message(task(State.WAITING), question(QuestionKind.APPROVAL, text=action))
    assert "only its beginning" not in said(message)
    check_blocks(list(message.blocks))


def test_a_long_action_is_cut_with_notice() -> None:
    message = question_message(task(State.WAITING), question(QuestionKind.APPROVAL, text="&" * 10_000))
    assert "*This is only its beginning.* It has 10000 characters; `onequeue show 42` prints all" in said(
        message
    )


def test_an_upgrade_says_what_it_may_cost() -> None:
    asked = question(QuestionKind.UPGRADE, text="three causes", route=ROUTE)
    message = question_message(make_task(42, 6, state=State.WAITING), asked)
    assert "*#42 is more complex than Sonnet expected:* three causes" in said(message)
    assert labels(message) == ["Run on Opus", "Go on as it is"]
    assert "It may cost $10.00 in all there" in said(message)
    assert "then I go on on Sonnet" in said(message)


def test_a_task_that_is_given_up_then_says_so() -> None:
    asked = question(deadline=NOON + timedelta(hours=1))
    message = question_message(task(State.WAITING, expires_at=asked.deadline), asked)
    assert "then the task is given up" in said(message)


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        (QuestionKind.QUESTION, "refunds", "ana answered: refunds"),
        (QuestionKind.QUESTION, Decision.ONCE, "ana answered: once"),
        (QuestionKind.APPROVAL, Decision.ONCE, "ana approved it once"),
        (QuestionKind.APPROVAL, Decision.FOR_TASK, "ana approved it for this task"),
        (QuestionKind.APPROVAL, Decision.DENY, "ana denied it"),
        (QuestionKind.UPGRADE, Decision.RAISE, "ana sent it to Opus"),
        (QuestionKind.UPGRADE, Decision.STAY, "ana lets it go on as it is"),
    ],
)
def test_an_answered_question_shows_who_and_what_and_pings_nobody(
    kind: QuestionKind, answer: str, words: str
) -> None:
    message = question_message(task(State.QUEUED), question(kind, answer=answer, route=ROUTE), "ana")
    assert words in said(message)
    assert labels(message) == []
    assert pings(message) == []
    assert words in message.text


@pytest.mark.parametrize(
    ("kind", "ending", "words"),
    [
        (QuestionKind.QUESTION, Ending.OVERDUE, "Nobody answered in time: I went on without"),
        (QuestionKind.APPROVAL, Ending.OVERDUE, "Nobody answered in time: that counted as denied"),
        (QuestionKind.QUESTION, Ending.STALE, "the task needs no answer to this any more"),
    ],
)
def test_one_that_ended_otherwise_says_so(kind: QuestionKind, ending: Ending, words: str) -> None:
    message = question_message(task(State.QUEUED), question(kind, ending=ending, ended_at=LATER))
    assert words in said(message)
    assert pings(message) == []


def test_the_card_says_until_when_it_waits_and_what_then() -> None:
    shown_card = card(task(State.WAITING), [running()], LATER, question=question())
    assert "Waiting for an answer in the thread until" in said(shown_card)
    assert "then I go on without an answer" in said(shown_card)
    asking = card(task(State.RUNNING), [running()], LATER, question=question())
    assert "asks in the thread, until" in said(asking)
    stopping = card(task(State.RUNNING, cancel_asked=True), [running()], LATER, question=question())
    assert "stopping, as asked" in said(stopping)


def test_a_list_shows_the_open_question() -> None:
    words = shown(task(State.WAITING), [], (), question(text=f"Which? {EVIL}"))
    assert "Waiting for an answer in the thread until" in words
    assert "Which?" in words
    check(Message(words))


def test_every_button_answers_and_none_answers_another_question() -> None:
    plain = question()
    assert [answer_of(offer.action, plain) for offer in on_question(plain)] == ["payments", "refunds"]
    for action in ANSWERS - {Action.ANSWER_1, Action.ANSWER_2}:
        assert answer_of(action, plain) is None
    approval = question(QuestionKind.APPROVAL)
    assert {answer_of(offer.action, approval) for offer in on_question(approval)} == {
        Decision.ONCE,
        Decision.FOR_TASK,
        Decision.DENY,
    }
    assert all(answer_of(action, approval) is None for action in OPTIONS)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(QuestionKind),
    text=strangers,
    options=st.lists(st.text(min_size=1, max_size=LONGEST_OPTION).map(str.strip).filter(bool), max_size=5),
    reason=strangers,
    end=st.sampled_from([{}, {"answer": EVIL}, {"ending": Ending.STALE, "ended_at": NOON}]),
    who=strangers,
)
def test_whatever_is_asked_fits_and_pings_only_the_requester(
    kind: QuestionKind, text: str, options: list[str], reason: str, end: dict[str, Any], who: str
) -> None:
    asked = question(kind, text=text or "?", options=tuple(options), reason=reason, route=ROUTE, **end)
    message = question_message(task(State.WAITING), asked, who)
    check(message)
    check_blocks([dict(block) for block in message.blocks])
    fits(message)
    assert pings(message) == ([] if end else [ANA])
