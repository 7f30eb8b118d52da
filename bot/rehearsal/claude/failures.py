"""Every way the simulator can be told to fail."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from bot.rehearsal.claude.problem import Problem


class Failure(StrEnum):
    """A failure to ask for. Those up to `ON_HOLD` refuse the request; the rest spoil the answer."""

    INVALID_REQUEST = "invalid_request"
    PROMPT_TOO_LONG = "prompt_too_long"
    AUTHENTICATION = "authentication"
    BILLING = "billing"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    RATE_LIMIT = "rate_limit"
    RATE_LIMIT_NO_RETRY = "rate_limit_no_retry"
    SPEND_LIMIT = "spend_limit"
    CONTRACT_LIMIT = "contract_limit"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    GATEWAY_TIMEOUT = "gateway_timeout"
    OVERLOADED = "overloaded"
    CREDIT = "credit"
    ON_HOLD = "on_hold"
    REFUSAL = "refusal"
    MAX_TOKENS = "max_tokens"
    MID_OVERLOADED = "mid_overloaded"
    MID_DROP = "mid_drop"
    HANG = "hang"
    STALLED = "stalled"
    SLOW = "slow"


_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_TOO_FAST = "This request would exceed your organization's rate limit."
_F = Failure
PROBLEMS: dict[Failure, Problem] = {
    _F.INVALID_REQUEST: Problem(400, "invalid_request_error", "messages.0: this request is not valid"),
    _F.PROMPT_TOO_LONG: Problem(
        400, "invalid_request_error", "prompt is too long: 1048577 tokens > 1000000 maximum"
    ),
    _F.AUTHENTICATION: Problem(401, "authentication_error", "invalid x-api-key"),
    _F.BILLING: Problem(402, "billing_error", "There is a problem with your billing information."),
    _F.PERMISSION: Problem(403, "permission_error", "Your API key may not use this resource."),
    _F.NOT_FOUND: Problem(404, "not_found_error", "The requested resource was not found."),
    _F.TOO_LARGE: Problem(413, "request_too_large", "Request exceeds the maximum size"),
    _F.RATE_LIMIT: Problem(429, "rate_limit_error", _TOO_FAST),
    _F.RATE_LIMIT_NO_RETRY: Problem(
        429,
        "rate_limit_error",
        _TOO_FAST,
        headers={"x-should-retry": "false"},
    ),
    _F.SPEND_LIMIT: Problem(
        429,
        "rate_limit_error",
        "Your organization has reached its monthly spend limit.",
        error_code="enforced_spend_limit_reached",
        headers={"x-should-retry": "false"},
    ),
    _F.CONTRACT_LIMIT: Problem(
        429,
        "rate_limit_error",
        "Your organization has reached the spend limit of its contract.",
        error_code="contract_spend_limit_reached",
        headers={"x-should-retry": "false"},
    ),
    _F.SERVER_ERROR: Problem(500, "api_error", "Internal server error"),
    _F.BAD_GATEWAY: Problem(502, "api_error", "Bad gateway", page=_HTML),
    _F.GATEWAY_TIMEOUT: Problem(504, "timeout_error", "Request timed out"),
    _F.OVERLOADED: Problem(529, "overloaded_error", "Overloaded"),
    _F.CREDIT: Problem(
        400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."
    ),
    _F.ON_HOLD: Problem(
        400,
        "invalid_request_error",
        "This organization has been disabled.",
        error_code="organization_on_hold",
    ),
}
"""The failures that refuse the request, as the API words them."""


@dataclass(frozen=True, slots=True)
class Armed:
    """A failure that waits for its next `times` requests (to `model`, when given)."""

    kind: Failure
    times: int
    retry_after: int | None = None
    model: str | None = None

    def problem(self) -> Problem | None:
        """The refusal to send, with its `retry-after`; None for a failure that spoils an answer."""
        problem = PROBLEMS.get(self.kind)
        if problem is None or self.retry_after is None:
            return problem
        headers = {**problem.headers, "retry-after": str(self.retry_after)}
        return Problem(
            problem.status, problem.type, problem.message, problem.error_code, headers, problem.page
        )


class Armoury:
    """The failures still to come, first armed first used."""

    def __init__(self) -> None:
        self._waiting: deque[Armed] = deque()

    @property
    def pending(self) -> tuple[Armed, ...]:
        """What is still to come, in order."""
        return tuple(self._waiting)

    def arm(self, failure: Armed) -> None:
        """Adds a failure. Raises ValueError when it is to happen less than once."""
        if failure.times < 1:
            raise ValueError("times must be at least 1")
        self._waiting.append(failure)

    def disarm(self) -> None:
        """Forgets every failure still to come."""
        self._waiting.clear()

    def take(self, model: str) -> Armed | None:
        """The failure for a request to `model`, used up by one, or None."""
        for place, armed in enumerate(self._waiting):
            if armed.model in (None, model):
                self._use(place, armed)
                return armed
        return None

    def _use(self, place: int, armed: Armed) -> None:
        if armed.times == 1:
            del self._waiting[place]
        else:
            self._waiting[place] = Armed(armed.kind, armed.times - 1, armed.retry_after, armed.model)
