"""A refusal in the shape the API gives its own."""

import json
from typing import Any

from aiohttp import web


class Refused(Exception):
    """A request the gateway answers itself: HTTP status, error type, and words for people."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message

    def response(self) -> web.Response:
        """The refusal as an answer. `x-should-retry` tells clients that asking again is no use."""
        return web.json_response(self._body(), status=self.status, headers={"x-should-retry": "false"})

    def event(self) -> bytes:
        """The refusal as the last event of a stream that has begun."""
        return b"event: error\ndata: " + json.dumps(self._body()).encode() + b"\n\n"

    def _body(self) -> dict[str, Any]:
        return {"type": "error", "error": {"type": self.error_type, "message": self.message}}
