"""Answers in words while the database cannot be written, or not even read."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.slack.state import Message as Posted
from dispatch.errors import StoreError
from tests.fakes.desk import DISK_FULL
from tests.integration.front_room import Front, front_room
from tests.integration.post_room import ANA, OPS, SAM
from tests.integration.question_room import RESTART, ask, question

TO_US = "<@UBOT00001>"
PEOPLE = {"ana": ANA, "sam": SAM, "kim": "UKIM00001"}


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


async def writable(front: Front, yes: bool) -> None:
    """Whether the database takes writes: stands for a disk that is full."""
    writer = front.store.database._writer
    assert writer is not None
    await writer.execute_fetchall(f"PRAGMA query_only = {'OFF' if yes else 'ON'}")


def reply(post: Posted, person: str, words: str) -> dict[str, Any]:
    """The event of a reply in the thread of a question."""
    event = {"type": "message", "user": person, "channel": OPS, "ts": "1800000000.000100", "text": words}
    return {"team_id": "TACME0001", "event": {**event, "thread_ts": post.thread_ts}}


@pytest.mark.parametrize(("who", "words"), [("ana", "refunds"), ("sam", f"{TO_US} refunds")])
async def test_an_answer_in_words_that_cannot_be_stored_is_told_once_and_taken_later(
    front: Front, who: str, words: str
) -> None:
    said = reply(await ask(front), PEOPLE[who], words)
    await writable(front, False)
    for _ in range(2):
        with pytest.raises(StoreError):
            await front.intake.event(said)
    (told,) = front.slack.ephemerals(who)
    assert told.text.startswith("Not taken yet: I could not store this.")
    await writable(front, True)
    await front.intake.event(said)
    assert (await question(front)).answer == "refunds"


@pytest.mark.parametrize(
    ("who", "words", "told"), [("kim", f"{TO_US} refunds", 1), ("kim", "refunds", 0), ("ana", "refunds", 0)]
)
async def test_what_cannot_be_read_is_told_only_to_whoever_said_it_to_us(
    front: Front, who: str, words: str, told: int
) -> None:
    said = reply(await ask(front), PEOPLE[who], words)
    front.desk.broken = DISK_FULL
    for _ in range(2):
        with pytest.raises(StoreError):
            await front.intake.event(said)
    assert len(front.slack.ephemerals(who)) == told


async def test_words_about_an_answer_that_cannot_be_stored_are_told(front: Front) -> None:
    said = reply(await ask(front, RESTART), PEOPLE["ana"], "go ahead, why not")
    await writable(front, False)
    with pytest.raises(StoreError):
        await front.intake.event(said)
    await writable(front, True)
    assert [message.text[:13] for message in front.slack.ephemerals("ana")] == ["Not taken yet"]
