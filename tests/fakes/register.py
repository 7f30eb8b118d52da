"""What Slack says of people, groups and channels, as a test decides."""

import asyncio
from dataclasses import dataclass, field

from bot.ports import ChatError, Profile, Refused, Room

TEAM = "TACME0001"
MEMBER = Profile(teams=frozenset({TEAM}))


@dataclass
class FakeRegister:
    """`directory.Source`. Whom it does not know is a member; while `error` is set every call ends with it.

    While `slow` is set calls wait for `answering`. `calls` are the ids it was asked about.
    """

    profiles: dict[str, Profile] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    error: ChatError | None = None
    slow: bool = False
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[str] = field(default_factory=list)

    async def name(self, person: str) -> str:
        await self._called(person)
        return person[1:4].lower()

    async def profile(self, person: str) -> Profile:
        await self._called(person)
        return self.profiles.get(person, MEMBER)

    async def room(self, channel: str) -> Room:
        await self._called(channel)
        return self.rooms.get(channel, Room(channel[1:4].lower(), shared=False))

    async def members(self, group: str) -> frozenset[str]:
        await self._called(group)
        if group not in self.groups:
            raise Refused("no_such_subteam")
        return self.groups[group]

    async def _called(self, about: str) -> None:
        self.calls.append(about)
        if self.slow:
            await self.answering.wait()
        if self.error is not None:
            raise self.error
