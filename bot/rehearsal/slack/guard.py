"""Nobody but this machine: requests must name a loopback host and, if they come from a page, our own."""

import ipaddress
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def check_loopback(host: str) -> None:
    """Raises ValueError for an address other machines could reach."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"The simulator listens on this machine only. Use 127.0.0.1, not {host}.")


@web.middleware
async def local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses a foreign Host, which stops DNS rebinding, and a foreign Origin, which stops other pages."""
    port = _port(request)
    ours = {f"127.0.0.1:{port}", f"localhost:{port}"}
    if request.headers.get("Host") not in ours:
        return _refused("Open this on http://127.0.0.1 with the port it was started on.")
    origin = request.headers.get("Origin")
    foreign = origin is not None and origin not in {f"http://{host}" for host in ours}
    if foreign and (request.method != "GET" or request.headers.get("Upgrade")):
        return _refused("Requests from another page are refused.")
    return await handler(request)


def _port(request: web.Request) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return int(name[1]) if name else 0


def _refused(why: str) -> web.Response:
    return web.json_response({"error": why}, status=403)
