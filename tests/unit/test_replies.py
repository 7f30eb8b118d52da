"""What is answered when a task has ended: the model's words, a failure, what was spent."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.views.answer import footer, reply
from bot.views.gate import check
from bot.views.message import section
from dispatch.faults import FaultKind
from dispatch.states import State
from dispatch.task import Verdict
from tests.unit.messages import ANA, failed, fits, make_attempt, pings, said, strangers, task


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
