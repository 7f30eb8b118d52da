"""The transcript of a session on the Messages API, from the simulated Claude to the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from bot.redact import redact
from bot.rehearsal.claude import Call, ClaudeSim, Failure, Say, Step, Think, call, say
from dispatch.ports import Pause, Session, Tool
from dispatch.runners.messages import MessagesRunner
from dispatch.runners.transcribed import Transcribed
from dispatch.task import Claim, Outcome, Resumed, Verdict
from dispatch.transcript import MODEL, Entry, Kind
from tests.fakes.transcripts import FakeRecorder
from tests.integration.gateway_room import GatewayRoom, open_session, room_over, sim

__all__ = ["sim"]

PAPER = "A long paper. " * 30
TOKEN = "xoxb-" + "123456789012-abcdefABCDEF"


@dataclass
class Room:
    """A gateway, a store, and one attempt in them."""

    gateway: GatewayRoom
    claim: Claim

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        async with self.gateway.gateway.admit(self.claim) as access:
            yield open_session(self.claim, access)

    async def run(self) -> Outcome:
        async with self.session() as session:
            return await self.take_down(session)

    async def take_down(self, session: Session) -> Outcome:
        strike = partial(redact, secrets=["hunter2-hunter2"])
        store, clock = self.gateway.store, self.gateway.clock
        return await Transcribed(MessagesRunner(), store.transcripts, clock, strike).run(session)

    async def entries(self) -> list[Entry]:
        return list(await self.gateway.store.transcripts.entries(self.claim.task.id, 1, 0, 100))

    async def told(self) -> list[tuple[str, Kind, str]]:
        return [(entry.who, entry.kind, entry.text) for entry in await self.entries()]


@pytest.fixture
async def room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[Room]:
    async with room_over(sim, tmp_path) as gateway:
        yield Room(gateway, await gateway.claim())


async def test_all_that_happens_is_there_in_order_with_its_times(room: Room, sim: ClaudeSim) -> None:
    sim.script(
        [
            Step((Think("hm"), Say("First I look."), Call("progress", {"text": "looking"}))),
            call("follow_up", text="tidy", priority=9),
            Step((Say("It was "), Say("the lock."))),
        ]
    )
    before = room.gateway.clock.now()
    outcome = await room.run()
    assert outcome == replace(outcome, verdict=Verdict.ANSWERED, text="It was the lock.")
    assert await room.told() == [
        (MODEL, Kind.SAID, "First I look."),
        ("progress", Kind.CALL, "text: looking"),
        ("progress", Kind.RESULT, "Noted."),
        ("follow_up", Kind.CALL, "text: tidy\npriority: 9"),
        ("follow_up", Kind.RESULT, "Queued as #7."),
        (MODEL, Kind.SAID, "It was "),
        (MODEL, Kind.SAID, "the lock."),
    ]
    times = [entry.at for entry in await room.entries()]
    assert before <= times[0]
    assert times == sorted(times)
    assert times[-1] <= room.gateway.clock.now()
    (attempt,) = await room.gateway.store.queue.attempts(room.claim.task.id)
    assert attempt.has_transcript


async def test_secrets_that_come_in_pieces_are_struck(room: Room, sim: ClaudeSim) -> None:
    words = f"The token is {TOKEN} and the password hunter2-hunter2."
    sim.script(
        [
            Step((Say(words), Call("progress", {"text": f"with {TOKEN}"}))),
            Step((Say("Done."),)),
        ]
    )
    await room.run()
    assert (await room.told())[:2] == [
        (MODEL, Kind.SAID, "The token is [redacted] and the password [redacted]."),
        ("progress", Kind.CALL, "text: with [redacted]"),
    ]


@pytest.mark.parametrize("failure", [Failure.MID_OVERLOADED, Failure.MID_DROP])
async def test_what_broke_off_is_kept_as_far_as_it_came(room: Room, sim: ClaudeSim, failure: Failure) -> None:
    sim.script([say(PAPER)])
    sim.fail(failure)
    assert (await room.run()).verdict is Verdict.FAILED
    ((who, kind, text),) = await room.told()
    assert (who, kind) == (MODEL, Kind.SAID)
    assert text.endswith(" …")
    assert PAPER.startswith(text[:-1])


async def test_a_cancelled_session_keeps_what_it_had_so_far(room: Room, sim: ClaudeSim) -> None:
    sim.script([Step((Say("First I look."), Call("progress", {"text": "on it"}))), say(PAPER)])

    async def hold_next(_given: object) -> str:
        sim.hold()
        return "Noted."

    async with room.session() as session:
        tool = replace(session.access.tools[0], call=hold_next)
        access = replace(session.access, tools=(tool,))
        running = asyncio.create_task(room.take_down(replace(session, access=access)))
        await sim.wait_for_held()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    told = await room.told()
    assert told[:3] == [
        (MODEL, Kind.SAID, "First I look."),
        ("progress", Kind.CALL, "text: on it"),
        ("progress", Kind.RESULT, "Noted."),
    ]
    assert all(PAPER.startswith(text[:-1]) for _, _, text in told[3:])


async def test_a_tool_that_breaks_or_is_none_is_an_error(room: Room, sim: ClaudeSim) -> None:
    async def broken(_given: object) -> str:
        raise RuntimeError("/etc/secret is not readable")

    tool = Tool("progress", "breaks", {"type": "object", "properties": {}}, broken)
    sim.script([Step((Call("progress", {}), Call("launch_missiles", {"at": "noon"}))), say("Never mind.")])
    async with room.session() as session:
        access = replace(session.access, tools=(tool,))
        with pytest.warns(UserWarning, match="not found"):
            await room.take_down(replace(session, access=access))
    told = await room.told()
    assert ("progress", Kind.ERROR, "The tool broke. Go on without it.") in told
    assert ("launch_missiles", Kind.CALL, "at: noon") in told
    assert ("launch_missiles", Kind.ERROR, "There is no such tool.") in told


async def test_a_session_that_goes_on_begins_with_the_answer_it_waited_for(
    room: Room, sim: ClaudeSim
) -> None:
    async def later(_given: object) -> str:
        raise Pause

    ask = Tool("ask", "asks", {"type": "object", "properties": {}}, later)
    first, second = FakeRecorder(), FakeRecorder()
    sim.script([Step((Say("Which one?"), Call("ask", {"text": "which"}))), say("Drained.")])
    async with room.session() as session:
        opened = replace(session, access=replace(session.access, tools=(ask,)), recorder=first)
        paused = await MessagesRunner().run(opened)
        assert paused.conversation
        resumed = Resumed(paused.conversation, "The requester answered: refunds")
        again = await MessagesRunner().run(replace(opened, resumed=resumed, recorder=second))
    assert again.text == "Drained."
    assert first.told == [
        (MODEL, Kind.SAID, "Which one?"),
        ("ask", Kind.CALL, "text: which"),
        ("ask", Kind.RESULT, "The answer is not here yet."),
    ]
    assert second.told == [
        ("ask", Kind.RESULT, "The requester answered: refunds"),
        (MODEL, Kind.SAID, "Drained."),
    ]
