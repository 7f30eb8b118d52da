"""What Slack says of people, groups and channels, kept for some minutes; none of it keeps anybody waiting."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from bot.access import Kind, Person, is_person_id
from bot.ports import ChatError, Profile, Refused, Room
from dispatch.ports import Clock

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

KEPT: Final = timedelta(minutes=10)
"""What Slack has said counts for so long; where it cannot be asked again, until it can."""

PATIENCE: Final = 1.0
"""Seconds that a request waits for what Slack says: Slack gives us three in all."""

_BACK_OFF: Final = timedelta(seconds=30)
_REMEMBERED: Final = 10_000
_NOT_OURS: Final = frozenset({"user_not_found", "user_not_visible", "users_not_found"})
_log = logging.getLogger(__name__)


class Source(Protocol):
    """What the directory needs of Slack: a part of `ports.Chat`."""

    async def name(self, person: str) -> str:
        """The name a person shows."""
        ...

    async def profile(self, person: str) -> Profile:
        """What somebody is to this workspace."""
        ...

    async def room(self, channel: str) -> Room:
        """A channel's name and who reads it."""
        ...

    async def members(self, group: str) -> frozenset[str]:
        """Who is in a user group (S...) or a channel, by id."""
        ...


@dataclass(frozen=True, slots=True)
class _Told(Generic[T]):
    """What was said, None where nothing ever was, and from when on it is asked for again."""

    value: T | None
    stale_at: datetime


class _Memory(Generic[K, T]):
    """Answers to one kind of question. One is asked only once at a time, whoever waits for it."""

    def __init__(self, ask: Callable[[K], Awaitable[T]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._told: OrderedDict[K, _Told[T]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[None]] = {}

    def known(self, key: K) -> T | None:
        """The newest answer, if there is one, however old."""
        told = self._told.get(key)
        return told.value if told else None

    def put(self, key: K, value: T | None, kept: timedelta = KEPT) -> None:
        """Notes an answer."""
        self._told[key] = _Told(value, self._clock.now() + kept)
        self._told.move_to_end(key)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)

    def asked(self, keys: Iterable[K]) -> list["asyncio.Task[None]"]:
        """Asks for what is not known or not fresh; what to wait for. It goes on where nobody waits."""
        now, under_way = self._clock.now(), []
        for key in keys:
            told = self._told.get(key)
            if told is not None and now < told.stale_at:
                continue
            if key not in self._asking:
                self._asking[key] = asyncio.create_task(self._look_up(key))
            under_way.append(self._asking[key])
        return under_way

    async def _look_up(self, key: K) -> None:
        try:
            self.put(key, await self._ask(key))
        except ChatError as error:
            _log.warning("Slack does not say what %s is: %s", key, error)
            self.put(key, self.known(key), _BACK_OFF)
        finally:
            del self._asking[key]


class Directory:
    """People, groups and channels as Slack knows them. `team` is our workspace.

    What is not known in time is None; what was known once counts until Slack can be asked again.
    """

    def __init__(self, chat: Source, team: str, clock: Clock, patience: float = PATIENCE) -> None:
        self._chat = chat
        self._team = team
        self._clock = clock
        self._patience = patience
        self._slow_until: datetime | None = None
        self._kinds = _Memory(self._kind, clock)
        self._members = _Memory(self._members_of, clock)
        self._rooms = _Memory(chat.room, clock)
        self._names = _Memory(chat.name, clock)

    async def person(self, person: str, groups: Iterable[str], channel: str = "") -> Person:
        """Somebody, and which of the groups they are in. Looks at the channel beside, for `room`."""
        named = list(groups)
        rooms = [channel] if channel[:1] in ("C", "G") else []
        await self._wait(self._kinds.asked([person]) + self._members.asked(named) + self._rooms.asked(rooms))
        found = {group: self._members.known(group) for group in named}
        return Person(
            person,
            self._kinds.known(person),
            frozenset(group for group, members in found.items() if members and person in members),
            frozenset(group for group, members in found.items() if members is None),
        )

    def room(self, channel: str) -> Room | None:
        """What was last said of a channel."""
        return self._rooms.known(channel)

    async def room_names(self, channels: Iterable[str]) -> Mapping[str, str]:
        """What channels are called, of which that is known in time."""
        named = list(channels)
        await self._wait(self._rooms.asked(named))
        return {channel: room.name for channel in named if (room := self._rooms.known(channel)) and room.name}

    async def readable(self, person: str, channels: Iterable[str]) -> frozenset[str]:
        """Those of the channels that a person surely may read: a member of the workspace its public ones."""
        named = [channel for channel in channels if channel[:1] in ("C", "G")]
        await self._wait(self._kinds.asked([person]) + self._rooms.asked(named))
        if self._kinds.known(person) is not Kind.MEMBER:
            return frozenset()
        return frozenset(channel for channel in named if (room := self._rooms.known(channel)) and room.public)

    async def reads(self, person: str, channel: str) -> bool | None:
        """Whether a person may read a channel: a member a public one, anybody one that they are in.

        None where that is not known; nobody else reads direct messages.
        """
        if channel[:1] not in ("C", "G"):
            return False
        if await self.readable(person, [channel]):
            return True
        await self._wait(self._members.asked([channel]))
        members = self._members.known(channel)
        return None if members is None else person in members

    def heard_shared(self, channel: str) -> None:
        """Notes that a request said that another company reads its channel."""
        room = self._rooms.known(channel)
        self._rooms.put(channel, Room(room.name if room else "", True, bool(room and room.public)))

    async def people(self, ids: Iterable[str]) -> list[str]:
        """The people that these ids are or stand for, in a fixed order."""
        named = sorted(ids)
        groups = [one for one in named if not is_person_id(one)]
        await self._wait(self._members.asked(groups))
        found = {one for one in named if is_person_id(one)}
        for group in groups:
            found |= self._members.known(group) or frozenset()
        return sorted(found)

    async def names(self, people: Iterable[str]) -> Mapping[str, str]:
        """What people are called, of whom that is known in time."""
        named = list(people)
        await self._wait(self._names.asked(named))
        return {person: name for person in named if (name := self._names.known(person))}

    async def _wait(self, under_way: Iterable["asyncio.Task[None]"]) -> None:
        """Waits for Slack a little, and not at all where others have just waited in vain."""
        waiting = set(under_way)
        slow = self._slow_until is not None and self._clock.now() < self._slow_until
        if not waiting or slow:
            return
        _, late = await asyncio.wait(waiting, timeout=self._patience)
        if late:
            _log.warning("Slack is slow to say who people are; going on without")
            self._slow_until = self._clock.now() + _BACK_OFF

    async def _kind(self, person: str) -> Kind:
        try:
            return _kind_of(await self._chat.profile(person), self._team)
        except Refused as error:
            if error.code in _NOT_OURS:
                return Kind.STRANGER
            raise

    async def _members_of(self, group: str) -> frozenset[str]:
        try:
            return await self._chat.members(group)
        except Refused as error:
            needed = "the scope usergroups:read" if group.startswith("S") else "an invitation to that channel"
            told = "Slack refused to say who is in %s (%s): nobody counts as in it. The app may need %s."
            _log.error(told, group, error.code, needed)
            return frozenset()


def _kind_of(profile: Profile, team: str) -> Kind:
    if profile.bot:
        return Kind.BOT
    if profile.stranger or profile.gone or (profile.teams and team not in profile.teams):
        return Kind.STRANGER
    return Kind.GUEST if profile.guest else Kind.MEMBER
