"""Answers in Slack: by a button or in words, over the real Bolt app, into a real store."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.rehearsal.slack.state import Message as Posted
from bot.views.threads import FILE_UNREAD
from dispatch.questions import Decision, Ending, NewQuestion, QuestionKind
from dispatch.states import State
from dispatch.task import Task
from tests.fakes.desk import DISK_FULL
from tests.integration.front_room import Front, front_room
from tests.integration.post_room import settle_down
from tests.integration.question_room import HOURS, RESTART, WHICH, ask, question

LOG = [("log.txt", b"it hangs")]


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


async def task(front: Front) -> Task:
    return await front.store.queue.task(1)


async def alone(front: Front, person: str) -> list[str]:
    """What that person alone is told."""
    await front.quiet()
    await settle_down(front.room)
    return [message.text for message in front.slack.ephemerals(person)]


async def say(
    front: Front, person: str, words: str, post: Posted, files: Sequence[tuple[str, bytes]] = ()
) -> None:
    await front.slack.say(person, "#ops", words, thread_ts=post.thread_ts, files=files)
    await front.quiet()


async def test_a_question_stands_in_the_thread_and_pings_its_requester_once(front: Front) -> None:
    post = await ask(front)
    card = front.room.posts()[0]
    assert post.thread_ts == card.ts
    assert "waiting" in card.text
    assert [ping.target for ping in front.slack.pings] == ["UANA00001"]


@pytest.mark.parametrize("who", ["ana", "sam"], ids=["requester", "operator"])
async def test_a_button_answers_and_the_message_shows_who_and_what(front: Front, who: str) -> None:
    post = await ask(front)
    assert await front.slack.click(who, "#ops", post.ts, "answer:2") == ""
    answered = await question(front)
    assert (answered.answer, answered.ending) == ("refunds", Ending.ANSWERED)
    assert (await task(front)).state is State.QUEUED
    assert (await alone(front, who))[-1] == "Taken: #1 goes on with your answer."
    (edited,) = [message for message in front.room.posts() if message.ts == post.ts]
    assert f"{who} answered: refunds" in edited.text
    assert not [block for block in edited.blocks if block["type"] == "actions"]
    assert len(front.slack.pings) == 1


async def test_a_stranger_is_told_and_changes_nothing(front: Front) -> None:
    post = await ask(front)
    await front.slack.click("kim", "#ops", post.ts, "answer:2")
    assert (await alone(front, "kim"))[-1].startswith(
        "Nothing done: only the person who asked for #1, or an operator, may do that. Ask ana or sam."
    )
    assert (await question(front)).ending is None


async def test_a_second_press_is_told_that_it_is_over(front: Front) -> None:
    post = await ask(front)
    await front.slack.click("ana", "#ops", post.ts, "answer:2")
    await front.slack.click("sam", "#ops", post.ts, "answer:1")
    assert (await alone(front, "sam"))[-1] == "That question of #1 is over: it was answered already."
    assert (await question(front)).answer == "refunds"


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        ("approve_once", Decision.ONCE),
        ("approve_task", Decision.FOR_TASK),
        ("deny", Decision.DENY),
    ],
)
async def test_each_button_of_an_approval_decides(front: Front, action: str, decision: Decision) -> None:
    post = await ask(front, RESTART)
    await front.slack.click("ana", "#ops", post.ts, action)
    assert (await question(front)).answer == decision


async def test_a_button_of_another_question_answers_nothing(front: Front) -> None:
    post = await ask(front)
    await front.slack.click("ana", "#ops", post.ts, "answer:1")
    payload = front.slack.state.envelopes[-1].payload
    await ask(front, RESTART, priority=6)
    for number, (name, value) in enumerate(
        [("answer:1", "2"), ("answer:6", "2"), ("deny", "x"), ("deny", "9")]
    ):
        changed = {**payload["actions"][0], "action_id": name, "value": value}
        await front.controls.press({**payload, "trigger_id": f"t{number}", "actions": [changed]})
    assert (await question(front, 2)).ending is None
    told = await alone(front, "ana")
    assert "#2 did not ask that. Nothing was changed; its thread shows what it asks." in told
    assert "There is no question 9." in told


async def test_words_of_the_requester_in_the_thread_are_the_answer_and_no_task(front: Front) -> None:
    post = await ask(front)
    await say(front, "ana", "the refunds & then wait", post)
    assert (await question(front)).answer == "the refunds & then wait"
    assert [found.id for found in await front.tasks()] == [1]
    assert await alone(front, "ana") == []


async def test_words_that_arrive_twice_answer_once_and_make_no_task(front: Front) -> None:
    post = await ask(front)
    front.slack.duplicate(5)
    await say(front, "ana", "@Onequeue the refunds", post)
    assert (await question(front)).answer == "the refunds"
    assert [found.id for found in await front.tasks()] == [1]


async def test_a_file_with_an_answer_is_told_to_be_unread_once(front: Front) -> None:
    post = await ask(front)
    front.slack.duplicate(5)
    await say(front, "ana", "@Onequeue see the log", post, LOG)
    assert (await question(front)).answer == "see the log"
    assert await alone(front, "ana") == [FILE_UNREAD]
    assert [found.id for found in await front.tasks()] == [1]


@pytest.mark.parametrize(("who", "words"), [("ana", ""), ("ana", "@Onequeue"), ("sam", "@Onequeue")])
async def test_a_file_alone_is_no_answer_and_told_so(front: Front, who: str, words: str) -> None:
    post = await ask(front)
    await say(front, who, words, post, LOG)
    assert (await question(front)).ending is None
    assert await alone(front, who) == [f"#1 still waits for an answer. {FILE_UNREAD}"]


async def test_a_file_with_words_that_decide_nothing_is_told_beside_that(front: Front) -> None:
    post = await ask(front, RESTART)
    await say(front, "ana", "see the log", post, LOG)
    (told,) = await alone(front, "ana")
    assert told.startswith("#1 waits for one of the buttons")
    assert told.endswith(FILE_UNREAD)


async def test_files_of_others_are_none_of_our_business(front: Front) -> None:
    post = await ask(front)
    await say(front, "sam", "", post, LOG)
    await say(front, "sam", "look", post, LOG)
    assert await alone(front, "sam") == []
    assert (await question(front)).ending is None


@pytest.mark.parametrize("words", ["let me think", "@sam what do you say?"])
async def test_talk_of_others_or_to_others_is_no_answer(front: Front, words: str) -> None:
    post = await ask(front)
    await say(front, "ana" if "@sam" in words else "sam", words, post)
    assert (await question(front)).ending is None


async def test_an_operator_answers_in_words_by_saying_them_to_us(front: Front) -> None:
    post = await ask(front)
    await say(front, "sam", "@Onequeue refunds", post)
    assert (await question(front)).person == "USAM00001"


@pytest.mark.parametrize("words", ["@Onequeue p3 look at the logs", "@Onequeue show 1"])
async def test_an_order_stays_one(front: Front, words: str) -> None:
    post = await ask(front)
    await say(front, "ana", words, post)
    assert (await question(front)).ending is None
    assert len(await front.tasks()) == (2 if "p3" in words else 1)


async def test_words_approve_nothing_unless_they_are_those_on_a_button(front: Front) -> None:
    post = await ask(front, RESTART)
    await say(front, "ana", "go ahead, why not", post)
    assert (await question(front)).ending is None
    assert (await alone(front, "ana"))[-1].startswith("#1 waits for one of the buttons")
    await say(front, "ana", "Approve once.", post)
    assert (await question(front)).answer == Decision.ONCE


async def test_after_the_answer_a_thread_is_a_thread_again(front: Front) -> None:
    post = await ask(front)
    await say(front, "ana", "refunds", post)
    await say(front, "ana", "thanks", post)
    assert (await question(front)).answer == "refunds"
    assert [found.id for found in await front.tasks()] == [1]


async def test_a_reply_in_direct_messages_is_an_answer(front: Front) -> None:
    dm = front.slack.dm("ana")
    root = await front.slack.say("ana", dm, "p3 drain the queues")
    await front.quiet()
    claim = await front.room.claim(await front.store.queue.task(1))
    now = front.room.clock.now()
    await front.store.questions.ask(claim, WHICH, now + HOURS, now)
    await settle_down(front.room)
    await front.slack.say("ana", dm, "list", thread_ts=root)
    await front.quiet()
    assert (await question(front)).ending is None, "a verb stays a verb"
    await front.slack.say("ana", dm, "refunds", thread_ts=root)
    await front.quiet()
    assert (await question(front)).answer == "refunds"
    assert [found.id for found in await front.tasks()] == [1]


async def test_an_answer_that_cannot_be_stored_is_told(front: Front) -> None:
    post = await ask(front)
    front.desk.broken = DISK_FULL
    assert await front.slack.click("ana", "#ops", post.ts, "answer:1") == ""
    assert front.slack.ephemerals("ana")[-1].text.startswith("Not done: I could not store this.")
    front.desk.broken = None
    await front.slack.click("ana", "#ops", post.ts, "answer:1")
    assert (await question(front)).answer == "payments"


async def test_show_lists_the_open_question(front: Front) -> None:
    await ask(front)
    words = await front.slack.slash("ana", "#ops", "show 1")
    assert "Waiting for an answer in the thread until" in words
    assert "Which queue first?" in words


async def test_secrets_are_struck_out_of_what_is_asked(front: Front) -> None:
    secret = NewQuestion(QuestionKind.APPROVAL, "curl -H sk-the-secret x", "sk-the-secret is needed")
    post = await ask(front, secret)
    assert "sk-the-secret" not in str(post)
    assert "[redacted]" in str(post.blocks)


async def test_a_secret_that_terminal_codes_split_is_not_put_together_again(front: Front) -> None:
    words = "use \x1b[1msk-the-\x1b[0msecret or xoxb-12\x07345678-abc?"
    post = await ask(front, NewQuestion(QuestionKind.QUESTION, words, options=("sk-\u202athe-secret", "no")))
    assert "use [redacted] or [redacted]?" in str(post.blocks)
    assert "secret" not in str(post)


@pytest.mark.parametrize("words", ["stop", "STOP!", "cancel", "!stop"])
@pytest.mark.parametrize("new", [WHICH, RESTART], ids=["question", "approval"])
async def test_stop_is_no_answer_and_stops(front: Front, words: str, new: NewQuestion) -> None:
    post = await ask(front, new)
    await say(front, "ana", words, post)
    assert (await task(front)).state is State.CANCELLED
    assert (await question(front)).answer is None


@pytest.mark.parametrize("words", ["!status", "!nice one"])
async def test_what_begins_with_a_mark_answers_nothing(front: Front, words: str) -> None:
    post = await ask(front)
    await say(front, "ana", words, post)
    assert (await question(front)).ending is None
    assert len(await front.tasks()) == 1


async def test_a_stop_that_is_offered_is_an_answer(front: Front) -> None:
    post = await ask(front, NewQuestion(QuestionKind.QUESTION, "Go on?", options=("go on", "Stop")))
    await say(front, "ana", "stop", post)
    assert (await question(front)).answer == "stop"
    assert (await task(front)).state is State.QUEUED
