"""An API that misbehaves: what the session is told, and what is booked."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatch.booking import Booking
from dispatch.ports import Access
from dispatch.usage import Price, Unpriced
from tests.fakes.upstream import KEY, FakeUpstream, fake_upstream
from tests.integration.gateway_room import MODEL, GatewayRoom, gateway_room, plain_http

IDLE = timedelta(seconds=0.3)


def frame(**event: Any) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


START = frame(
    type="message_start",
    message={"model": MODEL, "usage": {"input_tokens": 9, "cache_read_input_tokens": 5, "output_tokens": 1}},
)
TEXT = frame(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 41})
DELTA = frame(type="message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 12})
ERROR = frame(type="error", error={"type": "overloaded_error", "message": "Overloaded"})
STREAM = {"content-type": "text/event-stream"}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with fake_upstream() as running:
        yield running


@pytest.fixture
async def room(upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[GatewayRoom]:
    async with gateway_room(tmp_path, upstream.url, KEY, IDLE) as opened:
        yield opened


@pytest.fixture
async def access(room: GatewayRoom) -> AsyncIterator[Access]:
    async with room.gateway.admit(await room.claim()) as opened:
        yield opened


async def post(access: Access) -> tuple[int, str]:
    async with plain_http(access) as client:
        response = await client.post("/v1/messages", json={"model": MODEL, "stream": True})
        return response.status_code, response.text


async def the_line(room: GatewayRoom) -> Booking:
    lines = await room.booked()
    assert len(lines) == 1
    return lines[0]


async def test_silence_before_the_answer_is_a_timeout_of_unknown_cost(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.silent = True
    status, text = await post(access)
    assert (status, json.loads(text)["error"]["type"]) == (504, "timeout_error")
    line = await the_line(room)
    assert (line.price, line.estimated) == (Unpriced("sent, but no answer came"), True)


async def test_silence_within_the_answer_ends_it_with_an_event(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.headers, upstream.silent = STREAM, True
    upstream.pieces = [START, TEXT, b"event: content_bl"]
    status, text = await post(access)
    assert status == 200
    assert text.encode().startswith(START + TEXT + b"event: error\ndata: ")
    assert "timeout_error" in text
    line = await the_line(room)
    assert line.estimated
    assert (line.usage.input_tokens, line.usage.cache_read_tokens, line.usage.output_tokens) == (9, 5, 11)
    assert line.price == Price(9 * 2 + 5 + 11 * 11, "test-1")


async def test_a_stream_cut_after_its_final_usage_is_booked_exactly(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.headers, upstream.silent = STREAM, True
    upstream.pieces = [START, TEXT, DELTA]
    await post(access)
    line = await the_line(room)
    assert (line.usage.output_tokens, line.estimated) == (12, False)


async def test_a_stream_that_just_ends_is_booked_as_far_as_it_came(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.headers, upstream.pieces = STREAM, [START, TEXT]
    assert await post(access) == (200, (START + TEXT).decode())
    line = await the_line(room)
    assert (line.usage.output_tokens, line.estimated) == (11, True)


async def test_an_error_before_any_token_costs_nothing(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.headers, upstream.pieces = STREAM, [ERROR]
    assert await post(access) == (200, ERROR.decode())
    assert await room.booked() == []
    assert await room.still_open() == 0


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b'{"type": "message"}', b"[1]"])
async def test_an_answer_without_usage_is_of_unknown_cost(
    access: Access, upstream: FakeUpstream, room: GatewayRoom, content_type: str, body: bytes
) -> None:
    upstream.headers, upstream.pieces = {"content-type": content_type}, [body] if body else []
    await post(access)
    line = await the_line(room)
    assert (line.price, line.model) == (Unpriced("answered, but without its usage"), MODEL)


async def test_a_redirect_names_the_base_url(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.status, upstream.headers = 302, {"location": "https://example.invalid/"}
    status, text = await post(access)
    assert (status, json.loads(text)["error"]["type"]) == (502, "network_error")
    assert "base URL" in text
    assert len(upstream.seen) == 1
    assert await room.booked() == []
    assert await room.still_open() == 0


async def test_a_page_of_a_proxy_passes_with_its_status(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.status, upstream.headers = 502, {"content-type": "text/html"}
    upstream.pieces = [b"<html>bad gateway</html>"]
    assert await post(access) == (502, "<html>bad gateway</html>")
    assert await room.still_open() == 0
