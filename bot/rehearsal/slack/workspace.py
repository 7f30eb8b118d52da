"""The workspace and what can happen in it, whoever does it: post, edit, delete, react."""

import copy
import mimetypes
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.rehearsal.slack.delivery import Delivery
from bot.rehearsal.slack.events import Events
from bot.rehearsal.slack.grants import Grants
from bot.rehearsal.slack.mentions import pinged
from bot.rehearsal.slack.shown import message_json
from bot.rehearsal.slack.state import Channel, File, Json, Message, Ping, State
from bot.rehearsal.slack.triggers import Triggers

STATUS_LIFE = timedelta(minutes=2)


@dataclass(slots=True)
class ResponseUrl:
    """Where an answer to one command or click may go: five times within 30 minutes."""

    channel: str
    user: str
    expires: datetime
    uses_left: int = 5
    ts: str | None = None


@dataclass(slots=True)
class Workspace:
    """State plus the rules that hold for everybody; the app is told through `events`."""

    state: State
    grants: Grants
    now: Callable[[], datetime]
    delivery: Delivery
    events: Events
    base_url: str = ""
    triggers: Triggers = field(default_factory=Triggers)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    _counted: int = 0
    _last_ts: int = 0

    def next_ts(self) -> str:
        """A timestamp no other message of this workspace has, "seconds.micros"."""
        moment = self.now().astimezone(UTC)
        micros = int(moment.timestamp()) * 1_000_000 + moment.microsecond
        self._last_ts = max(micros, self._last_ts + 1)
        seconds, rest = divmod(self._last_ts, 1_000_000)
        return f"{seconds}.{rest:06d}"

    def number(self) -> int:
        self._counted += 1
        return self._counted

    def post(self, message: Message, *, bare_names: bool = False) -> Message:
        """Stores a message, records whom it pings, tells the app."""
        self.state.messages[message.channel].append(message)
        self.record_pings(message, bare_names=bare_names)
        if message.user == self.state.bot_user_id:
            self.state.status.pop((message.channel, message.thread_ts or message.ts), None)
        self.state.touch()
        if message.ephemeral_to is None:
            self.events.posted(message)
        return message

    def edit(self, message: Message, text: str, blocks: list[Json], *, bare_names: bool = False) -> None:
        before = copy.deepcopy(message_json(self.state, message))
        at = self.next_ts()
        message.text, message.blocks, message.edited = text, blocks, at
        self.record_pings(message, bare_names=bare_names)
        self.state.touch()
        if message.ephemeral_to is None:
            self.events.changed(message, before, at)

    def grown(self, message: Message) -> None:
        """A streamed message was written on; the app is not told of each piece."""
        self.record_pings(message, bare_names=False)
        self.state.touch()

    def finish(self, message: Message, text: str, blocks: list[Json]) -> None:
        """A streamed message is whole."""
        before = copy.deepcopy(message_json(self.state, message))
        message.stream = None
        message.text, message.blocks = text, blocks
        self.grown(message)
        self.events.changed(message, before, self.next_ts())

    def delete(self, message: Message) -> None:
        self.state.messages[message.channel].remove(message)
        self.state.touch()
        if message.ephemeral_to is None:
            self.events.deleted(message, self.next_ts())

    def react(self, message: Message, user: str, name: str) -> bool:
        """Adds a reaction; False when that person has already left it."""
        users = message.reactions.setdefault(name, [])
        if user in users:
            return False
        users.append(user)
        self.state.touch()
        self.events.reacted(message, user, name, self.next_ts(), added=True)
        return True

    def unreact(self, message: Message, user: str, name: str) -> bool:
        """Takes a reaction back; False when that person had not left it."""
        users = message.reactions.get(name, [])
        if user not in users:
            return False
        users.remove(user)
        if not users:
            del message.reactions[name]
        self.state.touch()
        self.events.reacted(message, user, name, self.next_ts(), added=False)
        return True

    def record_pings(self, message: Message, *, bare_names: bool) -> None:
        """Books each target of the app's message once; ephemeral messages notify nobody."""
        if message.user != self.state.bot_user_id or message.ephemeral_to is not None:
            return
        known = {
            (p.kind, p.target) for p in self.state.pings if (p.channel, p.ts) == (message.channel, message.ts)
        }
        for target in pinged(message.text, message.blocks, self.state.users, bare_names=bare_names):
            if target not in known:
                self.state.pings.append(Ping(self.now(), message.channel, message.ts, *target))

    def open_dm(self, user: str) -> Channel:
        """The conversation between a person and the app, made on first use."""
        found = self.state.dm_of(user)
        if found is not None:
            return found
        members = [user, self.state.bot_user_id]
        channel = Channel(f"D{user[1:]}", "directmessage", "dm", members, user=user)
        self.state.channels[channel.id] = channel
        self.state.messages[channel.id] = []
        self.state.touch()
        return channel

    def new_file(self, name: str, user: str, size: int, content: bytes | None = None) -> File:
        kind = "text/markdown" if name.endswith(".md") else mimetypes.guess_type(name)[0]
        file = File(
            id=f"F{self.number():08d}",
            name=name,
            title=name,
            mimetype=kind or "application/octet-stream",
            user=user,
            created=self.now(),
            size=size,
            content=content,
        )
        self.state.files[file.id] = file
        return file

    def status_lines(self) -> dict[str, str]:
        """Thread statuses that still show; one goes away after two minutes."""
        shown = {}
        for (channel, ts), (line, since) in self.state.status.items():
            if self.now() - since < STATUS_LIFE:
                shown[f"{channel}:{ts}"] = line
        return shown

    def stoppable(self, channel: str, ts: str) -> bool:
        """Whether people see Stop: the session works and the app hears of it."""
        session = self.state.sessions.get((channel, ts))
        subscribed = "agent_session_stopped" in self.grants.events
        return session is not None and session.status == "processing" and subscribed

    def response_url(self, channel: str, user: str, ts: str | None = None) -> str:
        key = secrets.token_hex(12)
        expires = self.now() + timedelta(minutes=30)
        self.response_urls[key] = ResponseUrl(channel, user, expires, ts=ts)
        return f"{self.base_url}/response/{self.state.team_id}/{key}"

    def answer_command(self, channel: str, user: str, payload: Json, blocks: list[Json]) -> Message:
        """Posts what the app answered to a command or through a response URL."""
        public = payload.get("response_type") == "in_channel"
        return self.post(
            Message(
                ts=self.next_ts(),
                channel=channel,
                user=self.state.bot_user_id,
                text=str(payload.get("text", "")),
                thread_ts=payload.get("thread_ts"),
                blocks=blocks,
                ephemeral_to=None if public else user,
            )
        )


def notice(workspace: Workspace, channel: str, user: str, text: str) -> Message:
    """Slack's own line to one person, never the app's."""
    message = Message(workspace.next_ts(), channel, "USLACKBOT", text, ephemeral_to=user)
    return workspace.post(message)


def roots(messages: Sequence[Message]) -> list[Message]:
    """Messages of the channel itself, without replies and ephemeral ones."""
    return [
        m for m in messages if m.ephemeral_to is None and (not m.is_reply or m.subtype == "thread_broadcast")
    ]
