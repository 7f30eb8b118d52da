"""The rate-limit headers: what the last minute used of generous limits. They announce; nothing is refused."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.rehearsal.claude.served import Served

WINDOW = timedelta(minutes=1)
REQUESTS = 4_000
INPUT_TOKENS = 2_000_000
OUTPUT_TOKENS = 400_000


def headers(served: Iterable[Served], now: datetime) -> dict[str, str]:
    """The `anthropic-ratelimit-*` headers of an answer given now."""
    recent = [one for one in served if one.at > now - WINDOW]
    reset = min((one.at for one in recent), default=now) + WINDOW
    used = {
        "requests": (REQUESTS, len(recent)),
        "input-tokens": (INPUT_TOKENS, sum(one.input_tokens + one.cache_write_tokens for one in recent)),
        "output-tokens": (OUTPUT_TOKENS, sum(one.output_tokens for one in recent)),
    }
    out: dict[str, str] = {}
    for name, (limit, spent) in used.items():
        out[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        out[f"anthropic-ratelimit-{name}-remaining"] = str(max(0, limit - spent))
        out[f"anthropic-ratelimit-{name}-reset"] = reset.strftime("%Y-%m-%dT%H:%M:%SZ")
    return out
