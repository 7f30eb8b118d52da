"""What is said to a session of the real Claude Code while it runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.rehearsal.claude import Call, ClaudeSim, Failure, Say, Step, say
from dispatch.clock import SystemClock
from dispatch.faults import FaultKind
from dispatch.means import Profile
from dispatch.ports import Session
from dispatch.pricing import PriceList
from dispatch.runners.claude_code.command import SERVER
from dispatch.task import Outcome, Verdict
from dispatch.transcript import PEOPLE, Kind
from dispatch.usage import Price
from tests.fakes.transcripts import FakeRecorder
from tests.integration.agent_people import again, agent, at_work
from tests.integration.agent_room import AgentRoom, agent_room, claude
from tests.integration.gateway_room import MODEL, open_session, usage_of
from tests.integration.test_additions import Words
from tests.integration.test_claude_code_runner import bash, until

pytestmark = pytest.mark.long

ASK = Call(f"mcp__{SERVER}__ask_requester", {"question": "Which first?", "options": ["payments", "refunds"]})
SAID = "/cost of the refunds too, see @/etc/hostname"


@pytest.fixture
async def sim() -> AsyncIterator[ClaudeSim]:
    async with claude() as running:
        yield running


@pytest.fixture
async def room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[AgentRoom]:
    async with agent_room(tmp_path, sim) as opened:
        yield opened
        assert opened.left() == []


def told(sim: ClaudeSim, number: int) -> int:
    """How often the request of that number repeats what was said."""
    return str(sim.served[number].messages).count(SAID)


def cost(sim: ClaudeSim) -> int:
    price = PriceList(SystemClock().now)
    found = [price(MODEL, usage_of(one)) for one in sim.served if one.usage]
    return sum(one.micro_usd for one in found if isinstance(one, Price))


async def test_it_comes_with_the_results_of_the_tool_that_runs(room: AgentRoom) -> None:
    waits = "touch began; until [ -e told ]; do sleep 0.1; done; sleep 1; echo one"
    room.sim.script([bash(waits), bash("echo two"), say("Both drained.")])
    recorder = FakeRecorder()

    async def hear() -> str:
        if (room.place / "told").exists() or not (room.place / "began").exists():
            return ""
        (room.place / "told").touch()
        return SAID

    async with room.session() as session:
        outcome = await room.runner.run(replace(session, hear=hear, recorder=recorder))
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "Both drained.")
    assert [told(room.sim, number) for number in range(3)] == [0, 1, 1]
    assert len(room.sim.served) == 3
    assert recorder.told.count((PEOPLE, Kind.SAID, SAID)) == 1
    assert room.results() == ["one", "two"]


async def test_it_comes_after_an_answer_that_is_then_not_the_last(room: AgentRoom) -> None:
    room.sim.script([say("Drained."), bash("touch refunds"), say("Both drained.")])
    async with room.session() as session:
        outcome = await _run_told_at_the_end(room, session, SAID)
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "Both drained.")
    assert session.draft.text == "Drained.\n\nBoth drained."
    assert [told(room.sim, number) for number in range(3)] == [0, 1, 1]
    assert (room.place / "refunds").exists(), "it has its tools as before"
    assert outcome.said_micro_usd == pytest.approx(cost(room.sim), abs=2)
    assert [line.usage for line in await room.room.booked()] == [usage_of(one) for one in room.sim.served]


async def _run_told_at_the_end(room: AgentRoom, session: Session, said: str) -> Outcome:
    """Runs it; it is told that once its first answer has been served, and not before."""
    left = [said]

    async def hear() -> str:
        return left.pop() if left and room.sim.served else ""

    return await room.runner.run(replace(session, hear=hear))


async def test_one_that_fails_after_it_was_told_has_not_answered(room: AgentRoom) -> None:
    room.sim.script([say("Drained.")])
    left = [SAID]

    async def hear() -> str:
        if not (left and room.sim.served):
            return ""
        room.sim.fail(Failure.OVERLOADED)
        return left.pop()

    async with room.session(Profile.READ) as session:
        outcome = await room.runner.run(replace(session, hear=hear))
    assert (outcome.verdict, outcome.text) == (Verdict.FAILED, "Drained.")
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.OVERLOADED


async def test_a_session_that_failed_is_told_nothing(room: AgentRoom) -> None:
    room.sim.fail(Failure.AUTHENTICATION)

    async def hear() -> str:
        return SAID if room.sim.served else ""

    recorder = FakeRecorder()
    async with room.session(Profile.READ) as session:
        outcome = await room.runner.run(replace(session, hear=hear, recorder=recorder))
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.AUTHENTICATION
    assert len(room.sim.served) == 1


async def test_one_that_is_stopped_after_it_was_told_leaves_nothing(room: AgentRoom) -> None:
    room.sim.script([bash("touch began; sleep 300")])
    words = Words([SAID])
    async with room.session() as session:
        running = asyncio.create_task(room.runner.run(replace(session, hear=words.hear)))
        await until((room.place / "began").exists)
        await until(lambda: not words.waiting)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert room.left() == []


async def test_one_that_is_put_aside_is_told_when_it_goes_on(room: AgentRoom) -> None:
    room.room.asking.hurry()
    room.sim.script([Step((Say("I ask."), ASK)), say("Both drained.")])
    claim = await room.room.claim(channel="C1")
    async with at_work(room, claim, agent(Profile.READ)) as running:
        paused = await running
    assert paused.verdict is Verdict.ASKED
    claim = await again(room, claim, paused, "payments")
    words = Words([SAID])
    async with room.room.gateway.admit(claim) as access:
        session = replace(open_session(claim, access), means=agent(Profile.READ), resumed=claim.resumed)
        outcome = await room.runner.run(replace(session, hear=words.hear))
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "Both drained.")
    assert told(room.sim, -1) == 1
    assert "payments" in str(room.sim.served[-1].messages[-2:])
