"""A session that is put aside, at the gateway: what it is told, and that nothing more is sent for it."""

import json

import pytest

from bot.rehearsal.claude import ClaudeSim
from dispatch.ports import Pause
from dispatch.questions import LONGEST_SHOWN, PUT_ASIDE, Decision, QuestionKind
from tests.integration.gateway_room import MODEL, GatewayRoom, hasty_room, plain_http, sim

__all__ = ["hasty_room", "sim"]

ANA = "UANA00001"


async def test_a_tool_that_pauses_shuts_the_way_to_the_api(room: GatewayRoom, sim: ClaudeSim) -> None:
    claim = await room.claim(channel="C1")
    asked = {"name": "ask_requester", "arguments": {"question": "Which first?"}}
    body = {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": "go"}]}
    async with room.gateway.admit(claim) as access, plain_http(access) as http:
        assert not access.is_paused()
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asked}
        answer = (await http.post("/mcp", json=call)).json()
        assert answer["result"] == {"content": [{"type": "text", "text": PUT_ASIDE}]}
        assert access.is_paused()
        refused = await http.post("/v1/messages", content=json.dumps(body))
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")
    assert (sim.served, await room.booked(), await room.still_open()) == ([], [], 0)


async def test_an_action_is_approved_denied_or_put_off(room: GatewayRoom) -> None:
    claim = await room.claim(channel="C1")
    async with room.gateway.admit(claim) as access:
        assert access.approve is not None
        with pytest.raises(Pause):
            await access.approve("$ git push", "it is done")
        assert access.is_paused()
        (question,) = await room.store.queue.questions(claim.task.id)
        assert (question.kind, question.text, question.reason) == (
            QuestionKind.APPROVAL,
            "$ git push",
            "it is done",
        )
        await room.asking.answer(question.id, Decision.FOR_TASK, ANA, "k1")
        assert (await access.approve("$ git push", "")).allows
        for action in ("$" * (LONGEST_SHOWN + 1), "<" * (LONGEST_SHOWN // 5 + 1)):
            too_long = await access.approve(action, "")
            assert (too_long.allows, "8,000 characters" in too_long.words) == (False, True)
        with pytest.raises(Pause):
            await access.approve("$ git push --force", "")
        (_, other) = await room.store.queue.questions(claim.task.id)
        await room.asking.answer(other.id, Decision.DENY, ANA, "k2")
        denied = await access.approve("$ git push --force", "")
        assert (denied.allows, "denied it" in denied.words) == (False, True)


async def test_where_nobody_can_be_asked_it_is_denied(room: GatewayRoom) -> None:
    async with room.gateway.admit(await room.claim()) as access:
        assert access.approve is not None
        denied = await access.approve("$ git push", "")
        assert (denied.allows, access.is_paused()) == (False, False)
        assert "nobody waits for this task" in denied.words
