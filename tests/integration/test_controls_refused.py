"""Presses that are malformed, not allowed, or cannot be stored; none is left without an answer."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.controls import Controls
from bot.guard import Guard
from dispatch.budget import Budgets, Purse
from dispatch.delivery import NewDelivery
from dispatch.policy import Seating
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import Tier
from tests.fakes.desk import DISK_FULL
from tests.fakes.windows import NoForms
from tests.integration.front_room import Front, front_room, make_controls
from tests.integration.post_room import ANA, OPS, SAM, settle_down

DOLLAR = 1_000_000
DEAF = "http://127.0.0.1:1/nobody/listens"


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


PRESS: dict[str, Any] = {
    "type": "block_actions",
    "trigger_id": "1.1.abc",
    "user": {"id": ANA},
    "channel": {"id": OPS},
    "container": {"type": "message", "message_ts": "1700000000.000100"},
    "actions": [
        {"action_id": "cheaper", "value": "1", "text": {"type": "plain_text", "text": "Run on Haiku"}}
    ],
}


def action(**changes: object) -> dict[str, Any]:
    return {"actions": [{**PRESS["actions"][0], **changes}]}


@pytest.mark.parametrize(
    "changes",
    [
        action(action_id="delete_all"),
        action(action_id=None),
        action(value="01"),
        action(value="-1"),
        action(value="1 "),
        action(value="1\n"),
        action(value="١"),
        action(value="9" * 19),
        action(value=1),
        action(value=None),
        action(text=None),
        action(action_id="acknowledge_alarm", value="two words"),
        action(action_id="acknowledge_alarm", value="x" * 201),
        action(action_id="acknowledge_alarm", value=""),
        {"actions": []},
        {"actions": None},
        {"user": {"id": "<!here>"}},
        {"user": None},
        {"channel": {"id": "C1 C2"}},
        {"channel": None},
        {"trigger_id": ""},
        {"trigger_id": None},
        {"container": {}},
    ],
)
async def test_what_is_not_exactly_one_of_our_buttons_does_nothing(
    front: Front, changes: dict[str, Any]
) -> None:
    assert (await front.controls.press({**PRESS, **changes})).startswith(
        "I do not know this button any more."
    )
    assert await front.store.outbox.next_due() is None


async def test_a_button_of_a_task_that_is_not_there_is_told_so(front: Front) -> None:
    assert await front.controls.press(PRESS) == ""
    assert await front.told() == ["There is no task #1."]


async def test_only_operators_acknowledge_alarms(front: Front) -> None:
    pressed = {**PRESS, **action(action_id="acknowledge_alarm", value="starving:opus")}
    assert await front.controls.press({**pressed, "trigger_id": "1"}) == ""
    assert await front.controls.press({**pressed, "trigger_id": "2", "user": {"id": SAM}}) == ""
    assert await front.controls.press({**pressed, "trigger_id": "2", "user": {"id": SAM}}) == ""
    assert front.alarms.acknowledged == [("starving:opus", SAM)]
    assert await front.told() == ["Nothing done: only operators may do that. Ask sam."]
    assert [message.text for message in front.slack.ephemerals("sam")] == ["You look after it."]


async def test_where_nobody_keeps_watch_there_is_no_alarm(front: Front) -> None:
    controls = make_controls(front.room, front.desk, front.notifier, None, front.rights)
    pressed = {**PRESS, **action(action_id="acknowledge_alarm", value="x"), "user": {"id": SAM}}
    assert await controls.press(pressed) == ""
    await front.told()
    assert front.slack.ephemerals("sam")[0].text.startswith("There is no such alarm any more.")


async def test_a_press_in_a_direct_message_is_answered_in_its_thread(front: Front) -> None:
    dm = front.slack.dm("ana")
    ts = await front.slack.say("ana", dm, "p6 hello")
    await front.quiet()
    await settle_down(front.room)
    pressed = {**PRESS, "channel": {"id": dm}, "container": {"message_ts": ts}}
    assert await front.controls.press(pressed) == ""
    await settle_down(front.room)
    answer = front.slack.messages(dm)[-1]
    assert (answer.thread_ts, answer.ephemeral_to) == (ts, None)
    assert answer.text.startswith("#1 has moved on")


async def held_card(front: Front) -> str:
    """The ts of the card of a task that no budget has room for."""
    task = await front.room.ask(priority=6)
    now = front.room.clock.now()
    purse = Purse(Budgets(tiers={Tier.SONNET: DOLLAR}), now, now + timedelta(hours=12))
    assert await front.store.queue.claim(task.route.tier, Seating(1), now, now, purse) is None
    await settle_down(front.room)
    return front.room.posts()[-1].ts


@pytest.mark.parametrize(
    ("error", "words"),
    [(DISK_FULL, "Not done: I could not store this."), (ValueError("a defect"), "Not done: something broke")],
)
async def test_a_press_that_cannot_be_stored_is_answered_at_once_and_acknowledged(
    front: Front, error: Exception, words: str
) -> None:
    ts = await held_card(front)
    front.desk.broken = error
    assert await front.slack.click("ana", "ops", ts, "cheaper") == ""
    assert [message.text.startswith(words) for message in front.slack.ephemerals("ana")] == [True]
    front.desk.broken = None
    assert await front.slack.click("ana", "ops", ts, "cheaper") == ""
    assert (await front.store.queue.task(1)).route.tier is Tier.HAIKU


async def test_a_press_that_cannot_even_be_answered_is_still_acknowledged(front: Front) -> None:
    ts = await held_card(front)
    await front.slack.click("ana", "ops", ts, "wait")
    front.desk.broken = DISK_FULL
    payload = {**front.slack.state.envelopes[-1].payload, "trigger_id": "2", "response_url": DEAF}
    envelope = front.slack._workspace.delivery.send("interactive", payload)
    await front.slack.wait_for(lambda _: envelope.state != "sent")
    assert envelope.state == "acked"
    assert front.slack.ephemerals("ana") == []


class BrokenOutbox:
    """`ports.Outbox` on a full disk."""

    async def put(self, new: NewDelivery, now: datetime) -> bool:
        raise DISK_FULL


async def test_an_answer_that_cannot_be_stored_is_told_at_once_and_the_press_counts_once(
    front: Front,
) -> None:
    await held_card(front)
    outbox: Any = BrokenOutbox()
    guard = Guard(front.desk, front.rights, DEFAULT_TABLE)
    controls = Controls(guard, outbox, front.notifier, None, front.clock, DEFAULT_TABLE, NoForms())
    assert (await controls.press(PRESS)).startswith("#1 is queued for Haiku now")
    assert await controls.press(PRESS) == ""
    assert (await front.store.queue.task(1)).route.tier is Tier.HAIKU
