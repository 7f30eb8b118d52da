"""Settings: `onequeue.toml` with the environment over it. Every missing or bad name in one error."""

import os
import tomllib
from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, model_validator

from bot.agents import ClaudeCodeSettings, ProjectName, ProjectSettings, Section, projects
from dispatch.budget import Budgets
from dispatch.means import ChannelMeans, Profile, RunnerName
from dispatch.policy import Quota
from dispatch.routing import DEFAULT_TABLE, PRIORITIES, Table, TierRule
from dispatch.task import MICRO_USD, Tier
from dispatch.terms import FOLLOW_UPS_LAST, KEPT_SEATS, PEOPLES_QUOTA, SEATS_PER_REQUESTER, Terms

ENVIRONMENT = {
    "SLACK_BOT_TOKEN": ("slack", "bot_token"),
    "SLACK_APP_TOKEN": ("slack", "app_token"),
    "SLACK_SIGNING_SECRET": ("slack", "signing_secret"),
    "SLACK_API_URL": ("slack", "api_url"),
    "ANTHROPIC_API_KEY": ("anthropic", "api_key"),
    "ANTHROPIC_BASE_URL": ("anthropic", "base_url"),
    "ONEQUEUE_DATABASE": ("database",),
    "ONEQUEUE_DIGEST_CHANNEL": ("digest", "channel"),
    "ONEQUEUE_TIMEZONE": ("timezone",),
}
"""Each environment variable and the setting it stands over."""


class ConfigError(Exception):
    """Settings that cannot be used; the message names every one and what to do."""


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


WebAddress = Annotated[str, AfterValidator(_web_address)]
Priority = Annotated[int, Field(ge=PRIORITIES.start, lt=PRIORITIES.stop)]
Secret = Annotated[str, Field(repr=False)]
Rate = Annotated[Decimal, Field(ge=0, le=1000)]
Dollars = Annotated[Decimal, Field(gt=0, le=1000, decimal_places=6)]


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

    default_priority: Priority | None = None
    runner: RunnerName | None = None
    project: ProjectName | None = None


class TierSettings(Section):
    """What may be changed of a tier; what is not named keeps its default."""

    model: Annotated[str, Field(min_length=1)] | None = None
    last_priority: Priority | None = None
    seats: Annotated[int, Field(ge=1, le=64)] | None = None
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = None
    effort: Literal["low", "medium", "high", "max"] | None = None
    max_output_tokens: Annotated[int, Field(ge=256, le=128_000)] | None = None
    cap_usd: Dollars | None = None
    runner: RunnerName | None = None
    profile: Profile | None = None


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


class OperatorSettings(Section):
    """Who keeps it running: the channel they are told in (else the digest's) and their ids.

    With no `people` named, everybody may do what an operator may.
    """

    channel: str = ""
    people: frozenset[str] = frozenset()


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


class Settings(Section):
    """Everything the team decided."""

    database: Path = Path("onequeue.db")
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    default_priority: Priority = 5
    grace_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    slack: SlackSettings = SlackSettings()
    anthropic: AnthropicSettings = AnthropicSettings()
    digest: DigestSettings = DigestSettings()
    channels: Mapping[str, ChannelSettings] = Field(default_factory=dict)
    tiers: Mapping[Tier, TierSettings] = Field(default_factory=dict)
    prices: Mapping[str, PriceSettings] = Field(default_factory=dict)
    token_caps: Mapping[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    budgets: BudgetSettings = BudgetSettings()
    limits: LimitSettings = LimitSettings()
    operators: OperatorSettings = OperatorSettings()
    projects: Mapping[ProjectName, ProjectSettings] = Field(default_factory=dict)
    claude_code: ClaudeCodeSettings = ClaudeCodeSettings()

    @model_validator(mode="after")
    def _every_priority_has_a_tier(self) -> "Settings":
        lasts = [self.table[tier].last_priority for tier in Tier]
        if lasts != sorted(set(lasts)) or lasts[-1] != PRIORITIES[-1]:
            raise ValueError(
                "tiers: last_priority must rise from opus over sonnet to haiku, which ends at 10"
            )
        return self

    @model_validator(mode="after")
    def _every_project_is_known(self) -> "Settings":
        for channel, settings in self.channels.items():
            if settings.project is not None and settings.project not in self.projects:
                raise ValueError(f"channels.{channel}: there is no [projects.{settings.project}]")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The team's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def retention(self) -> timedelta:
        """How long what was said is kept after a task has ended. What it cost is kept for ever."""
        return timedelta(days=self.retention_days)

    @property
    def table(self) -> Table:
        """The routing table: the defaults with the team's changes over them."""
        return {tier: _rule(DEFAULT_TABLE[tier], self.tiers.get(tier)) for tier in Tier}

    @property
    def terms(self) -> Terms:
        """All of it that the queue goes by."""
        limits = self.limits
        return Terms(
            table=self.table,
            zone=self.zone,
            digest_channel=self.digest.channel,
            digest_at=self.digest.at,
            operators_channel=self.operators.channel or self.digest.channel,
            budgets=_budgets(self.budgets),
            quota=Quota(limits.queued_per_person, limits.queued_per_source),
            kept_seats=limits.urgent_seats,
            seats_per_requester=limits.seats_per_requester,
            follow_ups_last=timedelta(hours=limits.follow_up_hours),
            token_caps=self.token_caps,
            projects=projects(self.projects),
            channels={name: ChannelMeans(one.runner, one.project) for name, one in self.channels.items()},
        )

    @property
    def has_agents(self) -> bool:
        """Whether any session may be one of Claude Code."""
        named: set[RunnerName | None] = {rule.runner for rule in self.table.values()}
        named |= {channel.runner for channel in self.channels.values()}
        named |= {project.runner for project in self.projects.values()}
        return RunnerName.CLAUDE_CODE in named

    @property
    def agents_folder(self) -> Path:
        """Where agents have their worktrees and what they need while they run, beside the database."""
        return self.database.absolute().with_name(f"{self.database.name}.agents")

    def is_operator(self, person: str) -> bool:
        """Whether that person may do what only operators may."""
        return not self.operators.people or person in self.operators.people

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        slack = self.slack
        found = (slack.bot_token, slack.app_token, slack.signing_secret, self.anthropic.api_key)
        return tuple(secret for secret in found if secret)

    def priority_in(self, channel: str) -> int:
        """The priority of a request from the channel that names none."""
        special = self.channels.get(channel)
        return (special and special.default_priority) or self.default_priority

    def need(self, *names: str) -> None:
        """Raises ConfigError naming each of these environment variables that is not set either way."""
        missing = [name for name in names if not self._value(ENVIRONMENT[name])]
        if missing:
            raise ConfigError(_missing(missing))

    def _value(self, place: tuple[str, ...]) -> object:
        value: object = self
        for name in place:
            value = getattr(value, name)
        return value


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. Raises ConfigError.

    The file is the one `ONEQUEUE_CONFIG` names, which must be there, else `onequeue.toml` here, if it is.
    """
    data = _read(environment)
    for name, place in ENVIRONMENT.items():
        if value := environment.get(name):
            _put(data, place, value)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_told(error)) from None


def _read(environment: Mapping[str, str]) -> dict[str, Any]:
    named = environment.get("ONEQUEUE_CONFIG")
    path = Path(named or "onequeue.toml")
    if not named and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the settings in {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _put(data: dict[str, Any], place: tuple[str, ...], value: str) -> None:
    *sections, name = place
    for section in sections:
        inner = data.setdefault(section, {})
        if not isinstance(inner, dict):
            return
        data = inner
    data[name] = value


def _rule(default: TierRule, changed: TierSettings | None) -> TierRule:
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
        runner=changed.runner or default.runner,
        profile=changed.profile or default.profile,
    )


def _budgets(given: BudgetSettings) -> Budgets:
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


def _told(error: ValidationError) -> str:
    names = {place: name for name, place in ENVIRONMENT.items()}
    lines = []
    for problem in error.errors():
        place = tuple(str(part) for part in problem["loc"])
        shown = ".".join(place) + (f" ({names[place]})" if place in names else "")
        lines.append(f"  {shown}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(["these settings cannot be used:", *lines])


def _missing(names: list[str]) -> str:
    lines = [f"  {name} (or {'.'.join(ENVIRONMENT[name])} in onequeue.toml)" for name in names]
    return "\n".join(["these settings are missing:", *lines])
