from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.routing import DEFAULT_TABLE, PRIORITIES, route
from dispatch.task import MODEL_TIERS, Tier
from dispatch.usage import MICRO_USD

PRIORITY = st.sampled_from(PRIORITIES)
MODEL = st.one_of(
    st.none(), st.sampled_from(MODEL_TIERS), st.from_regex(r"[a-z][a-z0-9-]{1,30}", fullmatch=True)
)


@pytest.mark.parametrize(
    ("priorities", "tier", "model"),
    [
        (range(1, 5), Tier.OPUS, "claude-opus-5-5"),
        (range(5, 8), Tier.SONNET, "claude-sonnet-5-5"),
        (range(8, 11), Tier.HAIKU, "claude-haiku-5-5"),
    ],
)
def test_priority_alone_decides_by_default(priorities: range, tier: Tier, model: str) -> None:
    for priority in priorities:
        decided = route(priority, None, None, DEFAULT_TABLE)
        assert (decided.tier, decided.model) == (tier, model)
        assert decided.reason == f"p{priority} -> {tier.capitalize()}"


@given(PRIORITY, PRIORITY)
def test_more_urgent_never_gets_a_later_tier(one: int, other: int) -> None:
    order = list(MODEL_TIERS)
    first, second = sorted((one, other))
    tiers = [route(priority, None, None, DEFAULT_TABLE).tier for priority in (first, second)]
    assert order.index(tiers[0]) <= order.index(tiers[1])


@given(PRIORITY, st.sampled_from(MODEL_TIERS))
def test_a_tier_named_on_the_task_wins(priority: int, tier: Tier) -> None:
    decided = route(priority, tier.value, None, DEFAULT_TABLE)
    assert (decided.tier, decided.model) == (tier, DEFAULT_TABLE[tier].model)
    assert "as asked" in decided.reason


@given(PRIORITY, MODEL, st.one_of(st.none(), st.integers(1, 10**9)))
def test_what_was_asked_is_what_runs(priority: int, model: str | None, cap: int | None) -> None:
    decided = route(priority, model, cap, DEFAULT_TABLE)
    if model is not None and model not in MODEL_TIERS:
        assert decided.model == model
    assert decided.cap_micro_usd == (cap or DEFAULT_TABLE[decided.tier].cap_micro_usd)


@pytest.mark.parametrize(
    ("model", "tier"),
    [
        ("claude-opus-4-8", Tier.OPUS),
        ("claude-haiku-5-5", Tier.HAIKU),
        ("us.anthropic.claude-sonnet-5-v1", Tier.SONNET),
        ("local-qwen-3", Tier.SONNET),
    ],
)
def test_a_full_model_id_sits_in_the_tier_it_names_else_in_that_of_its_priority(
    model: str, tier: Tier
) -> None:
    assert route(6, model, None, DEFAULT_TABLE).tier is tier


def test_the_table_is_the_teams() -> None:
    table = {
        **DEFAULT_TABLE,
        Tier.OPUS: replace(DEFAULT_TABLE[Tier.OPUS], last_priority=2, model="claude-opus-5"),
    }
    assert route(2, None, None, table).model == "claude-opus-5"
    assert route(3, None, None, table).tier is Tier.SONNET


def test_caps_by_tier() -> None:
    caps = [route(priority, None, None, DEFAULT_TABLE).cap_micro_usd for priority in (1, 5, 10)]
    assert caps == [10 * MICRO_USD, 3 * MICRO_USD, 1 * MICRO_USD]
