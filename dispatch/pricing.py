"""The price of one API request: tokens in, micro-dollars out, or why it is not known.

The only door to the price library. Each request is priced by itself, for some models cost more per
token once one prompt passes a limit. The library looks nothing up on the network.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

import genai_prices
from genai_prices.types import ModelInfo, PriceCalculation

from dispatch.usage import MICRO_USD, Price, Unpriced, Usage

LIST_VERSION = f"genai-prices {genai_prices.__version__}"
SETTINGS_VERSION = "settings"
TOKENS_PER_MTOK = 1_000_000
MOST_COUNTED = 1_000_000_000
"""No single request counts more of anything than this."""
GEO_FACTOR = {"us": Decimal("1.1")}
"""What a place of inference adds to every token; the library leaves it out."""

_CONTEXT: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("standard", "standard"): {},
    ("batch", "standard"): {"processing": "batch"},
    ("standard", "fast"): {"speed": "fast"},
}
_SAME_MODEL = re.compile(r"(-\d{8}|@.*|-latest)?")
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of a model that the team set: micro-dollars per million tokens, and per web search.

    A rate that is None is not known, unless the model is free.
    """

    input_micro_usd: int
    output_micro_usd: int
    cache_read_micro_usd: int | None = None
    cache_write_5m_micro_usd: int | None = None
    cache_write_1h_micro_usd: int | None = None
    web_search_micro_usd: int | None = None

    @property
    def free(self) -> bool:
        """A model whose input and output cost nothing costs nothing at all."""
        return self.input_micro_usd == self.output_micro_usd == 0


NO_RATES: Mapping[str, Rates] = MappingProxyType({})


class PriceList:
    """`price` with the team's own rates and a clock, for whoever prices a request now."""

    def __init__(self, now: Callable[[], datetime], rates: Mapping[str, Rates] = NO_RATES) -> None:
        self._now = now
        self._rates = rates

    def __call__(self, model: str, usage: Usage) -> Price | Unpriced:
        """The price of one request made now."""
        return price(model, usage, self._now(), self._rates)


def price(model: str, usage: Usage, at: datetime, rates: Mapping[str, Rates] = NO_RATES) -> Price | Unpriced:
    """The price of one request to `model` at that time, rounded half up to a micro-dollar.

    The team's `rates` go before the list. Never raises: what cannot be priced is Unpriced.
    """
    if not all(0 <= count <= MOST_COUNTED for count in _counts(usage)):
        return Unpriced("the usage has an impossible count")
    context = _CONTEXT.get((usage.service_tier, usage.speed))
    if context is None:
        return Unpriced(f"no price for service tier {usage.service_tier} at speed {usage.speed}")
    if usage.geo not in ("", "global", *GEO_FACTOR):
        return Unpriced(f"no price for inference in {usage.geo}")
    if model in rates:
        return _by_rates(model, usage, rates[model], context)
    return _by_list(model, usage, at, context)


def _by_rates(model: str, usage: Usage, rates: Rates, context: Mapping[str, str]) -> Price | Unpriced:
    if context:
        return Unpriced(f"the settings price {model} only at standard speed, not in batches")
    tokens = {
        "input": (usage.input_tokens, rates.input_micro_usd),
        "output": (usage.output_tokens, rates.output_micro_usd),
        "cache reads": (usage.cache_read_tokens, rates.cache_read_micro_usd),
        "cache writes for 5 minutes": (usage.cache_write_5m_tokens, rates.cache_write_5m_micro_usd),
        "cache writes for 1 hour": (usage.cache_write_1h_tokens, rates.cache_write_1h_micro_usd),
    }
    charged = {**tokens, "web searches": (usage.web_searches, rates.web_search_micro_usd)}
    for name, (count, rate) in charged.items():
        if count and rate is None and not rates.free:
            return Unpriced(f"the settings name no price for {name} of {model}")
    spent = Decimal(sum(count * (rate or 0) for count, rate in tokens.values())) / TOKENS_PER_MTOK
    searches = Decimal(usage.web_searches * (rates.web_search_micro_usd or 0))
    return Price(_whole(spent * _geo_factor(usage) + searches), SETTINGS_VERSION)


def _by_list(model: str, usage: Usage, at: datetime, context: Mapping[str, str]) -> Price | Unpriced:
    try:
        found = _look_up(model, usage, at, context)
    except (LookupError, ValueError) as error:
        return Unpriced(f"no price for {model}: {error}")
    if not _is_same(model, found.model.id):
        return Unpriced(f"no price for {model}")
    if context and not _has_variant(found.model, at, context):
        return Unpriced(f"no price for {model} with {_named(context)}")
    tokens = found.input_price + found.output_price
    others = found.total_price - tokens
    if usage.web_searches and not others:
        return Unpriced(f"no price for web searches of {model}")
    return Price(_whole((tokens * _geo_factor(usage) + others) * MICRO_USD), LIST_VERSION)


def _look_up(model: str, usage: Usage, at: datetime, context: Mapping[str, str]) -> PriceCalculation:
    counted = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        cache_write_5m_tokens=usage.cache_write_5m_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        web_searches=usage.web_searches,
    )
    return genai_prices.calc_price(
        counted,
        model,
        provider_id="anthropic",
        genai_request_timestamp=at,
        price_context=context or None,
    )


def _is_same(model: str, listed: str) -> bool:
    # The list matches some models by prefix: claude-opus-4-10 would pass for claude-opus-4-1.
    asked = model.lower()
    return not asked.startswith(listed) or _SAME_MODEL.fullmatch(asked, len(listed)) is not None


def _has_variant(model: ModelInfo, at: datetime, context: Mapping[str, str]) -> bool:
    # Without one the list would silently charge the standard price.
    return any(
        variant.when == context and (variant.constraint is None or variant.constraint.active(at))
        for variant in model.price_variants or ()
    )


def _named(context: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in context.items())


def _counts(usage: Usage) -> tuple[int, ...]:
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.web_searches,
    )


def _geo_factor(usage: Usage) -> Decimal:
    return GEO_FACTOR.get(usage.geo, _ONE)


def _whole(micro_usd: Decimal) -> int:
    return int(micro_usd.quantize(_ONE, rounding=ROUND_HALF_UP))
