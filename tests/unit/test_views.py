"""Cards, answers and texts: what they say, that they fit Slack's limits, that they ping nobody else."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slackblocks import _limits as slack

from bot.grammar import Period
from bot.rehearsal.slack.blocks import check_blocks
from bot.rehearsal.slack.mentions import pinged
from bot.rehearsal.slack.state import User
from bot.views import texts
from bot.views.answer import footer, reply
from bot.views.card import card
from bot.views.gate import LivePing, check
from bot.views.message import Message, cut, is_person, markdown, plain_text, section
from bot.views.notices import file_refused_notice, moved_notice, restart_notice
from dispatch.faults import Fault, FaultKind
from dispatch.ports import Spending
from dispatch.states import State
from dispatch.task import Attempt, Task, Tier, Verdict
from tests.fakes.outlooks import make_outlook
from tests.fakes.values import NOON, make_task

ANA = "UANA00001"
LATER = NOON + timedelta(minutes=7, seconds=12)
EVIL = "<!channel> <@UEVE00001|x> @everyone <!subteam^S1> <\\!here> *_~`> @here"

strangers = st.text(max_size=400) | st.lists(
    st.sampled_from([EVIL, "<!", "@", "channel", "<@U", "here", "|", ">", "&", "`", "\n", "```", "p", " "]),
    max_size=60,
).map("".join)


def make_attempt(number: int = 1, **changes: Any) -> Attempt:
    attempt = Attempt(
        task_id=42,
        number=number,
        model="claude-opus-5-5",
        started_at=NOON,
        ended_at=LATER,
        verdict=Verdict.ANSWERED,
        fault=None,
        ran_model="claude-opus-5-5",
        text="It was the **pool**.",
        progress="",
        cost_micro_usd=930_000,
        unpriced=0,
        prompt_tokens=84_000,
        output_tokens=6_100,
    )
    return replace(attempt, **changes)


def running(**changes: Any) -> Attempt:
    return make_attempt(ended_at=None, verdict=None, ran_model=None, text="", **changes)


def failed(kind: FaultKind, text: str = "", detail: str = "", **changes: Any) -> Attempt:
    return make_attempt(verdict=Verdict.FAILED, fault=Fault(kind, detail), text=text, **changes)


def task(state: State = State.DONE, **changes: Any) -> Task:
    return make_task(42, 3, **{"state": state, "cost_micro_usd": 930_000, **changes})


def said(message: Message) -> str:
    """All the words of a message's blocks as Slack shows them."""
    return "\n".join(_words(list(message.blocks))).replace("&gt;", ">").replace("&lt;", "<")


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [word for inner in value.values() for word in _words(inner)]
    if isinstance(value, list | tuple):
        return [word for inner in value for word in _words(inner)]
    return []


def fits(message: Message) -> None:
    """Holds a message against Slack's own limits."""
    assert 0 < len(message.text) <= 4_000
    assert len(message.blocks) <= slack.MESSAGE_BLOCKS_MAX_ITEMS
    assert len("".join(_words(list(message.blocks)))) <= 13_200
    for block in message.blocks:
        match block["type"]:
            case "section":
                assert 1 <= len(block["text"]["text"]) <= slack.SECTION_TEXT_MAX_LENGTH
            case "context":
                assert len(block["elements"]) <= slack.CONTEXT_ELEMENTS_MAX_ITEMS
                assert all(1 <= len(e["text"]) <= slack.TEXT_MAX_LENGTH for e in block["elements"])
            case "actions":
                assert 1 <= len(block["elements"]) <= slack.ACTIONS_ELEMENTS_MAX_ITEMS
                for pressed in block["elements"]:
                    assert len(pressed["text"]["text"]) <= slack.BUTTON_TEXT_MAX_LENGTH
                    assert len(pressed["value"]) <= slack.BUTTON_VALUE_MAX_LENGTH
            case "markdown":
                assert 1 <= len(block["text"]) <= slack.MARKDOWN_TEXT_MAX_LENGTH
            case "context_actions":
                (thumbs,) = block["elements"]
                for side in ("positive_button", "negative_button"):
                    assert 1 <= len(thumbs[side]["text"]["text"]) <= slack.BUTTON_TEXT_MAX_LENGTH
            case other:
                pytest.fail(f"a block nobody expects: {other}")


def pings(message: Message) -> list[str]:
    people = {name: User(name, name, name, "Etc/UTC") for name in (ANA, "UEVE00001")}
    blocks = json.loads(json.dumps(list(message.blocks)))
    return [target for _, target in pinged(message.text, blocks, people, bare_names=True)]


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


def test_an_answer_begins_with_the_models_words_and_ends_with_the_footer() -> None:
    told = reply(task(), make_attempt())
    (message,) = told.messages
    assert message.blocks[0] == {"type": "markdown", "text": "It was the **pool**."}
    assert message.blocks[1] == section(f"For <@{ANA}>")
    assert said(message).endswith(
        "p3 -> Opus · claude-opus-5-5 · 7 min 12 s · 84k in, 6.1k out · $0.93 · #42\nGood answer\nBad answer"
    )
    assert message.simpler == replace(message, blocks=message.blocks[:-1], simpler=None)
    assert pings(message) == [ANA]
    assert told.files == ()


def test_a_long_answer_has_one_mention_first_one_footer_last() -> None:
    told = reply(task(), make_attempt(text="\n\n".join(f"line {n} " + "x" * 90 for n in range(250))))
    assert len(told.messages) == 3
    assert [pings(message) for message in told.messages] == [[ANA], [], []]
    assert ["$0.93 · #42" in said(message) for message in told.messages] == [False, False, True]


def test_an_answer_over_three_messages_becomes_a_file() -> None:
    told = reply(task(), make_attempt(text="word " * 12_000))
    (file,) = told.files
    assert file.text.count("word") == 12_000
    assert file.name == "task-42-attempt-1.md"
    assert len(told.messages) == 1


def test_nobody_is_mentioned_for_the_command_line() -> None:
    told = reply(task(requester="cli:ana"), make_attempt())
    assert pings(told.messages[0]) == []
    assert told.messages[0].mentions is None


def test_a_second_attempt_shows_its_own_cost_and_the_whole() -> None:
    line = footer(task(cost_micro_usd=1_240_000), make_attempt(2))
    assert "$0.93, $1.24 with earlier attempts" in line


def test_a_failure_says_whose_fault_what_was_spent_what_to_do_and_what_there_is() -> None:
    told = reply(task(State.FAILED), failed(FaultKind.OVER_CAP, text="Half of it."))
    first, work = told.messages
    assert (
        f"<@{ANA}> #42 failed. Stopped at its cap of $10.00; $0.93 spent. "
        "Send it again with a higher cap: `max=$20` in front of the words."
    ) in said(first)
    assert said(work) == "*Work so far:*\nHalf of it."


def test_a_failure_that_is_not_the_tasks_fault_says_so() -> None:
    told = reply(task(State.FAILED), failed(FaultKind.AUTHENTICATION))
    assert "Nothing is wrong with your task: Claude refused our key" in said(told.messages[0])


def test_a_setting_that_does_not_work_is_named() -> None:
    told = reply(task(State.FAILED), failed(FaultKind.CONFIGURATION, detail="unknown option '--name'"))
    assert "cannot be used with our settings: unknown option '--name'" in said(told.messages[0])


def test_a_cancelled_attempt_says_what_was_spent() -> None:
    told = reply(task(State.CANCELLED), make_attempt(verdict=Verdict.CANCELLED, text=""))
    assert "#42 was cancelled; $0.93 spent." in said(told.messages[0])


@given(st.sampled_from([None, *FaultKind]), strangers)
def test_every_reply_fits_and_pings_only_the_requester_once(kind: FaultKind | None, words: str) -> None:
    attempt = failed(kind, words, words) if kind else make_attempt(text=words, ran_model=words)
    messages = reply(task(words=words), attempt).messages
    for message in messages:
        check(message)
        fits(message)
    assert [ping for message in messages for ping in pings(message)] == [ANA]
    bare = [message.without_blocks() for message in messages]
    for message in bare:
        check(message)
        fits(message)
    assert [ping for message in bare for ping in pings(message)] == [ANA]


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


@pytest.mark.parametrize(
    "live",
    [
        Message("<!channel>"),
        Message("<!HERE|here>"),
        Message("ok", (section("<!subteam^S123>"),)),
        Message("ok", (markdown("hello @everyone"),)),
        Message("ok", (markdown("<\\!channel>"),)),
        Message("ok", (section(f"<@{ANA}>"),)),
        Message("ok", (section(f"<@{ANA}> <@UEVE00001>"),), ANA),
        Message("ok", (section(f"<@{ANA}>"), section(f"<@{ANA}>")), ANA),
        Message("ok", (section(f"<@{ANA}>|x>"), section("<@UANA0000")), ANA),
        Message("ok", ({"type": "rich_text", "elements": [{"type": "user", "user_id": ANA}]},)),
        Message("ok", ({"type": "rich_text", "elements": [{"type": "broadcast", "range": "here"}]},)),
        Message("ok", ({"type": "rich_text", "elements": [{"type": "usergroup", "usergroup_id": "S1"}]},)),
    ],
)
def test_the_gate_stops_every_live_ping(live: Message) -> None:
    with pytest.raises(LivePing):
        check(live)


@pytest.mark.parametrize(
    "words",
    ["List<int>", "<!DOCTYPE html>", "ana@here.com", "@heretic", "<https://a.b|@x>", "<!date^1^{time}|x>"],
)
def test_the_gate_lets_harmless_words_pass(words: str) -> None:
    check(Message(words, (section(words),)))


@given(strangers, st.integers(min_value=2, max_value=60))
@example("0<", 4)
def test_a_cut_text_ends_in_no_half_entity(words: str, limit: int) -> None:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    short = cut(escaped, limit)
    assert len(short) <= limit
    whole = short.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in whole


@given(strangers.map(lambda words: words * 20))
def test_a_texts_plain_words_are_safe_where_they_are_cut(words: str) -> None:
    check(Message(plain_text(words)))
    assert len(plain_text(words)) <= 3_900


def test_who_is_a_person_in_slack() -> None:
    assert [is_person(name) for name in ("UANA00001", "W012A", "cli:ana", "", "Ulrich")] == [
        True,
        True,
        False,
        False,
        False,
    ]
