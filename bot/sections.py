"""The sections of the settings, each with its defaults and what it refuses. Pure."""

from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dispatch.budget import Budgets
from dispatch.routing import PRIORITIES, TierRule
from dispatch.task import MICRO_USD, Tier
from dispatch.terms import (
    FOLLOW_UPS_LAST,
    KEPT_SEATS,
    PEOPLES_QUOTA,
    QUESTIONS_LAST,
    SEATS_PER_REQUESTER,
    Upgrades,
)
from dispatch.watch import FREE_BYTES, MEGABYTE, TOKENS


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; use a name such as Europe/Berlin") from None
    return name


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("use an address that begins with https:// or http://")
    return url.rstrip("/") + "/"


def _ping_address(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("use an address that begins with https:// or http://")
    return url


Zone = Annotated[str, AfterValidator(_known_zone)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Priority = Annotated[int, Field(ge=PRIORITIES.start, lt=PRIORITIES.stop)]
Secret = Annotated[str, Field(repr=False)]
Rate = Annotated[Decimal, Field(ge=0, le=1000)]
Dollars = Annotated[Decimal, Field(gt=0, le=1000, decimal_places=6)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlackSettings(Section):
    """Where Slack is and who we are there."""

    bot_token: Secret = ""
    app_token: Secret = ""
    signing_secret: Secret = ""
    api_url: WebAddress = "https://slack.com/api/"


class AnthropicSettings(Section):
    """Where Claude is and which key pays."""

    api_key: Secret = ""
    base_url: WebAddress = "https://api.anthropic.com/"


class DigestSettings(Section):
    """Where and when the daily digest goes. No channel: none is posted."""

    channel: str = ""
    at: time = time(9, 0)


class ChannelSettings(Section):
    """What differs in one channel, named by its id."""

    default_priority: Priority


class TierSettings(Section):
    """What may be changed of a tier; what is not named keeps its default."""

    model: Annotated[str, Field(min_length=1)] | None = None
    last_priority: Priority | None = None
    seats: Annotated[int, Field(ge=1, le=64)] | None = None
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = None
    effort: Literal["low", "medium", "high", "max"] | None = None
    max_output_tokens: Annotated[int, Field(ge=256, le=128_000)] | None = None
    cap_usd: Dollars | None = None


class BudgetSettings(Section):
    """What one day may cost, in dollars: `day_usd` in all, of which `urgent_usd` is kept for p1 and p2.

    `channel_usd` and `person_usd` hold for each one that is not named under `channels` and `people`.
    """

    day_usd: Dollars | None = Decimal(100)
    urgent_usd: Annotated[Decimal, Field(ge=0, le=1000, decimal_places=6)] = Decimal(10)
    channel_usd: Dollars | None = None
    channels: Mapping[str, Dollars] = Field(default_factory=dict)
    person_usd: Dollars | None = None
    people: Mapping[str, Dollars] = Field(default_factory=dict)
    tiers: Mapping[Tier, Dollars] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _leaves_room(self) -> "BudgetSettings":
        if self.day_usd is not None and self.urgent_usd >= self.day_usd:
            raise ValueError("urgent_usd is part of day_usd, so it must be less")
        return self


class LimitSettings(Section):
    """How much may wait and run at once."""

    queued_per_person: Annotated[int, Field(ge=1)] = PEOPLES_QUOTA.per_person
    queued_per_source: Annotated[int, Field(ge=1)] = PEOPLES_QUOTA.per_source
    seats_per_requester: Annotated[int, Field(ge=1)] = SEATS_PER_REQUESTER
    urgent_seats: Annotated[int, Field(ge=0, le=64)] = KEPT_SEATS
    follow_up_hours: Annotated[int, Field(ge=1, le=24 * 30)] = FOLLOW_UPS_LAST // timedelta(hours=1)


class QuestionSettings(Section):
    """How long a question of a session waits for people, and whether a session may raise its task."""

    hours: Annotated[int, Field(ge=1, le=24 * 30)] = QUESTIONS_LAST // timedelta(hours=1)
    upgrade: Upgrades = Upgrades.ASK


class OperatorSettings(Section):
    """Who keeps it running: the channel they are told in (else the digest's) and their ids.

    With no `people` named, everybody may do what an operator may.
    """

    channel: str = ""
    people: frozenset[str] = frozenset()


class WatchSettings(Section):
    """What the watch goes by.

    `ping_url` is asked for every minute as long as all is well, so that its owner notices silence.
    `tokens` is the most one attempt uses, `disk_free_mb` the least space on the database's disk.
    """

    ping_url: Annotated[Secret, AfterValidator(_ping_address)] = ""
    tokens: Annotated[int, Field(ge=1)] = TOKENS
    disk_free_mb: Annotated[int, Field(ge=1)] = FREE_BYTES // MEGABYTE


class PriceSettings(Section):
    """Dollars per million tokens of a model that the price list does not know, or at contract rates.

    What is not named is unpriced, unless the model is free.
    """

    input: Rate
    output: Rate
    cache_read: Rate | None = None
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None
    web_search: Rate | None = None


def rule(default: TierRule, changed: TierSettings | None) -> TierRule:
    """A tier's rule with the team's changes over it."""
    if changed is None:
        return default
    cap, minutes = changed.cap_usd, changed.minutes
    return TierRule(
        last_priority=changed.last_priority or default.last_priority,
        model=changed.model or default.model,
        seats=changed.seats or default.seats,
        wall_clock=timedelta(minutes=minutes) if minutes else default.wall_clock,
        effort=changed.effort or default.effort,
        max_output_tokens=changed.max_output_tokens or default.max_output_tokens,
        cap_micro_usd=int(cap * MICRO_USD) if cap else default.cap_micro_usd,
    )


def budgets(given: BudgetSettings) -> Budgets:
    """The budgets in micro-dollars."""

    def each(amounts: Mapping[Any, Decimal]) -> dict[Any, int]:
        return {name: int(amount * MICRO_USD) for name, amount in amounts.items()}

    def one(amount: Decimal | None) -> int | None:
        return None if amount is None else int(amount * MICRO_USD)

    return Budgets(
        everybody=one(given.day_usd),
        urgent=int(given.urgent_usd * MICRO_USD) if given.day_usd is not None else 0,
        channel=one(given.channel_usd),
        channels=each(given.channels),
        person=one(given.person_usd),
        people=each(given.people),
        tiers=each(given.tiers),
    )
