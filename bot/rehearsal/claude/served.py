"""The simulator's own books: one line for each request it answered, refused or lost."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Served:
    """One request to `/v1/messages`, kept when its last byte is about to leave or the stream breaks.

    `n` counts arrivals from 1. `status` is 0 when nothing was answered. `finished` says whether the
    whole answer was sent; otherwise `usage` counts what was sent before the cut. `usage` is empty
    for a request that was refused. `key` is the accepted key, or `(none)` or `(other)`: keys that
    are not the simulator's own are never kept. `failure` names the failure that was asked for.
    `model` is the one in the response, `asked_model` the one in the request.
    """

    n: int
    at: datetime
    request_id: str
    message_id: str
    asked_model: str
    model: str
    stream: bool
    status: int
    finished: bool
    failure: str | None
    stop_reason: str | None
    key: str
    system: str
    messages: tuple[dict[str, Any], ...]
    tools: tuple[str, ...]
    max_tokens: int
    effort: str | None
    thinking: str | None
    usage: dict[str, Any]

    @property
    def input_tokens(self) -> int:
        """Prompt tokens that were neither read from nor written to the cache."""
        return self._count("input_tokens")

    @property
    def output_tokens(self) -> int:
        """Tokens written, thinking and tool calls included."""
        return self._count("output_tokens")

    @property
    def cache_read_tokens(self) -> int:
        """Prompt tokens read from the cache."""
        return self._count("cache_read_input_tokens")

    @property
    def cache_write_5m_tokens(self) -> int:
        """Prompt tokens written to the five-minute cache."""
        return self._count("cache_creation", "ephemeral_5m_input_tokens")

    @property
    def cache_write_1h_tokens(self) -> int:
        """Prompt tokens written to the one-hour cache."""
        return self._count("cache_creation", "ephemeral_1h_input_tokens")

    @property
    def cache_write_tokens(self) -> int:
        """Prompt tokens written to either cache."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def web_searches(self) -> int:
        """Searches the API made on the model's behalf."""
        return self._count("server_tool_use", "web_search_requests")

    def _count(self, *path: str) -> int:
        value: Any = self.usage
        for name in path:
            value = (value or {}).get(name)
        return int(value or 0)
