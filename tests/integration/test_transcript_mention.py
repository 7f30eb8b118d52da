"""What `show` says of a transcript in Slack: that there is one, to those who may read it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.policy import Seating
from dispatch.task import Tier
from dispatch.transcript import MODEL, Entry, Kind
from dispatch.worker import LEASE
from tests.fakes.values import NOON
from tests.integration.front_room import Front, front_room

MENTION = "What happened step by step: `onequeue show 1 --transcript` on the machine I run on"


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


async def test_operators_are_told_how_to_read_it_and_nobody_is_shown_it(front: Front) -> None:
    await front.slack.slash("ana", "ops", "p3 investigate stall")
    claim = await front.store.queue.claim(Tier.OPUS, Seating(1), NOON + LEASE, NOON)
    assert claim
    assert MENTION not in await front.slack.slash("sam", "ops", "show 1")
    await front.store.transcripts.append(1, 1, 1, [Entry(NOON, MODEL, Kind.SAID, "I look into it.")])
    assert (await front.slack.slash("sam", "ops", "show 1")).endswith(f"\n{MENTION}")
    for person in ("ana", "sam"):
        assert "I look into it." not in await front.slack.slash(person, "ops", "show 1")
    assert "--transcript" not in await front.slack.slash("ana", "ops", "show 1")
