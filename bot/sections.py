"""The sections of the settings, each with its defaults and what it refuses. Pure."""

import shlex
from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bot.agents import ProjectName, Section
from bot.roles import People
from dispatch.budget import Budgets
from dispatch.means import Beyond, Profile, RunnerName
from dispatch.routing import PRIORITIES, TierRule
from dispatch.scripts import LASTS, Script
from dispatch.task import MODEL_TIERS, Tier
from dispatch.terms import (
    FOLLOW_UPS_LAST,
    KEPT_SEATS,
    PEOPLES_QUOTA,
    QUESTIONS_LAST,
    SCRIPT_SEATS,
    SEATS_PER_REQUESTER,
    Upgrades,
)
from dispatch.timeouts import SILENCE
from dispatch.usage import MICRO_USD
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


def _host_and_port(address: str) -> str:
    if address:
        listening_at(address)
    return address


def _ping_address(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise ValueError("use an address that begins with https:// or http://")
    return url


def _with_a_model(tier: Tier) -> Tier:
    if tier not in MODEL_TIERS:
        raise ValueError("scripts run no model and cost nothing; set them up under [scripts.<name>]")
    return tier


def _split(run: object) -> object:
    """A command line as its words, by the rules of a shell's quotes and nothing else of a shell."""
    return tuple(shlex.split(run)) if isinstance(run, str) else run


def _found_anywhere(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command or not command[0]:
        raise ValueError("name a command")
    if "/" in command[0] and not command[0].startswith("/"):
        raise ValueError("give the command's whole path: it runs in an empty directory of its own")
    if any("\0" in word for word in command):
        raise ValueError("a command cannot hold a zero byte")
    return command


ModelTier = Annotated[Tier, AfterValidator(_with_a_model)]
ScriptName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
CommandLine = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_found_anywhere)]
Zone = Annotated[str, AfterValidator(_known_zone)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Priority = Annotated[int, Field(ge=PRIORITIES.start, lt=PRIORITIES.stop)]
Secret = Annotated[str, Field(repr=False)]
Rate = Annotated[Decimal, Field(ge=0, le=1000)]
Dollars = Annotated[Decimal, Field(gt=0, le=1000, decimal_places=6)]


class SlackSettings(Section):
    """Where Slack is and who we are there.

    `http` is the address at which Slack's requests are taken, such as `0.0.0.0:3000`; without it they come
    over Socket Mode. With `stream` answers are shown while they are written.
    """

    bot_token: Secret = ""
    app_token: Secret = ""
    signing_secret: Secret = ""
    http: Annotated[str, AfterValidator(_host_and_port)] = ""
    api_url: WebAddress = "https://slack.com/api/"
    stream: bool = True


class AnthropicSettings(Section):
    """Where Claude is, which key pays, and how long an answer may stay silent."""

    api_key: Secret = ""
    base_url: WebAddress = "https://api.anthropic.com/"
    silence_seconds: Annotated[int, Field(ge=1, le=600)] = int(SILENCE.total_seconds())


class DigestSettings(Section):
    """Where and when the digest goes. No channel: none is posted but those of the channels themselves.

    `weekly` names the day on which the week before is told too.
    """

    channel: str = ""
    at: time = time(9, 0)
    weekly: Literal["monday", "off"] = "monday"


class ChannelSettings(Section):
    """What differs in one channel, named by its id. A `quiet` one sees no projects and files by name.

    With `digest` it is told each day of its own tasks, in the days of its `timezone`, else the team's. What
    is said in the thread of a task that runs is added to it where `replies` steer; else it waits for its end.
    """

    default_priority: Priority | None = None
    runner: RunnerName | None = None
    project: ProjectName | None = None
    quiet: bool = False
    digest: bool = False
    timezone: Zone | None = None
    replies: Literal["wait", "steer"] = "wait"


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
    beyond: Beyond | None = None


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
    tiers: Mapping[ModelTier, Dollars] = Field(default_factory=dict)

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
    script_seats: Annotated[int, Field(ge=1, le=64)] = SCRIPT_SEATS
    urgent_seats: Annotated[int, Field(ge=0, le=64)] = KEPT_SEATS
    follow_up_hours: Annotated[int, Field(ge=1, le=24 * 30)] = FOLLOW_UPS_LAST // timedelta(hours=1)


class QuestionSettings(Section):
    """How long a question of a session waits for people, and whether a session may raise its task."""

    hours: Annotated[int, Field(ge=1, le=24 * 30)] = QUESTIONS_LAST // timedelta(hours=1)
    upgrade: Upgrades = Upgrades.ASK


class OperatorSettings(Section):
    """Who keeps it running: the channel they are told in (else the digest's) and their ids.

    With no `people` named, everybody may do what an operator may. User groups and channels stand for
    whoever is in them.
    """

    channel: str = ""
    people: People = frozenset()


class WatchSettings(Section):
    """What the watch goes by.

    `ping_url` is asked for every minute as long as all is well, so that its owner notices silence.
    `tokens` is the most one attempt uses, `disk_free_mb` the least space on the database's disk.
    """

    ping_url: Annotated[Secret, AfterValidator(_ping_address)] = ""
    tokens: Annotated[int, Field(ge=1)] = TOKENS
    disk_free_mb: Annotated[int, Field(ge=1)] = FREE_BYTES // MEGABYTE


class ScriptSettings(Section):
    """A command that people may run as a task: `run` without a shell, for so many `seconds` at most.

    `who` may run it, by their ids, or `operators`, or `everybody`. `about` says in the help what it does.
    With `again` it runs a second time by itself where the first was lost with the process.
    """

    run: CommandLine
    who: Literal["operators", "everybody"] | People = "operators"
    seconds: Annotated[int, Field(ge=1, le=24 * 3600)] = int(LASTS.total_seconds())
    about: str = ""
    again: bool = False


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


def listening_at(address: str) -> tuple[str, int]:
    """Host and port of an address such as `0.0.0.0:3000` or `[::]:3000`. Raises ValueError."""
    host, _, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not bare or (":" in bare) != host.startswith("[") or not (port.isascii() and port.isdecimal()):
        raise ValueError("use a host and a port, such as 0.0.0.0:3000")
    if not 0 < int(port) <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return bare, int(port)


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
        runner=changed.runner or default.runner,
        profile=changed.profile or default.profile,
        beyond=changed.beyond or default.beyond,
    )


def script(name: str, given: ScriptSettings) -> Script:
    """A script as the queue knows it."""
    return Script(name, given.run, timedelta(seconds=given.seconds), given.again)


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
