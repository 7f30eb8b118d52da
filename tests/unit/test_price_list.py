"""Every price is the list's own: what is read of it once a day gives what it says of each request."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

import genai_prices
import pytest
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)
from genai_prices.types import Tier as PriceTier
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch import pricing
from dispatch.pricing import MOST_COUNTED, price
from dispatch.usage import Price, Unpriced, Usage

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
MTOK = 1_000_000
PROMPT = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


def _listed() -> list[ModelInfo]:
    return next(one for one in get_snapshot().providers if one.id == "anthropic").models


def _turns(model: ModelInfo) -> set[date]:
    """The days from which on something of it costs something else."""
    prices = model.prices if isinstance(model.prices, list) else []
    parts: list[ConditionalPrice | PriceVariant] = [*prices, *(model.price_variants or [])]
    return {part.constraint.start_date for part in parts if isinstance(part.constraint, StartDateConstraint)}


VARIANTS: dict[tuple[str, str], dict[str, str]] = {
    ("standard", "standard"): {},
    ("batch", "standard"): {"processing": "batch"},
    ("standard", "fast"): {"speed": "fast"},
}
NAMES = [one.id for one in _listed()]
TURNS = sorted({turn for one in _listed() for turn in _turns(one)})
NEARBY = [100_000, 200_000, 0, 1, 50, MOST_COUNTED]
near = st.builds(
    lambda start, off: min(max(start + off, 0), MOST_COUNTED), st.sampled_from(NEARBY), st.integers(-2, 2)
)
some = st.one_of(st.just(0), near, st.integers(0, 300_000))
moments = st.one_of(
    st.datetimes(datetime(2023, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    st.builds(
        lambda day, off, zone: (
            datetime.combine(day, time(), UTC).astimezone(zone) + timedelta(microseconds=off)
        ),
        st.sampled_from(TURNS),
        st.integers(-1, 1),
        st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11))]),
    ),
)
usages = st.builds(
    Usage,
    input_tokens=some,
    output_tokens=some,
    cache_read_tokens=some,
    cache_write_5m_tokens=some,
    cache_write_1h_tokens=some,
    web_searches=st.sampled_from([0, 0, 1, 1000]),
    geo=st.sampled_from(["", "us", "global"]),
)


def used(variant: tuple[str, str], usage: Usage = Usage()) -> Usage:  # noqa: B008
    """The usage at that service tier and speed."""
    return replace(usage, service_tier=variant[0], speed=variant[1])


def by_the_list(model: str, usage: Usage, at: datetime) -> int | None:
    """What the list says of that one request, in micro-dollars; None where it says nothing of the variant."""
    context = VARIANTS[usage.service_tier, usage.speed]
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    counted = genai_prices.Usage(
        input_tokens=usage.input_tokens + usage.cache_read_tokens + written,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=written,
        cache_write_5m_tokens=usage.cache_write_5m_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        web_searches=usage.web_searches,
    )
    found = genai_prices.calc_price(
        counted, model, provider_id="anthropic", genai_request_timestamp=at, price_context=context or None
    )
    variants = [one for one in found.model.price_variants or () if one.when == context]
    if context and not any(one.constraint is None or one.constraint.active(at) for one in variants):
        return None
    tokens = found.input_price + found.output_price
    others = found.total_price - tokens
    if usage.web_searches and not others:
        return None
    factor = Decimal("1.1") if usage.geo == "us" else Decimal(1)
    return int(((tokens * factor + others) * MTOK).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def known(found: Price | Unpriced) -> int | None:
    return found.micro_usd if isinstance(found, Price) else None


@settings(max_examples=400)
@given(st.sampled_from(NAMES), usages, st.sampled_from(list(VARIANTS)), moments)
def test_every_price_is_the_lists_own(
    model: str, counted: Usage, variant: tuple[str, str], at: datetime
) -> None:
    usage = used(variant, counted)
    assert known(price(model, usage, at)) == by_the_list(model, usage, at)


@pytest.mark.parametrize("model", NAMES)
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_price_is_the_lists_own_where_it_changes(model: str, variant: tuple[str, str]) -> None:
    ats = [
        datetime.combine(day, time(), UTC) + timedelta(microseconds=off) for day in TURNS for off in (-1, 0)
    ]
    for at in ats:
        for prompt in (99_999, 100_000, 100_001, 200_000, 200_001):
            for kind in PROMPT:
                usage = replace(used(variant), output_tokens=7, **{kind: prompt})  # type: ignore[arg-type]
                assert known(price(model, usage, at)) == by_the_list(model, usage, at)


@contextmanager
def another_list(prices: list[ConditionalPrice]) -> Iterator[None]:
    """A list in which one model costs that."""
    model = replace(_listed()[0], id="claude-moon", match=ClauseEquals("claude-moon"), prices=prices)
    maker = next(one for one in get_snapshot().providers if one.id == "anthropic")
    pricing._tariff_of_day.cache_clear()
    set_custom_snapshot(DataSnapshot([replace(maker, models=[model])], from_auto_update=False))
    try:
        yield
    finally:
        set_custom_snapshot(None)
        pricing._tariff_of_day.cache_clear()


def test_a_price_for_some_hours_of_the_day_holds_in_those() -> None:
    usual, at_night = ModelPrice(input_mtok=Decimal(8)), ModelPrice(input_mtok=Decimal(2))
    night = TimeOfDateConstraint(time(22), time(6))
    with another_list([ConditionalPrice(prices=usual), ConditionalPrice(night, prices=at_night)]):
        hours = [AT.replace(hour=hour) for hour in (5, 6, 21, 22)]
        costs = [known(price("claude-moon", Usage(input_tokens=MTOK), at)) for at in hours]
    assert costs == [2 * MTOK, 8 * MTOK, 8 * MTOK, 2 * MTOK]


def test_every_tier_of_a_prompt_costs_its_own() -> None:
    tiers = TieredPrices(Decimal(1), [PriceTier(0, Decimal(2)), PriceTier(10, Decimal(3))])
    with another_list([ConditionalPrice(prices=ModelPrice(input_mtok=tiers, output_mtok=tiers))]):
        found = [
            known(price("claude-moon", Usage(input_tokens=prompt, output_tokens=100), AT))
            for prompt in (0, 1, 10, 11)
        ]
    assert found == [100, 202, 220, 333]
