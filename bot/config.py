"""Settings: `onequeue.toml` with the environment over it. Every missing or bad name in one error."""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, model_validator

from bot.access import Rules
from bot.agents import ClaudeCodeSettings, ProjectName, ProjectSettings, Section, projects
from bot.roles import AccessSettings, rules
from bot.sections import (
    AnthropicSettings,
    BudgetSettings,
    ChannelSettings,
    DigestSettings,
    LimitSettings,
    ModelTier,
    OperatorSettings,
    PriceSettings,
    Priority,
    QuestionSettings,
    ScriptName,
    ScriptSettings,
    SlackSettings,
    TierSettings,
    WatchSettings,
    Zone,
    budgets,
    rule,
    script,
)
from dispatch.means import ChannelMeans, RunnerName
from dispatch.policy import Quota
from dispatch.routing import DEFAULT_TABLE, PRIORITIES, Table
from dispatch.task import MODEL_TIERS
from dispatch.terms import Terms, Upgrades

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


class Settings(Section):
    """Everything the team decided."""

    database: Path = Path("onequeue.db")
    timezone: Zone = "UTC"
    default_priority: Priority = 5
    grace_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    supervisor_stop_seconds: Annotated[int, Field(ge=1)] = 90
    slack: SlackSettings = SlackSettings()
    anthropic: AnthropicSettings = AnthropicSettings()
    digest: DigestSettings = DigestSettings()
    channels: Mapping[str, ChannelSettings] = Field(default_factory=dict)
    tiers: Mapping[ModelTier, TierSettings] = Field(default_factory=dict)
    prices: Mapping[str, PriceSettings] = Field(default_factory=dict)
    token_caps: Mapping[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    scripts: Mapping[ScriptName, ScriptSettings] = Field(default_factory=dict)
    budgets: BudgetSettings = BudgetSettings()
    limits: LimitSettings = LimitSettings()
    questions: QuestionSettings = QuestionSettings()
    operators: OperatorSettings = OperatorSettings()
    access: AccessSettings = AccessSettings()
    watch: WatchSettings = WatchSettings()
    projects: Mapping[ProjectName, ProjectSettings] = Field(default_factory=dict)
    claude_code: ClaudeCodeSettings = ClaudeCodeSettings()

    @model_validator(mode="after")
    def _every_priority_has_a_tier(self) -> "Settings":
        lasts = [self.table[tier].last_priority for tier in MODEL_TIERS]
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

    @model_validator(mode="after")
    def _no_session_raises_itself_past_the_rules(self) -> "Settings":
        if self.questions.upgrade is Upgrades.ON and (self.access.opus or self.access.opus_a_day):
            raise ValueError(
                'questions.upgrade = "on" lets any session move itself to Opus, past access.opus and '
                'access.opus_a_day; use "ask"'
            )
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
        return {tier: rule(DEFAULT_TABLE[tier], self.tiers.get(tier)) for tier in MODEL_TIERS}

    @property
    def terms(self) -> Terms:
        """All of it that the queue goes by."""
        limits = self.limits
        return Terms(
            table=self.table,
            zone=self.zone,
            digest_channel=self.digest.channel,
            digest_at=self.digest.at,
            weekly=self.digest.weekly == "monday",
            channel_digests={
                name: ZoneInfo(one.timezone or self.timezone)
                for name, one in self.channels.items()
                if one.digest
            },
            operators_channel=self.operators.channel or self.digest.channel,
            budgets=budgets(self.budgets),
            quota=Quota(limits.queued_per_person, limits.queued_per_source),
            urgent_a_day=self.access.urgent_a_day,
            opus_a_day=self.access.opus_a_day,
            kept_seats=limits.urgent_seats,
            seats_per_requester=limits.seats_per_requester,
            follow_ups_last=timedelta(hours=limits.follow_up_hours),
            questions_last=timedelta(hours=self.questions.hours),
            upgrades=self.questions.upgrade,
            token_caps=self.token_caps,
            scripts={name: script(name, given) for name, given in self.scripts.items()},
            script_seats=limits.script_seats,
            projects=projects(self.projects),
            channels={
                name: ChannelMeans(one.runner, one.project, one.quiet) for name, one in self.channels.items()
            },
        )

    @property
    def has_agents(self) -> bool:
        """Whether any session may be one of Claude Code."""
        tiers = (rule.runner for rule in self.table.values())
        return self.has_agents_anywhere or RunnerName.CLAUDE_CODE in tiers

    @property
    def has_agents_anywhere(self) -> bool:
        """Whether a session of any tier may be one of Claude Code, its channel or project asking for it."""
        named = {channel.runner for channel in self.channels.values()}
        named |= {project.runner for project in self.projects.values()}
        return RunnerName.CLAUDE_CODE in named

    @property
    def agents_folder(self) -> Path:
        """Where agents have their worktrees and what they need while they run, beside the database."""
        return self.database.absolute().with_name(f"{self.database.name}.agents")

    @property
    def rules(self) -> Rules:
        """Who may do what."""
        scripts = {name: one.who for name, one in self.scripts.items()}
        return rules(self.access, self.operators.people, scripts)

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

    def steers_in(self, channel: str) -> bool:
        """Whether what is said in the channel's threads is added to the task that runs there."""
        special = self.channels.get(channel)
        return special is not None and special.replies == "steer"

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
