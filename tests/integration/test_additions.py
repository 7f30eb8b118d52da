"""What is said to a session on the Messages API while it runs, at the wire."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.rehearsal.claude import ClaudeSim, Failure, call, say
from dispatch.faults import FaultKind
from dispatch.ports import Pause, Session, Tool
from dispatch.runners.messages import MessagesRunner
from dispatch.task import Outcome, Resumed, Verdict
from dispatch.transcript import PEOPLE, Kind
from tests.fakes.transcripts import FakeRecorder
from tests.fakes.turns import turn
from tests.integration.gateway_room import MODEL, GatewayRoom, open_session, room, sim
from tests.integration.test_messages_runner import Seen

__all__ = ["room", "sim"]


@dataclass
class Words:
    """`ports.Hear` that has these to tell, one at each call; `heard` counts the calls."""

    waiting: list[str] = field(default_factory=list)
    heard: int = 0

    async def hear(self) -> str:
        self.heard += 1
        return self.waiting.pop(0) if self.waiting else ""


@pytest.fixture
async def session(room: GatewayRoom) -> AsyncIterator[Session]:
    claim = await room.claim()
    async with room.gateway.admit(claim) as access:
        yield open_session(claim, access)


def last(sim: ClaudeSim) -> Any:
    return sim.served[-1].messages[-1]


async def test_it_comes_beside_the_results_of_tools(session: Session, sim: ClaudeSim) -> None:
    sim.script([call("progress", text="looking"), call("progress", text="on it"), say("Both drained.")])
    words, recorder = Words(["and the refunds"]), FakeRecorder()
    outcome = await MessagesRunner().run(replace(session, hear=words.hear, recorder=recorder))
    assert outcome == Outcome(Verdict.ANSWERED, "Both drained.", MODEL)
    result, said = sim.served[1].messages[-1]["content"]
    assert (result["type"], said) == ("tool_result", {"type": "text", "text": "and the refunds"})
    assert len(last(sim)["content"]) == 1, "it is said once"
    assert (PEOPLE, Kind.SAID, "and the refunds") in recorder.told
    assert words.heard == 3


async def test_it_comes_after_an_answer_that_is_then_not_the_last(session: Session, sim: ClaudeSim) -> None:
    sim.script([say("Drained."), say("Both drained."), say("All three drained.")])
    seen, words = Seen(), Words(["and the refunds", "and the wiki"])
    outcome = await MessagesRunner().run(replace(session, hear=words.hear, preview=seen))
    assert outcome == Outcome(Verdict.ANSWERED, "All three drained.", MODEL)
    assert [message["role"] for message in sim.served[-1].messages] == ["user", "assistant"] * 2 + ["user"]
    assert last(sim)["content"] in ("and the wiki", [{"type": "text", "text": "and the wiki"}])
    assert session.draft.text == "Drained.\n\nBoth drained.\n\nAll three drained."
    assert seen.shown[seen.shown.index("/") + 1] == "Both drained.", "what was no answer is not shown as one"
    assert len(sim.served) == 3


async def test_what_was_said_before_is_read_from_the_cache(session: Session, sim: ClaudeSim) -> None:
    sim.script([say("Drained. " * 900), say("Both drained.")])
    words = Words(["and the refunds"])
    await MessagesRunner().run(replace(session, hear=words.hear))
    first, second = sim.served
    assert second.cache_read_tokens == first.cache_write_5m_tokens > 0


@pytest.mark.parametrize(
    ("said", "ended"), [("", Outcome(Verdict.ANSWERED, "Drained.", MODEL)), ("and the refunds", None)]
)
async def test_a_cut_while_it_is_looked_for_more_costs_no_answer_and_no_words(
    session: Session, sim: ClaudeSim, said: str, ended: Outcome | None
) -> None:
    sim.script([say("Drained.")])
    looking, looked = asyncio.Event(), asyncio.Event()

    async def hear() -> str:
        looking.set()
        await looked.wait()
        return said

    running = asyncio.create_task(MessagesRunner().run(replace(session, hear=hear)))
    await looking.wait()
    assert session.draft.ended is None, "whoever cuts it now must not take it for ended"
    running.cancel()
    await turn()
    looked.set()
    await asyncio.gather(running, return_exceptions=True)
    assert session.draft.ended == ended


@pytest.mark.parametrize("failure", [Failure.REFUSAL, Failure.MAX_TOKENS, Failure.MID_DROP])
async def test_a_session_that_failed_is_told_nothing(
    session: Session, sim: ClaudeSim, failure: Failure
) -> None:
    sim.fail(failure)
    words = Words(["and the refunds"])
    outcome = await MessagesRunner().run(replace(session, hear=words.hear))
    assert (outcome.verdict, words.heard) == (Verdict.FAILED, 0)


async def test_one_that_fails_after_it_was_told_keeps_what_it_had(session: Session, sim: ClaudeSim) -> None:
    sim.script([say("Drained.")])

    async def hear() -> str:
        sim.fail(Failure.OVERLOADED)
        return "and the refunds"

    outcome = await MessagesRunner().run(replace(session, hear=hear))
    assert (outcome.verdict, outcome.text) == (Verdict.FAILED, "Drained.")
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.OVERLOADED


async def test_one_that_may_ask_no_more_is_told_nothing(session: Session, sim: ClaudeSim) -> None:
    sim.script([say(f"Drained {number}.") for number in range(9)])
    words = Words(["again"] * 9)
    outcome = await MessagesRunner(max_requests=3).run(replace(session, hear=words.hear))
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "Drained 2.")
    assert (words.heard, len(sim.served)) == (2, 3)


async def test_what_it_may_ask_counts_over_all_that_it_is_told(session: Session, sim: ClaudeSim) -> None:
    sim.script([say("Drained."), *[call("progress", text="again")] * 9])
    words = Words(["and the refunds"])
    outcome = await MessagesRunner(max_requests=3).run(replace(session, hear=words.hear))
    assert outcome.fault is not None
    assert (outcome.fault.kind, len(sim.served)) == (FaultKind.INCOMPLETE, 3)


async def pauses(_given: object) -> str:
    raise Pause


def asking(session: Session) -> Session:
    tool = Tool("ask_requester", "asks", {"type": "object", "properties": {}}, pauses)
    return replace(session, access=replace(session.access, tools=(tool,)))


async def test_one_that_waits_for_an_answer_is_told_when_it_goes_on(
    session: Session, sim: ClaudeSim, room: GatewayRoom
) -> None:
    sim.script([call("ask_requester"), say("Both drained.")])
    words = Words(["and the refunds"])
    paused = await MessagesRunner().run(replace(asking(session), hear=words.hear))
    assert (paused.verdict, words.heard) == (Verdict.ASKED, 0)
    assert paused.conversation is not None
    resumed = replace(asking(session), resumed=Resumed(paused.conversation, "payments"), hear=words.hear)
    assert (await MessagesRunner().run(resumed)).text == "Both drained."
    result, said = last(sim)["content"]
    assert (result["content"], said["text"]) == ("payments", "and the refunds")
