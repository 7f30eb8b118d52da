"""An API that says whatever a test wants, byte for byte, and remembers what it was sent."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from dispatch.gateway.server import HOST

KEY = "sk-ant-the-real-key"


@dataclass
class FakeUpstream:
    """Answers every request with `status`, `headers` and the `pieces`, each in a write of its own.

    With `silent` it sends the pieces and then nothing more, until `ended` is set. `connections` holds
    the other end of every connection there was.
    """

    url: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Sequence[bytes] = ()
    silent: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The handler of every path."""
        self.connections.add(request.get_extra_info("peername"))
        self.seen.append((request.path_qs, request.headers, await request.read()))
        response = web.StreamResponse(status=self.status, headers=self.headers)
        if self.pieces or not self.silent:
            await response.prepare(request)
        for piece in self.pieces:
            await response.write(piece)
        if self.silent:
            await self.ended.wait()
        return response


@asynccontextmanager
async def fake_upstream() -> AsyncIterator[FakeUpstream]:
    """A listening `FakeUpstream`."""
    upstream = FakeUpstream()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", upstream.answer)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    upstream.url = f"http://{HOST}:{runner.addresses[0][1]}"
    try:
        yield upstream
    finally:
        upstream.ended.set()
        await runner.cleanup()
