"""What the team decided: routing, seats, budgets, limits, times. Pure; values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dispatch.budget import Budgets, Purse
from dispatch.digest import window
from dispatch.editions import Edition, Issue
from dispatch.errors import NotFound
from dispatch.means import ChannelMeans, Means, Project
from dispatch.policy import URGENT, Quota, Ration, Seating
from dispatch.routing import Table, tier_of
from dispatch.scripts import LASTS, Script
from dispatch.task import Source, Task, Tier
from dispatch.usage import MICRO_USD

KEPT_SEATS = 1
SEATS_PER_REQUESTER = 4
SCRIPT_SEATS = 2
PEOPLES_QUOTA = Quota(per_person=100, per_source=1000)
FOLLOW_UPS_LAST = timedelta(hours=24)
QUESTIONS_LAST = timedelta(hours=4)
DEFAULT_BUDGETS = Budgets(everybody=100 * MICRO_USD, urgent=10 * MICRO_USD)


class Upgrades(StrEnum):
    """Whether a session may raise its task to a better tier: never, if a person agrees, or by itself."""

    OFF = "off"
    ASK = "ask"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything the team decided about its queue.

    An empty `digest_channel` means that no digest is posted, an empty `operators_channel` that operators
    are told by the log alone. `kept_seats` of a tier that p1 or p2 goes to are only for them.
    `token_caps` holds the most tokens a task may use of each model that has no price. A follow-up that
    a session asked for is given up when it has waited for `follow_ups_last`, and a question of a session
    is over after `questions_last`. `scripts` are by name. `urgent_a_day` and `opus_a_day` are how many
    tasks of p1 or p2, and on Opus, one person may have on the team's day. `weekly` says that weeks are told
    beside days, `channel_digests` which channels are told of their own tasks, and in whose days.
    """

    table: Table
    zone: ZoneInfo
    digest_channel: str = ""
    digest_at: time = time(9, 0)
    weekly: bool = False
    channel_digests: Mapping[str, ZoneInfo] = field(default_factory=dict)
    operators_channel: str = ""
    budgets: Budgets = DEFAULT_BUDGETS
    quota: Quota = PEOPLES_QUOTA
    urgent_a_day: int | None = None
    opus_a_day: int | None = None
    kept_seats: int = KEPT_SEATS
    seats_per_requester: int = SEATS_PER_REQUESTER
    follow_ups_last: timedelta = FOLLOW_UPS_LAST
    questions_last: timedelta = QUESTIONS_LAST
    upgrades: Upgrades = Upgrades.ASK
    token_caps: Mapping[str, int] = field(default_factory=dict)
    scripts: Mapping[str, Script] = field(default_factory=dict)
    script_seats: int = SCRIPT_SEATS
    projects: Mapping[str, Project] = field(default_factory=dict)
    channels: Mapping[str, ChannelMeans] = field(default_factory=dict)

    @property
    def issues(self) -> Sequence[Issue]:
        """Every digest that is told again and again."""
        at, channel = self.digest_at, self.digest_channel
        ours = [Edition.DAILY, *([Edition.WEEKLY] if self.weekly else [])] if channel else []
        return [
            *(Issue(edition, channel, self.zone, at) for edition in ours),
            *(Issue(Edition.CHANNEL, name, zone, at) for name, zone in self.channel_digests.items()),
        ]

    def means(self, task: Task) -> Means:
        """What the task's session is given: the project decides, then the channel, then the tier.

        Raises NotFound for a project that is not in the settings.
        """
        channel, rule = self.channels.get(task.channel, ChannelMeans()), self.table[task.route.tier]
        name = task.project or self.project_in(task.channel)
        project = self.projects.get(name) if name else None
        if name and project is None:
            raise NotFound(f"There is no project {name!r} in the settings.")
        return Means(
            runner=(project and project.runner) or channel.runner or rule.runner,
            profile=(project and project.profile) or rule.profile,
            project=project,
            beyond=(project and project.beyond) or rule.beyond,
        )

    def project_in(self, channel: str) -> str | None:
        """The project of tasks from the channel that name none, if it has one."""
        return self.channels[channel].project if channel in self.channels else None

    def is_quiet(self, channel: str) -> bool:
        """Whether what everybody sees there names no project and no files."""
        return channel in self.channels and self.channels[channel].quiet

    def seating(self, tier: Tier) -> Seating:
        """The seats of a tier. Where it has only one, that one is for everybody."""
        if tier is Tier.SCRIPT:
            return Seating(self.script_seats, 0, self.seats_per_requester)
        seats = self.table[tier].seats
        urgent = tier in {tier_of(priority, self.table) for priority in range(1, URGENT + 1)}
        kept = min(self.kept_seats, seats - 1) if urgent else 0
        return Seating(seats, kept, self.seats_per_requester)

    def wall_clock(self, task: Task) -> timedelta:
        """How long one attempt of the task may run."""
        if task.script is None:
            return self.table[task.route.tier].wall_clock
        script = self.scripts.get(task.script)
        return script.wall_clock if script else LASTS

    def purse(self, now: datetime) -> Purse:
        """The budgets on the team's day."""
        today = now.astimezone(self.zone).date()
        return Purse(self.budgets, *window(today, today, self.zone))

    def ration(self, now: datetime) -> Ration | None:
        """What one person may have only so many of on the team's day; None where nothing is counted."""
        if self.urgent_a_day is None and self.opus_a_day is None:
            return None
        today = now.astimezone(self.zone).date()
        return Ration(window(today, today, self.zone)[0], self.urgent_a_day, self.opus_a_day)

    def expires(self, source: Source, asked: datetime | None, now: datetime) -> datetime | None:
        """When a task that comes in now is given up if it has not run: when asked, or as follow-ups are."""
        return now + self.follow_ups_last if asked is None and source is Source.FOLLOW_UP else asked
