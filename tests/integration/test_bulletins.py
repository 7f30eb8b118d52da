"""Whom a digest may name: only operators, and whoever it is private to, learn who spent what."""

import json
from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.bulletins import Bulletins
from dispatch.books import Books
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.editions import Edition, Issue
from dispatch.policy import Settlement
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from dispatch.terms import Terms
from dispatch.usage import Price, Usage
from tests.integration.front_desk import front_desk
from tests.integration.post_room import OPS, RANDOM, Room, make_courier, post_room, settle_down


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


async def spend(room: Room, channel: str, requester: str) -> None:
    """A task that was answered for $0.47."""
    claim = await room.claim(await room.ask(channel, requester=requester, request_key=channel + requester))
    now = room.clock.now()
    line = await room.store.ledger.open(claim, "m", now)
    price, usage = Price(470_000, "v"), Usage(1, 1)
    await room.store.ledger.book(
        line, model="m", request_id="r", usage=usage, price=price, estimated=False, now=now
    )
    await room.store.queue.settle(claim, Outcome(Verdict.ANSWERED, "done"), Settlement(State.DONE), now)


def books_of(room: Room) -> Books:
    return front_desk(room.store, room.clock, Terms(DEFAULT_TABLE, ZoneInfo("UTC"))).books


async def told(room: Room, channel: str, operators: str) -> str:
    """Today's digest as it goes to that channel."""
    books = books_of(room)
    today = books.today().isoformat()
    body = json.dumps({"first": today, "last": today})
    await room.store.outbox.put(NewDelivery("d", DeliveryKind.DIGEST, channel, body), room.clock.now())
    due = await room.store.outbox.due(room.clock.now(), 100)
    (delivery,) = (one for one in due if one.kind is DeliveryKind.DIGEST)
    return str((await Bulletins(books, room.chat, operators).of(delivery)).blocks)


@pytest.mark.parametrize("channel", [OPS, "D00000001"], ids=["the operators' channel", "a direct message"])
async def test_operators_read_who_spent_what_by_name_and_nobody_is_pinged(room: Room, channel: str) -> None:
    await spend(room, RANDOM, "UANA00001")
    await spend(room, "C_GONE", "UGONE0001")
    text = await told(room, channel, OPS)
    assert "By person: ana $0.47 (1 task), UGONE0001 $0.47 (1 task)." in text
    assert "#random $0.47 (1 task)" in text
    assert "C_GONE $0.47 (1 task)" in text
    assert "<@" not in text


@pytest.mark.parametrize(
    ("channel", "operators"), [(RANDOM, OPS), (OPS, "")], ids=["another channel", "no operators' channel"]
)
async def test_everybody_else_reads_sums_only(room: Room, channel: str, operators: str) -> None:
    await spend(room, "C_GONE", "UANA00001")
    text = await told(room, channel, operators)
    assert "$0.47" in text
    assert "By person" not in text
    assert "C_GONE" not in text


@pytest.mark.parametrize("edition", list(Edition))
async def test_slack_takes_every_edition(room: Room, edition: Edition) -> None:
    await spend(room, RANDOM, "UANA00001")
    books = books_of(room)
    issue = Issue(edition, RANDOM, ZoneInfo("UTC"), time(9))
    today = books.today()
    await room.store.outbox.put(issue.delivery(today - timedelta(days=6), today), room.clock.now())
    room.courier = make_courier(room.store, room.chat, room.clock, Bulletins(books, room.chat).of)
    await settle_down(room)
    (post,) = [one for one in room.posts(RANDOM) if "$0.47" in one.text and "#1" not in one.text]
    assert any(block["type"] == "data_visualization" for block in post.blocks)
    assert ("Against the week before" in str(post.blocks)) == (edition is Edition.WEEKLY)
    assert room.slack.pings == []
