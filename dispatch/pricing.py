"""The price of one API request: tokens in, micro-dollars out, or why it is not known.

The only door to the price library. Each request is priced by itself, for some models cost more per
token once one prompt passes a limit. The library looks nothing up on the network.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from types import MappingProxyType

import genai_prices
from genai_prices.types import ModelInfo, PriceCalculation, TieredPrices, TimeOfDateConstraint

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
_Variant = tuple[tuple[str, str], ...]


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
        return self.at(model, usage, self._now())

    def at(self, model: str, usage: Usage, at: datetime) -> Price | Unpriced:
        """The price of one request made then."""
        return price(model, usage, at, self._rates)


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


@dataclass(frozen=True, slots=True)
class _Band:
    """Micro-dollars of one token of each kind, and of a web search."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    search: Decimal


@dataclass(frozen=True, slots=True)
class _Tariff:
    """What a model costs: the first band holds up to the first of the `starts` in prompt tokens, and so on.

    `hourly` where that depends on the time of day.
    """

    starts: tuple[int, ...]
    bands: tuple[_Band, ...]
    hourly: bool


def _by_list(model: str, usage: Usage, at: datetime, context: Mapping[str, str]) -> Price | Unpriced:
    variant, moment = tuple(context.items()), at.astimezone(UTC)
    tariff = _tariff_of_day(model, variant, moment.date())
    if isinstance(tariff, _Tariff) and tariff.hourly:
        tariff = _tariff(model, variant, moment)
    if isinstance(tariff, Unpriced):
        return tariff
    band = tariff.bands[bisect_left(tariff.starts, usage.prompt_tokens)]
    if usage.web_searches and not band.search:
        return Unpriced(f"no price for web searches of {model}")
    tokens = (
        usage.input_tokens * band.input
        + usage.output_tokens * band.output
        + usage.cache_read_tokens * band.cache_read
        + usage.cache_write_5m_tokens * band.cache_write_5m
        + usage.cache_write_1h_tokens * band.cache_write_1h
    )
    return Price(_whole(tokens * _geo_factor(usage) + band.search * usage.web_searches), LIST_VERSION)


@lru_cache(maxsize=256)
def _tariff_of_day(model: str, variant: _Variant, day: date) -> _Tariff | Unpriced:
    # A look-up in the list takes long, and a digest prices many thousands of requests.
    return _tariff(model, variant, datetime.combine(day, time(), UTC))


def _tariff(model: str, variant: _Variant, at: datetime) -> _Tariff | Unpriced:
    context = dict(variant)
    try:
        found = _look_up(model, Usage(), at, context)
        if not _is_same(model, found.model.id):
            return Unpriced(f"no price for {model}")
        if context and not _has_variant(found.model, at, context):
            return Unpriced(f"no price for {model} with {_named(context)}")
        tiered = [price for price in vars(found.model_price).values() if isinstance(price, TieredPrices)]
        starts = sorted({tier.start for price in tiered for tier in price.tiers})
        prompts = (0, *(start + 1 for start in starts))
        bands = tuple(_band(model, prompt, at, context) for prompt in prompts)
        return _Tariff(tuple(starts), bands, _is_hourly(found.model))
    except (LookupError, ValueError) as error:
        return Unpriced(f"no price for {model}: {error}")


def _band(model: str, prompt: int, at: datetime, context: Mapping[str, str]) -> _Band:
    """What one of each kind costs beside so long a prompt: the list is asked for it, none of it reckoned."""

    def cost(usage: Usage) -> tuple[Decimal, Decimal]:
        found = _look_up(model, usage, at, context)
        tokens = found.input_price + found.output_price
        return tokens * MICRO_USD, (found.total_price - tokens) * MICRO_USD

    beside, _ = cost(Usage(input_tokens=prompt))
    output, _ = cost(Usage(input_tokens=prompt, output_tokens=1))
    _, search = cost(Usage(input_tokens=prompt, web_searches=1))
    many = max(prompt, 1)
    return _Band(
        input=cost(Usage(input_tokens=many))[0] / many,
        output=output - beside,
        cache_read=cost(Usage(cache_read_tokens=many))[0] / many,
        cache_write_5m=cost(Usage(cache_write_5m_tokens=many))[0] / many,
        cache_write_1h=cost(Usage(cache_write_1h_tokens=many))[0] / many,
        search=search,
    )


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


def _is_hourly(model: ModelInfo) -> bool:
    prices = model.prices if isinstance(model.prices, list) else []
    return any(
        isinstance(part.constraint, TimeOfDateConstraint) for part in (*prices, *(model.price_variants or ()))
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
