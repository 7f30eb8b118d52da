"""Sessions that pause for an answer and go on: the real SDK, gateway and store against a simulated Claude."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.rehearsal.claude import Call, ClaudeSim, Say, Step, Think, say
from dispatch.policy import Seating, Settlement
from dispatch.questions import Decision
from dispatch.runners.messages import MessagesRunner
from dispatch.states import State
from dispatch.task import Claim, Outcome, Resumed, Tier, Verdict
from tests.integration.gateway_room import MODEL, GatewayRoom, hasty_room, open_session, sim, usage_of

__all__ = ["hasty_room", "sim"]

QUESTION = Call("ask_requester", {"question": "Which first?", "options": ["payments", "refunds"]})


async def run(room: GatewayRoom, claim: Claim) -> Outcome:
    """One session of the claim, resumed where it is to be."""
    async with room.gateway.admit(claim) as access:
        session = replace(open_session(claim, access), resumed=claim.resumed)
        return await MessagesRunner().run(session)


async def again(room: GatewayRoom, claim: Claim, outcome: Outcome, answer: str) -> Claim:
    """Settles the paused attempt, answers its question, and claims the task again."""
    now = room.clock.now()
    settled = await room.store.queue.settle(claim, outcome, Settlement(State.WAITING), now)
    assert settled.state is State.WAITING
    question = (await room.store.queue.questions(claim.task.id))[-1]
    await room.asking.answer(question.id, answer, "UANA00001", f"k{question.id}")
    found = await room.store.queue.claim(Tier.HAIKU, Seating(9), now + timedelta(minutes=1), now)
    assert found is not None
    return found


async def test_a_conversation_goes_on_where_it_paused(room: GatewayRoom, sim: ClaudeSim) -> None:
    sim.script(
        [
            Step((Think("first"), Say("I look."), Call("progress", {"text": "looking"}))),
            Step((Think("two of them"), Say("I ask."), Call("follow_up", {"text": "tidy"}), QUESTION)),
            Step((Think("so be it"), Say("Drained."))),
        ]
    )
    claim = await room.claim(channel="C1")
    paused = await run(room, claim)
    assert (paused.verdict, paused.text, paused.model) == (Verdict.ASKED, "I look.\n\nI ask.", MODEL)
    assert paused.conversation
    assert len(sim.served) == 2, "no request goes out with half an answer"

    claim = await again(room, claim, paused, "refunds")
    answered = await run(room, claim)
    assert (answered.verdict, answered.text) == (Verdict.ANSWERED, "Drained.")
    before, after = sim.served[1].messages, sim.served[2].messages
    assert after[: len(before)] == before, "what was said is sent as it was"
    turn, results = after[len(before) :]
    assert [block["type"] for block in turn["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert turn["content"][0]["signature"]
    assert [result["content"] for result in results["content"]] == [
        "Queued as #7.",
        "The requester answered, in these words:\n\nrefunds",
    ]
    assert [line.usage for line in await room.booked()] == [usage_of(one) for one in sim.served]
    assert [line.attempt for line in await room.booked()] == [1, 1, 2]
    assert await room.store.ledger.spent(claim.task.id) == sum(
        attempt.cost_micro_usd for attempt in await room.store.queue.attempts(claim.task.id)
    )


async def test_it_may_pause_more_than_once(room: GatewayRoom, sim: ClaudeSim) -> None:
    approval = Call("request_approval", {"action": "drain refunds", "reason": "it is first"})
    sim.script([Step((QUESTION,)), Step((approval,)), say("Drained.")])
    claim = await room.claim(channel="C1")
    claim = await again(room, claim, await run(room, claim), "refunds")
    claim = await again(room, claim, await run(room, claim), Decision.ONCE)
    assert (await run(room, claim)).text == "Drained."
    assert "refunds" in json.dumps(sim.served[-1].messages)
    assert "approved it, once" in json.dumps(sim.served[-1].messages[-1])


async def test_two_questions_in_one_turn_are_asked_one_after_the_other(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    sim.script([Step((QUESTION, Call("ask_requester", {"question": "And then?"}))), say("Done.")])
    claim = await room.claim(channel="C1")
    claim = await again(room, claim, await run(room, claim), "refunds")
    await run(room, claim)
    first, second = (result["content"] for result in sim.served[-1].messages[-1]["content"])
    assert first.endswith("refunds")
    assert "another question is open" in second


@pytest.mark.parametrize("left", [b"", b"{}", b'{"messages": [], "text": ""}', b"\xff", b"[1]"])
async def test_a_conversation_that_cannot_be_read_begins_afresh(
    room: GatewayRoom, sim: ClaudeSim, left: bytes
) -> None:
    claim = replace(await room.claim(), resumed=Resumed(left, "refunds"))
    assert (await run(room, claim)).verdict is Verdict.ANSWERED
    assert sim.served[0].messages == ({"role": "user", "content": "investigate stall"},)


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("ask_requester", {}, "Not asked: a question has"),
        ("ask_requester", {"question": "x" * 2_001}, "Not asked: a question has"),
        ("ask_requester", {"question": "x", "options": "yes"}, "Not asked: give up to 5"),
        ("ask_requester", {"question": "x", "options": ["a"] * 2}, "Not asked: give up to 5"),
        ("ask_requester", {"question": "x", "options": list("abcdef")}, "Not asked: give up to 5"),
        ("ask_requester", {"question": "x", "options": ["a", 1]}, "Not asked: give up to 5"),
        ("request_approval", {"reason": "why not"}, "Not asked: an action has"),
        ("request_approval", {"action": "x" * 20_001}, "Not asked: an action has"),
        ("upgrade", {"reason": 7}, "Not raised: say what"),
    ],
)
async def test_what_cannot_be_asked_is_words_to_the_model(
    room: GatewayRoom, tool: str, given: dict[str, object], told: str
) -> None:
    claim = await room.claim(channel="C1")
    async with room.gateway.admit(claim) as access:
        tools = {found.name: found for found in access.tools}
        assert (await tools[tool].call(given)).startswith(told)
    assert await room.store.queue.questions(claim.task.id) == []


async def test_a_session_out_of_the_way_of_people_is_offered_none_of_them(room: GatewayRoom) -> None:
    async with room.gateway.admit(await room.claim(channel="C1")) as access:
        names = [tool.name for tool in access.tools]
    assert names == ["progress", "follow_up", "ask_requester", "request_approval", "upgrade"]
    async with room.gateway.admit(await room.claim()) as access:
        assert [tool.name for tool in access.tools] == ["progress", "follow_up", "upgrade"]
