"""The end of a session in another process -> its fault, or none. Pure; time is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dispatch.diagnosis.resets import reset_at
from dispatch.diagnosis.words import account_fault, from_runtime_words
from dispatch.faults import Fault, FaultKind, from_api

LONGEST_DETAIL = 500
"""Characters of a runtime's own words that are kept in a fault."""

_LONGEST_WINDOW = timedelta(days=8)
_JUST_PASSED = timedelta(minutes=10)
_SUCCESS = "success"
_COMPLETED = (None, "completed")
_ENDED = ("end_turn", "stop_sequence")
_REJECTED = "rejected"
_OUT_OF_MEMORY = (137, -9)
_TOLD_TO_END = (143, -15, 130, -2, 129, -1)

_BY_TERMINAL_REASON: Final = {
    "max_turns": FaultKind.INCOMPLETE,
    "blocking_limit": FaultKind.INCOMPLETE,
    "rapid_refill_breaker": FaultKind.INCOMPLETE,
    "malformed_tool_use_exhausted": FaultKind.INCOMPLETE,
    "structured_output_retry_exhausted": FaultKind.INCOMPLETE,
    "budget_exhausted": FaultKind.OVER_CAP,
    "prompt_too_long": FaultKind.INVALID_REQUEST,
    "image_error": FaultKind.INVALID_REQUEST,
    "turn_setup_failed": FaultKind.RUNTIME,
}
_ABORTED = ("aborted_tools", "aborted_streaming")

_BY_SUBTYPE: Final = {
    "error_max_turns": FaultKind.INCOMPLETE,
    "error_max_structured_output_retries": FaultKind.INCOMPLETE,
    "error_max_budget_usd": FaultKind.OVER_CAP,
}
_BY_API_ERROR: Final = {
    "max_output_tokens": FaultKind.INCOMPLETE,
    "connection_failed": FaultKind.NETWORK,
    "stream_idle_timeout": FaultKind.NETWORK,
}
_BILLING_CLASS = "billing_error"
_BY_ERROR_CLASS: Final = {
    "authentication_failed": FaultKind.AUTHENTICATION,
    "rate_limit": FaultKind.RATE_LIMITED,
    "invalid_request": FaultKind.INVALID_REQUEST,
    "model_not_found": FaultKind.CONFIGURATION,
    "max_output_tokens": FaultKind.INCOMPLETE,
    "server_error": FaultKind.OVERLOADED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """What a session in another process left behind, as its runtime wrote it.

    `exit_code` is negative for a signal, None where nobody saw the process end. `killed_by_us` is for a
    session that was told to stop; whoever told it knows better why.
    `has_result` to `errors` are the fields of the result event, and mean nothing without one.
    `error_class` is `error` of the last message of the main conversation, None where the model wrote it.
    `window_status` and `window_resets_at` (unix seconds) are of the last rate limit event.
    `stderr` is the tail of the process's own words. `expects_structured` says that the answer had to
    have a schema, `has_structured` that it came in it.
    """

    exit_code: int | None
    killed_by_us: bool = False
    has_result: bool = False
    subtype: str | None = None
    is_error: bool = False
    terminal_reason: str | None = None
    api_error_status: int | None = None
    api_error_type: str | None = None
    api_error_code: str | None = None
    api_error: str | None = None
    stop_reason: str | None = None
    num_turns: int = 0
    result: str = ""
    errors: tuple[str, ...] = ()
    error_class: str | None = None
    window_status: str | None = None
    window_resets_at: float | None = None
    stderr: str = ""
    expects_structured: bool = False
    has_structured: bool = False


def ended(facts: SessionFacts, now: datetime, zone: ZoneInfo) -> Fault | None:
    """The fault a session ended with; None only if its result proves that the task was answered.

    Exit code and subtype prove nothing: runtimes end with 0 and `success` without an answer. A fault of
    a limit carries the seconds from `now` to its reset where that is known; a reset named without a zone
    is in `zone`.
    """
    kind = _of_result(facts) if facts.has_result else _of_exit(facts)
    if kind is None:
        return None
    waits = _until_reset(facts, now, zone) if kind is FaultKind.RATE_LIMITED else None
    return Fault(kind, _detail(facts, kind), waits)


def _of_exit(facts: SessionFacts) -> FaultKind:
    if facts.killed_by_us:
        return FaultKind.CANCELLED
    if facts.exit_code in _OUT_OF_MEMORY:
        return FaultKind.OUT_OF_MEMORY
    if facts.exit_code in _TOLD_TO_END:
        return FaultKind.LOST
    if said := from_runtime_words(facts.stderr):
        return said
    if facts.window_status == _REJECTED:
        return FaultKind.RATE_LIMITED
    return FaultKind.LOST if facts.exit_code is None else FaultKind.RUNTIME


def _of_result(facts: SessionFacts) -> FaultKind | None:
    if facts.stop_reason == "refusal":
        return FaultKind.REFUSAL
    if facts.terminal_reason in _ABORTED:
        return FaultKind.CANCELLED if facts.killed_by_us else FaultKind.INCOMPLETE
    if kind := (
        _BY_TERMINAL_REASON.get(facts.terminal_reason or "")
        or _BY_SUBTYPE.get(facts.subtype or "")
        or _BY_API_ERROR.get(facts.api_error or "")
    ):
        return kind
    if facts.is_error or facts.subtype != _SUCCESS or facts.error_class:
        return _of_failure(facts)
    return None if _is_answered(facts) else FaultKind.INCOMPLETE


def _of_failure(facts: SessionFacts) -> FaultKind:
    words = _runtime_words(facts)
    if kind := account_fault(words):
        return kind
    if facts.error_class == _BILLING_CLASS:
        return FaultKind.BILLING
    if facts.api_error_status or facts.api_error_type:
        return from_api(facts.api_error_status, facts.api_error_type, facts.api_error_code).kind
    if kind := _BY_ERROR_CLASS.get(facts.error_class or "") or from_runtime_words(words):
        return kind
    if facts.window_status == _REJECTED:
        return FaultKind.RATE_LIMITED
    return FaultKind.UNKNOWN if facts.num_turns else FaultKind.RUNTIME


def _is_answered(facts: SessionFacts) -> bool:
    if facts.terminal_reason not in _COMPLETED or facts.num_turns < 1:
        return False
    if facts.expects_structured:
        return facts.has_structured
    return facts.stop_reason in _ENDED and bool(facts.result.strip())


def _runtime_words(facts: SessionFacts) -> str:
    """The words in a result that the runtime wrote itself; the model's answer is not among them."""
    own = facts.error_class or facts.terminal_reason == "api_error"
    return "\n".join((*facts.errors, facts.result) if own else facts.errors)


def _until_reset(facts: SessionFacts, now: datetime, zone: ZoneInfo) -> float | None:
    """Seconds. None for a reset that has passed, or is further off than any window is long.

    A time of day that was reached while the message was on its way is not tomorrow's.
    """
    if facts.window_status == _REJECTED and facts.window_resets_at is not None:
        left = facts.window_resets_at - now.timestamp()
        return left if 0 < left <= _LONGEST_WINDOW.total_seconds() else None
    words = _runtime_words(facts) if facts.has_result else facts.stderr
    named = reset_at(words, now - _JUST_PASSED, zone)
    return (named - now).total_seconds() if named and named > now else None


def _detail(facts: SessionFacts, kind: FaultKind) -> str:
    if not facts.has_result:
        return facts.stderr.strip()[-LONGEST_DETAIL:] or _how_it_ended(facts.exit_code)
    return _runtime_words(facts).strip()[:LONGEST_DETAIL] or _why_not_answered(facts, kind)


def _how_it_ended(exit_code: int | None) -> str:
    if exit_code is None:
        return "the session was not seen to end"
    return f"the session's process ended without a result (exit code {exit_code})"


def _why_not_answered(facts: SessionFacts, kind: FaultKind) -> str:
    if kind is not FaultKind.INCOMPLETE:
        return ""
    if facts.terminal_reason in _ABORTED:
        return "the session was cut short"
    if facts.num_turns < 1:
        return "the session ended without doing anything"
    if facts.expects_structured and not facts.has_structured:
        return "the answer did not come in the form it had to have"
    return "the session ended without an answer"
