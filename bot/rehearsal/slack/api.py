"""The Web API's front door: who calls, may they, does a fault strike; then the method."""

import asyncio
import itertools
import logging

from aiohttp import web

from bot.rehearsal.slack.faults import Faults
from bot.rehearsal.slack.rates import Rates
from bot.rehearsal.slack.sockets import Sockets
from bot.rehearsal.slack.state import Call, Json
from bot.rehearsal.slack.tokens import Tokens
from bot.rehearsal.slack.webapi import METHODS
from bot.rehearsal.slack.webapi.body import Unreadable, arguments
from bot.rehearsal.slack.webapi.method import Method, Refusal, missing_scope
from bot.rehearsal.slack.workspace import Workspace

log = logging.getLogger(__name__)


class WebApi:
    """Answers /api/{method}; every request is logged in the state without its token."""

    def __init__(
        self,
        workspace: Workspace,
        tokens: Tokens,
        sockets: Sockets,
        faults: Faults,
        closing: asyncio.Event,
        *,
        rate_limits: bool,
    ) -> None:
        self._workspace = workspace
        self._tokens = tokens
        self._sockets = sockets
        self._faults = faults
        self._closing = closing
        self._rates = Rates() if rate_limits else None
        self._numbers = itertools.count(1)
        own = {
            "api.test": Method(lambda _, args: {"args": args}, tier="none"),
            "auth.test": Method(self._auth_test, tier="none"),
            "apps.connections.open": Method(self._open_socket, tier=1, app_level=True),
        }
        self._methods = {**METHODS, **own}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            token, args = await arguments(request)
        except Unreadable as unreadable:
            return self._answer(name, {}, error=str(unreadable))
        fault = self._faults.take(name)
        match fault.kind if fault else None:
            case "429":
                return self._limited(name, args, fault.retry_after if fault else 1)
            case "500":
                self._book(name, args, "http_500")
                return web.Response(status=500, text="Internal Server Error")
            case "timeout":
                self._book(name, args, "no_answer")
                await self._closing.wait()
                return web.Response(status=503)
            case "error" if fault is not None:
                return self._answer(name, args, error=fault.error)
        answer = self._call(name, token, args)
        if fault is not None and request.transport is not None:
            request.transport.abort()
        return answer

    def _call(self, name: str, token: str | None, args: Json) -> web.Response:
        try:
            method = self._allowed(name, token, args)
        except Refusal as refusal:
            return self._answer(name, args, error=refusal.error, **refusal.more)
        wait = self._rates.refuse_for(name, method, args, self._workspace.now()) if self._rates else 0
        if wait:
            return self._limited(name, args, wait)
        n = next(self._numbers)
        try:
            found = method.handler(self._workspace, args)
        except Refusal as refusal:
            return self._answer(name, args, n, error=refusal.error, **refusal.more)
        return self._answer(name, args, n, **found)

    def _allowed(self, name: str, token: str | None, args: Json) -> Method:
        method = self._methods.get(name)
        if method is None:
            raise Refusal("unknown_method", req_method=name)
        if name != "api.test":
            self._check_token(method, name, token)
        if method.scopes and not self._workspace.grants.scopes & set(method.scopes):
            raise missing_scope(self._workspace, *method.scopes)
        missing = [field for field in method.required if args.get(field) is None]
        if missing:
            messages = [f"[ERROR] missing required field: {field}" for field in missing]
            raise Refusal("invalid_arguments", response_metadata={"messages": messages})
        unknown = args.keys() - {*method.required, *method.optional, "team_id"}
        if unknown and name != "api.test":
            log.warning("%s was sent arguments Slack does not know: %s", name, ", ".join(sorted(unknown)))
        return method

    def _check_token(self, method: Method, name: str, token: str | None) -> None:
        if not token:
            raise Refusal("not_authed")
        if token not in (self._tokens.bot, self._tokens.app):
            raise Refusal("invalid_auth")
        if name != "auth.test" and (token == self._tokens.app) != method.app_level:
            raise Refusal("not_allowed_token_type")

    def _auth_test(self, workspace: Workspace, _args: Json) -> Json:
        state = workspace.state
        return {
            "url": f"{workspace.base_url}/",
            "team": state.team_name,
            "team_id": state.team_id,
            "user": workspace.grants.bot_name,
            "user_id": state.bot_user_id,
            "bot_id": state.bot_id,
            "is_enterprise_install": False,
        }

    def _open_socket(self, workspace: Workspace, _args: Json) -> Json:
        if not workspace.grants.socket_mode:
            raise Refusal("socket_mode_not_enabled")
        return {"url": self._sockets.ticket()}

    def _answer(
        self, name: str, args: Json, n: int | None = None, error: str | None = None, **more: object
    ) -> web.Response:
        self._book(name, args, error, n)
        body = {"ok": True, **more} if error is None else {"ok": False, "error": error, **more}
        scopes = ",".join(sorted(self._workspace.grants.scopes))
        return web.json_response(body, headers={"X-OAuth-Scopes": scopes})

    def _limited(self, name: str, args: Json, seconds: int) -> web.Response:
        self._book(name, args, "ratelimited")
        headers = {"Retry-After": str(seconds)}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)

    def _book(self, name: str, args: Json, error: str | None, n: int | None = None) -> None:
        state = self._workspace.state
        at = self._workspace.now()
        state.calls.append(Call(n or next(self._numbers), at, name, args, error is None, error))
        state.touch()
