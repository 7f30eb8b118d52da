"""What went wrong in a session: whose fault it is and what follows. Pure.

A fault is decided from structured facts (status, error type, which side closed), never from prose.
"""

import math
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The class of a fault."""

    RATE_LIMITED = "rate limited"
    OVERLOADED = "overloaded"
    NETWORK = "network"
    TIMEOUT = "timeout"
    REFUSAL = "refusal"
    INVALID_REQUEST = "invalid request"
    INCOMPLETE = "incomplete"
    OVER_CAP = "over the cap"
    OVER_BUDGET = "over the budget"
    AUTHENTICATION = "authentication"
    FORBIDDEN = "forbidden"
    BILLING = "billing"
    SUSPENDED = "suspended"
    CONFIGURATION = "configuration"
    RUNTIME = "runtime"
    OUT_OF_MEMORY = "out of memory"
    UNREACHABLE = "unreachable"
    LOST = "lost"
    SCRIPT = "script"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


RUNTIME_FAULTS = frozenset(
    {
        FaultKind.RATE_LIMITED,
        FaultKind.OVERLOADED,
        FaultKind.NETWORK,
        FaultKind.AUTHENTICATION,
        FaultKind.FORBIDDEN,
        FaultKind.BILLING,
        FaultKind.SUSPENDED,
        FaultKind.CONFIGURATION,
        FaultKind.RUNTIME,
        FaultKind.UNREACHABLE,
        FaultKind.LOST,
    }
)
"""Faults of what the task runs on, not of the task: they never burn its attempts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `detail` is for people; `retry_after` is the seconds the server named, if it did."""

    kind: FaultKind
    detail: str = ""
    retry_after: float | None = None


LONGEST_RETRY_AFTER = 86_400.0
"""Seconds. A server that names more is asked again after a day."""


def retry_after(named: str | None) -> float | None:
    """The seconds in a `retry-after` header; None for one that is not there or names none."""
    try:
        seconds = float(named or "")
    except ValueError:
        return None
    return min(seconds, LONGEST_RETRY_AFTER) if math.isfinite(seconds) and seconds >= 0 else None


OVER_CAP_ERROR = "over_cap_error"
"""The error type with which our own gateway refuses a request that the task's cap cannot pay."""

OVER_BUDGET_ERROR = "over_budget_error"
"""The error type with which our own gateway refuses a request that a day's budget has no room for."""

NETWORK_ERROR = "network_error"
"""The error type with which our own gateway says that the API was not reached, or hung up."""

GATEWAY_ERROR = "gateway_error"
"""The error type with which our own gateway says that it cannot work, its ledger being out of use."""

_BILLING_CODES = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
    }
)
_SUSPENDED_CODE = "organization_on_hold"

_UNCODED = (
    ("Your credit balance is too low", FaultKind.BILLING),
    ("You have reached your specified API usage limits", FaultKind.BILLING),
    ("This organization has been disabled", FaultKind.SUSPENDED),
)
"""How messages begin that the API sends as an invalid request (HTTP 400) and may give no code."""

_BY_TYPE = {
    "rate_limit_error": FaultKind.RATE_LIMITED,
    "overloaded_error": FaultKind.OVERLOADED,
    "timeout_error": FaultKind.NETWORK,
    "api_error": FaultKind.OVERLOADED,
    "authentication_error": FaultKind.AUTHENTICATION,
    "permission_error": FaultKind.FORBIDDEN,
    "billing_error": FaultKind.BILLING,
    "not_found_error": FaultKind.CONFIGURATION,
    "request_too_large": FaultKind.INVALID_REQUEST,
    "invalid_request_error": FaultKind.INVALID_REQUEST,
    OVER_CAP_ERROR: FaultKind.OVER_CAP,
    OVER_BUDGET_ERROR: FaultKind.OVER_BUDGET,
    NETWORK_ERROR: FaultKind.NETWORK,
    GATEWAY_ERROR: FaultKind.RUNTIME,
}

_BY_STATUS = {
    401: FaultKind.AUTHENTICATION,
    402: FaultKind.BILLING,
    403: FaultKind.FORBIDDEN,
    404: FaultKind.CONFIGURATION,
    408: FaultKind.NETWORK,
    429: FaultKind.RATE_LIMITED,
    504: FaultKind.NETWORK,
    529: FaultKind.OVERLOADED,
}


def from_api(
    status: int | None,
    error_type: str | None,
    error_code: str | None = None,
    message: str = "",
    retry_after: float | None = None,
) -> Fault:
    """The fault behind an API error.

    `status` is None where no answer came at all. `error_type` and `error_code` are the API's own
    words. `message` decides only where the API gives an account's trouble no code of its own (HTTP 400).
    """
    return Fault(_kind(status, error_type, error_code, message), message, retry_after)


def _kind(status: int | None, error_type: str | None, error_code: str | None, message: str) -> FaultKind:
    if error_code == _SUSPENDED_CODE:
        return FaultKind.SUSPENDED
    if error_code and (error_code in _BILLING_CODES or error_code.startswith("linked_organization_")):
        return FaultKind.BILLING
    if status == 400 and (kind := _uncoded(message)):
        return kind
    if error_type in _BY_TYPE:
        return _BY_TYPE[error_type]
    if status is None:
        return FaultKind.NETWORK
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return FaultKind.INVALID_REQUEST
    if status >= 500:
        return FaultKind.OVERLOADED
    return FaultKind.UNKNOWN


def _uncoded(message: str) -> FaultKind | None:
    return next((kind for words, kind in _UNCODED if message.startswith(words)), None)
