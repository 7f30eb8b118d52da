"""The values everything else speaks in: a task, its attempts, and what becomes of them. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dispatch.faults import Fault
from dispatch.states import State
from dispatch.work import Work


class Tier(StrEnum):
    """A class of models, or of none: scripts. Its seats, limits and default model are settings."""

    OPUS = "opus"
    SONNET = "sonnet"
    HAIKU = "haiku"
    SCRIPT = "script"


MODEL_TIERS = (Tier.OPUS, Tier.SONNET, Tier.HAIKU)
"""The tiers that run a model and cost money: those that priorities and people choose from."""


class HoldKind(StrEnum):
    """What a held task waits for: the next attempt, money, or a person."""

    RETRY = "retry"
    BUDGET = "budget"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Shortage:
    """A budget that has no room for a task now.

    `scope` names the budget (`all`, `channel:C1`, `person:U1`, `tier:opus`), `spent` what its day has
    cost, `reserved` what running tasks may still spend, `kept` what is left only for p1 and p2.
    `resets_at` is when its day ends.
    """

    scope: str
    limit_micro_usd: int
    spent_micro_usd: int
    reserved_micro_usd: int
    kept_micro_usd: int
    resets_at: datetime


class Source(StrEnum):
    """The way a task came in."""

    SLASH = "slash"
    MENTION = "mention"
    DM = "dm"
    FORM = "form"
    SHORTCUT = "shortcut"
    CLI = "cli"
    FOLLOW_UP = "follow-up"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a request: what it is found by, and its size in bytes as it was said."""

    id: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class NewTask:
    """A request, as the front door takes it.

    `request_key` names the request for ever: a second one with the same key changes nothing.
    `channel`, `thread` and `message` say where its answer belongs; they mean nothing here, and an
    empty channel means nobody waits in one. `thread` is None where the card will start it.
    `script` names the script that is to run; the words, which may be empty, are for it.
    `project` names the repository it should work on, None where the channel decides.
    `unless_alike` holds it, until its requester has been asked, where the same is under way or just done.
    With a `parent` and its thread quoted it is what a person said about that: it waits for what is open
    there.
    `adds_to` is the running task whose session may take it up, in the place of one of its own.
    `files` came with the request; they are read when an attempt starts.
    """

    request_key: str
    source: Source
    requester: str
    words: str
    priority: int
    model: str | None = None
    cap_micro_usd: int | None = None
    channel: str = ""
    thread: str | None = None
    message: str | None = None
    quote_thread: bool = False
    parent: int | None = None
    depth: int = 0
    expires_at: datetime | None = None
    script: str | None = None
    project: str | None = None
    unless_alike: bool = False
    adds_to: int | None = None
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """What routing decided for a task, and why, in words fit for a card (`p3 -> Opus`).

    `again` says whether it may run again by itself where nobody knows how far a lost attempt got.
    """

    tier: Tier
    model: str
    reason: str
    cap_micro_usd: int
    again: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """A task as stored.

    `attempt` is the number of the newest attempt, 0 before the first: the fencing number. `strikes`
    counts the attempts that failed by the task's own fault, `losses` those whose process died, and
    `suspicions` how often a gate that it closed was opened by another task's success.
    `rank` is where it stands in line: its priority at first, moved up with age. `hold` says what a held
    task waits for, `shortage` which budget.
    `cost_micro_usd` is everything booked for it so far; `unpriced` counts its requests of unknown
    price, which are in no sum. `forgotten` says that its words are no longer kept: they are empty.
    `script` names the script it runs, None where it runs a model.
    `project` names the repository it works on, if any: the one asked for, else the channel's.
    `behind` is the task that must end before a held one is queued, `alike` the one that it looks like while
    its requester is asked whether it should follow that, `follows` the one whose answer is its own.
    `adds_to` is the task whose session may take it up while it is held, `taken_by` the one whose session has.
    `files` came with the request; of them it knows only what they are called and found by.
    """

    id: int
    state: State
    request_key: str
    source: Source
    requester: str
    words: str
    priority: int
    asked_model: str | None
    asked_cap_micro_usd: int | None
    route: Route
    channel: str
    thread: str | None
    message: str | None
    quote_thread: bool
    parent: int | None
    depth: int
    attempt: int
    strikes: int
    losses: int
    suspicions: int
    rank: int
    hold: HoldKind | None
    shortage: Shortage | None
    run_at: datetime | None
    expires_at: datetime | None
    cancel_asked: bool
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    cost_micro_usd: int
    unpriced: int
    forgotten: bool = False
    script: str | None = None
    project: str | None = None
    files: tuple[Attached, ...] = ()
    behind: int | None = None
    alike: int | None = None
    follows: int | None = None
    adds_to: int | None = None
    taken_by: int | None = None

    @property
    def follows_up(self) -> bool:
        """Whether a person said it about its parent: its session is told what was asked and answered."""
        return self.parent is not None and self.quote_thread

    @property
    def cap_used(self) -> bool:
        """Whether it has cost all that it may. A script costs nothing and has no cap to use."""
        return self.script is None and self.cost_micro_usd >= self.route.cap_micro_usd


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a session goes on from: the conversation as its runner left it, and the answer it waited for.

    `allows` says that the answer approves the action it was to be allowed.
    """

    conversation: bytes
    answer: str
    allows: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run one attempt of a task until the lease ends. Every later write must match it.

    `limit_micro_usd` is the most the whole task may have cost when the attempt is stopped: its cap, or
    less where a budget had no room for all of it. `resumed` is what an earlier attempt paused in.
    """

    task: Task
    attempt: int
    lease_until: datetime
    limit_micro_usd: int
    resumed: Resumed | None = None


class Verdict(StrEnum):
    """How an attempt ended: `asked` where people must answer first, `lost` when its process died."""

    ANSWERED = "answered"
    ASKED = "asked"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session came to.

    `text` is the answer, or the work so far; `model` is what the API says it ran on.
    `said_micro_usd` is what the session's own runtime says it cost, which is never booked. A session that
    asked leaves its `conversation`, which only its runner can read.
    """

    verdict: Verdict
    text: str = ""
    model: str | None = None
    fault: Fault | None = None
    work: Work | None = None
    said_micro_usd: int | None = None
    conversation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a task, with what was booked for it. Open while `ended_at` is None.

    `progress` is the newest line on what it is doing, `doing` the newest that its runner wrote itself, in
    which nothing is named. `said_micro_usd` is what its own runtime says it cost, where it says anything.
    `has_transcript` says whether anything is kept of what happened in it.
    """

    task_id: int
    number: int
    model: str
    started_at: datetime
    ended_at: datetime | None
    verdict: Verdict | None
    fault: Fault | None
    ran_model: str | None
    text: str
    progress: str
    cost_micro_usd: int
    unpriced: int
    prompt_tokens: int
    output_tokens: int
    work: Work | None = None
    said_micro_usd: int | None = None
    doing: str = ""
    has_transcript: bool = False

    @property
    def is_disputed(self) -> bool:
        """Whether its runtime names a cost that is more than 1 % off the ledger's."""
        return self.said_micro_usd is not None and is_off(
            self.said_micro_usd, self.cost_micro_usd, self.unpriced
        )


def is_off(said_micro_usd: int, booked_micro_usd: int, unpriced: int) -> bool:
    """Whether what a runtime says is more than 1 % off what is booked.

    Where requests are unpriced in the ledger nothing can be compared.
    """
    return not unpriced and abs(said_micro_usd - booked_micro_usd) * 100 > booked_micro_usd
