"""Who may follow up on what: its requester, and whoever reads along where it was asked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.states import State
from tests.integration.control_room import Bench, control_room
from tests.integration.follow_up_room import (
    ANSWER,
    HIDDEN,
    KIM,
    ZOE,
    answered,
    guestless,
    open_tasks,
    press,
    replay,
    send,
    told,
)
from tests.integration.home_room import labels, opened, pressed
from tests.integration.post_room import ANA, OPS, SAM, SECRET, settle_down


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as made:
        yield made


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


async def at_home(bench: Bench, action: str, label: str) -> str:
    """What sam is told who presses that for #1 at Home, whether or not it is shown there."""
    pressed = {"action_id": action, "value": "1", "text": {"text": label}}
    view = {"user": {"id": SAM}, "trigger_id": "1.1.abc", "view": {"type": "home"}}
    return await bench.controls.press_at_home({"type": "block_actions", **view, "actions": [pressed]})


async def test_operators_go_on_only_where_they_read(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        await answered(bench, where=SECRET)
        bench.slack.state.channels[SECRET].members.remove(SAM)
        assert HIDDEN in await at_home(bench, "follow_up", "Follow up")
        assert HIDDEN in await replay(bench, SAM)
        assert bench.slack.forms.modal("sam") is None
        assert await open_tasks(bench) == []


async def test_operators_have_the_same_asked_again_only_where_they_read(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        await answered(bench, "p9 tidy the wiki", where=SECRET)
        bench.slack.state.channels[SECRET].members.remove(SAM)
        await opened(bench, "sam")
        assert labels(await pressed(bench, "home:all", who="sam"), "task:1") == []
        assert HIDDEN in await at_home(bench, "tier_up", "One tier up: Sonnet")
        assert await open_tasks(bench) == [], "its words and its answer would have been his"


async def test_operators_who_read_along_have_the_same_asked_again(tmp_path: Path) -> None:
    async with guestless(tmp_path) as bench:
        await answered(bench, "p9 tidy the wiki", where=SECRET)
        assert await at_home(bench, "tier_up", "One tier up: Sonnet") == (
            "#1 is asked again as #2 for Sonnet; it may cost $3.00 in all."
        )
        assert (await bench.task(2)).requester == SAM


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
