"""The session's tools over MCP, at the real gateway."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dispatch.task import Claim
from tests.integration.gateway_room import GatewayRoom, plain_http, room_over
from tests.integration.rehearsal_claude import claude


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[GatewayRoom]:
    async with claude() as sim, room_over(sim, tmp_path) as opened:
        yield opened


@pytest.fixture
async def claim(room: GatewayRoom) -> Claim:
    return await room.claim()


async def ask(room: GatewayRoom, claim: Claim, method: str, **params: object) -> dict[str, Any]:
    async with room.gateway.admit(claim) as access, plain_http(access) as http:
        body = {"jsonrpc": "2.0", "id": 3, "method": method, "params": params}
        answer: dict[str, Any] = (await http.post("/mcp", json=body)).json()
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", 3)
    return answer


async def test_it_introduces_itself_in_the_protocol_it_was_asked_in(room: GatewayRoom, claim: Claim) -> None:
    result = (await ask(room, claim, "initialize", protocolVersion="2025-03-26"))["result"]
    assert result["protocolVersion"] == "2025-03-26"
    assert result["capabilities"] == {"tools": {}}
    assert (await ask(room, claim, "ping"))["result"] == {}


async def test_it_lists_the_tools_and_calls_them(room: GatewayRoom, claim: Claim) -> None:
    listed = (await ask(room, claim, "tools/list"))["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["progress", "follow_up", "upgrade"]
    assert listed[0]["inputSchema"]["required"] == ["text"]
    called = await ask(room, claim, "tools/call", name="progress", arguments={"text": "reading"})
    assert called["result"] == {"content": [{"type": "text", "text": "Noted."}]}
    assert (await room.store.queue.attempts(claim.task.id))[-1].progress == "reading"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [("resources/list", {}, -32601), ("tools/call", {"name": "launch"}, -32602)],
)
async def test_what_it_does_not_have_is_an_error(
    room: GatewayRoom, claim: Claim, method: str, params: dict[str, object], code: int
) -> None:
    assert (await ask(room, claim, method, **params))["error"]["code"] == code


@pytest.mark.parametrize(("body", "code"), [(b"{", -32700), (b"[]", -32600), (b"[" * 99_999, -32700)])
async def test_nonsense_is_an_error(room: GatewayRoom, claim: Claim, body: bytes, code: int) -> None:
    async with room.gateway.admit(claim) as access, plain_http(access) as http:
        answer = await http.post("/mcp", content=body)
    assert answer.json()["error"]["code"] == code


async def test_a_notification_needs_no_answer(room: GatewayRoom, claim: Claim) -> None:
    body = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    async with room.gateway.admit(claim) as access, plain_http(access) as http:
        answer = await http.post("/mcp", content=body.encode())
    assert (answer.status_code, answer.content) == (202, b"")


async def test_another_key_reaches_no_tool(room: GatewayRoom, claim: Claim) -> None:
    async with room.gateway.admit(claim) as access, plain_http(access, "oq-wrong") as http:
        answer = await http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert answer.status_code == 401


async def test_a_tool_without_its_task_says_so_in_words(room: GatewayRoom, claim: Claim) -> None:
    await room.store.queue.give_back(claim, "gone", room.clock.now())
    called = await ask(room, claim, "tools/call", name="progress", arguments={"text": "reading"})
    assert "did not work" in called["result"]["content"][0]["text"]
