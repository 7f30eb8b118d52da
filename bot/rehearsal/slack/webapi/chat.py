"""chat.*: post, update, delete, whisper, link."""

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.shown import message_json
from bot.rehearsal.slack.state import Channel, Json, Message
from bot.rehearsal.slack.webapi.body import flag
from bot.rehearsal.slack.webapi.content import Content, content, metadata
from bot.rehearsal.slack.webapi.method import (
    Method,
    Refusal,
    known_message,
    visible_channel,
    writable_channel,
)
from bot.rehearsal.slack.workspace import Workspace


def post_message(workspace: Workspace, args: Json) -> Json:
    channel = _addressed(workspace, str(args["channel"]))
    thread_ts = _thread(workspace, channel, args.get("thread_ts"))
    said = content(args)
    broadcast = thread_ts is not None and flag(args.get("reply_broadcast"))
    message = Message(
        ts=workspace.next_ts(),
        channel=channel.id,
        user=workspace.state.bot_user_id,
        text=said.text,
        thread_ts=thread_ts,
        blocks=said.blocks,
        metadata=metadata(args),
        subtype="thread_broadcast" if broadcast else None,
    )
    workspace.post(message, bare_names=said.bare_names)
    return {"channel": channel.id, "ts": message.ts, "message": _shown(workspace, message)}


def update(workspace: Workspace, args: Json) -> Json:
    channel = visible_channel(workspace, args["channel"])
    message = known_message(workspace, channel, args["ts"])
    if message.user != workspace.state.bot_user_id:
        raise Refusal("cant_update_message")
    if message.is_streaming(workspace.now()):
        raise Refusal("streaming_state_conflict")
    if len(str(args.get("text") or "")) > limits.UPDATE_TEXT:
        raise Refusal("msg_too_long")
    found = metadata(args)
    if found is not None and not any(args.get(name) for name in ("text", "blocks", "markdown_text")):
        said = Content(message.text, message.blocks, bare_names=False)
    else:
        said = content(args, default_parse="client")
    message.metadata = found or message.metadata
    workspace.edit(message, said.text, said.blocks, bare_names=said.bare_names)
    shown = _shown(workspace, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}


def delete(workspace: Workspace, args: Json) -> Json:
    channel = visible_channel(workspace, args["channel"])
    message = known_message(workspace, channel, args["ts"])
    if message.user != workspace.state.bot_user_id:
        raise Refusal("cant_delete_message")
    workspace.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(workspace: Workspace, args: Json) -> Json:
    channel = writable_channel(workspace, args["channel"])
    user = str(args["user"])
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    thread_ts = _thread(workspace, channel, args.get("thread_ts"))
    said = content(args)
    message = Message(
        ts=workspace.next_ts(),
        channel=channel.id,
        user=workspace.state.bot_user_id,
        text=said.text,
        thread_ts=thread_ts,
        blocks=said.blocks,
        ephemeral_to=user,
    )
    workspace.post(message)
    return {"message_ts": message.ts}


def get_permalink(workspace: Workspace, args: Json) -> Json:
    channel = visible_channel(workspace, args["channel"])
    message = known_message(workspace, channel, args["message_ts"])
    link = f"{workspace.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _addressed(workspace: Workspace, where: str) -> Channel:
    """A channel by id or #name, or a person by id: their direct message."""
    named = next((c.id for c in workspace.state.channels.values() if f"#{c.name}" == where), where)
    user = workspace.state.users.get(named)
    if user is not None and not user.is_bot:
        named = workspace.open_dm(user.id).id
    return writable_channel(workspace, named)


def _thread(workspace: Workspace, channel: Channel, thread_ts: object) -> str | None:
    if thread_ts in (None, ""):
        return None
    root = workspace.state.message(channel.id, str(thread_ts))
    if root is None or root.is_reply:
        raise Refusal("cannot_reply_to_message")
    return root.ts


def _shown(workspace: Workspace, message: Message) -> Json:
    return message_json(workspace.state, message, with_metadata=True)


_WRITE = ("chat:write",)
_SAID = ("text", "blocks", "attachments", "markdown_text", "parse", "link_names")
_LOOKS = ("icon_emoji", "icon_url", "username", "mrkdwn", "unfurl_links", "unfurl_media")

METHODS = {
    "chat.postMessage": Method(
        post_message,
        ("channel",),
        (*_SAID, *_LOOKS, "thread_ts", "reply_broadcast", "metadata"),
        _WRITE,
        "special",
    ),
    "chat.update": Method(
        update, ("channel", "ts"), (*_SAID, "metadata", "reply_broadcast", "file_ids"), _WRITE
    ),
    "chat.delete": Method(delete, ("channel", "ts"), (), _WRITE),
    "chat.postEphemeral": Method(
        post_ephemeral, ("channel", "user"), (*_SAID, *_LOOKS, "thread_ts"), _WRITE, 4
    ),
    "chat.getPermalink": Method(get_permalink, ("channel", "message_ts"), (), (), "special"),
}
