"""agents.sessions.*: whether an agent works in a thread, which is what shows people Stop."""

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.state import Json, Message, Session
from bot.rehearsal.slack.webapi.method import Method, Refusal, known_message, writable_channel
from bot.rehearsal.slack.workspace import Workspace

STATUSES = ("active", "processing", "suspended", "closed")
STOP = "agent_session_stopped"


def set_status(workspace: Workspace, args: Json) -> Json:
    root = _root(workspace, args)
    initiator = args.get("initiator_user_id")
    if initiator is not None and initiator not in workspace.state.users:
        raise Refusal("user_not_found")
    return move_session(workspace, root, args["status"], _title(args.get("title")), initiator)


def rename(workspace: Workspace, args: Json) -> Json:
    root = _root(workspace, args)
    session = workspace.state.sessions.get((root.channel, root.ts))
    if session is None:
        raise Refusal("session_not_found")
    session.title = _title(args["title"])
    workspace.state.touch()
    return {}


def move_session(
    workspace: Workspace, root: Message, status: object, title: str = "", initiator: str | None = None
) -> Json:
    """Makes the session or moves it; a title counts only where it is made. Returns Slack's warning."""
    if status not in STATUSES:
        raise Refusal("invalid_arguments")
    session = workspace.state.sessions.setdefault(
        (root.channel, root.ts), Session(str(status), title, initiator)
    )
    session.status = str(status)
    workspace.state.touch()
    if status == "processing" and STOP not in workspace.grants.events:
        warning = f"missing_{STOP}_event_subscription"
        return {"warning": warning, "response_metadata": {"warnings": [warning]}}
    return {}


def _root(workspace: Workspace, args: Json) -> Message:
    if not workspace.grants.agent:
        raise Refusal("not_allowed")
    channel = writable_channel(workspace, args["channel_id"])
    root = known_message(workspace, channel, args["thread_ts"])
    if root.is_reply:
        raise Refusal("invalid_thread_ts")
    return root


def _title(title: object) -> str:
    if len(str(title or "")) > limits.SESSION_TITLE:
        raise Refusal("invalid_arguments")
    return str(title or "")


_LOOKS = ("icon_emoji", "icon_url", "username")

METHODS = {
    "agents.sessions.setStatus": Method(
        set_status,
        ("channel_id", "thread_ts", "status"),
        ("title", "initiator_user_id", *_LOOKS),
        ("chat:write",),
    ),
    "agents.sessions.rename": Method(rename, ("channel_id", "thread_ts", "title"), (), ("chat:write",)),
}
