"""What the app is told: only events it subscribed to, only where it is and has the scope."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from bot.rehearsal.slack.delivery import Delivery
from bot.rehearsal.slack.grants import HISTORY_SCOPE, MESSAGE_EVENT, Grants
from bot.rehearsal.slack.shown import message_json
from bot.rehearsal.slack.state import Channel, Json, Message, State

Tab = Literal["home", "messages"]

_CHANNEL_TYPE = {"channel": "channel", "private": "group", "dm": "im"}


class Events:
    """Turns what happened into `event_callback` envelopes."""

    def __init__(self, state: State, grants: Grants, delivery: Delivery, now: Callable[[], datetime]) -> None:
        self._state = state
        self._grants = grants
        self._delivery = delivery
        self._now = now
        self._numbers = itertools.count(1)
        self._mentions = 0

    def posted(self, message: Message) -> None:
        """A message, and the mention in it. Which of the two comes first alternates."""
        channel = self._state.channels[message.channel]
        mentioned = self._mentions_app(channel, message)
        self._mentions += mentioned
        mention_first = mentioned and self._mentions % 2 == 0
        if mention_first:
            self._mention(message)
        self._message(channel, self._body(message))
        if mentioned and not mention_first:
            self._mention(message)

    def changed(self, message: Message, before: Json, at: str) -> None:
        channel = self._state.channels[message.channel]
        inner = {"message": self._body(message), "previous_message": before}
        self._message(channel, {"type": "message", "subtype": "message_changed", **inner, **_hidden(at)})

    def deleted(self, message: Message, at: str) -> None:
        channel = self._state.channels[message.channel]
        inner = {"deleted_ts": message.ts, "previous_message": self._body(message)}
        self._message(channel, {"type": "message", "subtype": "message_deleted", **inner, **_hidden(at)})

    def reacted(self, message: Message, user: str, name: str, at: str, *, added: bool) -> None:
        kind = "reaction_added" if added else "reaction_removed"
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        inside = self._state.bot_user_id in self._state.channels[message.channel].members
        if inside and kind in self._grants.events and "reactions:read" in self._grants.scopes:
            self._send(
                {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.user},
                at,
            )

    def home_opened(self, user: str, channel: str, at: str, tab: Tab, view: Json | None = None) -> None:
        """The person looks at the app: at its Home tab or, in a direct message, at its Messages tab."""
        shown = self._grants.home_tab if tab == "home" else self._grants.messages_tab
        if "app_home_opened" in self._grants.events and shown:
            seen = {"view": view} if view is not None else {}
            event = {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab}
            self._send({**event, **seen}, at)

    def session_stopped(
        self, channel: str, thread_ts: str, user: str, streams: Sequence[str], at: str
    ) -> None:
        if "agent_session_stopped" in self._grants.events:
            place = {"channel": channel, "user": user, "thread_ts": thread_ts}
            self._send({"type": "agent_session_stopped", **place, "streaming_message_ts": [*streams]}, at)

    def _message(self, channel: Channel, event: Json) -> None:
        grants = self._grants
        inside = self._state.bot_user_id in channel.members
        subscribed = MESSAGE_EVENT[channel.kind] in grants.events
        if inside and subscribed and HISTORY_SCOPE[channel.kind] in grants.scopes:
            kind = {"channel": channel.id, "channel_type": _CHANNEL_TYPE[channel.kind]}
            self._send(event | kind, event["ts"])

    def _mention(self, message: Message) -> None:
        shown = self._body(message)
        event = {name: shown[name] for name in shown.keys() - {"subtype", "parent_user_id"}}
        self._send({**event, "type": "app_mention", "channel": message.channel}, message.ts)

    def _mentions_app(self, channel: Channel, message: Message) -> bool:
        bot = self._state.bot_user_id
        return (
            f"<@{bot}" in message.text
            and message.user != bot
            and channel.kind != "dm"
            and bot in channel.members
            and "app_mention" in self._grants.events
            and "app_mentions:read" in self._grants.scopes
        )

    def _body(self, message: Message) -> Json:
        return message_json(self._state, message)

    def _send(self, event: Json, at: str) -> None:
        n = next(self._numbers)
        place = self._state.channels.get(str(event.get("channel") or event.get("item", {}).get("channel")))
        shared = place is not None and place.is_ext_shared
        self._delivery.send(
            "events_api",
            {
                "token": "verification-token",
                "team_id": self._state.team_id,
                "context_team_id": self._state.team_id,
                "api_app_id": self._state.app_id,
                "event": {**event, "event_ts": at},
                "type": "event_callback",
                "event_id": f"Ev{n:08d}",
                "event_time": int(self._now().timestamp()),
                "authorizations": [
                    {
                        "enterprise_id": None,
                        "team_id": self._state.team_id,
                        "user_id": self._state.bot_user_id,
                        "is_bot": True,
                        "is_enterprise_install": False,
                    }
                ],
                "is_ext_shared_channel": shared,
                "event_context": f"4-event-{n}",
            },
        )


def _hidden(at: str) -> Json:
    return {"hidden": True, "ts": at}
