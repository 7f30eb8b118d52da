"""What the simulated workspace holds: people, channels, messages, files, and what went over the wire."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]
"""A JSON object as it travels: keys are strings, values are whatever JSON allows."""

ChannelKind = Literal["channel", "private", "dm"]
PingKind = Literal["user", "channel", "here", "everyone", "usergroup"]
EnvelopeState = Literal["sent", "acked", "timeout", "dropped"]


@dataclass(slots=True)
class User:
    """A member of the workspace; `tz` is an IANA zone name."""

    id: str
    name: str
    real_name: str
    tz: str
    is_bot: bool = False
    is_guest: bool = False
    is_single_channel_guest: bool = False
    is_stranger: bool = False
    team_id: str | None = None
    """The workspace of a person from elsewhere, else None."""


@dataclass(slots=True)
class Channel:
    """A place to post. `user` is the person of a direct message, else None."""

    id: str
    name: str
    kind: ChannelKind
    members: list[str]
    user: str | None = None
    archived: bool = False
    topic: str = ""
    is_ext_shared: bool = False


@dataclass(slots=True)
class File:
    """Uploaded bytes. It is shared once a message carries it."""

    id: str
    name: str
    title: str
    mimetype: str
    user: str
    created: datetime
    size: int
    content: bytes | None = None
    shared: bool = False


@dataclass(slots=True)
class Stream:
    """How a message is being written: until `ends`, or until somebody stops it."""

    ends: datetime
    recipient: str | None
    display: str
    stopped_by_user: bool = False


@dataclass(slots=True)
class Session:
    """An agent's session in a thread. While processing, people see Stop."""

    status: str
    title: str = ""
    initiator: str | None = None


@dataclass(slots=True)
class Message:
    """One message as stored. `ephemeral_to` names the only person who sees it."""

    ts: str
    channel: str
    user: str
    text: str
    thread_ts: str | None = None
    blocks: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    edited: str | None = None
    ephemeral_to: str | None = None
    metadata: Json | None = None
    subtype: str | None = None
    stream: Stream | None = None

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    def is_streaming(self, now: datetime) -> bool:
        """Whether the app may write on."""
        return self.stream is not None and not self.stream.stopped_by_user and now < self.stream.ends


@dataclass(frozen=True, slots=True)
class Ping:
    """One notification a message caused; `target` is an id, or the broadcast's own name."""

    at: datetime
    channel: str
    ts: str
    kind: PingKind
    target: str


@dataclass(frozen=True, slots=True)
class Call:
    """One Web API request; `args` never holds a token."""

    n: int
    at: datetime
    method: str
    args: Json
    ok: bool
    error: str | None


@dataclass(slots=True)
class Envelope:
    """One Socket Mode envelope; `ms` is the time until its acknowledgement."""

    n: int
    at: datetime
    type: str
    id: str
    payload: Json
    state: EnvelopeState = "sent"
    ms: int | None = None
    retry_attempt: int = 0
    ack: Json | None = None


@dataclass(slots=True)
class State:
    """The whole workspace. Whoever changes it calls `touch`, which wakes all who wait for a change."""

    team_id: str
    team_name: str
    app_id: str
    bot_user_id: str
    bot_id: str
    base_url: str = ""
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[str, list[Message]] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    home: dict[str, Json] = field(default_factory=dict)
    modals: dict[str, list[Json]] = field(default_factory=dict)
    """The open views of each person, the one on top last, as Slack shows them to the app."""
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict)
    usergroups: dict[str, list[str]] = field(default_factory=dict)
    status: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    prompts: dict[str, list[Json]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    pings: list[Ping] = field(default_factory=list)
    sockets: int = 0
    version: int = 0
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def touch(self) -> None:
        """Says that something changed."""
        self.version += 1
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def changed(self) -> None:
        """Waits for the next change."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    async def until(self, predicate: Callable[["State"], object]) -> None:
        """Waits until the predicate holds; bound it with `asyncio.timeout`."""
        while not predicate(self):
            await self.changed()

    def message(self, channel: str, ts: str) -> Message | None:
        """The message with that timestamp that everyone in the channel sees, or None."""
        return next(
            (m for m in self.messages.get(channel, []) if m.ts == ts and m.ephemeral_to is None), None
        )

    def seen_by(self, user: str, channel: str, ts: str) -> Message | None:
        """The message with that timestamp as that person sees it: theirs alone too, or None."""
        return next(
            (m for m in self.messages.get(channel, []) if m.ts == ts and m.ephemeral_to in (None, user)),
            None,
        )

    def thread(self, channel: str, ts: str) -> list[Message]:
        """The root and its replies, oldest first, without ephemeral ones."""
        return [
            m
            for m in self.messages.get(channel, [])
            if m.ephemeral_to is None and (m.ts == ts or m.thread_ts == ts)
        ]

    def dm_of(self, user: str) -> Channel | None:
        return next((c for c in self.channels.values() if c.kind == "dm" and c.user == user), None)
