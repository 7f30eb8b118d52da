"""What a digest may tell where: who spent what only operators learn, and private words nobody else."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.bulletins import Bulletins
from dispatch.books import Books
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.editions import Edition, Issue
from dispatch.means import ChannelMeans
from dispatch.policy import Settlement
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import Outcome, Source, Verdict
from dispatch.terms import Terms
from dispatch.usage import Price, Usage
from tests.integration.front_desk import front_desk
from tests.integration.post_room import (
    OPS,
    PAYMENTS,
    RANDOM,
    SECRET,
    SECRETS,
    TERMS,
    Room,
    make_courier,
    post_room,
    settle_down,
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


async def spend(room: Room, channel: str, requester: str = "UANA00001", **changes: Any) -> None:
    """A task that was answered for $0.47."""
    key = f"{channel}{requester}{changes}"
    claim = await room.claim(await room.ask(channel, requester=requester, request_key=key, **changes))
    now = room.clock.now()
    line = await room.store.ledger.open(claim, "m", now)
    price, usage = Price(470_000, "v"), Usage(1, 1)
    await room.store.ledger.book(
        line, model="m", request_id="r", usage=usage, price=price, estimated=False, now=now
    )
    await room.store.queue.settle(claim, Outcome(Verdict.ANSWERED, "done"), Settlement(State.DONE), now)


def books_of(room: Room) -> Books:
    return front_desk(room.store, room.clock, Terms(DEFAULT_TABLE, ZoneInfo("UTC"))).books


async def told(room: Room, channel: str, operators: str = "", terms: Terms = TERMS) -> str:
    """Today's digest as it goes to that channel."""
    books = books_of(room)
    today = books.today().isoformat()
    body = json.dumps({"first": today, "last": today})
    await room.store.outbox.put(NewDelivery("d", DeliveryKind.DIGEST, channel, body), room.clock.now())
    due = await room.store.outbox.due(room.clock.now(), 100)
    (delivery,) = (one for one in due if one.kind is DeliveryKind.DIGEST)
    return str((await Bulletins(books, room.chat, terms, operators, SECRETS).of(delivery)).blocks)


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
    await spend(room, OPS, "UANA00001")
    books = books_of(room)
    issue = Issue(edition, OPS, ZoneInfo("UTC"), time(9))
    today = books.today()
    await room.store.outbox.put(issue.delivery(today - timedelta(days=6), today), room.clock.now())
    room.courier = make_courier(room.store, room.chat, room.clock, Bulletins(books, room.chat, TERMS).of)
    await settle_down(room)
    (post,) = [one for one in room.posts(OPS) if "$0.47" in one.text and "#1" not in one.text]
    assert any(block["type"] == "data_visualization" for block in post.blocks)
    assert ("Against the week before" in str(post.blocks)) == (edition is Edition.WEEKLY)
    assert post.ts not in [ping.ts for ping in room.slack.pings]


async def test_words_are_told_elsewhere_only_where_everybody_may_read_them(room: Room) -> None:
    room.slack.state.channels[SECRET].members.append(room.slack.state.bot_user_id)
    dm = room.slack.dm("ana")
    for number, channel in enumerate([RANDOM, SECRET, dm, PAYMENTS, "CGONE0001"], 1):
        await spend(room, channel, words=f"words {number}")
    quiet = replace(TERMS, channels={PAYMENTS: ChannelMeans(quiet=True)})
    text = await told(room, OPS, terms=quiet)
    assert room.calls("conversations.info") == 3, "of a direct message and a quiet channel nothing is asked"
    (dearest,) = [part for part in text.split("'text': ") if "*Dearest*" in part]
    assert "words 1" in dearest
    assert [f"words {number}" in text for number in range(2, 6)] == [False] * 4
    for number in range(2, 6):
        assert f"\\n#{number} $0.47 · Opus" in dearest, "its number, without a link"


@pytest.mark.parametrize("channel", [SECRET, PAYMENTS, "D00000001"], ids=["private", "quiet", "direct"])
async def test_a_channel_reads_its_own_words(room: Room, channel: str) -> None:
    await spend(room, channel, words="words of ours")
    quiet = replace(TERMS, channels={PAYMENTS: ChannelMeans(quiet=True)})
    assert "words of ours" in await told(room, channel, terms=quiet)


async def test_words_of_the_command_line_are_told_and_secrets_never(room: Room) -> None:
    await spend(room, "", "cli:ana", source=Source.CLI, words=f"try {SECRETS[0]} again")
    text = await told(room, OPS)
    assert "try [redacted] again" in text
    assert SECRETS[0] not in text


async def test_where_slack_says_nothing_words_stay_private(room: Room) -> None:
    await spend(room, RANDOM, words="words of random")
    room.slack.fault("conversations.info", "error", 9, "internal_error")
    assert "words of random" not in await told(room, OPS)
