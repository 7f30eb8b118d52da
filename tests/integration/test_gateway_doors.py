"""What may pass the gateway, in both directions, and with which key."""

from collections.abc import AsyncIterator
from pathlib import Path

import anthropic
import httpx2
import pytest

from dispatch.ports import Access
from tests.fakes.upstream import KEY, FakeUpstream, fake_upstream
from tests.integration.gateway_room import MODEL, GatewayRoom, ask, gateway_room, plain_http, sdk

REQUEST = {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = b'{"type":"message","id":"msg_1","model":"m","usage":{"input_tokens":3,"output_tokens":4}}'


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with fake_upstream() as running:
        running.headers = {"content-type": "application/json"}
        running.pieces = [MESSAGE]
        yield running


@pytest.fixture
async def room(upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[GatewayRoom]:
    async with gateway_room(tmp_path, upstream.url, KEY) as opened:
        yield opened


@pytest.fixture
async def access(room: GatewayRoom) -> AsyncIterator[Access]:
    async with room.gateway.admit(await room.claim()) as opened:
        yield opened


def error_of(response: httpx2.Response) -> tuple[int, str]:
    body = response.json()
    assert body["type"] == "error"
    assert body["error"]["message"]
    return response.status_code, body["error"]["type"]


async def test_each_side_sees_only_its_own_key(access: Access, upstream: FakeUpstream) -> None:
    async with plain_http(access) as client:
        response = await client.post("/v1/messages", json=REQUEST)
    _, headers, body = upstream.seen[0]
    assert headers["x-api-key"] == KEY
    assert access.key not in str(headers) + body.decode()
    assert KEY not in str(response.headers) + response.text
    assert KEY not in repr(access)


async def test_only_known_headers_pass_on(access: Access, upstream: FakeUpstream) -> None:
    passing = {"anthropic-beta": "some-beta", "user-agent": "a-session/1"}
    stopped = {"cookie": "a=b", "x-forwarded-for": "10.0.0.1", "authorization": "Bearer other"}
    async with plain_http(access) as client:
        await client.post("/v1/messages?beta=true&debug=1", json=REQUEST, headers={**passing, **stopped})
    path, headers, _ = upstream.seen[0]
    assert path == "/v1/messages?beta=true"
    expected = {**passing, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    assert {name: headers[name] for name in expected} == expected
    assert not set(stopped) & {name.lower() for name in headers}


async def test_answers_are_asked_for_as_plain_bytes(access: Access, upstream: FakeUpstream) -> None:
    async with plain_http(access) as client:
        await client.post("/v1/messages", json=REQUEST, headers={"accept-encoding": "gzip"})
    assert upstream.seen[0][1]["accept-encoding"] == "identity"


async def test_every_request_has_a_connection_of_its_own(access: Access, upstream: FakeUpstream) -> None:
    async with plain_http(access) as client:
        for _ in range(3):
            await client.post("/v1/messages", json=REQUEST)
    assert len(upstream.connections) == 3


async def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    access: Access, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    async with plain_http(access) as client:
        assert (await client.post("/v1/messages", json=REQUEST)).status_code == 200


async def test_only_known_headers_come_back(access: Access, upstream: FakeUpstream) -> None:
    passing = {
        "content-type": "application/json",
        "request-id": "req_1",
        "retry-after": "3",
        "x-should-retry": "false",
        "anthropic-ratelimit-requests-remaining": "7",
    }
    upstream.headers = {**passing, "set-cookie": "a=b", "anthropic-organization-id": "org_1", "x-key": KEY}
    async with plain_http(access) as client:
        response = await client.post("/v1/messages", json=REQUEST)
    assert {name: response.headers[name] for name in passing} == passing
    assert not {"set-cookie", "anthropic-organization-id", "x-key"} & set(response.headers)


async def test_the_request_passes_untouched(access: Access, upstream: FakeUpstream) -> None:
    raw = b'{ "model" : "m",\n "unheard_of": [1.0, "\\u00e9"] }'
    async with plain_http(access) as client:
        await client.post("/v1/messages", content=raw)
    assert upstream.seen[0][2] == raw


async def test_a_stream_passes_untouched(access: Access, upstream: FakeUpstream) -> None:
    upstream.headers = {"content-type": "text/event-stream; charset=utf-8"}
    stream = (
        b': note\r\n\r\nevent: ping\ndata: {"type": "ping"}\n\ndata: not json\n\nid: 7\n\ntail without end'
    )
    upstream.pieces = [stream[at : at + 5] for at in range(0, len(stream), 5)]
    async with plain_http(access) as client:
        response = await client.post("/v1/messages", json={**REQUEST, "stream": True})
    assert response.content == stream


@pytest.mark.parametrize("as_bearer", [True, False])
async def test_the_key_is_taken_either_way(access: Access, *, as_bearer: bool) -> None:
    headers = {"authorization": f"Bearer {access.key}"} if as_bearer else {"x-api-key": access.key}
    async with httpx2.AsyncClient(base_url=access.base_url, headers=headers, trust_env=False) as client:
        assert (await client.post("/v1/messages", json=REQUEST)).status_code == 200


@pytest.mark.parametrize("key", ["", "oq-1-1-guess", KEY])
async def test_another_key_opens_nothing(access: Access, upstream: FakeUpstream, key: str) -> None:
    async with plain_http(access, key) as client:
        for path in ("/v1/messages", "/v1/messages/count_tokens"):
            assert error_of(await client.post(path, json=REQUEST)) == (401, "authentication_error")
    assert upstream.seen == []


async def test_a_key_ends_with_its_attempt(room: GatewayRoom, upstream: FakeUpstream) -> None:
    async with room.gateway.admit(await room.claim()) as access:
        pass
    async with sdk(access) as client:
        with pytest.raises(anthropic.AuthenticationError, match="its attempt is over"):
            await ask(client)
    assert upstream.seen == []


async def test_every_attempt_gets_a_key_of_its_own(room: GatewayRoom) -> None:
    claim = await room.claim()
    keys = set()
    for _ in range(3):
        async with room.gateway.admit(claim) as access:
            keys.add(access.key)
    assert len(keys) == 3
    assert all(key.startswith(f"oq-{claim.task.id}-{claim.attempt}-") for key in keys)


async def test_a_lost_lease_ends_the_session(room: GatewayRoom, upstream: FakeUpstream) -> None:
    claim = await room.claim()
    async with room.gateway.admit(claim) as access, plain_http(access) as client:
        await room.store.queue.give_back(claim, "elsewhere", room.clock.now())
        assert error_of(await client.post("/v1/messages", json=REQUEST)) == (403, "permission_error")
        progress = access.tools[0]
        assert "did not work" in await progress.call({"text": "still here"})
    assert upstream.seen == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/complete"),
        ("GET", "/v1/messages"),
        ("GET", "/v1/models"),
        ("POST", "/v1/messages/"),
        ("GET", "/"),
    ],
)
async def test_nothing_else_is_there(access: Access, upstream: FakeUpstream, method: str, path: str) -> None:
    async with plain_http(access) as client:
        assert error_of(await client.request(method, path)) == (404, "not_found_error")
    assert upstream.seen == []


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b'"m"', b"{}", b'{"model": 5}', b'{"model": ""}', b"[" * 100_000, b"\xff"],
)
async def test_a_request_that_is_none_is_refused(
    access: Access, upstream: FakeUpstream, room: GatewayRoom, body: bytes
) -> None:
    async with plain_http(access) as client:
        for path in ("/v1/messages", "/v1/messages/count_tokens"):
            refused = error_of(await client.post(path, content=body))
            assert refused == (400, "invalid_request_error")
    assert upstream.seen == []
    assert await room.still_open() == 0


async def test_a_request_may_be_32_megabytes_long(access: Access, upstream: FakeUpstream) -> None:
    async with plain_http(access) as client:
        too_long = b'{"model": "m", "x": "' + b"x" * 32 * 1024 * 1024 + b'"}'
        assert error_of(await client.post("/v1/messages", content=too_long)) == (413, "request_too_large")
        assert upstream.seen == []
        long = b'{"model": "m", "x": "' + b"x" * 30 * 1024 * 1024 + b'"}'
        assert (await client.post("/v1/messages", content=long)).status_code == 200


async def test_counting_tokens_costs_nothing(
    access: Access, upstream: FakeUpstream, room: GatewayRoom
) -> None:
    upstream.pieces = [b'{"input_tokens": 3}']
    async with plain_http(access) as client:
        response = await client.post("/v1/messages/count_tokens", json=REQUEST)
    assert response.json() == {"input_tokens": 3}
    assert upstream.seen[0][0] == "/v1/messages/count_tokens"
    assert await room.booked() == []
    assert await room.still_open() == 0
