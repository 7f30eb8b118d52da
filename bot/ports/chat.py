"""Slack, as the rest of bot/ sees it. Pure.

ChatError
├── Refused         Slack understood and said no; `code` is its word
├── RateLimited     Slack wants us to wait `retry_after` seconds
└── NoAnswer        no answer came; `in_doubt` when what was sent may have arrived
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.views.message import Message


class ChatError(Exception):
    """Slack did not do what was asked."""


class Refused(ChatError):
    """Slack understood and said no."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refused: {code}")
        self.code = code


class RateLimited(ChatError):
    """Slack wants us to wait so many seconds. Nothing was done."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"Slack's rate limit: wait {retry_after:g} s")
        self.retry_after = retry_after


class NoAnswer(ChatError):
    """No answer came."""

    def __init__(self, why: str, in_doubt: bool) -> None:
        super().__init__(f"no answer from Slack: {why}")
        self.in_doubt = in_doubt


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in Slack: ids of our user, our bot and the team, and the scopes of the token."""

    user: str
    bot: str
    team: str
    team_name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack says of somebody. `teams` are the workspaces they belong to, none where it does not say."""

    teams: frozenset[str]
    guest: bool = False
    stranger: bool = False
    bot: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """What Slack says of a channel: its name, whether another company reads it, whether all of ours may."""

    name: str
    shared: bool
    public: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a thread in Slack's escaped form. `person` is an id, or a name where there is none."""

    ts: str
    person: str
    text: str
    files: tuple[str, ...]


class Chat(Protocol):
    """Slack. Every method raises ChatError; none tries again by itself.

    A message's id is its `ts`. Whatever is posted is checked by `views.gate` first, which raises LivePing.
    """

    async def identity(self) -> Identity:
        """Who this token is."""
        ...

    async def post(self, channel: str, message: Message, *, thread: str | None, key: str) -> str:
        """Posts a message that carries `key`; its id."""
        ...

    async def update(self, channel: str, ts: str, message: Message, *, key: str) -> None:
        """Replaces a message of ours."""
        ...

    async def whisper(self, channel: str, person: str, message: Message, *, thread: str | None) -> None:
        """Shows a message to one person only."""
        ...

    async def upload(self, channel: str, filename: str, content: str, *, thread: str | None) -> str:
        """Posts a text file; the file's id."""
        ...

    async def find(self, channel: str, key: str, *, thread: str | None, since: datetime) -> str | None:
        """The id of the message that carries `key`, or of the file of that name, if it has arrived."""
        ...

    async def open_dm(self, person: str) -> str:
        """The channel of our direct messages with a person."""
        ...

    async def thread(self, channel: str, ts: str, *, before: str) -> Sequence[Said]:
        """The thread of a message up to another, oldest first."""
        ...

    async def permalink(self, channel: str, ts: str) -> str:
        """A link to a message."""
        ...

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
