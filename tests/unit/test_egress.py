"""The way out of a jail: which hosts it leads to, and that a request leads to one only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from dispatch.runners.claude_code.egress import is_allowed, to_domains
from dispatch.runners.claude_code.relay import MOST_AT_ONCE, Doors

DOMAINS = ("pypi.org", "*.example.com", "127.0.0.1")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("pypi.org", True),
        ("PyPI.org.", True),
        ("a.example.com", True),
        ("a.b.example.com", True),
        ("example.com", False),
        ("evilexample.com", False),
        ("pypi.org.evil.com", False),
        ("evil.com", False),
        ("127.0.0.2", False),
        ("", False),
    ],
)
def test_only_named_hosts_are_allowed(host: str, allowed: bool) -> None:
    assert is_allowed(host, DOMAINS) is allowed


@pytest.fixture
async def web() -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + head)
        await writer.drain()
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield serving.sockets[0].getsockname()[1]
    serving.close()


async def _ask(port: int, words: str) -> str:
    async with Doors() as doors:
        proxy = await doors.on_loopback(to_domains(DOMAINS, (port,)))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
        writer.write(words.encode())
        try:
            return (await asyncio.wait_for(reader.read(), 5)).decode()
        finally:
            writer.close()


async def test_a_request_to_an_allowed_host_arrives_without_the_proxys_headers(web: int) -> None:
    told = await _ask(
        web, f"GET http://127.0.0.1:{web}/a?b=c HTTP/1.1\r\nHost: x\r\nProxy-Authorization: s\r\n\r\n"
    )
    assert "GET /a?b=c HTTP/1.1\r\nHost: x\r\nconnection: close" in told
    assert "Proxy" not in told


async def test_a_tunnel_to_an_allowed_host_is_made(web: int) -> None:
    told = await _ask(web, f"CONNECT 127.0.0.1:{web} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    assert told.startswith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT 127.0.0.2:{port} HTTP/1.1",
        "CONNECT 127.0.0.1:22 HTTP/1.1",
        "GET http://evil.com:{port}/ HTTP/1.1",
        "GET http://127.0.0.1@evil.com:{port}/ HTTP/1.1",
        "GET http://127.0.0.1:99999/ HTTP/1.1",
        "GET /etc/passwd HTTP/1.1",
        "NONSENSE",
    ],
)
async def test_everything_else_is_refused(web: int, line: str) -> None:
    told = await _ask(web, line.replace("{port}", str(web)) + "\r\nHost: 127.0.0.1\r\n\r\n")
    assert told.startswith("HTTP/1.1 403 ")


async def test_a_host_whose_name_is_none_is_not_reached(web: int) -> None:
    told = await _ask(web, f"CONNECT {'a' * 70}.example.com:{web} HTTP/1.1\r\n\r\n")
    assert told.startswith("HTTP/1.1 502")


async def test_only_so_many_pass_a_door_at_once(web: int) -> None:
    async with Doors() as doors, AsyncExitStack() as stack:
        proxy = await doors.on_loopback(to_domains(DOMAINS, (web,)))

        async def enter() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
            stack.callback(writer.close)
            return reader, writer

        entered = [await enter() for _ in range(MOST_AT_ONCE)]
        refused, _ = await enter()
        assert await asyncio.wait_for(refused.read(), 5) == b""
        for _, writer in entered[1:]:
            writer.close()
        reader, writer = entered[0]
        writer.write(f"GET http://127.0.0.1:{web}/ HTTP/1.1\r\n\r\n".encode())
        assert b"200 OK" in await asyncio.wait_for(reader.read(), 5)
        async with asyncio.timeout(5):
            while not (again := await _asked_of(await enter(), web)):
                pass
        assert "200 OK" in again


async def _asked_of(way: tuple[asyncio.StreamReader, asyncio.StreamWriter], web: int) -> str:
    """What it answers; nothing where it is refused."""
    reader, writer = way
    writer.write(f"GET http://127.0.0.1:{web}/ HTTP/1.1\r\n\r\n".encode())
    try:
        return (await reader.read()).decode()
    except ConnectionError:
        return ""
