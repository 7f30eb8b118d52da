"""What one request costs: the list, its tiers and variants, the team's own rates, and what has no price."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.pricing import MOST_COUNTED, SETTINGS_VERSION, PriceList, Rates, price
from dispatch.usage import Price, Unpriced, Usage

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
MTOK = 1_000_000

# Dollars per million tokens: input, output, five-minute write, one-hour write, read.
LIST = {
    "claude-opus-5-5": ("4", "20", "5", "8", "0.20"),
    "claude-sonnet-5-5": ("2", "10", "2.5", "4", "0.10"),
    "claude-fable-5-2": ("8", "40", "10", "16", "0.20"),
    "claude-mythos-5-2": ("8", "40", "10", "16", "0.20"),
    "claude-fable-5-1": ("10", "50", "12.5", "20", "0.25"),
    "claude-fable-5": ("10", "50", "12.5", "20", "1.00"),
    "claude-opus-5": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-8": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-7": ("5", "25", "6.25", "10", "0.50"),
    "claude-opus-4-5": ("5", "25", "6.25", "10", "0.50"),
    "claude-sonnet-5": ("2", "10", "2.5", "4", "0.20"),
    "claude-sonnet-4-6": ("3", "15", "3.75", "6", "0.30"),
    "claude-haiku-4-5": ("1", "5", "1.25", "2", "0.10"),
}
KINDS = (
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
)
COUNTS = (*KINDS, "web_searches")
LOCAL = {"local-qwen": Rates(0, 0)}
CONTRACT = {
    "claude-opus-5-5": Rates(3_000_000, 15_000_000, 150_000, 3_750_000, 6_000_000, 9_000),
    "bare": Rates(1_000_000, 2_000_000),
}

models = st.sampled_from([*LIST, "claude-haiku-5-5"])
counts = st.integers(min_value=0, max_value=300_000)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cache_read_tokens=counts,
    cache_write_5m_tokens=counts,
    cache_write_1h_tokens=counts,
    web_searches=st.integers(min_value=0, max_value=20),
    geo=st.sampled_from(["", "us"]),
)


def cost(model: str, usage: Usage) -> int:
    found = price(model, usage, AT)
    assert isinstance(found, Price)
    return found.micro_usd


def one(kind: str, count: int) -> Usage:
    return replace(Usage(), **{kind: count})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "kind", "usd"),
    [(model, kind, usd) for model, row in LIST.items() for kind, usd in zip(KINDS, row, strict=True)],
)
def test_each_kind_of_token_costs_what_the_list_says(model: str, kind: str, usd: str) -> None:
    # A tenth of a million tokens, which is below every prompt tier.
    dollars, _, cents = usd.partition(".")
    micro_usd_per_mtok = int(dollars) * MTOK + int((cents or "0").ljust(6, "0"))
    assert cost(model, one(kind, 100_000)) == micro_usd_per_mtok // 10


@pytest.mark.parametrize(
    ("kind", "up_to_100k", "above"),
    [
        ("input_tokens", 10_000, 50_000),
        ("cache_write_5m_tokens", 12_500, 62_500),
        ("cache_write_1h_tokens", 20_000, 100_000),
        ("cache_read_tokens", 1_000, 5_000),
    ],
)
def test_haiku_costs_five_times_as_much_above_100k(kind: str, up_to_100k: int, above: int) -> None:
    assert cost("claude-haiku-5-5", one(kind, 100_000)) == up_to_100k
    assert cost("claude-haiku-5-5", one(kind, 200_000)) == 2 * above


def test_the_prompt_decides_the_tier_of_the_whole_request() -> None:
    short = Usage(input_tokens=1_000, cache_read_tokens=99_000, output_tokens=10_000)
    long = replace(short, cache_read_tokens=100_000)
    assert cost("claude-haiku-5-5", short) == 100 + 990 + 5_000
    assert cost("claude-haiku-5-5", long) == 500 + 5_000 + 25_000


def test_three_requests_of_60k_are_not_one_of_180k() -> None:
    one_of_three = Usage(input_tokens=60_000, output_tokens=100)
    summed = Usage(input_tokens=180_000, output_tokens=300)
    assert 3 * cost("claude-haiku-5-5", one_of_three) == 18_150
    assert cost("claude-haiku-5-5", summed) == 90_750


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"])
def test_a_web_search_costs_a_cent(model: str) -> None:
    assert cost(model, Usage(web_searches=3)) == 30_000


def test_a_web_search_of_a_model_without_that_price_is_unpriced() -> None:
    assert isinstance(price("claude-3-haiku", Usage(input_tokens=1, web_searches=1), AT), Unpriced)
    assert isinstance(price("claude-3-haiku", Usage(input_tokens=1), AT), Price)


def test_inference_in_the_us_costs_a_tenth_more_on_tokens_only() -> None:
    usage = Usage(input_tokens=MTOK, output_tokens=MTOK, web_searches=1, geo="us")
    assert cost("claude-opus-5-5", usage) == 26_400_000 + 10_000
    assert cost("claude-opus-5-5", replace(usage, geo="global")) == 24_000_000 + 10_000


def test_a_batch_costs_half() -> None:
    usage = Usage(input_tokens=60_000, output_tokens=MTOK, service_tier="batch")
    assert cost("claude-opus-5-5", usage) == 120_000 + 10_000_000
    assert cost("claude-haiku-5-5", usage) == 3_000 + 250_000


def test_fast_costs_twice() -> None:
    usage = Usage(input_tokens=MTOK, output_tokens=MTOK, speed="fast")
    assert cost("claude-opus-5-5", usage) == 8 * MTOK + 40 * MTOK


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("claude-sonnet-5-5", Usage(input_tokens=9, speed="fast")),
        ("claude-opus-4-7", Usage(input_tokens=9, speed="fast")),
        ("claude-opus-4-0", Usage(input_tokens=9, service_tier="batch")),
        ("claude-opus-5-5", Usage(input_tokens=9, service_tier="batch", speed="fast")),
        ("claude-opus-5-5", Usage(input_tokens=9, service_tier="priority")),
        ("claude-opus-5-5", Usage(input_tokens=9, geo="moon")),
        ("claude-opus-5-5", Usage(input_tokens=-1)),
        ("claude-opus-5-5", Usage(output_tokens=MOST_COUNTED + 1)),
    ],
)
def test_what_the_list_does_not_price_is_unpriced(model: str, usage: Usage) -> None:
    assert isinstance(price(model, usage, AT), Unpriced)


def test_a_batch_before_the_list_priced_batches_is_unpriced() -> None:
    usage = Usage(input_tokens=9, service_tier="batch")
    assert isinstance(price("claude-opus-5-5", usage, datetime(2026, 10, 1, tzinfo=UTC)), Unpriced)


@pytest.mark.parametrize(
    "model",
    [
        "",
        "gpt-5",
        "local-qwen",
        "claude-mythos-5",
        "claude-mythos-5-1",
        "claude-opus-5-6",
        "claude-opus-4-10",
        "claude-opus-4-5-tuned",
        "claude-opus-5-5[1m]",
        "us.anthropic.claude-opus-5-5-v1:0",
    ],
)
def test_a_model_that_is_not_listed_is_unpriced_and_named(model: str) -> None:
    found = price(model, Usage(input_tokens=1_000), AT)
    assert isinstance(found, Unpriced)
    assert found.reason.startswith(f"no price for {model}")


@pytest.mark.parametrize("model", ["claude-haiku-4-5-20251001", "claude-haiku-5-5-20261001"])
def test_a_dated_id_costs_what_its_model_costs(model: str) -> None:
    assert price(model, Usage(input_tokens=50_000), AT) == price(model[:-9], Usage(input_tokens=50_000), AT)


@pytest.mark.parametrize(("tokens", "micro_usd"), [(49, 0), (50, 1), (149, 1), (150, 2)])
def test_half_a_micro_dollar_is_rounded_up(tokens: int, micro_usd: int) -> None:
    assert cost("claude-haiku-5-5", Usage(cache_read_tokens=tokens)) == micro_usd


def test_a_price_names_the_list_it_is_from() -> None:
    found = price("claude-opus-5-5", Usage(input_tokens=1), AT)
    assert isinstance(found, Price)
    assert found.version == f"genai-prices {version('genai-prices')}"


def test_own_rates_go_before_the_list() -> None:
    usage = Usage(
        input_tokens=100_000,
        output_tokens=10_000,
        cache_read_tokens=100_000,
        cache_write_5m_tokens=100_000,
        cache_write_1h_tokens=100_000,
        web_searches=2,
    )
    expected = 300_000 + 150_000 + 15_000 + 375_000 + 600_000 + 18_000
    assert price("claude-opus-5-5", usage, AT, CONTRACT) == Price(expected, SETTINGS_VERSION)
    in_the_us = price("claude-opus-5-5", replace(usage, geo="us"), AT, CONTRACT)
    assert in_the_us == Price(1_440_000 * 11 // 10 + 18_000, SETTINGS_VERSION)
    assert price("claude-sonnet-5-5", usage, AT, CONTRACT) == price("claude-sonnet-5-5", usage, AT)


@given(usages)
def test_a_free_model_is_free_in_everything(usage: Usage) -> None:
    assert price("local-qwen", usage, AT, LOCAL) == Price(0, SETTINGS_VERSION)


@pytest.mark.parametrize("kind", COUNTS[2:])
def test_a_rate_that_is_not_set_leaves_its_tokens_unpriced(kind: str) -> None:
    assert price("bare", Usage(input_tokens=3, output_tokens=1), AT, CONTRACT) == Price(5, SETTINGS_VERSION)
    assert isinstance(price("bare", one(kind, 1), AT, CONTRACT), Unpriced)


@pytest.mark.parametrize("usage", [Usage(service_tier="batch"), Usage(speed="fast")])
def test_own_rates_say_nothing_of_batches_and_speed(usage: Usage) -> None:
    assert isinstance(price("claude-opus-5-5", usage, AT, CONTRACT), Unpriced)


def test_a_price_list_prices_at_its_own_time() -> None:
    moments = iter([datetime(2026, 10, 1, tzinfo=UTC), AT])
    prices = PriceList(lambda: next(moments), LOCAL)
    batch = Usage(input_tokens=1_000, service_tier="batch")
    assert isinstance(prices("claude-opus-5-5", batch), Unpriced)
    assert prices("claude-opus-5-5", batch) == price("claude-opus-5-5", batch, AT)
    assert PriceList(lambda: AT, LOCAL)("local-qwen", Usage(input_tokens=1)) == Price(0, SETTINGS_VERSION)


@given(models, usages)
def test_a_listed_model_never_costs_less_than_nothing(model: str, usage: Usage) -> None:
    assert cost(model, usage) >= 0


@given(models, usages, st.sampled_from(COUNTS), st.integers(min_value=1, max_value=200_000))
def test_more_of_anything_never_costs_less(model: str, usage: Usage, kind: str, more: int) -> None:
    raised = replace(usage, **{kind: getattr(usage, kind) + more})
    assert cost(model, raised) >= cost(model, usage)


@given(models, usages, usages)
def test_two_requests_never_cost_more_than_one_of_their_sum(model: str, left: Usage, right: Usage) -> None:
    right = replace(right, geo=left.geo)
    both = replace(left, **{kind: getattr(left, kind) + getattr(right, kind) for kind in COUNTS})
    assert cost(model, left) + cost(model, right) <= cost(model, both) + 1


@given(
    st.text(max_size=40), st.builds(Usage, *[st.integers() for _ in COUNTS], st.text(), st.text(), st.text())
)
def test_whatever_the_model_and_usage_an_answer_comes_back(model: str, usage: Usage) -> None:
    found = price(model, usage, AT)
    assert isinstance(found, Price | Unpriced)


def test_every_count_of_a_usage_is_priced() -> None:
    numbers = {field.name for field in fields(Usage) if field.type is int}
    assert numbers == set(COUNTS)
    for kind in COUNTS:
        assert cost("claude-opus-5-5", one(kind, 1_000)) > 0


def test_a_price_list_can_be_asked_for_another_time() -> None:
    batch = Usage(input_tokens=1_000, service_tier="batch")
    prices = PriceList(lambda: AT)
    assert isinstance(prices.at("claude-opus-5-5", batch, datetime(2026, 10, 1, tzinfo=UTC)), Unpriced)
    assert prices.at("claude-opus-5-5", batch, AT) == prices("claude-opus-5-5", batch)
