"""What recorded sessions of a real runtime left behind, and what each of them proves."""

from dataclasses import dataclass, replace

from dispatch.diagnosis import SessionFacts
from dispatch.faults import FaultKind

HELLO = "Hello from the fake API, model claude-haiku-5-5."
TRY_AGAIN = (
    "This is a server-side issue, usually temporary — try again in a moment. "
    "If it persists, check your inference gateway (127.0.0.1:8901)."
)
TOO_FAST = (
    "API Error: Request rejected (429) · This request would exceed your organization's rate limit of "
    "50,000 input tokens per minute."
)

ANSWERED = SessionFacts(
    exit_code=0,
    has_result=True,
    subtype="success",
    terminal_reason="completed",
    stop_reason="end_turn",
    num_turns=1,
    result=HELLO,
)
"""A session that ended as it should."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A session's facts, and the kind of its fault; None for one that answered."""

    facts: SessionFacts
    kind: FaultKind | None


def refused(
    status: int | None, error_type: str | None, error_class: str, result: str, turns: int = 1
) -> SessionFacts:
    """The facts of a session that ended with an error of the API."""
    return SessionFacts(
        exit_code=1,
        has_result=True,
        subtype="success",
        is_error=True,
        terminal_reason="api_error",
        stop_reason="stop_sequence",
        num_turns=turns,
        api_error_status=status,
        api_error_type=error_type,
        error_class=error_class,
        result=result,
    )


def stopped(subtype: str, terminal_reason: str | None, turns: int, error: str) -> SessionFacts:
    """The facts of a session that its own runtime stopped."""
    return SessionFacts(
        exit_code=1,
        has_result=True,
        subtype=subtype,
        is_error=True,
        terminal_reason=terminal_reason,
        stop_reason="tool_use" if turns else None,
        num_turns=turns,
        errors=(error,),
    )


RECORDED = {
    "ok": Recorded(ANSWERED, None),
    "ok_partial": Recorded(ANSWERED, None),
    "default_mode": Recorded(ANSWERED, None),
    "tool": Recorded(replace(ANSWERED, num_turns=2), None),
    "denied": Recorded(replace(ANSWERED, num_turns=2), None),
    "fallback": Recorded(
        replace(ANSWERED, result="Hello from the fake API, model claude-sonnet-5-5."),
        None,
    ),
    "unpriced": Recorded(replace(ANSWERED, result="Hello from the fake API, model llama-3."), None),
    "err_middrop": Recorded(ANSWERED, None),
    "structured": Recorded(
        replace(
            ANSWERED,
            num_turns=2,
            stop_reason="tool_use",
            result='{"summary":"done","ok":true}',
            expects_structured=True,
            has_structured=True,
        ),
        None,
    ),
    "structured_missing": Recorded(
        replace(ANSWERED, num_turns=2, expects_structured=True), FaultKind.INCOMPLETE
    ),
    "slash_local": Recorded(
        replace(
            ANSWERED,
            num_turns=0,
            terminal_reason=None,
            stop_reason=None,
            result="Estimated cost:        $0.0000\nTotal duration (API):  0s\n"
            "Total duration (wall): 0s\nTotal code changes:    0 lines added, 0 lines removed\n"
            "Usage:                 0 input, 0 output, 0 cache read, 0 cache write",
        ),
        FaultKind.INCOMPLETE,
    ),
    "max_turns": Recorded(
        stopped("error_max_turns", "max_turns", 3, "Reached maximum number of turns (2)"),
        FaultKind.INCOMPLETE,
    ),
    "budget": Recorded(
        stopped("error_max_budget_usd", "budget_exhausted", 2, "Reached maximum budget ($0.0002)"),
        FaultKind.OVER_CAP,
    ),
    "no_resume": Recorded(
        stopped(
            "error_during_execution",
            None,
            0,
            "No conversation found with session ID: 11111111-1111-4111-8111-111111111111",
        ),
        FaultKind.RUNTIME,
    ),
    "bad_session": Recorded(
        SessionFacts(exit_code=1, stderr="Error: Invalid session ID. Must be a valid UUID.\n"),
        FaultKind.RUNTIME,
    ),
    "err_400": Recorded(
        refused(
            400,
            "invalid_request_error",
            "unknown",
            "API Error: 400 messages: text content blocks must be non-empty",
        ),
        FaultKind.INVALID_REQUEST,
    ),
    "err_401": Recorded(
        refused(
            401, "authentication_error", "authentication_failed", "Invalid API key · Fix external API key"
        ),
        FaultKind.AUTHENTICATION,
    ),
    "err_402": Recorded(
        refused(
            402,
            "billing_error",
            "unknown",
            "API Error: 402 Your organization has been disabled due to billing.",
        ),
        FaultKind.BILLING,
    ),
    "err_403": Recorded(
        refused(
            403,
            "permission_error",
            "authentication_failed",
            "Failed to authenticate. API Error: 403 Your API key does not have permission to use the "
            "specified resource.",
        ),
        FaultKind.FORBIDDEN,
    ),
    "err_404": Recorded(
        refused(
            404,
            "not_found_error",
            "model_not_found",
            "There's an issue with the selected model (claude-haiku-5-5). It may not exist or you may not "
            "have access to it. Run --model to pick a different model.",
        ),
        FaultKind.CONFIGURATION,
    ),
    "err_413": Recorded(
        replace(
            refused(
                413,
                "request_too_large",
                "invalid_request",
                "Request too large (max 32MB). Accumulated images and attachments in the conversation pushed "
                "the request over the limit. Remove older images or compact the conversation.",
            ),
            terminal_reason="image_error",
        ),
        FaultKind.INVALID_REQUEST,
    ),
    "err_429": Recorded(refused(429, "rate_limit_error", "rate_limit", TOO_FAST), FaultKind.RATE_LIMITED),
    "err_429_ra_120": Recorded(
        refused(429, "rate_limit_error", "rate_limit", TOO_FAST), FaultKind.RATE_LIMITED
    ),
    "err_500": Recorded(
        refused(500, "api_error", "server_error", f"API Error: 500 Internal server error. {TRY_AGAIN}"),
        FaultKind.OVERLOADED,
    ),
    "err_504": Recorded(
        refused(504, "timeout_error", "server_error", f"API Error: 504 Request timed out. {TRY_AGAIN}"),
        FaultKind.NETWORK,
    ),
    "err_529": Recorded(
        refused(529, "overloaded_error", "server_error", f"API Error: 529 Overloaded. {TRY_AGAIN}"),
        FaultKind.OVERLOADED,
    ),
    "err_credit": Recorded(
        refused(400, "invalid_request_error", "billing_error", "Credit balance is too low"),
        FaultKind.BILLING,
    ),
    "err_spend429": Recorded(
        replace(
            refused(
                429,
                "rate_limit_error",
                "rate_limit",
                "API Error: Request rejected (429) · Your organization has reached its enforced monthly "
                "spend limit.",
            ),
            api_error_code="enforced_spend_limit_reached",
        ),
        FaultKind.BILLING,
    ),
    "err_midover": Recorded(
        refused(
            None,
            None,
            "server_error",
            "API Error: Server error mid-response. The response above may be incomplete.",
            turns=4,
        ),
        FaultKind.OVERLOADED,
    ),
    "err_maxtok": Recorded(
        replace(
            refused(
                None,
                None,
                "max_output_tokens",
                "API Error: Claude's response exceeded the 128000 output token maximum. To configure this "
                "behavior, set the CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable.",
                turns=4,
            ),
            api_error="max_output_tokens",
        ),
        FaultKind.INCOMPLETE,
    ),
    "err_refusal": Recorded(
        replace(
            refused(
                None,
                None,
                "invalid_request",
                "API Error: Haiku 5.5 can't help with this. Start a new session to continue.\n\n"
                "Learn more: https://www.anthropic.com/legal/aup\n\nRequest ID: req_51\n\n"
                "Message ID: msg_000052",
                turns=2,
            ),
            stop_reason="refusal",
        ),
        FaultKind.REFUSAL,
    ),
}
"""One of each way in which a session was seen to end."""
