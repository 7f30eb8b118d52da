"""An error as the API words it on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request is refused: HTTP status, error type, message, optional stable code, extra headers.

    `page` replaces the JSON body by an HTML page, as a proxy in front of the API answers.
    """

    status: int
    type: str
    message: str
    error_code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body, also the data of an `error` event in a stream."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.error_code is not None:
            error["details"] = {"error_code": self.error_code}
        return {"type": "error", "error": error, "request_id": request_id}


class Refused(Exception):
    """The request is refused for its `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def invalid(message: str) -> Refused:
    """A 400 that names what is wrong with the request."""
    return Refused(Problem(400, "invalid_request_error", message))
