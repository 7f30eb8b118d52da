"""The workspace as one person sees it, with what went over the wire, as JSON for the page."""

from bot.rehearsal.slack.state import Channel, File, Json, Message, User
from bot.rehearsal.slack.workspace import Workspace

KEPT = 200


def snapshot(workspace: Workspace, me: User) -> Json:
    """Everything `me` may see. Tokens are never part of it."""
    state = workspace.state
    channels = [c for c in state.channels.values() if c.kind == "channel" or me.id in c.members]
    return {
        "version": state.version,
        "team": {"id": state.team_id, "name": state.team_name},
        "me": me.id,
        "bot": state.bot_user_id,
        "users": [_user(user) for user in state.users.values()],
        "channels": [_channel(channel) for channel in channels],
        "messages": {
            channel.id: [
                {**_message(message), "streaming": message.is_streaming(workspace.now())}
                for message in state.messages[channel.id]
                if message.ephemeral_to in (None, me.id)
            ]
            for channel in channels
        },
        "home": state.home.get(me.id),
        "modal": _modal(state.modals.get(me.id, [])),
        "shortcuts": [
            {"name": each.name, "kind": each.kind, "callback_id": each.callback_id}
            for each in workspace.grants.shortcuts
        ],
        "sessions": {
            f"{channel}:{ts}": {
                "status": session.status,
                "title": session.title,
                "stoppable": workspace.stoppable(channel, ts),
            }
            for (channel, ts), session in state.sessions.items()
        },
        "status": workspace.status_lines(),
        "prompts": state.prompts,
        "calls": [
            {
                "n": call.n,
                "at": call.at.isoformat(),
                "method": call.method,
                "args": call.args,
                "ok": call.ok,
                "error": call.error,
            }
            for call in state.calls[-KEPT:]
        ],
        "envelopes": [
            {
                "n": envelope.n,
                "at": envelope.at.isoformat(),
                "type": envelope.type,
                "id": envelope.id,
                "state": envelope.state,
                "ms": envelope.ms,
                "retry_attempt": envelope.retry_attempt,
                "payload": envelope.payload,
            }
            for envelope in state.envelopes[-KEPT:]
        ],
        "pings": [
            {
                "at": ping.at.isoformat(),
                "channel": ping.channel,
                "ts": ping.ts,
                "kind": ping.kind,
                "target": ping.target,
            }
            for ping in state.pings
        ],
        "sockets": state.sockets,
    }


def _modal(stack: list[Json]) -> Json | None:
    return {"view": stack[-1], "depth": len(stack)} if stack else None


def _user(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "tz": user.tz,
        "is_bot": user.is_bot,
        "is_guest": user.is_guest or user.is_single_channel_guest,
        "is_stranger": user.is_stranger,
    }


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "user": channel.user,
        "members": channel.members,
        "archived": channel.archived,
        "topic": channel.topic,
        "is_ext_shared": channel.is_ext_shared,
    }


def _message(message: Message) -> Json:
    return {
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
        "files": [_file(file) for file in message.files],
        "reactions": [{"name": name, "users": users} for name, users in message.reactions.items()],
        "edited": message.edited is not None,
        "ephemeral_to": message.ephemeral_to,
        "metadata": message.metadata,
    }


def _file(file: File) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "mimetype": file.mimetype,
        "size": file.size,
        "url": f"/_sim/files/{file.id}",
    }
