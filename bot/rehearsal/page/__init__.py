"""The page of `onequeue try`: what it is made of and the headers it travels with."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from aiohttp import web

_KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page_routes() -> list[web.RouteDef]:
    """`GET /` is the page, `GET /page/NAME` each of its parts; no other file can be asked for."""
    parts = {part.name: part.read_bytes() for part in files(__name__).iterdir() if _kind(part.name)}
    index = parts.pop("index.html")
    return [
        web.get("/", _serve("index.html", index)),
        *(web.get(f"/page/{name}", _serve(name, body)) for name, body in sorted(parts.items())),
    ]


def _kind(name: str) -> str | None:
    return next((kind for suffix, kind in _KINDS.items() if name.endswith(suffix)), None)


def _serve(name: str, body: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=_kind(name), charset="utf-8", headers=_HEADERS)

    return answer
