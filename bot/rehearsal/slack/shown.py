"""Messages, people, channels and files as Slack's JSON shows them, and as a person reads them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.rehearsal.slack.state import Channel, File, Json, Message, State, User


def message_json(state: State, message: Message, *, with_metadata: bool = False) -> Json:
    """A message as `conversations.replies` returns it."""
    shown: Json = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": _home_of(state, message.user),
    }
    if message.subtype is not None:
        shown["subtype"] = message.subtype
    if message.user == state.bot_user_id:
        shown |= {"bot_id": state.bot_id, "app_id": state.app_id}
    if message.thread_ts is not None:
        shown["thread_ts"] = message.thread_ts
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.files:
        shown |= {"files": [file_json(state, file) for file in message.files], "upload": False}
    if message.edited is not None:
        shown["edited"] = {"user": message.user, "ts": message.edited}
    if message.reactions:
        shown["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    if with_metadata and message.metadata is not None:
        shown["metadata"] = message.metadata
    return shown | _thread_json(state, message)


def _home_of(state: State, user: str) -> str:
    found = state.users.get(user)
    return (found.team_id if found else None) or state.team_id


def _thread_json(state: State, message: Message) -> Json:
    if message.is_reply:
        root = state.message(message.channel, message.thread_ts or "")
        return {"parent_user_id": root.user} if root else {}
    replies = [m for m in state.thread(message.channel, message.ts) if m.is_reply]
    if not replies:
        return {}
    people = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": people,
        "reply_users_count": len(people),
        "latest_reply": replies[-1].ts,
    }


def file_json(state: State, file: File) -> Json:
    """A file as it rides on a message; its links want the bot token."""
    return {
        "id": file.id,
        "created": int(file.created.timestamp()),
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2],
        "pretty_type": file.mimetype,
        "user": file.user,
        "username": "",
        "size": file.size,
        "mode": "hosted",
        "editable": False,
        "is_external": False,
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "channels": None,
        "groups": None,
        "url_private": f"{state.base_url}/files-pri/{file.id}/{file.name}",
        "url_private_download": f"{state.base_url}/files-pri/{file.id}/download/{file.name}",
        "permalink": f"{state.base_url}/files/{file.id}/{file.name}",
    }


def user_json(state: State, user: User, now: datetime) -> Json:
    """A person as `users.info` returns them; `tz_offset` is in seconds east of UTC."""
    team = _home_of(state, user.id)
    offset = now.astimezone(ZoneInfo(user.tz)).utcoffset()
    return {
        "id": user.id,
        "team_id": team,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": False,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": int(offset.total_seconds()) if offset is not None else 0,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_admin": False,
        "is_owner": False,
        "is_restricted": user.is_guest or user.is_single_channel_guest,
        "is_ultra_restricted": user.is_single_channel_guest,
        "is_stranger": user.is_stranger,
        "profile": {
            "real_name": user.real_name,
            "display_name": user.name,
            "team": team,
        },
    }


def channel_json(state: State, channel: Channel) -> Json:
    """A channel as `conversations.info` returns it."""
    if channel.kind == "dm":
        return {"id": channel.id, "is_im": True, "user": channel.user, "is_archived": channel.archived}
    private = channel.kind == "private"
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not private,
        "is_group": private,
        "is_im": False,
        "is_mpim": False,
        "is_private": private,
        "is_archived": channel.archived,
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_member": state.bot_user_id in channel.members,
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def visible(message: Message) -> str:
    """What a person reads: the words of the blocks, or the text where there are none, and file names."""
    words = list(_words(message.blocks)) if message.blocks else [message.text]
    return "\n".join([*words, *(file.name for file in message.files)])


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, dict):
        match value:
            case {"type": "user", "user_id": str(user)}:
                yield f"<@{user}>"
            case {"type": "broadcast", "range": str(name)}:
                yield f"<!{name}>"
        for key in ("title", "name", "label", "caption", "text"):
            if isinstance(value.get(key), str):
                yield value[key]
        for found in value.values():
            if isinstance(found, dict | list):
                yield from _words(found)
