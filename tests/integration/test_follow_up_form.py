"""Follow-ups by a button, as people fill them in in the simulated Slack."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.access import Role, Rules
from bot.follow_ups import FollowUps
from dispatch.states import State
from dispatch.task import HoldKind, Source, Task, Tier
from tests.fakes.desk import DISK_FULL
from tests.integration.control_room import Bench, control_room
from tests.integration.follow_up_room import (
    answered,
    form_of,
    open_tasks,
    press,
    replay,
    send,
    told,
)
from tests.integration.home_room import opened, pressed, says
from tests.integration.post_room import ANA, OPS, SAM

SENT = {
    "id": "V1",
    "private_metadata": "1",
    "state": {"values": {"words": {"words": {"type": "plain_text_input", "value": "and?"}}}},
}
INSTEAD = "Slack opened no form. Say it in the thread of #1 instead, beginning with my name"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as made:
        yield made


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
