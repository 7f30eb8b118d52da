"""Follow-ups by a button, as people fill them in in the simulated Slack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.access import Role, Rules
from bot.follow_ups import FollowUps
from bot.rehearsal.slack import payloads
from bot.rehearsal.slack.state import Message as Posted
from bot.rehearsal.slack.state import User
from bot.views.form import FOLLOW_UP
from dispatch.states import State
from dispatch.task import HoldKind, Outcome, Source, Task, Tier, Verdict
from tests.fakes.desk import DISK_FULL
from tests.integration.control_room import Bench, control_room
from tests.integration.home_room import labels, opened, pressed, says
from tests.integration.post_room import ANA, OPS, SAM, SECRET, settle_down

ANSWER = Outcome(Verdict.ANSWERED, "It was the pool.", "claude-opus-5-5")
SENT = {
    "id": "V1",
    "private_metadata": "1",
    "state": {"values": {"words": {"words": {"type": "plain_text_input", "value": "and?"}}}},
}
KIM, ZOE = "UKIM00001", "UZOE00001"
HIDDEN = "#1 was asked where you do not read along, as far as Slack tells me."
INSTEAD = "Slack opened no form. Say it in the thread of #1 instead, beginning with my name"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as made:
        yield made


@asynccontextmanager
async def guestless(folder: Path, **more: Any) -> AsyncIterator[Bench]:
    """A bench where zoe is a member of the workspace and of no channel, and kim, a guest, is not let in."""
    rules = Rules(roles={Role.OPERATOR: frozenset({SAM})}, **more)
    async with control_room(folder, rules=rules) as bench:
        bench.slack.state.users[ZOE] = User(ZOE, "zoe", "Zoe Lind", "Etc/UTC")
        yield bench


async def answered(bench: Bench, words: str = "p3 investigate stall", where: str = OPS) -> Posted:
    """The card of ana's first task, which is answered."""
    channel = bench.slack.state.channels.get(where)
    if channel and bench.slack.state.bot_user_id not in channel.members:
        channel.members.append(bench.slack.state.bot_user_id)
    await bench.slack.slash("ana", where, words)
    await bench.seats.wait_started(1)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await settle_down(bench.room)
    return next(post for post in bench.room.posts(where) if post.text.startswith("#1 · "))


async def press(bench: Bench, card: Posted, who: str = "ana") -> None:
    assert await bench.slack.click(who, card.channel, card.ts, "follow_up") == ""


def form_of(bench: Bench, who: str = "ana") -> dict[str, Any]:
    """The form that somebody has before them."""
    view = bench.slack.forms.modal(who)
    assert view is not None
    assert view["callback_id"] == FOLLOW_UP
    return view


async def send(bench: Bench, who: str = "ana", **values: Any) -> dict[str, str]:
    """Sends it, filled in like this; what is wrong."""
    sent = await bench.slack.forms.submit(who, {"words": "and the refunds?", **values})
    assert sent["text"] == ""
    return dict(sent["errors"])


async def replay(bench: Bench, who: str, number: object = 1, view_id: str = "V0REPLAY1") -> str:
    """Has Slack bring the form as that person's, with what they like in it; what is wrong with it."""
    workspace = bench.slack._workspace
    words = {"words": {"words": {"type": "plain_text_input", "value": "and the refunds?"}}}
    view = {"type": "modal", "id": view_id, "callback_id": FOLLOW_UP, "private_metadata": str(number)}
    sent = {**view, "state": {"values": words}, "blocks": []}
    payload = payloads.submission(workspace, workspace.state.users[who], sent)
    envelope = await workspace.delivery.answer(workspace.delivery.send("interactive", payload))
    assert envelope.state == "acked"
    return str(((envelope.ack or {}).get("errors") or {}).get("words", ""))


async def open_tasks(bench: Bench) -> list[Task]:
    return list(await bench.room.store.queue.open_tasks(10))


async def told(bench: Bench, who: str) -> list[str]:
    """What that person alone has seen, but for what /task answered."""
    return [words for words in await bench.told(who) if not words.startswith("Queued as")]


async def test_what_is_filled_in_goes_on_in_the_thread_like_a_reply(bench: Bench) -> None:
    card = await answered(bench)
    await press(bench, card)
    view = form_of(bench)
    assert view["blocks"][0]["text"]["text"] == "Goes on from #1 · p3 · Opus"
    chosen = view["blocks"][3]["element"]["initial_option"]
    assert chosen == {"value": "p3", "text": {**chosen["text"], "text": "p3 · Opus · needs senior reasoning"}}
    assert await send(bench) == {}
    await bench.seats.wait_started(2)
    task = await bench.task(2)
    assert (task.words, task.priority, task.parent, task.depth) == ("and the refunds?", 3, 1, 0)
    assert (task.source, task.requester, task.channel, task.thread) == (Source.FORM, ANA, OPS, card.ts)
    prompt = bench.seats.started[1].prompt
    assert prompt.startswith("and the refunds?")
    assert "> #1 was asked: investigate stall" in prompt
    assert "> It was answered: It was the pool." in prompt
    new = await bench.message("#2 · p3 · Opus")
    assert new.thread_ts == card.ts
    assert "for ana" in str(new.blocks)
    assert await told(bench, "ana") == []


async def test_model_cap_and_priority_are_the_parents_until_another_priority_is_chosen(bench: Bench) -> None:
    card = await answered(bench, "p9 model=opus max=$2 investigate stall")
    for values in ({}, {"priority": None}, {"priority": "p6"}):
        await press(bench, card)
        assert await send(bench, **values) == {}
    as_it_stood, emptied, other = [await bench.task(number) for number in (2, 3, 4)]
    for task in (as_it_stood, emptied):
        assert (task.priority, task.asked_model, task.route.tier) == (9, "opus", Tier.OPUS)
    assert (other.priority, other.asked_model, other.route.tier) == (6, None, Tier.SONNET)
    assert {task.route.cap_micro_usd for task in (as_it_stood, emptied, other)} == {2_000_000}
    assert {task.parent for task in (as_it_stood, emptied, other)} == {1}


async def test_it_waits_in_its_thread_as_replies_do(bench: Bench) -> None:
    card = await answered(bench)
    for _ in range(2):
        await press(bench, card)
        assert await send(bench) == {}
    second = await bench.task(3)
    assert (second.state, second.hold, second.behind) == (State.HELD, HoldKind.PERSON, 2)


async def test_a_press_and_a_form_that_come_twice_are_one_form_and_one_task(bench: Bench) -> None:
    card = await answered(bench)
    bench.slack.duplicate(2)
    await press(bench, card)
    view = form_of(bench)
    assert await send(bench) == {}
    assert await replay(bench, ANA, view_id=view["id"]) == ""
    assert [task.id for task in await open_tasks(bench)] == [2]
    assert await told(bench, "ana") == [], "a second delivery of the press has nothing to say"


async def test_what_is_wrong_is_said_beside_the_words_and_the_form_stays(bench: Bench) -> None:
    await press(bench, await answered(bench))
    assert await send(bench, words="  ") == {"words": "Say what is to be done."}
    assert await open_tasks(bench) == []
    assert await send(bench) == {}


async def test_who_reads_the_channel_goes_on_whoever_asked(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        await answered(bench)
        home = await opened(bench, "zoe")
        assert "Follow up" not in labels(home, "task:1"), "it shows her own tasks at first"
        home = await pressed(bench, "home:all", who="zoe")
        assert labels(home, "task:1")[0] == "Follow up"
        await pressed(bench, "follow_up", "1", who="zoe")
        assert await send(bench, "zoe") == {}
        task = await bench.task(2)
        assert (task.requester, task.parent, task.channel) == (ZOE, 1, OPS)


async def test_a_guest_who_is_let_in_goes_on_in_their_own_channels_alone(bench: Bench) -> None:
    card = await answered(bench)
    await press(bench, card, "kim")
    assert await send(bench, "kim") == {}
    assert (await bench.task(2)).requester == KIM
    await bench.seats.wait_started(2)
    bench.seats.end(2, ANSWER)
    await bench.until(2, State.DONE)
    bench.slack.state.channels["CPAY00001"].members.remove(SAM)
    await bench.slack.slash("ana", "payments", "p3 look")
    await bench.seats.wait_started(3)
    bench.seats.end(3, ANSWER)
    await bench.until(3, State.DONE)
    assert (await replay(bench, KIM, 3)).startswith("Nothing done: #3 was asked where you do not")
    assert await replay(bench, SAM, 3) == "", "a member reads every public channel"


async def test_a_guest_who_is_not_let_in_goes_on_nowhere(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        await press(bench, await answered(bench), "kim")
        assert bench.slack.forms.modal("kim") is None
        (refused,) = await told(bench, "kim")
        assert refused.startswith("Nothing done: guests and people of other companies may not do that here.")
        assert (await replay(bench, KIM)).startswith("Nothing done: guests and people")
        assert await open_tasks(bench) == []


async def test_in_a_private_channel_its_members_go_on_and_nobody_else(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        card = await answered(bench, where=SECRET)
        await opened(bench, "zoe")
        home = await pressed(bench, "home:all", who="zoe")
        assert labels(home, "task:1") == [], "what was asked in private is not offered to her"
        assert (await replay(bench, ZOE)) == (
            f"Nothing done: {HIDDEN} Join that channel, or send it as a task of your own."
        )
        assert await open_tasks(bench) == []
        await press(bench, card, "sam")
        assert await send(bench, "sam") == {}
        assert ((await bench.task(2)).requester, (await bench.task(2)).thread) == (SAM, card.ts)


async def test_operators_go_on_only_where_they_read(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        await answered(bench, where=SECRET)
        bench.slack.state.channels[SECRET].members.remove(SAM)
        payload = {
            "type": "block_actions",
            "user": {"id": SAM},
            "trigger_id": "1.1.abc",
            "view": {"type": "home"},
            "actions": [{"action_id": "follow_up", "value": "1", "text": {"text": "Follow up"}}],
        }
        assert HIDDEN in await bench.controls.press_at_home(payload)
        assert HIDDEN in await replay(bench, SAM)
        assert bench.slack.forms.modal("sam") is None
        assert await open_tasks(bench) == []


async def test_who_left_the_channel_meanwhile_is_refused_when_they_send_it(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        await press(bench, await answered(bench, where=SECRET), "sam")
        bench.slack.state.channels[SECRET].members.remove(SAM)
        bench.room.clock.advance(timedelta(minutes=11))
        assert HIDDEN in (await send(bench, "sam"))["words"]
        assert await open_tasks(bench) == []


async def test_in_direct_messages_only_the_requester_goes_on(bench: Bench) -> None:
    dm = bench.slack.dm("ana")
    await bench.slack.say("ana", dm, "p3 investigate stall")
    await bench.seats.wait_started(1)
    bench.seats.end(1, ANSWER)
    await bench.until(1, State.DONE)
    await settle_down(bench.room)
    assert HIDDEN in await replay(bench, SAM)
    card = next(post for post in bench.room.posts(dm) if post.text.startswith("#1 · "))
    await press(bench, card)
    assert await send(bench) == {}
    task = await bench.task(2)
    assert (task.channel, task.parent, task.requester) == (dm, 1, ANA)


@pytest.mark.parametrize("method", ["conversations.members", "users.info", "conversations.info"])
async def test_where_slack_does_not_say_who_reads_nobody_else_goes_on(tmp_path: Path, method: str) -> None:
    async with guestless(tmp_path) as bench:
        card = await answered(bench, where=SECRET)
        for silent in {method, "conversations.members"}:
            bench.slack.fault(silent, "error", 50, "internal_error")
        assert HIDDEN in (refused := await replay(bench, SAM))
        assert "try again in a few minutes" in refused
        await press(bench, card, "sam")
        assert HIDDEN in (await told(bench, "sam"))[-1]
        assert await open_tasks(bench) == []
        await press(bench, card)
        assert await send(bench) == {}, "ana asked for it herself"


async def test_who_may_not_have_it_so_urgent_is_told_beside_the_words(tmp_path: Path) -> None:
    rules = Rules(roles={Role.OPERATOR: frozenset({SAM}), Role.URGENT: frozenset({SAM})})
    async with control_room(tmp_path, rules=rules) as bench:
        await press(bench, await answered(bench))
        refused = await send(bench, priority="p1")
        assert refused["words"].startswith("Not queued: p1 and p2 are only for some people here.")
        assert await open_tasks(bench) == []
        assert await send(bench, priority="p4") == {}


@pytest.mark.parametrize(
    "error", ["unknown_method", "expired_trigger_id", "missing_scope", "invalid_arguments"]
)
async def test_where_no_form_opens_words_in_the_thread_do_the_same(bench: Bench, error: str) -> None:
    card = await answered(bench)
    bench.slack.fault("views.open", "error", 2, error)
    for who in ("ana", "sam"):
        await press(bench, card, who)
        (words,) = await told(bench, who)
        assert words == f"{INSTEAD}: that goes on from it as well."
    await bench.slack.say("sam", OPS, "@onequeue and the refunds?", thread_ts=card.ts)
    await bench.seats.wait_started(2)
    task = await bench.task(2)
    assert (task.requester, task.parent, task.thread) == (SAM, 1, card.ts)


async def test_a_slow_slack_is_answered_in_time(bench: Bench) -> None:
    card = await answered(bench)
    bench.slack.fault("views.open", "timeout")
    await press(bench, card)
    (words,) = await told(bench, "ana")
    assert words.startswith(INSTEAD)


async def test_at_home_it_is_said_in_the_home_that_no_form_opens(bench: Bench) -> None:
    await answered(bench)
    await opened(bench)
    bench.slack.fault("views.open", "error", 1, "unknown_method")
    assert INSTEAD in says(await pressed(bench, "follow_up", "1"))
    assert INSTEAD not in says(await pressed(bench, "follow_up", "1"))
    assert await send(bench) == {}
    assert (await bench.task(2)).parent == 1


async def test_what_is_forgotten_meanwhile_is_not_gone_on_from(bench: Bench) -> None:
    await press(bench, await answered(bench))
    bench.clock.advance(timedelta(days=400))
    await bench.room.store.retention.forget(timedelta(days=30), bench.clock.now())
    assert (await bench.task(1)).forgotten
    assert (await send(bench))["words"].startswith("#1 has moved on")
    assert await open_tasks(bench) == []


@pytest.mark.parametrize("number", ["2", "0", "-1", "1 OR 1", "", "9" * 19])
async def test_a_number_that_is_no_answered_task_makes_none(bench: Bench, number: str) -> None:
    await answered(bench)
    assert await replay(bench, ANA, number) != ""
    assert await open_tasks(bench) == []


async def test_a_form_is_not_lost_where_it_cannot_be_stored(bench: Bench) -> None:
    class Broken:
        async def parent(self, task_id: int, person: str) -> Task:
            raise DISK_FULL

    nowhere: Any = None
    forms = FollowUps(nowhere, Broken(), bench.room.chat, {})
    wrong = await forms.submitted({"user": {"id": ANA}, "view": SENT})
    assert wrong["words"].startswith("Not taken: I could not store this.")
