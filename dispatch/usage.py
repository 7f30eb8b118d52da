"""What one request to the API used, and what that costs or why it is not known. Pure."""

from dataclasses import dataclass

MICRO_USD = 1_000_000
"""Micro-dollars in a dollar: the unit of every `*_micro_usd`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one API request, as the API counts them. `input_tokens` excludes all cache tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    web_searches: int = 0
    service_tier: str = "standard"
    speed: str = "standard"
    geo: str = ""

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt, cached or not."""
        written = self.cache_write_5m_tokens + self.cache_write_1h_tokens
        return self.input_tokens + self.cache_read_tokens + written


EACH_KIND = Usage(input_tokens=1, output_tokens=1, cache_read_tokens=1, cache_write_5m_tokens=1)
"""One token of each kind that sessions use: no cap of dollars can hold a model without a price for these."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one request cost. `version` names the price list."""

    micro_usd: int
    version: str


@dataclass(frozen=True, slots=True)
class Unpriced:
    """The cost is not known, and why. Never to be read as zero."""

    reason: str
