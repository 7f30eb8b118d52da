"""The way out of a jail: an HTTP proxy that reaches the hosts a project allows, and no other."""

import asyncio
import re
from urllib.parse import urlsplit

from dispatch.runners.claude_code.relay import Handler, pass_both_ways

ALLOWED_PORTS = (80, 443)
_CONNECT_SECONDS = 10.0
_TUNNEL = re.compile(r"CONNECT (?P<host>[A-Za-z0-9._-]+):(?P<port>\d{1,5}) HTTP/1\.[01]")
_PLAIN = re.compile(r"(?P<verb>[A-Z]{3,10}) (?P<url>http://\S+) (?P<version>HTTP/1\.[01])")
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_UNREACHED = b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def is_allowed(host: str, domains: tuple[str, ...]) -> bool:
    """Whether the host is one of the domains; `*.example.com` is every host below it."""
    name = host.lower().rstrip(".")
    return any(
        name.endswith(domain[1:]) if domain.startswith("*.") else name == domain
        for domain in map(str.lower, domains)
    )


def to_domains(domains: tuple[str, ...], ports: tuple[int, ...] = ALLOWED_PORTS) -> Handler:
    """Passes requests on to those domains at those ports, and refuses every other."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        first, _, rest = head.partition(b"\r\n")
        line = first.decode("latin-1")
        host, port, opening = _asked(line, rest)
        if host is None or port not in ports or not is_allowed(host, domains):
            writer.write(_REFUSED)
            await writer.drain()
            return
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                other = await asyncio.open_connection(host, port)
        except (OSError, UnicodeError):
            writer.write(_UNREACHED)
            await writer.drain()
            return
        if opening:
            other[1].write(opening)
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await pass_both_ways((reader, writer), other)

    return handler


def _asked(line: str, rest: bytes) -> tuple[str | None, int, bytes]:
    """Host and port, and what is sent on in place of the head; nothing for a tunnel."""
    if tunnel := _TUNNEL.fullmatch(line):
        return tunnel["host"], int(tunnel["port"]), b""
    if plain := _PLAIN.fullmatch(line):
        try:
            url = urlsplit(plain["url"])
            port = url.port or 80
        except ValueError:
            return None, 0, b""
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return url.hostname, port, _one_request(f"{plain['verb']} {target} {plain['version']}", rest)
    return None, 0, b""


def _one_request(line: str, rest: bytes) -> bytes:
    """The head of a request that closes its connection, so that none to another host can follow on it."""
    kept = [
        header
        for header in rest.split(b"\r\n")
        if header and not header.lower().startswith((b"proxy-", b"connection:"))
    ]
    return b"\r\n".join([line.encode("latin-1"), *kept, b"connection: close", b"", b""])
