"""chat.*Stream: a message that grows while the app writes it, for five minutes at most."""

from datetime import timedelta

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.chunks import CHUNKS, grown
from bot.rehearsal.slack.shapes import Misshapen
from bot.rehearsal.slack.state import Channel, Json, Message, Stream
from bot.rehearsal.slack.webapi.content import checked, metadata
from bot.rehearsal.slack.webapi.method import (
    Method,
    Refusal,
    known_message,
    visible_channel,
    writable_channel,
)
from bot.rehearsal.slack.webapi.sessions import STATUSES, move_session
from bot.rehearsal.slack.workspace import Workspace

STREAM_LIFE = timedelta(minutes=5)
_DISPLAYS = ("timeline", "plan", "dense")


def start(workspace: Workspace, args: Json) -> Json:
    channel = writable_channel(workspace, args["channel"])
    root = workspace.state.message(channel.id, str(args["thread_ts"]))
    if root is None or root.is_reply:
        raise Refusal("invalid_thread_ts")
    display = str(args.get("task_display_mode") or "timeline")
    if display not in _DISPLAYS:
        raise Refusal("invalid_arguments")
    recipient = _recipient(workspace, channel, args)
    stream = Stream(workspace.now() + STREAM_LIFE, recipient, display)
    text, blocks = grown("", [], _written(args), display)
    _check_length(text)
    message = Message(
        ts=workspace.next_ts(),
        channel=channel.id,
        user=workspace.state.bot_user_id,
        text=text,
        thread_ts=root.ts,
        blocks=blocks,
        stream=stream,
    )
    workspace.post(message)
    return {"channel": channel.id, "ts": message.ts}


def append(workspace: Workspace, args: Json) -> Json:
    message, stream = _streaming(workspace, args)
    if stream.stopped_by_user:
        raise Refusal("stopped_by_user")
    if not message.is_streaming(workspace.now()):
        raise Refusal("message_not_in_streaming_state")
    chunks = _written(args)
    if not chunks:
        raise Refusal("no_text")
    text, blocks = grown(message.text, message.blocks, chunks, stream.display)
    _check_length(text)
    message.text, message.blocks = text, blocks
    workspace.grown(message)
    return {"channel": message.channel, "ts": message.ts}


def stop(workspace: Workspace, args: Json) -> Json:
    message, stream = _streaming(workspace, args)
    if not message.is_streaming(workspace.now()):
        raise Refusal("message_not_in_streaming_state")
    status = args.get("session_status")
    if status not in (None, *STATUSES):
        raise Refusal("invalid_arguments")
    text, blocks = grown(message.text, message.blocks, _written(args), stream.display)
    _check_length(text)
    ends = checked(args.get("blocks"))
    if not text.strip() and not blocks and not ends:
        raise Refusal("no_text")
    message.metadata = metadata(args) or message.metadata
    root = workspace.state.message(message.channel, message.thread_ts or "")
    said = move_session(workspace, root, status) if status is not None and root is not None else {}
    workspace.finish(message, text, [*blocks, *_apart(ends, len(blocks))])
    return {"channel": message.channel, "ts": message.ts, **said}


def _recipient(workspace: Workspace, channel: Channel, args: Json) -> str | None:
    if channel.kind == "dm":
        return channel.user
    team, user = args.get("recipient_team_id"), args.get("recipient_user_id")
    if not team:
        raise Refusal("missing_recipient_team_id")
    if not user:
        raise Refusal("missing_recipient_user_id")
    if user not in workspace.state.users:
        raise Refusal("user_not_found")
    return str(user)


def _streaming(workspace: Workspace, args: Json) -> tuple[Message, Stream]:
    channel = visible_channel(workspace, args["channel"])
    message = known_message(workspace, channel, args["ts"])
    if message.user != workspace.state.bot_user_id:
        raise Refusal("message_not_owned_by_app")
    if message.stream is None:
        raise Refusal("message_not_in_streaming_state")
    return message, message.stream


def _written(args: Json) -> list[Json]:
    """What a call adds, as chunks; its markdown_text comes first."""
    text, chunks = args.get("markdown_text"), args.get("chunks") or []
    if len(str(text or "")) > limits.MARKDOWN:
        raise Refusal("msg_too_long")
    if chunks:
        try:
            CHUNKS(chunks, "/chunks")
        except Misshapen as wrong:
            messages = [f"[ERROR] {wrong}"]
            raise Refusal("invalid_chunks", response_metadata={"messages": messages}) from None
    for chunk in chunks:
        if chunk["type"] == "blocks":
            checked(chunk["blocks"])
    return [*([{"type": "markdown_text", "text": str(text)}] if text else []), *chunks]


def _check_length(text: str) -> None:
    if len(text) > limits.MARKDOWN:
        raise Refusal("msg_too_long")


def _apart(blocks: list[Json], after: int) -> list[Json]:
    """The last blocks, with ids of their own where Slack gave them one."""
    return [
        {**block, "block_id": f"end{n}"} if block["block_id"] == f"b{n}" and after else block
        for n, block in enumerate(blocks)
    ]


_WRITE = ("chat:write",)
_SAID = ("markdown_text", "chunks")

METHODS = {
    "chat.startStream": Method(
        start,
        ("channel", "thread_ts"),
        (
            *_SAID,
            "recipient_team_id",
            "recipient_user_id",
            "task_display_mode",
            "icon_emoji",
            "icon_url",
            "username",
        ),
        _WRITE,
        2,
    ),
    "chat.appendStream": Method(append, ("channel", "ts"), _SAID, _WRITE, 4),
    "chat.stopStream": Method(
        stop, ("channel", "ts"), (*_SAID, "blocks", "metadata", "session_status"), _WRITE, 2
    ),
}
