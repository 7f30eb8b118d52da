"""What a Web API method is: its arguments, its scope, its rate, its handler."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bot.rehearsal.slack.grants import HISTORY_SCOPE, READ_SCOPE
from bot.rehearsal.slack.state import Channel, Json, Message
from bot.rehearsal.slack.workspace import Workspace

Tier = Literal[1, 2, 3, 4, "special", "none"]


class Refusal(Exception):
    """Slack's `ok: false` with its error name and whatever else the answer carries."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


Handler = Callable[[Workspace, Json], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """`scopes`: any one of them is enough. `app_level`: wants the xapp token, not the bot's."""

    handler: Handler
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    tier: Tier = 3
    app_level: bool = False


def missing_scope(workspace: Workspace, *needed: str) -> Refusal:
    provided = ",".join(sorted(workspace.grants.scopes))
    return Refusal("missing_scope", needed=",".join(needed), provided=provided)


def visible_channel(workspace: Workspace, channel_id: object) -> Channel:
    """A channel the bot may know of: public, or one it sits in."""
    channel = workspace.state.channels.get(str(channel_id))
    if channel is None or (channel.kind != "channel" and workspace.state.bot_user_id not in channel.members):
        raise Refusal("channel_not_found")
    return channel


def readable_channel(workspace: Workspace, channel_id: object) -> Channel:
    """A channel whose messages the bot may read."""
    channel = visible_channel(workspace, channel_id)
    _need(workspace, HISTORY_SCOPE[channel.kind])
    if workspace.state.bot_user_id not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def described_channel(workspace: Workspace, channel_id: object) -> Channel:
    """A channel whose name and members the bot may read."""
    channel = visible_channel(workspace, channel_id)
    _need(workspace, READ_SCOPE[channel.kind])
    return channel


def writable_channel(workspace: Workspace, channel_id: object) -> Channel:
    """A channel the bot may post to."""
    channel = visible_channel(workspace, channel_id)
    inside = workspace.state.bot_user_id in channel.members
    if not inside and "chat:write.public" not in workspace.grants.scopes:
        raise Refusal("not_in_channel")
    if channel.archived:
        raise Refusal("is_archived")
    if channel.kind == "dm" and not workspace.grants.messages_tab:
        raise Refusal("messages_tab_disabled")
    return channel


def known_message(workspace: Workspace, channel: Channel, ts: object) -> Message:
    message = workspace.state.message(channel.id, str(ts))
    if message is None:
        raise Refusal("message_not_found")
    return message


def _need(workspace: Workspace, scope: str) -> None:
    if scope not in workspace.grants.scopes:
        raise missing_scope(workspace, scope)
