"""What Slack's client raises -> `ports.ChatError`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.ports import ChatError, NoAnswer, RateLimited, Refused

_RATE_LIMIT_CODES: Final = frozenset({"ratelimited", "rate_limited"})
_THEIR_FAULTS: Final = frozenset(
    {
        "fatal_error",
        "internal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    }
)
_UNSAID_WAIT: Final = 30.0


@contextmanager
def translated() -> Iterator[None]:
    """Turns what Slack's client raises into ChatError."""
    try:
        yield
    except SlackClientError as error:
        raise _from_slack(getattr(error, "response", None), error) from error
    except aiohttp.ClientConnectorError as error:
        raise NoAnswer(f"cannot connect ({error})", in_doubt=False) from error
    except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
        raise NoAnswer(f"{type(error).__name__} {error}".rstrip(), in_doubt=True) from error


def _from_slack(response: object, error: Exception) -> ChatError:
    if not isinstance(response, AsyncSlackResponse):
        return NoAnswer(str(error), in_doubt=True)
    data = response.data if isinstance(response.data, dict) else {}
    code = str(data.get("error") or "")
    if response.status_code == 429 or code in _RATE_LIMIT_CODES:
        return RateLimited(_seconds(response.headers.get("Retry-After")))
    if response.status_code >= 500 or not code or code in _THEIR_FAULTS:
        return NoAnswer(code or f"HTTP {response.status_code}", in_doubt=True)
    return Refused(code)


def _seconds(header: str | None) -> float:
    try:
        return max(float(header or _UNSAID_WAIT), 1.0)
    except ValueError:
        return _UNSAID_WAIT
