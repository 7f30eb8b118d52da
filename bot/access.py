"""Who may do what: facts about a person, a place and a request -> allowed, or why not. Pure.

Everything that a person wants changed is judged here, whichever way it came. What Slack could not be asked is
None, "not known": then everybody may do what everybody may, and nobody what takes a privilege.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What somebody is to the workspace. A stranger belongs to another company's, or to none any more."""

    MEMBER = "member"
    GUEST = "guest"
    STRANGER = "stranger"
    BOT = "bot"


class Role(StrEnum):
    """What people are let do: ask for tasks, for p1 and p2, for Opus, and keep it all running."""

    REQUESTER = "requester"
    URGENT = "urgent"
    OPUS = "opus"
    OPERATOR = "operator"


class Act(StrEnum):
    """What a request comes to: it reads, has a session run, stops one, or does what operators do."""

    READ = "read"
    RUN = "run"
    STOP = "stop"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the team decided. Ids are of people, user groups and channels; the latter stand for their members.

    A role that names nobody is everybody's. `channels` are the only ones tasks may be asked for in; with none
    named it is any. `scripts` says who may run each: ids, or None for the operators; one that is missing
    may be run by everybody. `guests` lets in whoever is no full member of the workspace, `shared_channels`
    the channels that other companies read.
    """

    roles: Mapping[Role, frozenset[str]] = field(default_factory=dict)
    channels: frozenset[str] = frozenset()
    scripts: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    guests: bool = False
    shared_channels: bool = False

    def named(self, role: Role) -> frozenset[str]:
        """Who has the role; nobody: everybody has."""
        return self.roles.get(role, frozenset())

    @property
    def groups(self) -> frozenset[str]:
        """The user groups and channels that stand for their members."""
        named = [*self.roles.values(), *(ids for ids in self.scripts.values() if ids)]
        return frozenset(one for ids in named for one in ids if not is_person_id(one))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody: what they are, which groups they are in, and of which that is not known."""

    id: str
    kind: Kind | None = None
    within: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants.

    `owner` is who asked for the task, None where it is a new one or none, and `task` its number. `channel`
    is where its answer goes, empty where nobody reads it there; `shared` says whether another company does.
    `urgent` and `opus` say that it would make a task p1 or p2, or have it run on Opus.
    `parent` is the number of the task that a form goes on from, and `owner` then who asked for that; `reads`
    says whether Slack lets whoever sends it read the channel.
    """

    act: Act
    owner: str | None = None
    task: int | None = None
    channel: str = ""
    shared: bool | None = None
    urgent: bool = False
    opus: bool = False
    script: str | None = None
    parent: int | None = None
    reads: bool | None = None


class Reason(StrEnum):
    """Why not."""

    BOT = "a bot"
    NO_MEMBER = "no member of the workspace"
    SHARED_CHANNEL = "a shared channel"
    CHANNEL = "not in this channel"
    NOT_THEIRS = "another person's task"
    HIDDEN = "not known to read it"
    OPERATORS = "only operators"
    REQUESTERS = "no requester"
    URGENT = "no p1 or p2"
    OPUS = "no Opus"
    SCRIPT = "not this script"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not, and the ids of who can help; empty where that is anybody or nobody is named.

    `unsure` where it was refused only because Slack did not say who they are.
    """

    reason: Reason
    request: Request
    helpers: frozenset[str] = frozenset()
    unsure: bool = False


def is_person_id(name: str) -> bool:
    """Whether that id is a person's; else it is a group's or a channel's."""
    return name[:1] in ("U", "W")


def operates(person: Person, rules: Rules) -> bool:
    """Whether they may do what operators may: everybody, where none are named."""
    return _has(person, rules.named(Role.OPERATOR)) is True


def may_run(person: Person, script: str, rules: Rules) -> bool:
    """Whether they may run that script."""
    return refusal(person, Request(Act.RUN, script=script), rules) is None


def refusal(person: Person, request: Request, rules: Rules) -> Refusal | None:
    """Why they may not do that, or None. Operators who are named may ask for everything themselves."""
    helpers = rules.named(Role.OPERATOR)
    if reason := _shut_out(person, rules):
        return Refusal(reason, request, helpers)
    if request.act is Act.READ:
        return None
    if request.act is Act.RUN and (reason := _no_place(request, rules)):
        return Refusal(reason, request, rules.channels if reason is Reason.CHANNEL else frozenset())
    if request.parent is not None and request.owner != person.id and not request.reads:
        return Refusal(Reason.HIDDEN, request, unsure=request.reads is None)
    boss = operates(person, rules)
    unsure = not boss and bool(person.unknown & helpers)
    if request.act is Act.OPERATE:
        return None if boss else Refusal(Reason.OPERATORS, request, helpers, unsure)
    theirs = request.parent is not None or request.owner in (None, person.id)
    if not theirs and not boss:
        return Refusal(Reason.NOT_THEIRS, request, helpers, unsure)
    if request.act is Act.STOP:
        return None
    trusted = boss and bool(helpers)
    return _not_let(person, request, rules, trusted)


def _shut_out(person: Person, rules: Rules) -> Reason | None:
    match person.kind:
        case Kind.BOT:
            return Reason.BOT
        case Kind.GUEST | Kind.STRANGER:
            return None if rules.guests else Reason.NO_MEMBER
        case _:
            return None


def _no_place(request: Request, rules: Rules) -> Reason | None:
    if request.shared and not rules.shared_channels:
        return Reason.SHARED_CHANNEL
    direct = request.channel[:1] in ("", "D")
    return Reason.CHANNEL if rules.channels and not direct and request.channel not in rules.channels else None


def _not_let(person: Person, request: Request, rules: Rules, trusted: bool) -> Refusal | None:
    """Why they may not have that run. Whoever a script names needs no other right to run it."""
    operators = rules.named(Role.OPERATOR)
    if request.script is not None and request.script in rules.scripts:
        named = rules.scripts[request.script]
        if named is None and not operates(person, rules):
            return Refusal(Reason.OPERATORS, request, operators, bool(person.unknown & operators))
        if named is not None:
            let = bool(named) and _has(person, named)
            return None if let else Refusal(Reason.SCRIPT, request, named, let is None)
    if trusted:
        return None
    asking = rules.named(Role.REQUESTER)
    if asking and _has(person, asking | operators) is False:
        return Refusal(Reason.REQUESTERS, request, operators or asking)
    for wanted, role, reason in (
        (request.urgent, Role.URGENT, Reason.URGENT),
        (request.opus, Role.OPUS, Reason.OPUS),
    ):
        named = rules.named(role)
        if wanted and _has(person, named) is not True:
            return Refusal(reason, request, operators or named, bool(person.unknown & (named | operators)))
    return None


def _has(person: Person, named: Iterable[str]) -> bool | None:
    """Whether they are among these; None where nobody knows. Nobody named: everybody is."""
    ids = frozenset(named)
    if not ids or person.id in ids or person.within & ids:
        return True
    return None if person.unknown & ids else False
