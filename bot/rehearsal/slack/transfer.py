"""Bytes in and out: upload URLs, downloads, and answers through response URLs."""

from aiohttp import web

from bot.rehearsal.slack.state import File, Json
from bot.rehearsal.slack.tokens import Tokens
from bot.rehearsal.slack.webapi.content import content
from bot.rehearsal.slack.webapi.method import Refusal
from bot.rehearsal.slack.workspace import ResponseUrl, Workspace


class Transfer:
    """Routes that are neither the Web API nor the socket."""

    def __init__(self, workspace: Workspace, tokens: Tokens) -> None:
        self._workspace = workspace
        self._tokens = tokens

    async def upload(self, request: web.Request) -> web.Response:
        """Takes the bytes of a file announced before, raw or as a form, of exactly that length."""
        file = self._workspace.state.files.get(request.match_info["id"])
        if file is None or file.content is not None:
            return web.Response(status=404, text="no such upload")
        received = await _received(request)
        if len(received) != file.size:
            return web.Response(status=400, text="size does not match the announced length")
        file.content = received
        self._workspace.state.touch()
        return web.Response(text=f"OK - {len(received)}")

    async def download(self, request: web.Request) -> web.Response:
        """Gives a shared file to the app; it needs the bot token and files:read."""
        file = self._workspace.state.files.get(request.match_info["id"])
        allowed = request.headers.get("Authorization") == f"Bearer {self._tokens.bot}"
        if not allowed or "files:read" not in self._workspace.grants.scopes:
            return web.Response(status=403, text="needs the bot token and files:read")
        return web.Response(status=404) if file is None else served(file)

    async def respond(self, request: web.Request) -> web.Response:
        """Takes an answer to a command or click, five times within 30 minutes."""
        url = self._workspace.response_urls.get(request.match_info["key"])
        if url is None or self._workspace.now() > url.expires:
            return _refused("expired_url", 404)
        if url.uses_left == 0:
            return _refused("used_url", 404)
        try:
            payload: Json = await request.json()
            self._answer(url, payload)
        except ValueError:
            return _refused("invalid_payload", 400)
        except Refusal as refusal:
            return _refused(refusal.error, 400)
        return web.Response(text="ok")

    def _answer(self, url: ResponseUrl, payload: Json) -> None:
        workspace = self._workspace
        source = workspace.state.seen_by(url.user, url.channel, url.ts) if url.ts else None
        if payload.get("delete_original") and source is not None:
            workspace.delete(source)
        else:
            said = content(payload)
            if payload.get("replace_original") and source is not None:
                workspace.edit(source, said.text, said.blocks)
            else:
                workspace.answer_command(url.channel, url.user, payload, said.blocks)
        url.uses_left -= 1


async def _received(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""


def served(file: File) -> web.Response:
    """The bytes, as a download unless a PNG, never sniffed for another type."""
    headers = {"X-Content-Type-Options": "nosniff"}
    if file.mimetype != "image/png":
        headers["Content-Disposition"] = "attachment"
    return web.Response(body=file.content or b"", content_type=file.mimetype, headers=headers)


def _refused(error: str, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": error}, status=status)
