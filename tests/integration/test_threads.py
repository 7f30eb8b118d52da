"""Replies in the threads of tasks, as people make them in the simulated Slack."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.manual import HELP
from bot.views import threads
from bot.views.message import Message
from dispatch.states import State
from dispatch.task import HoldKind, Outcome, Source, Tier, Verdict
from tests.integration.control_room import Bench, control_room
from tests.integration.post_room import ANA, OPS, SAM, SECRET, settle_down

ANSWER = Outcome(Verdict.ANSWERED, "It was the pool.", "claude-opus-5-5")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as opened:
        yield opened


async def asked(bench: Bench, words: str = "p3 investigate stall", channel: str = "ops") -> str:
    """ana's first task, which runs; the thread of its card."""
    await bench.slack.slash("ana", channel, words)
    await bench.seats.wait_started(1)
    await settle_down(bench.room)
    thread = (await bench.task(1)).thread
    assert thread is not None
    return thread


async def answered(bench: Bench) -> str:
    """The thread of a task that is done."""
    thread = await asked(bench)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    return thread


async def say(bench: Bench, words: str, thread: str, who: str = "ana", channel: str = "ops") -> str:
    """Says it in the thread; returns once it was taken."""
    ts = await bench.slack.say(who, channel, words, thread_ts=thread)
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    return str(ts)


async def private(bench: Bench, who: str) -> list[str]:
    """What that person alone has been told in the thread."""
    await settle_down(bench.room)
    return [message.text for message in bench.slack.ephemerals(who) if message.thread_ts]


async def tasks(bench: Bench) -> int:
    return len(await bench.room.store.queue.in_thread(OPS, (await bench.task(1)).thread or "", 50))


async def test_a_reply_of_the_requester_follows_up_with_what_was_asked_and_answered(bench: Bench) -> None:
    thread = await answered(bench)
    ts = await say(bench, "and the refunds & more?", thread)
    await bench.seats.wait_started(2)
    task = await bench.task(2)
    assert (task.words, task.priority, task.parent, task.depth) == ("and the refunds & more?", 3, 1, 0)
    assert (task.source, task.requester, task.thread, task.message) == (Source.MENTION, ANA, thread, ts)
    prompt = bench.seats.started[1].prompt
    assert prompt.startswith(task.words)
    assert "> #1 was asked: investigate stall" in prompt
    assert "> It was answered: It was the pool." in prompt
    assert "it stalls" in prompt, "the talk in the thread is quoted as well"
    card = await bench.message("#2 · p3 · Opus")
    assert card.thread_ts == thread, "it has a card of its own in the thread"


async def test_it_says_another_priority_and_then_the_models_are_routed_anew(bench: Bench) -> None:
    thread = await asked(bench, "p9 model=haiku max=$2 investigate stall")
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await say(bench, "p6 and now", thread)
    await say(bench, "and then", thread)
    second, third = await bench.task(2), await bench.task(3)
    assert (second.priority, second.asked_model, second.route.tier) == (6, None, Tier.SONNET)
    assert second.route.cap_micro_usd == third.route.cap_micro_usd == 2_000_000
    assert (third.priority, third.parent) == (6, 2)


async def test_while_it_runs_a_reply_waits_and_starts_with_its_answer(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await say(bench, "and the wiki?", thread)
    second, third = await bench.task(2), await bench.task(3)
    assert (second.state, second.hold, second.behind) == (State.HELD, HoldKind.PERSON, 1)
    assert (third.state, third.behind) == (State.HELD, 2), "one after the other, none is lost"
    card = await bench.message("#2 · p3 · Opus")
    assert "Starts when #1 has ended" in card.text
    bench.seats.end(1, ANSWER)
    await bench.seats.wait_started(2)
    assert (await bench.task(2)).behind is None
    assert "It was answered: It was the pool." in bench.seats.started[1].prompt
    bench.seats.end(2, Outcome(Verdict.ANSWERED, "So were they.", "m"))
    await bench.seats.wait_started(3)
    assert "It was answered: So were they." in bench.seats.started[2].prompt
    assert "It was answered: It was the pool." in bench.seats.started[2].prompt


async def test_what_waits_can_be_started_at_once(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await bench.slack.slash("ana", "ops", "release 2")
    await bench.seats.wait_started(2)
    assert (await bench.task(2)).behind is None


async def test_others_are_heard_only_when_they_say_it_to_us(bench: Bench) -> None:
    thread = await answered(bench)
    await say(bench, "are you sure?", thread, "kim")
    await say(bench, "<@USAM00001> look at that", thread)
    await say(bench, "<!here> look at that", thread)
    await say(bench, "<!subteam^S0PAY00001|@payments> look at that", thread)
    await say(bench, "!aside <@UBOT00001> is slow today", thread)
    await say(bench, "!nice work", thread)
    await say(bench, "Thanks!", thread)
    assert await tasks(bench) == 1
    await say(bench, "@onequeue are you sure?", thread, "kim")
    await bench.seats.wait_started(2)
    assert (await bench.task(2)).parent == 1
    kim = (await bench.task(2)).requester
    assert kim not in (ANA, SAM)
    bench.seats.end(2, ANSWER)
    await bench.until(2, State.DONE)
    await say(bench, "really?", thread, "kim")
    assert (await bench.task(3)).requester == kim, "who has asked there goes on in plain words"
    assert await private(bench, "ana") == []


async def test_everything_delivered_twice_is_one_follow_up_and_one_stop(bench: Bench) -> None:
    thread = await answered(bench)
    bench.slack.duplicate(10)
    await say(bench, "and the refunds?", thread)
    await say(bench, "@onequeue and the wiki?", thread)
    await say(bench, "stop", thread)
    assert await tasks(bench) == 3
    await bench.until(2, State.CANCELLED)
    await bench.until(3, State.CANCELLED)
    (told,) = await private(bench, "ana")
    assert told.count("\n") == 1


async def test_in_direct_messages_a_reply_in_a_thread_follows_up(bench: Bench) -> None:
    dm = bench.slack.dm("ana")
    root = await bench.slack.say("ana", dm, "p3 investigate stall")
    await bench.seats.wait_started(1)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await say(bench, "and the refunds?", root, channel=dm)
    await bench.seats.wait_started(2)
    task = await bench.task(2)
    assert (task.source, task.channel, task.parent) == (Source.DM, dm, 1)
    await bench.slack.say("ana", dm, "p3 something else")
    await bench.seats.wait_started(3)
    assert (await bench.task(3)).parent is None


async def test_in_a_private_channel_it_works_the_same(bench: Bench) -> None:
    bench.slack.state.channels[SECRET].members.append(bench.slack.state.bot_user_id)
    root = await bench.slack.say("ana", SECRET, "@onequeue p3 investigate stall")
    await bench.seats.wait_started(1)
    await say(bench, "and the refunds?", root, channel=SECRET)
    assert (await bench.task(2)).behind == 1


async def test_stop_ends_what_runs_and_what_waits_behind_it(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "and the refunds?", thread)
    await say(bench, "STOP", thread)
    await bench.until(1, State.CANCELLED)
    assert (await bench.task(2)).state is State.CANCELLED
    assert len(bench.seats.started) == 1
    (told,) = await private(bench, "ana")
    assert told.startswith("Stopping #1.")
    assert "#2 is cancelled" in told
    await say(bench, "!stop", thread)
    assert (await private(bench, "ana"))[-1] == "Nothing to stop here: #2 is cancelled."


async def test_a_hasty_stop_stops_and_costs_nothing(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "STOP!!!", thread)
    await bench.until(1, State.CANCELLED)
    await say(bench, "hold", thread)
    assert (await private(bench, "ana"))[-1].startswith("Nothing done: `hold` takes the number of one task.")
    assert await tasks(bench) == 1


async def test_a_reply_that_is_sent_to_the_channel_as_well_is_a_reply(bench: Bench) -> None:
    thread = await answered(bench)
    await bench.slack.say("ana", "ops", "and the refunds?", thread_ts=thread, broadcast=True)
    await bench.seats.wait_started(2)
    await bench.slack.say("ana", "ops", "stop", thread_ts=thread, broadcast=True)
    await bench.until(2, State.CANCELLED)


@pytest.mark.parametrize("words", ["thanks!", ":tada:", "ok"])
async def test_thanks_outside_of_a_thread_cost_nothing(bench: Bench, words: str) -> None:
    dm = bench.slack.dm("ana")
    await bench.slack.say("ana", "ops", f"@onequeue {words}")
    await bench.slack.say("ana", dm, words)
    await bench.slack.say("ana", dm, "!help")
    await bench.slack.wait_for(lambda state: all(e.state != "sent" for e in state.envelopes))
    assert await bench.room.store.queue.open_tasks(9) == []
    await settle_down(bench.room)
    assert [post.text for post in bench.slack.messages(dm) if post.thread_ts] == [HELP]
    assert bench.slack.ephemerals("ana") == []


async def test_orders_are_for_the_requester_and_for_operators(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "stop", thread, "kim")
    assert (await bench.task(1)).state is State.RUNNING
    assert await private(bench, "kim") == [], "to others it is talk"
    await say(bench, "@onequeue stop", thread, "kim")
    assert "#1" in (await private(bench, "kim"))[-1] or "ana" in (await private(bench, "kim"))[-1]
    assert (await bench.task(1)).state is State.RUNNING
    await say(bench, "stop", thread, "sam")
    await bench.until(1, State.CANCELLED)


async def test_status_cost_bump_and_help_are_told_in_private(bench: Bench) -> None:
    thread = await asked(bench)
    await bench.spend(1, 930_000)
    await say(bench, "p8 and the refunds?", thread)
    for order in ("!status", "Cost", "bump", "!help"):
        await say(bench, order, thread)
    status, cost, bumped, help_ = await private(bench, "ana")
    assert status.startswith("*#1 · p3 · Opus · running*")
    assert cost == "#2 has cost $0.00 of $1.00 · $0.93 in this thread, 2 tasks"
    assert bumped.startswith("#2 is raised from p8: p7 · Sonnet")
    assert help_ == threads.HELP
    assert await tasks(bench) == 2


async def test_what_cannot_be_read_is_told_and_nothing_is_queued(bench: Bench) -> None:
    thread = await answered(bench)
    await say(bench, "p11 and now", thread)
    (told,) = await private(bench, "ana")
    assert told.startswith("Not queued: p11 is not a priority.")
    assert await tasks(bench) == 1


async def test_whole_commands_are_commands_in_a_thread_too(bench: Bench) -> None:
    thread = await asked(bench)
    await say(bench, "cancel 1", thread)
    await bench.until(1, State.CANCELLED)
    await say(bench, "@onequeue list", thread)
    assert (await private(bench, "ana"))[-1] == "Nothing is waiting or running."
    assert await tasks(bench) == 1


async def test_talk_about_us_is_no_follow_up(bench: Bench) -> None:
    thread = await answered(bench)
    await say(bench, "thanks @onequeue, that helped", thread)
    (hint,) = await private(bench, "ana")
    assert hint.startswith("Nothing queued: a task begins with my name")
    assert await tasks(bench) == 1


async def test_what_begins_with_our_name_waits_for_no_card(bench: Bench) -> None:
    await bench.slack.slash("ana", "ops", "p3 investigate stall")
    await bench.seats.wait_started(1)
    outbox, now = bench.room.store.outbox, bench.room.clock.now()
    (card,) = await outbox.due(now, 10)
    await outbox.sending(card.id)
    await outbox.put_off(card.id, now, "reset", in_doubt=True)
    root = await bench.slack.say("sam", "ops", "the refunds are late")
    await bench.slack.say("sam", "ops", "@Onequeue p9 sum it up", thread_ts=root)
    await bench.slack.wait_for(lambda state: not any(e.state == "sent" for e in state.envelopes))
    task = await bench.task(2)
    assert (task.words, task.parent, task.thread) == ("sum it up", None, root)


@pytest.mark.parametrize("lost", [pytest.param("reset", marks=pytest.mark.long), "killed"])
async def test_a_reply_that_comes_before_the_card_is_known_waits_for_that(bench: Bench, lost: str) -> None:
    await bench.slack.slash("ana", "ops", "p3 investigate stall")
    await bench.seats.wait_started(1)
    (card,) = await bench.room.store.outbox.due(bench.room.clock.now(), 10)
    await bench.room.store.outbox.sending(card.id)
    key, said = f"card:{card.task_id}", Message("the card")
    thread = await bench.room.chat.post(OPS, said, thread=None, key=key)
    if lost == "killed":
        await bench.room.store.outbox.stop_sending()
    else:
        await bench.room.store.outbox.put_off(card.id, bench.room.clock.now(), "reset", in_doubt=True)
    await bench.slack.say("ana", "ops", "and the refunds?", thread_ts=thread)
    await bench.slack.wait_for(
        lambda state: any(e.retry_attempt and e.state == "timeout" for e in state.envelopes)
    )
    await settle_down(bench.room)
    assert (await bench.task(1)).thread == thread
    bench.room.clock.advance(timedelta(minutes=1))
    bench.slack.tick()
    await bench.slack.wait_for(
        lambda state: any(e.retry_attempt and e.state == "acked" for e in state.envelopes)
    )
    assert ((await bench.task(2)).words, (await bench.task(2)).parent) == ("and the refunds?", 1)
