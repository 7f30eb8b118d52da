"""What sessions in another process left behind in the outages that are told here."""

from dataclasses import replace

from dispatch.diagnosis import SessionFacts

ANSWERED = SessionFacts(
    exit_code=0,
    has_result=True,
    subtype="success",
    terminal_reason="completed",
    stop_reason="end_turn",
    num_turns=3,
    result="It was the pool.",
)
UNKNOWN_OPTION = SessionFacts(exit_code=1, stderr="error: unknown option '--name'\n")
NO_WORDS = SessionFacts(exit_code=1)
OUT_OF_MEMORY = SessionFacts(exit_code=137)
NOISY_AND_EMPTY = SessionFacts(exit_code=0, stderr="warning: retrying\n" * 4_000)
"""More noise than a pipe holds, exit code 0, and no result."""

ONLY_PROSE = replace(ANSWERED, result="I would now run the tests.", expects_structured=True)
"""A session that had to hand in its work, talked about it and ended as if all were well."""

ALLOWED = replace(ANSWERED, window_status="allowed", window_resets_at=1_795_500_000.0)
"""An answer, beside news of the limits that asks for nothing."""


def limited(words: str) -> SessionFacts:
    """A session that a quota ended, in these words."""
    return replace(
        ANSWERED,
        exit_code=1,
        is_error=True,
        terminal_reason="api_error",
        error_class="rate_limit",
        result=words,
    )
