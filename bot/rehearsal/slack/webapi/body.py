"""The arguments of a Web API request, however the client chose to send them."""

import json
from typing import Any

from aiohttp import web

from bot.rehearsal.slack.state import Json

_STRUCTURED = ("blocks", "attachments", "metadata", "files", "prompts", "loading_messages", "view", "chunks")


class Unreadable(Exception):
    """The body is not what its content type says; carries Slack's error name."""


async def arguments(request: web.Request) -> tuple[str | None, Json]:
    """The token, if any, and the arguments: query, then form, multipart or JSON body.

    Arguments that hold a structure may arrive as JSON text and are decoded here.
    """
    args: Json = dict(request.query)
    if request.can_read_body:
        args |= await _body(request)
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer if scheme == "Bearer" and bearer else args.get("token")
    args.pop("token", None)
    return token, {name: _decoded(name, value) for name, value in args.items()}


async def _body(request: web.Request) -> Json:
    if request.content_type == "application/json":
        try:
            found: Any = await request.json()
        except ValueError:
            raise Unreadable("invalid_json") from None
        if not isinstance(found, dict):
            raise Unreadable("json_not_object")
        return found
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _decoded(name: str, value: Any) -> Any:
    if name in _STRUCTURED and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def flag(value: object) -> bool:
    """A boolean argument: true, "true", 1 or "1"."""
    return str(value).lower() in ("true", "1")
