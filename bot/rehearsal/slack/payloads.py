"""What the app is told of a person's interactions: commands, presses, forms, shortcuts."""

from bot.rehearsal.slack.shown import message_json
from bot.rehearsal.slack.state import Channel, Json, Message, User
from bot.rehearsal.slack.workspace import Workspace

_TOKEN = "verification-token"  # noqa: S105  Slack sends one; the simulator's says what it is


def command(workspace: Workspace, person: User, place: Channel, name: str, text: str) -> Json:
    """A slash command; `text` as Slack passes it on."""
    names = {"dm": "directmessage", "private": "privategroup"}
    return {
        "token": _TOKEN,
        "api_app_id": workspace.state.app_id,
        "trigger_id": workspace.triggers.give(person.id, workspace.now()),
        "response_url": workspace.response_url(place.id, person.id),
        "team_id": workspace.state.team_id,
        "team_domain": workspace.state.team_name.lower(),
        "channel_id": place.id,
        "channel_name": names.get(place.kind, place.name),
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "is_enterprise_install": "false",
    }


def press_in_message(
    workspace: Workspace, person: User, place: Channel, message: Message, action: Json
) -> Json:
    """Block actions of a message; one that only its reader sees is not told."""
    ephemeral = message.ephemeral_to is not None
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": place.id,
        "is_ephemeral": ephemeral,
    }
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    payload = {
        "type": "block_actions",
        **_interaction(workspace, person),
        "api_app_id": workspace.state.app_id,
        "response_url": workspace.response_url(place.id, person.id, message.ts),
        "container": container,
        "channel": {"id": place.id, "name": place.name},
        "state": {"values": {}},
        "actions": [{**action, "action_ts": workspace.next_ts()}],
    }
    return payload if ephemeral else {**payload, "message": message_json(workspace.state, message)}


def press_in_view(workspace: Workspace, person: User, view: Json, action: Json) -> Json:
    """Block actions of a modal or of the Home tab."""
    return {
        "type": "block_actions",
        **_interaction(workspace, person),
        "api_app_id": workspace.state.app_id,
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [{**action, "action_ts": workspace.next_ts()}],
    }


def submission(workspace: Workspace, person: User, view: Json) -> Json:
    return {
        "type": "view_submission",
        **_interaction(workspace, person),
        "api_app_id": workspace.state.app_id,
        "view": view,
        "response_urls": [],
    }


def closed(workspace: Workspace, person: User, view: Json, *, cleared: bool) -> Json:
    told = _interaction(workspace, person)
    del told["trigger_id"]
    return {
        "type": "view_closed",
        **told,
        "api_app_id": workspace.state.app_id,
        "view": view,
        "is_cleared": cleared,
    }


def global_shortcut(workspace: Workspace, person: User, callback_id: str) -> Json:
    return {
        "type": "shortcut",
        **_interaction(workspace, person),
        "action_ts": workspace.next_ts(),
        "callback_id": callback_id,
    }


def message_shortcut(
    workspace: Workspace, person: User, place: Channel, message: Message, callback_id: str
) -> Json:
    names = {"dm": "directmessage", "private": "privategroup"}
    return {
        "type": "message_action",
        **_interaction(workspace, person),
        "action_ts": workspace.next_ts(),
        "callback_id": callback_id,
        "response_url": workspace.response_url(place.id, person.id),
        "message_ts": message.ts,
        "channel": {"id": place.id, "name": names.get(place.kind, place.name)},
        "message": message_json(workspace.state, message),
    }


def _interaction(workspace: Workspace, person: User) -> Json:
    state = workspace.state
    return {
        "token": _TOKEN,
        "trigger_id": workspace.triggers.give(person.id, workspace.now()),
        "team": {"id": state.team_id, "domain": state.team_name.lower()},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": person.team_id or state.team_id,
        },
    }
