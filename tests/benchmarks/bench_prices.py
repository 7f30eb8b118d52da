"""How fast requests are priced, against asking the list. Run: python -m tests.benchmarks.bench_prices"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle, islice
from statistics import median
from time import perf_counter

import genai_prices

from dispatch.pricing import price
from dispatch.routing import DEFAULT_TABLE
from dispatch.task import MODEL_TIERS
from dispatch.usage import Usage

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
REQUESTS = 2_000
ROUNDS = 5
MODELS = [DEFAULT_TABLE[tier].model for tier in MODEL_TIERS]
USAGE = Usage(1_000, 200, 5_000, 300, 20)


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")


def ours(model: str) -> None:
    """Prices a request as everything here does."""
    price(model, USAGE, AT)


def asked(model: str) -> None:
    """Asks the list for it."""
    usage = genai_prices.Usage(
        input_tokens=USAGE.prompt_tokens,
        output_tokens=USAGE.output_tokens,
        cache_read_tokens=USAGE.cache_read_tokens,
        cache_write_tokens=USAGE.cache_write_5m_tokens + USAGE.cache_write_1h_tokens,
        cache_write_5m_tokens=USAGE.cache_write_5m_tokens,
        cache_write_1h_tokens=USAGE.cache_write_1h_tokens,
        web_searches=USAGE.web_searches,
    )
    genai_prices.calc_price(usage, model, provider_id="anthropic", genai_request_timestamp=AT)


def each_us(priced: Callable[[str], None]) -> float:
    """How long one request takes, in microseconds, over all tiers."""
    start = perf_counter()
    for model in islice(cycle(MODELS), REQUESTS):
        priced(model)
    return (perf_counter() - start) / REQUESTS * 1_000_000


def main() -> None:
    """Prints both and their ratio; by turns, so that a busy machine slows both."""
    rounds = [(each_us(ours), each_us(asked)) for _ in range(ROUNDS)]
    fast, slow = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(theirs / own for own, theirs in rounds)
    say(f"price  {fast:.1f} us a request, {slow:.0f} us asking the list each time: x{ratio:.0f} as fast")


if __name__ == "__main__":
    main()
