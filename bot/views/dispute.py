"""Where a session's own runtime names another cost than the ledger. Pure."""

from bot.money import told_apart
from dispatch.task import Attempt


def dispute(attempt: Attempt) -> str:
    """Both costs of a disputed attempt, in a line; empty where they agree or cannot be compared."""
    if attempt.said_micro_usd is None or not attempt.is_disputed:
        return ""
    said, booked = told_apart(attempt.said_micro_usd, attempt.cost_micro_usd)
    return f"Claude Code itself says {said}; booked is {booked} from the API's own usage"
