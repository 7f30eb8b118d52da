"""What `list` and `show` tell of others' tasks: what they are about only to those who could read it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.faults import Fault, FaultKind
from dispatch.questions import NewQuestion, QuestionKind
from dispatch.states import State
from dispatch.task import Outcome, Source, Verdict
from tests.integration.front_room import Front, front_room
from tests.integration.post_room import ANA, OPS, SECRET

TOKEN = "xoxb-123456789012-abcdefghijkl"
WORDS = "investigate the layoffs"
ALL = ("list", "show 1", "show 1 --history")


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


async def asks(front: Front, channel: str, words: str = WORDS) -> None:
    """A task of ana's that runs, says what it does, and asks something; then it is queued again."""
    task = await front.room.ask(channel, words=words, project="layoffs", source=Source.DM)
    claim = await front.room.claim(task)
    now = front.room.clock.now()
    await front.store.queue.progress(claim, f"reading {words}", now)
    question = NewQuestion(QuestionKind.QUESTION, f"which? {words}")
    await front.store.questions.ask(claim, question, now + timedelta(hours=4), now)


async def told(front: Front, who: str, where: str) -> str:
    return "\n".join([await front.slack.slash(who, where, verb) for verb in ALL])


@pytest.mark.parametrize("who", ["kim", "sam"])
@pytest.mark.parametrize("where", ["a direct message", "a private channel"])
async def test_who_could_not_read_it_hears_only_that_it_is_there(front: Front, who: str, where: str) -> None:
    channel = front.slack.dm("ana") if where == "a direct message" else SECRET
    await asks(front, channel)
    said = await told(front, who, "ops")
    assert "layoffs" not in said
    assert said.count("_asked in private_") == 2
    assert said.count("#1 · p3 · Opus · running") == 3
    assert "layoffs" in await told(front, "ana", "ops")


@pytest.mark.parametrize("channel", [OPS, ""])
async def test_what_was_asked_in_public_or_at_the_command_line_is_told(front: Front, channel: str) -> None:
    await asks(front, channel)
    said = await told(front, "sam", "payments")
    assert said.count(WORDS) == 4
    assert "asked in private" not in said


async def test_a_guest_is_told_it_where_it_was_asked(front: Front) -> None:
    await asks(front, OPS)
    assert WORDS in await told(front, "kim", "ops")
    assert WORDS not in await told(front, "kim", front.slack.dm("kim"))


async def test_what_went_wrong_in_private_stays_there(front: Front) -> None:
    task = await front.room.ask(front.slack.dm("ana"))
    claim = await front.room.claim(task)
    fault = Fault(FaultKind.UNKNOWN, WORDS)
    await front.room.settle(claim, Outcome(Verdict.FAILED, "half", fault=fault), State.FAILED)
    assert "layoffs" not in await told(front, "sam", "ops")
    assert "layoffs" in await told(front, "ana", "ops")


async def test_secrets_are_struck_out_of_all_that_is_told(front: Front) -> None:
    await asks(front, OPS, f"look why {TOKEN} fails")
    said = await told(front, "ana", "ops")
    assert TOKEN not in said
    assert said.count("[redacted]") == 4
    task = (await front.tasks())[0]
    assert (task.requester, TOKEN in task.words) == (ANA, True)
