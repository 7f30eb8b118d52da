"""The session's tools over MCP (streamable HTTP), so that an agent in another process can call them."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from dispatch.ports import Pause, Tool
from dispatch.questions import PUT_ASIDE

NEWEST_PROTOCOL = "2025-06-18"
_PARSE_ERROR, _INVALID_REQUEST, _NO_METHOD, _INVALID_PARAMS = -32700, -32600, -32601, -32602
_log = logging.getLogger(__name__)


class _Wrong(Exception):
    """A call that is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


async def answer(body: bytes, tools: Sequence[Tool]) -> web.Response:
    """The answer to one JSON-RPC message. Nothing is remembered between two of them."""
    number: object = None
    try:
        asked = _parsed(body)
        number = asked.get("id")
        if number is None:
            return web.Response(status=202)
        result = await _result(str(asked.get("method")), _mapping(asked.get("params")), tools)
    except _Wrong as wrong:
        return _reply(number, error={"code": wrong.code, "message": wrong.message})
    return _reply(number, result=result)


async def _result(method: str, params: Mapping[str, Any], tools: Sequence[Tool]) -> Mapping[str, Any]:
    match method:
        case "initialize":
            return {
                "protocolVersion": params.get("protocolVersion") or NEWEST_PROTOCOL,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "onequeue", "version": "1"},
            }
        case "ping":
            return {}
        case "tools/list":
            return {"tools": [_described(tool) for tool in tools]}
        case "tools/call":
            return await _called(params, tools)
        case _:
            raise _Wrong(_NO_METHOD, "no such method")


async def _called(params: Mapping[str, Any], tools: Sequence[Tool]) -> Mapping[str, Any]:
    tool = next((tool for tool in tools if tool.name == params.get("name")), None)
    if tool is None:
        raise _Wrong(_INVALID_PARAMS, "no such tool")
    try:
        return _said(await tool.call(_mapping(params.get("arguments"))))
    except Pause:
        return _said(PUT_ASIDE)
    except Exception:
        _log.exception("the tool %s broke", tool.name)
        return {**_said("The tool broke. Go on without it."), "isError": True}


def _said(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


def _described(tool: Tool) -> Mapping[str, Any]:
    return {"name": tool.name, "description": tool.description, "inputSchema": dict(tool.schema)}


def _reply(number: object, **body: Mapping[str, Any]) -> web.Response:
    return web.json_response({"jsonrpc": "2.0", "id": number, **body})


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise _Wrong(_PARSE_ERROR, "the request is not valid JSON") from None
    if not isinstance(asked, dict):
        raise _Wrong(_INVALID_REQUEST, "the request is not one JSON-RPC object")
    return asked


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
