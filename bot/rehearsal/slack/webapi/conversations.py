"""conversations.*: find, open, join and read."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from bot.rehearsal.slack.grants import HISTORY_SCOPE, READ_SCOPE
from bot.rehearsal.slack.shown import channel_json, message_json
from bot.rehearsal.slack.state import Json, Message
from bot.rehearsal.slack.webapi.body import flag
from bot.rehearsal.slack.webapi.method import (
    Method,
    Refusal,
    described_channel,
    missing_scope,
    readable_channel,
    visible_channel,
)
from bot.rehearsal.slack.workspace import Workspace, roots

T = TypeVar("T")

_KINDS = {"public_channel": "channel", "private_channel": "private", "im": "dm"}


def info(workspace: Workspace, args: Json) -> Json:
    shown = channel_json(workspace.state, described_channel(workspace, args["channel"]))
    if not flag(args.get("include_num_members")):
        shown.pop("num_members", None)
    return {"channel": shown}


def members(workspace: Workspace, args: Json) -> Json:
    channel = described_channel(workspace, args["channel"])
    page, more = _page(channel.members, args, 100)
    return {"members": page, **more}


def list_channels(workspace: Workspace, args: Json) -> Json:
    kinds = {_KINDS.get(name, name) for name in str(args.get("types") or "public_channel").split(",")}
    for kind in kinds & READ_SCOPE.keys():
        if READ_SCOPE[kind] not in workspace.grants.scopes:
            raise missing_scope(workspace, READ_SCOPE[kind])
    hide_archived = flag(args.get("exclude_archived"))
    bot = workspace.state.bot_user_id
    found = [
        channel_json(workspace.state, channel)
        for channel in workspace.state.channels.values()
        if channel.kind in kinds
        and (channel.kind == "channel" or bot in channel.members)
        and not (hide_archived and channel.archived)
    ]
    page, more = _page(found, args, 100)
    return {"channels": page, **more}


def open_conversation(workspace: Workspace, args: Json) -> Json:
    if args.get("channel"):
        return {"channel": {"id": visible_channel(workspace, args["channel"]).id}}
    people = [name for name in str(args.get("users") or "").split(",") if name]
    if not people:
        raise Refusal("users_list_not_supplied")
    if len(people) > 1:
        raise Refusal("method_not_supported_for_channel_type")
    if people[0] not in workspace.state.users:
        raise Refusal("user_not_found")
    known = workspace.state.dm_of(people[0])
    channel = known or workspace.open_dm(people[0])
    shown = channel_json(workspace.state, channel) if flag(args.get("return_im")) else {"id": channel.id}
    return {"no_op": known is not None, "already_open": known is not None, "channel": shown}


def join(workspace: Workspace, args: Json) -> Json:
    channel = visible_channel(workspace, args["channel"])
    if channel.kind != "channel":
        raise Refusal("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refusal("is_archived")
    bot = workspace.state.bot_user_id
    if bot not in channel.members:
        channel.members.append(bot)
        workspace.state.touch()
    return {"channel": channel_json(workspace.state, channel)}


def history(workspace: Workspace, args: Json) -> Json:
    channel = readable_channel(workspace, args["channel"])
    newest_first = list(reversed(roots(workspace.state.messages[channel.id])))
    return _messages(workspace, newest_first, args, 100)


def replies(workspace: Workspace, args: Json) -> Json:
    channel = readable_channel(workspace, args["channel"])
    message = workspace.state.message(channel.id, str(args["ts"]))
    if message is None:
        raise Refusal("thread_not_found")
    return _messages(workspace, workspace.state.thread(channel.id, message.ts), args, 1000)


def _messages(workspace: Workspace, found: Sequence[Message], args: Json, usual: int) -> Json:
    kept = [m for m in found if _within(m.ts, args)]
    page, more = _page(kept, args, usual)
    full = flag(args.get("include_all_metadata"))
    shown = [message_json(workspace.state, m, with_metadata=full) for m in page]
    return {"messages": shown, "has_more": bool(more["response_metadata"]["next_cursor"]), **more}


def _within(ts: str, args: Json) -> bool:
    oldest, latest = _moment(args, "oldest", 0.0), _moment(args, "latest", float("inf"))
    at = float(ts)
    return oldest <= at <= latest if flag(args.get("inclusive")) else oldest < at < latest


def _moment(args: Json, name: str, otherwise: float) -> float:
    try:
        return float(args.get(name) or otherwise)
    except ValueError:
        raise Refusal(f"invalid_ts_{name}") from None


def _page(found: Sequence[T], args: Json, usual: int) -> tuple[list[T], Json]:
    try:
        start = int(base64.b64decode(str(args.get("cursor") or "")) or b"0")
        size = min(max(int(args.get("limit") or usual), 1), 1000)
    except (ValueError, binascii.Error):
        raise Refusal("invalid_cursor") from None
    end = start + size
    cursor = base64.b64encode(str(end).encode()).decode() if end < len(found) else ""
    return list(found[start:end]), {"response_metadata": {"next_cursor": cursor}}


_READ = tuple(READ_SCOPE.values())
_HISTORY = tuple(HISTORY_SCOPE.values())
_PAGED = ("cursor", "limit")
_RANGE = (*_PAGED, "oldest", "latest", "inclusive", "include_all_metadata")

METHODS = {
    "conversations.info": Method(info, ("channel",), ("include_num_members", "include_locale"), _READ),
    "conversations.members": Method(members, ("channel",), _PAGED, _READ, 4),
    "conversations.list": Method(list_channels, (), (*_PAGED, "types", "exclude_archived"), _READ, 2),
    "conversations.open": Method(
        open_conversation, (), ("channel", "users", "return_im", "prevent_creation"), ("im:write",)
    ),
    "conversations.join": Method(join, ("channel",), (), ("channels:join",)),
    "conversations.history": Method(history, ("channel",), _RANGE, _HISTORY),
    "conversations.replies": Method(replies, ("channel", "ts"), _RANGE, _HISTORY),
}
