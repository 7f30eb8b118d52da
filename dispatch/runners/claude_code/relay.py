"""A way from a session to the gateway that is shut until the session has shown that it is as asked."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MOST_AT_ONCE = 64
"""How many connections pass one door at once: each takes files of ours, and a session may open any number."""

_CHUNK = 65_536
_BACKLOG = 64


class Doors:
    """Listens for one session, in its run's folder or on loopback. Everything ends with it."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._passing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        passing = list(self._passing)
        for one in passing:
            one.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    async def at(self, path: Path, handler: Handler) -> None:
        """Listens on a Unix socket of that name, however long the name is."""
        folder = os.open(path.parent, os.O_PATH)
        try:
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        self._servers.append(
            await asyncio.start_unix_server(self._handled(handler), sock=listening, backlog=_BACKLOG)
        )

    async def on_loopback(self, handler: Handler) -> int:
        """Listens on a free port of this machine; its number."""
        server = await asyncio.start_server(self._handled(handler), "127.0.0.1", 0, backlog=_BACKLOG)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    def _handled(self, handler: Handler) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        passing = set[asyncio.Task[None]]()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                with suppress(ConnectionError):
                    await handler(reader, writer)
            finally:
                writer.close()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(passing) >= MOST_AT_ONCE:
                writer.close()
                return
            one = asyncio.create_task(handle(reader, writer))
            for among in (passing, self._passing):
                among.add(one)
                one.add_done_callback(among.discard)

        return accept


def to_gateway(url: str, opened: asyncio.Event | None = None) -> Handler:
    """Passes bytes on to the server at `url`, once `opened`."""
    address = urlsplit(url)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if opened is not None:
            await opened.wait()
        other = await asyncio.open_connection(address.hostname, address.port)
        await pass_both_ways((reader, writer), other)

    return handler


Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def pass_both_ways(one: Pipe, other: Pipe) -> None:
    """Passes on what each side says, until either hangs up."""
    ways = [
        asyncio.create_task(_pass(one[0], other[1])),
        asyncio.create_task(_pass(other[0], one[1])),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        one[1].close()
        other[1].close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
