"""users.*, usergroups.*, bots.*, team.*, reactions.*: who is here, and what they left on a message."""

import re

from bot.rehearsal.slack.shown import user_json
from bot.rehearsal.slack.state import Json, Message
from bot.rehearsal.slack.webapi.method import Method, Refusal, known_message, visible_channel
from bot.rehearsal.slack.workspace import Workspace

_EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def user_info(workspace: Workspace, args: Json) -> Json:
    user = workspace.state.users.get(str(args["user"]))
    if user is None:
        raise Refusal("user_not_found")
    return {"user": user_json(workspace.state, user, workspace.now())}


def user_list(workspace: Workspace, _args: Json) -> Json:
    now = workspace.now()
    members = [user_json(workspace.state, user, now) for user in workspace.state.users.values()]
    return {"members": members, "cache_ts": int(now.timestamp()), "response_metadata": {"next_cursor": ""}}


def bot_info(workspace: Workspace, args: Json) -> Json:
    state = workspace.state
    if args.get("bot", state.bot_id) != state.bot_id:
        raise Refusal("bot_not_found")
    return {
        "bot": {
            "id": state.bot_id,
            "deleted": False,
            "name": workspace.grants.app_name,
            "app_id": state.app_id,
            "user_id": state.bot_user_id,
        }
    }


def team_info(workspace: Workspace, _args: Json) -> Json:
    state = workspace.state
    return {"team": {"id": state.team_id, "name": state.team_name, "domain": state.team_name.lower()}}


def usergroup_users(workspace: Workspace, args: Json) -> Json:
    users = workspace.state.usergroups.get(str(args["usergroup"]))
    if users is None:
        raise Refusal("no_such_subteam")
    return {"users": users}


def add_reaction(workspace: Workspace, args: Json) -> Json:
    if not workspace.react(_reactable(workspace, args), workspace.state.bot_user_id, args["name"]):
        raise Refusal("already_reacted")
    return {}


def remove_reaction(workspace: Workspace, args: Json) -> Json:
    if not workspace.unreact(_reactable(workspace, args), workspace.state.bot_user_id, args["name"]):
        raise Refusal("no_reaction")
    return {}


def _reactable(workspace: Workspace, args: Json) -> Message:
    if not _EMOJI.fullmatch(str(args["name"])):
        raise Refusal("invalid_name")
    channel = visible_channel(workspace, args["channel"])
    if workspace.state.bot_user_id not in channel.members:
        raise Refusal("no_access")
    if channel.archived:
        raise Refusal("is_archived")
    return known_message(workspace, channel, args["timestamp"])


_REACTION = ("channel", "name", "timestamp")

METHODS = {
    "users.info": Method(user_info, ("user",), ("include_locale",), ("users:read",), 4),
    "users.list": Method(user_list, (), ("cursor", "limit", "include_locale"), ("users:read",), 2),
    "bots.info": Method(bot_info, (), ("bot",), ("users:read",)),
    "team.info": Method(team_info, (), ("team",), ("team:read",)),
    "usergroups.users.list": Method(
        usergroup_users, ("usergroup",), ("include_disabled",), ("usergroups:read",), 2
    ),
    "reactions.add": Method(add_reaction, _REACTION, (), ("reactions:write",)),
    "reactions.remove": Method(remove_reaction, _REACTION, (), ("reactions:write",), 2),
}
