"""Cards whose edits Slack refuses: the end of a task is shown all the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.states import State
from dispatch.task import Outcome, Verdict
from tests.integration.post_room import Room, post_room, settle_down


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


async def test_progress_posts_no_card_and_the_end_posts_one(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("chat.update", "error", times=99, error="edit_window_closed")
    claim = await room.claim(task)
    for number in range(3):
        await room.store.queue.progress(claim, f"reading {number} files", room.clock.now())
        await settle_down(room)
    (card,) = room.posts()
    assert "queued" in card.text
    await room.settle(claim, Outcome(Verdict.ANSWERED, "It was the pool.", "m"), State.DONE)
    await settle_down(room)
    old, *new = room.seen()
    assert "queued" in old
    assert len(new) == 2
    assert sorted("done" in text for text in new) == [False, True]


@pytest.mark.parametrize("code", ["an_unlisted_code", "update_failed"])
async def test_an_edit_that_is_refused_once_silences_no_card(room: Room, code: str) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("chat.update", "error", error=code)
    claim = await room.claim(task)
    await settle_down(room)
    await room.settle(claim, Outcome(Verdict.ANSWERED, "It was the pool.", "m"), State.DONE)
    await settle_down(room)
    card, answer = room.seen()
    assert "done" in card
    assert "pool" in answer


async def test_an_edit_that_failed_at_slack_is_made_again(room: Room) -> None:
    task = await room.ask()
    await settle_down(room)
    room.slack.fault("chat.update", "error", error="update_failed")
    await room.claim(task)
    await settle_down(room)
    (card,) = room.seen()
    assert "running" in card
