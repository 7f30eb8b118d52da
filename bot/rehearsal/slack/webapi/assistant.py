"""assistant.threads.*: the status line and suggested prompts."""

from bot.rehearsal.slack import limits
from bot.rehearsal.slack.state import Json
from bot.rehearsal.slack.webapi.method import Method, Refusal, visible_channel
from bot.rehearsal.slack.workspace import Workspace


def set_status(workspace: Workspace, args: Json) -> Json:
    channel = visible_channel(workspace, args["channel_id"])
    root = workspace.state.message(channel.id, str(args["thread_ts"]))
    if root is None:
        raise Refusal("invalid_thread_ts")
    if len(args.get("loading_messages") or ()) > limits.LOADING_MESSAGES:
        raise Refusal("invalid_arguments")
    place = (channel.id, root.thread_ts or root.ts)
    if args["status"]:
        workspace.state.status[place] = (str(args["status"]), workspace.now())
    else:
        workspace.state.status.pop(place, None)
    workspace.state.touch()
    return {}


def set_suggested_prompts(workspace: Workspace, args: Json) -> Json:
    """With a thread_ts Slack says ok and shows nothing; so does this."""
    channel = visible_channel(workspace, args["channel_id"])
    prompts = args["prompts"]
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= limits.PROMPTS:
        raise Refusal("invalid_arguments")
    if workspace.grants.agent and not args.get("thread_ts"):
        workspace.state.prompts[channel.id] = prompts
        workspace.state.touch()
    return {}


METHODS = {
    "assistant.threads.setStatus": Method(
        set_status,
        ("channel_id", "thread_ts", "status"),
        ("loading_messages", "icon_emoji", "icon_url", "username"),
        ("chat:write",),
        "special",
    ),
    "assistant.threads.setSuggestedPrompts": Method(
        set_suggested_prompts,
        ("channel_id", "prompts"),
        ("thread_ts", "title"),
        ("assistant:write",),
        4,
    ),
}
