"""Sessions through the real SDK, the real gateway and a real store, against the simulated Claude."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.claude import Call, ClaudeSim, Failure, Say, Step, Think, call, say
from dispatch.faults import FaultKind
from dispatch.means import Means, Project, RunnerName
from dispatch.ports import Access, Session, Tool
from dispatch.runners.briefing import SYSTEM
from dispatch.runners.messages import MessagesRunner
from dispatch.seats.local import LocalSeats
from dispatch.task import Claim, Outcome, Verdict
from tests.fakes.upstream import fake_upstream
from tests.integration.gateway_room import MODEL, GatewayRoom, open_session, room, sim, usage_of

__all__ = ["room", "sim"]

FAULTS = {
    Failure.INVALID_REQUEST: FaultKind.INVALID_REQUEST,
    Failure.PROMPT_TOO_LONG: FaultKind.INVALID_REQUEST,
    Failure.AUTHENTICATION: FaultKind.AUTHENTICATION,
    Failure.BILLING: FaultKind.BILLING,
    Failure.PERMISSION: FaultKind.FORBIDDEN,
    Failure.NOT_FOUND: FaultKind.CONFIGURATION,
    Failure.TOO_LARGE: FaultKind.INVALID_REQUEST,
    Failure.RATE_LIMIT: FaultKind.RATE_LIMITED,
    Failure.RATE_LIMIT_NO_RETRY: FaultKind.RATE_LIMITED,
    Failure.SPEND_LIMIT: FaultKind.BILLING,
    Failure.CONTRACT_LIMIT: FaultKind.BILLING,
    Failure.SERVER_ERROR: FaultKind.OVERLOADED,
    Failure.BAD_GATEWAY: FaultKind.OVERLOADED,
    Failure.GATEWAY_TIMEOUT: FaultKind.NETWORK,
    Failure.OVERLOADED: FaultKind.OVERLOADED,
    Failure.CREDIT: FaultKind.BILLING,
    Failure.ON_HOLD: FaultKind.SUSPENDED,
    Failure.REFUSAL: FaultKind.REFUSAL,
    Failure.MAX_TOKENS: FaultKind.INCOMPLETE,
    Failure.MID_OVERLOADED: FaultKind.OVERLOADED,
    Failure.MID_DROP: FaultKind.NETWORK,
}
"""What each failure of the simulator is to us. Those that take time are in `test_gateway_upstream`."""

PAPER = "A long paper. " * 30


@pytest.fixture
async def claim(room: GatewayRoom) -> Claim:
    return await room.claim()


@pytest.fixture
async def session(room: GatewayRoom, claim: Claim) -> AsyncIterator[Session]:
    async with room.gateway.admit(claim) as access:
        yield open_session(claim, access)


class Seen:
    """`ports.Preview` that notes what it is shown, and `/` for a drop."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def grow(self, text: str) -> None:
        self.shown.append(text)

    def drop(self) -> None:
        self.shown.append("/")


def kind_of(outcome: Outcome) -> FaultKind | None:
    assert outcome.verdict is Verdict.FAILED
    return outcome.fault.kind if outcome.fault else None


async def test_the_last_message_is_the_answer(session: Session, sim: ClaudeSim) -> None:
    sim.script(
        [
            Step((Think("hm"), Say("First I look."), Call("progress", {"text": "looking"}))),
            Step((Think("so"), Say("It was "), Say("the lock."))),
        ]
    )
    outcome = await MessagesRunner().run(session)
    assert outcome == Outcome(Verdict.ANSWERED, "It was the lock.", MODEL)
    assert session.draft.text == "First I look.\n\nIt was the lock."


async def test_what_a_message_says_is_shown_until_it_calls_a_tool(session: Session, sim: ClaudeSim) -> None:
    sim.script(
        [
            Step((Say("First I look."), Call("progress", {"text": "looking"}))),
            Step((Say("It was "), Say("the lock."))),
        ]
    )
    seen = Seen()
    outcome = await MessagesRunner().run(replace(session, preview=seen))
    dropped = seen.shown.index("/")
    assert seen.shown[dropped - 1] == "First I look."
    assert seen.shown[-1] == outcome.text == "It was the lock."
    assert all(outcome.text.startswith(text) for text in seen.shown[dropped + 1 :])


async def test_the_request_says_what_the_session_is(session: Session, sim: ClaudeSim) -> None:
    await MessagesRunner().run(session)
    first = sim.served[0]
    assert (first.model, first.max_tokens, first.effort, first.thinking) == (MODEL, 8000, "low", "adaptive")
    assert first.stream
    assert first.system == SYSTEM
    assert first.messages == ({"role": "user", "content": "investigate stall"},)
    assert first.tools == ("progress", "follow_up", "upgrade")
    assert all(one.key == sim.key for one in sim.served)


async def test_it_knows_of_a_project_that_it_has_no_files_of_it(session: Session, sim: ClaudeSim) -> None:
    project = Project("payments", Path("/srv/payments"), RunnerName.MESSAGES)
    await MessagesRunner().run(replace(session, means=Means(project=project)))
    assert sim.served[0].system.startswith(f"{SYSTEM} The task is about the project payments.")
    assert "/srv" not in sim.served[0].system


async def test_no_proxy_of_the_environment_comes_between(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert (await MessagesRunner().run(session)).verdict is Verdict.ANSWERED


async def test_no_request_leans_on_what_the_server_remembers(claim: Claim) -> None:
    async with fake_upstream() as upstream:
        upstream.status = 529
        await MessagesRunner().run(open_session(claim, Access(upstream.url, "oq-1", ())))
        assert "thread" not in json.loads(upstream.seen[0][2])


async def test_the_prompt_is_cached_from_turn_to_turn(session: Session, sim: ClaudeSim) -> None:
    await MessagesRunner().run(session)
    first, second = sim.served
    assert first.cache_write_5m_tokens > 0
    assert second.cache_read_tokens == first.cache_write_5m_tokens


async def test_tools_lead_back_to_the_task(
    session: Session, sim: ClaudeSim, room: GatewayRoom, claim: Claim
) -> None:
    sim.script(
        [call("progress", text="reading 14 files"), call("follow_up", text="tidy", priority=9), say("Done.")]
    )
    assert (await MessagesRunner().run(session)).text == "Done."
    assert (await room.store.queue.attempts(claim.task.id))[-1].progress == "reading 14 files"
    assert room.follow_ups == [(claim.task.id, "tidy", 9)]
    told = [one.messages[-1]["content"][0]["content"] for one in sim.served[1:]]
    assert told == ["Noted.", "Queued as #7."]


async def test_a_tool_that_breaks_is_an_error_to_the_model_and_nothing_more(
    session: Session, sim: ClaudeSim
) -> None:
    async def broken(_given: object) -> str:
        raise RuntimeError("/etc/secret is not readable")

    tool = Tool("progress", "breaks", {"type": "object", "properties": {}}, broken)
    sim.script([call("progress"), say("Went on.")])
    access = replace(session.access, tools=(tool,))
    assert (await MessagesRunner().run(replace(session, access=access))).text == "Went on."
    result = sim.served[1].messages[-1]["content"][0]
    assert result["is_error"] is True
    assert result["content"] == "The tool broke. Go on without it."


async def test_a_tool_that_is_none_is_an_error_to_the_model(session: Session, sim: ClaudeSim) -> None:
    sim.script([call("launch_missiles"), say("Never mind.")])
    with pytest.warns(UserWarning, match="not found"):
        assert (await MessagesRunner().run(session)).text == "Never mind."


@pytest.mark.parametrize("failure", FAULTS)
async def test_every_failure_has_its_class(
    room: GatewayRoom, claim: Claim, sim: ClaudeSim, failure: Failure
) -> None:
    sim.fail(failure)
    async with room.gateway.admit(claim) as access:
        outcome = await MessagesRunner().run(open_session(claim, access))
    assert kind_of(outcome) is FAULTS[failure]
    assert outcome.fault is not None
    assert outcome.fault.detail
    assert "<" not in outcome.fault.detail
    await sim.wait_for_served(1)
    paid = [usage_of(one) for one in sim.served if one.usage]
    assert [line.usage for line in await room.booked()] == paid
    assert await room.still_open() == 0


def test_no_failure_is_left_out() -> None:
    assert set(Failure) - set(FAULTS) == {Failure.HANG, Failure.STALLED, Failure.SLOW}


@pytest.mark.parametrize("failure", [Failure.RATE_LIMIT, Failure.OVERLOADED])
async def test_the_time_the_server_named_is_kept(session: Session, sim: ClaudeSim, failure: Failure) -> None:
    sim.fail(failure, retry_after=17)
    outcome = await MessagesRunner().run(session)
    assert outcome.fault is not None
    assert outcome.fault.retry_after == 17.0
    assert len(sim.served) == 1


@pytest.mark.parametrize(
    ("named", "kept"),
    [("0.5", 0.5), ("1e9", 86_400.0), ("-1", None), ("nan", None), ("inf", None), ("soon", None), ("", None)],
)
async def test_a_strange_time_is_not_believed(claim: Claim, named: str, kept: float | None) -> None:
    async with fake_upstream() as upstream:
        upstream.status, upstream.headers = 429, {"retry-after": named}
        outcome = await MessagesRunner().run(open_session(claim, Access(upstream.url, "oq-1", ())))
    assert kind_of(outcome) is FaultKind.RATE_LIMITED
    assert outcome.fault is not None
    assert outcome.fault.retry_after == kept


@pytest.mark.parametrize(
    "failure", [Failure.REFUSAL, Failure.MAX_TOKENS, Failure.MID_OVERLOADED, Failure.MID_DROP]
)
async def test_a_failure_keeps_the_work_so_far(session: Session, sim: ClaudeSim, failure: Failure) -> None:
    sim.script([Step((Say("First."), Call("progress", {"text": "on it"}))), say(PAPER)])
    outcome = await _fail_the_second(session, sim, failure)
    first, second = outcome.text.split("\n\n")
    assert first == "First."
    assert second
    assert PAPER.startswith(second)
    assert outcome.model == MODEL


async def _fail_the_second(session: Session, sim: ClaudeSim, failure: Failure) -> Outcome:
    async def fail_next(_given: object) -> str:
        sim.fail(failure)
        return "Noted."

    tool = replace(session.access.tools[0], call=fail_next)
    access = replace(session.access, tools=(tool,))
    return await MessagesRunner().run(replace(session, access=access))


async def test_a_session_without_words_has_not_answered(session: Session, sim: ClaudeSim) -> None:
    sim.script([Step((Think("nothing to say"),))])
    outcome = await MessagesRunner().run(session)
    assert kind_of(outcome) is FaultKind.INCOMPLETE


async def test_a_session_that_never_ends_is_incomplete(session: Session, sim: ClaudeSim) -> None:
    sim.script([Step((Say(f"Turn {turn}."), Call("progress", {"text": "again"}))) for turn in range(9)])
    outcome = await MessagesRunner(max_requests=3).run(session)
    assert kind_of(outcome) is FaultKind.INCOMPLETE
    assert outcome.text == "Turn 0.\n\nTurn 1.\n\nTurn 2."
    assert len(sim.served) == 3


async def test_a_connection_that_ends_by_itself_is_the_network(claim: Claim) -> None:
    async with fake_upstream() as upstream:
        url = upstream.url
    outcome = await MessagesRunner().run(open_session(claim, Access(url, "oq-1", ())))
    assert kind_of(outcome) is FaultKind.NETWORK


@pytest.mark.parametrize("pieces", [[], [b'event: message_start\ndata: {"type": "mess']])
async def test_an_answer_that_breaks_off_without_a_word_is_the_network(
    claim: Claim, pieces: list[bytes]
) -> None:
    async with fake_upstream() as upstream:
        upstream.headers, upstream.pieces = {"content-type": "text/event-stream"}, pieces
        outcome = await MessagesRunner().run(open_session(claim, Access(upstream.url, "oq-1", ())))
    assert kind_of(outcome) is FaultKind.NETWORK


async def test_a_gateway_that_closes_is_the_network(
    session: Session, sim: ClaudeSim, room: GatewayRoom
) -> None:
    sim.hold()
    running = asyncio.create_task(MessagesRunner().run(session))
    await sim.wait_for_held()
    await room.gateway.close()
    assert kind_of(await running) is FaultKind.NETWORK


async def test_a_ledger_out_of_use_is_no_fault_of_the_task(session: Session, room: GatewayRoom) -> None:
    await room.store.close()
    assert kind_of(await MessagesRunner().run(session)) is FaultKind.RUNTIME


async def test_cancelling_closes_the_connection_at_once(
    session: Session, sim: ClaudeSim, room: GatewayRoom
) -> None:
    sim.hold()
    running = asyncio.create_task(MessagesRunner().run(session))
    await sim.wait_for_held()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await sim.wait_for_served(1)
    assert not sim.served[0].finished


async def test_a_session_out_of_time_keeps_its_work_and_is_booked(
    room: GatewayRoom, claim: Claim, sim: ClaudeSim
) -> None:
    sim.script([Step((Say("First I look."), Call("progress", {"text": "on it"}))), say(PAPER)])

    async def hold_next(_given: object) -> str:
        sim.hold()
        return "Noted."

    async with room.gateway.admit(claim) as access:
        tool = replace(access.tools[0], call=hold_next)
        opened = open_session(claim, replace(access, tools=(tool,)))
        outcome = await LocalSeats(MessagesRunner()).run(replace(opened, wall_clock=timedelta(seconds=2)))
    assert kind_of(outcome) is FaultKind.TIMEOUT
    assert outcome.text.startswith("First I look.")
    await sim.wait_for_served(2)
    assert [line.usage for line in await room.booked()] == [usage_of(one) for one in sim.served]
