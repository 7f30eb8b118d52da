"""Requests from the simulated Slack, over real sockets and the real Bolt app, into the real store."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bot.manual import HELP
from bot.views.message import Message
from dispatch.faults import FaultKind
from dispatch.gates import Gate, GateState
from dispatch.states import State
from dispatch.task import Source
from tests.fakes.desk import DISK_FULL
from tests.fakes.values import NOON
from tests.integration.front_room import Front, front_room
from tests.integration.post_room import ANA, OPS, PAYMENTS, settle_down


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


async def test_a_command_is_stored_and_gets_its_receipt(front: Front) -> None:
    said = await front.slack.slash("ana", "ops", "p3 ask @sam & co why <x> is slow")
    assert said == (
        "Queued as #1 · p3 · Opus · next in line · starts soon · "
        "usual price and time: too few to say, none so far"
    )
    (task,) = await front.tasks()
    assert task.words == "ask @sam & co why <x> is slow"
    assert (task.source, task.requester, task.channel, task.thread) == (Source.SLASH, ANA, OPS, None)
    assert task.request_key.startswith("slash:")


async def test_a_command_costs_slack_no_call_once_it_has_said_who_asks_and_where(front: Front) -> None:
    await front.slack.slash("ana", "ops", "p3 hello")
    calls = len(front.slack.state.calls)
    await front.slack.slash("ana", "ops", "p3 hello")
    assert len(front.slack.state.calls) == calls


async def test_acknowledgements_leave_within_100_ms(front: Front) -> None:
    for number in range(25):
        await front.slack.slash("ana", "ops", f"p3 task {number}")
    times = [envelope.ms for envelope in front.slack.state.envelopes if envelope.ms is not None]
    assert len(times) == 25
    assert median(times) < 100


async def test_a_mention_is_answered_in_its_thread(front: Front) -> None:
    ts = await front.slack.say("ana", "ops", "@onequeue p9: what is &lt;b&gt;?")
    await front.quiet()
    (task,) = await front.tasks()
    assert (task.source, task.thread, task.message, task.quote_thread) == (Source.MENTION, ts, ts, False)
    assert task.request_key == f"TACME0001:{OPS}:{ts}"
    assert task.priority == 9


async def test_a_mention_arrives_as_two_events_in_either_order_and_is_one_task(front: Front) -> None:
    for number in range(4):
        await front.slack.say("ana", "ops", f"@onequeue p3 task {number}")
    await front.quiet()
    assert [task.words for task in await front.tasks()] == [f"task {number}" for number in range(4)]
    kinds = [envelope.payload["event"]["type"] for envelope in front.slack.state.envelopes]
    assert kinds.count("message") == kinds.count("app_mention") == 4


async def test_everything_delivered_twice_is_taken_once(front: Front) -> None:
    front.slack.duplicate(10)
    await front.slack.slash("ana", "ops", "p3 one")
    await front.slack.say("ana", "ops", "@onequeue p3 two")
    await front.slack.say("ana", front.slack.dm("ana"), "p3 three")
    await front.quiet()
    assert sorted(task.words for task in await front.tasks()) == ["one", "three", "two"]
    assert [envelope.state for envelope in front.slack.state.envelopes] == ["acked"] * 8


async def test_a_mention_in_a_thread_takes_the_thread_along(front: Front) -> None:
    root = await front.slack.say("sam", "ops", "payments is slow")
    ts = await front.slack.say("ana", "ops", "@onequeue p3 why", thread_ts=root)
    await front.quiet()
    (task,) = await front.tasks()
    assert (task.thread, task.message, task.quote_thread) == (root, ts, True)


async def test_a_direct_message_is_a_task_with_or_without_a_mention(front: Front) -> None:
    dm = front.slack.dm("ana")
    ts = await front.slack.say("ana", dm, "p8 tidy the wiki")
    await front.slack.say("ana", dm, "@onequeue p8 tidy the other wiki")
    await front.quiet()
    first, second = await front.tasks()
    assert (first.source, first.channel, first.thread) == (Source.DM, dm, ts)
    assert (first.words, second.words) == ("tidy the wiki", "tidy the other wiki")


async def test_a_file_with_words_is_a_task(front: Front) -> None:
    await front.slack.say("ana", front.slack.dm("ana"), "p3 look at this", files=[("a.png", b"x")])
    await front.quiet()
    assert [task.words for task in await front.tasks()] == ["look at this"]


async def test_without_a_priority_the_channel_decides(front: Front) -> None:
    await front.slack.slash("ana", "ops", "tidy")
    await front.slack.slash("ana", "payments", "tidy")
    assert [task.priority for task in await front.tasks()] == [5, 2]


async def test_talk_is_no_task(front: Front) -> None:
    root = await front.slack.say("ana", "ops", "hello")
    await front.slack.say("sam", "ops", "p3 hello", thread_ts=root)
    await front.quiet()
    assert await front.tasks() == []
    assert await front.told() == []


async def test_a_mention_further_on_gets_a_private_hint_once(front: Front) -> None:
    await front.slack.say("ana", "ops", "thanks @onequeue")
    await front.quiet()
    assert await front.tasks() == []
    (hint,) = await front.told()
    assert hint.startswith("Nothing queued: a task begins with my name")
    assert front.notifier.woken == 2


async def test_edits_deletions_and_bots_are_not_heard(front: Front) -> None:
    ts = await front.slack.say("ana", "ops", "hello")
    await front.slack.edit("ana", "ops", ts, "@onequeue p3 hello")
    await front.room.chat.post(OPS, Message("p3 to myself"), thread=None, key="k")
    await front.quiet()
    assert await front.tasks() == []


MENTION = {"type": "message", "user": ANA, "channel": OPS, "ts": "1.0", "text": "<@UBOT00001> p3 x"}


@pytest.mark.parametrize(
    "changes",
    [
        {"subtype": "message_changed"},
        {"subtype": "message_deleted"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"bot_id": "BOTHER001"},
        {"edited": {"user": ANA, "ts": "2.0"}},
        {"hidden": True},
        {"user": "UBOT00001"},
        {"user": None},
        {"text": None},
        {"type": "reaction_added"},
    ],
)
async def test_what_no_person_just_said_is_ignored(front: Front, changes: dict[str, Any]) -> None:
    await front.intake.event({"team_id": "T", "event": {**MENTION, **changes}})
    assert await front.tasks() == []
    assert await front.store.outbox.next_due() is None


async def test_what_a_person_said_is_heard(front: Front) -> None:
    await front.intake.event({"team_id": "T", "event": MENTION})
    await front.intake.event({"team_id": "T", "event": {**MENTION, "type": "app_mention"}})
    await front.intake.event({"team_id": "T", "event": {**MENTION, "subtype": "file_share"}})
    await front.intake.event({"team_id": "T", "event": {**MENTION, "subtype": "thread_broadcast"}})
    assert len(await front.tasks()) == 1


async def test_a_channel_shared_with_another_company_takes_no_tasks(front: Front) -> None:
    await front.intake.event({"team_id": "T", "event": MENTION, "is_ext_shared_channel": True})
    assert await front.tasks() == []
    (refusal,) = await front.told()
    assert refusal.startswith("Not queued: people of another company read this channel")


async def test_an_unknown_event_is_acknowledged_quietly(front: Front) -> None:
    await front.intake.event({"team_id": "T", "event": {"type": "team_join", "user": {"id": ANA}}})
    await front.slack.open_home("ana")
    await front.quiet()
    assert [envelope.state for envelope in front.slack.state.envelopes] == ["acked"]


async def test_a_wrong_request_gets_the_right_form_back_privately(front: Front) -> None:
    said = await front.slack.slash("ana", "ops", "p11 tidy the wiki")
    assert "p11 is not a priority" in said
    await front.slack.say("ana", "ops", "@onequeue p11 tidy the wiki")
    await front.quiet()
    assert await front.tasks() == []
    private = await front.told()
    assert sum("p11 is not a priority" in text for text in private) == 2
    assert front.slack.messages("ops")[1:] == []


async def test_a_private_answer_in_a_thread_stays_there(front: Front) -> None:
    root = await front.slack.say("sam", "ops", "slow")
    await front.slack.say("ana", "ops", "@onequeue list", thread_ts=root)
    await front.quiet()
    assert await front.told() == ["Nothing is waiting or running."]
    assert front.slack.ephemerals("ana")[0].thread_ts == root


async def test_a_direct_message_is_answered_in_its_thread(front: Front) -> None:
    dm = front.slack.dm("ana")
    ts = await front.slack.say("ana", dm, "help")
    await front.quiet()
    await front.room.courier.send_due()
    (answer,) = front.slack.messages(dm)[1:]
    assert (answer.text, answer.thread_ts) == (HELP, ts)


async def test_the_verbs(front: Front) -> None:
    slack = front.slack
    assert await slack.slash("ana", "ops", "") == HELP
    await slack.slash("ana", "ops", "p3 investigate stall")
    listed = await slack.slash("ana", "ops", "list")
    assert re.search("#1 · p3 · Opus · queued · next in line · .* · investigate stall", listed)
    assert "*#1 · p3 · Opus · queued*" in await slack.slash("ana", "ops", "show 1")
    assert await slack.slash("ana", "ops", "show 7") == "There is no task #7."
    assert (await slack.slash("ana", "ops", "cancel 1")).startswith("#1 is cancelled.")
    assert "nothing to cancel" in await slack.slash("ana", "ops", "cancel 1")
    assert await slack.slash("ana", "ops", "retry 1") == "#1 is queued again · p3 · Opus"
    assert (await slack.slash("ana", "ops", "cost week")).startswith("*This week:* $0.00")


async def test_a_verb_that_arrives_twice_is_done_once_and_answered_alike(front: Front) -> None:
    await front.slack.slash("ana", "ops", "p3 investigate stall")
    front.slack.duplicate(10)
    await front.slack.say("ana", "ops", "@onequeue cancel 1")
    await front.quiet()
    assert (await front.store.queue.task(1)).state is State.CANCELLED
    answers = await front.told()
    assert [text for text in answers if "cancel" in text] == [
        "#1 is cancelled. `/task retry 1` runs it after all."
    ]


async def test_a_command_that_cannot_be_stored_says_so(front: Front) -> None:
    front.desk.broken = DISK_FULL
    said = await front.slack.slash("ana", "ops", "p3 hello")
    assert said.startswith("Not taken: I could not store this.")
    assert "onequeue.db" not in said


async def test_a_command_that_breaks_is_answered(front: Front) -> None:
    front.desk.broken = ValueError("a defect")
    assert (await front.slack.slash("ana", "ops", "p3 hello")).startswith("Not taken: something broke")
    assert (await front.intake.slash({})).startswith("Not taken: something broke")


async def test_an_event_that_cannot_be_stored_is_not_acknowledged_and_comes_again(front: Front) -> None:
    front.desk.broken = DISK_FULL
    ts = await front.slack.say("ana", front.slack.dm("ana"), "p3 hello")
    await front.slack.wait_for(lambda state: state.envelopes[0].state == "timeout")
    front.desk.broken = None
    await front.slack.wait_for(
        lambda state: any(e.retry_attempt and e.state == "acked" for e in state.envelopes)
    )
    (task,) = await front.tasks()
    assert task.message == ts


async def test_who_asked_is_told_once_that_an_event_could_not_be_stored(front: Front) -> None:
    front.desk.broken = DISK_FULL
    await front.slack.say("ana", "ops", "@onequeue p3 hello")
    await front.slack.say("ana", "ops", "thanks @onequeue")
    await front.slack.say("ana", front.slack.dm("ana"), "p3 hello")
    await front.slack.wait_for(lambda state: sum(e.state == "timeout" for e in state.envelopes) >= 3)
    front.desk.broken = None
    await front.slack.wait_for(
        lambda state: sum(e.retry_attempt and e.state == "acked" for e in state.envelopes) >= 2
    )
    whispers = [message.text for message in front.slack.ephemerals("ana")]
    assert [text.partition(":")[0] for text in whispers] == ["Not taken yet"]
    (asked, told) = front.room.seen(front.slack.dm("ana"))
    assert (asked, told.partition(":")[0]) == ("p3 hello", "> Not taken yet")
    assert len(await front.tasks()) == 2


async def test_a_command_in_a_channel_without_the_bot_is_taken_and_answered_directly(front: Front) -> None:
    assert (await front.slack.slash("ana", "random", "p3 hello")).startswith("Queued as #1 · p3 · Opus")
    await settle_down(front.room)
    notice, card = front.room.seen(front.slack.dm("ana"))
    assert "`/invite @Onequeue`" in notice
    assert "#1 · p3 · Opus · queued" in card


async def test_priorities_of_channels_are_by_id(front: Front) -> None:
    await front.slack.say("ana", "payments", "@onequeue hello")
    await front.quiet()
    assert [(task.channel, task.priority) for task in await front.tasks()] == [(PAYMENTS, 2)]


async def test_a_task_may_say_by_when_it_must_have_run(front: Front) -> None:
    said = await front.slack.slash("ana", "ops", "p3 by=18:00 investigate stall")
    assert re.fullmatch(
        r"Queued as #1 · p3 · Opus · .* · given up at <!date\^\d+\^.*> if it has not run", said
    )
    await front.slack.say("ana", "ops", "@onequeue p3 by=12:30 investigate stall")
    await front.quiet()
    assert [task.expires_at for task in await front.tasks()] == [
        NOON.replace(hour=17),
        NOON.replace(hour=11, minute=30) + timedelta(days=1),
    ]


async def test_only_operators_resume_and_hear_which_gates_try(front: Front) -> None:
    assert await front.slack.slash("ana", "ops", "resume") == (
        "Nothing done: only operators may do that. Ask sam."
    )
    assert (await front.slack.slash("sam", "ops", "resume")).startswith("No gate is closed")
    task = await front.room.ask()
    gate = Gate("opus", GateState.CLOSED, FaultKind.RATE_LIMITED, "", 1, NOON, NOON + timedelta(hours=1))
    await front.room.strike(task, gate)
    listed = await front.slack.slash("ana", "ops", "list")
    assert "*Opus* closed since" in listed.splitlines()[-1]
    assert "*Opus* closed since" in (await front.slack.slash("ana", "ops", "show 1")).splitlines()[-2]
    said = await front.slack.slash("sam", "ops", "resume")
    assert said.splitlines()[0] == "*Opus*: Opus is rate limited"
    assert (await front.store.gates.all())["opus"].opens_at == front.room.clock.now()
