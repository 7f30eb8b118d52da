"""files.*: the three steps of an upload, and what is known of a file."""

from collections.abc import Sequence

from bot.rehearsal.slack.shown import file_json
from bot.rehearsal.slack.state import Channel, File, Json, Message
from bot.rehearsal.slack.webapi.content import checked
from bot.rehearsal.slack.webapi.method import Method, Refusal, writable_channel
from bot.rehearsal.slack.workspace import Workspace


def get_upload_url(workspace: Workspace, args: Json) -> Json:
    try:
        size = int(args["length"])
    except ValueError:
        raise Refusal("invalid_arguments") from None
    if size <= 0:
        raise Refusal("invalid_arguments")
    file = workspace.new_file(str(args["filename"]), workspace.state.bot_user_id, size)
    return {"upload_url": f"{workspace.base_url}/upload/{file.id}", "file_id": file.id}


def complete_upload(workspace: Workspace, args: Json) -> Json:
    files = [_uploaded(workspace, item) for item in _wanted(args["files"])]
    place = args.get("channel_id")
    channel = writable_channel(workspace, place) if place else None
    root = _thread(workspace, channel, args.get("thread_ts"))
    blocks = checked(args.get("blocks"))
    for file in files:
        file.shared = True
    if channel is not None:
        workspace.post(
            Message(
                ts=workspace.next_ts(),
                channel=channel.id,
                user=workspace.state.bot_user_id,
                text=str(args.get("initial_comment") or ""),
                thread_ts=root,
                blocks=blocks,
                files=files,
                subtype="file_share",
            )
        )
    return {"files": [file_json(workspace.state, file) for file in files]}


def info(workspace: Workspace, args: Json) -> Json:
    file = workspace.state.files.get(str(args["file"]))
    if file is None or file.content is None:
        raise Refusal("file_not_found")
    return {
        "file": file_json(workspace.state, file),
        "comments": [],
        "response_metadata": {"next_cursor": ""},
    }


def _wanted(files: object) -> Sequence[Json]:
    if not isinstance(files, list) or not files or not all(isinstance(f, dict) and "id" in f for f in files):
        raise Refusal("invalid_arguments")
    return files


def _uploaded(workspace: Workspace, item: Json) -> File:
    file = workspace.state.files.get(str(item["id"]))
    if file is None or file.content is None or file.shared:
        raise Refusal("file_not_found")
    file.title = str(item.get("title") or file.name)
    return file


def _thread(workspace: Workspace, channel: Channel | None, thread_ts: object) -> str | None:
    if channel is None or not thread_ts:
        return None
    root = workspace.state.message(channel.id, str(thread_ts))
    if root is None or root.is_reply:
        raise Refusal("invalid_thread_ts")
    return root.ts


_WRITE = ("files:write",)

METHODS = {
    "files.info": Method(info, ("file",), ("count", "page", "limit", "cursor"), ("files:read",), 4),
    "files.getUploadURLExternal": Method(
        get_upload_url, ("filename", "length"), ("alt_txt", "snippet_type"), _WRITE, 4
    ),
    "files.completeUploadExternal": Method(
        complete_upload,
        ("files",),
        ("channel_id", "channels", "thread_ts", "initial_comment", "blocks"),
        _WRITE,
        4,
    ),
}
